"""What the user has decided about single photos: left out, or of another class than their folder says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from resnet_desktop.gui.wizard.check.check_entries import Entry


@dataclass(frozen=True, slots=True)
class Decisions:
    """Names of photos that are left out, and the classes of those that lie in a wrong folder."""

    exclude: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)

    def without(self, names: Sequence[str]) -> Decisions:
        """These are left out, too."""
        return replace(self, exclude=tuple(dict.fromkeys((*self.exclude, *names))))

    def kept(self, names: Sequence[str]) -> Decisions:
        """These take part after all, under the class of their folder."""
        gone = set(names)
        return Decisions(
            tuple(name for name in self.exclude if name not in gone),
            {name: label for name, label in self.relabel.items() if name not in gone},
        )

    def renamed(self, names: Sequence[str], label: str) -> Decisions:
        """These are really of this class, and take part."""
        return Decisions(self.kept(names).exclude, {**self.relabel, **dict.fromkeys(names, label)})

    def settle(self, entry: Entry) -> bool:
        """Whether nothing is left to be decided about a finding: of photos that belong together one may stay."""
        decided = {*self.exclude, *self.relabel}
        left = [sample.name for sample in entry.samples if sample.name not in decided]
        groups = [entry.group_of.get(name) for name in left]
        return bool(entry.samples) and None not in groups and len(set(groups)) == len(groups)


class History:
    """Decisions and the way back."""

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
        self._before.append(self.now)
        self.now = decisions

    def undo(self) -> None:
        """Take the last decision back."""
        if self._before:
            self.now = self._before.pop()
