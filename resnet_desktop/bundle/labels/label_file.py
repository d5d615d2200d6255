"""Names for the classes of a model that carries none."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from resnet_desktop.bundle.labels.label_code import unwrapped
from resnet_desktop.bundle.labels.label_lines import labels_in_lines
from resnet_desktop.bundle.labels.label_nodes import NoLabelsError, read_nodes
from resnet_desktop.bundle.labels.label_values import NAME_KEYS, labels_of, usual
from resnet_desktop.bundle.labels.label_yaml import read_yaml
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.core.text.printable import printable

IMAGENET = "imagenet"
"""In place of a file: the 1,000 classes of ImageNet-1k in their usual order."""
MAX_BYTES = 16 * 2**20
_TOP_KEY = re.compile(r"([A-Za-z_]\w{0,40})[ \t]*:[ \t]*(?:[\[{#].*)?\r?$")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HINT = (
    "It can hold a name on each line, also after its index, a JSON or YAML list or object, or a table with the columns "
    "index and label."
)


@cache
def imagenet() -> tuple[str, ...]:
    """The 1,000 labels of ImageNet-1k (Russakovsky et al. 2014, arXiv:1409.0575): the first of each class's names.

    Two pairs of classes share a label: crane (the bird, the machine) and maillot.
    """
    rows = (paths.assets_folder() / "labels" / "imagenet1k.tsv").read_text("utf-8").splitlines()[1:]
    return tuple(row.split("\t")[2].split(",")[0] for row in rows)


def read_labels(name_or_path: str) -> tuple[str, ...]:
    """Labels out of a file, in the order of the classes. ``imagenet`` stands for those of ImageNet-1k.

    Read are names on a line each, plain or as ``0 Cat``, ``0: Cat``, ``1,Cat`` or ``n01440764 tench, Tinca tinca``;
    tables with a head; JSON and lists in a program's text, by index, by name, as objects or under a usual key; YAML.
    Program text without one list, settings and lists of photos are refused. The text is in UTF-8 or UTF-16, or in
    Windows-1252 where that is plain.

    Raises:
        ModelError: ``wrong_labels``; it names the line.
    """
    path = Path(name_or_path).expanduser()
    if name_or_path.casefold() == IMAGENET and not path.exists():
        return imagenet()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _wrong(path, "is too large")
        data = path.read_bytes()
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error_text(error)})") from error
    except ValueError as error:  # a null character in the path
        raise _wrong(path, "is not a valid file name") from error
    try:
        return labels_in_text(decoded(data), path.suffix.lower())
    except NoLabelsError as fault:
        raise _wrong(path, str(fault), _HINT) from fault


def labels_in_text(text: str, suffix: str = "") -> tuple[str, ...]:
    """Labels out of a text; ``suffix``: of the file that it stands in, in small letters. Raises NoLabelsError."""
    if (nodes := unwrapped(text)) is not None:
        return labels_of(read_nodes(nodes, bare=suffix in (".yaml", ".yml")))
    if suffix == ".json":
        raise NoLabelsError("has a JSON suffix but does not start with a list or an object")
    if suffix in (".yaml", ".yml") or _is_yaml(text.splitlines()):
        return labels_of(read_yaml(text))
    return labels_in_lines(text, suffix)


def decoded(data: bytes) -> str:
    """The text of a file. Raises NoLabelsError where it cannot be told which characters are meant."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    if encoding is None and b"\0" in data[:64]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise NoLabelsError(f"is incomplete: it starts as text in {encoding[:6].upper().rstrip('-')}") from error
        text = _western(data)
    if "\0" in text:
        raise NoLabelsError("is not text")
    return text


def _western(data: bytes) -> str:
    """Text in Windows-1252, of which Latin-1 is a part, if the letters beyond ASCII are few, as in its languages."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    beyond = [letter for letter in text if not letter.isascii()]
    good = all(unicodedata.category(letter)[0] in "LPZ" for letter in beyond)
    if not text or not good or 3 * len(beyond) > sum(map(str.isalpha, text)):
        raise NoLabelsError("is text in an unrecognised old encoding: save it as UTF-8")
    return text


def _is_yaml(lines: Sequence[str]) -> bool:
    """Whether a line is a key that class names usually stand under, or all are items of a list."""
    if all(line.startswith("- ") for line in lines if line.strip()):
        return any(lines)
    keys = (_TOP_KEY.match(line) for line in lines)
    return any(key is not None and usual(key[1]) in NAME_KEYS for key in keys)


def _wrong(path: Path, reason: str, hint: str | None = None) -> ModelError:
    return ModelError("wrong_labels", f"The label file {printable(path)} {reason}.", hint)
