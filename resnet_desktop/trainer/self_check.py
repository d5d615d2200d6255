"""``python -m resnet_desktop.trainer.self_check``: whether this interpreter can train, as one JSON object.

It has to run where libraries are missing, so it imports none before it has looked for all of them.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from typing import Any

from resnet_desktop.environment.requirements import LIBRARIES, TORCH, fault_of, module_of, pip_line, title_of
from resnet_desktop.runs.reporter import say_line

NEEDED = (TORCH, *LIBRARIES)
BROKEN = (ImportError, OSError, RuntimeError, AttributeError, TypeError, ValueError)
"""What libraries raise that lie there but do not load, such as those that were built for other neighbours."""


def ready() -> dict[str, Any]:
    """``ok`` and ``message``; with them ``torch`` and ``device``, or ``hint``."""
    missing = [requirement for requirement in NEEDED if importlib.util.find_spec(module_of(requirement)) is None]
    if missing:
        return _no(_lacking(missing), missing)
    for requirement in NEEDED:
        try:
            module = importlib.import_module(module_of(requirement))
        except BROKEN as error:
            return _no(f"{title_of(requirement)} is installed but does not load: {_words(error)}.", [requirement], "-U")
        fault = fault_of(requirement, str(getattr(module, "__version__", "")))
        if fault:
            return _no(fault, [requirement], "-U")
    try:
        import torch

        from resnet_desktop.trainer.launcher import run_job as _all_of_it  # noqa: F401 - what a run imports
        from resnet_desktop.trainer.machine import choose_device

        device = str(choose_device("auto"))
    except BROKEN as error:
        return _no(f"The trainer does not load: {_words(error)}.", [])
    message = f"PyTorch {torch.__version__} trains on {device}"
    return {"ok": True, "torch": str(torch.__version__), "device": device, "message": message}


def main() -> int:
    """Say it; the exit code."""
    answer = ready()
    # What a run imports has taken standard output for the protocol alone by now.
    say_line(json.dumps(answer) + "\n")
    return 0 if answer["ok"] else 1


def _lacking(missing: list[str]) -> str:
    if missing == [TORCH]:
        return "PyTorch is not installed: you can classify photos, but not train."
    titles = [title_of(requirement) for requirement in missing]
    names = f"{', '.join(titles[:-1])} and {titles[-1]}" if len(titles) > 1 else titles[0]
    return f"This Python lacks {names}, which training needs."


def _no(message: str, requirements: list[str], *words: str) -> dict[str, Any]:
    hint = f"Install what is missing with: {pip_line(requirements, sys.executable, *words)}" if requirements else ""
    return {"ok": False, "message": message, "hint": hint}


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
