"""A session gives the model's numbers, and goes on with the CPU when its provider fails."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle, write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.core.errors import ModelError, ProviderError
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference import runtime
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.session import Outputs, Session

from .making import BROKEN, LABELS, SIDE, failing_factory, fixed_bundle, images, refusing, tiny_model


def reference(bundle: Bundle, batch: NDArray[Any]) -> NDArray[Any]:
    """The logits that ONNX Runtime gives for the file itself."""
    session = runtime.library().InferenceSession(str(bundle.path), providers=[CPU])
    logits: NDArray[Any] = session.run(None, {"input": batch})[0]
    return logits


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_numbers_are_those_of_the_model(bundle: Bundle, count: int) -> None:
    batch = images(count)
    assert bundle.features is not None
    outputs = Session(bundle, extra_outputs=[bundle.features.name]).run(batch)
    np.testing.assert_allclose(outputs["logits"], reference(bundle, batch), rtol=1e-5, atol=1e-6)
    activations = outputs[bundle.features.name]
    assert activations.shape == (count, bundle.features.channels, bundle.features.height, bundle.features.width)
    assert set(outputs) == {"logits", bundle.features.name}


@pytest.mark.parametrize("bad", [np.zeros((0, 3, SIDE, SIDE), "f"), np.zeros((1, 3, 8, 8), "f"), images(1).astype("d")])
def test_a_batch_that_does_not_fit_is_the_callers_mistake(bundle: Bundle, bad: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="the model takes float32"):
        Session(bundle).run(bad)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_model_with_a_fixed_batch_takes_any_number_of_images(tmp_path: Path, bundle: Bundle, count: int) -> None:
    batch = images(count)
    found = Session(fixed_bundle(tmp_path, 2)).run(batch)["logits"]
    np.testing.assert_allclose(found, reference(bundle, batch), rtol=1e-5, atol=1e-6)


def test_a_provider_that_cannot_load_the_model_hands_over_to_the_cpu(bundle: Bundle) -> None:
    told: list[str] = []
    session = Session(bundle, BROKEN, on_fallback=told.append, factory=refusing(BROKEN))
    assert session.provider == CPU
    assert told == [session.fallback_reason]
    assert told[0].startswith("CUDA failed: ")
    np.testing.assert_allclose(session.run(images(2))["logits"], reference(bundle, images(2)), rtol=1e-5, atol=1e-6)


def test_a_provider_that_fails_later_hands_over_and_the_batch_is_run(bundle: Bundle) -> None:
    told: list[str] = []
    session = Session(bundle, BROKEN, on_fallback=told.append, factory=failing_factory(2))
    expected = reference(bundle, images(3))
    providers = []
    for _ in range(4):
        np.testing.assert_allclose(session.run(images(3))["logits"], expected, rtol=1e-5, atol=1e-6)
        providers.append(session.provider)
    assert providers == [BROKEN, BROKEN, CPU, CPU]
    assert told == ["CUDA failed: CUDA failure 719: unspecified launch failure. Continuing on the CPU."]


def test_the_fallback_does_not_need_the_file(tmp_path: Path) -> None:
    metadata = Metadata(arch="tiny", categories=LABELS, transforms=Transforms(resize=36, crop=SIDE))
    bundle = write(tmp_path / "tiny.onnx", tiny_model(), metadata)
    session = Session(bundle, BROKEN, factory=failing_factory(0))
    bundle.path.unlink()
    assert session.run(images(1))["logits"].shape == (1, len(LABELS))


def test_when_the_cpu_fails_too_it_is_said(bundle: Bundle) -> None:
    session = Session(bundle, BROKEN, factory=failing_factory(1, cpu_too=True))
    session.run(images(1))
    session.run(images(1))
    with pytest.raises(ProviderError, match="could not run on the CPU") as caught:
        session.run(images(1))
    assert caught.value.code == "provider_failed"
    with pytest.raises(ProviderError, match="not even on the CPU"):
        Session(bundle, BROKEN, factory=failing_factory(0, cpu_too=True)).run(images(1))


def test_a_model_that_nothing_can_load_is_unsupported(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match=r"cannot load tiny\.onnx") as caught:
        Session(bundle, factory=refusing(CPU))
    assert caught.value.code == "unsupported_model"


def test_threads_may_share_a_session(bundle: Bundle) -> None:
    session = Session(bundle, BROKEN, factory=failing_factory(5))
    found: list[tuple[int, Outputs]] = []

    def work(seed: int) -> None:
        found.extend((seed, session.run(images(2, seed))) for _ in range(4))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    for seed, outputs in found:
        np.testing.assert_allclose(outputs["logits"], reference(bundle, images(2, seed)), rtol=1e-5, atol=1e-6)
