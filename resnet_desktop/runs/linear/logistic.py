"""Softmax regression with a penalty on the weights, fitted by L-BFGS. NumPy alone.

The loss is the weighted mean of the cross-entropies plus half of ``strength`` times the sum of the squared weights; the
bias is free. It is convex: where it ends depends on nothing but the data. L-BFGS after Nocedal and Wright, "Numerical
Optimization" (2006), algorithms 7.4 and 7.5, with a line search for the strong Wolfe conditions (algorithms 3.5 and
3.6, by bisection).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEMORY = 12
"""Pairs of steps and changes of the gradient that stand for the curvature."""
STEPS = 300
TOLERANCE = 1e-4
"""Of the largest element of the gradient, beside the loss of guessing."""
_SUFFICIENT, _CURVATURE = 1e-4, 0.9
_TRIES = 25

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear layer: ``weight`` ``(classes, width)``, ``bias`` ``(classes,)``."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Logits ``(n, classes)`` of features ``(n, width)``."""
        found: Floats = x @ self.weight.T + self.bias
        return found


def fit(
    x: Floats,
    labels: Ints,
    weights: Floats,
    classes: int,
    strength: float,
    *,
    start: Linear | None = None,
    check: Callable[[], object] = lambda: None,
    steps: int = STEPS,
) -> Linear:
    """The layer whose loss is smallest.

    Args:
        x: features float32 ``(n, width)``, of a size such that a common ``strength`` suits them (``scaling``).
        labels: ``(n,)``.
        weights: of the rows ``(n,)``, their mean about 1.
        classes: how many; those without rows get a low bias.
        strength: of the penalty, above 0.
        start: where to begin; None is at 0.
        check: called before every step; what it raises ends the work.
        steps: at the most.
    """
    width = x.shape[1]
    total = float(weights.sum())
    targets = (weights / total).astype(np.float32)
    rows = np.arange(len(x))

    def loss(flat: Vector) -> tuple[float, Vector]:
        layer = flat.reshape(classes, width + 1).astype(np.float32)
        z = x @ layer[:, :-1].T + layer[:, -1]
        z -= z.max(1, keepdims=True)
        own = z[rows, labels]
        np.exp(z, out=z)
        sums = z.sum(1)
        value = float((targets * (np.log(sums) - own)).sum(dtype=np.float64))
        z *= (targets / sums)[:, None]
        z[rows, labels] -= targets
        slope = np.empty((classes, width + 1))
        slope[:, :-1] = z.T @ x
        slope[:, -1] = z.sum(0)
        slope[:, :-1] += strength * (kept := flat.reshape(classes, width + 1)[:, :-1])
        return value + strength / 2 * float((kept**2).sum()), slope.ravel()

    first = np.zeros((classes, width + 1))
    if start is not None:
        first[:, :-1], first[:, -1] = start.weight, start.bias
    found = minimized(loss, first.ravel(), check, steps).reshape(classes, width + 1)
    found -= found.mean(0)  # no probability changes, and what is evidence for all classes is none for any
    return Linear(found[:, :-1].astype(np.float32), found[:, -1].astype(np.float32))


def minimized(
    function: Callable[[Vector], tuple[float, Vector]],
    x: Vector,
    check: Callable[[], object] = lambda: None,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
) -> Vector:
    """Where a smooth function is smallest near ``x``; ``function`` gives its value and its gradient."""
    value, slope = function(x)
    past: deque[tuple[Vector, Vector, float]] = deque(maxlen=MEMORY)
    for _ in range(steps):
        check()
        if np.abs(slope).max() <= tolerance:
            break
        direction = -_curved(slope, past)
        if direction @ slope >= 0:  # rounding has made the curvature useless
            past.clear()
            direction = -slope
        first = 1.0 if past else min(1.0, 1.0 / float(np.abs(slope).sum()))
        reached = _searched(function, x, value, slope, direction, first)
        if reached is None:
            break
        step, value, new = reached
        moved, turned = step * direction, new - slope
        bend = float(moved @ turned)
        if bend > 1e-12:
            past.append((moved, turned, 1.0 / bend))
        x, slope = x + moved, new
    return x


def _curved(slope: Vector, past: deque[tuple[Vector, Vector, float]]) -> Vector:
    """The gradient times the inverse curvature, by the two loops over the past steps."""
    q, factors = slope.copy(), []
    for moved, turned, scale in reversed(past):
        factor = scale * float(moved @ q)
        factors.append(factor)
        q -= factor * turned
    if past:
        moved, turned, scale = past[-1]
        q /= scale * float(turned @ turned)
    for (moved, turned, scale), factor in zip(past, reversed(factors), strict=True):
        q += (factor - scale * float(turned @ q)) * moved
    return q


def _searched(
    function: Callable[[Vector], tuple[float, Vector]],
    x: Vector,
    value: float,
    slope: Vector,
    direction: Vector,
    step: float,
) -> tuple[float, float, Vector] | None:
    """A step along ``direction`` that lowers the function enough and flattens it; None where rounding allows none."""
    falling = float(slope @ direction)
    low, high = 0.0, np.inf
    best: tuple[float, float, Vector] | None = None
    for _ in range(_TRIES):
        found, new = function(x + step * direction)
        along = float(new @ direction)
        if not np.isfinite(found) or found > value + _SUFFICIENT * step * falling:
            high = step
        else:
            best = (step, found, new)
            if abs(along) <= -_CURVATURE * falling:
                return best
            low, high = (low, step) if along > 0 else (step, high)
        step = (low + high) / 2 if np.isfinite(high) else 2 * step
    return best
