"""The state of a training run, folded from its events: what a page, a terminal and a report all read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from resnet_desktop.jobs import events

Phase = Literal["waiting", "scanning", "training", "exporting", "finished", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as it stands after some events. Durations in seconds, accuracies as fractions, losses in nats.

    ``part`` names work outside the epochs that ``part_progress`` (0 to 1) tells of: ``reading`` of the pictures,
    computing ``features``, ``exporting``; it is empty while an epoch runs. ``details`` is the file about the last
    epoch, ``results`` that of a finished run, ``codes`` are those of the warnings. ``paused``: it stands still, and can
    go on.
    """

    phase: Phase = "waiting"
    paused: bool = False
    device: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)
    training: int = 0
    validation: int = 0
    skipped: tuple[Mapping[str, str], ...] = ()
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    images_per_second: float | None = None
    learning_rate: float | None = None
    memory_mb: int | None = None
    seconds_left: float | None = None
    part: str = ""
    part_progress: float = 0.0
    parameters: Mapping[str, int] = field(default_factory=dict)
    estimate: Mapping[str, float] = field(default_factory=dict)
    details: str | None = None
    codes: tuple[str, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    checkpoint: str | None = None
    bundle: str | None = None
    report: str | None = None
    results: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    unparsed: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the last event has come."""
        return self.phase in ("finished", "cancelled", "failed")

    def was_successful(self) -> bool:
        """Whether there is a finished bundle."""
        return self.phase == "finished"

    @property
    def progress(self) -> float:
        """How much of the training is done, 0 to 1, counting epochs as equally long."""
        if not self.epochs:
            return 0.0
        inside = self.step / self.steps if self.steps else 0.0
        return min(1.0, (max(0, self.epoch - 1) + inside) / self.epochs)


def fold(state: RunState, line: str) -> RunState:
    """The state after one more line of the trainer's output; lines that are no events are kept in ``unparsed``."""
    record = events.decode(line)
    try:
        known = None if record is None else _HANDLERS[record["event"]](state, record)
    except (KeyError, TypeError, ValueError, AttributeError):  # an event that lacks what it is about
        known = None
    if record is None or known is None:
        return replace(state, unparsed=(*state.unparsed[-199:], line.rstrip("\n"))) if line.strip() else state
    state = known
    paused = record.get("paused") is True  # a run that says anything else goes on
    return state if state.paused == paused else replace(state, paused=paused)


def fold_all(lines: Iterable[str]) -> RunState:
    """The state after all ``lines``, such as those of ``events.jsonl``."""
    state = RunState()
    for line in lines:
        state = fold(state, line)
    return state


def process_ended(state: RunState, exit_code: int | None) -> RunState:
    """The state once the process is gone: one that ended without a last event has failed, whatever its exit code.

    ``exit_code``: None where it is not known.
    """
    if state.ended:
        return state
    known = "" if exit_code is None else f" (exit code {exit_code})" if exit_code >= 0 else f" (signal {-exit_code})"
    error = {
        "code": "trainer_died",
        "message": f"The trainer exited unexpectedly{known}.",
        "hint": "You can resume the run from its last checkpoint.",
    }
    return replace(state, phase="failed", paused=False, error=error)


def _started(state: RunState, record: Mapping[str, Any]) -> RunState:
    # A resumed run starts anew in the same file; what it learnt before stays.
    state = replace(state, phase="scanning", device=str(record.get("device", "")), error=None)
    return _measured(state, record)


def _scanned(state: RunState, record: Mapping[str, Any]) -> RunState:
    state = replace(
        state,
        phase="training",
        part="",
        classes=record.get("classes", {}),
        training=record.get("training", 0),
        validation=record.get("validation", 0),
        skipped=tuple(record.get("skipped", ())),
    )
    return _measured(state, record)


def _measured(state: RunState, record: Mapping[str, Any]) -> RunState:
    """Parameters and estimate come as soon as they are known."""
    known = {key: record[key] for key in ("parameters", "estimate") if isinstance(record.get(key), Mapping)}
    return replace(state, **known)


def _epoch_started(state: RunState, record: Mapping[str, Any]) -> RunState:
    return replace(state, phase="training", part="", epoch=record["epoch"], epochs=record["epochs"], step=0, steps=0)


def _progress(state: RunState, record: Mapping[str, Any]) -> RunState:
    part, shared = str(record.get("part", "")), ("images_per_second", "seconds_left")
    if part:
        done = record.get("step", 0) / max(1, record.get("steps", 0))
        values: dict[str, Any] = {key: record.get(key) for key in shared}
        phase: Phase = "exporting" if part == "exporting" else state.phase
        return replace(state, phase=phase, part=part, part_progress=min(1.0, done), **values)
    keys = ("epoch", "step", "steps", "loss", "learning_rate", "memory_mb", *shared)
    return replace(state, part="", **{key: record[key] for key in keys if key in record})


def _epoch_finished(state: RunState, record: Mapping[str, Any]) -> RunState:
    history = state.history
    if history and history[-1]["epoch"] >= record["epoch"]:  # done again after a resume
        history = tuple(row for row in history if row["epoch"] < record["epoch"])
    history = (*history, record)
    phase: Phase = "exporting" if record["epoch"] == state.epochs else "training"
    return replace(state, history=history, step=state.steps, details=record.get("details"), phase=phase)


def _checkpoint(state: RunState, record: Mapping[str, Any]) -> RunState:
    return replace(state, checkpoint=record.get("path"))


def _warning(state: RunState, record: Mapping[str, Any]) -> RunState:
    code = str(record.get("code", ""))
    phase: Phase = "exporting" if code == "early_stopped" else state.phase
    warnings, codes = (*state.warnings, str(record.get("message", ""))), (*state.codes, code)
    return replace(state, warnings=warnings, codes=codes, phase=phase)


def _finished(state: RunState, record: Mapping[str, Any]) -> RunState:
    places: dict[str, Any] = {key: record.get(key) for key in ("bundle", "report", "results")}
    return replace(state, phase="finished", part="", metrics=record.get("metrics", {}), **places)


def _cancelled(state: RunState, record: Mapping[str, Any]) -> RunState:
    return replace(state, phase="cancelled", checkpoint=record.get("checkpoint") or state.checkpoint)


def _failed(state: RunState, record: Mapping[str, Any]) -> RunState:
    return replace(state, phase="failed", error={k: record.get(k) for k in ("code", "message", "hint")})


_HANDLERS = {
    "started": _started,
    "scanned": _scanned,
    "epoch_started": _epoch_started,
    "progress": _progress,
    "epoch_finished": _epoch_finished,
    "checkpoint": _checkpoint,
    "warning": _warning,
    "finished": _finished,
    "cancelled": _cancelled,
    "failed": _failed,
}
