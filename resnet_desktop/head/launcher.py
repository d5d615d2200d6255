"""How a run is led from its start to its last word."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from pathlib import Path

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.head.run import Run
from resnet_desktop.jobs import events, run_folder
from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.runs.error_messages import in_words
from resnet_desktop.runs.final_event import FORESEEN, LastWord, failed, keep_log
from resnet_desktop.runs.lock import lock_folder
from resnet_desktop.runs.reporter import Reporter, newest_checkpoint, refuse


def run_job(job: Job, mode: str, *, resumed: bool = False) -> int:
    """Run a job in its folder, listening as ``mode`` says (a job's ``control``); returns the exit code.

    ``resumed``: the job is that of the folder; else the folder must be fit for a run of it.
    """
    folder = Path(job.output)
    try:
        if not resumed:
            run_folder.check(job)  # before anything is written there
        lock = lock_folder(folder)
        if not resumed:
            run_folder.check(job)  # another run may just have ended
        keep_log(folder / "log.txt")
        reporter = Reporter(folder)
    except ResNetDesktopError as error:
        return refuse(error)
    control = Control(mode, folder, reporter.paused)
    try:
        with LastWord(reporter):
            Run(job, reporter, control).go()
    except FORESEEN as error:
        return _conclude(error, reporter)
    finally:
        reporter.close()
        lock.release()
    return events.EXIT_FINISHED


def _conclude(error: BaseException, reporter: Reporter) -> int:
    """The last event of a run that was not finished; returns the exit code."""
    if isinstance(error, CancelledRunError):
        reporter.say("cancelled", checkpoint=newest_checkpoint(reporter.folder))
        return events.EXIT_CANCELLED
    logging.error("failed", exc_info=error)
    if isinstance(error, ResNetDesktopError):
        return failed(reporter, error)
    with contextlib.suppress(OSError):  # a parent that has gone reads nothing
        traceback.print_exception(error, file=sys.stderr)
    return failed(reporter, in_words(error, reporter.folder))
