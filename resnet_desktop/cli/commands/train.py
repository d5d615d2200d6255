"""``resnet-desktop train``: the trainer that the wizard uses, with a progress bar."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resnet_desktop.cli.keys import heard_keys
from resnet_desktop.cli.shared import EXIT_USAGE, RangeOption, say, tell_path
from resnet_desktop.core import settings as declared
from resnet_desktop.core.settings import Settings
from resnet_desktop.core.text.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from resnet_desktop.jobs.launching.process import TrainerProcess
    from resnet_desktop.jobs.run_state import RunState


MOST_PAIRS = 3
"""Pairs of classes that are named after each epoch."""


def _place(name: str) -> Path:
    """A path, but none without a name: that would be the working directory."""
    if not name:
        raise typer.BadParameter("it is empty")
    return Path(name)


Data = Annotated[
    list[Path] | None,
    typer.Option("--data", parser=_place, metavar="DIR|ZIP|CSV", help="A folder, zip file or CSV file of photos."),
]
PathColumn = Annotated[
    str | None,
    typer.Option("--path-column", metavar="NAME|NUMBER", help="The table column with the photo paths."),
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", metavar="NAME|NUMBER", help="The table column with the labels.")
]
Output = Annotated[Path | None, typer.Option("--output", parser=_place, metavar="DIR", help="The run folder.")]
Resume = Annotated[Path | None, typer.Option("--resume", parser=_place, metavar="RUN", help="Resume a run.")]
TrainChoice = Annotated[
    str | None,
    typer.Option("--train", metavar="head|last-stage|last-two-stages|all|scratch", help="Which part to train."),
]
MaxMinutes = Annotated[
    float | None, typer.Option("--max-minutes", help="How long the run may take; the schedule is shortened to fit.")
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="NAME|PATH", help="The model to start from; the ImageNet network if not given."),
]
Preset = Annotated[str | None, typer.Option("--preset", metavar="quick|balanced|best", help="How thoroughly to train.")]


def train(
    job: Annotated[Path | None, typer.Argument(metavar="[JOB.json]", help="A job file.")] = None,
    data: Data = None,
    output: Output = None,
    path_column: PathColumn = None,
    label_column: LabelColumn = None,
    base: Base = None,
    what: TrainChoice = None,
    preset: Preset = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes through the photos.")] = None,
    minutes: MaxMinutes = None,
    batch: Annotated[int | None, typer.Option("--batch-size", help="Photos per training step.")] = None,
    rate: Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")] = None,
    size: Annotated[int | None, typer.Option("--input-size", help="Input side length, in pixels.")] = None,
    values: RangeOption = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Random seed for split, order and augmentation.")] = None,
    strict_split: Annotated[
        bool, typer.Option("--strict-split", help="Keep train and val folders as they are, even with duplicate photos.")
    ] = False,
    device: Annotated[str | None, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to train.")] = None,
    resume: Resume = None,
    python: Annotated[Path | None, typer.Option("--python", help="A Python interpreter with PyTorch.")] = None,
) -> None:
    """Teach a network your own classes: one folder of photos for each."""
    chosen = {
        "base": base,
        "train": what,
        "preset": preset,
        "epochs": epochs,
        "max_minutes": minutes,
        "batch_size": batch,
        "learning_rate": rate,
        "input_size": size,
        "seed": seed,
        "strict_split": strict_split or None,
        "device": device,
        "range": values,
    }
    columns = {"path_column": path_column, "label_column": label_column}
    _check_together(job, data, output, resume, chosen | columns)
    usual = Settings().string(declared.RANGE)
    chosen["range"] = values or (usual if usual != declared.RANGE.default else None)
    if data:
        assert output is not None
        with _job_file(_sources(data, columns), output, chosen) as path:
            arguments = [str(path)]
            raise typer.Exit(_follow(arguments, _interpreter(arguments, python)))
    arguments = ["--resume", str(resume)] if resume is not None else [str(job)]
    raise typer.Exit(_follow(arguments, _interpreter(arguments, python)))


def _interpreter(arguments: list[str], python: Path | None) -> Path | None:
    """The interpreter that can train this; None is the app's own. Ends with exit code 1 where there is none.

    The last layer alone is taught by the app's own, whichever is named.
    """
    from resnet_desktop.environment import trainer_check, training_python
    from resnet_desktop.jobs.launching import dispatch

    if dispatch.module_for(arguments) == dispatch.HEAD:
        return None
    named = Settings().string(declared.TRAINER_PYTHON)
    # An interpreter that is asked for by name has no stand-in.
    found = training_python.find(Path(named) if named else None) if python is None else trainer_check.check(python)
    if not found.ok:
        way_on = found.hint or f"Training needs PyTorch. {training_python.way_to_add()}"
        say(f"{found.message} {way_on} Only the last layer (--train head) can be trained without it.")
        raise typer.Exit(1)
    return found.python


def _check_together(
    job: Path | None, data: list[Path] | None, output: Path | None, resume: Path | None, chosen: dict[str, Any]
) -> None:
    """End with exit code 2 if the options do not go together."""
    given = [bool(job), bool(data), bool(resume)]
    if sum(given) != 1 or (data and output is None) or (job and output is not None):
        say("Pass a job file, or --data and --output, or --resume with a run folder.")
        raise typer.Exit(EXIT_USAGE)
    changed = [name for name, value in chosen.items() if value is not None]
    if changed and not data:
        say(f"{', '.join('--' + name.replace('_', '-') for name in changed)} can only be used with --data.")
        raise typer.Exit(EXIT_USAGE)


def _sources(data: list[Path], columns: dict[str, str | None]) -> list[dict[str, str]]:
    """The data of the job, with whole paths: the window may take the run up from anywhere.

    Ends with exit code 2 if columns are chosen of no table.
    """
    from resnet_desktop.data.sources.table import is_table

    chosen = {name: value for name, value in columns.items() if value is not None}
    if chosen and not any(map(is_table, data)):
        say(f"{', '.join('--' + name.replace('_', '-') for name in chosen)} can only be used with a table in --data.")
        raise typer.Exit(EXIT_USAGE)
    return [
        {"csv": str(path.absolute()), **chosen} if is_table(path) else {"folder": str(path.absolute())} for path in data
    ]


@contextmanager
def _job_file(sources: list[dict[str, str]], output: Path, chosen: dict[str, Any]) -> Iterator[Path]:
    """A file with the job of the options, for as long as the block lasts. Ends with exit code 2 if it is a bad one.

    It does not lie in the run folder: the trainer writes there once it knows that the folder is free. Raises
    StorageError.
    """
    from resnet_desktop.core import atomic
    from resnet_desktop.core.errors import JobError, StorageError
    from resnet_desktop.jobs.job import parse_job

    values: dict[str, Any] = {"data": sources, "output": str(output.absolute())}
    values |= {name: value for name, value in chosen.items() if value is not None}
    if values.pop("strict_split", False):
        values["split"] = {"strict": True}
    if os.path.isfile(values.get("base") or ""):  # noqa: PTH113 - it raises for no name, however long
        values["base"] = str(Path(values["base"]).absolute())
    try:
        job = parse_job(values)
    except JobError as error:
        say(str(error))
        raise typer.Exit(EXIT_USAGE) from error
    try:
        folder = tempfile.TemporaryDirectory(prefix="resnet-desktop-")
    except OSError as error:
        message = "No writable folder for temporary files was found."
        raise StorageError("write_failed", message, "Free some space on the disk and try again.") from error
    with folder as name:
        path = Path(name) / "job.json"
        atomic.write_text(path, json.dumps(job.as_dict(), indent=1) + "\n")
        yield path


def _follow(arguments: list[str], python: Path | None) -> int:
    """Run the trainer and show how it gets on; its exit code."""
    from resnet_desktop.jobs.launching.process import TrainerProcess
    from resnet_desktop.jobs.run_state import RunState, fold, process_ended

    lines: queue.Queue[str | int] = queue.Queue()
    process = TrainerProcess(arguments, python=python, on_line=lines.put, on_exit=lines.put)
    state, paused = RunState(), threading.Event()
    with _interrupt(process), _shown() as show, heard_keys(_orders(process, paused)) as hears:
        if hears:
            say("p: pause or resume. s: stop and keep the best so far. Ctrl+C: cancel with a checkpoint.")
        while True:
            line = lines.get()
            if isinstance(line, int):
                state = process_ended(state, line)
                break
            before, state = state, fold(state, line)
            paused.set() if state.paused else paused.clear()
            show(before, state)
    return _conclude(state, process, line)


def _orders(process: TrainerProcess, paused: threading.Event) -> Callable[[str], None]:
    """What the keys of the terminal order."""

    def on_key(key: str) -> None:
        if key in "pP ":
            process.send("resume" if paused.is_set() else "pause")
        elif key in "sS":
            say("Stopping after this step and keeping the best so far.")
            process.send("stop")

    return on_key


@contextmanager
def _interrupt(process: TrainerProcess) -> Iterator[None]:
    """Ctrl+C once: a checkpoint, then the end. Twice: the end."""
    pressed: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        pressed.append(number)
        if len(pressed) == 1:
            say("Saving a checkpoint. Press Ctrl+C again to quit immediately.")
            process.send("cancel")
        else:
            process.kill()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _shown() -> Iterator[Callable[[RunState, RunState], None]]:
    """A bar on a terminal; else a line for each epoch."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from resnet_desktop.jobs.log_messages import news

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Starting", total=1.0, words="")

        def show(before: RunState, state: RunState) -> None:
            for text in (*news(before, state), *_mistakes(before, state)):
                console.print(printable(text), markup=False)
            _move(progress, task, state)

        yield show


