"""The regression ends where its loss is smallest, and the strength is chosen by answers to what was not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.core.errors import DataError
from resnet_desktop.runs.evaluation import scores
from resnet_desktop.runs.linear import learner
from resnet_desktop.runs.linear.folds import NEVER
from resnet_desktop.runs.linear.learner import STRENGTHS, learn
from resnet_desktop.runs.linear.logistic import Linear, fit, minimized

Problem = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]


def problem(n: int = 80, width: int = 12, classes: int = 3, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    centres = rng.standard_normal((classes, width))
    x = (centres[labels] + rng.standard_normal((n, width))) / np.sqrt(width)
    return x.astype(np.float32), labels, rng.uniform(0.5, 1.5, n).astype(np.float32)


def loss(layer: Linear, x: Any, labels: Any, weights: Any, strength: float) -> float:
    z = x.astype(np.float64) @ layer.weight.T + layer.bias
    z -= z.max(1, keepdims=True)
    each = np.log(np.exp(z).sum(1)) - z[np.arange(len(x)), labels]
    return float((weights * each).sum() / weights.sum() + strength / 2 * (layer.weight.astype(float) ** 2).sum())


@pytest.mark.parametrize("strength", [1e-1, 1e-3, 1e-5])
def test_no_neighbour_is_better(strength: float) -> None:
    x, labels, weights = problem()
    layer = fit(x, labels, weights, 3, strength)
    best = loss(layer, x, labels, weights, strength)
    rng = np.random.default_rng(1)
    for size in (1e-1, 1e-2, 1e-3):
        for _ in range(20):
            moved = Linear(
                (layer.weight + size * rng.standard_normal(layer.weight.shape)).astype(np.float32),
                (layer.bias + size * rng.standard_normal(3)).astype(np.float32),
            )
            assert loss(moved, x, labels, weights, strength) > best - 1e-5, "but for what the stopping rule leaves"


def test_it_ends_where_an_independent_minimizer_ends() -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy comes with scikit-image")
    x, labels, weights = problem()

    def value(flat: NDArray[np.float64]) -> float:
        layer = flat.reshape(3, -1)
        return loss(Linear(layer[:, :-1], layer[:, -1]), x, labels, weights, 1e-3)  # type: ignore[arg-type]

    found = optimize.minimize(value, np.zeros(3 * 13), method="BFGS", tol=1e-7)
    layer = fit(x, labels, weights, 3, 1e-3)
    assert loss(layer, x, labels, weights, 1e-3) == pytest.approx(found.fun, abs=1e-5)


def test_the_minimizer_on_a_bent_valley() -> None:
    """Rosenbrock's function, whose minimum at (1, 1) lies in a curved valley."""

    def valley(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        a, b = 1 - p[0], p[1] - p[0] ** 2
        return a**2 + 100 * b**2, np.array([-2 * a - 400 * p[0] * b, 200 * b])

    np.testing.assert_allclose(minimized(valley, np.array([-1.2, 1.0]), tolerance=1e-8), [1, 1], atol=1e-6)


def test_evidence_for_all_classes_is_none_for_any() -> None:
    x, labels, weights = problem()
    layer = fit(x, labels, weights, 3, 1e-4)
    np.testing.assert_allclose(layer.weight.sum(0), 0, atol=1e-5)
    np.testing.assert_allclose(layer.bias.sum(), 0, atol=1e-5)


def test_few_rows_of_many_features_give_the_same_as_all_features_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the span of the rows or not: the answers are the same."""
    monkeypatch.setattr(learner, "STRENGTHS", (1e-2,))
    x, labels, _ = problem(n=30, width=200)
    fold = np.arange(30) % 3
    inside = learn(x[None].astype(np.float16), labels, fold, 3, "none")
    assert 2 * len(x) < x.shape[1]
    rows = x.astype(np.float16).astype(np.float32)
    scale = np.sqrt(((rows - rows.mean(0)) ** 2).sum(1).mean())
    whole = fit((rows - rows.mean(0)) / scale, labels, np.ones(30, np.float32), 3, inside.strength)
    expected = (rows - rows.mean(0)) / scale @ whole.weight.T + whole.bias
    np.testing.assert_allclose(inside.layer(rows), expected, atol=2e-2)


def test_the_strength_suits_the_data() -> None:
    """Noise wants a strong penalty, clear classes a weak one."""
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 2
    fold = np.arange(60) // 2 % 5
    noise = rng.standard_normal((60, 40))
    clear = noise + 8 * labels[:, None]
    of_noise = learn(noise[None].astype(np.float16), labels, fold, 2, "none")
    of_clear = learn(clear[None].astype(np.float16), labels, fold, 2, "none")
    assert of_noise.strength in STRENGTHS[:3]
    assert of_clear.strength < of_noise.strength / 10
    assert (of_clear.logits.argmax(1) == labels).all()


def test_answers_out_of_fold_have_not_seen_the_photo() -> None:
    """Features that name the photo itself: by heart everything is right, out of fold nothing is known."""
    labels = np.arange(20) % 2
    x = np.eye(20, dtype=np.float16)
    found = learn(x[None], labels, np.arange(20) // 2 % 5, 2, "none")
    assert (found.layer(x.astype(np.float32)).argmax(1) == labels).all()
    assert np.abs(np.diff(found.logits, axis=1)).max() < 0.5


def test_photos_that_are_never_left_out_are_not_judged() -> None:
    x, labels, _ = problem()
    fold = np.arange(len(x)) % 5
    fold[:7] = NEVER
    found = learn(x[None].astype(np.float16), labels, fold, 3, "none")
    assert np.isnan(found.logits[:7]).all()
    assert np.isfinite(found.logits[7:]).all()
    assert scores.accuracy(found.logits[7:], labels[7:])["acc1"] > 0.6


def test_weights_make_up_for_unequal_classes() -> None:
    rng = np.random.default_rng(5)
    labels = (np.arange(220) < 20).astype(np.int64)
    x = rng.standard_normal((220, 6)) + 0.8 * labels[:, None]
    fold = np.arange(220) % 5
    plain, weighed = (learn(x[None].astype(np.float16), labels, fold, 2, kind) for kind in ("none", "weights"))
    found = [(one.logits.argmax(1) == 1)[labels == 1].mean() for one in (plain, weighed)]
    assert found[1] > found[0] + 0.2


def test_photos_that_all_look_the_same_are_refused() -> None:
    with pytest.raises(DataError, match="look the same") as told:
        learn(np.ones((1, 8, 5), np.float16), np.arange(8) % 2, np.arange(8) % 4, 2, "none")
    assert told.value.hint
