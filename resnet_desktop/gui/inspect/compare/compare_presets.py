"""What to compare: the best classes, a few depths, a few methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QImage

from resnet_desktop.session.evidence_choice import choice_of
from resnet_desktop.session.results import EvidenceRequest, LayerChoice, Listed, ModelInfo, Source, classes_in

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.target import Target

MOST = 4
CLASSES, DEPTHS, METHODS = "classes", "depths", "methods"
TELLING_METHODS = ("gradcam", "layercam", "hirescam", "eigencam", "xgradcam", "gradcam++", "occlusion", "scorecam")
"""Those that differ most and answer quickly come first."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparePhoto:
    """The photo that is looked at: its number, source and name, its picture, and its classes, best first.

    ``target`` is what is explained unless something else is chosen, by default the best class; ``said``: the answer.
    """

    number: int
    source: Source
    name: str
    image: QImage
    classes: tuple[int, ...]
    target: Target | None = None
    said: Listed | None = None

    @property
    def usual(self) -> Target | None:
        """What is explained unless something else is chosen."""
        return next(iter(self.classes), None) if self.target is None else self.target


def named(target: Target | None, info: ModelInfo | None, photo: ComparePhoto | None) -> str:
    """What a class or group is called, as far as it is known before its heatmap is there."""
    if photo is not None and photo.said is not None and photo.said.target == target:
        return photo.said.label
    labels = [] if info is None else [info.categories[i] for i in classes_in(target)]
    most = QCoreApplication.translate("compare_presets", " or ").join(labels[:MOST])
    return most if len(labels) <= MOST else f"{most} …"


def wanted(preset: str, base: EvidenceRequest, info: ModelInfo, photo: ComparePhoto) -> list[EvidenceRequest]:
    """What a preset asks for, the most telling first: it changes one thing in ``base`` and keeps the rest.

    CLASSES: the best ones. DEPTHS: see ``spread``. METHODS: those that work at the layer.
    """
    if base.target is None:
        base = replace(base, target=photo.usual)
    if preset == CLASSES:
        return [replace(base, target=i, against=None if i == base.against else base.against) for i in photo.classes]
    if preset == DEPTHS:
        return [replace(base, layer=None if c.recommended else c.name) for c in spread(info.layers)]
    layer = choice_of(info.layers, base.layer)
    known = layer.methods if layer is not None else ()
    return [replace(base, method=name) for name in TELLING_METHODS if name in known]


def carried_over(request: EvidenceRequest, info: ModelInfo, photo: ComparePhoto) -> EvidenceRequest:
    """The same question for another photo or model, as far as they know its class and its layer."""
    count = len(info.categories)
    target, against = (
        one if all(i < count for i in classes_in(one)) else None for one in (request.target, request.against)
    )
    if target is None:
        target = photo.usual
    layer = request.layer if choice_of(info.layers, request.layer) is not None else None
    return replace(request, target=target, against=None if against == target else against, layer=layer)


def translated(request: EvidenceRequest, before: ModelInfo, after: ModelInfo) -> EvidenceRequest:
    """The same question for another model: its classes by their names; None for one that it does not know."""
    if before.categories == after.categories:
        return request
    places = {name: place for place, name in enumerate(after.categories)}

    def known(target: Target | None) -> Target | None:
        """The class or group there; None if one of its classes is missing."""
        found = [places[name] for i in classes_in(target) if (name := before.categories[i]) in places]
        if not found or len(found) < len(classes_in(target)):
            return None
        return found[0] if isinstance(target, int) else tuple(sorted(found))

    return replace(request, target=known(request.target), against=known(request.against))


def spread(layers: Sequence[LayerChoice]) -> list[LayerChoice]:
    """Four layers: the last of each of the last four grids (in a ResNet of each stage), or evenly from first to last.

    All of them, where there are no more.
    """
    if len(layers) <= MOST:
        return list(layers)
    last = list({choice.grid: choice for choice in layers}.values())
    if len(last) >= MOST:
        return last[-MOST:]
    places = {round(place * (len(layers) - 1) / (MOST - 1)) for place in range(MOST)}
    return [layers[place] for place in sorted(places)]
