"""Questions to the trainer beside training: what it would cost, which rate, what the pictures would look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from resnet_desktop.finetune.estimate import read
from resnet_desktop.finetune.job import parse_job
from resnet_desktop.imaging.decode import decode
from resnet_desktop.trainer import __main__ as trainer
from resnet_desktop.trainer import bench, choices, memory

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
    found = read(json.dumps(lines[0]), "")
    assert found.total == 271_954
    assert found.trainable == trainable
    assert 0 < found.seconds_per_step < found.seconds < 600
    assert found.device == "cpu"
    assert not (tmp_path / "out").exists(), "a question leaves nothing behind"


def test_the_range_test_goes_up_and_suggests(ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    code, lines = ask("--find-rate", fine_tune_job(stripe_folder, tmp_path / "out", base_model))
    *points, last = lines
    assert code == 0
    rates = [point["learning_rate"] for point in points]
    assert rates == sorted(rates)
    assert len(rates) > 20
    assert rates[0] < last["suggestion"] < rates[-1]
    assert not (tmp_path / "out").exists()


def test_the_suggestion_is_where_the_loss_falls_most() -> None:
    rates = [10 ** (-6 + i / 10) for i in range(60)]
    losses = [1.0 if r < 1e-4 else 1.0 - 0.2 * torch.log10(torch.tensor(r / 1e-4)).item() for r in rates[:40]]
    losses += [losses[-1] + 0.5 * i for i in range(20)]
    found = bench.suggested(rates, losses)
    assert found is not None
    assert 5e-5 <= found <= rates[39]
    assert bench.suggested(rates[:5], losses[:5]) is None


def test_the_preview_shows_the_users_own_pictures(
    ask: Any, stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model)
    code, lines = ask("--preview", job, "--output", str(tmp_path / "shown"))
    assert code == 0
    for row in lines[0]["pictures"]:
        assert Path(row["path"]).is_relative_to(stripe_folder)
        pictures = [decode(Path(name)).pixels for name in (row["plain"], *row["augmented"])]
        assert {p.shape for p in pictures} == {(SIDE, SIDE, 3)}
        assert len({p.tobytes() for p in pictures}) == len(pictures)
        assert abs(pictures[0].astype(int) - decode(Path(row["path"])).pixels).max() <= 1


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
