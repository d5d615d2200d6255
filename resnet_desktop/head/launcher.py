"""How a run is led from its start to its last word."""

from __future__ import annotations

from pathlib import Path

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.head.run import Run
from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.final_event import FORESEEN, LastWord, conclude
from resnet_desktop.runs.opening import open_folder
from resnet_desktop.runs.reporter import refuse


def run_job(job: Job, mode: str, *, resumed: bool = False) -> int:
    """Run a job in its folder, listening as ``mode`` says (a job's ``control``); returns the exit code.

    ``resumed``: the job is that of the folder; else the folder must be fit for a run of it.
    """
    try:
        lock, reporter = open_folder(job, resumed=resumed)
    except ResNetDesktopError as error:
        return refuse(error)
    control = Control(mode, Path(job.output), reporter.paused)
    try:
        with LastWord(reporter):
            Run(job, reporter, control).go()
    except FORESEEN as error:
        return conclude(error, reporter)
    finally:
        reporter.close()
        lock.release()
    return events.EXIT_FINISHED
