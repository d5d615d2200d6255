"""What the sources of a job hold: pictures, the class that each is said to belong to, and what it is said to be for.

A source is a folder, a zip file or a CSV file. The layout of the first two is read from their paths alone:

* ``CLASS/**/picture``: class folders (deeper folders belong to their class, as in ``train/n01443537/images/…``);
* ``train/CLASS/…``, ``val/CLASS/…``, ``test/CLASS/…``: the same, with the split made already;
* ``val/images/picture`` beside ``val/val_annotations.txt``: the validation part of the public Tiny ImageNet;
* pictures and no folder, where there are further sources: the source is a class.

A picture that several sources name (or that links lead to) counts once. Hidden files and what file managers leave
behind are passed over. Nothing is ever written to a source.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from resnet_desktop.core.errors import DataError
from resnet_desktop.finetune.csv_source import read_csv
from resnet_desktop.finetune.job import DataSource
from resnet_desktop.finetune.places import TREE_ROLES, Found, Tree, folder_tree, label_text, source_path, zip_tree
from resnet_desktop.finetune.samples import GONE
from resnet_desktop.imaging.decode import IMAGE_SUFFIXES
from resnet_desktop.imaging.files import printable

ANNOTATIONS = "val_annotations.txt"
_HELD_OUT_FIRST = ("test", "validation", "training", None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that kept pictures from being found, in a sentence."""

    kind: Literal["unreadable", "few_images"]
    message: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The pictures of all sources, each once.

    ``contradictions``: pictures that two sources put into different classes (the one in ``found`` is used), and those
    classes.
    """

    found: tuple[Found, ...]
    problems: tuple[Problem, ...]
    contradictions: tuple[tuple[Found, tuple[str, ...]], ...]
    aliases: Mapping[str, Found]
    """Other names by which sources call a picture."""


def gather(sources: Sequence[DataSource]) -> Layout:
    """Find the pictures of all sources.

    Raises:
        DataError: a source is missing or cannot be read at all.
    """
    found: list[Found] = []
    problems: list[Problem] = []
    for source in _with_roles(sources):
        if source.csv is not None:
            found += read_csv(source_path(source.csv), source.role)
            continue
        tree = _tree(source)
        alone = label_text(Path(tree.name).stem) if len(sources) > 1 else None
        pictures, more = by_layout(tree, source.role, alone)
        found += pictures
        problems += [*more, *(Problem("unreadable", message) for message in tree.problems)]
    return _merged(found, problems)


def by_layout(tree: Tree, role: str | None, alone: str | None) -> tuple[list[Found], list[Problem]]:
    """Read role and class off the paths; ``alone`` is the class of a source that has pictures and no folder."""
    annotated = _annotated(tree.annotations)
    pictures = {n: PurePosixPath(n).parts for n in tree.places if PurePosixPath(n).suffix.lower() in IMAGE_SUFFIXES}
    if alone is not None and pictures and all(len(parts) == 1 for parts in pictures.values()):
        return [Found(role, alone, tree.places[name]) for name in pictures], []
    common = _common(list(pictures.values()))
    roles = _roles([parts[common:] for parts in pictures.values()])
    found, loose = [], []
    for name, whole in pictures.items():
        parts = whole[common:]
        part = roles.get(parts[0]) if len(parts) > 1 else None
        folders = parts[1:-1] if part else parts[:-1]
        folder = annotated.get(name) or (folders[0] if folders else None)
        unlabelled = bool(annotated) and name not in annotated and folders == ("images",)
        if unlabelled:  # the public test part has no labels
            continue
        if folder is None:
            loose.append(name)
        else:
            found.append(Found(role or part, label_text(folder), tree.places[name]))
    problems = _empty(tree, list(pictures.values()), common, roles)
    if loose:
        problems.append(_outside(tree, loose))
    return found, [*problems, *_unopened(tree)]


def _with_roles(sources: Sequence[DataSource]) -> list[DataSource]:
    """Folders called ``train`` and ``val`` that were given one by one are what they are called."""
    named = [None if s.csv is not None or s.role else TREE_ROLES.get(Path(s.folder).stem.lower()) for s in sources]
    if None in named or len(set(named)) < 2:
        return list(sources)
    return [replace(source, role=role) for source, role in zip(sources, named, strict=True)]


def _tree(source: DataSource) -> Tree:
    path = source_path(source.folder)
    # Those of Path raise for names that are too long, and where a folder above may not be entered.
    if os.path.isdir(path):  # noqa: PTH112
        return folder_tree(path, ANNOTATIONS)
    if os.path.isfile(path):  # noqa: PTH113
        return zip_tree(path, ANNOTATIONS)
    raise DataError("missing_data", f"{printable(source.folder)} is neither a folder nor a zip file.", GONE)


def _roles(paths: Sequence[tuple[str, ...]]) -> dict[str, str]:
    """The folders that say what their pictures are for.

    ``train`` can also be a class, among cars and buses: then it has no class folders in it, or has other classes but
    no ``val`` beside it.
    """
    tops = {parts[0] for parts in paths if len(parts) > 1}
    deep = {parts[0] for parts in paths if len(parts) > 2}
    roles = {top: TREE_ROLES[top.lower()] for top in deep if top.lower() in TREE_ROLES}
    others = any(top.lower() not in TREE_ROLES for top in tops)
    return {} if others and len(set(roles.values())) < 2 else roles


def _common(paths: list[tuple[str, ...]]) -> int:
    """How many leading folders all paths share above the class folders (``hymenoptera/train/ants/…``: 1)."""
    depth = 0
    while paths and all(len(p) > depth + 2 for p in paths):
        first = paths[0][depth]
        if first.lower() in TREE_ROLES or any(p[depth] != first for p in paths):
            break
        depth += 1
    return depth


def _empty(tree: Tree, pictures: list[tuple[str, ...]], common: int, roles: Mapping[str, str]) -> list[Problem]:
    """The folders that stand where class folders stand and have no picture in them."""
    used = {parts[:depth] for parts in pictures for depth in (common + 1, common + 2) if len(parts) > depth}
    stem = pictures[0][:common] if pictures else ()
    empty = []
    for folder in sorted(tree.folders):
        parts = PurePosixPath(folder).parts
        depth = common + (2 if len(parts) > common and parts[common] in roles else 1)
        if len(parts) == depth and parts[:common] == stem and parts not in used and parts[-1].lower() not in TREE_ROLES:
            empty.append(label_text(parts[-1]))
    names = list(dict.fromkeys(empty))
    if not names:
        return []
    shown = ", ".join(f"“{name}”" for name in names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    have = "The class folder {} has" if len(names) == 1 else "The class folders {} have"
    message = (
        f"{have.format(shown)} no picture that can be read here, and {'is' if len(names) == 1 else 'are'} not used."
    )
    return [Problem("few_images", message)]


def _outside(tree: Tree, loose: Sequence[str]) -> Problem:
    """Pictures of which no folder says the class."""
    lie = "1 picture lies" if len(loose) == 1 else f"{len(loose):,} pictures lie"
    first = printable(min(loose))
    message = f"{lie} in {printable(tree.name)} outside all class folders and cannot be used, such as {first}."
    return Problem("few_images", message)


def _unopened(tree: Tree) -> list[Problem]:
    """Zip files within a source: somebody may think that their pictures take part."""
    archives = tree.archives
    if not archives:
        return []
    first = printable(min(archives))
    if len(archives) == 1:
        message = f"The zip file {first} in {printable(tree.name)} is not opened; add it by itself."
    else:
        files = f"{len(archives):,} zip files in {printable(tree.name)}, such as {first},"
        message = f"{files} are not opened; add them by themselves."
    return [Problem("few_images", message)]


def _annotated(annotations: Mapping[str, str]) -> dict[str, str]:
    """Class folder by path, from the annotation files of the public Tiny ImageNet (tab-separated: file, class, box)."""
    found = {}
    for name, text in annotations.items():
        base = PurePosixPath(name).parent / "images"
        for line in text.splitlines():
            fields = line.split("\t")
            if len(fields) >= 2:
                found[str(base / fields[0])] = fields[1]
    return found


def _merged(found: list[Found], problems: list[Problem]) -> Layout:
    """Each picture once, whatever the order of the sources: what a CSV file states of it counts first."""
    times = Counter(picture.place.identity for picture in found)
    several: dict[tuple[str, str | None], list[Found]] = {}
    kept = []
    for picture in found:
        if times[picture.place.identity] == 1:
            kept.append(picture)
        else:
            several.setdefault(picture.place.identity, []).append(picture)
    contradictions = []
    aliases = {}
    for same in several.values():
        same.sort(key=lambda p: (not p.stated, p.label, p.name))
        role = min((p.role for p in same), key=_HELD_OUT_FIRST.index)
        chosen = Found(role, same[0].label, same[0].place, same[0].stated)
        kept.append(chosen)
        aliases.update({p.name: chosen for p in same})
        labels = tuple(dict.fromkeys(p.label for p in same))
        if len(labels) > 1:
            contradictions.append((chosen, labels))
    return Layout(tuple(kept), tuple(problems), tuple(contradictions), aliases)
