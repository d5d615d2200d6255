"""What comes before a run learns: work that says how far it is and heeds commands, and the photos that were found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from resnet_desktop.core.errors import DataError, ResNetDesktopError
from resnet_desktop.core.progress import Cancelled, CancelledError, Progress
from resnet_desktop.data.dataset import Sample, Scan
from resnet_desktop.data.split import split_file
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.runs.reporter import Reporter

Skipped = Sequence[tuple[Sample, ResNetDesktopError]]
"""Photos that cannot be read."""
T = TypeVar("T")
_WITHOUT_PHOTOS = ("learning",)


@dataclass(frozen=True, slots=True)
class Preparation:
    """The parts of a run that come before its first epoch.

    Attributes:
        reporter: tells of them.
        control: whose commands they heed.
        heard: called whenever a part says how far it is.
    """

    reporter: Reporter
    control: Control
    heard: Callable[[], object] = lambda: None

    def teller(self, part: str, rest: Callable[[float], float] | None = None, *, ends_on_stop: bool = True) -> Progress:
        """Listens to commands and says how far a part of the work is.

        Args:
            part: as the event ``progress`` calls it.
            rest: how long all that comes after it takes, at so many seconds a photo; where nobody knows, nothing is
                said of the time left.
            ends_on_stop: whether "stop and keep the best" cancels, for nothing has been learnt that could be kept.
        """
        started = time.monotonic() - self.control.seconds_paused

        def tell(done: int, total: int) -> None:
            self.control.check()
            self.heard()
            if ends_on_stop and self.control.stop_requested:
                raise CancelledRunError
            if not total or not self.reporter.due:
                return
            speed = done / max(1e-9, time.monotonic() - started - self.control.seconds_paused)
            left = round((total - done) / speed + rest(1 / speed), 1) if done and rest is not None else None
            images = None if part in _WITHOUT_PHOTOS else round(speed, 1)
            where = {"part": part, "epoch": 0, "step": done, "steps": total, "loss": None}
            self.reporter.progress(**where, images_per_second=images, seconds_left=left)

        return tell

    def scan(self, find: Callable[[Cancelled, Progress], T]) -> T:
        """What ``find`` finds. Raises CancelledRunError."""
        tell = self.teller("scanning")

        def unwanted() -> bool:
            try:
                tell(0, 0)
            except CancelledRunError:
                return True
            return False

        try:
            return find(unwanted, tell)
        except CancelledError as error:
            raise CancelledRunError from error

    def keep(self, folder: Path, found: Scan) -> None:
        """Store the split in the run folder, where a resumed run finds it, and say what is odd about the photos."""
        split_file.save(folder, found)
        for problem in found.problems:
            self.reporter.say("warning", code="data_problem", message=problem)


def say_scanned(
    reporter: Reporter,
    folder: Path,
    found: Scan,
    learnt_from: tuple[int, int],
    skipped: Skipped,
    parameters: dict[str, int],
) -> None:
    """Say what there is to learn from.

    Args:
        reporter: says it.
        folder: of the run.
        found: the photos and their classes.
        learnt_from: photos for training and for validation that can be read.
        skipped: those that cannot.
        parameters: of the network, in all and those that learn.

    Raises:
        DataError: there is nothing.
    """
    training, validation = learnt_from
    reporter.say(
        "scanned",
        classes=found.counts(),
        training=training,
        validation=validation,
        test=len(found.test),
        split=str(folder / split_file.NAME),
        skipped=[{"path": sample.name, "code": error.code, "message": error.message} for sample, error in skipped],
        parameters=parameters,
    )
    if not training:
        first = skipped[0][1]
        raise DataError(
            "no_images", "None of the training photos can be read.", f"{first.message} {first.hint or ''}".strip()
        )
