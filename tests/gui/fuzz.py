"""``python -m tests.gui.fuzz FOLDER``: random user actions over every window, the same ones for the same seed.

Found are: exceptions that reach Qt, warnings of Qt, photos with the answer of another photo, threads that outlive the
windows. Prints JSON. It starts no installation, no download and no training, and answers no dialog of files.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import resource
import shutil
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import (
    QEvent,
    QMessageLogContext,
    QMimeData,
    QPoint,
    QPointF,
    Qt,
    QTimer,
    QtMsgType,
    QUrl,
    qInstallMessageHandler,
)
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QMenu, QWidget

from resnet_desktop.api.model import open_model
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.imaging.transforms import Fit
from resnet_desktop.inference.classifier import ClassScore
from resnet_desktop.session.results import Result

COPIES = 4
"""Names of each photo: what has one content has one answer."""
CHECKED_EVERY = 250
PATIENCE, IDLE = 200.0, 10.0
"""Seconds that photos may wait for their answer, and how long of them nothing at all may be done."""
HANGS = 240.0
"""Seconds after which an action is taken to have no end: where it hangs is said."""
MENU_MS = 500
LEFT_ALONE = ("quit", "close window", "install", "download", "start training", "train", "fetch")
"""Beginnings of the words on what would end the run, or reach out of it."""
KEYS = (
    *(Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End),
    *(Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Escape, Qt.Key.Key_Delete, Qt.Key.Key_1),
    *(Qt.Key.Key_A, Qt.Key.Key_B, Qt.Key.Key_G, Qt.Key.Key_H, Qt.Key.Key_L, Qt.Key.Key_M, Qt.Key.Key_P, Qt.Key.Key_2),
)


class Fuzz:
    """Acts like a child at the keyboard.

    Args:
        window: the main window.
        folder: photos under many names.
        seed: what the actions follow from.
    """

    def __init__(self, window: MainWindow, folder: Path, seed: int) -> None:
        self._window, self._folder = window, folder
        self._menus = QTimer(interval=MENU_MS)  # a button's own menu has an event loop of its own, in which we wait
        self._menus.timeout.connect(close_menu)
        self._menus.start()
        self._chance = random.Random(seed)
        self.done = Counter[str]()
        self._acts: dict[str, tuple[int, Callable[[], None]]] = {
            "click": (10, self._click),
            "key": (8, self._key),
            "action": (6, self._action),
            "drop": (2, self._drop),
            "wheel": (2, self._wheel),
            "drag": (2, self._drag),
            "choice": (2, self._choose),
            "undo": (2, lambda: self._trigger("Undo")),
            "redo": (1, lambda: self._trigger("Redo")),
            "size": (1, self._resize),
        }

    def act(self) -> None:
        """One action, and what Qt does about it."""
        names = list(self._acts)
        name = self._chance.choices(names, [self._acts[name][0] for name in names])[0]
        self.done[name] += 1
        self._acts[name][1]()
        pump(0.01)
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QFileDialog | QMenu) and dialog.isVisible():
                dialog.close()

    def _windows(self) -> list[QWidget]:
        modal = QApplication.activeModalWidget()
        shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
        return [modal] if modal is not None else sorted(shown, key=lambda widget: type(widget).__name__)

    def _widgets(self, kind: type[QWidget] = QWidget) -> list[QWidget]:
        window = self._chance.choice(self._windows() or [self._window])
        found = [w for w in window.findChildren(kind) if w.isVisible() and w.isEnabled() and not w.size().isEmpty()]
        return [w for w in found if not (isinstance(w, QAbstractButton) and left_alone(w.text() or w.accessibleName()))]

    def _place(self, widget: QWidget) -> QPoint:
        return QPoint(self._chance.randrange(widget.width()), self._chance.randrange(widget.height()))

    def _click(self) -> None:
        found = self._widgets(self._chance.choice((QWidget, QAbstractButton)))
        if not found:
            return
        widget, click = self._chance.choice(found), self._chance.choice((QTest.mouseClick, QTest.mouseDClick))
        keys = self._chance.choice(
            (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier)
        )
        click(widget, Qt.MouseButton.LeftButton, keys, self._place(widget))

    def _key(self) -> None:
        widget = QApplication.focusWidget() or self._window
        QTest.keyClick(widget, self._chance.choice(KEYS))

    def _action(self) -> None:
        actions = [a for a in self._window.findChildren(QAction) if a.isEnabled() and a.text() and a.menu() is None]
        actions = [a for a in actions if not left_alone(a.text())]
        if actions:
            self._chance.choice(actions).trigger()

    def _trigger(self, beginning: str) -> None:
        for action in self._window.findChildren(QAction):
            if action.text().replace("&", "").startswith(beginning) and action.isEnabled():
                action.trigger()
                return

    def _drop(self) -> None:
        photos = sorted(self._folder.glob("*.jpg"))
        paths: Sequence[Path] = self._chance.sample(photos, self._chance.randint(1, 5))
        if self._chance.random() < 0.2:
            paths = [self._folder]
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place, action = self._window.rect().center(), Qt.DropAction.CopyAction
        button, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self._window, QDragEnterEvent(place, action, mime, button, keys))
        QApplication.sendEvent(self._window, QDropEvent(QPointF(place), action, mime, button, keys))

    def _wheel(self) -> None:
        found = self._widgets()
        if found:
            widget = self._chance.choice(found)
            place = self._place(widget)
            turned = QPoint(0, self._chance.choice((-120, 120)))
            keys = self._chance.choice((Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier))
            event = QWheelEvent(
                QPointF(place),
                QPointF(widget.mapToGlobal(place)),
                QPoint(),
                turned,
                Qt.MouseButton.NoButton,
                keys,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(widget, event)

    def _drag(self) -> None:
        view = self._window.inspect.view
        if view.isVisible():
            QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=self._place(view))
            QTest.mouseMove(view, self._place(view))
            QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=self._place(view))

    def _choose(self) -> None:
        found = [box for box in self._widgets(QComboBox) if isinstance(box, QComboBox) and box.count()]
        if found:
            box = self._chance.choice(found)
            place = self._chance.randrange(box.count())
            box.setCurrentIndex(place)
            box.activated.emit(place)

    def _resize(self) -> None:
        self._window.resize(self._chance.randint(640, 1600), self._chance.randint(480, 1100))


def close_menu() -> None:
    """Close a menu that is open."""
    menu = QApplication.activePopupWidget()
    if isinstance(menu, QMenu):
        menu.close()


def left_alone(words: str) -> bool:
    """Whether what bears these words is not touched."""
    return words.replace("&", "").lower().startswith(LEFT_ALONE)


def pump(seconds: float) -> None:
    """Let Qt do what is due, for a while."""
    end = time.monotonic() + seconds
    while True:
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        if time.monotonic() >= end:
            return
        time.sleep(0.002)


class Answers:
    """What each model says of each photo, by either fit; asked when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._photos = sorted(folder.glob("*-0.jpg"))
        self._known: dict[Path, dict[str, list[ClassScore]]] = {}

    def wrong_pairs(self, window: MainWindow) -> Iterator[str]:
        """Photos whose answer is not theirs, when all are answered."""
        window.add_paths(self._photos)
        pump(1.0)  # the files are looked for
        begun = worked = time.monotonic()
        while window.controller.busy or window.controller.loading:
            pump(0.05)
            now = time.monotonic()
            worked = now if window.controller.working else worked
            if now > min(begun + PATIENCE, worked + IDLE):
                doing = "is busy with something else" if window.controller.working else "does nothing"
                yield f"after {now - begun:.0f} s photos wait for their answer, and the session {doing}"
                return
        pump(0.1)
        info = window.inspect.presenter.info
        if info is None:
            return
        expected = self._of(info.path)
        for item in window.gallery.items:
            content = item.name.partition("-")[0]
            if isinstance(item.outcome, Result) and content in expected:
                top = item.outcome.top
                if not any(
                    s.index == top.index and abs(top.probability - s.probability) < 2e-3 for s in expected[content]
                ):
                    yield f"{item.name}: {top} is not of {expected[content]}"

    def _of(self, model: Path) -> dict[str, list[ClassScore]]:
        if model not in self._known:
            found: dict[str, list[ClassScore]] = {photo.name.partition("-")[0]: [] for photo in self._photos}
            fits: tuple[Fit, ...] = ("crop", "whole")
            for fit in fits:
                opened = open_model(model, provider="cpu", fit=fit)
                for photo in self._photos:
                    found[photo.name.partition("-")[0]].append(opened.classify(photo).scores[0])
            self._known[model] = found
        return self._known[model]


