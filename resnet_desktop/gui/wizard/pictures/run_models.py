"""The models of a run, for looking at photos with them: the base and what came of it. For a worker thread.

They are opened when first needed. The window imports this module on that thread: it brings in NumPy, ONNX and ONNX
Runtime.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.layers import Layer
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.data.dataset import SampleReader
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.report.model_diff import Change, Look, compare, look
from resnet_desktop.gui.style.qt_image import to_qimage
from resnet_desktop.gui.wizard.pictures.picture_grid import sample_of
from resnet_desktop.imaging.decode import Source
from resnet_desktop.inference import admission
from resnet_desktop.inference.classifier import Classifier

SMALL, LARGE = 160, 480
"""The longer side of a picture on a sheet, and by itself, in pixels."""


class RunModels:
    """For one thread; close it at the end.

    Args:
        base: name or path of the model that was trained further; None for none.
        model: the file of the new one.
    """

    def __init__(self, base: str | None, model: Path) -> None:
        self._base, self._model = base, model
        self._before: Explainer | None = None
        self._after: Explainer | None = None
        self._reader = SampleReader()

    def close(self) -> None:
        """Close archives and sessions."""
        self._reader.close()
        self._before = self._after = None

    def small(self, name: str, label: str) -> QImage:
        """A photo with the new model's evidence for ``label``, small.

        Raises:
            ImageError, DataError: it cannot be read.
            ModelError, ProviderError, LayerError: the model does not work.
        """
        seen = look(self.after, self._source(name), SMALL, target=self._target(self.after, label))
        return to_qimage(seen.overlay)

    def looks(self, name: str, labels: tuple[str, ...]) -> tuple[Look, ...]:
        """A photo with the new model's evidence for each of ``labels``, large. Raises as ``small``."""
        source = self._source(name)
        return tuple(look(self.after, source, LARGE, target=self._target(self.after, label)) for label in labels)

    def change(self, name: str, label: str | None, layer: str | None) -> Change:
        """A photo as both see it: each with its best class, or with ``label`` where it has such a class.

        ``layer``: where both look; None is the recommended layer of each. Raises as ``small``.
        """
        targets = tuple(None if label is None else self._target(one, label) for one in (self.before, self.after))
        layers = tuple(layer if _has(one, layer) else None for one in (self.before, self.after))
        first, second = targets
        return compare(
            self.before, self.after, self._source(name), LARGE, targets=(first, second), layers=(layers[0], layers[1])
        )

    def layers(self) -> tuple[Layer, ...]:
        """Where the new model can be looked into, from first to last. Raises ModelError."""
        return self.after.layers

    @property
    def before(self) -> Explainer:
        """The base. Raises ModelError if it is gone, or if there is none."""
        if self._before is None:
            self._before = _opened(Library().find(self._base or ""))
        return self._before

    @property
    def after(self) -> Explainer:
        """The new model. Raises ModelError, ProviderError."""
        if self._after is None:
            self._after = _opened(self._model)
        return self._after

    def _source(self, name: str) -> Source:
        return self._reader.read(sample_of(name))

    @staticmethod
    def _target(explainer: Explainer, label: str) -> int | None:
        """The class of that label; None where the model has none."""
        categories = explainer.classifier.bundle.metadata.categories
        return categories.index(label) if label in categories else None


def _opened(path: Path) -> Explainer:
    admission.admit(path)
    return Explainer(Classifier(bundles.read(path), provider="cpu"))


def _has(explainer: Explainer, layer: str | None) -> bool:
    return any(one.name == layer for one in explainer.layers)
