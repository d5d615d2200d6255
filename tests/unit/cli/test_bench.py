"""``resnet-desktop bench``: rows, recommendation, exit codes. Its figures are for benchmarks, not for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_desktop.cli import main
from resnet_desktop.cli.commands.bench import recommended
from resnet_desktop.core.errors import ProviderError
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.speed import Speed
from tests.unit.bundle.making import tiny_bundle

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(*arguments)``: exit code, standard output and standard error."""
    model = tiny_bundle(tmp_path / "tiny.onnx").path

    def start(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(
            "sys.argv", ["resnet-desktop", "bench", "--model", str(model), "--seconds", "0.1", *arguments]
        )
        with pytest.raises(SystemExit) as caught:
            main.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return start


def test_each_provider_and_batch_size_has_a_row(run: Run) -> None:
    code, out, err = run("--format", "json", "--batch", "4", "--batch", "1", "--batch", "4")
    rows = json.loads(out)
    assert code == 0
    assert [row["batch"] for row in rows if row["provider"] == CPU] == [1, 4]
    assert all(row["ok"] and 0 < row["slowest"] <= row["images_per_second"] <= row["fastest"] for row in rows)
    assert all(row["runs"] >= 3 for row in rows)
    assert "2 batch sizes" in err


def test_the_table_has_its_columns_and_the_talk_is_elsewhere(run: Run) -> None:
    code, out, err = run("--batch", "2", "--provider", "cpu")
    assert code == 0
    assert "photos per second" in out
    assert "--provider cpu is as fast as any" in err
    assert "faster still without --batch" in err


def test_a_provider_that_is_not_there(run: Run) -> None:
    code, out, err = run("--provider", "tensorcore")
    assert (code, out) == (1, "")
    assert "tensorcore" in err


def test_a_small_batch_that_is_nearly_as_fast_is_recommended() -> None:
    def speed(batch: int, per_second: float) -> Speed:
        return Speed(CPU, batch, (batch / per_second,))

    failed = Speed(CPU, 1, (), ProviderError("provider_failed", "no"))
    assert recommended([failed, speed(2, 80.0), speed(8, 97.0), speed(32, 100.0)]) == speed(8, 97.0)
    assert recommended([failed]) is None
