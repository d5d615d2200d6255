"""A model that is open: classify pictures, see why, open up its blocks, test its heatmaps."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.api import pictures
from resnet_desktop.api.pictures import Picture, as_source
from resnet_desktop.api.results import Classification, Explanation
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.layers import Layer
from resnet_desktop.bundle.file.torch_file import is_torch_file
from resnet_desktop.bundle.format.class_hierarchy import class_or_group
from resnet_desktop.bundle.labels.label_file import read_labels
from resnet_desktop.bundle.library.importing import ModelHints, fitting, with_hints
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import AnswerError, ImageError, ResNetDesktopError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.cam.heatmap import Subject
from resnet_desktop.explain.cam.methods import DEFAULT_METHOD
from resnet_desktop.explain.cam.target import Target, label_of
from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck, check_heatmap
from resnet_desktop.explain.residual.analysis import BlockAnalysis, BlockAnalyzer
from resnet_desktop.imaging.decode import Source
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.transforms import Fit, Transforms
from resnet_desktop.inference.admission import copy
from resnet_desktop.inference.batch import classify_many
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.opening import open_admitted

ClassName = str | int | Sequence[int]
"""A label, a group's name or identifier, an index, or the indices of a group's classes."""


class Model:
    """A classifier, ready. It may be used from several threads; ``open`` makes one.

    Args:
        bundle: the model.
        provider: ``auto``, ``cpu``, ``cuda`` or another of ONNX Runtime's, or a name such as ``CUDAExecutionProvider``.
        top: how many classes a classification lists.
        fit: ``crop`` as the network was trained, or ``whole`` for the whole picture with margins.
        range: which values of files of more than 8 bits are black and white: ``tags``, ``stored`` or ``stretched``.

    Raises:
        ProviderError: the provider does not work here.
        ModelError: the file cannot be run.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        provider: str = "auto",
        top: int = 5,
        fit: Fit = "crop",
        range: Range | None = None,  # noqa: A002 - the option's name
    ) -> None:
        self.bundle = bundle
        self.classifier = Classifier(bundle, provider=provider, top_k=top, fit=fit, range=range)
        self._explainer = Explainer(self.classifier)

    def __repr__(self) -> str:
        return f"<Model {self.name}: {len(self.labels)} classes, {self.side} pixels, {self.provider}>"

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.bundle.path.stem

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the classes, in their order."""
        return self.bundle.metadata.categories

    @property
    def side(self) -> int:
        """Pixels along the side of the square that the network sees."""
        return self.bundle.input_shape[-1]

    @property
    def provider(self) -> str:
        """ONNX Runtime's name of the provider that runs the model."""
        return self.classifier.provider

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers at which heatmaps can be made, from input to output."""
        return self._explainer.layers

    def methods(self, layer: str | None = None) -> tuple[str, ...]:
        """The heatmap methods that work at a layer; None is the recommended one. Raises LayerError: unknown_layer."""
        return self._explainer.methods(self._explainer.layer(layer))

    @overload
    def classify(self, images: Picture) -> Classification: ...  # type: ignore[overload-overlap]
    @overload
    def classify(self, images: Iterable[Picture]) -> list[Classification]: ...
    def classify(self, images: Picture | Iterable[Picture]) -> Classification | list[Classification]:
        """Classify a picture, or several side by side.

        Args:
            images: a path, the bytes of a file, an array uint8 ``(height, width, 3)``, an image of Pillow; or several.

        Returns:
            Of one picture its classification; of several a list in their order, where what cannot be read has an
            ``error`` in place of an answer.

        Raises:
            ImageError: the one picture cannot be read.
            AnswerError: the model gave numbers that are not finite for it.
            ProviderError, ModelError: the model cannot be run.
            ValueError: an array or image that is no picture of eight bits.
        """
        if not pictures.is_one(images):
            return list(self.stream(cast("Iterable[Picture]", images)))
        source = as_source(images)
        return Classification(source, self._subject(source).prediction)

    def stream(self, images: Iterable[Picture]) -> Iterator[Classification]:
        """As ``classify`` of several, one after the other as they are ready: ``images`` may be endless.

        Files run side by side on all cores; arrays one by one.
        """
        for is_array, group in groupby(map(as_source, images), key=lambda source: isinstance(source, np.ndarray)):
            if is_array:
                yield from map(self._one, group)
            else:
                for outcome in classify_many(self.classifier, cast("Iterator[Source]", group)):
                    yield Classification(outcome.source, outcome.prediction, outcome.error)

    def explain(
        self,
        image: Picture,
        target: ClassName | None = None,
        *,
        layer: str | None = None,
        method: str = DEFAULT_METHOD,
        against: ClassName | None = None,
    ) -> Explanation:
        """Where in a picture the network finds its evidence for a class.

        Args:
            image: as for ``classify``.
            target: the class or group; None: the best class.
            layer: its name, as in ``layers``; None: the recommended one.
            method: such as ``gradcam``, ``layercam``, ``occlusion``; see ``methods``.
            against: show what speaks for ``target`` rather than for this.

        Raises:
            ImageError, AnswerError, ProviderError, ModelError, ValueError: as ``classify``.
            ClassNameError: no class, or several, are called so.
            LayerError: there is no such layer or method, or gradients cannot reach the layer.
        """
        source = as_source(image)
        subject = self._subject(source)
        wanted = subject.prediction.top.index if target is None else self._target(target)
        contrast = None if against is None else self._target(against)
        heatmap = self._explainer.explain(subject, wanted, layer=layer, method=method, against=contrast)
        return Explanation(label_of(self.bundle.metadata, wanted), heatmap, subject, source, self.classifier)

    def blocks(self, image: Picture, target: ClassName | None = None, *, lesions: bool = True) -> BlockAnalysis:
        """What each residual block adds to its skip in a picture, and what is lost without it.

        Raises:
            LayerError: ``no_blocks``: the network has no residual blocks.
            ImageError, AnswerError, ProviderError, ModelError, ValueError, ClassNameError: as ``explain``.
        """
        subject = self._subject(as_source(image))
        wanted = subject.prediction.top.index if target is None else self._target(target)
        return self._analyzer.analyse(subject, wanted, lesions=lesions)

    def check(self, explanation: Explanation, *, seed: int = 0) -> HeatmapCheck:
        """Whether a heatmap can be trusted: deletion and insertion, and the map under scrambled weights.

        Raises:
            LayerError, ModelError, ProviderError: as ``explain``.
            StorageError: there is no room for a scrambled copy of the model.
        """
        return check_heatmap(self._explainer, explanation.subject, explanation.heatmap, seed=seed)

    @cached_property
    def _analyzer(self) -> BlockAnalyzer:
        return BlockAnalyzer(self._explainer)

    def _target(self, name: ClassName) -> Target:
        if isinstance(name, str):
            found = class_or_group(self.bundle.metadata, name)
            return found if isinstance(found, int) else found.classes
        return name if isinstance(name, int) else tuple(name)

    def _subject(self, source: Source | NDArray[np.uint8]) -> Subject:
        batch = self.classifier.new_batch(1)
        seen = pictures.prepare(self.classifier, source, batch[0])
        raw = self.classifier.predict(batch)
        return Subject(batch[0], self.classifier.prediction(raw, 0, 0.0, seen.full_size, seen.notes))

    def _one(self, source: Source | NDArray[np.uint8]) -> Classification:
        try:
            return Classification(source, self._subject(source).prediction)
        except (ImageError, AnswerError) as error:
            return Classification(source, None, error)


def open_model(
    name_or_path: str | PathLike[str],
    *,
    labels: Sequence[str] | str | PathLike[str] | None = None,
    transforms: Transforms | Mapping[str, Any] | None = None,
    provider: str = "auto",
    top: int = 5,
    fit: Fit = "crop",
    range: Range | None = None,  # noqa: A002 - the option's name
) -> Model:
    """Open an installed model by its name, or any ONNX classifier or weights of a PyTorch ResNet by path.

    A file that is new here is tried in a process of its own first.

    Args:
        name_or_path: such as ``resnet50-everyday40``, ``network.onnx`` or ``weights.pth``.
        labels: of a model that carries none: the labels, or a file of them, or ``imagenet``.
        transforms: how pictures are prepared for a model that does not say: an object, or the mapping of its JSON.
        provider: see ``Model``, as the others.
        top: how many classes a classification lists.
        fit: what of a picture the network sees.
        range: how files of more than 8 bits are read.

    Raises:
        ModelError: there is none of that name; the file is no sound classifier; the labels do not fit.
        ProviderError: the provider does not work here.
    """
    path = Library().find(fspath(name_or_path))
    known = ModelHints(_labels(labels), _transforms(transforms))
    options: dict[str, Any] = {"provider": provider, "top": top, "fit": fit, "range": range}
    if is_torch_file(path):
        folder = tempfile.mkdtemp(prefix="resnet-desktop-")
        try:
            model = Model(copy(path, Path(folder) / f"{path.stem}.onnx", known), **options)
        except ResNetDesktopError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
        return model
    bundle = open_admitted(path)
    if known.labels is not None or known.transforms is not None:
        fitting(bundle, known)
        bundle = with_hints(bundle, known)
    return Model(bundle, **options)


def _labels(labels: Sequence[str] | str | PathLike[str] | None) -> tuple[str, ...] | None:
    if labels is None:
        return None
    return read_labels(fspath(labels)) if isinstance(labels, str | PathLike) else tuple(labels)


def _transforms(transforms: Transforms | Mapping[str, Any] | None) -> Transforms | None:
    return Transforms.from_json(transforms) if isinstance(transforms, Mapping) else transforms
