"""Where PyTorch is: the interpreter that trains, found, checked, or installed on request.

The app itself needs no PyTorch. Training runs in the interpreter that the user named, in the app's own, or in an
environment that the app manages in the user's data folder; the first of them that works.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.finetune import own_wheel
from resnet_desktop.finetune.process import MODULE, environment

Variant = Literal["cpu", "cuda"]

TORCH = "torch>=2.11,<2.14"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of builds without CUDA; on Linux those of PyPI carry it."""
CHECK_SECONDS = 120
SUPPORTED = ((3, 11), (3, 13))
"""The Python versions that the app and PyTorch both run on."""
_MARK = "installed.json"
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class TrainerCheck:
    """Whether an interpreter can train.

    Attributes:
        python: the interpreter; None is the app's own.
        ok: it can.
        message: one sentence: on what it trains, or what is missing.
        torch: PyTorch's version, empty where there is none.
        device: where it would train, such as ``cpu`` or ``cuda``.
    """

    python: Path | None
    ok: bool
    message: str
    torch: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What would be installed, shown before anything is.

    Attributes:
        variant: with or without CUDA.
        folder: where the environment will lie.
        requirements: for pip, PyTorch first.
        options: further words for pip, such as another index.
        download_mb: about how much is fetched.
        disk_mb: about how much is then on the disk.
    """

    variant: Variant
    folder: Path
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    download_mb: int
    disk_mb: int


def managed_folder() -> Path:
    """The environment that the app manages."""
    return paths.data_folder() / "trainer"


def managed_python(folder: Path | None = None) -> Path:
    """The interpreter in an environment."""
    inside = Path("Scripts", "python.exe") if sys.platform == "win32" else Path("bin", "python")
    return (folder or managed_folder()) / inside


def check(python: Path | None) -> TrainerCheck:
    """Ask an interpreter whether it can train; it is really run."""
    interpreter = str(python or sys.executable)
    command = [interpreter, "-m", MODULE, "--check"]
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment(python), timeout=CHECK_SECONDS, check=False, text=True
        )
    except OSError as error:
        return TrainerCheck(python, ok=False, message=f"{interpreter} does not run: {error.strerror or error}.")
    except subprocess.TimeoutExpired:
        return TrainerCheck(python, ok=False, message=f"{interpreter} does not answer.")
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        words = done.stderr.strip().splitlines()
        reason = words[-1] if words else f"it ended with {done.returncode}"
        return TrainerCheck(python, ok=False, message=f"{interpreter} cannot train: {reason}.")
    return TrainerCheck(
        python,
        bool(answer.get("ok")),
        str(answer.get("message", "")),
        answer.get("torch", ""),
        answer.get("device", ""),
    )


def find(chosen: Path | None) -> TrainerCheck:
    """The first interpreter that can train: the chosen one, the app's own, the managed one.

    A managed environment that holds another version of this program is brought up to date first (seconds, offline).

    Returns:
        Its check; where none can train, what the chosen one (or the app's own) said.
    """
    candidates: list[Path | None] = [chosen] if chosen is not None else []
    if not getattr(sys, "frozen", False):
        candidates.append(None)
    first: TrainerCheck | None = None
    for python in candidates:
        found = check(python)
        if found.ok:
            return found
        first = first or found
    if managed_python().exists():
        update_own(managed_folder())
        managed = check(managed_python())
        if managed.ok or first is None:
            return managed
    return first or TrainerCheck(None, ok=False, message="PyTorch is not installed.")


def plan(variant: Variant) -> InstallPlan:
    """What ``install`` would do. The sizes are those of PyTorch 2.13 for Linux, rounded up."""
    options: tuple[str, ...] = ()
    if variant == "cpu" and sys.platform == "linux":
        options = ("--extra-index-url", CPU_INDEX)  # its 2.x.y+cpu counts as newer than PyPI's 2.x.y
    sizes = (300, 1300) if variant == "cpu" else (3000, 7000)
    return InstallPlan(variant, managed_folder(), (TORCH,), options, *sizes)


def install(wanted: InstallPlan, on_line: Callable[[str], None], cancelled: Cancelled = never) -> Path:
    """Make the environment; its interpreter. What was there before stays until the new one is complete.

    Args:
        wanted: from ``plan``.
        on_line: called with every line that pip says.
        cancelled: asked ten times a second; pip is then ended and nothing is left behind.

    Raises:
        TrainingError: ``install_failed``.
        CancelledError: as asked.
        StorageError: the disk refuses.
    """
    base = _base_python()
    fresh = wanted.folder.with_name(f"{wanted.folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        on_line(f"Making an environment in {wanted.folder}")
        _run([str(base), "-m", "venv", "--without-pip", str(fresh)], on_line, cancelled)
        python = managed_python(fresh)
        wheel = own_wheel.build(fresh)
        words = [*wanted.requirements, str(wheel), *wanted.options]
        _run([*_pip(base, python), "install", "--progress-bar", "off", *words], on_line, cancelled)
        _remember(fresh)
        return _put_in_place(fresh, wanted.folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def update_own(folder: Path, on_line: Callable[[str], None] | None = None) -> None:
    """Put this version of the program into a managed environment that holds another. Raises TrainingError."""
    if _remembered(folder) == own_wheel.fingerprint():
        return
    wheel = own_wheel.build(folder)
    python = managed_python(folder)
    words = ["install", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
    _run([*_pip(_base_python(), python), *words], on_line or _unheard, never)
    _remember(folder)


def pip_line() -> str:
    """What a person types to add PyTorch to the environment that runs the app."""
    index = f" --extra-index-url {CPU_INDEX}" if sys.platform == "linux" else ""
    return f"pip install 'resnet-desktop[train]'{index}"


def remove() -> None:
    """Delete the managed environment."""
    shutil.rmtree(managed_folder(), ignore_errors=True)


def _put_in_place(fresh: Path, folder: Path) -> Path:
    """Environments find their libraries by their own place; scripts in them name it, but nothing here runs those."""
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    except OSError as error:
        raise atomic.storage_error(folder, error) from error
    shutil.rmtree(old, ignore_errors=True)
    return managed_python(folder)


def _base_python() -> Path:
    """An interpreter with pip that can make environments. Raises TrainingError ``install_failed``."""
    for found in _interpreters():
        asked = subprocess.run([str(found), "-m", "pip", "--version"], capture_output=True, check=False)
        if not asked.returncode:
            return found
    raise TrainingError(
        "install_failed",
        "There is no Python from 3.11 to 3.13 with pip on this computer to install PyTorch with.",
        "Install Python from python.org, or name one that has PyTorch.",
    )


def _interpreters() -> Iterator[Path]:
    """The one that runs the app, the one that its environment was made with, those on the path."""
    if not getattr(sys, "frozen", False):
        yield Path(sys.executable)
        inside = Path("python.exe") if sys.platform == "win32" else Path("bin", f"python3.{sys.version_info.minor}")
        original = Path(sys.base_prefix, inside)
        if original.exists():
            yield original
    for minor in range(SUPPORTED[1][1], SUPPORTED[0][1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield Path(found)


def _pip(base: Path, python: Path) -> list[str]:
    """The pip of the base interpreter, working on the environment: the environment needs none of its own."""
    return [str(base), "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--no-input"]


def _run(command: Sequence[str], on_line: Callable[[str], None], cancelled: Cancelled) -> None:
    """Run to the end, passing on what it says. Raises TrainingError with its last words, CancelledError."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise TrainingError("install_failed", f"{command[0]} could not be started: {error.strerror}.") from error
    last = [""]
    assert process.stdout is not None
    reader = threading.Thread(target=_pass_on, args=(process.stdout, on_line, last), name="pip", daemon=True)
    reader.start()
    while process.poll() is None:
        if cancelled():
            process.terminate()
            process.wait()
            reader.join()
            raise CancelledError
        time.sleep(_POLL_SECONDS)
    reader.join()
    if process.returncode:
        message = f"The installation failed: {last[0] or f'pip ended with {process.returncode}'}"
        raise TrainingError("install_failed", message, "The log has all that pip said.")


def _pass_on(stream: IO[bytes], on_line: Callable[[str], None], last: list[str]) -> None:
    with stream:
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                last[0] = line
                on_line(line)


def _remember(folder: Path) -> None:
    atomic.write_text(folder / _MARK, json.dumps({"fingerprint": own_wheel.fingerprint()}) + "\n")


def _remembered(folder: Path) -> str:
    try:
        values = json.loads((folder / _MARK).read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(values.get("fingerprint", "")) if isinstance(values, dict) else ""


def _unheard(line: str) -> None:
    del line