def _mistakes(before: RunState, state: RunState) -> Iterator[str]:
    """What the epoch that has just ended got wrong: the classes that are mixed up most, and the worst photo."""
    if not state.details or state.details == before.details:
        return
    from resnet_desktop.jobs.epoch_details import read_details

    folder, epoch = Path(state.details).parent.parent, int(state.history[-1]["epoch"])
    details = read_details(folder, epoch, tuple(state.classes))
    if details is None:
        return
    pairs = [f"{count} x {label} classified as {other}" for label, other, count in details.mixed_up(MOST_PAIRS)]
    if pairs:
        yield f"  most confused: {'; '.join(pairs)}"
    worst = next((picture for picture in details.worst if not picture.right), None)
    if worst is not None:
        yield f"  worst: {worst.path} is {worst.label}, classified as {worst.predicted} ({worst.probability:.0%})"


def _move(progress: Progress, task: TaskID, state: RunState) -> None:
    parts = {
        "scanning": "Reading the photos",
        "reading": "Loading the photos",
        "features": "Computing features",
        "teacher": "Asking the teacher",
        "learning": "Learning the last layer",
        "exporting": "Checking and exporting",
    }
    epoch = f"Epoch {state.epoch} of {state.epochs}" if state.epochs else state.phase.capitalize()
    title = "Paused" if state.paused else parts.get(state.part or state.phase, epoch)
    done = state.part_progress if state.part else state.progress
    progress.update(task, completed=done, description=title, words="  ".join(_facts(state)))


