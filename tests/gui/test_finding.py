"""Finding and filtering: what is asked for is seen, counts are right, and what is hidden is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from resnet_desktop.gui.background.thumbnails import Thumbnails
from resnet_desktop.gui.gallery.facet_list import FacetList
from resnet_desktop.gui.gallery.gallery_model import GalleryModel
from resnet_desktop.gui.gallery.gallery_view import GalleryView
from resnet_desktop.gui.gallery.photo_classes import PhotoClass
from resnet_desktop.gui.gallery.photo_filter import (
    FAILED,
    LABELLED,
    UNFAMILIAR,
    UNLABELLED,
    UNSURE,
    PhotoFacts,
    PhotoFilter,
    sieve,
)
from resnet_desktop.gui.gallery.photo_list import PhotoList
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Failure, Result

from .conftest import OpenWindow, wait_settled


def result(label: str, probability: float, *, sure: bool = True, unfamiliar: bool = False) -> Result:
    return Result((ClassScore(0, label, probability),), unfamiliar, "CPU", 0.1, (640, 480), None, sure)


PHOTOS: tuple[tuple[str, Result | Failure | None], ...] = (
    ("garden/ant 1.jpg", result("ant", 0.95)),
    ("garden/bee.jpg", result("bee", 0.4, sure=False)),
    ("house/ant 2.jpg", result("ant", 0.7, unfamiliar=True)),
    ("house/note.jpg", Failure("empty_file", "note.jpg is empty.")),
    ("house/late.jpg", None),
    ("house/wasp.jpg", result("wasp", 0.3, sure=False, unfamiliar=True)),
)


@pytest.fixture
def model(qtbot: QtBot) -> Iterator[GalleryModel]:
    """Five photos and a file that cannot be read; ``ant 1`` has a label."""
    thumbnails = Thumbnails(10_000_000)
    gallery = GalleryModel(thumbnails)
    gallery.add((Path("/photos") / name, Path(name).name) for name, _ in PHOTOS)
    for number, (_, outcome) in enumerate(PHOTOS):
        if outcome is not None:
            gallery.set_outcomes({number: outcome})
    gallery.set_labels({0: PhotoClass(0, "Formica")})
    yield gallery
    thumbnails.close()


@pytest.fixture
def view(model: GalleryModel, qtbot: QtBot) -> GalleryView:
    made = GalleryView(model)
    qtbot.addWidget(made)
    made.resize(260, 400)
    return made


def seen(view: GalleryView) -> list[int]:
    return [item.number for item in view.shown.items]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (PhotoFilter(), [0, 1, 2, 3, 4, 5]),
        (PhotoFilter("ANT"), [0, 2]),
        (PhotoFilter("house ant"), [2]),
        (PhotoFilter("formica"), [0]),
        (PhotoFilter("nothing of the kind"), []),
        (PhotoFilter(classes=frozenset({"ant", "bee"})), [0, 1, 2]),
        (PhotoFilter(low=0.4, high=0.7), [1, 2]),
        (PhotoFilter(low=0.0, high=0.99), [0, 1, 2, 5]),
        (PhotoFilter(states=frozenset({UNSURE})), [1, 5]),
        (PhotoFilter(states=frozenset({UNSURE, UNFAMILIAR})), [5]),
        (PhotoFilter(states=frozenset({FAILED})), [3]),
        (PhotoFilter(states=frozenset({LABELLED})), [0]),
        (PhotoFilter("house", states=frozenset({UNLABELLED}), low=0.5), [2]),
    ],
)
def test_conditions(model: GalleryModel, wanted: PhotoFilter, expected: list[int]) -> None:
    assert [item.number for item in sieve(model.items, wanted, PhotoFacts()).photos] == expected


def test_counts_are_what_a_click_would_show(model: GalleryModel) -> None:
    for base in (PhotoFilter(), PhotoFilter("house"), PhotoFilter(low=0.35), PhotoFilter(states=frozenset({UNSURE}))):
        found = sieve(model.items, base, PhotoFacts())
        for name, count in found.by_class:
            alone = PhotoFilter(base.words, frozenset({name}), base.states, base.low, base.high)
            assert len(sieve(model.items, alone, PhotoFacts()).photos) == count
        for state in (UNSURE, UNFAMILIAR, FAILED, LABELLED, UNLABELLED):
            more = PhotoFilter(base.words, base.classes, base.states | {state}, base.low, base.high)
            assert len(sieve(model.items, more, PhotoFacts()).photos) == found.states[state]
    assert sieve(model.items, PhotoFilter(), PhotoFacts()).by_class == [("ant", 2), ("bee", 1), ("wasp", 1)]


def test_selection_follows_the_filter(view: GalleryView, model: GalleryModel) -> None:
    looked_at: list[int | None] = []
    view.current_changed.connect(lambda item: looked_at.append(None if item is None else item.number))
    view.select_row(1)
    view.selectAll()
    view.shown.set_filter(PhotoFilter("ant"))
    assert seen(view) == [0, 2]
    assert view.selected_numbers() == [0, 2], "what is hidden is not selected"
    assert looked_at == [1, 2], "what comes next is looked at"
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.current is model.items[0]
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.current is model.items[0], "there is nothing before it"
    view.selectAll()
    assert view.selected_rows() == [0, 2], "rows of the whole list"
    view.shown.set_filter(PhotoFilter())
    assert view.selected_numbers() == [0, 2]
    assert view.current is model.items[0]


def test_what_was_looked_at_comes_back_after_nothing_matched(view: GalleryView, model: GalleryModel) -> None:
    view.select_row(4)
    view.shown.set_filter(PhotoFilter("nothing of the kind"))
    assert view.current is None
    assert view.selected_numbers() == []
    view.shown.set_filter(PhotoFilter())
    assert view.current is model.items[4]


def test_a_photo_that_is_to_be_looked_at_lifts_the_filter(view: GalleryView, model: GalleryModel) -> None:
    view.shown.set_filter(PhotoFilter("ant"))
    view.reveal(2)
    assert seen(view) == [0, 2]
    view.reveal(5)
    assert not view.shown.filter.active
    assert view.current is model.items[5]


def test_it_keeps_up_with_the_list(view: GalleryView, model: GalleryModel, qtbot: QtBot) -> None:
    tester = QAbstractItemModelTester(view.shown, QAbstractItemModelTester.FailureReportingMode.Warning)
    for grouped in (False, True):
        view.shown.set_grouped(grouped)
        view.shown.set_filter(PhotoFilter("ant"))
        model.add([(Path("/photos/new ant.jpg"), "new ant.jpg")])
        number = model.items[-1].number
        assert set(seen(view)) == {0, 2, number}
        model.remove([len(model.items) - 1])
        assert set(seen(view)) == {0, 2}
        model.set_outcomes({4: result("ant", 0.5)})
        qtbot.waitUntil(lambda: set(seen(view)) == {0, 2, 4}, timeout=3000)
        model.set_outcomes({4: result("bee", 0.5)})
        qtbot.waitUntil(lambda: set(seen(view)) == {0, 2}, timeout=3000)
        view.shown.set_filter(PhotoFilter())
        model.arrange(lambda item: (-item.number,))
        model.add([(Path("/photos/last.jpg"), "last.jpg")])
        assert len(seen(view)) == len(model.items)
        if not grouped:
            assert seen(view) == [item.number for item in model.items]
        model.remove([len(model.items) - 1])
        model.arrange(lambda item: (item.number,))
    tester.deleteLater()


def test_groups(view: GalleryView) -> None:
    view.shown.set_grouped(True)
    groups = [(group.title, group.count) for group in view.shown.groups]
    assert groups == [("ant", 2), ("bee", 1), ("wasp", 1), ("Not classified", 1), ("Cannot be read", 1)]
    assert seen(view) == [0, 2, 1, 5, 4, 3]


def facet(facets: FacetList, title: str) -> QModelIndex:
    place = next(place for place, one in enumerate(facets.facets) if one.title == title)
    return facets.model().index(place, 0)


def test_a_click_on_a_count_filters(model: GalleryModel, qtbot: QtBot) -> None:
    view = GalleryView(model)
    photos = PhotoList(model, view, "added")
    qtbot.addWidget(photos)
    photos.resize(260, 700)
    photos.show()
    finding = photos.finding
    finding.more.click()
    assert [(one.title, one.count) for one in finding.facets.facets] == [
        ("Unsure", 2),
        ("Unfamiliar", 2),
        ("Errors", 1),
        ("Labelled", 1),
        ("Not labelled", 5),
        ("ant", 2),
        ("bee", 1),
        ("wasp", 1),
    ]
    where = finding.facets.visualRect(facet(finding.facets, "Unsure")).center()
    QTest.mouseClick(finding.facets.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    assert seen(view) == [1, 5]
    assert photos._count.text() == "2 of 6 photos"
    finding.facets.setCurrentIndex(facet(finding.facets, "bee"))
    QTest.keyClick(finding.facets, Qt.Key.Key_Space)
    assert seen(view) == [1]
    finding.all_button.click()
    assert len(seen(view)) == 6
    finding.low.setValue(50)
    assert seen(view) == [0, 2]
    finding.high.setValue(45)
    assert finding.low.value() == 45, "the range stays one"
    photos.close()


def test_typing_finds_and_escape_shows_all(model: GalleryModel, qtbot: QtBot) -> None:
    view = GalleryView(model)
    photos = PhotoList(model, view, "added")
    qtbot.addWidget(photos)
    photos.show()
    field = photos.finding.field
    photos.finding.start()
    QTest.keyClicks(field, "wasp")
    assert seen(view) == [5]
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert len(seen(view)) == 6
    QTest.keyClicks(field, "bee")
    with qtbot.waitSignal(photos.finding.list_wanted):
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert view.current is model.items[1]
    photos.close()


def names(window: MainWindow) -> list[str]:
    return [item.name for item in window.gallery.items]


def test_the_window_leaves_what_is_hidden_alone(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    photos = []
    for name in ("cat one", "cat two", "cup one", "cup two", "cup three"):
        photos.append(tmp_path / f"{name}.jpg")
        photos[-1].write_bytes(sample_photos()[0].read_bytes())
    window = open_window(*photos)
    wait_settled(qtbot, window)
    view, does, finding = window.inspect.gallery, window.actions_, window.inspect.photo_list.finding
    does.find.trigger()
    finding.field.setText("cup")
    assert window.inspect.views.bar.caption.startswith("cup one")
    view.selectAll()
    does.label.trigger()
    window.labels.labelling.add("cups", view.selected_numbers())
    assert [item.label is not None for item in window.gallery.items] == [False, False, True, True, True]
    view.select_row(1)
    does.remove.trigger()
    assert names(window) == ["cat one.jpg", "cat two.jpg", "cup one.jpg", "cup three.jpg"]
    assert view.current is not None
    assert view.current.name == "cup three.jpg"
    assert does.clear.text() == "Clear what is shown"
    does.clear.trigger()
    assert names(window) == ["cat one.jpg", "cat two.jpg"]
    assert "2 photos that the filter hides" in window.notice.text
    window.notice.button.click()
    assert len(view.shown.items) == 2
    assert not finding.field.text()
    assert does.clear.text() == "Clear"
    does.undo.trigger()
    does.undo.trigger()
    assert names(window) == [path.name for path in photos]
    window.notice.dismiss()


def test_photos_that_come_are_seen(open_window: OpenWindow, qtbot: QtBot) -> None:
    cat, *others = sample_photos()
    window = open_window(cat)
    wait_settled(qtbot, window)
    window.inspect.photo_list.finding.field.setText("no such photo")
    assert window.inspect.gallery.current is None
    window.add_paths(others[:1])
    qtbot.waitUntil(lambda: len(window.inspect.gallery.shown.items) == 2)
    assert not window.inspect.gallery.shown.filter.active
    assert window.inspect.gallery.current is window.gallery.items[1]
    wait_settled(qtbot, window)


def test_classify_again_reads_the_file_again(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    photo = tmp_path / "one.jpg"
    photo.write_bytes(b"")
    window = open_window(photo)
    wait_settled(qtbot, window)
    assert isinstance(window.gallery.items[0].outcome, Failure)
    photo.write_bytes(sample_photos()[0].read_bytes())
    window.actions_.again.trigger()
    wait_settled(qtbot, window)
    assert isinstance(window.gallery.items[0].outcome, Result)
    assert window.inspect.view.has_photo
