"""How far a JPEG can be reduced by its decoder before the network says something else.

The top class after decoding at 1/2, 1/4 and 1/8 is held against that after full decoding, as for a photo of 12
megapixels: 3,000 pixels for the 256 of the shorter side. Three ways, as there are no large photos here of things that
the network knows:

- Photos of such things, enlarged to the centre of 12 megapixels. An enlarged one has no detail that a reduced scale
  could lose: it is given that of a real large photo, all that is finer than the small photo's own pixels.
- Windows of real large photos. The network is seldom sure of those, and soon changes its mind.
- Photos of 512 pixels as they are. The square that the network sees is cut from them with fewer pixels, so that the
  ratio is the same, and these are enlarged afterwards, alike for all scales.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import IMAGE_SUFFIXES, KEPT_SCALE, decode, encode_jpeg
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.classifier import Classifier
from tests.benchmarks.measure import Spread
from tests.benchmarks.pointing import wilson_interval
from tests.benchmarks.report import Row, Section
from tests.benchmarks.road import network

DIVISORS = (1, 2, 4, 8)
LEAST_SIDE = 24
"""Pixels; with fewer the network sees nothing, and its top class means nothing."""
WINDOWS = 4
SURE = 0.5
QUALITY = 92
RATIO = 3000 / 256
CENTRE = 2624  # pixels of 3,000 that the network sees, a multiple of a JPEG's blocks at every scale
SMALL_CENTRE = 336  # the same of a photo of 384 by 512
SHORTER_SIDE = 1500


@dataclass(frozen=True, slots=True)
class _Seen:
    """One photo: whether full decoding made the network sure; by divisor, whether it agrees and how it was moved."""

    sure: bool
    agrees: dict[int, bool]
    levels: dict[int, float]
    moved: dict[int, float]


def scales(photos: list[Path], large: Path | None) -> Section:
    """The photos of the benchmarks, and with the folder ``large`` of larger ones the other ways as well."""
    classifier = Classifier(network(), provider="cpu", keep_activations=False)
    section = Section("Reduced decoding as of 12 megapixels: the top class is that of full decoding")
    section.rows += _rows("photos of 512 pixels", classifier, (path.read_bytes() for path in photos))
    if large is not None:
        section.rows += _rows("large photos", classifier, _windows(large))
        section.rows += _rows("photos with the detail of large ones", classifier, _detailed(photos, large), cut=False)
    section.note = "in brackets the 95 % interval (Wilson); levels: mean difference of 255 in what the network sees"
    return section


def _rows(title: str, classifier: Classifier, files: Iterator[bytes], cut: bool = True) -> list[Row]:
    seen = [_seen(classifier, data, cut) for data in files]
    rows = []
    for divisor in DIVISORS[1:]:
        some = [photo for photo in seen if divisor in photo.agrees]
        if not some:
            continue
        left = RATIO / divisor
        levels = np.mean([photo.levels[divisor] for photo in some])
        moved = np.mean([photo.moved[divisor] for photo in some])
        what = f"{title}, 1/{divisor} (leaves {left:.1f} pixels for one; {levels:.2f} levels, probability {moved:.4f})"
        rows.append(Row(what, _share([photo.agrees[divisor] for photo in some]), f"% of {len(some)}", 2))
        sure = [photo.agrees[divisor] for photo in some if photo.sure]
        if sure:
            rows.append(
                Row(f"    of those with a top class of {SURE:.0%} or more", _share(sure), f"% of {len(sure)}", 2)
            )
    return rows


def _share(agrees: list[bool]) -> Spread:
    low, high = wilson_interval(sum(agrees), len(agrees))
    return Spread(100 * sum(agrees) / len(agrees), 100 * low, 100 * high)


def _seen(classifier: Classifier, data: bytes, cut: bool) -> _Seen:
    """``cut``: whether the network sees the centre of the photo, as in the app, or all of it."""
    own = classifier.bundle.metadata.transforms
    full = decode(data)
    shorter = min(full.full_size)
    resize = max(LEAST_SIDE, round(shorter / RATIO))
    crop = round(resize * own.crop / own.resize) if cut else resize
    small = Transforms(resize=resize, crop=crop, interpolation=own.interpolation)
    square = Transforms(None, own.crop, own.crop, own.interpolation, own.mean, own.std)
    views: dict[int, NDArray[np.float32]] = {}
    answers: dict[int, NDArray[np.float32]] = {}
    for divisor in DIVISORS:
        picture = full if divisor == 1 else decode(data, shorter_side=int(shorter / divisor / KEPT_SCALE))
        if round(shorter / min(picture.width, picture.height)) != divisor or shorter / divisor < resize:
            continue
        view = small.view(picture.pixels, full_size=full.full_size)
        views[divisor] = view.astype(np.float32)
        answers[divisor] = classifier.probabilities(classifier.predict(square.apply(view)[None]).logits[0])
    whole, top = answers[1], int(answers[1].argmax())
    return _Seen(
        sure=bool(whole[top] >= SURE),
        agrees={d: int(found.argmax()) == top for d, found in answers.items()},
        levels={d: float(np.abs(view - views[1]).mean()) for d, view in views.items()},
        moved={d: float(abs(found[top] - whole[top])) for d, found in answers.items()},
    )


def _large(folder: Path, least: int) -> Iterator[NDArray[np.uint8]]:
    """The pixels of all pictures whose shorter side has ``least`` pixels or more."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES):
        try:
            pixels = decode(path).pixels
        except ImageError:
            continue
        if min(pixels.shape[:2]) >= least:
            yield pixels


def _windows(folder: Path) -> Iterator[bytes]:
    """Windows of four by three from large photos, as JPEG files; every second one is mirrored."""
    rng = np.random.default_rng(0)
    for pixels in _large(folder, SHORTER_SIDE):
        height, width = pixels.shape[:2]
        for number in range(WINDOWS):
            rows = int(rng.uniform(0.6, 1.0) * min(height, width))
            columns = min(width, rows * 4 // 3)
            top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
            window = pixels[top : top + rows, left : left + columns]
            yield encode_jpeg(np.ascontiguousarray(window[:, ::-1] if number % 2 else window), QUALITY)


def _detailed(photos: list[Path], folder: Path) -> Iterator[bytes]:
    """The centres of the photos at ``CENTRE`` pixels with the detail of large ones, as JPEG files."""
    sources = sum(1 for _ in _large(folder, CENTRE))
    for number, pixels in enumerate(_large(folder, CENTRE)):
        top, left = (pixels.shape[0] - CENTRE) // 2, (pixels.shape[1] - CENTRE) // 2
        window = np.ascontiguousarray(pixels[top : top + CENTRE, left : left + CENTRE])
        detail = window.astype(np.int16) - _centre(_centre(window, SMALL_CENTRE), CENTRE)
        for photo in photos[number::sources]:
            coarse = _centre(Transforms(resize=384, crop=SMALL_CENTRE).view(decode(photo).pixels), CENTRE)
            yield encode_jpeg(np.clip(coarse + detail, 0, 255).astype(np.uint8), QUALITY)


def _centre(square: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return Transforms(resize=side, crop=side, interpolation="bicubic").view(square)
