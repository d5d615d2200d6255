"""Tables of labelling tools: Label Studio's CSV export, and one column a class, as Roboflow and many others write it.

Label Studio: labelstud.io/guide/export; Roboflow: “Multi-Class Classification CSV”. Google's AutoML: a set, an address
and the labels in each row, without a head.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from resnet_desktop.data.sources.rows import Reading, Row, columns_by_name, first_of, squeezed
from resnet_desktop.data.sources.table import Table

_STUDIO = frozenset(
    {"annotationid", "annotator", "createdat", "updatedat", "leadtime", "id", "completedby", "agreement"}
)
_IMAGES = ("image", "img", "photo", "picture", "imageurl", "url", "file", "filename", "path")
_CHOICES = ("choice", "choices", "label", "labels", "class", "category")
FILES = (
    *("filename", "file", "path", "filepath", "image", "img", "imagepath", "imgpath"),
    *("imageid", "imagename", "imgid", "imgname", "fname", "id", "name"),
)
"""Columns of a photo where each class has a column of its own, the likeliest first."""
ROLES = ("role", "split", "set", "subset", "isvalid")
_NO_LABEL = frozenset({"unlabeled", "unlabelled"})
_SETS = {"TRAIN": "training", "TRAINING": "training", "VALIDATION": "validation", "TEST": "test", "UNASSIGNED": ""}
_YES, _NO = frozenset({"1", "1.0", "true"}), frozenset({"0", "0.0", "false", ""})
_LONGEST_JSON = 1 << 20


def is_label_studio(table: Table) -> bool:
    """Whether Label Studio has written a table, also where it cannot be told which of its columns is the label."""
    columns = columns_by_name(table.head)
    return len(columns.keys() & _STUDIO) >= 3 and bool(columns.keys() & {"annotationid", "annotator", "leadtime"})


def label_studio(table: Table) -> Reading | None:
    """The photo in a column of the project's own, the choice beside what Label Studio notes of every annotation."""
    if not is_label_studio(table):
        return None
    columns = columns_by_name(table.head)
    path, label = first_of(_IMAGES, columns), first_of(_CHOICES, columns)
    own = [place for name, place in columns.items() if name not in _STUDIO and place != path]
    if label is None and len(own) == 1:
        label = own[0]
    if path is None or label is None:
        return None
    return Reading((Row(line, (row[path].strip(),), choices(row[label])) for line, row in table.rows()), anywhere=True)


def automl(table: Table) -> Reading | None:
    """``TRAIN,gs://bucket/photo.jpg,ant`` in each row; several labels stand in further columns."""
    head = [field.strip() for field in table.head]
    if table.width < 3 or head[0] not in _SETS or not head[1].startswith("gs://"):
        return None
    return Reading(_automl_rows(table), anywhere=True)


def _automl_rows(table: Table) -> Iterator[Row]:
    for line, row in table.rows(with_head=True):
        said, path, *labels = (field.strip() for field in row)
        yield Row(line, (path,) if path else (), tuple(filter(None, labels)), _SETS.get(said, said))


def choices(field: str) -> tuple[str, ...]:
    """The labels that a field of Label Studio holds: one as text, several as JSON, those of regions once each."""
    text = field.strip()
    if text[:1] not in ("{", "[") or len(text) > _LONGEST_JSON:
        return (text,) if text else ()
    try:
        found = list(_texts(json.loads(text)))
    except (ValueError, RecursionError):
        return (text,)
    return tuple(dict.fromkeys(found))


def _texts(value: object) -> Iterator[str]:
    """The labels in what was drawn or chosen: strings, and those under ``choices`` or ``…labels``."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "choices" or str(key).endswith("labels"):
                yield from _texts(item)


def column_a_class(table: Table) -> Reading | None:
    """A photo, and a column of 0 and 1 for each class."""
    columns = columns_by_name(table.head)
    path, role = first_of(FILES, columns), first_of(ROLES, columns)
    classes = [place for place in range(table.width) if place not in (path, role)]
    if path is None or len(classes) < 2 or not all(table.head[place].strip() for place in classes):
        return None
    if not all(row[place].strip().lower() in _YES | _NO for _, row in table.rows() for place in classes):
        return None
    labels = {place: table.head[place].strip() for place in classes if squeezed(table.head[place]) not in _NO_LABEL}
    said = _role_of_folder(table.path) if table.path.name == "_classes.csv" else ""
    return Reading(_class_rows(table, path, role, labels, said))


def _class_rows(table: Table, path: int, role: int | None, labels: Mapping[int, str], said: str) -> Iterator[Row]:
    for line, row in table.rows():
        found = tuple(label for place, label in labels.items() if row[place].strip().lower() in _YES)
        own = said if role is None else role_text(table.head[role], row, role)
        yield Row(line, (row[path].strip(),), found, own)


def role_text(head: str, row: Sequence[str], place: int) -> str:
    """What a row is for; of fastai's ``is_valid``, in words."""
    text = row[place].strip()
    if squeezed(head) != "isvalid":
        return text
    return "validation" if text.lower() in _YES else "training"


def _role_of_folder(path: Path) -> str:
    """Roboflow puts one table into each of ``train``, ``valid`` and ``test``."""
    return {"train": "training", "valid": "validation", "test": "test"}.get(path.absolute().parent.name.lower(), "")
