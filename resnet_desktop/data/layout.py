"""What the sources of a job hold: pictures, the class that each is said to belong to, and what it is said to be for.

A source is a folder, a zip file or a CSV file. The layout of the first two is read from their paths alone:

* ``CLASS/**/picture``: class folders (deeper folders belong to their class, as in ``train/n01443537/images/…``);
* ``train/CLASS/…``, ``val/CLASS/…``, ``test/CLASS/…``: the same, with the split made already, also under other names
  (``roles``); ``CLASS/train/…``, ``CLASS/val/…`` likewise;
* ``val/images/picture`` beside ``val/val_annotations.txt``: the validation part of the public Tiny ImageNet;
* pictures and no folder, where there are further sources: the source is a class.

A picture that several sources name (or that links lead to) counts once. Hidden files and what file managers leave
behind are passed over. Nothing is ever written to a source.
"""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resnet_desktop.core.errors import GONE, DataError
from resnet_desktop.core.progress import Cancelled, never, stop_if
from resnet_desktop.data.sources import skipped_files
from resnet_desktop.data.sources.columns import Columns
from resnet_desktop.data.sources.csv_source import read_list
from resnet_desktop.data.sources.file_tree import Found, Tree, folder_tree, label_text, source_path
from resnet_desktop.data.sources.folder_roles import Roles, named_roles, role_of, tree_roles
from resnet_desktop.data.sources.skipped_files import Problem
from resnet_desktop.data.sources.zip_source import zip_tree
from resnet_desktop.data.spec import DataSource
from resnet_desktop.imaging.container import IMAGE_SUFFIXES
from resnet_desktop.imaging.files import printable

ANNOTATIONS = "val_annotations.txt"
_HELD_OUT_FIRST = ("test", "validation", "training", None)
_ARCHIVES = frozenset({".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"})
_STRAY = 10
"""As many pictures in class folders are there for each that lies beside them by accident."""


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


def gather(sources: Sequence[DataSource], cancelled: Cancelled = never) -> Layout:
    """Find the pictures of all sources; ``cancelled`` is asked for each folder.

    Raises:
        DataError: a source is missing or cannot be read at all.
        CancelledError: ``cancelled`` said so.
    """
    found: list[Found] = []
    problems: list[Problem] = []
    named = _named_like_parts(sources)
    for source in sources:
        stop_if(cancelled)
        role = source.role or named.get(source.path)
        if source.csv is not None:
            listing = read_list(source_path(source.csv), role, Columns(source.path_column, source.label_column))
            found += listing.found
            problems += listing.problems
            continue
        tree = _tree(source, cancelled)
        # A folder that is called after its part of a split does not name a class.
        alone = label_text(tree.title) if len(sources) > 1 and source.path not in named else None
        pictures, more = by_layout(tree, role, alone, several=len(sources) > 1)
        found += pictures
        problems += [*more, *(Problem("unreadable", message) for message in tree.problems)]
    return _merged(found, problems)


def by_layout(
    tree: Tree, role: str | None, alone: str | None, *, several: bool = False
) -> tuple[list[Found], list[Problem]]:
    """Read role and class off the paths.

    Args:
        tree: what the source holds.
        role: what the source is said to be for; it goes before what its folders say.
        alone: the class of a source that has pictures and no folder.
        several: whether there are further sources, so that this one may be of a single class.
    """
    annotated = _annotated(tree.annotations)
    pictures = {name: PurePosixPath(name).parts for name in tree.pictures}
    if alone is not None and pictures and all(len(parts) == 1 for parts in pictures.values()):
        return [Found(role, alone, tree.places[name]) for name in pictures], []
    common = _common(list(pictures.values()), several)
    inside = {name: parts[common:] for name, parts in pictures.items() if len(parts) > common + 1}
    roles = tree_roles(inside.values())
    if alone is not None and roles.of and not roles.below and all(len(parts) == 2 for parts in inside.values()):
        return [Found(role or roles.of.get(parts[0]), alone, tree.places[n]) for n, parts in inside.items()], []
    sorted_out = _Sorted.of(inside, roles, annotated)
    found = [Found(role or part, label_text(folder), tree.places[n]) for n, part, folder in sorted_out.found]
    problems = skipped_files.unreadable(tree) + skipped_files.empty(
        _empty(tree, list(pictures.values()), common, roles)
    )
    loose = [*(name for name in pictures if name not in inside), *sorted_out.loose]
    problems += skipped_files.loose(tree, loose)
    problems += skipped_files.unread_tables(tree, needed=bool(loose or sorted_out.without_class))
    problems += skipped_files.without_class(sorted_out.without_class) + skipped_files.beside(sorted_out.beside)
    return found, [*problems, *skipped_files.hidden(tree), *skipped_files.unopened(tree)]


