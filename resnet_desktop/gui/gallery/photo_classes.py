"""A class of the user's own, as rows and charts show it."""

from __future__ import annotations

from dataclasses import dataclass

MIME = "application/x-resnet-desktop-photos"
"""Numbers of photos of the list, parted by spaces: what a drag from it carries."""
LONGEST_NAME = 200
COLOURS = (
    "#d0803c",
    "#4f8fc0",
    "#6aa35a",
    "#b0619e",
    "#c2a233",
    "#4fa39b",
    "#a8695c",
    "#7a78c8",
    "#8a9440",
    "#c05a6a",
)
"""Told apart in both themes, also beside photos."""


@dataclass(slots=True, eq=False)
class PhotoClass:
    """A class: its ``name``, which may change, and its ``number`` (never used again), which its colour follows."""

    number: int
    name: str

    @property
    def colour(self) -> str:
        """``#rrggbb``."""
        return COLOURS[self.number % len(COLOURS)]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the app takes a photo for that has no label yet, and how probable that is."""

    label: PhotoClass
    probability: float


def clean(name: str) -> str:
    """A name as it is kept: on one line, without outer blanks, not too long; may be empty."""
    return " ".join(name.split())[:LONGEST_NAME].strip()
