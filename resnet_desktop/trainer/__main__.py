"""``python -u -m resnet_desktop.trainer JOB.json``, or ``--resume RUN`` for a run folder.

Standard output carries the protocol and nothing else; all else goes to standard error and the run's ``log.txt``. Other
questions (``--check``, ``--estimate``, ``--find-rate``, ``--preview``) are answered in JSON lines of their own; what
cannot be answered is one with ``message``.
"""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from resnet_desktop.core.errors import JobError, ResNetDesktopError
from resnet_desktop.finetune import events
from resnet_desktop.finetune.job import CONTROLS, Job, read_job
from resnet_desktop.trainer import ready
from resnet_desktop.trainer.allocator import keep_freed_memory
from resnet_desktop.trainer.reporter import exit_code, keep_standard_output, newest_checkpoint, refuse, say_line


def main(arguments: list[str] | None = None) -> int:
    """Train as told on the command line; returns the exit code of the protocol."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process lives
    faulthandler.enable()
    # Read when torch is loaded. Threads that wait by spinning take the processor from the very thread they wait for
    # where other programs run, too: on two busy cores a ResNet-50 took more than twice as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()
    parser = argparse.ArgumentParser(prog="python -m resnet_desktop.trainer", description="Train a residual network.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("job", nargs="?", type=Path, help="a job file")
    what.add_argument("--resume", type=Path, metavar="RUN", help="a run folder to resume")
    what.add_argument("--check", action="store_true", help="report as one JSON object whether training works here")
    what.add_argument(
        "--estimate", type=Path, metavar="JOB", help="time a few steps and estimate how long the run takes"
    )
    what.add_argument("--find-rate", type=Path, metavar="JOB", help="try increasing learning rates and suggest one")
    what.add_argument("--preview", type=Path, metavar="JOB", help="write augmented examples of the job's photos")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write the --preview examples")
    parser.add_argument("--control", choices=CONTROLS, help="overrides the job")
    options = parser.parse_args(arguments)
    if (options.preview is None) != (options.output is None):
        parser.error("use --preview together with --output")
    if options.check:
        return ready.main()
    for path, ask in ((options.estimate, _estimate), (options.find_rate, _find_rate), (options.preview, _preview)):
        if path is not None:
            return _answer(path, options.output, ask)
    try:
        job = _given_job(options.job) if options.resume is None else _stored_job(options.resume)
    except JobError as error:
        return refuse(error)
    _heed_signals(Path(job.output))
    from resnet_desktop.trainer.lead import run_job  # torch: not needed to refuse a bad job file

    return run_job(job, options.control or job.control, resumed=options.resume is not None)


def _given_job(path: Path) -> Job:
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


def _stored_job(folder: Path) -> Job:
    """The job of a run folder, which may have been moved, or was named from another place. Raises JobError."""
    if not os.path.isfile(folder / "job.json"):  # noqa: PTH113 - it raises for no name, however long
        message = f"No run to resume in {folder}: it has no job.json."
        raise JobError("bad_job", message, "Choose the folder that the run was written to.")
    try:
        return dataclasses.replace(read_job(folder / "job.json"), output=str(folder))
    except JobError as error:
        raise JobError(error.code, error.message, "Start a new run in another folder.") from error


def _heed_signals(folder: Path) -> None:
    """Until the run listens (``Control``), a signal ends the process, but not without the last word."""

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        if os.environ.get("RANK", "0") == "0":
            say_line(events.encode("cancelled", {"checkpoint": newest_checkpoint(folder)}) + "\n")
        os._exit(events.EXIT_CANCELLED)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _answer(path: Path, output: Path | None, ask: Callable[[Job, Path], Iterable[Mapping[str, Any]]]) -> int:
    """Say what ``ask`` finds out about a job, one JSON object a line; an error is one with ``code`` and ``message``."""
    try:
        for row in ask(read_job(path), output or Path()):
            say_line(json.dumps(row) + "\n")
    except ResNetDesktopError as error:
        say_line(json.dumps({**error.as_dict(), "hint": error.hint}) + "\n")
        return exit_code(error)
    except (RuntimeError, MemoryError, OSError) as error:
        from resnet_desktop.trainer.trouble import in_words

        traceback.print_exc(file=sys.stderr)
        told = in_words(error, output or Path())
        say_line(json.dumps({**told.as_dict(), "hint": told.hint}) + "\n")
        return events.EXIT_OTHER
    return events.EXIT_FINISHED


def _estimate(job: Job, output: Path) -> Iterable[Mapping[str, Any]]:
    from resnet_desktop.trainer import bench

    del output
    yield bench.estimate(job)


def _find_rate(job: Job, output: Path) -> Iterable[Mapping[str, Any]]:
    from resnet_desktop.trainer import bench

    del output
    yield from bench.find_rate(job)


def _preview(job: Job, output: Path) -> Iterable[Mapping[str, Any]]:
    from resnet_desktop.trainer.preview import preview

    yield preview(job, output)


if __name__ == "__main__":
    keep_standard_output()
    sys.exit(main())
