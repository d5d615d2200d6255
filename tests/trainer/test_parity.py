"""Whether a file that answers otherwise than the network is noticed, and on which photos it is tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.session import Session
from resnet_desktop.runs.evaluation import evaluate_bundle
from resnet_desktop.trainer.export import parity
from resnet_desktop.trainer.loop.remaining_work import PROOF_PHOTOS

from .conftest import SIDE, fine_tune_job, run_here


def nothing() -> None:
    """Nobody interrupts."""


@pytest.mark.parametrize("count", [3, 64, 127, 1000])
def test_photos_of_all_classes_are_tried(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Sample] = []

    def batches(samples: Sequence[Sample], *_: object) -> Iterator[tuple[list[Sample], Any]]:
        chosen.extend(samples)
        yield list(samples), np.zeros((1, 3, 8, 8), np.float32)

    monkeypatch.setattr(evaluate_bundle, "batches", batches)
    samples = [Sample(f"{i}.png", None, 10 * i // count) for i in range(count)]
    parity.inputs(samples, Transforms(), 1)
    assert len(chosen) == len(set(chosen)) == min(PROOF_PHOTOS, count)
    per_class = np.bincount([s.label for s in chosen], minlength=10)
    assert per_class.max() - per_class[per_class > 0].min() <= 1
    assert len(set(np.flatnonzero(per_class))) == min(10, count)


def test_the_temperature_of_the_file_is_part_of_the_proof(base_model: Path) -> None:
    bundle = bundles.read(base_model)
    session = Session(bundle)
    rows = [np.random.default_rng(0).normal(size=(4, 3, SIDE, SIDE)).astype(np.float32)]
    logits = session.run(rows[0])[bundle.output_name]
    witness = parity.Witness(rows, logits, logits, 2.0)
    assert witness.prove(bundle, session, 2.0, nothing).bundle == 0
    with pytest.raises(TrainingError) as caught:
        witness.prove(bundle, session, 1.5, nothing)
    assert caught.value.code == "parity_failed"


def test_a_final_file_that_answers_otherwise_is_not_kept(
    stripe_folder: Path, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = bundles.write

    def spoiled(path: Path, model: Any, metadata: Metadata) -> Bundle:
        if path.name == "model.onnx":
            metadata = dataclasses.replace(metadata, temperature=metadata.temperature * 2)
        return write(path, model, metadata)

    monkeypatch.setattr(bundles, "write", spoiled)
    with pytest.raises(TrainingError) as caught:
        run_here(fine_tune_job(stripe_folder, tmp_path / "out", base_model, epochs=1))
    assert caught.value.code == "parity_failed"
    assert not (tmp_path / "out" / "model.onnx").exists()
