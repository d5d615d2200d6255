"""PyTorch and what the trainer needs, installed into an environment of the app's own: whole or not at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DownloadError, StorageError
from resnet_desktop.core.progress import Cancelled, CancelledError, never
from resnet_desktop.environment import own_wheel, pip
from resnet_desktop.environment.interpreters import base_python
from resnet_desktop.environment.pip import Stage
from resnet_desktop.environment.training_python import InstallPlan, managed_python, remember

LOOK_SECONDS = 1.0
"""How often it is measured how much has arrived."""


def install(
    wanted: InstallPlan,
    on_line: Callable[[str], None],
    cancelled: Cancelled = never,
    on_stage: Callable[[Stage], None] = lambda _stage: None,
) -> Path:
    """Make the environment; its interpreter. What was there before stays until the new one is complete.

    Args:
        wanted: from ``environment.plan``.
        on_line: called with every line that pip says.
        cancelled: asked ten times a second; pip is then ended and nothing is left behind.
        on_stage: told what is done now, from several threads.

    Raises:
        TrainingError: ``install_failed``, ``no_sources``.
        DownloadError: ``no_connection``.
        StorageError: there is too little room, or the disk refuses.
        CancelledError: as asked.
    """
    fresh = wanted.folder.with_name(f"{wanted.folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    check_room(wanted)
    watch = _Watch(fresh, wanted, on_line, on_stage)
    try:
        on_stage(Stage("making"))
        on_line(f"Creating an environment in {wanted.folder}")
        base = base_python(cancelled)
        pip.run([str(base), "-m", "venv", "--without-pip", str(fresh)], on_line, cancelled)
        wheel = own_wheel.build(watch.arrived)
        words = ["install", "--progress-bar", "off", *wanted.requirements, str(wheel), *wanted.options]
        command = [*pip.command(base, managed_python(fresh)), *words]
        # What pip fetches lies inside: it is counted there, and goes with the rest.
        more = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(watch.arrived))
        _fetch(command, watch, cancelled, more)
        shutil.rmtree(watch.arrived, ignore_errors=True)
        remember(fresh)
        return put_in_place(fresh, wanted.folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fetch(command: Sequence[str], watch: _Watch, cancelled: Cancelled, more: Mapping[str, str]) -> None:
    """Let pip fetch and install; given up where it is about to fetch something else than what was agreed to."""
    try:
        pip.run(command, watch.hear, lambda: watch.unwanted or cancelled(), more=more, meanwhile=watch.look)
    except CancelledError as error:
        if not watch.unwanted:
            raise
        # pip passes over an index that does not answer and takes what others have.
        message = "PyTorch's own index, which has the CPU-only build, cannot be reached. Nothing was installed."
        hint = "Try again later, or choose the larger GPU build, which also trains on the CPU."
        raise DownloadError("no_connection", message, hint) from error


def check_room(wanted: InstallPlan) -> None:
    """Raises StorageError ``disk_full`` if the download and what comes of it do not go on the disk together."""
    place = wanted.folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free // 1_000_000
    except OSError as error:
        raise atomic.storage_error(wanted.folder, error) from error
    needed = wanted.disk_mb + wanted.download_mb
    if free < needed:
        message = (
            f"There is not enough disk space for PyTorch: it needs {needed:,} MB in {place}, and {free:,} MB is free."
        )
        raise StorageError("disk_full", message, "Free some space and try again.")


def put_in_place(fresh: Path, folder: Path) -> Path:
    """Let a new environment take the place of an old one, which comes back if that fails; its interpreter.

    Environments find their libraries by their own place; scripts in them name it, but nothing here runs those.

    Raises:
        StorageError: the disk refuses.
    """
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    except OSError as error:
        raise atomic.storage_error(folder, error) from error
    shutil.rmtree(old, ignore_errors=True)
    return managed_python(folder)


class _Watch:
    """What pip does, out of its lines and of what has arrived in the new environment."""

    def __init__(
        self, fresh: Path, wanted: InstallPlan, on_line: Callable[[str], None], on_stage: Callable[[Stage], None]
    ) -> None:
        self.arrived = fresh / "arrived"
        self._fresh, self._wanted, self._on_line, self._on_stage = fresh, wanted, on_line, on_stage
        self.unwanted = False
        self._stage = Stage("making")
        self._before = 0.0
        self._next = 0.0

    def hear(self, line: str) -> None:
        """A line of pip's; on the thread that reads them."""
        self._on_line(line)
        self.unwanted |= self._wanted.variant == "cpu" and pip.is_for_cuda(line)
        stage = pip.stage_of(line)
        if stage is not None:
            self._before = pip.size_mb(self.arrived)
            self._stage = stage
            self._on_stage(stage)

    def look(self) -> None:
        """Measure how far it is, where there is something to measure."""
        stage, now = self._stage, time.monotonic()
        if now < self._next:
            return
        self._next = now + LOOK_SECONDS
        if stage.phase == "downloading":
            done, total = pip.size_mb(self.arrived) - self._before, stage.total_mb
        elif stage.phase == "installing":
            done, total = pip.size_mb(self._fresh) - self._before, float(self._wanted.disk_mb)
        else:
            return
        if stage is self._stage:  # else pip has gone on meanwhile
            self._on_stage(Stage(stage.phase, stage.name, min(max(done, 0.0), total), total))
