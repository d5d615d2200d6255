"""How a process of this very program is started, run by an interpreter or packaged with one inside.

A packaged program has no other Python beside it. It is then started itself, with the words that an interpreter would
take, and does what they ask before anything else (``run_module_asked_for``).
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import MutableMapping
from pathlib import Path

from resnet_desktop.core import paths

PROGRAM = "resnet_desktop"
"""The program as a person starts it, with its commands."""
HEAD = "resnet_desktop.head"
WINDOW_CHECK = "resnet_desktop.gui.platform_check"
CHILDREN = (HEAD, WINDOW_CHECK)
"""What else a packaged program can be started as. The trainer is not: PyTorch is in another interpreter."""

LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")
RESET = "PYINSTALLER_RESET_ENVIRONMENT"
"""Tells the packer's start program that it is not to take its parent's search path for its own: it finds it anew."""
_WORDS = ("-u", "-m")


def packaged() -> bool:
    """Whether this is a packaged program, which has its interpreter inside and lends it to nobody."""
    return bool(getattr(sys, "frozen", False))


def command(module: str, *arguments: str, python: Path | None = None) -> list[str]:
    """The words that start a module of this package.

    Args:
        module: PROGRAM, one of CHILDREN, or with ``python`` named, any.
        arguments: what it is told.
        python: an interpreter; None is what this process runs on.

    Raises:
        ValueError: a packaged program does not have it inside.
    """
    if python is None and packaged():
        if module == PROGRAM:
            return [sys.executable, *arguments]
        if module not in CHILDREN:
            raise ValueError(f"a packaged program cannot be started as {module}")
    return [str(python or sys.executable), *_WORDS, module, *arguments]


def environment() -> dict[str, str]:
    """The environment in which a process on this interpreter finds this very package, wherever it is started."""
    found = [str(paths.PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(found), "PYTHONSAFEPATH": "1"}


def give_back_library_paths(values: MutableMapping[str, str]) -> None:
    """In a packaged program, undo what its packer has done to an environment.

    Packers put their own libraries first and keep what was there before. Other programs would load them: a file
    manager, a browser, another Python.
    """
    if packaged():
        for name in LIBRARY_PATHS:
            values.pop(name, None)
            if f"{name}_ORIG" in values:
                values[name] = values[f"{name}_ORIG"]
        values[RESET] = "1"


def run_module_asked_for() -> bool:
    """In a packaged program that was started as one of CHILDREN, be that; whether it was."""
    if not packaged() or tuple(sys.argv[1:3]) != _WORDS or sys.argv[3:4] not in ([name] for name in CHILDREN):
        return False
    module = sys.argv[3]
    sys.argv = [module, *sys.argv[4:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return True
