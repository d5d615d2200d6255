"""How a process that teaches begins: which job it got, what a signal does before the run listens, and questions."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock

from resnet_desktop.core.errors import JobError, ResNetDesktopError
from resnet_desktop.jobs import events, run_folder
from resnet_desktop.jobs.job import Job, read_job
from resnet_desktop.runs.error_messages import in_words
from resnet_desktop.runs.final_event import keep_log
from resnet_desktop.runs.lock import lock_folder
from resnet_desktop.runs.reporter import Reporter, exit_code, newest_checkpoint, say_line


def given_job(path: Path) -> Job:
    """The job of a file, with whole paths, so that the run can be taken up from anywhere. Raises JobError."""
    job = read_job(path)
    places = tuple(source.path for source in job.data)

    def whole(name: str) -> str:
        return os.path.abspath(name) if name.startswith(places) else name  # noqa: PTH100 - links are not followed

    data = tuple(
        dataclasses.replace(source, **{"folder" if source.csv is None else "csv": whole(source.path)})
        for source in job.data
    )
    exclude, relabel = tuple(map(whole, job.exclude)), {whole(name): label for name, label in job.relabel.items()}
    base = os.path.abspath(job.base) if os.path.isfile(job.base) else job.base  # noqa: PTH100, PTH113
    return dataclasses.replace(job, data=data, exclude=exclude, relabel=relabel, base=base)


def stored_job(folder: Path) -> Job:
    """The job of a run folder, which may have been moved, or was named from another place. Raises JobError."""
    if not os.path.isfile(folder / "job.json"):  # noqa: PTH113 - it raises for no name, however long
        message = f"No run to resume in {folder}: it has no job.json."
        raise JobError("bad_job", message, "Choose the folder that the run was written to.")
    try:
        return dataclasses.replace(read_job(folder / "job.json"), output=str(folder))
    except JobError as error:
        raise JobError(error.code, error.message, "Start a new run in another folder.") from error


def open_folder(job: Job, *, resumed: bool) -> tuple[FileLock, Reporter]:
    """Lock the folder of a run and begin its log and events; both are the caller's to close.

    ``resumed``: the job is that of the folder; else the folder must be fit for a run of it.

    Raises:
        ResNetDesktopError: a run of another job is there, another process trains in it, or the disk refuses.
    """
    folder = Path(job.output)
    if not resumed:
        run_folder.check(job)  # before anything is written there
    lock = lock_folder(folder)
    if not resumed:
        run_folder.check(job)  # another run may just have ended
    keep_log(folder / "log.txt")
    return lock, Reporter(folder)


def heed_signals(folder: Path) -> None:
    """Until the run listens (``Control``), a signal ends the process, but not without the last word."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        if os.environ.get("RANK", "0") == "0":
            say_line(events.encode("cancelled", {"checkpoint": newest_checkpoint(folder)}) + "\n")
        os._exit(events.EXIT_CANCELLED)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def answer(path: Path, output: Path | None, ask: Callable[[Job, Path], Iterable[Mapping[str, Any]]]) -> int:
    """Say what ``ask`` finds out about a job, one JSON object a line; an error is one with ``code`` and ``message``."""
    try:
        for row in ask(read_job(path), output or Path()):
            say_line(json.dumps(row) + "\n")
    except ResNetDesktopError as error:
        say_line(json.dumps({**error.as_dict(), "hint": error.hint}) + "\n")
        return exit_code(error)
    except (RuntimeError, MemoryError, OSError) as error:
        traceback.print_exc(file=sys.stderr)
        told = in_words(error, output or Path())
        say_line(json.dumps({**told.as_dict(), "hint": told.hint}) + "\n")
        return events.EXIT_OTHER
    return events.EXIT_FINISHED
