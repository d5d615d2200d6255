"""Names of folders made of the names of classes, fit for every system.

A class may be called ``a/b``, ``CON``, ``..`` or a page of text: what a file system would refuse, read as a path or
hide is replaced, and two classes never share a folder, also where case or the way of writing an accent does not count.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping

UNSURE = "not sure"
"""The folder of photos without a sure answer."""
LONGEST = 80
"""Bytes of a folder's name: short enough for the paths of every system."""
LONGEST_FILE = 255
"""Bytes of a file's name on the usual file systems."""
_REFUSED = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, with whatever ending."""


def folder_name(label: str) -> str:
    """``label`` as the name of one folder on any system; never empty, never a path, never hidden."""
    seen = "".join(letter if letter.isprintable() else "_" for letter in unicodedata.normalize("NFC", label))
    name = _REFUSED.sub("_", seen).strip(" ")
    name = _cut(name, LONGEST).rstrip(" .")
    if name.startswith("."):
        name = f"_{name[1:]}"
    found = _DEVICES.match(name)
    if found:
        name = f"{name[: found.end(1)]}_{name[found.end(1) :]}"
    return name or "_"


def compared(name: str) -> str:
    """What two names share that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def numbered(name: str, number: int, longest: int) -> str:
    """``name`` the first time, then ``stem-2.jpg``; cut to so many bytes."""
    if number == 1:
        return name
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    ending = f"-{number}{ending}"
    return _cut(stem, longest - len(os.fsencode(ending))) + ending


class FolderNames:
    """Gives each class a folder of its own.

    Args:
        known: folders that classes have already; None stands for photos without a sure answer.
        taken: names that are in use for something else.
    """

    def __init__(self, known: Mapping[str | None, str] | None = None, taken: Iterable[str] = ()) -> None:
        self._names = dict(known or {})
        self._taken = {compared(name) for name in (*self._names.values(), *taken)}
        self.of(None)  # before a class of the same name

    def of(self, label: str | None) -> str:
        """The folder of a class, or of the photos without a sure answer."""
        name = self._names.get(label)
        if name is None:
            name = self._names[label] = self._free(UNSURE if label is None else folder_name(label))
            self._taken.add(compared(name))
        return name

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while compared(name) in self._taken:
            number += 1
            ending = f"-{number}"
            name = _cut(wanted, LONGEST - len(ending)) + ending
        return name


def _cut(text: str, longest: int) -> str:
    """No more than so many bytes, whole letters alone."""
    while len(os.fsencode(text)) > longest:
        text = text[:-1]
    return text
