"""What the methods say of themselves."""

from __future__ import annotations

import re
from typing import get_type_hints

import pytest

from resnet_desktop.cli.commands.explain import explain as command
from resnet_desktop.explain.cam import perturbation
from resnet_desktop.explain.cam.activation_maps import GRADIENT_MAPS
from resnet_desktop.explain.cam.methods import DEFAULT_METHOD, METHODS, MethodInfo

GRADIENT_FREE = {"eigencam", "scorecam", "occlusion"}


def test_every_method_is_there_once() -> None:
    assert list(METHODS) == [info.name for info in METHODS.values()]
    assert set(METHODS) == {*GRADIENT_MAPS, "fusion", "smoothgradcam", *GRADIENT_FREE}
    assert next(iter(METHODS)) == DEFAULT_METHOD
    assert {name for name, info in METHODS.items() if not info.needs_gradient} == GRADIENT_FREE
    assert [name for name, info in METHODS.items() if not info.needs_layer] == ["occlusion"]


@pytest.mark.parametrize("info", METHODS.values(), ids=list(METHODS))
def test_it_cites_its_paper_and_speaks_plainly(info: MethodInfo) -> None:
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|doi 10\.", info.paper)
    assert re.search(r"\b(19|20)\d\d\b", info.paper)
    assert "map = " in info.formula or info.name in ("fusion", "smoothgradcam")
    assert info.summary.endswith(".")
    assert info.summary.count(".") == 1
    assert not re.search(r"gradient|logit|tensor|softmax", info.summary)


def test_the_numbers_in_the_texts_are_those_of_the_code() -> None:
    patches = (perturbation.CELLS - perturbation.PATCH_CELLS + 1) ** 2
    assert METHODS["occlusion"].cost.startswith(f"{patches} runs")
    assert METHODS["smoothgradcam"].cost.startswith(f"{perturbation.SAMPLES} runs")
    assert str(perturbation.NOISE) in METHODS["smoothgradcam"].formula


def test_the_command_line_offers_them_all() -> None:
    (option,) = get_type_hints(command, include_extras=True)["method"].__metadata__
    assert str(option.help) == f"One of {', '.join(METHODS)}."
