"""``resnet-desktop blocks``: JSON, table, exit codes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.cli import main
from resnet_desktop.imaging.transforms import Transforms
from tests.conftest import FileMaker
from tests.unit.bundle.making import LABELS, random_arrays

BLOCKS = 9
Run = Callable[..., tuple[int, str, str]]


def saved(folder: Path, name: str) -> Path:
    """A small network with random weights; two of its classes are called crane."""
    arch = ARCHITECTURES[name]
    metadata = Metadata(arch=name, categories=LABELS, transforms=Transforms(resize=36, crop=32))
    model = build_resnet(arch, random_arrays(arch, len(LABELS)), height=32, width=32)
    return write(folder / f"{name}.onnx", model, metadata).path


@pytest.fixture
def run(
    tmp_path: Path, photo_file: FileMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """``run(*arguments, model=…)``: exit code, standard output and standard error of ``blocks PHOTO …``."""

    def start(*arguments: str, model: str = "resnet20-cifar", image: str | None = None) -> tuple[int, str, str]:
        path = saved(tmp_path, model)
        photo = image if image is not None else str(photo_file())
        command = ["resnet-desktop", "blocks", photo, "--model", str(path), "--provider", "cpu", *arguments]
        monkeypatch.setattr("sys.argv", command)
        with pytest.raises(SystemExit) as caught:
            main.main()
        printed = capsys.readouterr()
        return int(caught.value.code or 0), printed.out, printed.err

    return start


def test_json_has_a_row_for_each_block(run: Run) -> None:
    code, out, _ = run("--format", "json", "--target", "bee")
    rows = json.loads(out)
    assert code == 0
    assert [row["name"] for row in rows] == [block.name for block in ARCHITECTURES["resnet20-cifar"].blocks]
    for row in rows:
        numbers = [row[name] for name in ("residual_norm", "skip_norm", "gradient_norm", "gradient_norm_cut")]
        assert all(math.isfinite(number) and number > 0 for number in numbers)
        assert row["ratio"] == pytest.approx(row["residual_norm"] / row["skip_norm"], rel=1e-4)
        assert -1 <= row["cosine"] <= 1
        assert 0 < row["silenced"] < 1
        assert set(row["lesion"]) == {"probability", "top"}
        top = row["lesion"]["top"]
        assert top["label"] == LABELS[top["index"]]
        assert row["lesion"]["probability"] <= top["probability"]


def test_the_target_is_the_top_prediction_unless_named(run: Run) -> None:
    names = {label: index for index, label in enumerate(LABELS) if label != "crane"}
    every = {index: run("--format", "json", "--target", str(index))[1] for index in (0, 1, 2, 3)}
    for label in ("ant", "bee"):
        assert run("--format", "json", "--target", label)[1] == every[names[label]]
    assert len(set(every.values())) == len(every)
    assert run("--format", "json")[1] in {*every.values(), run("--format", "json", "--target", "4")[1]}


def test_the_table_is_for_people(run: Run) -> None:
    code, out, err = run("--target", "ant")
    assert code == 0
    assert "ant (0)" in out
    assert sum(line.startswith("layer") for line in out.splitlines()) == BLOCKS
    for word in ("cosine", "silenced", "without it"):
        assert word in out
    assert "F(x): what a block adds" in err


@pytest.mark.parametrize(("target", "said"), [("crane", "2 and 3"), ("yak", "no class"), ("99", "no class")])
def test_a_class_that_is_not_clear_is_refused(run: Run, target: str, said: str) -> None:
    code, out, err = run("--target", target)
    assert (code, out) == (2, "")
    assert said in err


def test_a_plain_network_is_refused_with_a_sentence(run: Run) -> None:
    code, out, err = run("--format", "json", model="plain20-cifar")
    assert (code, out) == (2, "")
    assert "no residual blocks" in err


@pytest.mark.parametrize("kind", ["missing", "folder", "text"])
def test_a_photo_that_cannot_be_read(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "given"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no photo")
    code, out, err = run(image=str(path))
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
