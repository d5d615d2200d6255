"""What the columns of a table are for: told by their names first, and by what stands in them where that says more.

A number of a record is no photo, though its column is called ``id``; a number of a class is no name, if a name stands
beside it; and the ``class`` of a table of taxa is a rank.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from resnet_desktop.data.sources.photo_index import PhotoIndex
from resnet_desktop.data.sources.table import Table
from resnet_desktop.imaging.container import IMAGE_SUFFIXES

PATHS = (
    *("path", "filename", "file_name", "file", "filepath", "file_path", "image", "image_path", "img", "img_path"),
    *("image_name", "img_name", "fname", "image_file", "image_filename"),
)
"""What columns of photos are called, the usual names first."""
IDS = ("image_id", "img_id", "file_id", "id")
"""Columns that hold the names of photos, or numbers of something."""
ADDRESSES = (
    *("image_url", "photo_url", "img_url", "media_url", "url", "url_aws", "url_gcp", "url_azure", "original_url"),
    *("associated_media", "identifier"),
)
"""Columns of addresses: of photos, where files are called so, else of pages."""
LABELS = (
    *("label", "class", "class_name", "label_name", "labels", "choice", "species", "scientific_name", "common_name"),
    *("species_name", "breed", "category", "target", "category_name", "target_name", "name", "tags"),
)
"""What columns of labels are called; a species says more than a category, and ``name`` is often that of a person."""
ROLES = ("role", "split", "set", "subset", "is_valid")
_OF_CLASSES = ("class_name", "label_name", "category_name", "target_name", "species_name")
"""Columns of names that stand beside numbers, whatever else they hold."""
_RANKS = frozenset({"kingdom", "phylum", "order", "family", "genus"})
_NUMBER = re.compile(r"-?\d{1,9}(?:\.0+)?")
_CODE = re.compile(r"/[mgt]/\w+\Z")
"""A class of Open Images; a row that names one may say that a photo is not of it."""
_LOOKED_AT = 8


def named_columns(table: Table, index: PhotoIndex) -> dict[str, int]:
    """The place of each column that can be told: ``path``, ``label``, ``role``; none for a name that is there twice.

    Args:
        table: whose head and rows are looked at.
        index: finds its photos.

    Raises:
        DataError: a row has more fields than there are columns, or the file is no table.
    """
    names = [_usual(name) for name in table.head]
    found: dict[str, int] = {}
    label = _label(table, names)
    path = _path(table, names, index, label)
    role = next(iter(_places(ROLES, names)), None)
    for column, place in (("path", path), ("label", label), ("role", role)):
        if place is not None:
            found[column] = place
    return found


def is_doubtful(head: str) -> bool:
    """Whether a column of this name holds the names of photos only where there are such."""
    return _usual(head) in (*IDS, *ADDRESSES)


def is_picture(field: str) -> bool:
    """Whether a field ends as the names of pictures do."""
    dot = field.strip().lower().rfind(".")
    return dot >= 0 and field.strip().lower()[dot:] in IMAGE_SUFFIXES


def is_number(label: str) -> bool:
    """Whether a label is a whole number, also as programs write it that know real ones only: ``1.0``."""
    return _NUMBER.fullmatch(label.strip()) is not None


def _usual(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower())


def _places(wanted: Iterable[str], names: Sequence[str]) -> list[int]:
    """The columns of these names, in their order, up to the first name that is there twice."""
    once = itertools.takewhile(lambda name: names.count(name) == 1, (name for name in wanted if name in names))
    return [names.index(name) for name in once]


def _path(table: Table, names: Sequence[str], index: PhotoIndex, label: int | None) -> int | None:
    """The column whose photos are there; else the first that looks like one, or is called so."""
    called = _places(PATHS, names)
    if not called and any(name in names for name in PATHS):
        return None
    doubtful = _places(IDS, names)
    if label is not None and names.count("name") == 1 and names.index("name") != label:
        doubtful.append(names.index("name"))
    addresses = _places(ADDRESSES, names)
    if len(called) == 1 and not doubtful and not addresses:
        return called[0]
    fields = {place: _first_fields(table, place) for place in (*called, *doubtful, *addresses)}
    there = (place for place, some in fields.items() if any(map(index.knows, some)))
    alike = (p for p in (*called, *doubtful) if fields[p] and 2 * sum(map(is_picture, fields[p])) > len(fields[p]))
    return next(itertools.chain(there, alike, called), None)


def _first_fields(table: Table, place: int) -> list[str]:
    fields = (row[place].strip() for _, row in table.rows())
    return list(itertools.islice(filter(None, fields), _LOOKED_AT))


def _label(table: Table, names: Sequence[str]) -> int | None:
    """The column of the labels: by its name; a column of names in place of one of numbers that means the same."""
    wanted: Sequence[str] = LABELS
    if len(_RANKS & set(names)) > 1:
        ranks = ("class", "species") if {"scientific_name", "common_name"} & set(names) else ("class",)
        wanted = [name for name in LABELS if name not in ranks]
    places = [
        place for place in _places(wanted, names) if not all(map(_CODE.match, _first_fields(table, place) or "-"))
    ]
    if len(places) < 2:
        return next(iter(places), None)
    first, *others = [place for place in places if _first_fields(table, place)] or places
    if not _of_numbers(table, first):
        return first
    for place in others:
        if not _of_numbers(table, place) and (names[place] in _OF_CLASSES or _one_to_one(table, first, place)):
            return place
    return first


def _of_numbers(table: Table, place: int) -> bool:
    return all(is_number(row[place]) for _, row in table.rows() if row[place].strip())


def _one_to_one(table: Table, number: int, name: int) -> bool:
    """Whether each number goes with one name, and each name with one number."""
    pairs = {(row[number].strip(), row[name].strip()) for _, row in table.rows()}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
