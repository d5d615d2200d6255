"""The pictures of a run, held as one uint8 tensor, so that no epoch decodes a file again.

Each picture is decoded by the same code as in the app, reduced so that its shorter side is ``side`` pixels, and cut to
the centre square: what the app's own transforms see of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.core.errors import DataError, ImageError, ResNetDesktopError
from resnet_desktop.finetune.dataset import Sample, SampleReader
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.transforms import Transforms

LARGEST_RESIDENT = 12 * 2**30
"""Bytes of pictures that are held at the most."""


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
    samples: Sequence[Sample], side: int, workers: int
) -> tuple[Pictures, list[tuple[Sample, ResNetDesktopError]]]:
    """Decode ``samples`` into squares of ``side`` pixels; those that cannot be read are left out and returned.

    Raises:
        DataError: the pictures would need more memory than ``LARGEST_RESIDENT``.
    """
    if len(samples) * side * side * 3 > LARGEST_RESIDENT:
        raise DataError("bad_data", f"{len(samples)} pictures of {side} pixels do not fit into memory.")
    pixels = np.empty((len(samples), side, side, 3), np.uint8)
    square = Transforms(native=None, resize=side, crop=side)
    kept: list[Sample] = []
    skipped: list[tuple[Sample, ResNetDesktopError]] = []
    for sample, result in _decoded(samples, square, workers):
        if isinstance(result, ResNetDesktopError):
            skipped.append((sample, result))
        else:
            pixels[len(kept)] = result
            kept.append(sample)
    # NHWC in memory is PyTorch's channels-last layout of NCHW.
    tensor = torch.from_numpy(pixels[: len(kept)]).permute(0, 3, 1, 2)
    return Pictures(tensor, torch.tensor([s.label for s in kept], dtype=torch.int64), tuple(kept)), skipped


def _decoded(
    samples: Sequence[Sample], square: Transforms, workers: int
) -> Iterator[tuple[Sample, NDArray[np.uint8] | ResNetDesktopError]]:
    """Decode on a pool, a bounded window ahead, in order. Zip members are read here: an archive is not shared."""
    reader = SampleReader()

    def work(source: object) -> NDArray[np.uint8] | ResNetDesktopError:
        try:
            decoded = decode(source, shorter_side=square.decode_side)  # type: ignore[arg-type]
        except ImageError as error:
            return error
        return square.view(decoded.pixels, full_size=decoded.full_size)

    def submit(sample: Sample) -> Future[NDArray[np.uint8] | ResNetDesktopError] | DataError:
        try:
            return pool.submit(work, reader.read(sample))
        except DataError as error:
            return error

    try:
        with ThreadPoolExecutor(max(1, workers), "decode") as pool:
            waiting = iter(samples)
            window = [(s, submit(s)) for s in islice(waiting, 4 * max(1, workers))]
            while window:
                sample, future = window.pop(0)
                following = next(waiting, None)
                if following is not None:
                    window.append((following, submit(following)))
                yield sample, future if isinstance(future, DataError) else future.result()
    finally:
        reader.close()
