"""Explanations for the window: what the explain floor computes, as the panels show it.

Everything here runs on the session thread alone.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_desktop.bundle.format.class_hierarchy import taxonomy_of
from resnet_desktop.core.errors import AnswerError, LayerError
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject
from resnet_desktop.explain.cam.heatmap import save_map
from resnet_desktop.explain.cam.target import label_of, probability
from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck, check_heatmap
from resnet_desktop.explain.residual.analysis import BlockAnalysis, BlockAnalyzer, FeatureSheet
from resnet_desktop.explain.residual.network_parts import advice, structure
from resnet_desktop.imaging.decode import decode
from resnet_desktop.imaging.heat.overlay import scale_map
from resnet_desktop.imaging.transforms import Box, Fit
from resnet_desktop.session.results import (
    Evidence,
    EvidenceRequest,
    Failure,
    LayerChoice,
    Listed,
    Source,
    classes_in,
    meant_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from resnet_desktop.bundle.file.bundle import Bundle
    from resnet_desktop.bundle.format.metadata import Metadata
    from resnet_desktop.bundle.structure.blocks import ResidualBlock
    from resnet_desktop.explain.cam.target import Target
    from resnet_desktop.explain.report.page import Look
    from resnet_desktop.inference.classifier import Classifier, Prediction

REPORT_SIDE = 448
"""Pixels of a photo's shorter side in a report."""
KEPT_SUBJECTS = 8
"""How many photos keep what the network saw of them (0.6 MB each at 224 pixels)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    number: int
    source: Source
    prediction: Prediction

    def target(self, wanted: Target | None) -> Target:
        """The class or group that is meant: by default what the answer says."""
        return meant_by(self.prediction) if wanted is None else wanted

    def label(self, metadata: Metadata, target: Target) -> str:
        """What a target is called; the group of the answer is known by name already."""
        group = self.prediction.group
        return group.label if group is not None and group.classes == target else label_of(metadata, target)


class Analysis:
    """The explainer of one model, and what it has to know of the photos.

    Args:
        classifier: the model.
        classified: the prediction for a photo by its number in the list, remembered or made anew.
    """

    def __init__(self, classifier: Classifier, classified: Callable[[int, Source], Prediction]) -> None:
        self._classified = classified
        self._classifier = classifier
        self._explainer = Explainer(classifier)
        self._blocks = BlockAnalyzer(self._explainer)
        self._subjects: OrderedDict[int, Subject] = OrderedDict()
        self._titles: dict[str, str] = {}  # of the layers

    def forget_photos(self) -> None:
        """What the network sees of them has changed."""
        self._subjects.clear()

    def layers(self) -> tuple[LayerChoice, ...]:
        """The layers that can be explained, from first to last, in words."""
        bundle, explainer = self._classifier.bundle, self._explainer
        found = structure(bundle)
        choices = []
        for layer in explainer.layers:
            words = advice(found, layer, explainer.layers, bundle.input_shape[1])
            choices.append(
                LayerChoice(
                    name=layer.name,
                    title=words.title,
                    grid=words.grid,
                    text=words.text,
                    recommended=words.recommended,
                    methods=explainer.methods(layer),
                    no_gradient=explainer.why_no_gradient(layer),
                )
            )
        self._titles = {choice.name: choice.title for choice in choices}
        return tuple(choices)

    def evidence(
        self,
        number: int,
        source: Source,
        request: EvidenceRequest,
        cancelled: Cancelled = never,
        progress: Progress = unheard,
    ) -> Evidence:
        """One heatmap of a photo. Raises ImageError, ModelError, ProviderError, CancelledError."""
        photo = self._photo(number, source)
        try:
            heatmap = self._heatmap(photo, request, cancelled, progress)
        except (LayerError, AnswerError) as error:
            return self._without(photo, request, Failure.of(error))
        return self._shown(photo, request, heatmap)

    def depths(
        self, number: int, source: Source, request: EvidenceRequest, cancelled: Cancelled = never
    ) -> tuple[Evidence, ...]:
        """The heatmaps at every depth, from one run. Raises LayerError too, if there are none with this method."""
        photo = self._photo(number, source)
        subject, target = self._subject(photo), photo.target(request.target)
        stop_if(cancelled)
        found = self._explainer.depths(subject, target, method=request.method, against=request.against)
        return tuple(self._shown(photo, request, heatmap) for heatmap in found)

    def blocks(
        self, number: int, source: Source, target: Target | None, cancelled: Cancelled, progress: Progress
    ) -> BlockAnalysis:
        """The residual blocks at work on a photo. Raises LayerError ``no_blocks``."""
        photo = self._photo(number, source)
        subject, wanted = self._subject(photo), photo.target(target)
        return self._blocks.analyse(subject, wanted, cancelled=cancelled, progress=progress)

    def sheet(self, number: int, source: Source, layer: str, target: Target | None) -> FeatureSheet:
        """The feature maps of a layer, the strongest for a class first. Raises LayerError."""
        photo = self._photo(number, source)
        return self._blocks.feature_maps(self._subject(photo), layer, photo.target(target))

    @property
    def bundle(self) -> Bundle:
        """The model."""
        return self._classifier.bundle

    @property
    def residual_blocks(self) -> tuple[ResidualBlock, ...]:
        """Its residual blocks, from first to last."""
        return self._blocks.blocks

    def subject(self, number: int, source: Source) -> Subject:
        """What the network saw of a photo, and its prediction. Raises ImageError."""
        return self._subject(self._photo(number, source))

    def answers(self, number: int, source: Source) -> tuple[Listed, ...]:
        """Every class, and every group of several that says something, the most probable first. Raises ImageError."""
        metadata, probabilities = self.bundle.metadata, self._photo(number, source).prediction.probabilities
        found = [Listed(i, label, float(probabilities[i])) for i, label in enumerate(metadata.categories)]
        taxonomy = taxonomy_of(metadata)
        if taxonomy is not None:
            several = {
                group.classes
                for group, generic in zip(taxonomy.groups, taxonomy.generic, strict=True)
                if len(group.classes) > 1 and not generic
            }
            groups = (taxonomy.of_classes(classes) for classes in several)
            found += [
                Listed(group.classes, group.label, min(1.0, float(probability(probabilities, group.classes))))
                for group in groups
                if group is not None
            ]
        return tuple(sorted(found, key=lambda one: (-one.probability, classes_in(one.target))))

    def check(
        self, number: int, source: Source, request: EvidenceRequest, cancelled: Cancelled, progress: Progress
    ) -> tuple[Heatmap, HeatmapCheck]:
        """A heatmap, and whether it means anything. Raises LayerError if there is no such map."""
        subject, heatmap = self._both(self._photo(number, source), request, cancelled)
        return heatmap, check_heatmap(self._explainer, subject, heatmap, cancelled=cancelled, progress=progress)

    def report(
        self,
        number: int,
        source: Source,
        name: str,
        request: EvidenceRequest,
        look: Look,
        cancelled: Cancelled,
        progress: Progress,
    ) -> str:
        """One page of HTML on a photo: the map, other depths, the blocks, the checks. Raises LayerError, ImageError."""
        from resnet_desktop.explain.report.page import html_report  # and Jinja, which a start need not wait for

        photo = self._photo(number, source)
        subject, heatmap = self._both(photo, request, cancelled)
        others: tuple[Heatmap, ...] = ()
        with contextlib.suppress(LayerError):  # a model without gradients has one depth
            others = self._explainer.depths(subject, heatmap.target, against=request.against)
        blocks = None
        with contextlib.suppress(LayerError):  # a model without residual blocks has no chart
            blocks = self._blocks.analyse(subject, heatmap.target, cancelled=cancelled)
        check = check_heatmap(self._explainer, subject, heatmap, cancelled=cancelled, progress=progress)
        pixels = decode(source, shorter_side=REPORT_SIDE, range=self._classifier.range).pixels
        shown = (heatmap, *_spread(others, heatmap.layer))
        return html_report(self._explainer, name, pixels, subject, shown, blocks, check, look=look)

    def save_map(
        self, number: int, source: Source, request: EvidenceRequest, path: Path, cancelled: Cancelled = never
    ) -> None:
        """Write the raw map as NPZ. Raises LayerError, StorageError, CancelledError."""
        subject, heatmap = self._both(self._photo(number, source), request, cancelled)
        save_map(path, heatmap, subject.prediction.logits)

    def _photo(self, number: int, source: Source) -> _Photo:
        return _Photo(number, source, self._classified(number, source))

    def _both(self, photo: _Photo, request: EvidenceRequest, cancelled: Cancelled) -> tuple[Subject, Heatmap]:
        return self._subject(photo), self._heatmap(photo, request, cancelled, unheard)

    def _heatmap(self, photo: _Photo, request: EvidenceRequest, cancelled: Cancelled, progress: Progress) -> Heatmap:
        target, prediction = photo.target(request.target), photo.prediction
        free = prediction.activations is not None and request.against is None and request.method == "gradcam"
        if free and self._is_last_stage(request.layer):
            return self._explainer.heatmap(prediction, target)
        return self._explainer.explain(
            self._subject(photo),
            target,
            layer=request.layer,
            method=request.method,
            against=request.against,
            cancelled=cancelled,
            progress=progress,
        )

    def _is_last_stage(self, layer: str | None) -> bool:
        features = self._explainer.classifier.bundle.features
        return features is not None and self._explainer.layer(layer).name == features.layer

    def _subject(self, photo: _Photo) -> Subject:
        """What the network saw of a photo: remembered, or decoded again. Raises ImageError."""
        subject = self._subjects.get(photo.number)
        if subject is None:
            batch = self._classifier.new_batch(1)
            self._classifier.prepare(photo.source, batch[0])
            subject = self._subjects[photo.number] = Subject(batch[0], photo.prediction)
        self._subjects.move_to_end(photo.number)
        while len(self._subjects) > KEPT_SUBJECTS:
            self._subjects.popitem(last=False)
        return subject

    def _shown(self, photo: _Photo, request: EvidenceRequest, heatmap: Heatmap) -> Evidence:
        metadata = self._classifier.bundle.metadata
        scaled = scale_map(heatmap.cam)
        against = heatmap.against
        return Evidence(
            item=photo.number,
            target=heatmap.target,
            label=photo.label(metadata, heatmap.target),
            values=scaled.values,
            empty=scaled.empty,
            layer=heatmap.layer,
            where=self._titles.get(heatmap.layer, heatmap.layer),
            box=self._box(photo),
            fit=self._classifier.fit,
            request=request,
            raw=heatmap.cam,
            peak=scaled.peak,
            against=against,
            against_label="" if against is None else label_of(metadata, against),
            method=heatmap.method,
            seconds=heatmap.seconds,
        )

    def _without(self, photo: _Photo, request: EvidenceRequest, problem: Failure) -> Evidence:
        target = photo.target(request.target)
        label = photo.label(self._classifier.bundle.metadata, target)
        return Evidence(
            item=photo.number,
            target=target,
            label=label,
            values=None,
            empty=False,
            layer=request.layer or "",
            box=self._box(photo),
            fit=self._classifier.fit,
            request=request,
            method=request.method,
            problem=problem,
        )

    def _box(self, photo: _Photo) -> Box:
        width, height = photo.prediction.full_size
        fit: Fit = self._classifier.fit
        box = self._classifier.bundle.metadata.transforms.seen_box(width, height, fit)
        return Box(box.left / width, box.top / height, box.right / width, box.bottom / height)


def _spread(heatmaps: tuple[Heatmap, ...], without: str) -> tuple[Heatmap, ...]:
    """The last map of each grid, from coarse to fine, but that of one layer."""
    last = {heatmap.cam.shape: heatmap for heatmap in heatmaps}
    return tuple(heatmap for heatmap in reversed(last.values()) if heatmap.layer != without)
