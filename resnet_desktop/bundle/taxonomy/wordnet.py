"""The tree that comes with the app: the classes of ImageNet-1k and all that lies above them in WordNet 3.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from resnet_desktop.bundle.taxonomy.tree import Node
from resnet_desktop.core import paths

MOST_OF = 4
"""A synset over more than one in so many of the classes says too little: it rules out fewer than log2(4) = 2 bits."""

LIKENESS = 0.9
"""Of a thousand labels at least this part must be ImageNet's, each at its place, for the others to be renamed ones."""

BEGINNERS = (
    *("n00004258", "n00004475", "n00015388"),  # living thing, organism, animal
    *("n00021939", "n00019128", "n00007347"),  # artifact, natural object, causal agent
    *("n00019613", "n00020090"),  # substance, twice
    *("n00024264", "n00027167", "n00027807", "n00031921"),  # attribute, location, shape, relation
    "n00033020",  # communication
)
"""Of WordNet's "unique beginners" (Miller et al. 1990, Int. J. of Lexicography 3:235, table 3) those that lie above
classes of ImageNet: the headings under which its nouns were written. They and all above them sort words and say nothing
of what is to be seen. Food, plants and persons are left out of the list: to a person these are answers."""

HEADINGS = (
    *("n03892891", "n13809207", "n03932203"),  # part, twice, and piece
    *("n15046900", "n14778436"),  # solid, agent
    *("n03076708", "n03093574", "n03122748"),  # commodity, consumer goods, covering
)
"""Synsets below the beginners that gather things by what they count as and not by what they are or do."""

GENERIC = frozenset(
    (
        *BEGINNERS,
        *("n00001740", "n00001930", "n00002137"),  # entity, physical entity, abstraction
        *("n00002684", "n00003553", "n00020827"),  # object, whole, matter
        *HEADINGS,
        *("n01466257", "n01471682", "n03575240"),  # chordate, vertebrate, instrumentality
    )
)
"""What says too little for an answer: the beginners and all above them, the headings, and those that ``MOST_OF`` rules
out. Written down, since finding them takes longer than reading the tree; a test finds them."""


@dataclass(frozen=True, slots=True)
class WordNet:
    """The shipped tree: its nodes by WordNet identifier, and of the 1,000 classes the identifiers and the names."""

    nodes: Mapping[str, Node]
    classes: tuple[str, ...]
    names: tuple[str, ...]


@cache
def wordnet() -> WordNet:
    """The tree, read when first asked for (a few milliseconds)."""
    rows = (paths.assets_folder() / "wordnet" / "tree.tsv").read_text("utf-8").splitlines()[1:]
    cells = [row.split("\t") for row in rows]
    nodes = {
        wnid: Node(words.split(",", 1)[0], tuple(parents.split()), wnid in GENERIC) for wnid, parents, _, words in cells
    }
    leaves = sorted((int(index), wnid, words) for wnid, _, index, words in cells if index)
    return WordNet(nodes, tuple(wnid for _, wnid, _ in leaves), tuple(words for _, _, words in leaves))


def synsets_of(categories: Sequence[str]) -> tuple[str | None, ...] | None:
    """The WordNet identifiers of a model's classes by their labels; None if they are not ImageNet's.

    Two kinds of labels are believed. A thousand that are ImageNet-1k's in their usual order, each by any of its names:
    of those that were given names of their own (at most one in ten), nothing is known. And labels that are all WordNet
    identifiers of such classes, in any number. A name alone is not believed: a "mouse" may be an animal elsewhere.
    """
    tree = wordnet()
    own = [label.strip() for label in categories]
    if len(set(own)) == len(own) and set(own) <= set(tree.classes):
        return tuple(own)
    if len(own) != len(tree.classes):
        return None
    found = tuple(
        wnid if _is_called(label, wnid, names) else None
        for label, wnid, names in zip(own, tree.classes, tree.names, strict=True)
    )
    known = sum(wnid is not None for wnid in found)
    return found if known >= LIKENESS * len(found) else None


def _is_called(label: str, wnid: str, names: str) -> bool:
    """Whether a label is the identifier of a class, one of its names, or all of them."""
    if names.startswith(label) and names[len(label) : len(label) + 1] in ("", ","):
        return True
    return _plain(label) in {_plain(each) for each in (wnid, names, *names.split(","))}


def _plain(label: str) -> str:
    return " ".join(label.replace("_", " ").casefold().split())
