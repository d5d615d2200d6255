"""Where pictures are: listing folders, and the label that a folder's name stands for. Zip files: ``zip_source``."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from resnet_desktop.core.errors import DataError, ImageError
from resnet_desktop.core.progress import Cancelled, never, stop_if
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.imaging.container import HEAD_BYTES, IMAGE_SUFFIXES, identify
from resnet_desktop.imaging.files import is_folder, is_made_up, printable
from resnet_desktop.imaging.source import opened

_ESCAPED = ("Cc", "Cs", "Zl", "Zp")  # categories of characters that no label can hold
_UNSEEN = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\ufeff") | {
    chr(code) for low, high in ((0x202A, 0x202F), (0x2060, 0x2070), (0xE0000, 0xE0080)) for code in range(low, high)
}
"""Characters without width, and those that turn the direction of what follows: two names would look alike.

Not among them are the joiners of Persian, Indian scripts and emoji (U+200C and U+200D), which change how a word looks.
"""
_DROPPINGS = frozenset({"__macosx", "$recycle.bin", "system volume information", "lost+found", "@eadir", "thumbs.db"})
_KNOWN_HIDDEN = (".git", ".svn", ".hg", ".thumb", ".cache", ".trash", ".ipynb_checkpoints", ".appledouble", ".picasa")
"""How hidden folders begin that no person has put pictures into."""
_MOST_COUNTED = 10_000
LARGEST_TEXT = 64 * 2**20
"""Bytes of a list of labels."""
LONGEST_LABEL = 1_000
"""Characters of a label that a model file holds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is. ``identity`` is equal for two places that are one: links are followed."""

    source: str
    member: str | None
    identity: tuple[str, str | None]

    @property
    def name(self) -> str:
        """For a person; ``samples.Sample`` has the same."""
        return self.source if self.member is None else f"{self.source}/{self.member}"


@dataclass(frozen=True, slots=True)
class Found:
    """A picture: its role (None: nobody said), the class it is said to be, where it is; ``stated`` in a CSV file."""

    role: str | None
    label: str
    place: Place
    stated: bool = False

    @property
    def name(self) -> str:
        """Where it is, for a person."""
        return self.place.name


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below a source by relative path (parts parted by ``/``), its folders, texts that were asked for."""

    name: str
    places: Mapping[str, Place]
    folders: frozenset[str]
    annotations: Mapping[str, str]
    problems: tuple[str, ...]
    title: str
    """What a class of all its pictures is called: its name, of a zip file without the suffix."""
    unnamed: frozenset[str] = frozenset()
    """Files that are pictures by their content, and have no suffix that says so."""
    hidden: Mapping[str, int] = field(default_factory=dict)
    """Hidden folders, which are passed over, with how many pictures they hold."""

    @property
    def pictures(self) -> tuple[str, ...]:
        """Those of the files that are pictures of a kind that can be read."""
        return tuple(name for name in self.places if is_picture_name(name) or name in self.unnamed)

    @property
    def archives(self) -> tuple[str, ...]:
        """Zip files among them: they are not looked into."""
        return tuple(name for name in self.places if name.lower().endswith(".zip"))


def source_path(name: str) -> Path:
    """Where a source of a job is; ``~`` is the home folder, unless there is nobody of that name."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - the other one raises where there is nobody


def label_text(name: str) -> str:
    r"""The label that a folder's name stands for: any script, composed (NFC), no space at the ends.

    Bytes that are not UTF-8, control characters and characters that nobody sees appear as ``\\xNN`` or ``\\uNNNN``, for
    the model file stores labels as text, and people tell classes by it.
    """
    shown = "".join(printable(c) if unicodedata.category(c) in _ESCAPED or c in _UNSEEN else c for c in name)
    return unicodedata.normalize("NFC", shown).strip() or shown


def label_fault(label: str) -> str | None:
    """Why a text can be no label in a model file, in words that follow “it”; None if it can."""
    if not label.strip():
        return "is empty"
    if len(label) > LONGEST_LABEL:
        return f"has more than {LONGEST_LABEL:,} characters"
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in label):
        return "contains a line break or another character that cannot be displayed"
    if any(c in _UNSEEN for c in label):
        return "contains an invisible character, or one that changes the text direction"
    return None


def is_dropping(name: str) -> bool:
    """Whether a file or folder is hidden, or was left behind by a file manager (``__MACOSX``, ``Thumbs.db`` …)."""
    return name.startswith(".") or name.lower() in _DROPPINGS


def is_hidden_folder(name: str) -> bool:
    """Whether a folder of this name is passed over although a person may have put pictures into it."""
    return name.startswith(".") and not name.startswith("._") and not name.lower().startswith(_KNOWN_HIDDEN)


def is_picture_name(name: str) -> bool:
    """Whether a file's suffix is that of a kind of picture that can be read."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def says_nothing(name: str) -> bool:
    """Whether a file's name has no suffix, or a number in its place: only the content tells what it is."""
    suffix = PurePosixPath(name).suffix
    return not suffix or suffix[1:].isdecimal()


