"""A hierarchy over the classes of one model: every thing that one or more of its classes are kinds of.

It is a directed acyclic graph and no tree in the strict sense: a dog is a canine and a domestic animal. Free of NumPy,
so that the window can hold groups without loading it.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from resnet_desktop.core.errors import ClassNameError


@dataclass(frozen=True, slots=True)
class Group:
    """A thing that some classes of a model are kinds of, or a single class.

    Attributes:
        id: its identifier in the hierarchy, such as ``n02121808``; None for a class outside the hierarchy.
        label: its name.
        classes: the indices of its classes, rising; at least one.
    """

    id: str | None
    label: str
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One thing: its name, the identifiers of what it is a kind of, and whether it says too little for an answer."""

    label: str
    parents: tuple[str, ...]
    generic: bool = False


class Taxonomy:
    """The groups of one model.

    Args:
        nodes: the hierarchy by identifier; parents are among them, and nothing lies above itself.
        classes: the node of each class of the model, by index; None for a class outside the hierarchy.
        categories: the label of each class; a class goes by it, whatever its node is called.

    Attributes:
        classes: as given.
        groups: every node above or at a class, and every class outside the hierarchy; in no particular order.
        generic: for each of them, whether it says too little for an answer.
        depths: for each of them, the longest way up to a node without parents, in steps.
    """

    def __init__(self, nodes: Mapping[str, Node], classes: Sequence[str | None], categories: Sequence[str]) -> None:
        self.classes = tuple(classes)
        members: dict[str, list[int]] = {}
        groups: list[tuple[Group, bool, int]] = []
        above = Above(nodes)
        for index, name in enumerate(classes):
            if name is None:
                groups.append((Group(None, categories[index], (index,)), False, 0))
                continue
            for each in above[name]:
                members.setdefault(each, []).append(index)
        own = {name: categories[index] for index, name in enumerate(classes) if name is not None}
        for name, indices in members.items():
            node = nodes[name]
            label = own[name] if len(indices) == 1 and name in own else node.label
            groups.append((Group(name, label, tuple(indices)), node.generic, above.depth(name)))
        self.groups: tuple[Group, ...] = tuple(group for group, _, _ in groups)
        self.generic: tuple[bool, ...] = tuple(generic for _, generic, _ in groups)
        self.depths: tuple[int, ...] = tuple(depth for _, _, depth in groups)

    def named(self, text: str) -> Group:
        """The group of an identifier or a name; names are compared without regard to case.

        Raises:
            ClassNameError: ``unknown_class`` (the hint has the closest names), ``ambiguous_class`` (with identifiers).
        """
        wanted = text.strip()
        if wanted in self._by_id:
            return self._by_id[wanted]
        found = self._by_label.get(wanted.casefold(), [])
        if len(found) > 1:
            names = " and ".join(str(group.id) for group in found)
            message = f"Several groups are called {wanted!r}: {names}."
            raise ClassNameError("ambiguous_class", message, "Use the identifier of the group instead.")
        if found:
            return found[0]
        close = difflib.get_close_matches(wanted.casefold()[:100], list(self._by_label), n=3)
        hint = f"Did you mean {', '.join(self._by_label[c][0].label for c in close)}?" if close else None
        raise ClassNameError("unknown_class", f"The model has no class or group {wanted!r}.", hint)

    def of_classes(self, classes: tuple[int, ...]) -> Group | None:
        """The deepest group of exactly these classes, rising; None if there is none."""
        return self._by_classes.get(classes)

    @cached_property
    def _by_classes(self) -> dict[tuple[int, ...], Group]:
        order = sorted(range(len(self.groups)), key=lambda i: self.depths[i])
        return {self.groups[i].classes: self.groups[i] for i in order}

    @cached_property
    def _by_id(self) -> dict[str, Group]:
        return {group.id: group for group in self.groups if group.id is not None}

    @cached_property
    def _by_label(self) -> dict[str, list[Group]]:
        found: dict[str, list[Group]] = {}
        for group in self.groups:
            found.setdefault(group.label.casefold(), []).append(group)
        return found


class Above(dict[str, frozenset[str]]):
    """Of a node: itself and all above it; found when first asked for.

    Args:
        nodes: without circles.
        most: how many entries all sets together may have; None for a hierarchy that was looked at before.

    Raises:
        OverflowError: asked for a node, there are more.
    """

    def __init__(self, nodes: Mapping[str, Node], most: int | None = None) -> None:
        super().__init__()
        self._nodes = nodes
        self._depths: dict[str, int] = {}
        self._most = math.inf if most is None else most

    def __missing__(self, name: str) -> frozenset[str]:
        waiting = [name]  # and no recursion: somebody else's hierarchy may be a long chain
        while waiting:
            current = waiting[-1]
            parents = self._nodes[current].parents
            missing = [parent for parent in parents if parent not in self]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if current in self:  # two of those below it were waiting for it
                continue
            if len(parents) == 1:  # as nearly all have: a third of the time
                found, depth = self[parents[0]] | {current}, self._depths[parents[0]] + 1
            else:
                found = frozenset((current,)).union(*(self[parent] for parent in parents))
                depth = 1 + max((self._depths[parent] for parent in parents), default=-1)
            self._most -= len(found)
            if self._most < 0:
                raise OverflowError("the hierarchy has too many ways up")
            self[current], self._depths[current] = found, depth
        return self[name]

    def depth(self, name: str) -> int:
        """The longest way up to a node without parents, in steps."""
        assert self[name]  # which finds its depth as well
        return self._depths[name]


def circle(nodes: Mapping[str, Node]) -> str | None:
    """A node that lies above itself; None if there is none."""
    done: set[str] = set()
    for start in nodes:
        if start in done:
            continue
        path: set[str] = {start}
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(nodes[start].parents))]
        while stack:
            name, parents = stack[-1]
            parent = next(parents, None)
            if parent is None:
                stack.pop()
                path.discard(name)
                done.add(name)
            elif parent in path:
                return parent
            elif parent not in done:
                path.add(parent)
                stack.append((parent, iter(nodes[parent].parents)))
    return None
