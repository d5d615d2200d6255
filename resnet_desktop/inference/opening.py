"""The door through which a model file comes to be run: window, command line and library open it by this."""

from __future__ import annotations

from pathlib import Path

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.inference.admission import admit


def open_admitted(path: Path, cancelled: Cancelled = never) -> Bundle:
    """Read a model file with what the user has said of it; one that is new here is tried in a process of its own first.

    Raises:
        ModelError: as ``admit`` and ``bundle.read``.
        CancelledError: ``cancelled`` said so.
    """
    admit(path, cancelled)
    return remembered_labels.read(path)
