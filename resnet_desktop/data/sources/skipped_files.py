"""What a source holds that cannot be used, in sentences: nobody shall believe that it takes part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from resnet_desktop.data.sources.file_tree import Tree, label_text
from resnet_desktop.imaging.files import printable

OTHER_KINDS = frozenset(
    {".cr2", ".cr3", ".crw", ".nef", ".nrw", ".dng", ".arw", ".sr2", ".srf", ".raf", ".orf", ".rw2", ".pef", ".srw"}
    | {".x3f", ".3fr", ".iiq", ".rwl", ".raw", ".psd", ".psb", ".svg", ".svgz", ".eps", ".ai", ".xcf", ".kra"}
    | {".jxl", ".jp2", ".j2k", ".jpf", ".exr", ".hdr", ".tga", ".pcx", ".ppm", ".pgm", ".pbm", ".ico", ".dcm", ".jxr"}
)
"""Suffixes of pictures that nothing here reads."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that kept pictures from being found, in a sentence."""

    kind: Literal["unreadable", "few_images"]
    message: str


def empty(folders: Iterable[str]) -> list[Problem]:
    """Folders that stand where class folders stand and have no picture in them."""
    names = [f"“{label_text(name)}”" for name in dict.fromkeys(folders)]
    if not names:
        return []
    have = "The class folder {} has" if len(names) == 1 else "The class folders {} have"
    message = f"{have.format(_few(names))} no readable photos and {'is' if len(names) == 1 else 'are'} not used."
    return [Problem("few_images", message)]


def unreadable(tree: Tree) -> list[Problem]:
    """Pictures of kinds that cannot be read here, such as the raw files of cameras."""
    kinds: dict[str, Counter[str]] = {}
    for name in tree.places:
        path = PurePosixPath(name)
        if path.suffix.lower() in OTHER_KINDS:
            kinds.setdefault(str(path.parent), Counter())[path.suffix.lower()] += 1
    if not kinds:
        return []
    count = sum(counted.total() for counted in kinds.values())
    places = _few(
        [
            f"{counted.total():,} in {printable(tree.name if folder == '.' else folder)} ({', '.join(sorted(counted))})"
            for folder, counted in sorted(kinds.items())
        ]
    )
    are = "is in an unsupported format and is" if count == 1 else "are in unsupported formats and are"
    message = f"{_pictures(count)} {are} not used: {places}. Save them as JPEG or PNG."
    return [Problem("unreadable", message)]


def hidden(tree: Tree) -> list[Problem]:
    """Hidden folders that hold pictures."""
    if not tree.hidden:
        return []
    places = _few([f"{count:,} in {printable(folder)}" for folder, count in sorted(tree.hidden.items())])
    message = f"Hidden folders and the photos in them are skipped: {places}."
    return [Problem("few_images", message)]


def loose(tree: Tree, names: Sequence[str]) -> list[Problem]:
    """Pictures of which no folder says the class."""
    if not names:
        return []
    lie = "1 photo" if len(names) == 1 else f"{len(names):,} photos"
    such = ", ".join(printable(name) for name in sorted(names)[:_SHOWN])
    message = f"{lie} in {printable(tree.name)} outside any class folder cannot be used, such as {such}."
    return [Problem("few_images", message)]


def without_class(pictures: Mapping[str, int]) -> list[Problem]:
    """Folders called like a part of a split that hold so many pictures and no class folder."""
    return [
        Problem(
            "few_images",
            f"The {_pictures(count)} in “{label_text(folder)}” {'has' if count == 1 else 'have'} no class: there "
            f"are no class folders inside, so {'it is' if count == 1 else 'they are'} not used.",
        )
        for folder, count in sorted(pictures.items())
    ]


def beside(pictures: Counter[str]) -> list[Problem]:
    """Folders beside those of a split that are no part of it."""
    if not pictures:
        return []
    names = _few([f"“{label_text(name)}”" for name in sorted(pictures)])
    folder = "folder" if len(pictures) == 1 else "folders"
    message = (
        f"The {folder} {names} next to the training and validation folders {'is' if len(pictures) == 1 else 'are'} "
        f"not used: {_pictures(pictures.total())}."
    )
    return [Problem("few_images", message)]


def unread_tables(tree: Tree, *, needed: bool) -> list[Problem]:
    """Tables beside photos without a class (``needed``): they may say what the folders do not."""
    tables = sorted(name for name in tree.places if name.lower().endswith((".csv", ".tsv"))) if needed else []
    if not tables:
        return []
    way_on = (
        "add it separately" if tree.places[tables[0]].member is None else "extract the zip file and add it separately"
    )
    more = f" and {len(tables) - 1:,} more like it" if len(tables) > 1 else ""
    table = f"{printable(tables[0])}{more}"
    message = f"Photos in {printable(tree.name)} have no class, but {table} may list their classes: {way_on}."
    return [Problem("few_images", message)]


def unopened(tree: Tree) -> list[Problem]:
    """Zip files within a source: somebody may think that their pictures take part."""
    archives = tree.archives
    if not archives:
        return []
    first = printable(min(archives))
    if len(archives) == 1:
        message = f"The zip file {first} in {printable(tree.name)} is not opened; add it separately."
    else:
        files = f"{len(archives):,} zip files in {printable(tree.name)}, such as {first},"
        message = f"{files} are not opened; add them separately."
    return [Problem("few_images", message)]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _pictures(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"
