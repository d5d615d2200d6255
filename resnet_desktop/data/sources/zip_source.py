"""What a zip file holds, whatever program made it: names in old encodings, parted by backslashes, damaged members.

The format knows UTF-8 names, marked by a flag, and names in the code page 437 of the first IBM PC. Programs write those
of the system they run on in the latter's place; which that was can only be guessed, from all names of a file together.
"""

from __future__ import annotations

import os
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.pictures.samples import UNPACKING_ERRORS, open_zip, why_not_unpacked
from resnet_desktop.data.sources.file_tree import (
    LARGEST_TEXT,
    Place,
    Tree,
    is_dropping,
    is_hidden_folder,
    is_picture_name,
    says_nothing,
)
from resnet_desktop.imaging.container import HEAD_BYTES, identify
from resnet_desktop.imaging.files import printable

_UTF8_FLAG = 0x800
_MOSTLY = 0.8
_COMMON_CHINESE = range(0xB0, 0xD8)
_COMMON_KANJI = range(0x88, 0x98)
"""First bytes of the characters of daily life in GB 2312 and in Shift JIS."""
_KANA = range(0x3041, 0x30FF)
_HALF_WIDTH = range(0xFF61, 0xFFA0)
_THREE_ACCENTED = re.compile(r"[^\x00-\x7f]{3}")


def zip_tree(path: Path, texts: str) -> Tree:
    """All files in a zip file.

    Args:
        path: of the zip file.
        texts: the name of the files whose content is wanted.

    Raises:
        DataError: it is no zip file, or such a text in it cannot be read.
    """
    places: dict[str, Place] = {}
    folders: set[str] = set()
    annotations: dict[str, str] = {}
    unnamed: set[str] = set()
    hidden: Counter[str] = Counter()
    real = os.path.realpath(path)
    with open_zip(path) as archive:
        entries = archive.infolist()
        for entry, name in zip(entries, shown_names(entries), strict=True):
            parts = tuple(part for part in PurePosixPath(name).parts if part.strip("/"))
            if not parts or any(is_dropping(part) for part in parts):
                _count_hidden(parts, hidden)
                continue
            is_folder = name.endswith("/")
            above = parts if is_folder else parts[:-1]
            folders.update("/".join(above[: depth + 1]) for depth in range(len(above)))
            if is_folder:
                continue
            inside = "/".join(parts)
            places[inside] = Place(str(path), entry.filename, (real, entry.filename))
            if parts[-1] == texts and entry.file_size <= LARGEST_TEXT:
                annotations[inside] = _text(path, archive, entry)
            if says_nothing(parts[-1]) and _is_picture(archive, entry):
                unnamed.add(inside)
    return Tree(path.name, places, frozenset(folders), annotations, (), path.stem, frozenset(unnamed), hidden)


def shown_names(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The names of a zip file's members as they were meant, parted by ``/``."""
    old = [entry.filename.encode("cp437") for entry in entries if _is_old(entry)]
    read = _encoding([name for name in old if not name.isascii()])
    names = [entry.filename.encode("cp437").decode(read) if _is_old(entry) else entry.filename for entry in entries]
    windows = any("\\" in name for name in names) and not any("/" in name for name in names)
    return [name.replace("\\", "/") for name in names] if windows else names


def _is_old(entry: zipfile.ZipInfo) -> bool:
    """Whether a name is said to be in code page 437, and can have been."""
    try:
        entry.filename.encode("cp437")
    except UnicodeEncodeError:  # another field of the entry has said it better
        return False
    return not entry.flag_bits & _UTF8_FLAG


def _encoding(names: Sequence[bytes]) -> str:
    """The encoding in which all of some names are plausible; code page 437, where there is none."""
    if not names or (_all(names, "cp437", _is_latin) and not _all(names, "utf-8", lambda _: True)):
        return "cp437"
    guesses: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("utf-8", lambda _: True),
        ("gbk", _is_chinese),
        ("shift_jis", _is_japanese),
        ("cp1252", _is_western),
    )
    return next((encoding for encoding, plausible in guesses if _all(names, encoding, plausible)), "cp437")


def _all(names: Sequence[bytes], encoding: str, plausible: Callable[[str], bool]) -> bool:
    try:
        text = "/".join(name.decode(encoding) for name in names)
    except UnicodeDecodeError:
        return False
    return plausible(text)


def _foreign(text: str) -> list[str]:
    return [letter for letter in text if not letter.isascii()]


def _is_latin(text: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN ") for letter in _foreign(text))


def _is_western(text: str) -> bool:
    """Latin letters, of which no three with accents stand together, as they would for any word of another script."""
    return _is_latin(text) and _THREE_ACCENTED.search(text) is None


def _is_chinese(text: str) -> bool:
    """Characters of GB 2312, most of them common ones: two letters of the west rarely look like such."""
    letters = "".join(_foreign(text))
    try:
        pairs = letters.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return sum(first in _COMMON_CHINESE for first in pairs[::2]) >= _MOSTLY * len(letters)


def _is_japanese(text: str) -> bool:
    letters = _foreign(text)
    if any(ord(letter) in _HALF_WIDTH for letter in letters):
        return False
    common = sum(ord(c) in _KANA or c.encode("shift_jis")[0] in _COMMON_KANJI for c in letters)
    return common >= _MOSTLY * len(letters)


def _count_hidden(parts: Sequence[str], hidden: Counter[str]) -> None:
    place = next((i for i, part in enumerate(parts[:-1]) if is_dropping(part)), None)
    if place is not None and is_hidden_folder(parts[place]) and is_picture_name(parts[-1]):
        hidden["/".join(parts[: place + 1])] += 1


def _text(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    try:
        return archive.read(entry).decode("utf-8", "replace")
    except UNPACKING_ERRORS as error:
        message = f"{printable(entry.filename)} in {printable(path)} {why_not_unpacked(error)}."
        raise DataError("bad_data", message, "Copy or download the zip file again.") from error


def _is_picture(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(entry) as file:
            return identify(file.read(HEAD_BYTES)) is not None
    except UNPACKING_ERRORS:
        return False
