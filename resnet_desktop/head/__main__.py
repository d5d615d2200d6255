"""``python -u -m resnet_desktop.head JOB.json``, or ``--resume RUN`` for a run folder.

The protocol, the run folder and the questions are those of ``resnet_desktop.trainer``; PyTorch is not needed.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import JobError
from resnet_desktop.jobs.job import CONTROLS, Job
from resnet_desktop.runs.opening import answer, given_job, heed_signals, stored_job
from resnet_desktop.runs.reporter import keep_standard_output, refuse


def main(arguments: list[str] | None = None) -> int:
    """Teach as told on the command line; returns the exit code of the protocol."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process lives
    faulthandler.enable()
    parser = argparse.ArgumentParser(prog="python -m resnet_desktop.head", description="Teach a new last layer.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("job", nargs="?", type=Path, help="a job file")
    what.add_argument("--resume", type=Path, metavar="RUN", help="a run folder to resume")
    what.add_argument("--estimate", type=Path, metavar="JOB", help="measure a few photos and say how long a run takes")
    what.add_argument("--preview", type=Path, metavar="JOB", help="write augmented examples of the job's photos")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write the --preview examples")
    parser.add_argument("--control", choices=CONTROLS, help="overrides the job")
    options = parser.parse_args(arguments)
    if (options.preview is None) != (options.output is None):
        parser.error("use --preview together with --output")
    for path, ask in ((options.estimate, _estimate), (options.preview, _preview)):
        if path is not None:
            return answer(path, options.output, ask)
    try:
        job = given_job(options.job) if options.resume is None else stored_job(options.resume)
    except JobError as error:
        return refuse(error)
    heed_signals(Path(job.output))
    from resnet_desktop.head.launcher import run_job  # ONNX Runtime: not needed to refuse a bad job file

    return run_job(job, options.control or job.control, resumed=options.resume is not None)


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
