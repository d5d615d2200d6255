"""Names from elsewhere are shown letter by letter, wherever they appear; and the code makes no label that could not."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, Qt
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QComboBox, QHeaderView, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.preferences import Preferences
from resnet_desktop.gui.models.models_window import ModelsWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.widgets import dialogs, plain
from resnet_desktop.gui.widgets.plain import PlainLabel, message_box, plain_tip

from .conftest import OpenWindow, OpenWizard, wait_settled, write_model

GUI = Path(plain.__file__).parent
WAIT = 20_000
LONG = 60_000
LABELS = (
    *(
        "<b>bold</b>",
        "<img src=nothing.png>",
        "<a href=x>link</a>",
        "<h1>large",
        "<!-- gone",
        "<table><tr>",
        "<i>",
        "&lt;",
    ),
)
TOLD: dict[str, object] = dict.fromkeys(("base", "publisher", "licence", "date"), "<b>told</b>") | {
    "data": ["<i>data</i>"]
}
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a file cannot be called so there")


def is_shown_as_html(text: str) -> bool:
    """Whether Qt would take ``text`` for HTML that is not the helper's own."""
    own = text.startswith("<span>") and text.endswith("</span>")
    inner = text.removeprefix("<span>").removesuffix("</span>").replace("<br>", "") if own else text
    return GuiQt.mightBeRichText(text) and (not own or "<" in inner)


def tips_of(model: QAbstractItemModel) -> Iterator[str]:
    """The tips of a list's or table's cells and titles."""
    role = Qt.ItemDataRole.ToolTipRole
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
    for column in range(columns):
        yield str(model.headerData(column, Qt.Orientation.Horizontal, role) or "")
        for row in range(model.rowCount(QModelIndex())):
            yield str(model.index(row, column, QModelIndex()).data(role) or "")


def look_through() -> int:
    """Look at every label, tip, list and table of all windows there are; how many had a name with a bracket."""
    seen = 0
    for widget in QApplication.allWidgets():
        if isinstance(widget, QLabel) and widget.metaObject().className() != "QTipLabel":
            text = widget.text()
            assert widget.textFormat() == Qt.TextFormat.PlainText or not GuiQt.mightBeRichText(text), text
            seen += "<" in text
        tips = [widget.toolTip(), *(action.toolTip() for action in widget.actions())]
        model = widget.model() if isinstance(widget, QAbstractItemView | QComboBox) else None
        if model is not None and not isinstance(widget, QHeaderView):
            tips += tips_of(model)
        for tip in tips:
            assert not is_shown_as_html(tip), f"{tip} of {_path(widget)}"
            seen += "&lt;" in tip
    return seen


def _path(widget: QWidget | None) -> str:
    names = []
    while widget is not None:
        names.append(type(widget).__name__)
        widget = widget.parentWidget()
    return " < ".join(names)


@pytest.fixture(scope="session")
def hostile_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = "<b>model" if sys.platform != "win32" else "model"
    return write_model(tmp_path_factory.mktemp("models") / f"{name}.onnx", labels=LABELS, provenance=TOLD)


def test_the_helpers_show_letters(qtbot: QtBot) -> None:
    for text in (*LABELS, "a < b", "plain", "", "<b>one\ntwo"):
        label = PlainLabel(text)
        qtbot.addWidget(label)
        assert (label.text(), label.textFormat()) == (text, Qt.TextFormat.PlainText)
        tip = plain_tip(text)
        assert not is_shown_as_html(tip)
        assert tip == text or GuiQt.mightBeRichText(text), "an ordinary one stays as it is"
        box = message_box(label, text, text, text)
        assert all(each.textFormat() == Qt.TextFormat.PlainText for each in box.findChildren(QLabel) if each.text())
        box.close()


@needs_posix
def test_photos_and_classes_of_any_name_in_the_window(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, hostile_model: Path
) -> None:
    photos = []
    for name, photo in zip(("<b>one.jpg", "<img src=x>.jpg"), sample_photos(), strict=False):
        photos.append(Path(shutil.copy(photo, tmp_path / name)))
    (tmp_path / "<i>broken.jpg").write_bytes(b"no photo")
    window = open_window(*photos, tmp_path / "<i>broken.jpg", model=hostile_model)
    wait_settled(qtbot, window)
    assert look_through() >= 5
    for row in range(3):
        window.inspect.gallery.select_row(row)
        wait_settled(qtbot, window)
        look_through()
    for action in (window.actions_.show_compare, window.actions_.show_blocks, window.actions_.label):
        action.trigger()
        qtbot.wait(300)
        look_through()
    window.notice.say(LABELS[0], (LABELS[0], lambda: None))
    window.exporting.write(tmp_path / "<b>out.csv")
    qtbot.waitUntil(lambda: "<b>out.csv" in window.notice.text, timeout=WAIT)
    window.open_model(str(tmp_path / "<b>gone.onnx"))
    qtbot.waitUntil(lambda: "gone" in window.notice.text, timeout=WAIT)
    dialogs.show_about(window)
    look_through()
    for box in window.findChildren(QMessageBox):
        box.close()


