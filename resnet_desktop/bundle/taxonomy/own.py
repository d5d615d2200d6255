"""The hierarchy that a model file brings along, in its metadata ``resnet_desktop.hierarchy``.

JSON with two keys::

    {"classes": ["n02123045", "n02123159", null],
     "nodes": {"cat": {"label": "domestic cat", "parents": ["animal"]}, …}}

``classes`` has one entry for each class of the model, in their order: the identifier of its node, or null for a class
that lies outside. ``nodes`` has every node by its identifier, those of the classes too: its ``label`` and ``parents``,
a list of identifiers (empty at the top, where the answer would be that the photo shows something). Without ``nodes``
the identifiers are WordNet's, and the tree is the one that comes with the app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resnet_desktop.bundle.taxonomy.tree import Above, Node, Taxonomy, circle
from resnet_desktop.bundle.taxonomy.wordnet import wordnet

MAX_NODES = 200_000
MAX_PARENTS = 16
MAX_ABOVE = 2_000_000
"""All that lies above all nodes, taken together. A chain of some thousand nodes, each below all before it, would fill
the memory; WordNet's tree of ImageNet-1k has 21,506."""


def flaw(value: object, classes: int, is_label: Callable[[object], bool]) -> str | None:
    """What is wrong with a hierarchy for a model of so many classes, as the end of a sentence; None if nothing is.

    ``is_label`` says whether a text can be shown.
    """
    if not isinstance(value, dict):
        return "must be a JSON object"
    ids = value.get("classes")
    if not isinstance(ids, list) or len(ids) != classes:
        return f"must name a node, or null, for each of the {classes} classes"
    own = [name for name in ids if name is not None]
    if not all(is_label(name) for name in own):
        return "has a class whose identifier is not text"
    if len(set(own)) != len(own):
        return "gives two classes the same node"
    nodes = value.get("nodes")
    return None if nodes is None else _flaw_of_nodes(nodes, own, is_label)


def _flaw_of_nodes(nodes: object, own: Sequence[str], is_label: Callable[[object], bool]) -> str | None:
    if not isinstance(nodes, dict) or len(nodes) > MAX_NODES:
        return f"must have a JSON object of at most {MAX_NODES} nodes"
    for name, node in nodes.items():
        if not is_label(name) or not isinstance(node, dict) or not is_label(node.get("label")):
            return "has a node without a valid identifier and label"
        parents = node.get("parents", [])
        if not isinstance(parents, list) or len(parents) > MAX_PARENTS:
            return f"has a node without a list of at most {MAX_PARENTS} parents"
        if not all(isinstance(parent, str) and parent in nodes for parent in parents):
            return "has a node below one that is missing"
    if not all(name in nodes for name in own):
        return "has a class whose node is missing"
    read = _nodes(nodes, own)
    if circle(read) is not None:
        return "has a node that is its own ancestor"
    above = Above(read, MAX_ABOVE)
    try:
        for name in read:
            _ = above[name]
    except OverflowError:
        return "is too deep and too wide to process"
    return None


def taxonomy(value: Mapping[str, Any], categories: Sequence[str]) -> Taxonomy:
    """The groups of a model that brings along ``value``, which has no flaw."""
    classes: list[str | None] = value["classes"]
    if value.get("nodes") is not None:
        return Taxonomy(_nodes(value["nodes"], classes), classes, categories)
    nodes = wordnet().nodes
    return Taxonomy(nodes, [name if name in nodes else None for name in classes], categories)


def _nodes(value: Mapping[str, Any], classes: Sequence[str | None]) -> dict[str, Node]:
    """Those without parents say too little for an answer, unless they are a class themselves."""
    own = set(classes)
    return {
        name: Node(node["label"], tuple(node.get("parents", ())), not node.get("parents") and name not in own)
        for name, node in value.items()
    }
