"""The guide, the sheet of keys and the first steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from resnet_desktop.core.settings import HINT_SEEN, Settings
from resnet_desktop.gui.help.guide import GuideWindow
from resnet_desktop.gui.help.key_sheet import KeySheet
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.widgets.help.guide_page import page_of

from .conftest import SCREENSHOTS, WAIT, OpenWindow, wait_settled

CAT, COFFEE = sample_photos()[:2]


@pytest.fixture(autouse=True)
def pictures() -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def guide(qtbot: QtBot) -> GuideWindow:
    made = GuideWindow()
    qtbot.addWidget(made)
    return made


def test_the_guide_is_read_and_searched(guide: GuideWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [guide.contents.item(row).text() for row in (0, 1)] == [
        "User guide",
        "From photos to an answer you can believe",
    ]
    guide.pages.anchorClicked.emit(QUrl("percentages.md"))
    assert (guide.pages.page, guide.contents.currentRow()) == ("guide/percentages.md", 2)
    guide.search.setText("unfamiliar")
    assert guide.pages.textCursor().selectedText() == "unfamiliar"
    seen = []
    for _ in range(30):
        seen.append((guide.pages.page, guide.pages.textCursor().position()))
        guide.find_next()
        assert guide.pages.textCursor().selectedText().casefold() == "unfamiliar"
    assert len({page for page, _ in seen}) > 1, "on the other pages too"
    assert len(set(seen)) < 30, "from the beginning again"
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    guide.pages.anchorClicked.emit(QUrl("https://example.org/x"))
    assert opened == ["https://example.org/x"], "in the browser, and only when it is clicked"
    before = guide.pages.toPlainText()
    for elsewhere in ("file:///etc/passwd", "../../README.md", "nothing.md", "file:///etc/x.md"):
        guide.pages.anchorClicked.emit(QUrl(elsewhere))
        assert guide.pages.toPlainText() == before
    guide.pages.anchorClicked.emit(QUrl("../formats/command_line.md#resnet-desktop-classify"))
    assert guide.pages.page == "formats/command_line.md"
    assert guide.pages.textCursor().block().text() == "resnet-desktop classify"
    guide.pages.backward()
    assert guide.pages.toPlainText() == before


def test_pictures_are_as_wide_as_the_page_at_most(guide: GuideWindow, qtbot: QtBot) -> None:
    guide.open_page("first-answer.md")
    guide.show()
    qtbot.waitExposed(guide)
    for width in (980, 420):
        guide.resize(width, 500)
        qtbot.waitUntil(lambda: not guide.pages._settled.isActive())
        page = guide.pages.document()
        assert page.size().width() <= guide.pages.viewport().width() + 1
        assert page.size().height() > 800, "with the picture of the window"
    assert not guide.contents.isVisible(), "there is no room"
    guide.open_page("your-classes.md")
    guide.grab().save(str(SCREENSHOTS / "guide-narrow.png"))


def test_f1_explains_what_has_the_focus(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT)
    wait_settled(qtbot, window)
    for widget, page in (
        (window.inspect.predictions.bars, "guide/percentages.md"),
        (window.inspect.view, "guide/first-answer.md"),
        (window.inspect.heatmap, "guide/layers-and-methods.md"),
    ):
        assert page.endswith(page_of(widget))
    window.inspect.predictions.bars.setFocus()
    window.actions_.guide.trigger()
    guide = window.companions.open_guide()
    assert guide.pages.page == "guide/percentages.md"
    guide.close()


def test_the_sheet_has_every_key_of_the_menus(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window(CAT)
    wait_settled(qtbot, window)
    window.activateWindow()
    window.inspect.view.setFocus()
    QTest.keyClicks(window.inspect.view, "?")
    (sheet,) = window.findChildren(KeySheet)
    shown = dict(reversed(sheet.shown))  # of a name that comes twice the command's, which comes first
    for action in window.actions():
        if action.shortcuts() and action.isVisible():
            words = action.text().replace("&", "").rstrip("…")
            assert shown[words].split(", ")[0] == action.shortcut().toString(), words
    sheet.search.setText("full ctrl")
    assert sheet.shown == []
    sheet.search.setText("F11")
    assert sheet.shown == [("Full screen", "F11")]
    sheet.search.clear()
    assert len(sheet.shown) >= len(shown)
    assert sheet.grab().save(str(SCREENSHOTS / "keys.png"))
    sheet.close()


def test_f1_opens_the_guide_once(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window()
    QTest.keyClick(window, Qt.Key.Key_F1)
    first = window.companions.open_guide()
    window.actions_.guide.trigger()
    assert window.companions.open_guide() is first
    first.grab().save(str(SCREENSHOTS / "guide.png"))
    window.close()
    assert not first.isVisible()


def first_photo(open_window: OpenWindow, qtbot: QtBot) -> MainWindow:
    window = open_window(CAT, settings=Settings(), first_steps=True, size=(800, 600))
    wait_settled(qtbot, window)
    return window


def test_the_first_steps_are_shown_once(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = first_photo(open_window, qtbot)
    card = window.companions.first_steps
    assert card.isVisible()
    assert window.inspect.view.rect().contains(card.geometry())
    window.grab().save(str(SCREENSHOTS / "first-steps.png"))
    said = [card.words.text()]
    while card.isVisible():
        card.next.click()
        said.append(card.words.text())
    assert said[:-1] == list(card.texts)
    assert len(card.texts) <= 3
    window.close()
    assert Settings().flag(HINT_SEEN)
    again = first_photo(open_window, qtbot)
    assert not again.companions.first_steps.isVisible()


def test_who_skips_them_has_seen_them(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = first_photo(open_window, qtbot)
    window.companions.first_steps.skip.click()
    window.add_paths([COFFEE])
    qtbot.waitUntil(lambda: len(window.gallery.items) == 2, timeout=WAIT)
    wait_settled(qtbot, window)
    assert not window.companions.first_steps.isVisible()
    assert window.preferences.value(HINT_SEEN) is True


def test_recent_places_are_plain_and_can_be_forgotten(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = open_window()
    recent, menu = window.companions.recent, window.actions_.recent_menu
    assert isinstance(menu, QMenu)
    recent.add([CAT])
    assert recent.paths == (), "samples are the app's own"
    gone = tmp_path / "R&D <b>"
    recent.add([gone])
    assert menu.actions()[0].text().endswith("R&&D <b>")
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: "not there" in window.notice.text, timeout=WAIT)
    assert recent.paths == ()
    recent.add([gone.parent / f"{number}.jpg" for number in range(9)])
    assert recent.paths == (str(gone.parent),), "of many their folder"
    menu.actions()[-1].trigger()
    assert not menu.isEnabled()
