"""The command line of a process that teaches: a job, a run to resume, or a question about a job."""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from resnet_desktop.core.errors import JobError
from resnet_desktop.jobs.job import CONTROLS, Job
from resnet_desktop.runs.opening import answer, given_job, heed_signals, stored_job
from resnet_desktop.runs.reporter import refuse


class RunJob(Protocol):
    """What carries out a job."""

    def __call__(self, job: Job, mode: str, *, resumed: bool) -> int:
        """Run it in its folder, listening as ``mode`` says; returns the exit code."""


@dataclass(frozen=True, slots=True)
class Question:
    """An option that takes a job file and answers in JSON lines.

    Attributes:
        option: its name, without the dashes.
        help: what it does.
        ask: gives the lines; takes the job and the folder of ``--output``.
    """

    option: str
    help: str
    ask: Callable[[Job, Path], Iterable[Mapping[str, Any]]]


def start_process() -> None:
    """What comes first in a process that teaches: streams that can be written to, and a traceback of any crash."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process lives
    faulthandler.enable()


def teach(
    program: str,
    description: str,
    questions: Sequence[Question],
    run_job: RunJob,
    arguments: Sequence[str] | None,
    check: Callable[[], int] | None = None,
) -> int:
    """Do as told on the command line; returns the exit code of the protocol.

    Args:
        program: the module that is run.
        description: what it does.
        questions: about a job; ``preview`` writes files.
        run_job: imports what runs need only when it is called: a bad job file is refused without.
        arguments: of the command line; None for those of the process.
        check: answers to ``--check``, where there is one.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("job", nargs="?", type=Path, help="a job file")
    what.add_argument("--resume", type=Path, metavar="RUN", help="a run folder to resume")
    if check is not None:
        what.add_argument("--check", action="store_true", help="report as one JSON object whether training works here")
    for question in questions:
        what.add_argument(f"--{question.option}", dest=question.option, type=Path, metavar="JOB", help=question.help)
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write the --preview examples")
    parser.add_argument("--control", choices=CONTROLS, help="overrides the job")
    options = parser.parse_args(arguments)
    if (options.preview is None) != (options.output is None):
        parser.error("use --preview together with --output")
    if check is not None and options.check:
        return check()
    for question in questions:
        path = getattr(options, question.option)
        if path is not None:
            return answer(path, options.output, question.ask)
    try:
        job = given_job(options.job) if options.resume is None else stored_job(options.resume)
    except JobError as error:
        return refuse(error)
    heed_signals(Path(job.output))
    return run_job(job, options.control or job.control, resumed=options.resume is not None)
