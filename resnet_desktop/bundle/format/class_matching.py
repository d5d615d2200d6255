"""Which classes of a model are those of another list of classes, by WordNet identifier or by label."""

from __future__ import annotations

from collections.abc import Sequence

from resnet_desktop.bundle.format.class_hierarchy import taxonomy_of
from resnet_desktop.bundle.format.metadata import Metadata


def matching_classes(metadata: Metadata, wanted: Sequence[Sequence[str]]) -> tuple[tuple[int, ...], ...]:
    """The classes of a model, as rising indices, that each wanted class is; none where nothing matches.

    Args:
        metadata: of the model.
        wanted: the names of each class: its label first, then what else it goes by, such as its folder. A name that is
            an identifier in the model's hierarchy stands for every class at or below it, and wins over the label. A
            label that two classes of the model share stands for neither.
    """
    taxonomy = taxonomy_of(metadata)
    groups = {} if taxonomy is None else {group.id: group.classes for group in taxonomy.groups if group.id}
    exact, folded = _by_label(metadata.categories), _by_label([_folded(label) for label in metadata.categories])
    found = []
    for names in wanted:
        below = {index for name in names for index in groups.get(name.strip(), ())}
        same = exact.get(names[0]) or folded.get(_folded(names[0])) or []
        found.append(tuple(sorted(below)) or (tuple(same) if len(same) == 1 else ()))
    return tuple(found)


def _by_label(labels: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        found.setdefault(label, []).append(index)
    return found


def _folded(label: str) -> str:
    return " ".join(label.casefold().split())
