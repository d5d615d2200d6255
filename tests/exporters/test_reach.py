"""The table of foreign graphs: none of them is answered wrongly, none that is sound is refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.exporters.case import Case
from tests.exporters.judging import judged
from tests.exporters.tools import versions
from tests.exporters.torch_graphs import begins, ends


@pytest.mark.parametrize("some", [ends, begins, versions])
def test_right_or_refused_for_the_true_reason(some: Callable[[], Iterator[Case]], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {case.name: judged(case, tmp_path) for case in some()}
    rest = {name: words for name, (kind, words) in found.items() if kind not in ("right", "refused")}
    # Small steps of what is rounded to 256 values measure no gradient; test_gradient_quantized compares with PyTorch.
    assert set(rest) <= {"quantized, dynamically"}, rest
    assert all(words.startswith("probabilities") and "off" not in words for words in rest.values())
    assert sum(kind == "right" for kind, _ in found.values()) >= 9
