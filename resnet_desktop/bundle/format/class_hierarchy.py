"""Which hierarchy a model has: its own, or WordNet's where its classes are known to be ImageNet's."""

from __future__ import annotations

from functools import lru_cache

from resnet_desktop.bundle.format.metadata import Metadata, class_index
from resnet_desktop.bundle.taxonomy import own
from resnet_desktop.bundle.taxonomy.tree import Group, Taxonomy
from resnet_desktop.bundle.taxonomy.wordnet import synsets_of, wordnet
from resnet_desktop.core.errors import ClassNameError

_EVERYDAY40 = (
    "n01443537 n01855672 n02056570 n02099601 n02085620 n02106662 n02123045 n02129165 n02132136 n02504458 n01882714 "
    "n02509815 n01944390 n02165456 n02206856 n02279972 n04146614 n04285008 n02917067 n04465501 n03977966 n03662601 "
    "n03444034 n03796401 n07873807 n07753592 n07747607 n07749582 n07614500 n07920052 n07720875 n07734744 n04398044 "
    "n04399382 n04070727 n04074963 n03085013 n04507155 n02769748 n04099969"
)
_KNOWN = dict.fromkeys(
    (
        "af7f876a96ec0d370812ae7338cdcbdf76b7f5c3fd31b2671f5c751a0a6e68f3",  # 23 November 2026
        "9f0a19be7e8661cde8e09b3cabbbdc89d7a080a0bc5d24bf8d5b9e7b5948da26",  # 29 November 2026, with a teacher
    ),
    tuple(_EVERYDAY40.split()),
)
"""By the checksum of the weights: the models of forty classes, which do not say it themselves."""


def taxonomy_of(metadata: Metadata) -> Taxonomy | None:
    """The groups of a model's classes; None if nothing is known of what they have in common, or each stands alone."""
    if metadata.independent:
        return None  # probabilities of labels that do not exclude each other cannot be added up
    if metadata.hierarchy is not None:
        return own.taxonomy(metadata.hierarchy, metadata.categories)
    return _from_wordnet(metadata.categories, metadata.weights_sha256)


@lru_cache(maxsize=4)
def _from_wordnet(categories: tuple[str, ...], weights_sha256: str | None) -> Taxonomy | None:
    known = _KNOWN.get(weights_sha256 or "")
    synsets = known if known is not None and len(known) == len(categories) else synsets_of(categories)
    return None if synsets is None else Taxonomy(wordnet().nodes, synsets, categories)


def class_or_group(metadata: Metadata, text: str) -> int | Group:
    """The class or the group that ``text`` names: a class's label or index, a group's identifier or name.

    A class wins over a group, and a group of one class is that class.

    Raises:
        ClassNameError: ``unknown_class``, ``ambiguous_class``.
    """
    try:
        return class_index(metadata.categories, text)
    except ClassNameError as error:
        taxonomy = taxonomy_of(metadata)
        if taxonomy is None:
            raise
        try:
            group = taxonomy.named(text)
        except ClassNameError as other:
            # Both say that there is none; the classes' own word is the better one where a class was meant.
            raise (error if error.code == "ambiguous_class" or other.hint is None else other) from None
    return group.classes[0] if len(group.classes) == 1 else group
