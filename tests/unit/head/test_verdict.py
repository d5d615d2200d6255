"""What is said against a layer, whatever its figures are."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_desktop.head.verdict import warnings

NAMES = ("ant", "bee")


def _answers(right: list[bool], labels: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits that name the label where ``right`` says so, else the other of the two classes."""
    named = [label if good else 1 - label for good, label in zip(right, labels, strict=True)]
    return np.eye(2)[named], np.array(labels)


@pytest.mark.parametrize(
    ("bees", "right_bees", "ants", "right_ants", "told"),
    [
        (20, 20, 20, 20, False),
        (20, 12, 20, 10, True),  # 22 of 40 against 20
        (90, 88, 10, 10, False),  # ten gained for two lost
        (90, 87, 10, 4, True),  # four gained for three lost
        (39, 39, 1, 1, False),  # none is wrong: the single ant says little, but nothing against it
        (20, 20, 0, 0, False),  # no ant was asked about: there is nothing to tell apart
        (20, 15, 0, 0, False),
        (30_000, 15_100, 30_000, 15_100, True),
        (30_000, 15_300, 30_000, 15_300, False),
    ],
)
def test_it_is_said_when_one_class_alone_would_do_as_well(
    bees: int, right_bees: int, ants: int, right_ants: int, told: bool
) -> None:
    right = [i < right_bees for i in range(bees)] + [i < right_ants for i in range(ants)]
    logits, labels = _answers(right, [1] * bees + [0] * ants)
    said = warnings(logits, labels, NAMES)
    assert [code for code, _ in said] == ["not_told_apart"] * told
    if told:
        assert f"{right_bees + right_ants:,} of {bees + ants:,} photos" in said[0][1]


def test_photos_that_were_not_asked_about_do_not_count() -> None:
    logits, labels = _answers([True] * 20 + [False] * 3, [1] * 20 + [0] * 3)
    logits[20:] = np.nan
    assert warnings(logits, labels, NAMES) == []
