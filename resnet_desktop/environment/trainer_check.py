"""Whether an interpreter can train: it is really run, and whatever it answers, a sentence comes of it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.processes import own_process
from resnet_desktop.core.processes.child_process import Answer, ask
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.environment.interpreters import RANGE, identify
from resnet_desktop.jobs.launching.dispatch import TRAINER
from resnet_desktop.jobs.launching.process import environment

CHECK_SECONDS = 120.0
"""PyTorch takes seconds to load, from a slow disk a minute."""
LONGEST_WORDS = 200
"""Characters of what a program says that are passed on."""


@dataclass(frozen=True, slots=True)
class TrainerCheck:
    """Whether an interpreter can train.

    Attributes:
        python: the interpreter; None is the app's own.
        ok: it can.
        message: one sentence: on what it trains, or what is missing.
        hint: what to do about it, or empty.
        torch: PyTorch's version, empty where there is none.
        device: where it would train, such as ``cpu`` or ``cuda``.
    """

    python: Path | None
    ok: bool
    message: str
    hint: str = ""
    torch: str = ""
    device: str = ""

    @property
    def text(self) -> str:
        """Message and hint."""
        return f"{self.message} {self.hint}".strip()


def check(python: Path | None, cancelled: Cancelled = never) -> TrainerCheck:
    """Ask an interpreter whether it can train. Raises CancelledError."""
    interpreter = str(python or sys.executable)
    try:
        if python is not None:
            fault = _no_python(interpreter, cancelled)
            if fault:
                return TrainerCheck(python, ok=False, message=fault)
        command = own_process.command(f"{TRAINER}.self_check", python=python)
        answer = ask(command, CHECK_SECONDS, env=environment(python), cancelled=cancelled)
    except OSError as error:
        return TrainerCheck(python, ok=False, message=f"{interpreter} does not run: {error.strerror or error}.")
    except ResNetDesktopError as error:  # the package cannot be put where the interpreter finds it
        return TrainerCheck(python, ok=False, message=error.message, hint=error.hint or "")
    return _understood(python, interpreter, answer)


def _no_python(interpreter: str, cancelled: Cancelled) -> str:
    """Why a program is no Python to train with; empty where it is one. Raises OSError, CancelledError."""
    found = identify([interpreter], cancelled)
    if found is None:
        return f"{interpreter} is not a working Python: it does not report its version."
    version = ".".join(map(str, found.version))
    return "" if found.supported else f"{interpreter} is Python {version}; training needs {RANGE}."


def _understood(python: Path | None, interpreter: str, answer: Answer) -> TrainerCheck:
    if answer.code is None:
        return TrainerCheck(python, ok=False, message=f"{interpreter} does not respond.")
    try:
        values = json.loads(answer.last_line)
    except (ValueError, RecursionError):
        words = answer.last_complaint[:LONGEST_WORDS].rstrip(".")
        if not answer.last_line and not words:
            words = f"it exited with code {answer.code}"
        reason = words or "it gave an unexpected answer"
        return TrainerCheck(python, ok=False, message=f"{interpreter} cannot train: {reason}.")
    if not isinstance(values, dict):
        values = {}
    said = {name: values.get(name, "") for name in ("message", "hint", "torch", "device")}
    ok = values.get("ok")
    words_only = all(isinstance(value, str) for value in said.values())
    whole = ok is False or (ok is True and said["torch"] and said["device"])
    if not (words_only and whole and said["message"]):
        return TrainerCheck(python, ok=False, message=f"{interpreter} gave an unexpected answer.")
    return TrainerCheck(python, ok is True, **said)
