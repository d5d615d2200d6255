"""What a teacher answers to a fixed set of crops of each picture: asked once, kept in the run folder.

The network learns on the very crops that the teacher was asked about (Beyer et al. 2022, arXiv:2106.05237), so that an
epoch costs no teacher, whatever runs on the device. The crops follow from the seed. The answers lie in files of some
hundred pictures and one crop of each, written one by one: a run that ends in the middle goes on with what is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DataError
from resnet_desktop.runs import disk_space
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs.augment import Augmenter, Draws
from resnet_desktop.trainer.teacher.teacher import BATCH, Speaker, Teacher

FOLDER = "teacher"
BLOCK = 32 * BATCH
"""Pictures whose answers lie in one file."""
LIMIT = 2 * 2**30
"""Bytes of answers that are kept."""
USUAL_CROPS = 8
"""Crops of each picture, where the job leaves it open: of more the bank takes longer than it gains."""

Answers = NDArray[np.float16]
Ask = Callable[[Tensor, Draws], Answers]
GoOn = Callable[[int, float], bool]
"""Asked with the crops of all pictures that are done, and the seconds that one takes: whether another shall follow."""


@dataclass(frozen=True, eq=False)
class Bank:
    """``crops`` of each of n pictures: what was drawn, and the teacher's log-probabilities, float16.

    Attributes:
        draws: ``[crops, n, …]``.
        answers: ``[crops, n, classes]``.
    """

    draws: Draws
    answers: Tensor

    @property
    def crops(self) -> int:
        """Of each picture."""
        return len(self.answers)

    def drawn(self, views: Tensor, chosen: Tensor) -> Draws:
        """What was drawn for some pictures: crop ``views[i]`` of picture ``chosen[i]``, int64 ``[n]`` each."""
        return Draws(self.draws.crops[views, chosen], self.draws.colours[views, chosen])


def crops_that_fit(asked: int | None, pictures: int, classes: int) -> int:
    """How many crops of each picture are kept: as asked, else the usual number or what fits.

    Raises:
        DataError: the answers take more than ``LIMIT`` bytes.
    """
    each = 2 * pictures * classes
    fitting = LIMIT // max(1, each)
    if fitting < (asked or 1):
        size = f"{each * (asked or 1) / 1e9:.1f} GB"
        hint = "Ask for fewer 'crops', or leave the teacher out."
        raise DataError("bad_data", f"The teacher's answers take {size}, more than {LIMIT / 1e9:.1f} GB.", hint)
    return asked or min(USUAL_CROPS, fitting)


def draw_crops(augmenter: Augmenter, seed: int, pictures: int, crops: int) -> tuple[Draws, ...]:
    """The crops of a run: what is drawn for all pictures follows from the seed and the crop's number alone."""
    return tuple(augmenter.draw(pictures, torch.Generator().manual_seed(_seed(seed, crop))) for crop in range(crops))


def _add(told: Callable[[int, int], object], before: int, total: int, done: int) -> None:
    told(before + done, total)


def _seed(seed: int, crop: int) -> int:
    return int.from_bytes(hashlib.sha256(f"teacher {seed} {crop}".encode()).digest()[:7], "big")


