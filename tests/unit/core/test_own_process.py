"""How the program starts itself, by an interpreter or packaged; a real package is tried by ``.ci/package/smoke``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_desktop import __version__
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.processes import own_process
from resnet_desktop.jobs.launching.process import TrainerProcess

PACKAGED = "import sys; sys.frozen = True; from resnet_desktop.__main__ import main; main()"
"""The program with its arguments, in a process that takes itself for packaged."""


def said(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """What a process says that is started in ``folder``."""
    environment = own_process.environment() | {"QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)


def test_an_interpreter_runs_this_package_wherever_it_is_started(tmp_path: Path) -> None:
    """A folder of the same name where it happens to be started is not taken for it."""
    (tmp_path / "resnet_desktop").mkdir()
    (tmp_path / "resnet_desktop" / "__init__.py").write_text("raise SystemExit(9)")
    done = said(own_process.command(own_process.PROGRAM, "--version"), tmp_path)
    assert done.stdout.decode().split()[-1] == __version__, done.stderr


def test_each_child_answers(tmp_path: Path) -> None:
    """Also in a process that takes itself for packaged: the words lead to the same module."""
    for start in ([], [sys.executable, "-c", PACKAGED]):
        command = own_process.command(own_process.WINDOW_CHECK)
        done = said([*start, *command[1:]] if start else command, tmp_path)
        assert json.loads(done.stdout)["platform"] == "offscreen", done.stderr
        command = own_process.command(own_process.HEAD, str(tmp_path / "missing.json"))
        done = said([*start, *command[1:]] if start else command, tmp_path)
        assert json.loads(done.stdout)["code"] == "bad_job", done.stderr


def test_another_module_is_no_child_of_a_packaged_program(tmp_path: Path) -> None:
    """Such words then are a mistake on the command line, and nothing runs."""
    done = said([sys.executable, "-c", PACKAGED, "-u", "-m", "json.tool"], tmp_path)
    assert done.returncode != 0
    assert done.stdout == b""


@pytest.mark.usefixtures("packaged")
def test_a_packaged_program_starts_itself() -> None:
    assert own_process.command(own_process.PROGRAM, "admit", "a.onnx") == [sys.executable, "admit", "a.onnx"]
    assert own_process.command(own_process.HEAD, "a.json")[0] == sys.executable
    with pytest.raises(ValueError, match=r"resnet_desktop\.trainer"):
        own_process.command("resnet_desktop.trainer")
    other = Path("elsewhere") / "python"
    command = own_process.command("resnet_desktop.trainer", python=other)
    assert command == [str(other), "-u", "-m", "resnet_desktop.trainer"]


@pytest.mark.usefixtures("packaged")
def test_a_packaged_program_cannot_train_by_itself() -> None:
    with pytest.raises(TrainingError, match="PyTorch is not installed") as caught:
        TrainerProcess(["--check"], on_line=lambda _line: None, on_exit=lambda _code: None)
    assert caught.value.code == "no_torch"


def test_the_environment_keeps_what_it_was_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    first, second = own_process.environment()["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "resnet_desktop").is_dir()
    assert second == str(tmp_path)


@pytest.mark.parametrize("before", [None, "/theirs"])
def test_programs_of_others_do_not_meet_the_packed_libraries(tmp_path: Path, before: str | None) -> None:
    """What the packaged program starts has the search path that the program was started with."""
    asks = f"import os; {PACKAGED[: -len('; main()')]}; "
    asks += (
        "import sys; sys.argv = ['app', '--version']\ntry: main()\nfinally: print(os.environ.get('LD_LIBRARY_PATH'))"
    )
    environment = own_process.environment() | {"LD_LIBRARY_PATH": str(tmp_path)}
    environment |= {} if before is None else {"LD_LIBRARY_PATH_ORIG": before}
    done = subprocess.run([sys.executable, "-c", asks], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == str(before), done.stderr
