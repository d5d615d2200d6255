"""The log: one line says when, how grave, which part, where in the code, and what.

``10:31:07.412 WARNING  inference  providers:prove:88  CUDA was passed over: no device`` is the shape on the console and
in the file, which is kept in the data folder's ``logs/`` and rotated before it grows large. Modules ask for their
logger with ``logging.getLogger(__name__)``; only the start of a program calls ``start``.

The file is kept to be sent to others one day: nobody's name and no place on the disk is in it (``redact``), and of an
error what its message quotes is left out.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from resnet_desktop.core import paths
from resnet_desktop.core.redact import error_lines, redacted

ROOT = "resnet_desktop"
FILE_NAME = "resnet-desktop.log"
MAX_BYTES = 1_000_000
BACKUPS = 3
QUIET = logging.CRITICAL + 1
"""A level above all: for programs that tell the person themselves."""
_LINE = "%(asctime)s.%(msecs)03d %(levelname)-8s %(part)-10s %(module)s:%(funcName)s:%(lineno)d  %(message)s"
_CLOCK = "%H:%M:%S"
_DATE_AND_CLOCK = "%Y-%m-%d %H:%M:%S"

_logger = logging.getLogger(__name__)


def logs_folder() -> Path:
    """Where the log files are."""
    return paths.data_folder() / "logs"


class LineFormatter(logging.Formatter):
    """Adds ``part``, the package below ``resnet_desktop`` that speaks (``imaging``, ``gui`` …), to each line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line or lines for ``record``."""
        names = record.name.split(".")
        record.part = names[1] if names[0] == ROOT and len(names) > 1 else names[0]
        return super().format(record)


class FileFormatter(LineFormatter):
    """Takes away what is nobody's business; a message is one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line or lines for ``record``; what another formatter has made of its error is not used."""
        record.exc_text = None
        lines = super().format(record)
        record.exc_text = None
        return lines

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as the base class
        """The first line."""
        return redacted(super().formatMessage(record)).replace("\n", "\\n")

    def formatException(self, ei: logging._SysExcInfoType) -> str:  # noqa: N802 - as the base class
        """The lines of an error."""
        return "" if ei[1] is None else error_lines(ei[1], ei[2])


class LogFile(logging.handlers.RotatingFileHandler):
    """The log file. What cannot be written is dropped: another process may turn the files over at the same time."""

    def __init__(self, path: Path, *, lazily: bool) -> None:
        super().__init__(
            path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", errors="backslashreplace", delay=lazily
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as the base class
        """Nothing: there is nowhere to tell it."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class ConsoleHandler(logging.Handler):
    """Writes to what standard error is at the moment, which may be replaced, or None under pythonw on Windows."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line or more for ``record``."""
        if sys.stderr is None:
            return
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # a terminal or pipe that has gone
            self.handleError(record)


class Log:
    """The running log; ``close`` gives everything back as it was.

    ``path`` is the log file, None where none could be opened; ``problem`` says why.
    """

    def __init__(self, console_level: int, *, to_file: bool, lazily: bool) -> None:
        self.path: Path | None = None
        self.problem: str | None = None
        self._root = logging.getLogger(ROOT)
        self._level_before = self._root.level
        self._hooks_before = (sys.excepthook, threading.excepthook)
        self._handlers: list[logging.Handler] = []
        self._file: logging.Handler | None = None
        self._root.setLevel(logging.DEBUG)
        self._add(ConsoleHandler(console_level), LineFormatter(_LINE, _CLOCK))
        if to_file:
            self._open_file(lazily)
        sys.excepthook = self._on_uncaught
        threading.excepthook = self._on_uncaught_in_thread

    def close(self) -> None:
        """Write out and release the file, and stop listening for uncaught exceptions."""
        sys.excepthook, threading.excepthook = self._hooks_before
        for handler in self._handlers:
            self._root.removeHandler(handler)
            handler.close()
        self._handlers.clear()
        self._file = None
        self._root.setLevel(self._level_before)

    def _open_file(self, lazily: bool) -> None:
        path = logs_folder() / FILE_NAME
        try:
            file = LogFile(path, lazily=lazily)
        except OSError as error:  # the app works without its log; that must not keep it from starting
            self.problem = f"Logging to a file is off: {path} could not be opened ({error.strerror or error})."
            _logger.warning("%s", self.problem)
            return
        self.path, self._file = path, file
        self._add(file, FileFormatter(_LINE, _DATE_AND_CLOCK))

    def _add(self, handler: logging.Handler, formatter: logging.Formatter) -> None:
        handler.setFormatter(formatter)
        self._root.addHandler(handler)
        self._handlers.append(handler)

    def _on_uncaught(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            self._write_to_file("Uncaught exception", kind, error, traceback)
        self._hooks_before[0](kind, error, traceback)

    def _on_uncaught_in_thread(self, caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None and not issubclass(caught.exc_type, SystemExit):
            what = f"Uncaught exception in {caught.thread.name if caught.thread is not None else 'a thread'}"
            self._write_to_file(what, caught.exc_type, caught.exc_value, caught.exc_traceback)
        self._hooks_before[1](caught)

    def _write_to_file(
        self, what: str, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        """To the file alone: the former hook shows it on the console."""
        if self._file is not None:
            details = (kind, error, traceback)
            level = logging.CRITICAL
            self._file.handle(_logger.makeRecord(ROOT, level, __file__, 0, what, (), details, "excepthook"))


def start(console_level: int = logging.WARNING, *, to_file: bool = True, lazily: bool = False) -> Log:
    """Begin logging to standard error from ``console_level`` on and, in full, to the log file.

    ``lazily``: the file is opened when there is something to be kept. ``QUIET`` as the level keeps the console free.

    A log file that cannot be opened is reported (``Log.problem``), never raised.
    """
    return Log(console_level, to_file=to_file, lazily=lazily)
