"""The grouped split: what is the same stays together, every class is there, and only content and seed decide."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.data.split.assignment import Assigned, Parts, grouped, shares
from resnet_desktop.jobs.job import Split


def pictures(*sizes: int, role: str | None = None) -> list[Assigned]:
    """As many pictures for each class, with keys of their own."""
    return [
        Assigned(Sample(f"/x/{label}/{i}.jpg", None, label), role, f"{label} {i}".encode())
        for label, size in enumerate(sizes)
        for i in range(size)
    ]


def counts(parts: Parts) -> list[dict[int, int]]:
    return [dict(Counter(s.label for s in part)) for part in parts]


def test_without_groups_it_is_stratified() -> None:
    parts = grouped(pictures(50, 10, 3, 2, 1), (), Split(0.2, 0.1), 0)
    assert counts(parts) == [{0: 35, 1: 7, 2: 1, 3: 1, 4: 1}, {0: 10, 1: 2, 2: 1, 3: 1}, {0: 5, 1: 1, 2: 1}]


@pytest.mark.parametrize("seed", range(20))
def test_groups_stay_together_and_all_are_there(seed: int) -> None:
    some = pictures(60, 40, 25)
    order = random.Random(seed)
    places = list(range(len(some)))
    order.shuffle(places)
    groups = [places[i : i + 4] for i in range(0, 80, 4)]  # across classes, as conflicting labels make them
    parts = grouped(some, groups, Split(0.2, 0.1), seed)
    assert Counter(s for part in parts for s in part) == Counter(p.sample for p in some)
    part_of = {s: number for number, part in enumerate(parts) for s in part}
    for group in groups:
        assert len({part_of[some[place].sample] for place in group}) == 1
    for label, size in enumerate((60, 40, 25)):
        assert abs(counts(parts)[1].get(label, 0) - 0.2 * size) <= 4
        assert counts(parts)[0][label] >= size / 2


def test_neither_order_nor_names_matter() -> None:
    some = pictures(30, 20)
    groups = [(0, 3), (7, 8, 9), (31, 32)]
    first = grouped(some, groups, Split(), 5)
    places = list(range(len(some)))
    random.Random(1).shuffle(places)
    moved = [
        Assigned(Sample(f"C:/else/{some[i].key.decode()}", None, some[i].sample.label), None, some[i].key)
        for i in places
    ]
    back = {old: new for new, old in enumerate(places)}
    second = grouped(moved, [[back[i] for i in g] for g in reversed(groups)], Split(), 5)
    key_of = {p.sample: p.key for p in (*some, *moved)}
    assert [{key_of[s] for s in part} for part in first] == [{key_of[s] for s in part} for part in second]
    other = grouped(some, groups, Split(), 6)
    assert set(other[1]) != set(first[1])


def test_leaving_out_a_picture_moves_hardly_any_other() -> None:
    some = pictures(100, 100)
    before = set(grouped(some, (), Split(), 0)[1])
    after = set(grouped(some[1:], (), Split(), 0)[1])
    assert len(before ^ after) <= 2


def test_a_group_that_is_too_large_is_learnt_from() -> None:
    some = pictures(10, 10)
    parts = grouped(some, [range(8)], Split(0.2), 0)
    assert counts(parts)[1] == {0: 2, 1: 2}
    assert {s.name for s in parts[1] if s.label == 0} == {"/x/0/8.jpg", "/x/0/9.jpg"}
    halves = grouped(some, [range(5), range(5, 10)], Split(0.2), 0)
    assert counts(halves)[1] == {0: 5, 1: 2}


def test_the_last_picture_of_a_class_is_learnt_from() -> None:
    some = pictures(20, 1)
    for seed in range(20):
        parts = grouped(some, [[0, 1, 20]], Split(0.5), seed)
        assert counts(parts)[0][1] == 1


def test_what_must_stay_is_never_held_out() -> None:
    some = [
        Assigned(p.sample, p.role, p.key, stays=p.sample.label == 1 and i % 2 == 0)
        for i, p in enumerate(pictures(10, 10))
    ]
    held = grouped(some, (), Split(0.4), 0)[1]
    assert counts((held, [], []))[0] == {0: 4, 1: 2}
    assert not {p.sample for p in some if p.stays} & set(held)


def with_roles(roles: Sequence[str | None]) -> list[Assigned]:
    some = pictures(len(roles), 4)
    named = [Assigned(p.sample, role, p.key) for p, role in zip(some, roles, strict=False)]
    return [*named, *some[len(roles) :]]


def test_what_sources_say_is_kept_but_for_groups() -> None:
    some = with_roles(["training", "validation", "training", "validation", "validation", "test", "training"])
    parts = grouped(some, [(0, 1), (2, 3, 4)], Split(0.2, 0.0), 0)
    role_of = {s.name: role for role, part in zip(("training", "validation", "test"), parts, strict=True) for s in part}
    roles = [role_of[f"/x/0/{i}.jpg"] for i in range(7)]
    assert roles == ["training", "training", "validation", "validation", "validation", "test", "training"]
    assert len(parts[1]) == 3  # validation is there, so none is made of the loose pictures


def test_validation_that_is_a_copy_of_training_is_made_anew() -> None:
    roles = ["training"] * 10 + ["validation"] * 10
    some = with_roles(roles)[:20]
    parts = grouped(some, [(i, i + 10) for i in range(10)], Split(0.2), 0)
    assert [len(part) for part in parts] == [16, 4, 0]


@pytest.mark.parametrize("count", range(1, 12))
def test_shares_leave_one_for_training(count: int) -> None:
    for validation, test in ((0.2, 0.0), (0.5, 0.45), (0.9, 0.05)):
        held, tested = shares(count, validation, test)
        assert held + tested < count
