"""Hierarchies over classes: the tree that comes with the app, and those that model files bring along."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.format.class_hierarchy import class_or_group, taxonomy_of
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.labels.label_file import imagenet
from resnet_desktop.bundle.taxonomy import own
from resnet_desktop.bundle.taxonomy.tree import Above, Node, circle
from resnet_desktop.bundle.taxonomy.wordnet import BEGINNERS, GENERIC, HEADINGS, MOST_OF, synsets_of, wordnet
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ClassNameError, ModelError
from resnet_desktop.imaging.transforms import Transforms

PETS = ("tabby", "tiger cat", "cup", "made up")
OWN: dict[str, Any] = {
    "classes": ["t", "u", "cup", None],
    "nodes": {
        "t": {"label": "tabby", "parents": ["cat", "pet"]},
        "u": {"label": "tiger cat", "parents": ["cat"]},
        "cat": {"label": "domestic cat", "parents": ["animal"]},
        "pet": {"label": "pet", "parents": ["animal"]},
        "animal": {"label": "animal", "parents": []},
        "cup": {"label": "a cup"},
    },
}


def of(categories: tuple[str, ...], **given: Any) -> Metadata:
    return Metadata(arch=None, categories=categories, transforms=Transforms(), **given)


def with_nodes(**nodes: Any) -> dict[str, Any]:
    return OWN | {"nodes": OWN["nodes"] | nodes}


def test_the_tree_holds_the_classes_of_imagenet_in_their_order() -> None:
    tree = wordnet()
    assert len(tree.nodes) == 1860
    assert circle(tree.nodes) is None
    rows = (paths.assets_folder() / "labels" / "imagenet1k.tsv").read_text("utf-8").splitlines()[1:]
    assert tree.classes == tuple(row.split("\t")[1] for row in rows)
    assert all(parent in tree.nodes for node in tree.nodes.values() for parent in node.parents)


def test_what_is_too_generic_is_what_the_rule_finds() -> None:
    tree, above = wordnet(), Above(wordnet().nodes)
    counts: dict[str, int] = {}
    for wnid in tree.classes:
        for each in above[wnid]:
            counts[each] = counts.get(each, 0) + 1
    wide = {wnid for wnid, count in counts.items() if count * MOST_OF > len(tree.classes)}
    assert {wnid for heading in BEGINNERS for wnid in above[heading]} | {*HEADINGS} | wide == GENERIC
    assert {wnid for wnid, node in tree.nodes.items() if node.generic} == GENERIC
    assert GENERIC.isdisjoint(tree.classes)


def test_labels_that_are_believed() -> None:
    plain, tree = imagenet(), wordnet()
    assert synsets_of(plain) == tree.classes
    assert synsets_of(tree.names) == tree.classes, "all names of each"
    assert synsets_of([label.upper().replace(" ", "_") for label in plain]) == tree.classes
    assert synsets_of(tree.classes[::-1]) == tree.classes[::-1]
    assert synsets_of(tree.classes[5:9]) == tree.classes[5:9]


def test_labels_that_are_not_believed() -> None:
    plain = imagenet()
    assert synsets_of(plain[::-1]) is None, "in another order"
    assert synsets_of(plain[:999]) is None
    assert synsets_of(("lion", "mouse", "crane")) is None
    assert synsets_of((*wordnet().classes[:3], "n00000000")) is None
    assert synsets_of((wordnet().classes[0],) * 2) is None


def test_a_class_that_was_renamed_belongs_to_no_group() -> None:
    renamed = list(imagenet())
    renamed[281] = "my neighbour's cup"
    taxonomy = taxonomy_of(of(tuple(renamed)))
    assert taxonomy is not None
    holding = [group for group in taxonomy.groups if 281 in group.classes]
    assert [(group.id, group.label) for group in holding] == [(None, "my neighbour's cup")]
    assert 282 in taxonomy.named("n02121808").classes


def test_the_model_of_forty_classes_has_its_synsets() -> None:
    metadata = read(paths.bundled_models_folder() / "resnet50-everyday40.onnx").metadata
    taxonomy = taxonomy_of(metadata)
    assert taxonomy is not None
    tree = wordnet()
    for label, wnid in zip(metadata.categories, taxonomy.classes, strict=True):
        assert wnid is not None
        names = tree.names[tree.classes.index(wnid)].casefold().split(", ")
        assert label.casefold() in names, label
    assert [metadata.categories[i] for i in taxonomy.named("dog").classes] == [
        "golden retriever",
        "Chihuahua",
        "German shepherd",
    ]


def test_a_hierarchy_of_ones_own_there_and_back() -> None:
    found = Metadata.from_props(of(PETS, hierarchy=OWN).to_props())
    assert found is not None
    assert found.hierarchy == OWN
    taxonomy = taxonomy_of(found)
    assert taxonomy is not None
    assert {group.id: group.classes for group in taxonomy.groups} == {
        "t": (0,),
        "u": (1,),
        "cat": (0, 1),
        "pet": (0,),
        "animal": (0, 1),
        "cup": (2,),
        None: (3,),
    }
    assert taxonomy.named("cup").label == "cup", "a class goes by its label"
    too_generic = [group.id for group, generic in zip(taxonomy.groups, taxonomy.generic, strict=True) if generic]
    assert too_generic == ["animal"], "a class at the top is an answer, what is only above classes is none"
    assert class_or_group(found, "domestic cat") == taxonomy.named("cat")


def test_a_hierarchy_without_nodes_is_wordnets() -> None:
    metadata = of(PETS, hierarchy={"classes": ["n02123045", "n02123159", None, "n00000000"]})
    taxonomy = taxonomy_of(metadata)
    assert taxonomy is not None
    assert taxonomy.named("n02121808").classes == (0, 1)
    assert taxonomy.classes == ("n02123045", "n02123159", None, None), "what the tree lacks lies outside"


def chain(length: int) -> dict[str, Any]:
    nodes = {f"{i}": {"label": "x", "parents": [f"{i + 1}"] if i + 1 < length else []} for i in range(length)}
    return {"classes": ["0", None, None, None], "nodes": nodes}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (OWN | {"classes": ["t", "u", "cup"]}, "4 classes"),
        (OWN | {"classes": ["t", "t", "cup", None]}, "same node"),
        (OWN | {"classes": ["t", "u", "cup", "other"]}, "whose node is missing"),
        (OWN | {"classes": ["t", "u", "cup", "\x1b[2J"]}, "not text"),
        (OWN | {"nodes": []}, "nodes"),
        (with_nodes(cup={"label": ""}), "label"),
        (with_nodes(cup="cup"), "label"),
        (with_nodes(cup={"label": "cup", "parents": "animal"}), "parents"),
        (with_nodes(cup={"label": "cup", "parents": ["nothing"]}), "one that is missing"),
        (with_nodes(cup={"label": "cup", "parents": [["animal"]]}), "one that is missing"),
        (with_nodes(animal={"label": "animal", "parents": ["t"]}), "its own ancestor"),
        (with_nodes(animal={"label": "animal", "parents": ["animal"]}), "its own ancestor"),
        (with_nodes(cup={"label": "cup", "parents": ["animal"] * (own.MAX_PARENTS + 1)}), "parents"),
        (chain(5000), "too deep"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused_with_a_reason(value: dict[str, Any], reason: str) -> None:
    props = of(PETS).to_props() | {"resnet_desktop.hierarchy": json.dumps(value)}
    with pytest.raises(ModelError, match=f"resnet_desktop.hierarchy.*{reason}") as caught:
        Metadata.from_props(props)
    assert caught.value.code == "bad_metadata"


def test_a_long_chain_has_its_depth() -> None:
    nodes = {str(i): Node("x", (str(i + 1),) if i < 1500 else ()) for i in range(1501)}
    above = Above(nodes)
    assert above.depth("0") == 1500
    assert len(above["0"]) == 1501


def test_two_groups_of_one_name_are_told_apart_by_identifier() -> None:
    with pytest.raises(ClassNameError, match="n00019613") as caught:
        class_or_group(of(imagenet()), "substance")
    assert caught.value.code == "ambiguous_class"
