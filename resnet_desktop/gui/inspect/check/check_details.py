"""What the verdict on a heatmap rests on: pictures and curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from resnet_desktop.gui.inspect.check.curve_chart import CurveChart, RemovalCurve
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.gui.widgets.canvas import charts
from resnet_desktop.gui.widgets.canvas.charts import Scale
from resnet_desktop.gui.widgets.canvas.tiles import Tile, Tiles
from resnet_desktop.gui.widgets.help import help_texts
from resnet_desktop.gui.widgets.help.help_button import HelpButton
from resnet_desktop.gui.widgets.help.help_texts import Help
from resnet_desktop.gui.widgets.plain import PlainLabel
from resnet_desktop.session.inspections import CheckedHeatmap, Explained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resnet_desktop.explain.checks.faithfulness import Curves
    from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck
    from resnet_desktop.inference.classifier import ClassScore

_FOUR_ABREAST, _TWO_ABREAST = 1000, 440
_OPACITY = 0.6


class CheckDetails(QWidget):
    """The photo without its hottest part, the curves, and the maps of scrambled networks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._checked: CheckedHeatmap | None = None
        self._colours = "viridis"
        self._columns = 0
        self.photos, self.maps = Tiles(176, least=100), Tiles(116, least=92)
        self.curves = tuple(CurveChart() for _ in range(4))
        self._removed = _Section(self.tr("Without the hottest part"), None)
        self._removal = _Section(self.tr("Removal and restoration"), help_texts.removal_curves())
        self._scrambled = _Section(self.tr("With scrambled weights"), help_texts.randomization())
        self._grid = QGridLayout()
        self._build()
        self.arrange(_TWO_ABREAST)

    def arrange(self, width: int) -> None:
        """Charts abreast as there is room."""
        columns = 4 if width >= _FOUR_ABREAST else 2 if width >= _TWO_ABREAST else 1
        if columns == self._columns:
            return
        self._columns = columns
        for place, chart in enumerate(self.curves):
            self._grid.removeWidget(chart)
            self._grid.addWidget(chart, place // columns, place % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def show_check(self, checked: CheckedHeatmap) -> None:
        """Show the tests of a heatmap."""
        self._checked = checked
        check = checked.check
        part = wording.percent(float(check.removed.mask.mean()))
        self._removed.say(
            self.tr(
                "The hottest {part} of the picture, inside the white line, is blurred. If the map is right, the class "
                "should become less likely."
            ).format(part=part)
        )
        self._removal.say(
            self.tr(
                "The probability of {name} as pixels are removed, hottest first, and as they are restored. Grey: "
                "random maps. The larger the blue area, the more this map beats them; orange is where they beat it."
            ).format(name=_explained(check))
        )
        self._scrambled.say(self._scrambled_words(check))
        self._show_curves(check)
        self._refresh_pictures()

    def set_colormap(self, name: str) -> None:
        """One of ``imaging.overlay.COLORMAPS``."""
        self._colours = name
        self._refresh_pictures()

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        for section in (self._removed, self._removal, self._scrambled):
            section.refresh_theme()
        for widget in (self.photos, self.maps, *self.curves):
            widget.update()

    def _build(self) -> None:
        self.photos.setAccessibleName(self.tr("The photo, and the photo without its hottest part"))
        self.maps.setAccessibleName(self.tr("The map as more and more weights are scrambled"))
        self._grid.setHorizontalSpacing(theme.M)
        self._grid.setVerticalSpacing(theme.M)
        self._removed.body.addWidget(self.photos)
        self._removal.body.addLayout(self._grid)
        self._scrambled.body.addWidget(self.maps)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.XS, 0, 0)
        layout.setSpacing(theme.M)
        for section in (self._removed, self._removal, self._scrambled):
            layout.addWidget(section)

    def _show_curves(self, check: HeatmapCheck) -> None:
        blurred, mean = self.tr("blurred"), self.tr("mean colour")
        found = [
            curve
            for words, curves in ((blurred, check.blur), (mean, check.mean))
            for curve in self._pair(words, curves)
        ]
        most = max(max((*curve.values, *curve.random)) for curve in found)
        scale = Scale(0.0, 1.0, percent=True) if most > 0.25 else Scale.upward((most,), least=0.01, percent=True)
        for chart, curve in zip(self.curves, found, strict=True):
            chart.show_curve(curve, scale)

    def _pair(self, words: str, curves: Curves) -> tuple[RemovalCurve, RemovalCurve]:
        fractions = _numbers(curves.fractions)
        random = _numbers(curves.random)
        away = RemovalCurve(
            title=self.tr("Removed ({baseline}): lower is better").format(baseline=words),
            across=self.tr("removed"),
            fractions=fractions,
            values=_numbers(curves.deletion),
            random=random,
            area=curves.deletion_area,
            random_area=curves.random_area,
            low_is_good=True,
        )
        back = RemovalCurve(
            title=self.tr("Restored ({baseline}): higher is better").format(baseline=words),
            across=self.tr("restored"),
            fractions=fractions,
            values=_numbers(curves.insertion),
            random=random[::-1],  # see Curves.random
            area=curves.insertion_area,
            random_area=curves.random_area,
            low_is_good=False,
        )
        return away, back

    def _scrambled_words(self, check: HeatmapCheck) -> str:
        report = check.sanity
        if not report.steps:
            return self.tr("This network has no weights that could be scrambled.")
        if not report.about_the_model:
            end = self.tr("It hardly changes, so it does not show what the network has learned.")
        elif not report.about_the_class:
            end = self.tr("It changes only below the layer that separates the classes.")
        else:
            end = self.tr("It does.")
        return self.tr("The same map as the network forgets layer after layer. It should change. {end}").format(end=end)

    def _refresh_pictures(self) -> None:
        checked = self._checked
        if checked is None:
            return
        removed = checked.check.removed
        own = checked.explained
        after = replace(own, probability=checked.explained_after)
        self.photos.show_tiles(
            (
                _photo_tile(to_qimage(checked.seen), checked.before, own, None),
                _photo_tile(to_qimage(_outlined(checked.changed, removed.mask)), removed.prediction.scores, after, ""),
            )
        )
        tiles = [Tile(self._painted(checked.seen, checked.cam), self.tr("trained"), smooth=True)]
        for step in checked.check.sanity.steps:
            lines = [
                self.tr("rank corr. {value}").format(value=charts.number(round(step.rank_correlation, 2), 2)),
                self.tr("SSIM {value}").format(value=charts.number(round(step.ssim, 2), 2)),
            ]
            name = self._part_of_network(step.name)
            note = self.tr("All weights from the end down to here are scrambled: {name}").format(name=name)
            if not (step.cam > 0).any():
                lines.append(self.tr("empty map"))
            tiles.append(
                Tile(self._painted(checked.seen, step.cam), name, tuple(lines), note=note, arrow="", smooth=True)
            )
        self.maps.show_tiles(tiles)

    def _part_of_network(self, name: str) -> str:
        """A group of weights, as layers are called elsewhere in the window."""
        named = {"fc": self.tr("Last layer"), "head": self.tr("Last layer"), "stem": self.tr("First layers")}
        digits = name.removeprefix("layer").removeprefix("stage ")
        return self.tr("Stage {number}").format(number=digits) if digits.isdigit() else named.get(name, name)

    def _painted(self, picture: NDArray[np.uint8], cam: NDArray[np.float32]) -> QImage:
        from resnet_desktop.imaging.heat.overlay import paint, scale_map
        from resnet_desktop.imaging.transforms import Box

        height, width = picture.shape[:2]
        scaled = scale_map(cam)
        if scaled.empty:
            return to_qimage(picture)
        box = Box(0, 0, width, height)
        return to_qimage(paint(picture, scaled.values, box, name=self._colours, opacity=_OPACITY))


