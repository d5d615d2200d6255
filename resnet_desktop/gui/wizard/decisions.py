"""What the user has decided about single photos: left out, or of another class than their label says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Decisions:
    """Names of photos that are left out, and the right classes of others by name; the last word on a photo counts."""

    exclude: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.exclude or self.relabel)

    @property
    def names(self) -> tuple[str, ...]:
        """All photos about which something was decided."""
        return (*self.exclude, *self.relabel)

    def without(self, names: Sequence[str]) -> Decisions:
        """These are left out, too."""
        return Decisions(tuple(dict.fromkeys((*self.exclude, *names))), self.kept(names).relabel)

    def kept(self, names: Sequence[str]) -> Decisions:
        """These take part after all, under their label."""
        gone = set(names)
        return Decisions(
            tuple(name for name in self.exclude if name not in gone),
            {name: label for name, label in self.relabel.items() if name not in gone},
        )

    def renamed(self, labels: Mapping[str, str], label: str) -> Decisions:
        """These, whose ``labels`` are given by name, are really of the class ``label``, and take part."""
        kept = self.kept(list(labels))
        return Decisions(kept.exclude, {**kept.relabel, **{name: label for name in labels if labels[name] != label}})


class History:
    """Decisions and the way back. One that changes nothing is none."""

    def __init__(self) -> None:
        self.now = Decisions()
        self._before: list[Decisions] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a decision to take back."""
        return bool(self._before)

    def begin(self, decisions: Decisions) -> None:
        """Other photos, or decisions from elsewhere: there is no way back beyond these."""
        self.now, self._before = decisions, []

    def take(self, decisions: Decisions) -> None:
        """Decide."""
        if decisions != self.now:
            self._before.append(self.now)
            self.now = decisions

    def undo(self) -> None:
        """Take the last decision back."""
        if self._before:
            self.now = self._before.pop()
