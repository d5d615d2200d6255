"""``python -u -m resnet_desktop.head JOB.json``, or ``--resume RUN`` for a run folder.

The protocol, the run folder and the questions are those of ``resnet_desktop.trainer``; PyTorch is not needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from resnet_desktop.jobs.job import Job
from resnet_desktop.runs.command_line import Question, start_process, teach
from resnet_desktop.runs.reporter import keep_standard_output


def main(arguments: list[str] | None = None) -> int:
    """Teach as told on the command line; returns the exit code of the protocol."""
    start_process()
    questions = (
        Question("estimate", "measure a few photos and say how long a run takes", _estimate),
        Question("preview", "write augmented examples of the job's photos", _preview),
    )
    return teach("resnet_desktop.head", "Teach a new last layer.", questions, _run_job, arguments)


def _run_job(job: Job, mode: str, *, resumed: bool) -> int:
    from resnet_desktop.head.launcher import run_job  # ONNX Runtime: not needed to refuse a bad job file

    return run_job(job, mode, resumed=resumed)


def _estimate(job: Job, output: Path) -> Iterable[Mapping[str, Any]]:
    from resnet_desktop.head.estimate import estimate

    del output
    yield estimate(job)


def _preview(job: Job, output: Path) -> Iterable[Mapping[str, Any]]:
    from resnet_desktop.head.preview import preview

    yield preview(job, output)


if __name__ == "__main__":
    keep_standard_output()
    sys.exit(main())
