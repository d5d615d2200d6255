"""Maps from many runs of the model on changed pictures: Score-CAM, occlusion, Smooth Grad-CAM.

They see the model as a function and need no gradient rules (Smooth Grad-CAM apart, which averages maps that do). Each
takes as many pictures into a run as take a fraction of a second: memory is bounded, and cancelling is felt soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.imaging.heat.overlay import upsample

Array = NDArray[np.float32]
Score = Callable[[Array], NDArray[np.float64]]
"""From pictures float32 ``(n, 3, H, W)`` as the network takes them to the score of each, ``(n,)``."""

MOST_PICTURES = 32
SECONDS_A_RUN = 0.2
CELLS = 14
PATCH_CELLS = 3
SAMPLES = 16
NOISE = 0.15


def paced(
    total: int, *, cancelled: Cancelled = never, progress: Progress = unheard, most: int = MOST_PICTURES
) -> Iterator[slice]:
    """Ranges that together cover ``total``: as many at a time as the caller works off in ``SECONDS_A_RUN``.

    They begin with one and double while there is time, up to ``most``.

    Raises:
        CancelledError: before a range.
    """
    size, start = 1, 0
    while start < total:
        stop_if(cancelled)
        stop = min(start + size, total)
        began = time.perf_counter()
        yield slice(start, stop)
        seconds = time.perf_counter() - began
        progress(stop, total)
        start = stop
        if 2 * seconds < SECONDS_A_RUN:
            size = min(2 * size, most)
        elif seconds > SECONDS_A_RUN:
            size = max(size // 2, 1)


def score_cam(
    score: Score,
    picture: Array,
    activations: Array,
    *,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
    most: int = MOST_PICTURES,
) -> Array:
    """Score-CAM, Wang et al. 2020 (arXiv:1910.01279), algorithm 1 without its last ReLU.

    ``H_k`` is channel k of the activations enlarged to the picture (bilinear) and scaled from its least to its largest
    value to 0–1; ``S_k = f(x * H_k) - f(0)`` the increase of the score over the empty picture; ``w = softmax_k(S)``,
    shape ``(C,)``; ``cam_ij = sum_k w_k A_kij``. f(0) is the same in all S_k: the softmax does not depend on it, and
    it is not computed. A channel that is the same everywhere has no H_k and no part in the softmax.

    Args:
        score: f: the logit of the class, or the difference of two.
        picture: float32 ``(3, H, W)``.
        activations: of the layer, float32 ``(C, h, w)``.
        cancelled: asked before every run.
        progress: told the channels that are done.
        most: pictures in one run.

    Returns:
        float32 ``(h, w)``; zeros if every channel is the same everywhere.

    Raises:
        CancelledError: between two runs.
    """
    size = (picture.shape[2], picture.shape[1])
    alive = np.flatnonzero(activations.max(axis=(1, 2)) > activations.min(axis=(1, 2)))
    if not len(alive):
        return np.zeros(activations.shape[1:], np.float32)
    scores = np.empty(len(alive))
    for part in paced(len(alive), cancelled=cancelled, progress=progress, most=most):
        masks = np.stack([_mask(activations[k], size) for k in alive[part]])
        scores[part] = score(masks[:, None] * picture)
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    return np.asarray(np.tensordot(weights, activations[alive].astype(np.float64), axes=1), np.float32)


def occlusion(
    score: Score,
    picture: Array,
    *,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
    cells: int = CELLS,
    patch: int = PATCH_CELLS,
    most: int = MOST_PICTURES,
) -> Array:
    """Occlusion, Zeiler and Fergus 2014 (arXiv:1311.2901): how much the score falls where the picture is covered.

    A square patch of ``patch`` x ``patch`` cells moves over the picture by one cell at a time, so that patches overlap;
    each cell gets the mean fall of the score over the patches that cover it. The patch has the mean colour of the
    picture. A fall is positive: the place speaks for the class.

    Args:
        score: the probability of the class, as in the paper, or what is to be contrasted.
        picture: float32 ``(3, H, W)``.
        cancelled: asked before every run.
        progress: told the patches that are done.
        cells: rows and columns of the map; fewer for a picture of fewer pixels.
        patch: side of the patch in cells.
        most: pictures in one run.

    Returns:
        float32 ``(cells, cells)``.

    Raises:
        CancelledError: between two runs.
    """
    cells = min(cells, *picture.shape[1:])
    patch = min(patch, cells)
    rows, columns = (np.rint(np.linspace(0, side, cells + 1)).astype(int) for side in picture.shape[1:])
    steps = cells - patch + 1
    places = [(top, left) for top in range(steps) for left in range(steps)]
    stop_if(cancelled)
    whole = float(score(picture[None])[0])
    colour = picture.mean(axis=(1, 2))[:, None, None]
    falls = np.empty(len(places))
    for part in paced(len(places), cancelled=cancelled, progress=progress, most=most):
        covered = np.repeat(picture[None], part.stop - part.start, axis=0)
        for one, (top, left) in zip(covered, places[part], strict=True):
            one[:, rows[top] : rows[top + patch], columns[left] : columns[left + patch]] = colour
        falls[part] = whole - score(covered)
    total, count = np.zeros((cells, cells)), np.zeros((cells, cells))
    for fall, (top, left) in zip(falls, places, strict=True):
        total[top : top + patch, left : left + patch] += fall
        count[top : top + patch, left : left + patch] += 1
    return np.asarray(total / count, np.float32)


def smoothed(
    maps: Callable[[Array], Array],
    picture: Array,
    *,
    cancelled: Cancelled = never,
    progress: Progress = unheard,
    samples: int = SAMPLES,
    noise: float = NOISE,
    seed: int = 0,
    most: int = MOST_PICTURES,
) -> Array:
    """The mean of a map over noisy copies of the picture, after SmoothGrad (Smilkov et al. 2017, arXiv:1706.03825).

    ``cam = mean_n map(x + noise_n)``, the noise normal with the deviation ``noise * (max x - min x)``. With Grad-CAM as
    the map it is what is usually called Smooth Grad-CAM; Smooth Grad-CAM++ (Omeiza et al. 2019, arXiv:1908.01224)
    averages the derivatives inside the formula of Grad-CAM++ instead, and is not this.

    Args:
        maps: from pictures ``(n, 3, H, W)`` to maps ``(n, h, w)``, before ReLU and scaling.
        picture: float32 ``(3, H, W)``.
        cancelled: asked before every run.
        progress: told the copies that are done.
        samples: how many copies.
        noise: as a fraction of the range of the picture's values.
        seed: the same seed gives the same noise, however many copies are in a run.
        most: pictures in one run.

    Returns:
        float32 ``(h, w)``.

    Raises:
        CancelledError: between two runs.
    """
    rng = np.random.default_rng(seed)
    deviation = np.float32(noise * (float(picture.max()) - float(picture.min())))
    total: NDArray[np.float64] | float = 0.0
    for part in paced(samples, cancelled=cancelled, progress=progress, most=most):
        shape = (part.stop - part.start, *picture.shape)
        copies = picture + deviation * rng.standard_normal(shape, np.float32)
        total = total + maps(copies).sum(axis=0, dtype=np.float64)
    return np.asarray(total / samples, np.float32)


def _mask(channel: Array, size: tuple[int, int]) -> Array:
    """A channel enlarged to ``size`` and scaled to 0–1: float32 ``(H, W)``."""
    large = upsample(channel, size)
    low, high = large.min(), large.max()
    return (large - low) / (high - low) if high > low else np.zeros_like(large)
