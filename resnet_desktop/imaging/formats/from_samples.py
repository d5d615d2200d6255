"""From samples, however they were read, to the pixels that are given out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.imaging import assemble, container, demand
from resnet_desktop.imaging.deep.samples import Samples, to_image
from resnet_desktop.imaging.formats.request import Result, Turn, Wanted, turned
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.source import OpenSource


def from_array(file: OpenSource, array: NDArray[Any], wanted: Wanted, bits: int | None = None) -> Result:
    """A picture that imagecodecs has decoded."""
    array = array if array.ndim == 3 else array[..., None]
    channels = array.shape[2]
    colours: Literal[1, 3] = 3 if channels >= 3 else 1
    whole = array.dtype.kind == "u"
    bits = bits or (8 * array.dtype.itemsize if whole else 0)
    samples = Samples(
        (array.shape[1], array.shape[0]),
        _slices(array),
        colours,
        "straight" if channels in (2, 4) else "",
        bits=bits,
        white=float((1 << bits) - 1) if whole else 1.0,
    )
    return from_samples(file, samples, wanted, held=array.nbytes)


def _slices(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    step = max(1, 1_000_000 // array.shape[1])
    yield from (array[top : top + step] for top in range(0, len(array), step))


def from_samples(
    file: OpenSource,
    samples: Samples,
    wanted: Wanted,
    turn: Turn = None,
    notes: tuple[Note, ...] = (),
    held: int = 0,
) -> Result:
    """Check the size, wait for the memory, read and reduce them; ``held``: bytes that are taken already."""
    wanted.check(samples.size, file.name)
    taken = demand.of_image(container.TIFF, "L", (0, 0), held + samples.held)
    factor, needed = wanted.fit(taken, samples.size, file.name, deep=samples.colours)
    with wanted.hold(needed):
        image, more = to_image(samples, factor, wanted.range)
        pixels = assemble.assembled(image, 1, samples.size, factor, turn)
    return pixels, turned(samples.size, turn), notes + more


def samples_of_image(image: Image.Image) -> Samples | None:
    """The samples of a loaded image of one channel of more than 8 bits."""
    if not image.mode.startswith("I") and image.mode != "F":
        return None
    key = image.info.get("transparency")
    return Samples(
        image.size,
        assemble.strips_of(image),
        bits=16 if image.mode.startswith("I;16") else 0,
        no_data=float(key) if isinstance(key, int) else None,
        profile=image.info.get("icc_profile"),
    )
