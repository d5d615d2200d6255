"""What a model knows, in a few everyday words: how many of its classes are animals, how many vehicles."""

from __future__ import annotations

from resnet_desktop.bundle.format.class_hierarchy import taxonomy_of
from resnet_desktop.bundle.format.metadata import Metadata

_TOPICS = (
    ("musical instruments", "n03800933"),
    ("furniture", "n03405725"),
    ("clothing", "n03051540 n03380867 n03502509 n02862048 n03513137"),
    ("food", "n00021265 n07555863 n07705711"),
    ("vehicles", "n03100490"),
    ("buildings", "n04341686"),
    ("animals", "n00015388"),
    ("people", "n00007846"),
    ("plants and fungi", "n00017222 n13086908 n12992868"),
    ("landscapes", "n09287968"),
    ("sports and games", "n03414162 n04285146"),
    ("machines and electronics", "n03278248 n03699975 n03082979"),
    ("household things", "n02729837 n04516672 n03094503 n03405265 n03122748 n03309808 n04447443"),
    ("tools and devices", "n03563967 n03183080 n03294048"),
)
"""Topics and their synsets. Where a class lies below several, the first counts: a wheeled vehicle is a container."""


def topics_of(metadata: Metadata) -> tuple[tuple[str, int], ...]:
    """Topics and how many classes of a model are of each, most first; () for one without WordNet's hierarchy."""
    taxonomy = taxonomy_of(metadata)
    if taxonomy is None or (metadata.hierarchy or {}).get("nodes") is not None:
        return ()
    members = {group.id: group.classes for group in taxonomy.groups}
    left = set(range(len(taxonomy.classes)))
    counts: list[tuple[str, int]] = []
    for name, synsets in _TOPICS:
        own = {i for synset in synsets.split() for i in members.get(synset, ())} & left
        left -= own
        counts.append((name, len(own)))
    return tuple(sorted((each for each in counts if each[1]), key=lambda each: -each[1]))
