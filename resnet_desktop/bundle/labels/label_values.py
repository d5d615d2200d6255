"""From lists and objects, as they stand in files and in metadata, to the names of classes in their order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from resnet_desktop.bundle.format.metadata import MAX_CLASSES, MAX_LABEL_LENGTH, is_label
from resnet_desktop.bundle.labels.label_nodes import Entry, Listed, Mapped, NoLabelsError, Value

NAME_KEYS = (
    *("names", "id2label", "class_names", "classnames", "label_names", "labels", "classes", "class_labels"),
    *("categories", "idx_to_class", "index_to_class", "idx2label", "index_to_name", "class_map", "label_map"),
    *("class_to_idx", "class_to_index", "label2id", "label_to_index", "name_to_idx", "class_indices"),
    *("synset", "idx_to_label", "class_idx", "id_to_label", "label_to_id", "class_list", "target_names"),
    *("vocab", "label_classes", "label"),
)
"""What programs call such a list in a larger object, the most telling first. Compared without case and with ``_``."""
COUNT_KEYS = ("nc", "num_classes", "num_labels", "n_classes")
_WITHIN_KEYS = ("model", "config", "dataset", "data", "metadata", "meta", "head", "pretrained_cfg", "dataset_meta")
INDEX_COLUMNS = (
    *("index", "idx", "class_index", "class_idx", "class_id", "classid", "label_id", "label_index", "category_id"),
    *("id", "target", "code", "number", "no", "key", "value"),
)
NAME_COLUMNS = (
    *("label", "name", "class_name", "classname", "label_name", "display_name", "category_name", "category", "class"),
    *("words", "synset", "title", "labels", "names", "sign_name", "english_name", "common_name", "species"),
    *("scientific_name", "latin_name", "description", "text"),
)
WNID = re.compile(r"n\d{8}")
MID = re.compile(r"/[mgt]/[0-9a-z_]{1,12}")
"""The number of a thing in Google's knowledge graph, as Open Images has it."""
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DEEPEST = 3


