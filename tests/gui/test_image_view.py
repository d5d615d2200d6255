"""The photo with its heatmap: zoom, divider, contour, cells, words, the value at a place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.inspect.heatmap.contour import contour_lines, value_at
from resnet_desktop.gui.inspect.heatmap.heat_painter import HeatStyle, heat_layer
from resnet_desktop.gui.inspect.photo.image_view import ImageView
from resnet_desktop.gui.style.qt_image import heat_qimage
from resnet_desktop.gui.widgets.elided_label import ElidedLabel
from resnet_desktop.imaging.heat.overlay import upsample
from resnet_desktop.imaging.transforms import Box
from resnet_desktop.session.results import Evidence, Failure

GREY = QColor("#808080")


def evidence(values: NDArray[np.float32] | None = None, **changes: Any) -> Evidence:
    """A map over the middle half of the photo: cold but for one cell."""
    if values is None:
        values = np.zeros((4, 4), np.float32)
        values[1, 2] = 1.0
    given: dict[str, Any] = {"values": values, "raw": values * 3, "peak": 3.0, "empty": False, **changes}
    return Evidence(
        item=0, target=1, label="teapot", layer="layer4.1", box=Box(0.25, 0.0, 0.75, 1.0), fit="crop", **given
    )


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    """600 x 432 pixels, with a grey photo of 300 x 200: it lies at 16 to 584 and 27 to 405."""
    result = ImageView()
    qtbot.addWidget(result)
    result.resize(600, 432)
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    image.fill(GREY)
    result.show_photo(image)
    return result


def seen(view: ImageView, x: float, y: float) -> QColor:
    """The colour at a place of the box that the network saw, as fractions of it."""
    width, height = 568.0, 568 / 1.5
    left, top = 16 + width / 4, 216 - height / 2
    return view.grab().toImage().pixelColor(round(left + x * width / 2), round(top + y * height))


def point_at(view: ImageView, x: float, y: float) -> None:
    """The pointer comes to a place of the view."""
    none = Qt.MouseButton.NoButton
    where = QPointF(x, y)
    moved = QMouseEvent(QEvent.Type.MouseMove, where, where, none, none, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.sendEvent(view, moved)


def test_the_view_zooms_moves_and_fits(view: ImageView, qtbot: QtBot) -> None:
    view.show_evidence(evidence(), HeatStyle())
    zooms: list[float] = []
    view.zoom_changed.connect(zooms.append)
    view.zoom_by(2.0, QPointF(100, 100))
    view.zoom_by(1000.0)
    qtbot.keyClick(view, Qt.Key.Key_0)
    view.zoom_by(0.1)
    assert zooms == [2.0, 16.0, 1.0, 1.0]
    assert seen(view, 0.1, 0.9) == GREY  # a cold place inside the frame: the photo
    assert view.grab().toImage().pixelColor(60, 200) != GREY  # outside it: dimmed
    view.show_failure(Failure("empty_file", "It is empty.", "Copy or download it again."))
    assert not view.has_photo


def test_another_view_shows_the_same_part(view: ImageView, qtbot: QtBot) -> None:
    other = ImageView()
    qtbot.addWidget(other)
    other.resize(300, 216)
    other.show_photo(QImage(300, 200, QImage.Format.Format_RGB32))
    view.view_changed.connect(other.set_view)
    view.zoom_by(3.0, QPointF(150, 120))
    assert other.zoom == pytest.approx(3.0)
    assert other.centre == view.centre
    assert other.centre.x() < 0.5
    view.fit()
    assert other.zoom == 1.0


def test_cells_have_edges_and_smooth_maps_have_none(view: ImageView) -> None:
    view.set_opacity(1.0)
    view.show_evidence(evidence(), HeatStyle("inferno", smooth=False))
    inside, outside = seen(view, 0.51, 0.375), seen(view, 0.47, 0.375)
    assert outside == GREY
    assert inside.lightness() > 180
    view.show_evidence(evidence(), HeatStyle("inferno", smooth=True))
    assert seen(view, 0.51, 0.375) != inside
    assert seen(view, 0.47, 0.375) != GREY
    assert heat_qimage(evidence().values, "grey", smooth=False).pixelColor(260, 190) == QColor("white")  # type: ignore[arg-type]


def test_a_divider_splits_the_photo_and_is_dragged(view: ImageView, qtbot: QtBot) -> None:
    even = evidence(np.ones((4, 4), np.float32))
    view.set_opacity(1.0)
    view.show_evidence(even, HeatStyle())
    view.divider.set_on(True)
    assert view.divider.place == 0.5
    assert seen(view, 0.3, 0.3) == GREY
    hot = seen(view, 0.7, 0.3)
    assert hot != GREY
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=QPoint(300, 60))
    point_at(view, 200, 60)
    qtbot.mouseRelease(view, left, pos=QPoint(200, 60))
    assert view.divider.place == pytest.approx((200 - 16) / 568, abs=0.01)
    assert seen(view, 0.3, 0.3) == hot
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.divider.place == pytest.approx((200 - 16) / 568 + 0.04, abs=0.01)
    for _ in range(40):
        qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.divider.place == 0.0
    view.divider.set_on(False)
    assert view.divider.place is None


def test_the_place_under_the_pointer_is_told_in_the_box(view: ImageView) -> None:
    places: list[QPointF | None] = []
    view.hovered.connect(places.append)
    point_at(view, 300, 216)
    assert not [place for place in places if place is not None]  # there is no heatmap
    view.show_evidence(evidence(), HeatStyle())
    point_at(view, 300, 216)
    where = places[-1]
    assert where is not None
    assert where.x() == pytest.approx(0.5, abs=0.01)
    assert where.y() == pytest.approx(0.5, abs=0.01)
    point_at(view, 40, 216)
    assert places[-1] is None


def test_what_is_empty_is_said_on_the_photo(view: ImageView) -> None:
    empty = evidence(np.zeros((4, 4), np.float32), empty=True)
    view.show_evidence(empty, HeatStyle(contour=0.5))
    assert view.layer is None
    assert view.words == "No positive evidence for teapot at this layer"
    assert view.accessibleDescription() == view.words
    with_words = view.grab().toImage()
    view.set_heat_shown(False)
    assert view.grab().toImage() != with_words
    view.show_evidence(evidence(values=None, problem=None), HeatStyle())
    assert view.layer is not None
    assert not view.words
    without = Evidence(0, 1, "teapot", None, False, "", Box(0, 0, 1, 1), "crop", problem=Failure("a", "No rule."))
    view.show_evidence(without, HeatStyle())
    assert view.layer is None
    assert view.accessibleDescription() == "No heatmap"


@pytest.mark.parametrize("smooth", [True, False])
def test_a_contour_separates_hot_from_cold(smooth: bool) -> None:
    rng = np.random.default_rng(4)
    values = rng.random((6, 5), np.float32)
    lines = contour_lines(values, 0.6, smooth=smooth)
    assert lines
    for line in lines:
        middle, normal = line.center(), line.normalVector().unitVector()
        step = QPointF(normal.dx(), normal.dy()) * 0.004
        ends = [middle + step, middle - step]
        if all(0.01 < p.x() < 0.99 and 0.01 < p.y() < 0.99 for p in ends):  # not where lines close at the border
            low, high = sorted(value_at(values, p.x(), p.y(), smooth=smooth) for p in ends)
            assert low <= 0.6 + 0.03
            assert high >= 0.6 - 0.03
            if not smooth:
                assert low < 0.6 <= high


def test_a_contour_closes_at_the_border_and_may_be_empty() -> None:
    values = np.zeros((3, 3), np.float32)
    values[0, 0] = 1.0
    edges = contour_lines(values, 0.5, smooth=False)
    assert len(edges) == 4
    ends = [(end.x(), end.y()) for line in edges for end in (line.p1(), line.p2())]
    assert all(ends.count(end) == 2 for end in ends)
    assert contour_lines(np.zeros((3, 3), np.float32), 0.5) == ()
    assert heat_layer(evidence(), HeatStyle(contour=0.5)).lines  # type: ignore[union-attr]
    assert not heat_layer(evidence(), HeatStyle()).lines  # type: ignore[union-attr]


def test_the_value_at_a_place_is_the_one_that_is_drawn() -> None:
    values = np.random.default_rng(2).random((4, 7), np.float32)
    smooth = upsample(values, (280, 160))
    cells = upsample(values, (280, 160), smooth=False)
    for x, y in ((0.01, 0.02), (0.5, 0.5), (0.31, 0.77), (0.999, 0.999)):
        row, column = int(y * 160), int(x * 280)
        middle = ((column + 0.5) / 280, (row + 0.5) / 160)
        assert value_at(values, *middle) == pytest.approx(smooth[row, column], abs=1e-4)
        assert value_at(values, *middle, smooth=False) == cells[row, column]
    assert value_at(values, 1.0, 1.0, smooth=False) == values[-1, -1]


def test_a_long_line_ends_with_dots_and_tells_the_rest(qtbot: QtBot) -> None:
    label = ElidedLabel("a name that is rather long for so narrow a place")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.show()
    assert label.toolTip() == label.text()
    cut = label.grab().toImage()
    label.setText("short")
    assert label.toolTip() == ""
    assert label.grab().toImage() != cut
    label.close()
