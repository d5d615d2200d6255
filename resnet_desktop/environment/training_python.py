"""Where PyTorch is: the interpreter that trains, found, or kept in an environment that the app manages.

The app itself needs no PyTorch. Training runs in the interpreter that the user named, in the app's own, or in an
environment in the user's data folder, which is installed on request (``installing``); the first of them that works.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.processes import own_process
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.environment import own_wheel, pip, requirements
from resnet_desktop.environment.graphics import nvidia_card
from resnet_desktop.environment.interpreters import base_python
from resnet_desktop.environment.trainer_check import TrainerCheck, check
from resnet_desktop.jobs.launching import program

Variant = Literal["cpu", "cuda"]

_MARK = "installed.json"


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What would be installed, shown before anything is.

    Attributes:
        variant: with or without CUDA.
        folder: where the environment will lie.
        requirements: for pip, PyTorch first.
        options: further words for pip, such as another index.
        download_mb: about how much is fetched, in millions of bytes.
        disk_mb: about how much is then on the disk.
    """

    variant: Variant
    folder: Path
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    download_mb: int
    disk_mb: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be installed here.

    Attributes:
        plans: for the processor, and where there can be such a card, for NVIDIA's.
        card: the NVIDIA card that was found, or empty.
    """

    plans: tuple[InstallPlan, ...]
    card: str

    @property
    def advised(self) -> Variant:
        """The variant that this computer can make use of."""
        return "cuda" if self.card and len(self.plans) > 1 else "cpu"


def managed_folder() -> Path:
    """The environment that the app manages."""
    return paths.data_folder() / "trainer"


def managed_python(folder: Path | None = None) -> Path:
    """The interpreter in an environment."""
    inside = Path("Scripts", "python.exe") if sys.platform == "win32" else Path("bin", "python")
    return (folder or managed_folder()) / inside


def find(chosen: Path | None, cancelled: Cancelled = never) -> TrainerCheck:
    """The first interpreter that can train: the chosen one, the app's own, the managed one.

    A managed environment that holds another version of this program is brought up to date first (seconds, offline).

    Returns:
        Its check; where none can train, what the chosen one (or the app's own) said.

    Raises:
        CancelledError: as asked.
    """
    candidates: list[Path | None] = [chosen] if chosen is not None else []
    if not own_process.packaged():
        candidates.append(None)
    first: TrainerCheck | None = None
    for python in candidates:
        found = check(python, cancelled)
        if found.ok:
            return found
        first = first or found
    if managed_python().exists():
        managed = _managed(cancelled)
        if managed.ok or first is None:
            return managed
    return first or TrainerCheck(None, ok=False, message="PyTorch is not installed.")


def _managed(cancelled: Cancelled) -> TrainerCheck:
    """What the managed environment says; it may train although it could not be brought up to date."""
    trouble = ""
    try:
        update_own(managed_folder(), cancelled=cancelled)
    except ResNetDesktopError as error:
        trouble = f"The app's PyTorch environment could not be updated: {error.message}"
    found = check(managed_python(), cancelled)
    return replace(found, hint=f"{found.hint} {trouble}".strip()) if trouble and not found.ok else found


def plan(variant: Variant) -> InstallPlan:
    """What pip would be asked for. The sizes are measured, for PyTorch 2.13 on Linux."""
    options: tuple[str, ...] = ()
    if variant == "cpu" and sys.platform == "linux":
        options = ("--extra-index-url", requirements.CPU_INDEX)  # its 2.x.y+cpu counts as newer than PyPI's 2.x.y
    elif variant == "cuda" and sys.platform == "win32":
        options = ("--extra-index-url", requirements.CUDA_INDEX)
    sizes = (280, 1180) if variant == "cpu" else (2800, 5210)
    return InstallPlan(variant, managed_folder(), (requirements.TORCH,), options, *sizes)


def offer(cancelled: Cancelled = never) -> Offer:
    """What can be installed on this computer; looks for an NVIDIA card. Raises CancelledError."""
    if sys.platform == "darwin":
        return Offer((plan("cpu"),), "")
    return Offer((plan("cpu"), plan("cuda")), nvidia_card(cancelled))


def update_own(folder: Path, on_line: Callable[[str], None] | None = None, cancelled: Cancelled = never) -> None:
    """Put this version of the program into a managed environment that holds another.

    Raises:
        TrainingError: ``install_failed``, ``no_sources``.
        StorageError: the disk refuses.
        CancelledError: as asked.
    """
    if _remembered(folder) == program.fingerprint():
        return
    wheel = own_wheel.build(folder)
    words = ["install", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
    pip.run([*pip.command(base_python(cancelled), managed_python(folder)), *words], on_line or _unheard, cancelled)
    remember(folder)


def way_to_add() -> str:
    """How a person adds PyTorch to what runs the app, as a sentence."""
    if own_process.packaged():
        return "Start the program's window and choose “Teach it your classes…”, which offers to install PyTorch."
    return f"Install it with:  {requirements.pip_line(['resnet-desktop[train]'])}"


def remove() -> None:
    """Delete the managed environment."""
    shutil.rmtree(managed_folder(), ignore_errors=True)


def remember(folder: Path) -> None:
    """Note that an environment holds this version of the program. Raises TrainingError, StorageError."""
    atomic.write_text(folder / _MARK, json.dumps({"fingerprint": program.fingerprint()}) + "\n")


def _remembered(folder: Path) -> str:
    try:
        values = json.loads((folder / _MARK).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    return str(values.get("fingerprint", "")) if isinstance(values, dict) else ""


def _unheard(line: str) -> None:
    del line