def main() -> None:
    """Act, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="an empty folder to work in")
    parser.add_argument("--model", required=True, help="a model file")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of JPEG files")
    parser.add_argument("--actions", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.chdir(given.folder)
    os.environ["RESNET_DESKTOP_HOME"] = str(given.folder / "home")  # not the settings of who runs this
    found = Findings()
    app = gui_app.create_application()
    spread(given.folder / "photos", given.photos)
    answers = Answers(given.folder / "photos")
    threads = set(threading.enumerate())
    window = gui_app.create_window(Settings())
    window.resize(1200, 780)
    window.show()
    window.start([given.folder / "photos"], given.model, "cpu")
    fuzz = Fuzz(window, given.folder / "photos", given.seed)
    for number in range(given.actions):
        faulthandler.dump_traceback_later(HANGS, exit=True)
        try:
            fuzz.act()
        except RuntimeError as error:  # the widget went away between being chosen and being used
            if "already deleted" not in str(error):
                raise
        if number % CHECKED_EVERY == CHECKED_EVERY - 1:
            found.all += answers.wrong_pairs(window)
    found.all += answers.wrong_pairs(window)
    close(app, window)
    left = [t.name for t in set(threading.enumerate()) - threads if t.is_alive() and not t.daemon]
    found.all += [f"a thread is left: {name}" for name in left]
    done: dict[str, object] = {"actions": dict(fuzz.done), "photos": len(window.gallery.items), "found": found.all}
    done["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(done), flush=True)
    faulthandler.cancel_dump_traceback_later()
    os._exit(1 if found.all else 0)  # not to be held by what is left


class Findings:
    """What went wrong, from wherever it is heard."""

    def __init__(self) -> None:
        self.all: list[str] = []
        sys.excepthook = self._raised
        qInstallMessageHandler(self._said)

    def _raised(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.all.append("".join(traceback.format_exception(kind, error, trace))[-1500:])

    def _said(self, kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        if kind is not QtMsgType.QtDebugMsg and "This plugin does not support" not in text:
            self.all.append(f"{kind.name}: {text}")


def spread(folder: Path, photos: Path) -> None:
    """Each photo under several names."""
    folder.mkdir(parents=True)
    for i, photo in enumerate(sorted(photos.glob("*.jpg"))):
        for copy in range(COPIES):
            shutil.copy(photo, folder / f"p{i}-{copy}.jpg")


def close(app: QApplication, window: MainWindow) -> None:
    """Close every window, and let all end."""
    for widget in app.topLevelWidgets():
        if widget is not window and widget.isVisible():
            widget.close()
    window.close()
    pump(0.5)


if __name__ == "__main__":
    main()
