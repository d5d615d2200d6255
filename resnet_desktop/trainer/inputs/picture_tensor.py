"""The pictures of a run, held as one uint8 tensor, so that no epoch decodes a file again.

Each picture is decoded by the same code as in the app. Those to learn from are reduced so that the shorter side is
``side`` pixels, and cut to the centre square; those to be asked about go through the app's own transforms.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import DataError, ImageError, ResNetDesktopError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.data.pictures import thread_pool
from resnet_desktop.imaging.budget import DecodeBudget
from resnet_desktop.imaging.decode import decode_image
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.runs.fingerprints import fingerprints as fingerprints
from resnet_desktop.trainer.inputs import memory

MEMORY_SHARE = 0.5
"""Of the free memory, the part that pictures may take; more of them lie in a file that is mapped into memory."""
DISK_SHARE = 0.8
"""Of the free space on the disk, the part that such a file may take."""

Result = TypeVar("Result")
Skipped = list[tuple[Sample, ResNetDesktopError]]
Listen = Callable[[int], object]


def _nobody(done: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """``pixels`` uint8 ``[n, 3, side, side]`` in channels-last layout, ``labels`` int64 ``[n]``, and their samples."""

    pixels: Tensor
    labels: Tensor
    samples: tuple[Sample, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def to(self, device: torch.device) -> Pictures:
        """The same pictures on another device."""
        return Pictures(self.pixels.to(device), self.labels.to(device), self.samples)


def load_pictures(
    samples: Sequence[Sample], kind: Transforms, workers: int, listen: Listen = _nobody
) -> tuple[Pictures, Skipped]:
    """Decode ``samples`` into what ``kind`` lets through of them, such as ``square``; unreadable ones are returned.

    ``listen`` is told how many are done before each picture; what it raises ends the loading.

    Raises:
        DataError: the pictures fit neither into memory nor on the disk.
        StorageError: the disk refuses.
    """
    side = kind.crop
    pixels = _room((len(samples), side, side, 3))
    kept: list[Sample] = []
    skipped: Skipped = []
    for sample, result in decoded(samples, (kind,), workers):
        listen(len(kept) + len(skipped))
        if isinstance(result, ResNetDesktopError):
            skipped.append((sample, result))
        else:
            pixels[len(kept)] = result[0]
            kept.append(sample)
    # NHWC in memory is PyTorch's channels-last layout of NCHW.
    tensor = torch.from_numpy(pixels[: len(kept)]).permute(0, 3, 1, 2)
    return Pictures(tensor, torch.tensor([s.label for s in kept], dtype=torch.int64), tuple(kept)), skipped


def _room(shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """An array for that many pictures: in memory, or where they would take too much of it in a file without a name.

    The system keeps of the file what is in use in memory and drops it when others need the room; the file is gone with
    the process, however that ends.
    """
    size = int(np.prod(shape))
    if size <= MEMORY_SHARE * memory.free_bytes(torch.device("cpu")):
        return np.empty(shape, np.uint8)
    folder = paths.cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if size > DISK_SHARE * free:
            raise DataError(
                "bad_data",
                f"{shape[0]:,} photos of {shape[1]} pixels take {size / 1e9:.1f} GB, which is more than fits in "
                f"memory or in {folder}.",
                "Choose a smaller input size, train only the head, or free some space.",
            )
        with tempfile.TemporaryFile(dir=folder) as file:
            return np.memmap(file, np.uint8, "w+", shape=shape)
    except OSError as error:
        raise atomic.storage_error(folder, error) from error


def square(side: int, like: Transforms | None = None) -> Transforms:
    """The square, at ``side`` pixels, that training cuts its crops out of: read and fitted as by ``like``."""
    like = like or Transforms()
    return Transforms(resize=side, crop=side, fit=like.fit, range=like.range)


def decoded(
    samples: Sequence[Sample], kinds: Sequence[Transforms], workers: int
) -> Iterator[tuple[Sample, list[NDArray[np.uint8]] | ResNetDesktopError]]:
    """What each of ``kinds`` lets through, ``(crop, crop, 3)``, of the samples in order, decoded on a pool.

    A bounded window ahead; a picture is decoded once for all kinds that want it equally large.
    """
    budget = DecodeBudget()

    def work(source: bytes | Path) -> list[NDArray[np.uint8]] | ResNetDesktopError:
        try:
            pictures = {
                (side, values): decode_image(source, shorter_side=side, budget=budget, range=values or "tags")
                for side, values in {(kind.decode_side, kind.range) for kind in kinds}
            }
        except ImageError as error:
            return error
        chosen = ((kind, pictures[kind.decode_side, kind.range]) for kind in kinds)
        return [kind.view(image, full_size=full_size) for kind, (image, full_size, _) in chosen]

    return on_pool(samples, work, workers)


def on_pool(
    samples: Sequence[Sample], work: Callable[[bytes | Path], Result | ResNetDesktopError], workers: int
) -> Iterator[tuple[Sample, Result | ResNetDesktopError]]:
    """What ``work`` makes of each sample's file, in order, a bounded window ahead."""
    return thread_pool.on_pool(samples, lambda _, source: work(source), workers)
