"""A run in sentences, as its events come: what a terminal prints and what the log of the window holds."""

from __future__ import annotations

from collections.abc import Iterator

from resnet_desktop.jobs.run_state import RunState

MOST_LEFT_OUT = 10
"""Pictures that could not be read, each in a line of its own."""


def news(before: RunState, state: RunState) -> Iterator[str]:
    """Sentences for what one more line of the trainer's output has changed."""
    if state.paused != before.paused and not state.ended:
        yield "Paused." if state.paused else "Resumed."
    if state.device and state.phase == "scanning" and before.phase != "scanning":
        yield f"The trainer is ready and uses {state.device}."
    if state.classes and not before.classes:
        apart = f", {state.validation} validation" if state.validation else ""
        yield f"Classes: {len(state.classes)}. Photos: {state.training} training{apart}."
        for row in state.skipped[:MOST_LEFT_OUT]:
            yield f"Left out: {row.get('path', '')}: {row.get('message', '')}"
        if len(state.skipped) > MOST_LEFT_OUT:
            yield f"Left out: {len(state.skipped) - MOST_LEFT_OUT:,} more; the report lists them."
    yield from state.warnings[len(before.warnings) :]
    if state.history and (not before.history or state.history[-1] is not before.history[-1]):
        yield _epoch(state)
    if state.unparsed is not before.unparsed:
        yield state.unparsed[-1]


def _epoch(state: RunState) -> str:
    row = state.history[-1]
    loss, acc1, trained = row.get("validation_loss"), row.get("acc1"), row.get("training_loss")
    parts = [] if trained is None else [f"training loss {trained:.3f}"]
    if acc1 is not None and loss is not None:
        parts += [f"validation loss {loss:.3f}", f"accuracy {acc1:.1%}"]
    parts.append(f"{row.get('seconds', 0.0):.1f} s")
    return f"Epoch {row['epoch']}: {', '.join(parts)}"
