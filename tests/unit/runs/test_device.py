"""Which device computes features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.inference import providers
from resnet_desktop.inference.runtime import CPU, CUDA
from resnet_desktop.inference.session import Inputs, Outputs, Session
from resnet_desktop.runs.linear.device import candidates, device_name, faster
from tests.unit.inference.making import tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return tiny_bundle(tmp_path)


class Paced(Session):
    """A session on the CPU whose second run lets a clock that is set by hand go on."""

    def __init__(self, bundle: Bundle, takes: float, clock: list[float]) -> None:
        super().__init__(bundle)
        self.takes, self.clock, self.runs = takes, clock, 0

    def run(self, batch: NDArray[np.float32], others: Inputs | None = None) -> Outputs:
        self.runs += 1
        self.clock[0] += self.takes if self.runs > 1 else 100.0
        return super().run(batch, others)


@pytest.mark.parametrize("gpu_takes", [1.0, 3.0])
def test_the_faster_one_is_kept(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, gpu_takes: float) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    made: dict[str, Paced] = {}

    def opened(provider: str) -> Session:
        made[provider] = Paced(bundle, gpu_takes if provider == CUDA else 2.0, clock)
        return made[provider]

    blank = np.zeros((2, *bundle.input_shape), np.float32)
    assert faster((CUDA, CPU), opened, blank) is made[CUDA if gpu_takes < 2.0 else CPU]
    assert [session.runs for session in made.values()] == [2, 2], "the first run is not what is compared"


def test_one_alone_is_not_timed(bundle: Bundle) -> None:
    session = Paced(bundle, 1.0, [0.0])
    assert faster((CPU,), lambda _provider: session, np.zeros((2, *bundle.input_shape), np.float32)) is session
    assert not session.runs


def test_a_gpu_is_compared_where_it_works_and_is_wanted() -> None:
    assert candidates("cpu") == (CPU,)
    works = CUDA in providers.available() and providers.prove(CUDA).usable
    assert candidates("auto") == ((CUDA, CPU) if works else (CPU,))
    assert device_name(CPU) == "cpu"
    assert device_name(CUDA) == providers.gpu_name()
