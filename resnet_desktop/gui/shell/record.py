"""The window's log: what Python, Qt and native code say of faults, kept where *Report a problem* finds it."""

from __future__ import annotations

import faulthandler
import logging
import os
import platform
from typing import IO

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler, qVersion

from resnet_desktop import __version__
from resnet_desktop.core import log
from resnet_desktop.core.redact import redacted

CRASH_FILE = "crash.txt"
MOST_OF_A_CRASH = 20_000
"""Characters of what a crash has left that go into the log."""
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_logger = logging.getLogger(__name__)


class Record:
    """The log while the window is there. ``problem``: why none is kept, or None. ``close`` ends it."""

    def __init__(self) -> None:
        self._log = log.start(log.QUIET)
        self.problem = self._log.problem
        self._crashes = _keep_crashes()
        self._before = qInstallMessageHandler(_on_qt_message)
        _logger.info("ResNet Desktop %s, Qt %s, %s", __version__, qVersion(), platform.platform())

    def close(self) -> None:
        """Write out and let go."""
        _logger.info("The window was closed")
        qInstallMessageHandler(self._before)
        if self._crashes is not None:
            faulthandler.disable()
            self._crashes.close()
        self._log.close()


def _keep_crashes() -> IO[str] | None:
    """Have a crash in native code written down; what the last one has left goes into the log."""
    path = log.logs_folder() / CRASH_FILE
    try:
        left = path.read_text("utf-8", "replace") if path.exists() else ""
        if left.strip():
            words = redacted(left[:MOST_OF_A_CRASH], names=True).splitlines()
            _logger.critical("The app crashed last time: %s", " | ".join(line.strip() for line in words))
        file = path.open("w", encoding="utf-8")
        faulthandler.enable(file)
    except OSError:  # the log says already that nothing can be written there
        return None
    return file


def _on_qt_message(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    logging.getLogger("resnet_desktop.qt").log(_LEVELS.get(kind, logging.WARNING), "%s", text)
    if kind == QtMsgType.QtFatalMsg:
        os.abort()  # as Qt's own handler does
