"""pip, run and understood: what it does now, how far it is, and in words why it failed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from resnet_desktop.core.errors import DownloadError, ResNetDesktopError, StorageError, TrainingError
from resnet_desktop.core.processes.child_process import listen
from resnet_desktop.core.progress import Cancelled
from resnet_desktop.jobs.launching.process import plain_environment

Phase = Literal["making", "looking", "downloading", "installing", "checking"]

RETRIES, TIMEOUT_SECONDS = 1, 10
"""pip's own are five tries for each of two dozen libraries: minutes, until it tells that there is no connection."""

LARGEST_CPU_MB = 400.0
"""PyTorch for the processor is about 190 MB, for graphics cards more than 500."""

_DOWNLOAD = re.compile(r"\s*Downloading (\S+) \(([\d.]+) ([kMG]?)B\)")
_LOOK = re.compile(r"Collecting ([\w.-]+)")
_UNITS = {"": 1e-6, "k": 1e-3, "M": 1.0, "G": 1e3}
_UNREACHABLE = re.compile(
    "after connection broken by|NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Max retries exceeded"
    "|Could not fetch URL|ProxyError|Connection (refused|reset|aborted)|IncompleteRead"
)
_FULL = re.compile(r"No space left on device|\[WinError 112\]|Errno 28\b")


@dataclass(frozen=True, slots=True)
class Stage:
    """What is done now.

    Attributes:
        phase: one of five; pip has a part in the middle three.
        name: of what is looked for or downloaded.
        done_mb: how much of it is there, in millions of bytes.
        total_mb: of how much; 0 where that is not known.
    """

    phase: Phase
    name: str = ""
    done_mb: float = 0.0
    total_mb: float = 0.0


def stage_of(line: str) -> Stage | None:
    """What a line of pip's says that it does now; None: nothing new."""
    if line.startswith("Installing collected packages"):
        return Stage("installing")
    looked = _LOOK.match(line)
    if looked:
        return Stage("looking", looked[1])
    loaded = _DOWNLOAD.match(line)
    if loaded is None or not loaded[1].endswith((".whl", ".gz", ".zip")):
        return None
    name = unquote(loaded[1]).rpartition("/")[2].partition("-")[0]
    return Stage("downloading", name, 0.0, float(loaded[2]) * _UNITS[loaded[3]])


def is_for_cuda(line: str) -> bool:
    """Whether a line of pip's says that it fetches PyTorch for graphics cards."""
    stage = stage_of(line)
    if stage is None:
        return False
    large = stage.name == "torch" and stage.total_mb > LARGEST_CPU_MB
    return large or (stage.phase == "looking" and stage.name.startswith(("nvidia-", "cuda-")))


def command(base: Path, python: Path) -> list[str]:
    """The pip of one interpreter, working on the environment of another, which needs none of its own."""
    words = ["--disable-pip-version-check", "--no-input", "--retries", str(RETRIES), "--timeout", str(TIMEOUT_SECONDS)]
    return [str(base), "-m", "pip", "--python", str(python), *words]


def run(
    words: Sequence[str],
    on_line: Callable[[str], None],
    cancelled: Cancelled,
    *,
    more: Mapping[str, str] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Run pip, or another program of an installation, to its end.

    Args:
        words: the command.
        on_line: called with every line that it says, on another thread.
        cancelled: asked ten times a second; it is then ended with all its children.
        more: variables of its environment.
        meanwhile: called ten times a second.

    Raises:
        TrainingError: ``install_failed``, with its last words.
        DownloadError: ``no_connection``.
        StorageError: ``disk_full``.
        CancelledError: as asked.
    """
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        on_line(line)

    # PIP_USER, where it is set, would install beside the environment and fail.
    env = {**plain_environment(), "PIP_USER": "0", "PYTHONUNBUFFERED": "1", **(more or {})}
    try:
        code = listen(words, hear, env=env, cancelled=cancelled, meanwhile=meanwhile)
    except OSError as error:
        raise TrainingError("install_failed", f"{words[0]} could not be started: {error.strerror}.") from error
    if code:
        raise _failure(said, code)


def _failure(said: Sequence[str], code: int) -> ResNetDesktopError:
    whole = "\n".join(said)
    if _FULL.search(whole):
        message = "The disk filled up during the installation. Nothing was installed."
        return StorageError("disk_full", message, "Free some space and try again.")
    if _UNREACHABLE.search(whole):
        message = "The package index cannot be reached. Nothing was installed."
        return DownloadError("no_connection", message, "Check your internet connection and try again.")
    errors = [line.removeprefix("ERROR:").strip() for line in said if line.startswith("ERROR:")]
    words = (errors or said or [f"pip exited with code {code}"])[-1]
    return TrainingError("install_failed", f"The installation failed: {words}", "See the log for pip's full output.")


def size_mb(folder: Path) -> float:
    """How much lies in a folder, in millions of bytes; what vanishes meanwhile counts for nothing."""
    total, waiting = 0, [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total / 1e6