def _facts(state: RunState) -> Iterator[str]:
    if state.loss is not None and not state.part:
        yield f"loss {state.loss:.3f}"
    if state.learning_rate is not None and not state.part:
        yield f"rate {state.learning_rate:.2g}"
    if state.images_per_second:
        yield f"{state.images_per_second:.0f} photos/s"
    if state.memory_mb:
        yield f"{state.memory_mb} MB"
    if state.seconds_left:
        minutes, seconds = divmod(round(state.seconds_left), 60)
        yield f"{minutes}:{seconds:02d} left"


def _conclude(state: RunState, process: TrainerProcess, code: int) -> int:
    if state.was_successful():
        metrics = state.metrics
        if metrics.get("images"):
            low, high = metrics["acc1_interval"]
            right = f"{round(metrics['acc1'] * metrics['images'])} of {metrics['images']} photos classified correctly"
            say(f"{right}: {metrics['acc1']:.1%} (95 % interval {low:.1%} to {high:.1%}).")
            if metrics.get("on") == "cross-validation":
                folds = metrics["folds"]
                say(f"Each photo was classified by a model not trained on it ({folds}-fold cross-validation).")
                say("The exported model was trained on all of them.")
            elif metrics.get("on") != "test" and metrics.get("chosen_by", True):
                say("The model was not trained on these photos, but these photos also selected the best epoch.")
        say(f"Report: {state.report}")
        say(f"Install the model with:  resnet-desktop models install {state.bundle}")
        tell_path(str(state.bundle))
        return code
    if state.phase == "cancelled":
        say("Cancelled. Continue with --resume." if state.checkpoint else "Cancelled before training began.")
        return code
    error = state.error or {}
    say(f"{error.get('message', 'The trainer failed.')} {error.get('hint') or ''}".strip())
    if error.get("code") == "trainer_died":
        for line in process.log[-5:]:
            say(f"  {line}")
    return code or 1
