"""What the page on speed asks of the tuner; everything here runs off the GUI thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_desktop.core.progress import Cancelled

if TYPE_CHECKING:
    from resnet_desktop.inference.tuning.offers import Offer, Tuning
    from resnet_desktop.inference.tuning.tuner import Told


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a model's speed.

    Attributes:
        path: of its file.
        sha256: of its file.
        tuning: what was measured last; None if nothing was.
    """

    path: Path
    sha256: str
    tuning: Tuning | None


def measured(path: Path) -> Measured:
    """What was measured before. Raises ModelError."""
    from resnet_desktop.bundle.file.tensors import file_sha256
    from resnet_desktop.inference.tuning import choice, kept

    del choice  # the window asks it at once, and is not to wait for what it brings in
    sha256, _ = file_sha256(path)
    return Measured(path, sha256, kept.load(sha256))


def measure(
    path: Path, photos: Sequence[Path], provider: str, max_pixels: int, told: Told, cancelled: Cancelled
) -> Measured:
    """Measure a model on photos, or on those of folders.

    Raises ModelError, ProviderError, StorageError, CancelledError.
    """
    from resnet_desktop.imaging.files import find_images
    from resnet_desktop.inference.opening import open_admitted
    from resnet_desktop.inference.tuning.tuner import tune

    bundle = open_admitted(path, cancelled)
    found = find_images([str(photo) for photo in photos], recursive=True)
    tuning = tune(bundle, found, provider=provider, max_pixels=max_pixels, cancelled=cancelled, told=told)
    return Measured(path, tuning.sha256, tuning)


def in_use(chosen: str, sha256: str) -> str:
    """The offer that the setting names for a file; empty: as installed."""
    from resnet_desktop.inference.tuning.choice import name_of

    return name_of(chosen, sha256)


def with_choice(chosen: str, sha256: str, offer: Offer | None) -> str:
    """The setting with another choice for a file; None: as installed."""
    from resnet_desktop.inference.tuning import choice

    return choice.with_choice(chosen, sha256, offer)


def still_offered(chosen: str, tuning: Tuning) -> str:
    """The setting after a model was measured anew."""
    from resnet_desktop.inference.tuning import choice

    return choice.still_offered(chosen, tuning)
