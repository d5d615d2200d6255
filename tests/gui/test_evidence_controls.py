"""The controls of the heatmap by themselves."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from resnet_desktop.gui.inspect.heatmap.evidence_controls import EvidenceControls
from resnet_desktop.session.results import EvidenceRequest


def test_nothing_is_said_of_a_model_that_is_not_there_yet(qtbot: QtBot) -> None:
    controls = EvidenceControls()
    qtbot.addWidget(controls)
    controls.show_request(EvidenceRequest(), ("gradcam", "occlusion"))
    assert controls.advice == ""
    controls.show_model((), ("ant", "bee"))
    controls.show_request(EvidenceRequest(), ("occlusion",))
    assert "Occlusion works without one" in controls.advice
