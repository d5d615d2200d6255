"""What a data set is made of: its sources, and how it is to be split. Nothing else of a job is needed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where pictures come from: a folder (or zip file) or a CSV file.

    Attributes:
        folder: of class folders, or of train/val/test trees of them.
        role: what all its pictures are for; None leaves it to the source: what nobody says anything of is split.
        csv: a table of photos and labels, in place of ``folder``.
        path_column: the column of the table that holds the photos, by name or by number from 1; None: told by its name.
        label_column: that of their labels.
    """

    folder: str = ""
    role: str | None = None
    csv: str | None = None
    path_column: str | None = None
    label_column: str | None = None

    @property
    def path(self) -> str:
        """Of the folder or file."""
        return self.folder if self.csv is None else self.csv


@dataclass(frozen=True, slots=True)
class Split:
    """Fractions of the training pictures of every class that are set apart.

    ``seed``: what the choice follows from; None is the run's own, so that another one trains on another split, too.
    ``strict``: the parts that the sources make stay as they are, even where pictures of one are copies of another's.
    """

    validation: float = 0.2
    test: float = 0.0
    group_duplicates: bool = True
    seed: int | None = None
    strict: bool = False


class DataSpec(Protocol):
    """Where the pictures of a data set are, which of them take part, under which label, and how they are split."""

    @property
    def data(self) -> tuple[DataSource, ...]:
        """Where the pictures are."""

    @property
    def output(self) -> str:
        """The folder that holds the split once it is made."""

    @property
    def split(self) -> Split:
        """The fractions that are set apart."""

    @property
    def exclude(self) -> tuple[str, ...]:
        """Names of pictures that take no part."""

    @property
    def relabel(self) -> Mapping[str, str]:
        """Labels of pictures that lie under another one, by name."""

    @property
    def seed(self) -> int:
        """What the split follows from where ``split`` has no seed."""

    @property
    def workers(self) -> int | None:
        """Threads that read pictures; None: as many as are of use."""

    @property
    def classes(self) -> Mapping[str, str] | None:
        """Folder name to label: which are used, in which order; None: all."""

    @property
    def follows(self) -> str | None:
        """The folder of the run whose split is kept."""

    @property
    def roles_before(self) -> Mapping[str, str]:
        """What each picture was for in that run, by its name."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
