"""A new head begins where a linear probe ends: in which runs, on what, and the same however often a run is begun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from resnet_desktop.bundle.file.bundle import arrays, read
from resnet_desktop.data.dataset import Sample, scan
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.trainer.evaluation import linear_probe
from resnet_desktop.trainer.evaluation.frozen_features import Extractor
from resnet_desktop.trainer.loop.checkpoint import load_latest
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.network.build import build_network
from resnet_desktop.trainer.run import Run

from .conftest import SIDE, Listener, fine_tune_job, run_here, weights

Begin = Callable[..., Engine]


@pytest.fixture
def begin(stripe_folder: Path, base_model: Path, tmp_path: Path) -> Begin:
    """The engine of a run before its first step."""

    def make(name: str = "out", **changes: Any) -> Engine:
        values = {"train": "last-stage", "batch_size": 8, **changes}
        job = fine_tune_job(stripe_folder, tmp_path / name, base_model, **values)
        reporter = Listener(tmp_path / name)
        try:
            run = Run(parse_job(job), reporter, Control("trial"))
            return run.engine(scan(run.job))
        finally:
            reporter.close()

    return make


@pytest.mark.parametrize("train", ["last-stage", "last-two-stages", "all"])
def test_a_new_head_tells_the_classes_apart_before_the_first_step(begin: Begin, train: str) -> None:
    engine = begin(train=train)
    start = engine.head_start
    assert start is not None
    assert start.photos == len(engine.training)
    assert start.acc1 is not None
    assert start.acc1 >= 0.65
    learnt = engine.evaluate(engine.training, SIDE, SIDE)
    assert learnt is not None
    assert learnt.acc1 >= 0.7
    # Where a softmax regression is as good as it gets, each class is named as often as it comes: its bias is free.
    shares = np.bincount(engine.training.labels.numpy()) / len(engine.training)
    np.testing.assert_allclose(learnt.logits.softmax(1).mean(0).numpy(), shares, atol=0.1)


@pytest.mark.parametrize("changes", [{"head": {"hidden": 8}}, {"train": "head"}])
def test_other_heads_begin_at_random(begin: Begin, changes: dict[str, Any]) -> None:
    assert begin(**changes).head_start is None


def test_it_is_fitted_to_training_photos_alone_and_the_same_again(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[Sample]] = []
    compute = Extractor.__call__

    def watched(self: Extractor, samples: Sequence[Sample], *rest: Any) -> Any:
        asked.append(samples)
        return compute(self, samples, *rest)

    monkeypatch.setattr(Extractor, "__call__", watched)
    first, second = begin("first"), begin("second")
    assert [set(samples) for samples in asked] == [set(first.training.samples)] * 2
    assert not set(asked[0]) & set(first.validation.samples)
    for one, two in zip(first.network.first_linear.parameters(), second.network.first_linear.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_resumed_run_keeps_what_its_head_began_with(
    stripe_folder: Path, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job(name: str) -> dict[str, Any]:
        return fine_tune_job(stripe_folder, tmp_path / name, base_model, train="last-stage", batch_size=8)

    def cancel(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_finished" and record["epoch"] == 2:
            raise CancelledRunError

    run_here(job("whole"))
    with pytest.raises(CancelledRunError):
        run_here(job("parts"), cancel)
    state = load_latest(tmp_path / "parts" / "checkpoints")
    assert state is not None
    assert state.head_start is not None
    monkeypatch.setattr(linear_probe, "fit_head", None)  # it is not asked for again
    run_here(job("parts"))
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(np.array_equal(first[name], second[name]) for name in first)
    cards = [read(tmp_path / name / "model.onnx").metadata.provenance or {} for name in ("whole", "parts")]
    assert cards[0]["head_start"] == cards[1]["head_start"] == state.head_start


def test_an_epoch_has_to_be_better_than_the_start(stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    """A rate at which nothing is left of what the base knows: the model is the base with its fitted layer."""
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="all", learning_rate=3.0, epochs=2)
    said = run_here({**job, "recipe": {**job["recipe"], "patience": 0}})
    assert [r["code"] for r in said if r["event"] == "warning" and r["code"] == "start_kept"] == ["start_kept"]
    card = read(tmp_path / "out" / "model.onnx").metadata.provenance or {}
    start, epochs = card["head_start"], [r for r in said if r["event"] == "epoch_finished"]
    assert start["validation_loss"] < min(row["validation_loss"] for row in epochs)
    assert start["validation_acc1"] >= max(row["acc1"] for row in epochs) - 1e-5
    assert said[-1]["metrics"]["acc1"] == pytest.approx(start["validation_acc1"])
    before, after = arrays(read(base_model)), weights(tmp_path / "out")
    np.testing.assert_allclose(after["conv1.weight"], before["conv1.weight"], atol=1e-2)


def test_features_that_are_all_alike_leave_the_head_as_it_is(
    begin: Begin, stripe_folder: Path, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = parse_job(fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="last-stage"))
    torch.manual_seed(0)
    network = build_network(job, 2)
    before = network.first_linear.weight.clone()
    samples = scan(job).training
    alike = np.ones((1, len(samples), network.width), np.float16)
    assert linear_probe.fit_head(network, alike, samples, 2, balance="none", seed=0) is None
    assert torch.equal(network.first_linear.weight, before)
    monkeypatch.setattr(linear_probe, "fit_head", lambda *_given, **_named: None)
    engine = begin()
    assert engine.head_start is None
    assert isinstance(engine.reporter, Listener)
    said = [record for record in engine.reporter.said if record["event"] == "warning"]
    assert [record["code"] for record in said] == ["features_alike"]


def test_a_short_time_is_left_to_learning(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Extractor, "seconds_per_picture", lambda _: 1.0)
    assert begin("short", max_minutes=1.0).head_start is None
    some = begin("longer", max_minutes=2.0).head_start
    assert some is not None
    assert some.photos == 12


def test_of_many_photos_some_of_each_class_are_taken() -> None:
    samples = [Sample(f"{label}/{i}.png", None, label) for label, count in enumerate((50, 3, 20)) for i in range(count)]
    some = linear_probe.chosen(samples, 23, seed=1)
    assert np.bincount([sample.label for sample in some]).tolist() == [10, 3, 10]
    assert some == linear_probe.chosen(samples, 23, seed=1) == sorted(some, key=samples.index)
    assert linear_probe.chosen(samples, 100, seed=1) == samples
