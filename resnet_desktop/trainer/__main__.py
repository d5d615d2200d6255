"""``python -u -m resnet_desktop.trainer JOB.json``, or ``--resume RUN`` for a run folder.

Standard output carries the protocol and nothing else; all else goes to standard error and the run's ``log.txt``. Other
questions (``--check``, ``--estimate``, ``--find-rate``, ``--preview``) are answered in JSON lines of their own; what
cannot be answered is one with ``message``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.command_line import Question, start_process, teach
from resnet_desktop.runs.reporter import keep_standard_output
from resnet_desktop.trainer import self_check
from resnet_desktop.trainer.allocator import keep_freed_memory


def main(arguments: list[str] | None = None) -> int:
    """Train as told on the command line; returns the exit code of the protocol."""
    start_process()
    # Read when torch is loaded. Threads that wait by spinning take the processor from the very thread they wait for
    # where other programs run, too: on two busy cores a ResNet-50 took more than twice as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()
    questions = (
        Question("estimate", "time a few steps and estimate how long the run takes", _estimate),
        Question("find-rate", "try increasing learning rates and suggest one", _find_rate),
        Question("preview", "write augmented examples of the job's photos", _preview),
    )
    description = "Train a residual network."
    return teach("resnet_desktop.trainer", description, questions, _run_job, arguments, self_check.main)


def _run_job(job: Job, mode: str, *, resumed: bool) -> int:
    from resnet_desktop.trainer.launcher import run_job  # torch: not needed to refuse a bad job file

    return run_job(job, mode, resumed=resumed)


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
