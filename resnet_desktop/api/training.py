"""Teaching a network new classes from a program: a run of the same process as in the window and the command line."""

from __future__ import annotations

import json
import os
import queue
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from resnet_desktop.api.model import Model, open_model
from resnet_desktop.core import atomic
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.data.sources.table import is_table
from resnet_desktop.environment import training_python
from resnet_desktop.jobs.job import Job, parse_job
from resnet_desktop.jobs.launching import dispatch
from resnet_desktop.jobs.launching.process import TrainerProcess
from resnet_desktop.jobs.run_state import RunState, fold, process_ended

Place = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a run came to.

    Attributes:
        path: the model, a bundle.
        report: a page with accuracy, mistakes and calibration.
        metrics: accuracy (``acc1``, a fraction of 1), its 95 % interval, what it was measured ``on`` and so on.
        warnings: sentences on what to know of the data or the run.
    """

    path: Path
    report: Path
    metrics: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def open(self, **options: Any) -> Model:  # noqa: ANN401 - as of open_model
        """The model, ready; options as of ``resnet_desktop.open``."""
        return open_model(self.path, **options)


def train(
    data: Place | Sequence[Place],
    output: Place,
    *,
    on_state: Callable[[RunState], object] | None = None,
    **job: Any,  # noqa: ANN401 - the keys of a job
) -> TrainedModel:
    """Teach a network the classes of some photos, and wait until it is done.

    The last layer alone takes seconds and no PyTorch; more of the network (``train="last-stage"`` …) takes an
    environment with PyTorch, which ``resnet-desktop doctor`` speaks of.

    Args:
        data: a folder with a folder for each class, a zip of such, a table of paths and labels; or several.
        output: the run folder; it is made.
        on_state: hears of how the run stands (epoch, step, loss, history …) after each event; may raise to cancel it.
        job: the keys of a job, such as ``train``, ``base``, ``preset``, ``epochs``, ``seed`` (docs/formats/job.md).

    Raises:
        JobError: a key or value is none of a job's.
        CancelledError: somebody cancelled the run.
        TrainingError: the run failed, with its own code and sentence; ``no_torch``: there is no
            PyTorch for what is asked.
        StorageError: the job cannot be written.
    """
    places = [data] if isinstance(data, str | PathLike) else list(data)
    wanted = parse_job({"data": [_source(place) for place in places], "output": os.path.abspath(output), **job})  # noqa: PTH100
    with tempfile.TemporaryDirectory(prefix="resnet-desktop-") as folder:
        path = Path(folder) / "job.json"
        atomic.write_text(path, json.dumps(wanted.as_dict(), indent=1) + "\n")
        state = _run([str(path)], _python(wanted), on_state)
    if state.error is not None:
        raise TrainingError(str(state.error["code"]), str(state.error["message"]), state.error.get("hint"))
    if state.bundle is None or state.report is None:
        raise CancelledError
    return TrainedModel(Path(state.bundle), Path(state.report), dict(state.metrics), state.warnings)


def _source(place: Place) -> dict[str, str]:
    path = Path(fspath(place)).absolute()
    return {"csv" if is_table(path) else "folder": str(path)}


def _python(job: Job) -> Path | None:
    """The interpreter that can do it; None is this one's own."""
    if not dispatch.needs_pytorch(job):
        return None
    found = training_python.find(None)
    if not found.ok:
        raise TrainingError("no_torch", found.message, found.hint or training_python.way_to_add())
    return found.python


def _run(arguments: list[str], python: Path | None, on_state: Callable[[RunState], object] | None) -> RunState:
    lines: queue.Queue[str | int] = queue.Queue()
    process = TrainerProcess(arguments, python=python, on_line=lines.put, on_exit=lines.put)
    state = RunState()
    try:
        while not isinstance(line := lines.get(), int):
            state = fold(state, line)
            if on_state is not None:
                on_state(state)
    except BaseException:  # Ctrl+C, or what on_state raised: the process must not outlive the call
        process.send("cancel")
        if not process.wait(10.0):
            process.kill()
        raise
    return process_ended(state, line)
