"""How a run says its end, whatever happens, and where its log goes."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from pathlib import Path

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.jobs import events
from resnet_desktop.runs.control import CancelledRunError
from resnet_desktop.runs.error_messages import in_words
from resnet_desktop.runs.reporter import Reporter, exit_code, newest_checkpoint

FORESEEN = (CancelledRunError, ResNetDesktopError, RuntimeError, MemoryError, OSError)
"""The last three are what torch raises: out of memory, a device that broke, another process that has gone."""


def keep_log(path: Path) -> None:
    """Write the log to a file. Raises StorageError."""
    logging.raiseExceptions = False  # a disk that is full later must not fill standard error with tracebacks
    try:
        logging.basicConfig(level=logging.INFO, filename=path, format="%(asctime)s %(name)s %(message)s")
    except OSError as error:
        raise atomic.storage_error(path, error) from error


def failed(reporter: Reporter, error: ResNetDesktopError) -> int:
    """Say the last event of a run that an error ends; returns the exit status."""
    reporter.say("failed", code=error.code, message=error.message, hint=error.hint)
    return exit_code(error)


def conclude(error: BaseException, reporter: Reporter, cause: ResNetDesktopError | None = None) -> int:
    """Say the last event of a run that was not finished; returns the exit code.

    ``cause``: the error of another process of the run, where that is why this one ends.
    """
    if cause is None and isinstance(error, CancelledRunError):
        reporter.say("cancelled", checkpoint=newest_checkpoint(reporter.folder))
        return events.EXIT_CANCELLED
    logging.error("failed", exc_info=error)
    told = error if cause is None else cause
    if isinstance(told, ResNetDesktopError):
        return failed(reporter, told)
    with contextlib.suppress(OSError):  # a parent that has gone reads nothing
        traceback.print_exception(error, file=sys.stderr)
    return failed(reporter, in_words(error, reporter.folder))


class LastWord:
    """Says ``failed`` for an error that nobody foresaw, and lets it go on to the traceback."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and not isinstance(error, FORESEEN):
            logging.error("failed", exc_info=error)
            message = f"The trainer failed with an internal error: {error!r}."
            self._reporter.say(
                "failed", code="internal_error", message=message, hint="Please report it and attach log.txt."
            )
