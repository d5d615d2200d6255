"""``python -u -m resnet_desktop.trainer JOB.json``, or ``--resume RUN`` for a run folder.

Standard output carries the protocol and nothing else; all else goes to standard error and the run's ``log.txt``. Other
questions (``--check``, ``--estimate``, ``--find-rate``, ``--preview``) are answered in JSON lines of their own; what
cannot be answered is one with ``message``.
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
from resnet_desktop.trainer import self_check
from resnet_desktop.trainer.allocator import keep_freed_memory


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
        return self_check.main()
    for path, ask in ((options.estimate, _estimate), (options.find_rate, _find_rate), (options.preview, _preview)):
        if path is not None:
            return answer(path, options.output, ask)
    try:
        job = given_job(options.job) if options.resume is None else stored_job(options.resume)
    except JobError as error:
        return refuse(error)
    heed_signals(Path(job.output))
    from resnet_desktop.trainer.launcher import run_job  # torch: not needed to refuse a bad job file

    return run_job(job, options.control or job.control, resumed=options.resume is not None)


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
