"""Heatmaps in folders of results: the map alone, some dozens of numbers, to be painted over its photo when wanted.

A painted picture has a thousand times as many bytes, and of millions few are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.explain.cam.heatmap import Heatmap
from resnet_desktop.imaging.transforms import Box


@dataclass(frozen=True, slots=True, eq=False)
class StoredHeatmap:
    """The evidence for the best class of a photo.

    Attributes:
        cam: float32 ``(h, w)``, before ReLU and before scaling.
        box: where it lies, in fractions of the photo's width and height; it may reach beyond.
    """

    cam: NDArray[np.float32]
    box: Box

    def box_of(self, width: int, height: int) -> Box:
        """Where it lies in pixels of the photo, decoded at this size."""
        box = self.box
        return Box(box.left * width, box.top * height, box.right * width, box.bottom * height)


def record(heatmap: Heatmap, box: Box, size: tuple[int, int]) -> dict[str, Any]:
    """A heatmap as it is stored.

    Args:
        heatmap: of the best class.
        box: where it lies, in pixels of the photo.
        size: width and height of the photo in pixels.
    """
    width, height = size
    rows, columns = heatmap.cam.shape
    return {
        "layer": heatmap.layer,
        "method": heatmap.method,
        "rows": rows,
        "columns": columns,
        "values": heatmap.cam.ravel().tolist(),
        "box": [box.left / width, box.top / height, box.right / width, box.bottom / height],
    }


def stored(found: Mapping[str, Any] | None) -> StoredHeatmap | None:
    """A heatmap out of a record's column; None where there is none, or one of another shape than it says."""
    if found is None or len(found["values"]) != found["rows"] * found["columns"] or len(found["box"]) != 4:
        return None
    cam = np.array(found["values"], np.float32).reshape(found["rows"], found["columns"])
    return StoredHeatmap(cam, Box(*found["box"])) if cam.size else None
