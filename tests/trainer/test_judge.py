"""Judging answers, against computations by hand and cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_desktop.runs.evaluation import scores

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 0])


def test_precision_recall_and_f1_by_hand() -> None:
    rows = scores.per_class(PREDICTED, LABELS, ("a", "b", "c"))
    assert rows[0] == {"label": "a", "precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "support": 3}
    assert rows[1] == {"label": "b", "precision": 0.6667, "recall": 1.0, "f1": 0.8, "support": 2}
    assert rows[2] == {"label": "c", "precision": None, "recall": 0.0, "f1": 0.0, "support": 1}


def test_what_was_not_measured_has_no_figures() -> None:
    rows = scores.per_class(np.array([0, 0]), np.array([0, 1]), ("a", "b", "c"))
    assert rows[1] == {"label": "b", "precision": None, "recall": 0.0, "f1": 0.0, "support": 1}, "b is never answered"
    assert rows[2] == {"label": "c", "precision": None, "recall": None, "f1": None, "support": 0}


def test_rows_are_what_it_is_and_columns_what_is_said() -> None:
    assert scores.confusion(PREDICTED, LABELS, 3) == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_accuracy_counts_ties_as_the_first() -> None:
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 4.0], [1.0, 0.0]], np.float32)
    found = scores.accuracy(logits, np.array([0, 1, 0, 1]))
    assert (found["acc1"], found["acc5"], found["images"]) == (0.5, 1.0, 4)
    assert found["acc1_interval"] == [pytest.approx(0.15, abs=0.01), pytest.approx(0.85, abs=0.01)]


def test_reliability_bins_hold_every_picture() -> None:
    p = np.array([[0.95, 0.05], [0.92, 0.08], [0.55, 0.45]], np.float32)
    rows = scores.reliability(p, np.array([0, 1, 0]), bins=10)
    assert sum(row["count"] for row in rows) == 3
    assert rows[9] == {"low": 0.9, "high": 1.0, "confidence": 0.935, "accuracy": 0.5, "count": 2}
    assert rows[0]["confidence"] is None


def test_wrong_labels_are_found_among_right_ones() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    logits = rng.normal(0, 0.5, (300, 3)) + 4 * np.eye(3)[truth]
    labels = truth.copy()
    wrong = rng.choice(300, 20, replace=False)
    labels[wrong] = (labels[wrong] + 1) % 3
    found = scores.suspects(scores.softmax(logits.astype(np.float32)), labels)
    assert found[wrong].mean() >= 0.9
    assert found[np.setdiff1d(np.arange(300), wrong)].mean() <= 0.02


def test_a_class_without_pictures_suspects_nobody() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]], np.float32)
    assert scores.suspects(p, np.array([0, 1])).tolist() == [False, False]


def test_a_class_with_few_pictures_suspects_nobody_and_is_not_suspected() -> None:
    p = np.full((30, 2), (0.99, 0.01), np.float32)
    p[15:] = (0.01, 0.99)
    labels = np.array([0] * 15 + [1] * 15)
    p[0] = (0.01, 0.99)
    assert scores.suspects(p, labels).nonzero()[0].tolist() == [0]
    few = np.concatenate([np.arange(15), [15, 16, 17]])
    assert not scores.suspects(p[few], labels[few]).any()


def test_what_is_only_a_little_more_probable_is_no_doubt_and_there_is_a_cap() -> None:
    labels = np.repeat([0, 1], 50)
    p = np.where(labels[:, None] == np.arange(2), 0.6, 0.4).astype(np.float32)
    p[0] = (0.2, 0.8)
    assert not scores.suspects(p, labels).any()
    p[:30] = (0.02, 0.98)
    p[5] = (0.01, 0.99)
    found = scores.suspects(p, labels)
    assert found.sum() == 10
    assert found[5], "the surest are kept"


def test_probabilities_and_losses() -> None:
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32))
    p = scores.softmax(logits)
    assert np.allclose(p, np.exp(logits), atol=1e-6)
    assert scores.losses(p, np.array([0, 1])) == pytest.approx([-np.log(0.7), -np.log(0.1)], abs=1e-5)
    assert scores.softmax(logits, 1000.0)[0] == pytest.approx([1 / 3] * 3, abs=1e-3)