class _Section(QFrame):
    """A card with a heading, one sentence, and ``body`` below."""

    def __init__(self, title: str, help_: Help | None) -> None:
        super().__init__()
        self.setProperty("card", "true")
        self._title, self._words = PlainLabel(title), PlainLabel()
        self._words.setWordWrap(True)
        self._words.setProperty("tone", "secondary")
        self._help = HelpButton(help_) if help_ is not None else None
        head = QHBoxLayout()
        head.setSpacing(theme.XS)
        head.addWidget(self._title)
        if self._help is not None:
            head.addWidget(self._help)
        head.addStretch(1)
        self.body = QVBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.L, theme.M, theme.L, theme.L)
        layout.setSpacing(theme.S)
        layout.addLayout(head)
        layout.addWidget(self._words)
        layout.addSpacing(theme.XS)
        layout.addLayout(self.body)
        self.refresh_theme()

    def say(self, text: str) -> None:
        """The sentence below the heading."""
        self._words.setText(text)

    def refresh_theme(self) -> None:
        """Follow colours and font."""
        self._title.setFont(theme.font(1.05, strong=True))
        if self._help is not None:
            self._help.refresh_theme()


def _photo_tile(image: QImage, scores: Sequence[ClassScore], explained: Explained, arrow: str | None) -> Tile:
    """A photo with its three best classes; what is explained is among them in any case."""
    shown: list[ClassScore | Explained] = list(scores[:3])
    if explained.label not in [score.label for score in shown]:
        shown = [*shown[:2], explained]
    words = [f"{score.label} {wording.percent(score.probability, 1)}" for score in shown]
    return Tile(image, words[0], tuple(words[1:]), arrow=arrow, smooth=True, note="\n".join(words))


def _explained(check: HeatmapCheck) -> str:
    return check.label if check.against_label is None else f"{check.label} / {check.against_label}"


def _outlined(picture: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The picture with a white line around what is True in ``mask``."""
    import numpy as np

    inside = np.pad(mask, 1, mode="edge")
    whole = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    result = picture.copy()
    result[mask & ~whole] = 255
    return result


def _numbers(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
