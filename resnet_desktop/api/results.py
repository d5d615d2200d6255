"""What the library gives back: small typed objects that a notebook can show."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.api import pictures
from resnet_desktop.core.atomic import write_bytes
from resnet_desktop.core.errors import AnswerError, ImageError
from resnet_desktop.core.text.printable import printable
from resnet_desktop.explain.cam.heatmap import Heatmap, Subject, save_map
from resnet_desktop.imaging.decode import Source, encode_png
from resnet_desktop.imaging.heat.overlay import paint, scale_map, upsample
from resnet_desktop.inference.classifier import Classifier, ClassScore, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """What a model says of one picture.

    Attributes:
        scores: the best classes, best first.
        probabilities: float32 ``(classes,)``.
        logits: float32 ``(classes,)``, before temperature.
        prediction: all that is known, among it the group, notes on reading the file, and whether it is unfamiliar.
        error: why there is no answer, where pictures were given together and this one cannot be read; else None. All
            else but ``source`` is then empty.
        source: the path, bytes or pixels that were classified.
    """

    source: Source | NDArray[np.uint8] = field(repr=False)
    prediction: Prediction | None = field(repr=False)
    error: ImageError | AnswerError | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.prediction is not None

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """The best classes, best first."""
        return () if self.prediction is None else self.prediction.scores

    @property
    def label(self) -> str:
        """The best class. Raises the error, where there is one."""
        return self._answer.top.label

    @property
    def confidence(self) -> float:
        """The probability of the best class, a fraction of 1. Raises the error, where there is one."""
        return self._answer.top.probability

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of all classes, float32 ``(classes,)``. Raises the error, where there is one."""
        return self._answer.probabilities

    @property
    def logits(self) -> NDArray[np.float32]:
        """Of all classes, float32 ``(classes,)``, before temperature. Raises the error, where there is one."""
        return self._answer.logits

    @property
    def _answer(self) -> Prediction:
        if self.prediction is not None:
            return self.prediction
        assert self.error is not None, "one of the two is there"
        raise self.error

    def _repr_html_(self) -> str:
        """For notebooks: the best classes as a table."""
        if self.error is not None:
            return f"<p>{_text(self.error.message)}</p>"
        rows = "".join(
            f"<tr><td style='text-align:left'>{_text(score.label)}</td><td>{score.probability:.1%}</td></tr>"
            for score in self.scores
        )
        return f"<table><tr><th style='text-align:left'>class</th><th>confidence</th></tr>{rows}</table>"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A heatmap with the picture that it explains.

    Attributes:
        label: of the class or group whose evidence it is.
        heatmap: the map on the layer's own grid, with layer, method, activations and gradient.
        subject: what the network saw, and what it said.
    """

    label: str
    heatmap: Heatmap = field(repr=False)
    subject: Subject = field(repr=False)
    source: Source | NDArray[np.uint8] = field(repr=False)
    classifier: Classifier = field(repr=False)

    @property
    def cam(self) -> NDArray[np.float32]:
        """The map on the layer's grid, float32 ``(h, w)``, before ReLU and scaling."""
        return self.heatmap.cam

    @property
    def layer(self) -> str:
        """Where in the network the map was made; ``input`` where the method looks at no layer."""
        return self.heatmap.layer

    @property
    def method(self) -> str:
        """How the map was made."""
        return self.heatmap.method

    @property
    def empty(self) -> bool:
        """Whether nothing in the picture speaks for the class."""
        return self.heatmap.empty

    def on_pixels(self) -> NDArray[np.float32]:
        """The map for each pixel of the picture, float32 ``(height, width)``, 0 to 1; NaN where the network saw none.

        Raises:
            ImageError: the file cannot be read any more.
        """
        height, width = pictures.pixels(self.classifier, self.source).shape[:2]
        box = self.classifier.bundle.metadata.transforms.seen_box(width, height, self.classifier.fit)
        whole = np.full((height, width), np.nan, np.float32)
        left, top, right, bottom = (round(side) for side in (box.left, box.top, box.right, box.bottom))
        values = upsample(scale_map(self.cam).values, (right - left, bottom - top))
        x, y = max(left, 0), max(top, 0)
        whole[y:bottom, x:right] = values[y - top : y - top + height - y, x - left : x - left + width - x]
        return whole

    def overlay(self, colormap: str = "viridis", *, opacity: float = 0.5, smooth: bool = True) -> NDArray[np.uint8]:
        """The picture with the map over it, uint8 ``(height, width, 3)``.

        Args:
            colormap: ``viridis``, ``inferno``, ``turbo`` or ``grey``.
            opacity: of the hottest place, 0 to 1.
            smooth: enlarge the map smoothly, or show its cells.

        Raises:
            ImageError: the file cannot be read any more.
            ValueError: no colormap is called so.
        """
        photo = pictures.pixels(self.classifier, self.source)
        box = self.classifier.bundle.metadata.transforms.seen_box(photo.shape[1], photo.shape[0], self.classifier.fit)
        return paint(photo, scale_map(self.cam).values, box, name=colormap, opacity=opacity, smooth=smooth)

    def save(self, path: str | PathLike[str], colormap: str = "viridis") -> None:
        """Write ``overlay`` as a PNG, or the raw arrays where the name ends in ``.npz``. Raises StorageError."""
        target = Path(fspath(path))
        if target.suffix.lower() == ".npz":
            save_map(target, self.heatmap, self.subject.prediction.logits)
            return
        write_bytes(target, encode_png(self.overlay(colormap)))

    def _repr_html_(self) -> str:
        """For notebooks: the picture with the map."""
        encoded = base64.b64encode(encode_png(self.overlay())).decode("ascii")
        words = f"{self.label}: {self.method} at {self.layer}"
        return f"<figure><img src='data:image/png;base64,{encoded}'><figcaption>{_text(words)}</figcaption></figure>"


def _text(words: str) -> str:
    """Plain text: a label is never read as markup."""
    return html.escape(printable(words))
