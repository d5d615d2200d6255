"""What a run cannot be made of is refused in words before anything is learnt or written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from typer.testing import CliRunner

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.cli.main import app
from resnet_desktop.core.errors import JobError, ModelError, ResNetDesktopError, StorageError
from resnet_desktop.data.checks import coverage_warnings
from resnet_desktop.jobs import events
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.runs import error_messages
from resnet_desktop.runs.lock import lock_folder
from resnet_desktop.trainer import choices
from resnet_desktop.trainer.launcher import run_job
from resnet_desktop.trainer.machine import choose_device
from resnet_desktop.trainer.network.build import build_network

from .conftest import fine_tune_job, small_job

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from resnet_desktop.trainer.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def trainer(*arguments: str | Path, cwd: Path, start: str = WITHOUT_TORCH) -> tuple[dict[str, Any], int]:
    """The trainer's only event, and its exit code; by default it has no PyTorch, for it must not need any."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", start, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, cwd=cwd, env=environment, timeout=60, check=False)
    (line,) = done.stdout.decode("utf-8").splitlines()
    record = events.decode(line)
    assert record is not None, done.stderr
    assert b"Traceback" not in done.stderr
    return record, done.returncode


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """A working directory in which nothing may appear."""
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe{", "UTF-8"),
        (b'{"a":' * 50_000, "nested too deeply"),
        ({"colour": "red"}, "'colour'"),
        ({"epochs": 10**9}, "'epochs'"),
        ({"learning_rate": float("nan")}, "'learning_rate'"),
        ({"output": "a\0b"}, "'output'"),
        ({"output": ""}, "'output'"),
        ({"data": []}, "'data'"),
    ],
)
def test_a_bad_job_ends_with_a_sentence(
    stripe_folder: Path, tmp_path: Path, nowhere: Path, content: bytes | dict[str, Any], said: str
) -> None:
    if isinstance(content, dict):
        content = json.dumps({**small_job(stripe_folder, nowhere / "out"), **content}).encode()
    (tmp_path / "job.json").write_bytes(content)
    last, code = trainer(tmp_path / "job.json", cwd=nowhere)
    assert (last["event"], last["code"], code) == ("failed", "bad_job", events.EXIT_BAD_JOB)
    assert said in last["message"]
    assert not list(nowhere.iterdir())


@pytest.mark.parametrize("content", [None, b"{", b"[]"])
def test_a_folder_without_a_run_cannot_go_on(tmp_path: Path, nowhere: Path, content: bytes | None) -> None:
    run = tmp_path / "run"
    run.mkdir()
    if content is not None:
        (run / "job.json").write_bytes(content)
    for folder in (run, Path("..") / "run"):
        last, code = trainer("--resume", folder, cwd=nowhere)
        assert (last["code"], code) == ("bad_job", events.EXIT_BAD_JOB)
        assert last["hint"]
    assert [path.name for path in run.iterdir()] == ([] if content is None else ["job.json"])
    assert not list(nowhere.iterdir())


