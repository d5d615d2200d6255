"""Starting the window, and showing it at work where there is no display."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, QTimer, QTranslator
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QApplication

from resnet_desktop import __version__
from resnet_desktop.core import paths
from resnet_desktop.core.settings import THEME, Settings
from resnet_desktop.gui.background.tasks import CLOSE_SECONDS, left_behind
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.record import Record
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import icons
from resnet_desktop.session.results import Failure, Result

_logger = logging.getLogger(__name__)
TRACE = "RESNET_DESKTOP_TRACE"
SWITCH_SECONDS = 0.001
"""Longest wait of one thread for another that runs Python; five times as long where nothing is said."""
DEMONSTRATION_SECONDS = 120
"""When a demonstration gives up."""
DEMONSTRATION_SIZE = (1200, 780)
"""Pixels of the window where there is no screen to bound it."""

_WITHOUT_SCREEN = ("offscreen", "minimal", "vnc")


def has_display() -> bool:
    """Whether Qt can show a window here (on Linux, whether a display server is named)."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def create_application(argv: Sequence[str] = ("resnet-desktop",)) -> QApplication:
    """The Qt application with names, icon, font and translations set. Call once in a process."""
    app = QApplication(list(argv))
    # So long the window waits for the interpreter, several times in a turn of its loop, where other threads work.
    sys.setswitchinterval(SWITCH_SECONDS)
    app.setApplicationName("resnet-desktop")
    app.setApplicationDisplayName("ResNet Desktop")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("resnet-desktop")
    app.setStyle("Fusion")
    _set_font(app)
    translator = QTranslator(app)
    if translator.load(QLocale(), "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(translator)
    app.setWindowIcon(icons.app_icon())
    return app


def create_window(settings: Settings | None = None) -> MainWindow:
    """The window, dressed and not yet shown."""
    settings = settings if settings is not None else Settings()
    window = MainWindow(settings)
    window.apply_theme(settings.string(THEME))
    return window


def run(images: Sequence[Path] = (), *, model: str | None = None, provider: str | None = None) -> int:
    """Open the window, classify ``images`` in it, and return when it is closed.

    Args:
        images: files and folders.
        model: a name in the library or a path; None: the user's setting, else the bundled model.
        provider: ``auto``, ``cpu`` …; None: the user's setting.

    Returns:
        The exit status.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C in the terminal: Qt's loop would not let Python hear it
    app = create_application()
    record = Record()
    window = create_window()
    if record.problem is not None:
        window.notice.say(record.problem)
    _start_when_painted(window, images, model, provider)
    window.show()
    status = app.exec()
    _end_if_held(status)
    record.close()
    return status


def _end_if_held(status: int) -> None:
    """End the process here if something that was told to end does not, and would keep it for ever."""
    deadline = time.monotonic() + CLOSE_SECONDS / 2
    while left_behind():
        if time.monotonic() > deadline:
            _logger.error("A task did not stop when the window closed; quitting without it")
            logging.shutdown()
            os._exit(status)
        time.sleep(0.05)


def demonstrate(screenshot: Path, *, model: str | None = None, provider: str | None = None) -> int:
    """Classify the sample photos in the real window, without a display where there is none.

    Prints a table of the results to standard output and writes a picture of the window to ``screenshot`` (PNG).

    Returns:
        0; 1 if no model could be used or the window could not be saved.
    """
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = create_application()
    window = create_window()
    window.companions.sessions.keeps = False
    window.companions.first_steps.leave()
    if QGuiApplication.platformName() in _WITHOUT_SCREEN:
        window.resize(*DEMONSTRATION_SIZE)
    failures: list[str] = []
    window.controller.model_failed.connect(lambda failure: failures.append(failure.text))
    window.controller.stopped.connect(lambda failure: _give_up(failures, failure))
    ended = QTimer(interval=50)
    started = time.monotonic()
    ended.timeout.connect(lambda: _quit_when_done(app, window, started, failures))
    _start_when_painted(window, sample_photos(), model, provider)
    window.show()
    ended.start()
    app.exec()
    ended.stop()
    sys.stdout.write(_table(window))
    screenshot.parent.mkdir(parents=True, exist_ok=True)
    saved = window.grab().save(str(screenshot))
    sys.stdout.write(f"The window: {screenshot}\n" if saved else f"{screenshot} could not be written.\n")
    window.close()
    for text in failures:
        sys.stderr.write(text + "\n")
    return 0 if saved and not failures else 1


def _give_up(failures: list[str], failure: Failure) -> None:
    failures.append(failure.text)


def _quit_when_done(app: QApplication, window: MainWindow, started: float, failures: list[str]) -> None:
    """Once every sample has an outcome and the first one its evidence; or when nothing comes any more."""
    items = window.gallery.items
    done = len(items) == len(sample_photos()) and all(item.outcome is not None for item in items)
    shown = window.inspect.presenter.evidence is not None and window.inspect.view.has_photo
    if time.monotonic() - started > DEMONSTRATION_SECONDS:
        failures.append(f"The sample photos were not classified within {DEMONSTRATION_SECONDS} seconds.")
    if failures or (done and shown):
        QTimer.singleShot(300, app.quit)  # thumbnails and the last frame


def _table(window: MainWindow) -> str:
    """A line for each photo: the answer, and its three best classes."""
    lines = []
    for item in window.gallery.items:
        outcome = item.outcome
        if isinstance(outcome, Result):
            scores = "   ".join(f"{score.label} {score.probability:.1%}" for score in outcome.scores[:3])
            answer = f"{'' if outcome.sure else 'perhaps '}{outcome.headline.label}"
            unsure = "   (unfamiliar)" if outcome.unfamiliar else ""
            time_taken = f"[{outcome.provider}, {outcome.seconds * 1e3:.0f} ms]"
            lines.append(f"{item.name:<16} {answer:<16} {scores}{unsure}   {time_taken}")
        else:
            words = outcome.message if isinstance(outcome, Failure) else "not classified"
            lines.append(f"{item.name:<24} {words}")
    return "".join(line + "\n" for line in lines)


def _start_when_painted(window: MainWindow, images: Sequence[Path], model: str | None, provider: str | None) -> None:
    window.first_painted.connect(lambda: _trace("window_shown"))
    window.first_painted.connect(lambda: window.start(tuple(images), model, provider))
    if os.environ.get(TRACE):
        answered: list[int] = []
        window.controller.item_finished.connect(lambda number, _outcome: _trace_first(answered, number))
        looking = QTimer(window, interval=20)
        looking.timeout.connect(lambda: _trace_heatmap(window, looking))
        looking.start()


def _trace_first(answered: list[int], number: int) -> None:
    if not answered:
        answered.append(number)
        _trace("first_prediction")


def _trace_heatmap(window: MainWindow, looking: QTimer) -> None:
    if window.inspect.presenter.evidence is not None and window.inspect.view.has_photo:
        looking.stop()
        _trace("first_heatmap")


def _trace(what: str) -> None:
    if os.environ.get(TRACE):
        sys.stderr.write(json.dumps({"trace": what, "time": time.time()}) + "\n")
        sys.stderr.flush()


def _set_font(app: QApplication) -> None:
    """The system's font; the bundled one where there is no screen, so that screenshots are the same everywhere."""
    if QGuiApplication.platformName() not in _WITHOUT_SCREEN and QFontDatabase.families():
        return
    for file in sorted((paths.assets_folder() / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))
    font = QFont("Inter", 10)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)