def usual(key: str | int | None) -> str:
    """A key or the head of a column as it is compared: in small letters, with ``_`` between the words."""
    return re.sub(r"[\s_\-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(key)).strip().lower()).strip("_")


def labels_of(value: Value, depth: int = 0) -> tuple[str, ...]:
    """The names of classes that a value holds.

    Read are lists of names, objects by index (``{"0": "tench"}``) or by name (``{"tench": 0}``), lists of objects with
    a name each, and all of it under a usual key of a larger object. Where names stand beside the number of a WordNet
    synset, they are the names.

    Raises:
        NoLabelsError: there are none, an index is missing or there twice, or a name cannot be shown.
    """
    if isinstance(value, Listed):
        return _of_list(value.entries)
    if not isinstance(value, Mapped):
        raise NoLabelsError("contains no list of names")
    if not value.entries:
        raise NoLabelsError("contains an empty object instead of names")
    keys = [_index(entry.key) for entry in value.entries]
    to_index = [_index(entry.value) for entry in value.entries]
    if None not in to_index and all(isinstance(entry.key, str) for entry in value.entries):
        return in_order(
            (index, checked(entry.key, entry.line), entry.line)
            for entry, index in zip(value.entries, to_index, strict=True)
        )
    if None not in keys:
        return in_order((index, _name(entry), entry.line) for entry, index in zip(value.entries, keys, strict=True))
    return _under_a_key(value, depth)


def in_order(found: Iterable[tuple[int | None, str, int]]) -> tuple[str, ...]:
    """Names by index, which must run from 0, or from 1 where they stand in that order; ``found``: index, name, line.

    Raises:
        NoLabelsError: an index is missing or there twice; the line is named.
    """
    lines: dict[int, int] = {}
    names: dict[int, str] = {}
    for index, name, line in found:
        assert index is not None
        if index in lines:
            raise NoLabelsError(f"has index {index} twice: on line {lines[index]} and on line {line}")
        lines[index], names[index] = line, name
    check_count(len(names))
    order = sorted(names)
    first = order[0]
    gap = next((i for i, index in enumerate(order) if index != first + i), None)
    if gap is not None:
        missing, after = order[gap - 1] + 1, order[gap]
        raise NoLabelsError(f"has no index {missing}: line {lines[after]} continues with {after}")
    if first == 0 or (first == 1 and list(names) == order):
        return tuple(names[index] for index in order)
    raise NoLabelsError(f"has indices {first} to {order[-1]} (line {lines[first]}); class indices start at 0")


def checked(name: object, line: int) -> str:
    """A name without space around it. Raises NoLabelsError where it is none that can be shown."""
    if not isinstance(name, str):
        raise NoLabelsError(f"must contain names, but line {line} does not hold one")
    text = name.strip()
    if not text:
        raise NoLabelsError(f"has an empty name on line {line}")
    if len(text) > MAX_LABEL_LENGTH:
        raise NoLabelsError(f"has a name of more than {MAX_LABEL_LENGTH:,} characters on line {line}")
    if not is_label(text):
        raise NoLabelsError(f"has a name on line {line} with characters that cannot be displayed")
    return text


def check_count(count: int) -> None:
    """Whether there can be so many classes. Raises NoLabelsError."""
    if not count:
        raise NoLabelsError("contains no names")
    if count > MAX_CLASSES:
        raise NoLabelsError(f"contains more than {MAX_CLASSES:,} names")


def is_code(text: str) -> bool:
    """Whether a text is the number of a class in somebody's list, and no name: of WordNet, Open Images, SpeciesNet."""
    return any(pattern.fullmatch(text) for pattern in (WNID, MID, UUID))


def first_synonym(words: str) -> str:
    """The first of the names of a WordNet synset: ``tench`` of “tench, Tinca tinca”."""
    return words.split(",")[0].strip() or words.strip()


def _of_list(entries: Sequence[Entry]) -> tuple[str, ...]:
    if not entries:
        raise NoLabelsError("contains an empty list")
    if all(isinstance(entry.value, Mapped) for entry in entries):
        return _of_objects(entries)
    if all(isinstance(entry.value, Listed) and len(entry.value.entries) == 2 for entry in entries):
        return _of_pairs(entries)
    check_count(len(entries))
    return tuple(checked(entry.value, entry.line) for entry in entries)


def _of_objects(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Objects with a name each, and an index or none: ``[{"id": 0, "name": "tench"}, …]``."""
    fields = [
        ({usual(f.key): f for f in entry.value.entries} if isinstance(entry.value, Mapped) else {}, entry.line)
        for entry in entries
    ]
    common = set.intersection(*(set(keys) for keys, _ in fields))
    texts = [c for c in NAME_COLUMNS if c in common and all(_index(keys[c].value) is None for keys, _ in fields)]
    if not texts:
        some = ", ".join(sorted(common)[:5]) or "nothing in common"
        raise NoLabelsError(f"has objects without a name (from line {fields[0][1]} on); their keys: {some}")
    name = next((c for c in texts if not all(is_code(str(keys[c].value)) for keys, _ in fields)), texts[0])
    numbers = (*INDEX_COLUMNS, *(c for c in NAME_COLUMNS if c != name))
    index = next((c for c in numbers if c in common and all(_index(k[c].value) is not None for k, _ in fields)), None)
    if index is None:
        check_count(len(fields))
        return tuple(checked(keys[name].value, keys[name].line) for keys, _ in fields)
    return in_order((_index(k[index].value), checked(k[name].value, k[name].line), line) for k, line in fields)


def _of_pairs(entries: Sequence[Entry]) -> tuple[str, ...]:
    """``[[0, "tench"], …]`` in either order, or ``[["n01440764", "tench"], …]``."""
    pairs = [(e.value.entries[0], e.value.entries[1], e.line) for e in entries if isinstance(e.value, Listed)]
    for turned in (pairs, [(second, first, line) for first, second, line in pairs]):
        if all(_index(number.value) is not None for number, _, _ in turned):
            return in_order((_index(number.value), checked(n.value, n.line), line) for number, n, line in turned)
    check_count(len(pairs))
    return tuple(_name(entry) for entry in entries)


def _name(entry: Entry) -> str:
    """The name that a value is, or that an object or a pair with a synset's number holds."""
    value = entry.value
    if isinstance(value, Mapped):
        by_key = {usual(f.key): f.value for f in value.entries}
        name = next((by_key[key] for key in NAME_COLUMNS if isinstance(by_key.get(key), str)), None)
        return checked(name, entry.line)
    if isinstance(value, Listed):
        texts = [f.value for f in value.entries if isinstance(f.value, str)]
        if len(texts) == len(value.entries) == 2 and WNID.fullmatch(texts[0]):
            return checked(texts[1], entry.line)
        raise NoLabelsError(f"has a list instead of a name on line {entry.line}")
    return checked(value, entry.line)


def _under_a_key(value: Mapped, depth: int) -> tuple[str, ...]:
    by_key = {usual(entry.key): entry for entry in value.entries if isinstance(entry.value, Listed | Mapped)}
    for key in (*NAME_KEYS, *(_WITHIN_KEYS if depth < _DEEPEST else ())):
        if key in by_key:
            try:
                labels = labels_of(by_key[key].value, depth + 1)
            except NoLabelsError:
                if key in _WITHIN_KEYS:
                    continue
                raise
            _check_said(value, len(labels))
            return labels
    keys = ", ".join(str(entry.key)[:40] for entry in value.entries[:6])
    raise NoLabelsError(f"is an object without class names; its keys are: {keys}")


def _check_said(value: Mapped, count: int) -> None:
    """Whether the object says itself that there are as many classes."""
    for entry in value.entries:
        said = _index(entry.value)
        if usual(entry.key) in COUNT_KEYS and said is not None and said != count:
            raise NoLabelsError(f"has {count:,} names, but line {entry.line} says there are {said:,} classes")


def _index(value: object) -> int | None:
    """The index that a number, or a text of digits, is."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9
    return int(value) if is_number and isinstance(value, str) else None
