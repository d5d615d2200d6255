"""Heatmaps of a folder of results as picture files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from resnet_desktop.batch_inference import columns, heatmaps, storage
from resnet_desktop.batch_inference.manifest import Manifest
from resnet_desktop.batch_inference.worker import source_of
from resnet_desktop.cli.pictures import FreeNames, painted
from resnet_desktop.core import output
from resnet_desktop.core.errors import ImageError, StorageError
from resnet_desktop.imaging.decode import Range, decode


class ResultHeatmaps:
    """Paints stored heatmaps over their photos, as PNG, under the photos' names.

    Args:
        folder: where they go.
        manifest: of the results, whose options say how photos are read.
        kept: files that must not be written over, besides the photos.
    """

    def __init__(self, folder: Path, manifest: Manifest, kept: list[Path]) -> None:
        options = manifest.options
        values = cast("Range", options.range)  # the run has decoded by it
        self._read = partial(decode, max_pixels=options.max_pixels, range=values, page=options.page)
        self._names = FreeNames(folder, kept)
        self.count = self.failed = 0

    def add(self, stored: Mapping[str, Any], row: dict[str, Any]) -> None:
        """Paint that of a record, if it has one, and name the file in its row, which fails where it cannot be made."""
        found = heatmaps.stored(stored[columns.HEATMAP])
        if found is None:
            return
        try:
            row["heatmap"] = self._write(columns.path_of(stored), stored, found)
            self.count += 1
        except (ImageError, StorageError) as error:
            row |= {"ok": False, "error": error.as_dict()}
            self.failed += 1

    def _write(self, path: str, stored: Mapping[str, Any], found: heatmaps.StoredHeatmap) -> str:
        with tempfile.TemporaryDirectory(prefix="resnet-desktop-") as folder:
            here = str(storage.fetch(path, Path(folder))) if storage.is_address(path) else path
            picture = painted(source_of(here, stored), found.cam, found.box_of, self._read)
        file = self._names.take(Path(path), ".png")
        output.write_bytes(file, picture)
        return str(file)
