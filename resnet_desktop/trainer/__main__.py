"""``python -u -m resnet_desktop.trainer JOB.json``, or ``--resume RUN`` for a run folder.

Standard output carries the protocol and nothing else; all else goes to standard error and the run's ``log.txt``. Other
questions (``--check``, ``--estimate``, ``--find-rate``, ``--preview``) are answered in JSON lines of their own; what
cannot be answered is one with ``message``.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from resnet_desktop.core.errors import DataError, JobError, ResNetDesktopError
from resnet_desktop.finetune import events
from resnet_desktop.finetune.job import Job, read_job
from resnet_desktop.trainer.control import CancelledRunError, Control
from resnet_desktop.trainer.reporter import Reporter, say_line


def main(arguments: list[str] | None = None) -> int:
    """Train as told on the command line; returns the exit code of the protocol."""
    faulthandler.enable()
    # Read when torch is loaded. Threads that wait by spinning take the processor from the very thread they wait for
    # where other programs run, too: on two busy cores a ResNet-50 took more than twice as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = argparse.ArgumentParser(prog="python -m resnet_desktop.trainer", description="Train a residual network.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("job", nargs="?", type=Path, help="a job file")
    what.add_argument("--resume", type=Path, metavar="RUN", help="a run folder to go on with")
    what.add_argument("--check", action="store_true", help="say whether training works here, as one JSON object")
    what.add_argument("--estimate", type=Path, metavar="JOB", help="measure a few steps and say how long a run takes")
    what.add_argument("--find-rate", type=Path, metavar="JOB", help="try rising learning rates and suggest one")
    what.add_argument("--preview", type=Path, metavar="JOB", help="write augmented examples of the job's pictures")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where --preview writes")
    options = parser.parse_args(arguments)
    if (options.preview is None) != (options.output is None):
        parser.error("--preview and --output go together")
    if options.check:
        return _check()
    for path, ask in ((options.estimate, _estimate), (options.find_rate, _find_rate), (options.preview, _preview)):
        if path is not None:
            return _answer(path, options.output, ask)
    path = options.resume / "job.json" if options.resume else options.job
    try:
        job = read_job(path)
    except JobError as error:
        return _fail(lambda line: say_line(line), error, events.EXIT_BAD_JOB)
    return _run(job)


def _answer(path: Path, output: Path | None, ask: Callable[[Job, Path], Iterable[Mapping[str, Any]]]) -> int:
    """Say what ``ask`` finds out about a job, one JSON object a line; an error is one with ``code`` and ``message``."""
    try:
        for row in ask(read_job(path), output or Path()):
            say_line(json.dumps(row) + "\n")
    except ResNetDesktopError as error:
        say_line(json.dumps({**error.as_dict(), "hint": error.hint}) + "\n")
        return _exit_code(error)
    except (RuntimeError, MemoryError, OSError) as error:
        traceback.print_exc(file=sys.stderr)
        say_line(json.dumps({"code": "training_failed", "message": f"It cannot be tried: {error}"}) + "\n")
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


def _check() -> int:
    """Say whether PyTorch is there and on what it would train."""
    try:
        import torch
    except ImportError as error:
        message = f"PyTorch is not installed ({error}): photos are classified, but nothing can be trained."
        say_line(json.dumps({"ok": False, "message": message}) + "\n")
        return events.EXIT_OTHER
    from resnet_desktop.trainer.machine import choose_device

    device = str(choose_device("auto"))
    message = f"PyTorch {torch.__version__} trains on {device}"
    say_line(json.dumps({"ok": True, "torch": torch.__version__, "device": device, "message": message}) + "\n")
    return events.EXIT_FINISHED


def _run(job: Job) -> int:
    """Run a job in its folder; whatever happens, the last event says how it ended."""
    from resnet_desktop.trainer.reporter import Silent
    from resnet_desktop.trainer.run import Run, lock_folder  # torch: not needed to refuse a bad job file
    from resnet_desktop.trainer.world import join

    folder = Path(job.output)
    world = join(job.device)
    if not world.first:
        Run(job, Silent(), Control("none"), world).go()
        return events.EXIT_FINISHED
    try:
        lock = lock_folder(folder)
        reporter = Reporter(folder)
    except ResNetDesktopError as error:
        return _fail(lambda line: say_line(line), error, _exit_code(error))
    logging.basicConfig(level=logging.INFO, filename=folder / "log.txt", format="%(asctime)s %(name)s %(message)s")
    try:
        with _LastWord(reporter):
            Run(job, reporter, Control(job.control), world).go()
    except CancelledRunError:
        last = sorted((folder / "checkpoints").glob("epoch-*.pt"))
        reporter.say("cancelled", checkpoint=str(last[-1]) if last else None)
        return events.EXIT_CANCELLED
    except ResNetDesktopError as error:
        logging.exception("failed")
        reporter.say("failed", code=error.code, message=error.message, hint=error.hint)
        return _exit_code(error)
    except (RuntimeError, MemoryError, OSError) as error:  # what torch raises: out of memory, a device that broke
        logging.exception("failed")
        traceback.print_exc(file=sys.stderr)
        reporter.say("failed", code="training_failed", message=f"Training broke off: {error}", hint="See log.txt.")
        return events.EXIT_OTHER
    finally:
        reporter.close()
        lock.release()
    return events.EXIT_FINISHED


class _LastWord:
    """Says ``failed`` for an error that nobody foresaw, and lets it go on to the traceback."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        foreseen = (CancelledRunError, ResNetDesktopError, RuntimeError, MemoryError, OSError)
        if error is not None and not isinstance(error, foreseen):
            logging.error("failed", exc_info=error)
            message = f"The trainer met an error of its own: {error!r}."
            self._reporter.say("failed", code="internal_error", message=message, hint="Please report it with log.txt.")


def _exit_code(error: ResNetDesktopError) -> int:
    if isinstance(error, JobError):
        return events.EXIT_BAD_JOB
    return events.EXIT_BAD_DATA if isinstance(error, DataError) else events.EXIT_OTHER


def _fail(say: Callable[[str], object], error: ResNetDesktopError, code: int) -> int:
    """Say ``failed`` before there is a run folder to write it to."""
    say(events.encode("failed", {"code": error.code, "message": error.message, "hint": error.hint}) + "\n")
    sys.stderr.write(json.dumps(error.as_dict(), ensure_ascii=True) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
