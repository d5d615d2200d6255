"""Examples of the views of the user's own photos that a run would learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DataError, ImageError, ResNetDesktopError
from resnet_desktop.data.dataset import Sample, survey
from resnet_desktop.data.pictures import thread_pool
from resnet_desktop.head import choices
from resnet_desktop.head.estimate import spread
from resnet_desktop.imaging import views
from resnet_desktop.imaging.decode import decode_image, encode_png
from resnet_desktop.jobs.job import Job

PICTURES = 4
VARIANTS = 5


def preview(job: Job, folder: Path) -> dict[str, Any]:
    """Write a few photos as the app sees them and further views of each, as PNG files.

    There are no more of them than the run computes features of.

    Returns:
        ``pictures``: for each its ``path``, ``label``, ``plain`` (a file) and ``augmented`` (files).

    Raises:
        ResNetDesktopError: as a run does.
    """
    job, _ = choices.fill(job)
    recipe = job.recipe
    assert recipe is not None, "filled in just now"
    transforms = recipe.transforms
    assert transforms is not None, "filled in just now"
    found = survey(job)
    count = min(VARIANTS, recipe.views - 1)

    def work(_sample: Sample, source: bytes | Path) -> list[NDArray[np.uint8]] | ResNetDesktopError:
        try:
            image, size, _ = decode_image(source, shorter_side=transforms.decode_side, range=transforms.range or "tags")
        except ImageError as error:
            return error
        drawn = [views.draw(job.seed * 1_000_003 + i, recipe.crop_scale, recipe.jitter) for i in range(count)]
        return [transforms.view(image, full_size=size), *(views.seen_through(v, image, transforms) for v in drawn)]

    rows = []
    for i, (sample, seen) in enumerate(thread_pool.on_pool(spread(found.training, PICTURES), work, job.workers or 1)):
        if isinstance(seen, ResNetDesktopError):
            continue
        plain, *others = seen
        rows.append(
            {
                "path": sample.name,
                "label": found.labels[sample.label],
                "plain": _write(folder / f"{i}-plain.png", plain),
                "augmented": [_write(folder / f"{i}-augmented-{k}.png", one) for k, one in enumerate(others)],
            }
        )
    if not rows:
        raise DataError("no_images", "None of the training photos can be read.")
    return {"pictures": rows}


def _write(path: Path, pixels: NDArray[np.uint8]) -> str:
    atomic.write_bytes(path, encode_png(pixels))
    return str(path)
