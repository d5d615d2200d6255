"""Questions to the trainer beside training: asked of a process, followed line by line, given up at any moment.

``python -m resnet_desktop.trainer --estimate|--find-rate|--preview JOB`` answers in JSON lines of its own; what it
cannot answer is a line with ``code`` and ``message``. Every asker here blocks until the answer is there, so it belongs
on a worker thread; ``cancelled`` ends the process within a tenth of a second.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.jobs.launching.process import TrainerProcess

LIMIT_SECONDS = 180.0
RATE_LIMIT_SECONDS = 1800.0
"""The learning-rate range test makes a hundred steps, which a large network on a slow machine takes its time for."""
POLL_SECONDS = 0.1
LONGEST_MESSAGE = 240
"""Characters of what the trainer says that are passed on."""

Row = Mapping[str, Any]
OnRow = Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class RatePoint:
    """One step of the range test: its learning rate, its batch's loss (nats), and which step it was of how many."""

    rate: float
    loss: float
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class RateTest:
    """What a range test found: its points by rising rate, and the suggested rate (None: the loss tells none)."""

    points: tuple[RatePoint, ...]
    suggestion: float | None


@dataclass(frozen=True, slots=True)
class Example:
    """A picture as it is and as training shows it: its name, class, and PNG files."""

    name: str
    label: str
    plain: Path
    augmented: tuple[Path, ...]


def unheard_row(row: Row) -> None:
    """A row that nobody waits for."""
    del row


def ask(
    question: str,
    job: Mapping[str, Any],
    python: Path | None,
    *,
    more: Sequence[str] = (),
    on_row: OnRow = unheard_row,
    cancelled: Cancelled = never,
    limit: float = LIMIT_SECONDS,
) -> tuple[Row, ...]:
    """Ask the trainer one question about a job and wait for the answer.

    Args:
        question: such as ``--estimate``.
        job: the job file's values.
        python: the interpreter that has PyTorch; None is the one that runs the app.
        more: further words for the trainer.
        on_row: called with each JSON object as it comes, on a thread of its own.
        cancelled: asked ten times a second.
        limit: seconds after which the process is ended.

    Returns:
        All JSON objects that it said, at least one.

    Raises:
        TrainingError: the trainer's own ``code`` and words where it refused; else ``no_estimate``, or ``no_torch``
            where the interpreter cannot be started.
        StorageError: the job cannot be written for it.
        CancelledError: as asked; the process has ended then.
    """
    rows: list[Row] = []

    def on_line(line: str) -> None:
        row = _decoded(line)
        if row is not None:
            rows.append(row)
            if "message" not in row:
                on_row(row)

    codes: list[int] = []
    try:
        with tempfile.TemporaryDirectory(prefix="resnet-desktop-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "job.json"
            path.write_text(json.dumps(dict(job)), "utf-8", "surrogateescape")
            arguments = [question, str(path), *more]
            process = TrainerProcess(arguments, python=python, on_line=on_line, on_exit=codes.append)
            _wait(process, cancelled, limit)
    except OSError as error:
        raise atomic.storage_error(Path(tempfile.gettempdir()), error) from error
    return _answer(rows, process.log, codes)


def find_rate(
    job: Mapping[str, Any],
    python: Path | None,
    *,
    on_point: Callable[[RatePoint], None],
    cancelled: Cancelled = never,
) -> RateTest:
    """The learning-rate range test (Smith 2015, arXiv:1506.01186) on a job's own pictures.

    Raises:
        TrainingError: as ``ask``.
        CancelledError: as asked.
    """
    points: list[RatePoint] = []

    def on_row(row: Row) -> None:
        if "learning_rate" in row:
            point = RatePoint(float(row["learning_rate"]), float(row["loss"]), int(row["step"]), int(row["steps"]))
            points.append(point)
            on_point(point)

    rows = ask("--find-rate", job, python, on_row=on_row, cancelled=cancelled, limit=RATE_LIMIT_SECONDS)
    found = rows[-1].get("suggestion")
    return RateTest(tuple(points), float(found) if isinstance(found, (int, float)) else None)


def preview(
    job: Mapping[str, Any], python: Path | None, folder: Path, *, cancelled: Cancelled = never
) -> tuple[Example, ...]:
    """Examples of what training shows the network, written as PNG files into ``folder``.

    Raises:
        TrainingError: as ``ask``.
        CancelledError: as asked.
    """
    rows = ask("--preview", job, python, more=("--output", str(folder)), cancelled=cancelled)
    try:
        return tuple(
            Example(
                str(row["path"]), str(row["label"]), Path(row["plain"]), tuple(Path(name) for name in row["augmented"])
            )
            for row in rows[-1]["pictures"]
        )
    except (KeyError, TypeError) as error:
        raise TrainingError("no_estimate", "The trainer's answer is unreadable.") from error


def _wait(process: TrainerProcess, cancelled: Cancelled, limit: float) -> None:
    """Wait for the end. Raises CancelledError, TrainingError; the process has ended either way."""
    deadline = time.monotonic() + limit
    while not process.wait(POLL_SECONDS):
        late = time.monotonic() > deadline
        if late or cancelled():
            process.kill()
            process.wait()
            if late:
                raise TrainingError("no_estimate", f"The trainer did not respond within {limit:.0f} seconds.")
            raise CancelledError


def _answer(rows: list[Row], log: Sequence[str], codes: Sequence[int]) -> tuple[Row, ...]:
    if rows and "message" in rows[-1]:
        last = rows[-1]
        message = str(last["message"]).splitlines()[0]
        if len(message) > LONGEST_MESSAGE:  # libraries quote whole tables
            message = f"{message[:LONGEST_MESSAGE].rsplit(' ', 1)[0]} …"
        raise TrainingError(str(last.get("code") or "no_estimate"), message, last.get("hint") or None)
    if not rows or any(codes):
        words = [line for line in log if line.strip()]
        reason = words[-1] if words else "it gave no reason"
        raise TrainingError("no_estimate", f"The trainer could not answer: {reason}.".replace("..", "."))
    return tuple(rows)


def _decoded(line: str) -> Row | None:
    """The JSON object on this line, or None."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
