"""``resnet-desktop train`` as a user types it: a real process, real training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.jobs import events
from resnet_desktop.jobs.launching.process import tell

from .conftest import small_job

COMMAND = [sys.executable, "-m", "resnet_desktop", "train"]
LIMIT = 240


def run(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RESNET_DESKTOP_HOME": str(home)}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=LIMIT, check=False
    )


def written(folder: Path, values: dict[str, object]) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps(values))
    return path


def test_a_job_becomes_a_model(stripe_folder: Path, tmp_path: Path) -> None:
    done = run(written(tmp_path, small_job(stripe_folder, tmp_path / "run", control="stdin")), home=tmp_path)
    assert done.returncode == 0, done.stderr
    model = Path(done.stdout.strip())
    assert bundles.read(model).metadata.categories == ("lying", "standing")
    assert "photos classified correctly" in done.stderr
    assert "Epoch 4:" in done.stderr
    assert "models install" in done.stderr


def test_a_folder_and_options_make_a_job(stripe_folder: Path, tmp_path: Path) -> None:
    options = [
        "--train",
        "head",
        "--epochs",
        "1",
        "--seed",
        "3",
        "--device",
        "cpu",
        "--preset",
        "quick",
        "--strict-split",
    ]
    done = run("--data", stripe_folder, "--output", tmp_path / "run", *options, home=tmp_path)
    assert done.returncode == 0, done.stderr
    job = json.loads((tmp_path / "run" / "job.json").read_text())
    assert (job["train"], job["seed"], job["preset"], job["split"]["strict"]) == ("head", 3, "quick", True)
    assert bundles.read(tmp_path / "run" / "model.onnx").classes == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Pass a job file"),
        (["--data", "photos"], "--output"),
        (["job.json", "--epochs", "3"], "--epochs can only be used with --data"),
        (["job.json", "--resume", "run"], "Pass a job file"),
    ],
)
def test_what_does_not_go_together(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = run(*arguments, home=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


def test_bad_data_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("--data", tmp_path / "empty", "--output", tmp_path / "run", home=tmp_path)
    assert done.returncode == events.EXIT_BAD_DATA
    assert "No class folders" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("--data", tmp_path / "empty", "--output", tmp_path / "run", "--epochs", "0", home=tmp_path)
    assert done.returncode != 0
    assert "epochs" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal are others there")
def test_ctrl_c_saves_a_checkpoint_and_the_run_goes_on(stripe_folder: Path, tmp_path: Path) -> None:
    job = small_job(stripe_folder, tmp_path / "run", control="none")  # the command listens all the same
    job["recipe"]["schedule"][0]["epochs"] = 500
    environment = {**os.environ, "RESNET_DESKTOP_HOME": str(tmp_path)}
    command = [*COMMAND, str(written(tmp_path, job))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as child:
        log = tmp_path / "run" / "events.jsonl"
        end = time.monotonic() + LIMIT
        for wanted in ('"epoch_finished"', '"paused": true'):
            while not (log.exists() and wanted in log.read_text()):
                assert time.monotonic() < end
                time.sleep(0.05)
            tell(tmp_path / "run", "pause")  # the window looks on
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=LIMIT)
    assert child.returncode == events.EXIT_CANCELLED, said
    assert "Saving a checkpoint" in said
    assert "Paused." in said
    assert "--resume" in said
    stored = json.loads((tmp_path / "run" / "job.json").read_text())
    reached = len(list((tmp_path / "run" / "checkpoints").glob("*.pt")))
    assert reached
    stored["recipe"]["schedule"] = [{"epochs": 1, "size": 24, "batch_size": 8}]
    (tmp_path / "run" / "job.json").write_text(json.dumps(stored))
    done = run("--resume", tmp_path / "run", home=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_keys_of_the_terminal_pause_and_stop(stripe_folder: Path, tmp_path: Path) -> None:
    import pty

    values = small_job(stripe_folder, tmp_path / "run", control="stdin")
    values["recipe"]["schedule"] = [{"epochs": 200, "size": 24, "batch_size": 8}]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "RESNET_DESKTOP_HOME": str(tmp_path), "TERM": "dumb", "COLUMNS": "200"}
    command = [*COMMAND, str(written(tmp_path, values))]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    said = ""

    def wait_for(words: str) -> None:
        nonlocal said
        while words not in said:
            said += os.read(ours, 4096).decode("utf-8", "replace")
        said = said.split(words, 1)[1]

    try:
        wait_for("p: pause or resume")
        wait_for("Epoch 1:")
        wait_for("worst:")
        os.write(ours, b"p")
        wait_for("Paused.")
        os.write(ours, b"p")
        wait_for("Resumed.")
        os.write(ours, b"s")
        wait_for("photos classified correctly")
        wait_for("these photos also selected the best epoch")
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    ended = [line for line in lines if '"epoch_finished"' in line]
    assert 1 <= len(ended) < 200
