"""A run says what is wrong with its pictures, and looks at each of them once for that."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.data.dataset import survey
from resnet_desktop.imaging.fingerprint import fingerprint
from resnet_desktop.jobs.job import parse_job

from .conftest import run_here, small_job


def test_what_the_scan_found_is_said_before_training(
    stripe_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(stripe_folder, photos)
    shutil.copy(photos / "lying" / "00.png", photos / "standing" / "again.png")
    read: list[Any] = []

    def counting(source: Any, budget: Any) -> Any:
        read.append(source)
        return fingerprint(source, budget)

    monkeypatch.setattr("resnet_desktop.data.pictures.image_stats.fingerprint", counting)
    job = small_job(photos, tmp_path / "run", exclude=["nowhere.png"])
    said = run_here(job)
    told = [row["message"] for row in said if row["event"] == "warning" and row["code"] == "data_problem"]
    assert any("nowhere.png" in message for message in told)
    assert any("are in different classes" in message for message in told)
    assert len(read) == len(survey(parse_job(job)).samples)
    events = [row["event"] for row in said]
    assert events.index("warning") < events.index("epoch_started")