@pytest.mark.parametrize("option", ["--data", "--output", "--resume"])
def test_an_empty_name_is_not_the_working_directory(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(nowhere)
    given = {"--data": "photos", "--output": "run", option: ""}
    done = CliRunner().invoke(app, ["train", *(word for pair in given.items() for word in pair)])
    assert done.exit_code == 2
    assert option in done.stderr
    assert not list(nowhere.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
@pytest.mark.parametrize("learnt", [False, True])
def test_a_signal_before_the_run_listens_has_the_last_word(tmp_path: Path, nowhere: Path, *, learnt: bool) -> None:
    """It comes while torch is loaded."""
    start = """
import os, signal, sys

class Now:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Now())
from resnet_desktop.trainer.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
    checkpoint = tmp_path / "run" / "checkpoints" / "epoch-0001-step-000000.pt"
    if learnt:
        checkpoint.parent.mkdir(parents=True)
        checkpoint.touch()
    (tmp_path / "job.json").write_text(json.dumps(small_job(tmp_path, tmp_path / "run")))
    last, code = trainer(tmp_path / "job.json", cwd=nowhere, start=start)
    assert (last["event"], code) == ("cancelled", events.EXIT_CANCELLED)
    assert last["checkpoint"] == (str(checkpoint) if learnt else None)


def refused(job: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], int]:
    """What a trainer says that refuses a job before it begins, and its exit code."""
    code = run_job(parse_job(job), "none")
    record = events.decode(capsys.readouterr().out)
    assert record is not None
    assert record["event"] == "failed"
    return record, code


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_run_goes_among_the_photos(stripe_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(stripe_folder)
    last, code = refused(small_job(stripe_folder, stripe_folder / "run"), capsys)
    assert (last["code"], code) == ("bad_job", events.EXIT_BAD_JOB)
    assert "is inside the photos" in last["message"]
    assert last["hint"]
    assert content(stripe_folder) == before
    assert not (stripe_folder / "run").exists()


def test_no_run_is_written_over(stripe_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "events.jsonl").write_text("{}\n")
    (run / "job.json").write_text(json.dumps(small_job(stripe_folder, run)))
    before = content(run)
    last, code = refused(small_job(stripe_folder, run, seed=7), capsys)
    assert (last["code"], code) == ("bad_job", events.EXIT_BAD_JOB)
    assert "another run" in last["message"]
    assert "--resume" in last["hint"]
    assert content(run) == before


@pytest.mark.parametrize("below", [False, True])
def test_a_file_in_the_way_is_said(
    stripe_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, below: bool
) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    output = tmp_path / "file" / "run" if below else tmp_path / "file"
    last, code = refused(small_job(stripe_folder, output), capsys)
    assert (last["code"], code) == ("bad_job", events.EXIT_BAD_JOB)
    assert "a file with that name exists" in last["message"]
    assert last["hint"]
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.skipif(sys.platform == "win32", reason="other rights there")
def test_a_folder_that_may_not_be_written_to_is_said(
    stripe_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    if os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("the superuser may write anywhere")
    last, code = refused(small_job(stripe_folder, tmp_path / "closed" / "run"), capsys)
    assert (last["code"], code) == ("read_only", events.EXIT_OTHER)
    assert last["hint"]


def test_a_name_that_no_folder_can_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        lock_folder(tmp_path / ("x" * 5000))
    assert caught.value.code == "write_failed"
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "meta", "hpu", "cuda:99", "a\0b", "x" * 5000])
def test_a_device_that_is_not_there(name: str) -> None:
    with pytest.raises(JobError) as caught:
        choose_device(name)
    assert "'device'" in caught.value.message
    assert len(caught.value.message) < 200
    assert "auto" in str(caught.value.hint)


Change = Callable[[NDArray[np.float32]], None]
NO_NETWORK: dict[str, tuple[str, Change]] = {
    "not a number": ("layer1.0.conv1.weight", lambda values: values.fill(np.nan)),
    "one infinite": ("bn1.running_mean", lambda values: values.__setitem__(3, -np.inf)),
    "too large for float16": ("layer2.0.conv1.weight", lambda values: values.__setitem__((0, 0, 0, 0), 1e30)),
    "negative variance": ("layer3.0.bn1.running_var", lambda values: values.__setitem__(0, -1.0)),
}


def build(base: Path | str, stripe_folder: Path, tmp_path: Path) -> None:
    """As far as a run comes before it learns."""
    values = {**fine_tune_job(stripe_folder, tmp_path / "out", Path()), "base": str(base)}
    build_network(choices.fill(parse_job(values)), 2)


@pytest.mark.parametrize("what", NO_NETWORK)
def test_a_base_with_weights_that_are_none(stripe_folder: Path, base_model: Path, tmp_path: Path, what: str) -> None:
    name, change = NO_NETWORK[what]
    model, bundle = onnx.load(base_model), bundles.read(base_model)
    (tensor,) = (t for t in model.graph.initializer if t.name == name)
    values = numpy_helper.to_array(tensor).copy()
    change(values)
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    bad = bundles.write(tmp_path / "bad.onnx", model, bundle.metadata).path
    build(base_model, stripe_folder, tmp_path)
    with pytest.raises(ModelError) as caught:
        build(bad, stripe_folder, tmp_path)
    assert caught.value.code == "damaged_model"
    assert name in caught.value.message
    assert caught.value.hint


def test_a_base_whose_weights_are_not_those_that_were_written(
    stripe_folder: Path, base_model: Path, tmp_path: Path
) -> None:
    data, weights = base_model.read_bytes(), bundles.arrays(bundles.read(base_model))["layer2.0.conv1.weight"]
    place = data.index(weights.tobytes()) + 401
    (tmp_path / "bad.onnx").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(ModelError, match="do not match their checksum") as caught:
        build(tmp_path / "bad.onnx", stripe_folder, tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("what", ["cut short", "empty", "text", "folder", "gone", "long", "nobody", "nul", "nameless"])
def test_a_base_that_is_no_model(stripe_folder: Path, base_model: Path, tmp_path: Path, what: str) -> None:
    bad: Path | str = tmp_path / "bad.onnx"
    if what == "folder":
        (tmp_path / "bad.onnx").mkdir()
    elif what in ("cut short", "empty", "text"):
        data = base_model.read_bytes()
        (tmp_path / "bad.onnx").write_bytes({"cut short": data[: len(data) // 2], "empty": b"", "text": b"hello"}[what])
    else:
        bad = {"long": "x" * 5000, "nobody": "~nobody-is-called-so/x.onnx", "nul": "a\0b", "nameless": ""}.get(
            what, bad
        )
    with pytest.raises(ModelError) as caught:
        build(bad, stripe_folder, tmp_path)
    assert caught.value.hint
    assert len(caught.value.message) < 250 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("labels", "training", "validation", "said"),
    [
        ("abc", [0, 1, 2], [0, 1, 2], {}),
        ("abc", [0, 2, 2], [0, 1, 2], {"class_not_learnt": "“b”"}),
        ("abc", [0, 1, 2], [0], {"class_not_tried": "“b” and “c”"}),
        ("abc", [0, 1, 2], [], {"nothing_set_apart": "accuracy cannot be measured"}),
        ("abc", [0, 0], [0], {"class_not_learnt": "“b” and “c”"}),
        (["cat", "cat\u200d", "dog"], [0, 1, 2], [0, 1, 2], {"class_names": "differ only in"}),
        (["cat", "Cat", "dog"], [0, 1, 2], [0, 1, 2], {"class_names": "“cat” and “Cat”"}),
        (
            [f"c{i}" for i in range(2000)],
            [0],
            [],
            {"class_not_learnt": "1,9", "nothing_set_apart": "cannot be measured"},
        ),
    ],
)
def test_too_little_for_an_answer_is_said(
    labels: Sequence[str], training: list[int], validation: list[int], said: dict[str, str]
) -> None:
    found = dict(coverage_warnings.warnings(labels, training, validation))
    assert found.keys() == said.keys()
    assert all(words in found[code] and len(found[code]) < 250 for code, words in said.items())


FOREIGN = [
    (MemoryError(), "out_of_memory", "not enough memory"),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"), "out_of_memory", ""),
    (OSError(28, "No space left on device", "/x/log.txt"), "disk_full", "/x/log.txt"),
    (OSError(28, "No space left on device"), "disk_full", "runs/one"),
    (OSError(5, "Input/output error", "/x/y.jpg"), "training_failed", "Input/output error (/x/y.jpg)"),
    (RuntimeError("first line.\nsecond line"), "training_failed", "stopped with an error: first line."),
    (RuntimeError(""), "training_failed", "RuntimeError"),
    (RuntimeError("x" * 5000), "training_failed", "xxx"),
]


@pytest.mark.parametrize(("error", "code", "said"), FOREIGN)
def test_what_others_raise_is_put_into_words(error: BaseException, code: str, said: str) -> None:
    told = error_messages.in_words(error, Path("runs/one"))
    assert told.code == code
    assert said in told.message
    assert told.hint
    assert "\n" not in told.message
    assert len(told.message) < 300


def test_what_is_in_words_stays_as_it_is() -> None:
    error = ResNetDesktopError("some_code", "A sentence.")
    assert error_messages.in_words(error, Path()) is error
