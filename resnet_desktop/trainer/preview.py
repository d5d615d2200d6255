"""Examples of what a run would show the network: the user's own pictures, augmented as the job says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import SampleReader, survey
from resnet_desktop.imaging.decode import decode, encode_png
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import Job
from resnet_desktop.trainer import choices
from resnet_desktop.trainer.bench import spread
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square

PICTURES = 4
VARIANTS = 5


def preview(job: Job, folder: Path) -> dict[str, Any]:
    """Write a few pictures as the app sees them and ``VARIANTS`` augmented versions of each, as PNG files.

    Where only the head is trained, its features are computed once for each of ``views`` versions, of which the first is
    the picture itself: there are no more augmented versions than that, and pictures are never blended.

    Returns:
        ``pictures``: for each its ``path``, ``label``, ``plain`` (a file) and ``augmented`` (files).

    Raises:
        ResNetDesktopError: as a run does.
    """
    job = choices.fill(job)
    recipe = job.recipe
    assert recipe is not None, "filled in just now"
    assert recipe.transforms is not None, "filled in just now"
    found = survey(job)
    head = job.train == "head"
    side = choices.stored_side(recipe, choices.PASSING_MARGIN if head else choices.MARGIN)
    pictures, _ = load_pictures(spread(found.training, PICTURES), square(side, recipe.transforms), job.workers or 1)
    if not len(pictures):
        raise DataError("no_images", "None of the training photos can be read.")
    augmenter, crop = Augmenter(recipe, recipe.transforms, torch.device("cpu")), recipe.transforms.crop
    reader = SampleReader()
    plain = [_seen(reader.read(sample), recipe.transforms) for sample in pictures.samples]
    reader.close()
    rows: list[dict[str, Any]] = [
        {
            "path": sample.name,
            "label": found.labels[sample.label],
            "plain": _write(folder / f"{i}-plain.png", plain[i]),
            "augmented": [],
        }
        for i, sample in enumerate(pictures.samples)
    ]
    for variant in range(min(VARIANTS, recipe.views - 1) if head else VARIANTS):
        generator = torch.Generator().manual_seed(job.seed * 1_000_003 + variant)
        x = augmenter.training(pictures.pixels, crop, augmenter.draw(len(pictures), generator))
        mix = None if head else augmenter.draw_mix(len(x), crop, generator)
        seen = augmenter.pixels(x if mix is None else mix(x, x[mix.order]))
        squares = seen.permute(0, 2, 3, 1).contiguous().numpy()
        for i, row in enumerate(rows):
            row["augmented"].append(_write(folder / f"{i}-augmented-{variant}.png", squares[i]))
    return {"pictures": rows}


def _seen(source: bytes | Path, transforms: Transforms) -> NDArray[np.uint8]:
    """What the network sees of a picture in the app. Raises ImageError."""
    picture = decode(source, shorter_side=transforms.decode_side, range=transforms.range or "tags")
    return transforms.view(picture.pixels, full_size=picture.full_size)


def _write(path: Path, pixels: NDArray[np.uint8]) -> str:
    atomic.write_bytes(path, encode_png(pixels))
    return str(path)