class BankMaker:
    """Fills a bank: from the run folder as far as it goes, else by asking.

    Args:
        folder: the run folder.
        teacher: whose answers they are.
        pixels: the stored pictures, uint8 ``[n, 3, side, side]``.
        device: where the run trains.
        renderer: an augmenter that makes what the teacher sees.
        world: the processes that share the work; the first one writes.
    """

    def __init__(
        self,
        folder: Path,
        teacher: Teacher,
        pixels: Tensor,
        device: torch.device,
        renderer: Augmenter,
        world: ProcessGroup,
    ) -> None:
        self._folder, self._teacher, self._pixels, self._world = folder / FOLDER, teacher, pixels, world
        self._device, self._renderer = device, renderer
        self._speaker: Ask | None = None
        self._blocks = [slice(start, min(start + BLOCK, len(pixels))) for start in range(0, len(pixels), BLOCK)]
        self._contents: dict[int, int] = {}
        self._seconds = 0.0

    def __call__(self, draws: Sequence[Draws], told: Callable[[int, int], object], go_on: GoOn) -> Bank:
        """The bank of these crops, or of the first of them where ``go_on`` says no; one at the least.

        ``told`` hears of the answers done and all of them, before each batch; it may raise to end the work.

        Raises:
            StorageError: the disk refuses.
            AnswerError, ProviderError: the teacher fails.
        """
        if self._world.first:
            self._prepare(len(draws))
        kept: list[Answers] = []
        total = len(draws) * len(self._pixels)
        for crop, drawn in enumerate(draws):
            done = crop * len(self._pixels)
            kept.append(self._crop(crop, drawn, partial(_add, told, done, total), go_on))
            more = crop + 1 < len(draws) and (not self._world.first or go_on(crop + 1, self._seconds))
            if not self._world.agree(int(more)):
                break
        some = draws[: len(kept)]
        stacked = Draws(torch.stack([d.crops for d in some]), torch.stack([d.colours for d in some]))
        return Bank(stacked, torch.from_numpy(np.stack(kept)))

    def _prepare(self, crops: int) -> None:
        """Make sure of the room on the disk; what a process that was killed has left is removed."""
        there = list(self._folder.glob("crop-*.npz"))
        missing = max(0, crops * len(self._blocks) - len(there))
        disk_space.check(self._folder.parent, 2 * BLOCK * len(self._teacher.classes) * missing + disk_space.SMALL)
        for path in self._folder.glob(".crop-*.part"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _crop(self, crop: int, drawn: Draws, told: Callable[[int], object], go_on: GoOn) -> Answers:
        """The answers to one crop of all pictures, float16 ``(n, classes)``."""
        keys = [self._key(block, drawn) for block in range(len(self._blocks))]
        found = [self._read(crop, block, key) for block, key in enumerate(keys)] if self._world.first else []
        parts: list[Answers | None] = self._world.told(found)
        missing = [block for block, part in enumerate(parts) if part is None]
        self._seconds, started = 0.0, time.monotonic()
        for start in range(0, len(missing), self._world.size):
            turn = missing[start : start + self._world.size]
            mine = turn[self._world.rank] if self._world.rank < len(turn) else None
            answers = None if mine is None else self._asked(self._blocks[mine], drawn, told)
            for block, part in zip(turn, self._world.gathered_objects(answers), strict=False):
                parts[block] = part
                if self._world.first:
                    self._write(crop, block, keys[block], part)
            self._seconds = (time.monotonic() - started) * len(self._blocks) / (start + len(turn))
            if start == 0 and crop == 0 and self._world.first:
                go_on(0, self._seconds)
        return np.concatenate([part for part in parts if part is not None])

    def _asked(self, rows: slice, drawn: Draws, told: Callable[[int], object]) -> Answers:
        if self._speaker is None:
            self._speaker = Speaker(self._teacher, self._renderer, self._device)
        parts = []
        for start in range(rows.start, rows.stop, BATCH):
            told(start)
            some = torch.arange(start, min(start + BATCH, rows.stop))
            parts.append(self._speaker(self._pixels[some], drawn.rows(some)))
        return np.concatenate(parts)

    def _key(self, block: int, drawn: Draws) -> str:
        """Stands for all that a block's answers follow from: the teacher, the pictures, what was drawn."""
        rows = self._blocks[block]
        if block not in self._contents:
            pixels = self._pixels[rows].cpu().permute(0, 2, 3, 1).contiguous().numpy()
            self._contents[block] = zlib.crc32(pixels.tobytes())
        digest = hashlib.sha256(f"{self._teacher.identity} {self._contents[block]} ".encode())
        digest.update(drawn.crops[rows].numpy().tobytes() + drawn.colours[rows].numpy().tobytes())
        return digest.hexdigest()

    def _path(self, crop: int, block: int) -> Path:
        return self._folder / f"crop-{crop:04d}-{block:06d}.npz"

    def _read(self, crop: int, block: int, key: str) -> Answers | None:
        """What is kept of a block; None if there is nothing, if it is damaged or of another bank."""
        try:
            with np.load(self._path(crop, block), allow_pickle=False) as stored:
                answers = stored["answers"] if str(stored["key"]) == key else None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        rows = self._blocks[block]
        wanted = (rows.stop - rows.start, len(self._teacher.classes))
        return answers if answers is not None and answers.shape == wanted and answers.dtype == np.float16 else None

    def _write(self, crop: int, block: int, key: str, answers: Answers) -> None:
        content = io.BytesIO()
        np.savez(content, key=np.array(key), answers=answers)  # a zip file: its checksums tell of damage
        atomic.write_bytes(self._path(crop, block), content.getvalue())
