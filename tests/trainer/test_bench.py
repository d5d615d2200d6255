"""Questions to the trainer beside training: what it would cost, which rate, what the pictures would look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.imaging.decode import decode
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.jobs.launching.estimate import read
from resnet_desktop.jobs.recipe import Phase
from resnet_desktop.trainer import __main__ as trainer
from resnet_desktop.trainer import bench, choices
from resnet_desktop.trainer.inputs import memory
from resnet_desktop.trainer.loop.engine import Engine
from resnet_desktop.trainer.probe import PICTURES, Probe
from resnet_desktop.trainer.step.optim import set_learning_rate

from .conftest import SIDE, fine_tune_job


@pytest.fixture
def ask(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    """Ask the trainer's command line about a job; exit code and lines."""

    def ask(question: str, job: dict[str, Any], *more: str) -> tuple[int, list[dict[str, Any]]]:
        path = tmp_path / "job.json"
        path.write_text(json.dumps(job), "utf-8")
        code = trainer.main([question, str(path), *more])
        return code, [json.loads(line) for line in capfdbinary.readouterr().out.decode("utf-8").splitlines()]

    return ask


@pytest.mark.parametrize(("what", "trainable"), [("head", 130), ("last-stage", 204_930), ("all", 270_386)])
def test_the_estimate_counts_and_measures(
    ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path, what: str, trainable: int
) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train=what)
    code, lines = ask("--estimate", job)
    assert (code, len(lines)) == (0, 1)
    found = read(lines[0])
    assert found.total == 271_954 == sum(part.total for part in found.parts)
    assert found.trainable == trainable == sum(part.trainable for part in found.parts)
    assert (found.classes, found.chosen["input_size"], found.chosen["recipe.balance"]) == (2, SIDE, "none")
    assert 0 < found.seconds_per_step < found.seconds < 600
    assert found.device == "cpu"
    assert not (tmp_path / "out").exists(), "a question leaves nothing behind"


def test_the_estimate_tells_rates_and_frozen_norms(
    ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="last-two-stages")
    parts = {part.name: part for part in read(ask("--estimate", job)[1][0]).parts}
    assert list(parts) == ["conv1", "layer1", "layer2", "layer3", "head"]
    assert [part.rate for part in parts.values()] == pytest.approx([0, 0, 0.09, 0.3, 1.0])
    assert parts["conv1"].trainable == parts["layer1"].trainable == 0
    assert 0 < parts["layer3"].trainable < parts["layer3"].total, "its batch norms stay frozen"
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="all", recipe={"freeze_norms": False})
    assert all(part.trainable == part.total for part in read(ask("--estimate", job)[1][0]).parts)


def test_the_estimate_says_what_was_filled_in(ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, epochs=None, train="last-stage", preset="quick")
    chosen = read(ask("--estimate", job)[1][0]).chosen
    assert (chosen["epochs"], chosen["learning_rate"], chosen["batch_size"]) == (3, 1e-3, 4)
    assert (chosen["device"], chosen["workers"], chosen["recipe.precision"]) == ("cpu", 1, "float32")


