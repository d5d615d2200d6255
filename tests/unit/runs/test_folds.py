"""Folds spread every class, keep copies together, and leave alone what cannot be spared."""

from __future__ import annotations

import numpy as np

from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.runs.linear.folds import NEVER, folds, judged_alone


def samples(*counts: int) -> list[Sample]:
    return [Sample(f"{label}/{i}.png", None, label) for label, count in enumerate(counts) for i in range(count)]


def test_every_class_is_spread_evenly() -> None:
    some = samples(20, 20, 7)
    fold = folds(some, [], 0)
    for label in range(3):
        counts = np.bincount(fold[[s.label == label for s in some]], minlength=5)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() <= 1


def test_copies_stay_together() -> None:
    some = samples(12, 12)
    groups = [[0, 1, 2], [3, 15], [20, 21]]
    fold = folds(some, groups, 0)
    assert all(len(set(fold[group])) == 1 for group in groups)
    assert len(set(fold)) == 5


def test_there_are_fewer_where_there_are_fewer_photos() -> None:
    assert set(folds(samples(3, 3), [], 0)) == {0, 1, 2}
    assert set(folds(samples(2, 2), [], 0)) == {0, 1}
    assert set(folds(samples(1, 1), [], 0)) == {NEVER}


def test_a_rare_class_does_not_lessen_the_folds_of_others() -> None:
    some = samples(30, 3)
    fold = folds(some, [], 0)
    assert set(fold) == set(range(5))
    assert len(set(fold[30:])) == 3


def test_the_single_photo_of_a_class_is_always_learnt_from() -> None:
    some = samples(10, 1, 4)
    groups = [[11, 12, 13, 14]]  # copies of one
    fold = folds(some, groups, 0)
    assert (fold[10:] == NEVER).all()
    assert (fold[:10] != NEVER).all()
    assert judged_alone(some, fold, 3) == [1, 2]


def test_another_seed_gives_other_folds_and_the_same_the_same() -> None:
    some = samples(20, 20)
    assert (folds(some, [], 1) == folds(some, [], 1)).all()
    assert (folds(some, [], 1) != folds(some, [], 2)).any()


def test_it_does_not_matter_where_the_folder_lies() -> None:
    here, there = ([Sample(f"{root}/{s.source}", None, s.label) for s in samples(9, 8)] for root in ("/a", "/b/c d"))
    assert (folds(here, [], 0) == folds(there, [], 0)).all()
    apart = [Sample(f"{i}:{s.source}", None, s.label) for i, s in enumerate(samples(9, 8))]
    assert set(folds(apart, [], 0)) == {0, 1, 2, 3, 4}