@needs_posix
def test_models_of_any_name_in_their_window(qtbot: QtBot, tmp_path: Path, hostile_model: Path) -> None:
    target = Library().install(hostile_model, "tame").path
    target.rename(target.with_name("<b>tame.onnx"))  # as somebody may have put it there
    models = ModelsWindow(Preferences(Settings()))
    models.show_current("<b>tame")
    models.open_at(models.installed)
    qtbot.waitUntil(lambda: "<b>told</b>" in models.installed.card.lines.values(), timeout=WAIT)
    assert look_through() >= 5
    models.installed.remove_button.click()
    look_through()
    models.close_threads()
    models.close()


@needs_posix
def test_folders_of_any_name_in_the_guide(open_wizard: OpenWizard, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "<b>data"
    for label, photos in (("<b>bold", sample_photos()), ("<img src=x>", tuple(reversed(sample_photos())))):
        (folder / label).mkdir(parents=True)
        for number, photo in enumerate((*photos, *photos)):
            (folder / label / f"<i>{number}.jpg").write_bytes(photo.read_bytes() + bytes(number))
        (folder / label / "<b>bad.jpg").write_bytes(b"\xff\xd8 and no more")
    wizard = open_wizard()
    wizard.add_sources([folder])
    qtbot.waitUntil(lambda: wizard.pages.data.complete, timeout=LONG)
    assert look_through() >= 1
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.pages.check.complete, timeout=LONG)
    qtbot.wait(300)
    assert look_through() >= 2
    wizard.go_on()
    look_through()


HELPERS = ("plain.py", "shipped_pages.py")
"""Where plain text is made, and the one place where markup is shown: pages of our own that ship with the app."""
FORBIDDEN = (
    *("QLabel", "QMessageBox", "QErrorMessage", "QInputDialog", "QProgressDialog", "QTextBrowser", "QTextEdit"),
    *("QTextDocument", "QStaticText", "QMessageBox.information", "QMessageBox.warning", "QMessageBox.question"),
    *("QMessageBox.critical", "QMessageBox.about"),
)


def test_labels_tips_and_boxes_are_made_by_the_helpers() -> None:
    wrong: list[str] = []
    for path in sorted(GUI.rglob("*.py")):
        if path.name not in HELPERS:
            wrong += [f"{path.relative_to(GUI)}:{line} {what}" for line, what in _faults(ast.parse(path.read_text()))]
    assert not wrong


def test_the_look_at_the_code_sees_faults() -> None:
    code = "QLabel('x')\nw.setToolTip(name)\nclass A(QLabel): pass\nl.setHtml('x')\nv.setItemData(0, t, R.ToolTipRole)"
    assert sorted(line for line, _ in _faults(ast.parse(code))) == [1, 2, 3, 4, 5]
    code = (
        "PlainLabel('x')\nw.setToolTip(self.tr('Fit'))\nw.setToolTip(plain_tip(name))\nw.setToolTip('a' if b else '')"
    )
    assert not list(_faults(ast.parse(code)))


def _faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and fault of what may show HTML."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) in FORBIDDEN for base in node.bases):
            yield node.lineno, f"class {node.name}"
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        method = called.rsplit(".", 1)[-1]
        tips = {"setToolTip": -1, "setWhatsThis": -1, "showText": 1 if called == "QToolTip.showText" else None}
        place = tips.get(method)
        if method == "setItemData" and "ToolTipRole" in ast.unparse(node):
            place = 1
        html_only = method in ("setHtml", "setMarkdown", "insertHtml", "appendHtml", "setTextFormat")
        if called in FORBIDDEN or html_only or (place is not None and not _is_safe(node.args[place])):
            yield node.lineno, called


def _is_safe(text: ast.expr) -> bool:
    """Whether it is a text of ours, or has passed the helper."""
    match text:
        case ast.Constant(value=str()):
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _is_safe(body) and _is_safe(orelse)
        case ast.Call(func=func, args=[argument, *_]):
            called = ast.unparse(func)
            return called == "plain_tip" or (called in ("self.tr", "_tr") and isinstance(argument, ast.Constant))
    return False
