"""Small pictures inside a report."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.data.dataset import Sample, SampleReader
from resnet_desktop.explain.report.svg import text
from resnet_desktop.imaging.decode import decode, encode_jpeg, thumbnail

SIDE = 132
QUALITY = 72

Row = Mapping[str, Any]


class Thumbnails:
    """Small copies of pictures inside the page. For one thread, and for a ``with`` block, which closes archives.

    Args:
        samples: pictures by name.
    """

    def __init__(self, samples: Mapping[str, Sample]) -> None:
        self._samples = samples
        self._reader = SampleReader()

    def __enter__(self) -> Thumbnails:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def gallery(self, rows: Sequence[Row], none: str, *, doubts: bool = False) -> str:
        """Pictures with what they are, what the model says, and how sure it is; the words ``none`` for no rows."""
        if not rows:
            return f"<p>{none}</p>"
        figures = "".join(
            f"<figure>{self._picture(row['path'])}<figcaption>{_caption(row, doubts)}</figcaption></figure>"
            for row in rows
        )
        return f'<div class="gallery">{figures}</div>'

    def _picture(self, path: str) -> str:
        sample, name = self._samples.get(path), short_name(path)
        if sample is None:
            return f"<p>{text(name)}</p>"
        try:
            pixels = thumbnail(decode(self._reader.read(sample), shorter_side=SIDE), SIDE)
        except ResNetDesktopError:  # gone since it was judged
            return f"<p>{text(name)}</p>"
        return image(pixels, name, QUALITY)


def image(pixels: NDArray[np.uint8], name: str, quality: int) -> str:
    """uint8 ``(height, width, 3)`` as a picture inside the page."""
    data = base64.b64encode(encode_jpeg(pixels, quality)).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" title="{text(name)}" alt="{text(name)}">'


def short_name(path: str) -> str:
    """The name of a file without its folders."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _caption(row: Row, doubts: bool) -> str:
    label, predicted, sure = text(row["label"]), text(row["predicted"]), f"{row['probability']:.0%}"
    if not doubts:
        return f"<b>{label}</b><br>{predicted} {sure}"
    return f"labelled <b>{label}</b><br>predicted: {predicted}, {sure}"