def test_the_estimate_counts_each_size_of_the_schedule(
    stripe_folder: Path, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(engine: Engine, phase: Phase, training: int) -> float:
        return float(phase.size**2)  # far more than what else is measured

    def estimated(*sizes: int) -> float:
        schedule = [{"epochs": 2, "size": size, "batch_size": 4} for size in sizes]
        job = fine_tune_job(
            stripe_folder, tmp_path / "out", base_model, epochs=None, train="all", recipe={"schedule": schedule}
        )
        return float(bench.estimate(parse_job(job))["seconds"])

    monkeypatch.setattr(bench, "_seconds_per_step", seconds)
    per_size = estimated(SIDE) / SIDE**2
    assert per_size >= 2, "two epochs"
    assert estimated(SIDE // 2, SIDE) / (1.25 * SIDE**2) == pytest.approx(per_size, rel=0.05)


def test_the_range_test_goes_up_and_suggests(ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    code, lines = ask("--find-rate", fine_tune_job(stripe_folder, tmp_path / "out", base_model))
    *points, last = lines
    assert code == 0
    rates = [point["learning_rate"] for point in points]
    assert rates == sorted(rates)
    assert 20 < len(rates) <= points[0]["steps"]
    assert [point["step"] for point in points] == list(range(1, len(points) + 1))
    assert rates[0] < last["suggestion"] < rates[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("train", ["last-stage", "all"])
def test_the_range_test_works_where_stages_learn(
    stripe_folder: Path, base_model: Path, tmp_path: Path, train: str
) -> None:
    job = parse_job(fine_tune_job(stripe_folder, tmp_path / "out", base_model, train=train))
    *points, last = bench.find_rate(job, steps=20)
    assert points[0]["loss"] < 0.6, "the head begins as that of a run does, fitted"
    assert points[-1]["loss"] > 1.25 * points[0]["loss"], "it overshoots"
    assert last["optimizer"] == "adamw"
    assert last["suggestion"] is None or points[0]["learning_rate"] <= last["suggestion"] <= 1.0


def test_the_probe_computes_the_loss_of_the_whole_network(
    stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    """The frozen part is computed once; what is then measured must be what the network says of the pictures."""
    for train in ("last-stage", "all"):
        job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train=train, recipe={"label_smoothing": 0.0})
        engine = bench.prepare(parse_job(job)).engine
        network = engine.network.eval()
        rows = torch.arange(len(engine.training))
        assert len(rows) <= PICTURES
        with torch.no_grad():
            logits = network(engine.training.evaluation(rows, SIDE, SIDE))
            expected = functional.cross_entropy(logits, engine.training.labels).item()
        probe = Probe(engine)
        assert probe.loss() == pytest.approx(expected, abs=1e-5)
        set_learning_rate(engine.optimizer, 0.05)
        engine.make_step(0, 0, next(engine.plans(0, engine.recipe.schedule[-1]))[1])
        assert probe.loss() != pytest.approx(expected, abs=1e-3), "it follows what is learnt"


def test_pictures_are_taken_from_all_classes() -> None:
    samples = [Sample(str(i), None, i // 100) for i in range(1000)]
    assert {sample.label for sample in bench.spread(samples, 10)} == set(range(10))
    assert bench.spread(samples[:3], 10) == samples[:3]


def test_the_preview_shows_the_users_own_pictures(
    ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model)
    code, lines = ask("--preview", job, "--output", str(tmp_path / "shown"))
    assert code == 0
    for row in lines[0]["pictures"]:
        assert Path(row["path"]).is_relative_to(stripe_folder / row["label"])
        pictures = [decode(Path(name)).pixels for name in (row["plain"], *row["augmented"])]
        assert {p.shape for p in pictures} == {(SIDE, SIDE, 3)}
        assert len({p.tobytes() for p in pictures}) == len(pictures)
        assert abs(pictures[0].astype(int) - decode(Path(row["path"])).pixels).max() <= 1


def test_the_preview_shows_as_many_versions_as_the_head_learns_from(
    ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    for views in (1, 3):
        job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, recipe={"views": views})
        _, lines = ask("--preview", job, "--output", str(tmp_path / f"shown {views}"))
        assert [len(row["augmented"]) for row in lines[0]["pictures"]] == [views - 1] * 4


def test_what_cannot_be_answered_is_said(ask: Any, tmp_path: Path, base_model: Path) -> None:
    code, lines = ask("--estimate", fine_tune_job(tmp_path / "nowhere", tmp_path / "out", base_model))
    assert code == 3
    assert lines[0]["code"] == "missing_data"
    assert lines[0]["message"].endswith(".")


def test_batches_fit_and_small_sets_get_small_ones(stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    job = choices.fill(parse_job(fine_tune_job(stripe_folder, tmp_path, base_model)))
    found = [choices._batch(job, pictures) for pictures in (4, 40, 244, 10_000)]
    assert found == [4, 4, 16, 64]
    device = torch.device("cpu")
    free = memory.free_bytes(device)
    assert memory.batch_that_fits(64, free // 10, device) < 10
    assert memory.batch_that_fits(64, 1000, device) == 64


def test_another_input_size_changes_the_transforms(stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    job = choices.fill(parse_job(fine_tune_job(stripe_folder, tmp_path, base_model, input_size=48)))
    assert job.recipe is not None
    assert job.recipe.transforms is not None
    assert (job.recipe.transforms.resize, job.recipe.transforms.crop) == (48, 48)