@dataclass(slots=True)
class _Sorted:
    """Pictures with role and class folder, and those that have none: loose, or so many in each folder."""

    found: list[tuple[str, str | None, str]]
    loose: list[str]
    without_class: Counter[str]
    beside: Counter[str]

    @classmethod
    def of(cls, paths: Mapping[str, tuple[str, ...]], roles: Roles, annotated: Mapping[str, str]) -> _Sorted:
        """Sort by the parts of their paths, which lie in a folder each."""
        out = cls([], [], Counter(), Counter())
        twice = _said_twice(paths.values(), roles)
        has_classes = {parts[0] for parts in paths.values() if len(parts) > 2 + (parts[0] in twice)}
        for name, parts in paths.items():
            part, folders = None, parts[:-1]
            if roles.below:
                part = roles.of.get(parts[1]) if len(parts) > 2 else None
            elif roles.of:
                part = roles.of.get(parts[0])
                folders = folders[2 if parts[0] in twice else 1 :]
            if bool(annotated) and name not in annotated and folders == ("images",):
                continue  # the public test part has no labels
            if roles.of and not roles.below and part is None:
                out.beside[parts[0]] += 1
            elif name in annotated or folders:
                out.found.append((name, part, annotated.get(name) or folders[0]))
            elif parts[0] in has_classes:
                out.loose.append(name)
            else:
                out.without_class[parts[0]] += 1
        out._drop_heaps()
        return out

    def _drop_heaps(self) -> None:
        """A part to check with whose only class folder is none of those to learn from (``test/unknown``) has none."""
        classes: dict[str | None, Counter[str]] = {}
        for _, part, folder in self.found:
            classes.setdefault(part, Counter())[folder] += 1
        learnt = classes.get("training", Counter())
        for part in ("validation", "test"):
            own = classes.get(part, Counter())
            if len(learnt) > 1 and len(own) == 1 and not own.keys() & learnt.keys():
                self.without_class += own
                self.found = [row for row in self.found if row[1] != part]


def _said_twice(paths: Iterable[Sequence[str]], roles: Roles) -> set[str]:
    """Folders of a role that hold nothing but a folder of the same one: ``seg_train/seg_train/cat``."""
    if roles.below:
        return set()
    below: dict[str, set[str]] = {}
    for parts in paths:
        below.setdefault(parts[0], set()).add(parts[1] if len(parts) > 2 else "")
    return {top for top, names in below.items() if top in roles.of and len(names) == 1 and _same_role(top, names)}


def _same_role(top: str, names: set[str]) -> bool:
    name = min(names)
    return name == top or (role_of(name) is not None and role_of(name) == role_of(top))


def _named_like_parts(sources: Sequence[DataSource]) -> dict[str, str]:
    """Roles of folders called ``train`` and ``val`` that were given one by one: they are what they are called."""
    names = {source.path: _called(source) for source in sources if source.csv is None and source.role is None}
    roles = named_roles(names.values())
    if len(names) < len(sources) or len(set(roles.values())) < 2 or any(n not in roles for n in names.values()):
        return {}
    return {path: roles[name] for path, name in names.items()}


def _called(source: DataSource) -> str:
    """The name of a folder, or of a zip file without its suffix."""
    path = Path(source.folder)
    return path.stem if path.suffix.lower() == ".zip" and os.path.isfile(source_path(source.folder)) else path.name  # noqa: PTH113


def _tree(source: DataSource, cancelled: Cancelled) -> Tree:
    path = source_path(source.folder)
    # Those of Path raise for names that are too long, and where a folder above may not be entered.
    if os.path.isdir(path):  # noqa: PTH112
        return folder_tree(path, ANNOTATIONS, cancelled)
    if os.path.isfile(path):  # noqa: PTH113
        if path.suffix.lower() != ".zip" and not zipfile.is_zipfile(path):
            raise _no_source(path)
        return zip_tree(path, ANNOTATIONS)
    raise DataError("missing_data", f"{printable(source.folder)} is neither a folder nor a zip file.", GONE)


def _no_source(path: Path) -> DataError:
    """The error of a file that holds no data set: it says what does."""
    name, suffix = printable(path.name), path.suffix.lower()
    hint = "Add a folder or zip file of photos, or a CSV file that lists them."
    if suffix in IMAGE_SUFFIXES:
        return DataError("bad_data", f"{name} is a single photo, not a folder or zip file of photos.", hint)
    if suffix in _ARCHIVES:
        hint = "Extract it and add the folder, or put the photos in a zip file."
        return DataError("bad_data", f"{name} is an archive that the app cannot open.", hint)
    return DataError("bad_data", f"{name} is not a folder, zip file or CSV file.", hint)


def _common(paths: list[tuple[str, ...]], several: bool) -> int:
    """How many leading folders all pictures share above the class folders (``hymenoptera/train/ants/…``: 1).

    Pictures that lie loose beside such a folder do not keep it from being one, nor do those in it beside class folders:
    all but a few of them must lie in class folders where there are ``several`` sources, for then the folder may be a
    class with folders in it.
    """
    depth = 0
    while True:
        inside = [parts for parts in paths if len(parts) > depth + 1]
        first = inside[0][depth] if inside else ""
        below = [parts[depth + 1] for parts in inside if len(parts) > depth + 2]
        direct = len(inside) - len(below)
        shared = below and role_of(first) is None and all(parts[depth] == first for parts in inside)
        strays = len(set(below)) > 1 and (not several or direct <= max(1, len(below) // _STRAY))
        if not shared or (direct and not strays):
            return depth
        depth += 1


def _empty(tree: Tree, pictures: list[tuple[str, ...]], common: int, roles: Roles) -> list[str]:
    """The folders that stand where class folders stand and have no picture in them."""
    used = {parts[:depth] for parts in pictures for depth in (common + 1, common + 2) if len(parts) > depth}
    stem = next((parts[:common] for parts in pictures if len(parts) > common + 1), ())
    split = {} if roles.below else roles.of
    found = []
    for folder in sorted(tree.folders):
        parts = PurePosixPath(folder).parts
        depth = common + (2 if len(parts) > common and parts[common] in split else 1)
        if len(parts) == depth and parts[:common] == stem and parts not in used and role_of(parts[-1]) is None:
            found.append(parts[-1])
    return found


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
