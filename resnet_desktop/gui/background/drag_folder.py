"""Files that are made to be dragged to other programs; they go when the app ends."""

from __future__ import annotations

import tempfile
from pathlib import Path

from resnet_desktop.core.atomic import storage_error
from resnet_desktop.sorting.names import LONGEST_FILE, folder_name, numbered


class DragFolder:
    """A folder of the system for files that do not last, made when it is first needed."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def new_path(self, name: str, ending: str) -> Path:
        """Where a file called ``name`` can be written, with another ending; over none that is there.

        Raises:
            StorageError.
        """
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="resnet-desktop-", ignore_cleanup_errors=True)
        except OSError as error:
            raise storage_error(Path(tempfile.gettempdir()), error) from error
        number, wanted = 1, f"{folder_name(Path(name).stem)}{ending}"
        while (path := Path(self._folder.name) / numbered(wanted, number, LONGEST_FILE)).exists():
            number += 1
        return path

    def close(self) -> None:
        """Delete the files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
