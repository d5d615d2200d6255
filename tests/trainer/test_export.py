"""What a run leaves behind: results, report, a folder for other programs; and what a full disk does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.novelty import NoveltyRule
from resnet_desktop.jobs.results import Results, read_results
from resnet_desktop.runs import reporter
from resnet_desktop.runs.evaluation.evaluate_bundle import BATCH
from resnet_desktop.trainer.loop.remaining_work import REPORT_SECONDS

from .conftest import fine_tune_job, run_here, weights


@pytest.fixture(scope="module")
def run(stripe_folder: Path, base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on pictures one of which lies in the wrong folder."""
    folder = tmp_path_factory.mktemp("wrong")
    for path in stripe_folder.glob("*/*.png"):
        label = "standing" if path.parent.name == "lying" and path.name == "07.png" else path.parent.name
        copy = folder / "photos" / label / f"{path.parent.name}-{path.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    changes: dict[str, Any] = {"epochs": 30, "learning_rate": 0.01, "split": {"validation": 0.3}}
    run_here(fine_tune_job(folder / "photos", folder / "out", base_model, **changes))
    return folder / "out"


@pytest.fixture(scope="module")
def results(run: Path) -> Results:
    return read_results(run)


def test_the_tables_agree_with_each_other(results: Results) -> None:
    assert results.labels == ("lying", "standing")
    assert results.confusion is not None
    table = np.array(results.confusion)
    images = results.metrics["images"]
    assert table.sum() == images == len(results.pictures) == sum(b.count for b in results.after)
    assert np.trace(table) / images == pytest.approx(results.metrics["acc1"], abs=1e-4)
    assert len(results.mistakes) == images - np.trace(table)
    for i, row in enumerate(results.per_class):
        assert row.support == table[i].sum()
        assert row.recall == pytest.approx(table[i, i] / table[i].sum(), abs=1e-4)
        assert row.precision == pytest.approx(table[i, i] / max(1, table[:, i].sum()), abs=1e-4)
    assert len(results.cell("lying", "lying")) == table[0, 0]
    low, high = results.metrics["acc1_interval"]
    assert low < results.metrics["acc1"] <= high


def test_a_picture_in_the_wrong_folder_is_suspected(results: Results) -> None:
    doubted = {Path(p.path).name: p for p in results.suspects}
    assert "lying-07.png" in doubted
    assert doubted["lying-07.png"].label == "standing"
    assert doubted["lying-07.png"].predicted == "lying"
    assert len(doubted) <= 8, "and few others"


def test_the_bundle_carries_temperature_and_novelty(run: Path, results: Results) -> None:
    metadata = bundles.read(run / "model.onnx").metadata
    assert metadata.temperature == results.temperature
    assert results.novelty is not None
    assert results.novelty["false_alarm_rate"] == pytest.approx(0.05, abs=0.15)
    rule = NoveltyRule.from_metadata(metadata.novelty)
    assert rule is not None
    assert rule.threshold == results.novelty["threshold"]


def test_listed_probabilities_are_those_of_the_app(run: Path, results: Results) -> None:
    classifier = Classifier(bundles.read(run / "model.onnx"))
    for picture in results.pictures[:5]:
        first = classifier.classify(Path(picture.path)).top
        assert first.label == picture.predicted
        assert first.probability == pytest.approx(picture.probability, abs=1e-4)


def test_the_report_stands_alone(run: Path) -> None:
    page = (run / "report.html").read_text("utf-8")
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page
    assert "https://" not in page
    assert "src='/" not in page
    for words in ("Possibly wrong labels", "Worst mistakes", "Unfamiliar photos", "95 % interval", "recall"):
        assert words in page


def test_nobody_learns_where_the_base_lay(run: Path, base_model: Path) -> None:
    provenance = bundles.read(run / "model.onnx").metadata.provenance
    assert provenance["base"] == base_model.name
    assert len(provenance["base_sha256"]) == 64
    for told in (json.dumps(provenance), (run / "report.html").read_text("utf-8")):
        assert str(base_model.parent) not in told


def test_what_was_left_open_is_told_as_it_was_chosen(run: Path, results: Results) -> None:
    recipe = results.about["recipe"]
    schedule = recipe["recipe"]["schedule"]
    assert recipe["batch_size"] == schedule[0]["batch_size"]
    assert recipe["epochs"] == 30
    assert recipe["input_size"] == schedule[0]["size"]
    assert recipe["recipe"]["compile"] in ("on", "off")
    assert recipe["recipe"]["balance"] != "auto"
    assert results.about["minutes"] > 0, "computing the features takes time, too"
    assert "0 minutes" not in (run / "report.html").read_text("utf-8")


def test_the_folder_for_other_programs_needs_three_libraries(run: Path, results: Results) -> None:
    example = run / "export" / "example.py"
    text = example.read_text("utf-8")
    assert len(text.splitlines()) <= 21
    photo = results.pictures[0].path
    blocked = "import sys\nfor name in ('torch', 'onnx', 'resnet_desktop', 'PySide6'): sys.modules[name] = None\n"
    start = f"{blocked}import runpy\nsys.path.insert(0, {str(example.parent)!r})\n"
    start += f"sys.argv = ['example.py', {photo!r}]\nrunpy.run_path({str(example)!r})"
    done = subprocess.run([sys.executable, "-I", "-c", start], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = {line.split("  ", 1)[1]: float(line.split()[0]) for line in done.stdout.splitlines()}
    prediction = Classifier(bundles.read(run / "model.onnx")).classify(Path(photo))
    for score in prediction.scores:
        assert said[score.label] == pytest.approx(score.probability, abs=1e-4)
    assert (run / "export" / "labels.txt").read_text("utf-8") == "lying\nstanding\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes there")
def test_a_full_disk_is_said_and_the_run_goes_on_later(stripe_folder: Path, base_model: Path, tmp_path: Path) -> None:
    run_here(fine_tune_job(stripe_folder, tmp_path / "whole", base_model, train="last-stage", epochs=1))
    job = fine_tune_job(stripe_folder, tmp_path / "out", base_model, train="last-stage", epochs=1)
    (tmp_path / "job.json").write_text(json.dumps(job), "utf-8")
    # No file may grow beyond 100 kB: the first checkpoint cannot be written.
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    limited += f"from resnet_desktop.trainer.__main__ import main\nsys.exit(main([{str(tmp_path / 'job.json')!r}]))"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", limited]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["code"]) == ("failed", "disk_full"), done.stderr
    assert "largest size that a file may have" in last["message"]
    assert run_here(job)[-1]["event"] == "finished"
    whole, later = weights(tmp_path / "whole"), weights(tmp_path / "out")
    assert all(np.allclose(whole[k], later[k], atol=1e-5) for k in whole)


@pytest.mark.parametrize("train", ["head", "last-stage"])
def test_until_the_report_the_run_says_how_far_it_is(
    train: str, stripe_folder: Path, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "PROGRESS_INTERVAL", 0.0)
    said = run_here(fine_tune_job(stripe_folder, tmp_path / "out", base_model, train=train, epochs=1))
    rows = [record for record in said if record.get("part") == "exporting"]
    (steps,) = {row["steps"] for row in rows}
    done = [row["step"] for row in rows]
    assert done == sorted(done)
    assert steps - BATCH <= done[-1] <= steps, "nothing was forgotten in the sum"
    assert all(row["seconds_left"] >= REPORT_SECONDS for row in rows)
    last = [record for record in said if record["event"] == "progress" and not record.get("part")][-1]
    assert last["seconds_left"] >= REPORT_SECONDS, "the end of the run is part of the time that is left"
