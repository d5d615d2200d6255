"""What the names of folders say that their pictures are for, and whether a source is a split made already.

A folder called ``train`` can also hold one of several classes, locomotives among cars and buses. So what a name says
counts only where the folders beside it bear it out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ROLE_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trainingset"), "training"),
    **dict.fromkeys(("val", "valid", "validation", "valset", "validationset"), "validation"),
    **dict.fromkeys(("dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing", "testset", "holdout"), "test"),
}
_FILLERS = frozenset({"data", "dataset", "folder", "images", "imgs", "part", "photos", "pictures", "set", "split", "x"})
_NO_WORD = re.compile(r"[\W\d_]+")


@dataclass(frozen=True, slots=True)
class Roles:
    """Roles by folder name: of the folders above the class folders, or with ``below`` of those in each of them."""

    of: Mapping[str, str]
    below: bool = False


def role_of(name: str) -> str | None:
    """The role that a folder is plainly called by (``train``, ``Val``), or None."""
    return ROLE_WORDS.get(name.strip().lower())


def said_role(text: str) -> str | None:
    """The role that a text names in one of its words, with nothing beside it but ``set``, ``data`` and the like."""
    role, rest = _worded(text)
    return role_of(text) or (role if not rest else None)


def named_roles(names: Iterable[str]) -> dict[str, str]:
    """Those of some sibling folders whose names say what they are for, with that.

    A name with more words than the one of a role counts where the further words of its siblings are the same, and
    training and another role are among them: ``seg_train`` and ``seg_test``, but not ``training shoes`` and ``test
    tube``.
    """
    plain: dict[str, str] = {}
    by_rest: dict[frozenset[str], dict[str, str]] = defaultdict(dict)
    for name in names:
        role, rest = _worded(name)
        if (whole := role_of(name)) is not None:
            plain[name] = whole
        elif role is not None:
            by_rest[rest][name] = role
    found = dict(plain)
    for rest, group in by_rest.items():
        said = {*group.values(), *(() if rest else plain.values())}
        if "training" in said and len(said) > 1:
            found |= group
    return found


def tree_roles(paths: Iterable[Sequence[str]]) -> Roles:
    """How a source is split by its folders; ``paths`` are those of its pictures in folders, parted.

    Either all folders are roles that hold class folders (``train/cat/…``), or the other way round (``cat/train/…``).
    No roles: its folders are classes.
    """
    below: dict[str, set[str]] = defaultdict(set)
    direct: Counter[str] = Counter()
    for parts in paths:
        if len(parts) > 2:
            below[parts[0]].add(parts[1])
        elif len(parts) == 2:
            direct[parts[0]] += 1
    roles = named_roles({*below, *direct})
    if roles and _is_split(roles, below, direct):
        return Roles(roles)
    return Roles(_in_each_class(below, direct), below=True)


def _is_split(roles: Mapping[str, str], below: Mapping[str, set[str]], direct: Mapping[str, int]) -> bool:
    """Whether folders that are called like roles are some.

    They are where two of them hold class folders, or one does and nothing speaks against it. ``train`` among folders of
    other names is a class, unless it holds several class folders and no photo, and is hardly alone: beside ``test``, or
    beside a single heap of photos. Without any class folder, most folders must be called so.
    """
    others = {*below, *direct} - roles.keys()
    several = len(set(roles.values())) > 1
    deep = {roles[name] for name in roles if name in below}
    if not deep:
        return several and len(set(roles.values())) > len(others)
    if len(deep) > 1 or not others:
        return True
    holds_classes = any(len(below[name]) > 1 and name not in direct for name in roles if name in below)
    return holds_classes and (several or (len(others) == 1 and not others & below.keys()))


def _in_each_class(below: Mapping[str, set[str]], direct: Mapping[str, int]) -> dict[str, str]:
    """The roles of the folders in class folders, where there is nothing else in any of those."""
    names = {name for some in below.values() for name in some}
    roles = named_roles(names)
    said = set(roles.values())
    clear = not direct and len(below) > 1 and roles.keys() == names and "training" in said and len(said) > 1
    return roles if clear else {}


def _worded(name: str) -> tuple[str | None, frozenset[str]]:
    """The role that just one of a name's words says, and its other words that mean something."""
    words = [word for word in _NO_WORD.split(name.casefold()) if word]
    said = [word for word in words if word in ROLE_WORDS]
    return ROLE_WORDS[said[0]] if len(said) == 1 else None, frozenset(words) - _FILLERS - set(said)