def folder_tree(root: Path, texts: str, cancelled: Cancelled = never) -> Tree:
    """All files below a folder, links followed; a folder that a link leads back to is entered once.

    A folder below it that cannot be listed becomes a problem.

    Args:
        root: the folder.
        texts: the name of the files whose content is wanted.
        cancelled: asked for each folder.

    Raises:
        DataError: the folder itself cannot be listed.
        CancelledError: ``cancelled`` said so.
    """
    places: dict[str, Place] = {}
    folders: list[str] = []
    annotations: dict[str, str] = {}
    problems: list[str] = []
    unnamed: list[str] = []
    hidden: dict[str, int] = {}
    seen = {os.path.realpath(root)}
    waiting = [("", str(root), os.path.realpath(root))]
    while waiting:
        stop_if(cancelled)
        inside, path, real = waiting.pop()
        try:
            if is_made_up(os.stat(path)):  # noqa: PTH116 - a Path for each would be slow
                continue
            files, below, passed = _listing(path, real)
        except OSError as error:
            message = f"The folder {printable(path)} cannot be opened: {error_text(error)}."
            if not inside:
                raise DataError("bad_data", message, "Check its permissions, or choose another folder.") from error
            problems.append(f"{message} Its photos are not used.")
            continue
        for name, (full, identity) in files.items():
            places[inside + name] = Place(full, None, (identity, None))
            if name == texts:
                _note_text(Path(full), inside + name, annotations, problems)
            if says_nothing(name) and _is_picture(full):
                unnamed.append(inside + name)
        hidden |= {inside + name: count for name in passed if (count := _pictures_below(path, name))}
        for name, (full, identity) in below.items():
            if identity not in seen:
                seen.add(identity)
                folders.append(inside + name)
                waiting.append((f"{inside}{name}/", full, identity))
    name = root.name or root.resolve().name
    parts = (frozenset(folders), annotations, tuple(problems), name, frozenset(unnamed), hidden)
    return Tree(name, places, *parts)


def _note_text(path: Path, name: str, annotations: dict[str, str], problems: list[str]) -> None:
    """Keep the content of a file, or why it has none."""
    try:
        annotations[name] = _text(path)
    except DataError as error:
        problems.append(error.message)


_Entries = dict[str, tuple[str, str]]


def _listing(path: str, real: str) -> tuple[_Entries, _Entries, list[str]]:
    """Files and folders by name, sorted: how to open each, and its real path; and hidden folders."""
    files: _Entries = {}
    folders: _Entries = {}
    hidden: list[str] = []
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if is_dropping(entry.name):
                if is_hidden_folder(entry.name) and is_folder(entry):
                    hidden.append(entry.name)
                continue
            # A Path for each would be slow; the real path of what is no link follows from its folder's.
            full = os.path.join(path, entry.name)  # noqa: PTH118
            itself = os.path.join(real, entry.name)  # noqa: PTH118
            (folders if is_folder(entry) else files)[entry.name] = (
                full,
                os.path.realpath(full) if entry.is_symlink() else itself,
            )
    return files, folders, hidden


def _is_picture(path: str) -> bool:
    """Whether a file's content is that of a picture; none, if it cannot be read."""
    try:
        with opened(path) as file:
            return identify(file.stream.read(HEAD_BYTES)) is not None
    except (ImageError, OSError):
        return False


def _pictures_below(path: str, name: str) -> int:
    """How many pictures a hidden folder holds, of the first ``_MOST_COUNTED`` files in it."""
    walk = os.walk(os.path.join(path, name))  # noqa: PTH118
    files = (file for _, _, files in walk for file in files if not file.startswith("."))
    return sum(is_picture_name(file) for file in itertools.islice(files, _MOST_COUNTED))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise DataError("bad_data", f"{printable(path)} is too large for a list of labels.")
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise DataError("bad_data", f"{printable(path)} cannot be read: {error_text(error)}.") from error
