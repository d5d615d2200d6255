"""A model that is new here first runs in a process of its own: what crashes or never ends there harms nothing.

ONNX Runtime is a large program in C++ that is given a file from anywhere; checks of the file cannot foresee what it
does with it. Files that have passed are remembered by their sha256, so that each is tried once. The models that came
with the app need no trial.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from resnet_desktop import __version__
from resnet_desktop.bundle import bundle as bundles
from resnet_desktop.bundle.bundle import Bundle
from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import ModelError, ResNetDesktopError, StorageError
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.inference import runtime
from resnet_desktop.inference.session import Session

COMMAND = "admit"
"""The hidden command of the program that tries a file."""
LIMIT_SECONDS = 120.0
"""A network of 150 layers opens and runs once in 3 s on two cores."""
POLL_SECONDS = 0.05
MOST_REMEMBERED = 1000
_HINT = "It was tried in a process of its own, so nothing is lost."


def admit(bundle: Bundle, cancelled: Cancelled = never) -> None:
    """Try a model in a child process, unless it came with the app or has passed before.

    Raises:
        ModelError: as ``Session``; ``unsupported_model`` if it crashes, never ends, or cannot be run.
        CancelledError: ``cancelled`` said so.
    """
    if paths.came_with_app(bundle.path):
        return
    key = f"{bundle.file_sha256} {runtime.library().__version__}"
    passed = _passed()
    if key in passed:
        return
    _try(bundle.path, cancelled)
    try:
        _remember((*passed, key))
    except StorageError:  # then it is tried again the next time
        return


def trial(path: Path) -> None:
    """What the child does: open a model and run it on two empty pictures. Raises ModelError, ProviderError."""
    bundle = bundles.read(path)
    session = Session(bundle)
    session.run(np.zeros((2, *bundle.input_shape), np.float32))


def answer(path: Path) -> Mapping[str, Any]:
    """What the child says of it: ``ok``, or code, message and hint of the error."""
    try:
        trial(path)
    except ResNetDesktopError as error:
        return {"ok": False, "code": error.code, "message": error.message, "hint": error.hint}
    return {"ok": True}


def _try(path: Path, cancelled: Cancelled) -> None:
    process = subprocess.Popen(
        [*_program(), COMMAND, str(path.absolute())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    with process:
        deadline = time.monotonic() + LIMIT_SECONDS
        while process.poll() is None:
            late = time.monotonic() > deadline
            if late or cancelled():
                process.kill()
                if not late:
                    raise CancelledError
                message = f"{path.name} had no answer after {LIMIT_SECONDS:.0f} seconds."
                raise ModelError("unsupported_model", message, _HINT)
            time.sleep(POLL_SECONDS)
        assert process.stdout is not None
        said = _decoded(process.stdout.read())
    if said is None:
        raise ModelError("unsupported_model", f"{path.name} makes the program that runs networks crash.", _HINT)
    if said.get("ok") is not True:
        raise ModelError(str(said.get("code")), str(said.get("message")), said.get("hint") or None)


def _program() -> list[str]:
    """This program, as it is started from a command line."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "resnet_desktop"]


def _environment() -> dict[str, str]:
    found = [str(paths.PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(found), "PYTHONSAFEPATH": "1"}


def _decoded(data: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(data)
    except ValueError:  # it had no time to say anything
        return None
    return value if isinstance(value, dict) else None


def _file() -> Path:
    return paths.cache_folder() / "admitted.json"


def _passed() -> tuple[str, ...]:
    try:
        values = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    if not isinstance(values, dict) or values.get("version") != __version__:
        return ()
    keys = values.get("passed")
    return tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else ()


def _remember(keys: tuple[str, ...]) -> None:
    atomic.write_text(_file(), json.dumps({"version": __version__, "passed": keys[-MOST_REMEMBERED:]}) + "\n")
