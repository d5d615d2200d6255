"""One answer out of fine classes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.format.class_hierarchy import class_or_group, taxonomy_of
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.labels.label_file import imagenet
from resnet_desktop.bundle.taxonomy.tree import Node, Taxonomy
from resnet_desktop.core.errors import ClassNameError
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.groups import GroupRule

NODES = {
    "thing": Node("thing", (), True),
    "animal": Node("animal", ("thing",), True),
    "cat": Node("domestic cat", ("animal",)),
    "pet": Node("pet", ("animal",)),
    "tabby": Node("tabby", ("cat", "pet")),
    "tiger": Node("tiger cat", ("cat",)),
    "dog": Node("dog", ("pet",)),
    "cup": Node("cup", ("thing",)),
}
CATEGORIES = ("tabby", "tiger cat", "dog", "cup", "made up")
TREE = Taxonomy(NODES, ("tabby", "tiger", "dog", "cup", None), CATEGORIES)
IMAGENET = Metadata(arch=None, categories=imagenet(), transforms=Transforms())


def of(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("probabilities", "label", "probability", "sure"),
    [
        (of(0.9, 0.05, 0.02, 0.02, 0.01), "tabby", 0.9, True),
        (of(0.4, 0.5, 0.05, 0.03, 0.02), "domestic cat", 0.9, True),
        (of(0.35, 0.0, 0.4, 0.2, 0.05), "pet", 0.75, True),
        (of(0.0, 0.35, 0.35, 0.2, 0.1), "dog", 0.35, False),  # together they are animals, which says too little
        (of(0.1, 0.1, 0.0, 0.1, 0.7), "made up", 0.7, True),
    ],
)
def test_the_most_specific_thing_that_is_probable_enough(
    probabilities: NDArray[np.float32], label: str, probability: float, sure: bool
) -> None:
    answer = GroupRule(TREE, 0.6).answer(probabilities)
    assert answer.group is not None
    assert (answer.sure, round(answer.group.probability, 5)) == (sure, probability)
    assert answer.group.label == label or not sure


def test_the_threshold_decides() -> None:
    probabilities = of(0.4, 0.5, 0.05, 0.03, 0.02)
    for threshold, label in ((0.45, "tiger cat"), (0.8, "domestic cat")):
        answer = GroupRule(TREE, threshold).answer(probabilities)
        assert answer.group is not None
        assert answer.group.label == label
    assert not GroupRule(TREE, 0.99).answer(probabilities).sure


def test_of_several_classes_that_are_enough_the_most_probable_is_named() -> None:
    for threshold in (0.0, 0.2):
        answer = GroupRule(TREE, threshold).answer(of(0.3, 0.21, 0.0, 0.49, 0.0))
        assert answer.group is not None
        assert answer.group.label == "cup"


def test_without_a_hierarchy_the_best_class_is_the_answer() -> None:
    rule = GroupRule(None, 0.6)
    assert rule.answer(of(0.7, 0.3)) == type(rule.answer(of(0.7, 0.3)))(None, True)
    assert not rule.answer(of(0.5, 0.5)).sure


def test_two_thirds_of_cats_are_a_cat() -> None:
    probabilities = np.full(1000, 0.0001, np.float32)
    for index in (281, 282, 285):
        probabilities[index] = 0.3
    answer = GroupRule(taxonomy_of(IMAGENET), 0.6).answer(probabilities)
    assert answer.sure
    assert answer.group is not None
    assert (answer.group.id, answer.group.label) == ("n02121808", "domestic cat")
    assert {281, 282, 285} <= set(answer.group.classes)


def test_no_answer_is_as_empty_as_animal_or_artifact() -> None:
    rule = GroupRule(taxonomy_of(IMAGENET), 0.6)
    even = np.full(1000, 0.001, np.float32)
    answer = rule.answer(even)
    assert not answer.sure
    for classes in (range(0, 398), range(398, 1000)):  # all animals; nearly all else
        probabilities = np.zeros(1000, np.float32)
        probabilities[list(classes)] = 1 / len(classes)
        answer = rule.answer(probabilities)
        assert answer.group is not None
        assert not answer.sure or answer.group.label not in ("animal", "artifact", "entity", "object", "whole")


def test_probabilities_of_every_kind_have_an_answer() -> None:
    rule = GroupRule(taxonomy_of(IMAGENET), 0.6)
    rng = np.random.default_rng(0)
    for scale in (0.1, 3.0, 12.0):
        for _ in range(50):
            logits = rng.normal(0, scale, 1000)
            probabilities = np.exp(logits - logits.max())
            probabilities = (probabilities / probabilities.sum()).astype(np.float32)
            group = rule.answer(probabilities).group
            assert group is not None
            assert group.probability == pytest.approx(float(probabilities[list(group.classes)].sum()), abs=1e-5)


def test_a_group_is_named_by_identifier_or_name() -> None:
    for text in ("n02121808", "domestic cat", "Domestic Cat"):
        group = class_or_group(IMAGENET, text)
        assert not isinstance(group, int)
        assert group.label == "domestic cat"
    assert class_or_group(IMAGENET, "tabby") == 281
    assert class_or_group(IMAGENET, "281") == 281
    with pytest.raises(ClassNameError) as caught:
        class_or_group(IMAGENET, "domestik cat")
    assert "domestic cat" in str(caught.value)


def test_labels_of_others_have_no_tree() -> None:
    others = tuple(f"class {i}" for i in range(1000))
    assert taxonomy_of(Metadata(arch=None, categories=others, transforms=Transforms())) is None
    pets = Metadata(arch=None, categories=("mouse", "crane"), transforms=Transforms())
    assert taxonomy_of(pets) is None
