"""What a model's classes are kinds of, in a few everyday words."""

from __future__ import annotations

from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.format.topics import topics_of
from resnet_desktop.bundle.taxonomy.wordnet import wordnet
from resnet_desktop.imaging.transforms import Transforms

TABBY, BEAGLE, SCHOOL_BUS, PIZZA, RADIO = "n02123045", "n02088364", "n04146614", "n07873807", "n04041544"


def model(*labels: str, hierarchy: dict[str, object] | None = None) -> Metadata:
    return Metadata(arch=None, categories=labels, transforms=Transforms(), hierarchy=hierarchy)


def test_most_of_imagenet_is_of_some_topic_and_none_counts_twice() -> None:
    topics = topics_of(model(*wordnet().names))
    counts = [count for _, count in topics]
    assert topics[0] == ("animals", 398), "as ImageNet's list has them"
    assert counts == sorted(counts, reverse=True)
    assert 950 < sum(counts) <= 1000


def test_a_class_counts_once_though_it_lies_below_several() -> None:
    # WordNet has a school bus, being a wheeled vehicle, among the containers, and those are household things here.
    topics = topics_of(model(TABBY, BEAGLE, SCHOOL_BUS, PIZZA, RADIO))
    assert topics == (("animals", 2), ("food", 1), ("vehicles", 1))


def test_others_have_no_topics() -> None:
    assert topics_of(model("good weld", "bad weld")) == ()
    own: dict[str, object] = {"classes": ["a", "b"], "nodes": {"a": {"label": "a"}, "b": {"label": "b"}}}
    assert topics_of(model("a", "b", hierarchy=own)) == ()
    named = model("cat", "bus", hierarchy={"classes": [TABBY, SCHOOL_BUS]})
    assert dict(topics_of(named)) == {"animals": 1, "vehicles": 1}
