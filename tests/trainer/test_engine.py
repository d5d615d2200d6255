"""The engine in this process: memory that runs out, frozen parts, balance, averages, rates."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.data.dataset import scan
from resnet_desktop.jobs.job import Recipe, parse_job
from resnet_desktop.runs.control import Control
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.network.build import count_parameters, freeze, trained_names, training_mode
from resnet_desktop.trainer.run import Run
from resnet_desktop.trainer.step import balance
from resnet_desktop.trainer.step.average import Average
from resnet_desktop.trainer.step.optim import learning_rate, make_optimizer

from .conftest import Listener, fine_tune_job, small_job

Make = Callable[..., Engine]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[[], Listener]]:
    """Reporters that are closed in the end."""
    made: list[Listener] = []

    def make() -> Listener:
        made.append(Listener(tmp_path / "out"))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


@pytest.fixture
def engine(stripe_folder: Path, base_model: Path, tmp_path: Path, listen: Callable[[], Listener]) -> Make:
    """An engine ready to train, in a folder of its own; ``limit``: there is no memory for more pictures at once."""
    number = itertools.count()

    def make(limit: int | None = None, **changes: Any) -> Engine:
        values = {"train": "last-stage", "batch_size": 8, **changes}
        job = fine_tune_job(stripe_folder, tmp_path / f"out-{next(number)}", base_model, **values)
        run = Run(parse_job(job), listen(), Control("trial"))
        made = run.engine(scan(run.job))
        if limit is not None:
            made.network.register_forward_pre_hook(lambda _, inputs: no_room(inputs[0], limit))
        return made

    return make


def no_room(x: Tensor, limit: int) -> None:
    if len(x) > limit:
        raise torch.OutOfMemoryError(f"there is room for {limit} pictures, not {len(x)}")


def said(engine: Engine, event: str) -> list[dict[str, Any]]:
    assert isinstance(engine.reporter, Listener)
    return [record for record in engine.reporter.said if record["event"] == event]


def state(engine: Engine) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in engine.network.state_dict().items()}


def test_a_batch_that_does_not_fit_is_split_and_nothing_is_lost(engine: Make) -> None:
    # Frozen batch norms and a free head: the parts of a batch add up to the batch.
    recipe = {"mixup": 0.3, "cutmix": 1.0, "patience": 0}
    whole = engine(recipe=recipe)
    whole.train()
    halves = engine(limit=3, recipe=recipe)
    halves.train()
    assert [w["code"] for w in said(halves, "warning") if w["code"] != "start_kept"] == ["batch_halved"] * 2
    assert halves.stepper.accumulate == 4
    assert len(said(halves, "epoch_finished")) == 3
    first, second = state(whole), state(halves)
    assert all(torch.allclose(first[k].float(), second[k].float(), atol=1e-4) for k in first)
    assert whole.history[-1]["training_loss"] == pytest.approx(halves.history[-1]["training_loss"], abs=1e-4)


def test_no_room_for_one_picture_is_said(engine: Make) -> None:
    with pytest.raises(TrainingError) as caught:
        engine(limit=0, head={"hidden": 4}).train()  # it is not asked about photos before it learns from some
    assert caught.value.code == "out_of_memory"
    assert caught.value.hint


def test_the_split_survives_a_resume(engine: Make) -> None:
    first = engine(limit=4)
    first.train()
    second = engine(limit=4)
    from resnet_desktop.trainer.loop.checkpoint import load_latest

    found = load_latest(first.folder / "checkpoints")
    assert found is not None
    second.restore(found)
    assert second.stepper.accumulate == first.stepper.accumulate == 2
    second.train()
    assert "batch_halved" not in [record["code"] for record in said(second, "warning")]


def test_frozen_parts_keep_no_activations(engine: Make) -> None:
    x = torch.rand(4, 3, 32, 32)
    free = {"freeze_norms": False}
    needed = {train: memory.bytes_per_picture(prepared(engine, train), x) for train in ("all", "last-stage")}
    assert needed["last-stage"] < 0.35 * needed["all"]
    made = engine(recipe=free)
    training_mode(made.network)
    made.network(x).sum().backward()
    assert made.network.get_parameter("conv1.weight").grad is None
    assert {n.split(".")[0] for n, p in made.network.named_parameters() if p.grad is not None} == {"layer3", "fc"}
    assert "layer3.0.bn1.running_mean" in trained_names(made.network)
    assert {n.split(".")[0] for n in trained_names(made.network)} == {"layer3", "fc"}


def prepared(engine: Make, train: str) -> nn.Module:
    network = engine(train=train).network
    training_mode(network)
    return network


def test_earlier_stages_learn_slower(engine: Make) -> None:
    network = engine(train="all").network
    optimizer = make_optimizer(network, Recipe(optimizer="adamw", stage_rate=0.5))
    scales = {}
    for group in optimizer.param_groups:
        for name, parameter in network.named_parameters():
            if any(parameter is p for p in group["params"]):
                scales[name.split(".")[0]] = group["scale"]
    assert scales["fc"] == 1.0
    assert scales["layer3"] == 0.5
    assert scales["layer2"] == 0.25
    assert scales["layer1"] == 0.125
    assert scales["conv1"] == 0.0625


def test_rates_rise_and_fall() -> None:
    for curve in ("cosine", "linear"):
        rates = [learning_rate(1.0, 0.1, i / 100, curve) for i in range(101)]
        assert max(rates) == pytest.approx(1.0, abs=0.02)
        assert rates.index(max(rates)) == 10
        assert rates[-1] == pytest.approx(1e-3)
    assert learning_rate(1.0, 0.1, 0.9, "constant") == 1.0


def test_the_time_left_counts_larger_pictures_for_more(engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = [{"epochs": 2, "size": 16, "batch_size": 4}, {"epochs": 1, "size": 32, "batch_size": 8}]
    made = engine(train="all", epochs=None, batch_size=None, recipe={"schedule": schedule})
    asked: list[tuple[float, float]] = []

    def seconds_left(steps: float, evaluations: float) -> float:
        asked.append((steps, evaluations))
        return 0.0

    monkeypatch.setattr(made.course.pace, "seconds_left", seconds_left)
    small, large = len(made.training) // 4, len(made.training) // 8
    made.course.seconds_left(0, 1)
    made.course.seconds_left(1, small)
    made.course.seconds_left(2, large)
    assert asked == [
        (small - 1 + small + 8 * large, 6.0),  # four times the pixels, twice the pictures
        (8 * large, 5.0),
        (0, 1.0),
    ]


def test_small_classes_weigh_more_or_come_more_often() -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    weights = balance.class_weights(labels, 2, "auto")
    assert weights is not None
    assert float(weights[labels].mean()) == pytest.approx(1.0)
    assert float(weights[1] / weights[0]) == pytest.approx(9.0)
    drawn = labels[balance.order(labels, "sampling", torch.Generator().manual_seed(0))]
    assert 35 <= int((drawn == 1).sum()) <= 65
    assert balance.class_weights(torch.tensor([0, 0, 0, 1, 1]), 2, "auto") is None
    assert sorted(balance.order(labels, "none", torch.Generator()).tolist()) == list(range(100))


def test_an_average_follows_and_steps_aside() -> None:
    layer = nn.Linear(2, 2)
    network = nn.Sequential(layer, nn.BatchNorm1d(2))
    average = Average(tuple(network.state_dict()), 0.9)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        average.update(network)
        layer.weight.fill_(2.0)
    average.update(network)
    assert average.values is not None
    assert torch.allclose(average.values["0.weight"], torch.full((2, 2), 1.1))
    with average.inside(network):
        assert layer.weight[0, 0].item() == pytest.approx(1.1)
    assert layer.weight[0, 0].item() == 2.0


def test_what_is_counted_is_what_trains(engine: Make) -> None:
    network = engine().network
    counts = count_parameters(network)
    assert counts["total"] == sum(p.numel() for p in network.parameters())
    freeze(network, "head")
    assert count_parameters(network)["trainable"] == 64 * 2 + 2


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(engine: Make) -> None:
    made = engine(epochs=4)

    def poison(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output * float("nan") if made.position.epoch >= 2 and module.training else output

    made.network.register_forward_hook(poison)
    with pytest.raises(TrainingError) as caught:
        made.train()
    assert caught.value.code == "loss_not_finite"
    assert len(said(made, "checkpoint")) == 2


def test_weights_that_are_no_numbers_are_not_saved(engine: Make) -> None:
    made = engine(epochs=1)
    made.train()
    before = {path: path.read_bytes() for path in (made.folder / "checkpoints").iterdir()}
    with torch.no_grad():
        made.network.fc.weight[0, 0] = float("nan")
    with pytest.raises(TrainingError) as caught:
        made.save()
    assert caught.value.code == "loss_not_finite"
    assert {path: path.read_bytes() for path in (made.folder / "checkpoints").iterdir()} == before


def test_the_best_preset_trains_with_everything(engine: Make) -> None:
    made = engine(preset="best", epochs=2)
    recipe = made.recipe
    assert recipe.ema
    assert recipe.mixup
    assert recipe.cutmix
    made.train()
    made.use_best()
    assert made.best is not None
    assert all(torch.equal(state(made)[k], made.best[k]) for k in made.best)


def test_a_checkpoint_of_another_base_is_refused(engine: Make) -> None:
    from resnet_desktop.trainer.loop.checkpoint import load_latest

    made = engine(epochs=1)
    made.train()
    found = load_latest(made.folder / "checkpoints")
    assert found is not None
    with pytest.raises(TrainingError, match="different network"):
        engine(epochs=1).restore(dataclasses.replace(found, base="0" * 64))


def test_scratch_is_as_before(stripe_folder: Path, tmp_path: Path, listen: Callable[[], Listener]) -> None:
    run = Run(parse_job(small_job(stripe_folder, tmp_path / "out")), listen(), Control("trial"))
    made = run.engine(scan(run.job))
    assert set(made.names) == set(made.network.state_dict())
    assert made.recipe.label_smoothing == 0.1
    assert np.isclose(made.peak, 0.05)
    assert [group["scale"] for group in made.optimizer.param_groups] == [1.0, 1.0]
