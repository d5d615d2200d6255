"""What a model file tells of its making: odd types are left out, nothing of it raises where it is shown."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from resnet_desktop.bundle.format import schema
from resnet_desktop.bundle.format.metadata import Metadata

from .making import metadata

ODD: tuple[Any, ...] = (None, True, 5, -1, 1e400, 10**4000, "text", "\x1b[2J\ud800", [], [1, "a"], {}, {"a": [None]})
KEYS = ("metrics", "published", "recipe", "data", "test_data", "base", "date", "publisher", "licence", "source")
WITHIN = {
    "metrics": ("acc1", "acc1_interval", "images", "on", "ece"),
    "published": ("acc1", "acc5", "on"),
    "recipe": ("train",),
}


def test_a_proper_card_passes_as_it_is() -> None:
    told = {
        "metrics": {"acc1": 0.5, "acc1_interval": [0.4, 0.6], "images": 40, "on": "test", "per_class": {"a": 0.5}},
        "published": {"acc1": 0.8, "acc5": None, "on": "ImageNet-1k"},
        "data": ["beetles", "more.zip"],
        "base": None,
        "recipe": {"train": "head", "v": 1},
        "tomorrow": {"x": [1, 2]},
    }
    assert schema.provenance(told) == told


@pytest.mark.parametrize(("key", "value"), list(itertools.product(KEYS, ODD)))
def test_values_have_the_type_that_they_are_shown_by(key: str, value: object) -> None:
    kept = schema.provenance({key: value})
    found = kept.get(key)
    if key in WITHIN:
        assert found is None or isinstance(found, dict)
    elif key.endswith("data"):
        assert found is None or (isinstance(found, list) and all(isinstance(name, str) for name in found))
    else:
        assert found is None or (isinstance(found, str) and found.isprintable())


@pytest.mark.parametrize(("key", "value"), list(itertools.product(WITHIN, ODD)))
def test_what_lies_within_is_checked_too(key: str, value: object) -> None:
    for name in WITHIN[key]:
        found = schema.provenance({key: {name: value}})[key].get(name)
        if name in ("on", "train"):
            assert found is None or isinstance(found, str)
        elif name == "acc1_interval":
            assert found is None
        elif name == "images":
            assert found is None or (type(found) is int and found >= 0)
        else:
            assert found is None or (isinstance(found, int | float) and (name == "ece" or 0 <= found <= 1))


@pytest.mark.parametrize("interval", [[0.1], [0.5, 0.1], [0.1, "b"], [0.1, 2], [True, 1], "ab", {"a": 1}])
def test_intervals_are_two_shares_in_order(interval: object) -> None:
    assert schema.novelty({"false_alarm_interval": interval, "method": "energy"}) == {"method": "energy"}
    assert schema.novelty({"false_alarm_interval": [0.1, 0.2]}) == {"false_alarm_interval": [0.1, 0.2]}


def test_what_was_read_can_be_written_again() -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    told = {"note": "a\ud800\x1b", "deep": deep, "k\x1b": "multi\nline", "metrics": "none"}
    props = metadata(weights_sha256="0" * 64).to_props()
    props["resnet_desktop.provenance"] = json.dumps(told)
    found = Metadata.from_props(props)
    assert found is not None
    again = Metadata.from_props(found.to_props())
    assert again is not None
    assert again.provenance == found.provenance
    assert found.provenance["note"] == "a\\ud800\\x1b"
    assert found.provenance["k\\x1b"] == "multi\nline"
    assert "metrics" not in found.provenance
