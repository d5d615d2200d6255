"""What a user has decided about photos before training again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Verdicts:
    """Photos that are left out, and photos that belong to another class; the last word on a photo counts."""

    def __init__(self) -> None:
        self._out: tuple[str, ...] = ()
        self._renamed: dict[str, str] = {}
        self._before: list[tuple[tuple[str, ...], dict[str, str]]] = []

    def __bool__(self) -> bool:
        return bool(self._out or self._renamed)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of photos that will not take part."""
        return self._out

    @property
    def renamed(self) -> Mapping[str, str]:
        """The right class of photos, by name."""
        return self._renamed

    @property
    def names(self) -> tuple[str, ...]:
        """All photos about which something was decided."""
        return (*self._out, *self._renamed)

    @property
    def can_undo(self) -> bool:
        """Whether there is a decision to take back."""
        return bool(self._before)

    def leave_out(self, names: Sequence[str]) -> None:
        """Train without these."""
        gone = set(names)
        renamed = {name: label for name, label in self._renamed.items() if name not in gone}
        self._change(tuple(dict.fromkeys((*self._out, *names))), renamed)

    def relabel(self, labels: Mapping[str, str], label: str) -> None:
        """Say that these photos, whose ``labels`` are given by name, are of the class ``label``."""
        kept = tuple(name for name in self._out if name not in labels)
        renamed = {name: old for name, old in self._renamed.items() if name not in labels}
        self._change(kept, renamed | {name: label for name, old in labels.items() if old != label})

    def keep(self, names: Sequence[str]) -> None:
        """Decide nothing about these."""
        gone = set(names)
        renamed = {name: label for name, label in self._renamed.items() if name not in gone}
        self._change(tuple(name for name in self._out if name not in gone), renamed)

    def undo(self) -> None:
        """Take the last decision back."""
        if self._before:
            self._out, self._renamed = self._before.pop()

    def for_the_job(self) -> tuple[list[str], dict[str, str]]:
        """Names to leave out, and right classes by name."""
        return list(self._out), dict(self._renamed)

    def _change(self, out: tuple[str, ...], renamed: dict[str, str]) -> None:
        if (out, renamed) != (self._out, self._renamed):
            self._before.append((self._out, self._renamed))
            self._out, self._renamed = out, renamed
