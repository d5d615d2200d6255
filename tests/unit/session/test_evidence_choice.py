"""Steps from one wanted heatmap to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_desktop.session.evidence_choice import EvidenceChoice
from resnet_desktop.session.results import EvidenceRequest, LayerChoice


def layer(name: str, *methods: str, recommended: bool = False) -> LayerChoice:
    return LayerChoice(name, name, "8 × 8", "", recommended, methods, None)


LAYERS = (
    layer("a", "eigencam"),
    layer("b", "gradcam", "eigencam"),
    layer("c", "gradcam", "eigencam", recommended=True),
)
START = EvidenceChoice(LAYERS)


def test_layers_from_the_recommended_one_to_either_end() -> None:
    assert START.layer is LAYERS[2]
    assert START.deeper(1) is START
    shallower = START.deeper(-1)
    assert shallower.request == EvidenceRequest(layer="b")
    assert shallower.deeper(1) == START, "the recommended layer goes without its name"
    assert shallower.deeper(-1).request == EvidenceRequest(layer="a", method="eigencam"), "what works there"
    assert START.at_layer("nowhere") is START


def test_methods_go_round() -> None:
    assert START.next_method(1).request.method == "eigencam"
    assert START.next_method(2) == START.next_method(-2) == START
    assert START.by_method("scorecam") is START, "not at this layer"
    assert replace(START, request=EvidenceRequest(method="scorecam")).next_method(-1) == START


def test_without_layers_there_is_occlusion() -> None:
    empty = EvidenceChoice().of_model(())
    assert empty.request.method == "gradcam", "which says why there is none"
    assert empty.methods == ("occlusion",)
    assert empty.deeper(-1) is empty
    assert empty.by_method("occlusion").deeper(-1).request.method == "occlusion"


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (
            EvidenceRequest(target=3, against=1, layer="b", method="eigencam"),
            EvidenceRequest(layer="b", method="eigencam"),
        ),
        (EvidenceRequest(layer="layer4.2", method="scorecam"), EvidenceRequest()),
        (EvidenceRequest(layer="a", method="gradcam"), EvidenceRequest(layer="a", method="eigencam")),
    ],
)
def test_another_model_keeps_what_it_has(wanted: EvidenceRequest, there: EvidenceRequest) -> None:
    assert EvidenceChoice((), wanted).of_model(LAYERS) == EvidenceChoice(LAYERS, there)
