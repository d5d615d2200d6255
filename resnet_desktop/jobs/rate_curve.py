"""Reading a learning-rate range test: the loss made smooth, and the rate that it speaks for.

The trainer suggests with it and the window draws with it, so that what is seen is what was judged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SPREAD = 0.12
"""Standard deviation of the smoothing, in powers of ten of the rate: a batch's loss says little by itself."""
FEWEST = 10
"""Points that a suggestion needs, at the least."""
LEAST_FALL = 0.05
"""Of the loss at the beginning: where it falls by less, nothing was learnt at any rate."""
TURN = 0.25
"""A rise by this part of the fall before it ends the way down."""
MARGIN = 0.5
"""Powers of ten that a suggestion stays below the rate of the lowest loss: nearer to it, other batches overshoot."""
RISE = 0.25
"""Of the loss at the beginning: where it falls nowhere, a rise by so much is where steps overshoot."""
BELOW_RISE = 1.0
"""Powers of ten that a suggestion stays below such a rise."""
AFTER = 6
"""A test ends when most of so many last steps have a high loss."""
DIVERGED = 2.0
"""Where the loss has risen to so many times that of the beginning, there is nothing more to be seen."""


def smoothed(rates: Sequence[float], losses: Sequence[float]) -> list[float]:
    """The losses averaged over their neighbours by a Gaussian of ``SPREAD`` along the logarithm of the rate.

    It looks to both sides, for an average of the past alone would put everything at too large a rate. What lies above
    ``DIVERGED`` times the first loss counts as that, so that one wild step does not lift those before it.
    """
    if not losses:
        return []
    places = [math.log10(rate) for rate in rates]
    most = ceiling(losses)
    calm = [min(loss, most) if math.isfinite(loss) else most for loss in losses]
    found = []
    for here in places:
        weights = [math.exp(-0.5 * ((place - here) / SPREAD) ** 2) for place in places]
        found.append(sum(w * loss for w, loss in zip(weights, calm, strict=True)) / sum(weights))
    return found


def ceiling(losses: Sequence[float]) -> float:
    """The loss above which a test has diverged: by the mean of the first ones, for a single batch says little."""
    first = [loss for loss in losses[:5] if math.isfinite(loss)]
    return DIVERGED * (sum(first) / len(first)) if first else 1.0


def has_ended(losses: Sequence[float]) -> bool:
    """Whether a test has shown what it can: the loss has run away, or stays well above where it once was."""
    if len(losses) < AFTER:
        return False
    middle, start, lowest = sorted(losses[-AFTER:])[AFTER // 2], losses[0], min(losses)
    fallen, is_past = start - lowest, losses.index(lowest) < len(losses) - AFTER
    turned = is_past and fallen > LEAST_FALL * start and middle > lowest + 2 * TURN * fallen
    return turned or middle > ceiling(losses)


def suggested(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The rate at which the smoothed loss falls most steeply on its first way down (Smith 2017, arXiv:1506.01186).

    It lies ``MARGIN`` before the bottom, or more. A head that was fitted before begins at the bottom: where the loss
    only rises, it is the rate ``BELOW_RISE`` under that at which it has risen by ``RISE``.

    Args:
        rates: rising.
        losses: in nats, after a step at each rate.

    Returns:
        The rate; None for fewer than ``FEWEST`` points, or where the loss neither falls nor rises.
    """
    if len(rates) < FEWEST:
        return None
    curve = smoothed(rates, losses)
    end = _first_bottom(curve)
    if curve[0] - curve[end] < LEAST_FALL * curve[0]:
        return _below_rise(rates, curve)
    places = [math.log10(rate) for rate in rates]
    last = max(1, sum(place <= places[end] - MARGIN for place in places) - 1)
    inner = range(1, min(last, len(curve) - 2) + 1)
    slopes = [((curve[i + 1] - curve[i - 1]) / (places[i + 1] - places[i - 1]), i) for i in inner]
    return float(f"{rates[min(slopes)[1]]:.2g}")


def _below_rise(rates: Sequence[float], curve: Sequence[float]) -> float | None:
    """A rate well below that at which the loss begins to rise; None where it does not, or does from the start."""
    risen = next((rate for rate, loss in zip(rates, curve, strict=True) if loss > (1 + RISE) * curve[0]), None)
    if risen is None or risen / 10**BELOW_RISE < rates[0]:
        return None
    return float(f"{risen / 10**BELOW_RISE:.2g}")


def _first_bottom(curve: Sequence[float]) -> int:
    """Where the loss is lowest before it first rises again by more than ``TURN`` of what it had fallen.

    Behind such a turn training is unstable: the loss may fall again, but not because the rate is a good one.
    """
    lowest = 0
    for place, loss in enumerate(curve):
        if loss < curve[lowest]:
            lowest = place
        fallen = curve[0] - curve[lowest]
        if fallen > LEAST_FALL * curve[0] and loss - curve[lowest] > TURN * fallen:
            break
    return lowest
