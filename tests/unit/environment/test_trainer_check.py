"""Pythons that train, that lack something, and programs that are none: real ones, really run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

import pytest

from resnet_desktop.core.progress import CancelledError
from resnet_desktop.environment import trainer_check, training_python
from resnet_desktop.environment.trainer_check import check
from resnet_desktop.jobs.launching.process import environment as surroundings

posix = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are shell scripts")
FAKES = ("torch", "numpy", "onnx", "onnxruntime", "PIL", "pi_heif", "platformdirs", "filelock", "jinja2")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A Python of its own, in which nothing is installed."""
    venv.create(tmp_path / "other", with_pip=False, symlinks=sys.platform != "win32")
    return training_python.managed_python(tmp_path / "other")


def lend(python: Path, folder: Path) -> None:
    """Let a Python find libraries in a folder, too."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    Path(place, "lent.pth").write_text(f"{folder}\n")


def fake_libraries(folder: Path, **contents: str) -> Path:
    """Libraries of a version that suits everybody, and those that are given."""
    for name in FAKES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(contents.get(name, "__version__ = '2.12.0'\n"))
    return folder


def as_python(path: Path, then: str) -> Path:
    """A program that says what Python it is, and else does something of its own."""
    path.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec "{sys.executable}" "$@"\n{then}\n')
    path.chmod(0o755)
    return path


def test_checking_interpreters(tmp_path: Path) -> None:
    missing = check(tmp_path / "python")
    assert not missing.ok
    assert "does not run" in missing.message
    own = check(None)
    found = training_python.find(tmp_path / "python")
    if own.ok:
        assert found == own, "the app's own takes over"
        assert own.torch
        assert own.device
    else:
        assert found == missing


def test_another_python_gets_the_package_and_none_of_our_libraries(other: Path, tmp_path: Path) -> None:
    code = """
import importlib.util, resnet_desktop, resnet_desktop.jobs.events
from importlib.util import find_spec
print(resnet_desktop.__file__, find_spec("numpy"), find_spec("PySide6"), find_spec("tests"))
"""
    answer = subprocess.run(
        [str(other), "-c", code], capture_output=True, text=True, check=True, env=surroundings(other), cwd=tmp_path
    )
    file, *rest = answer.stdout.split()
    assert Path(file).is_relative_to(Path(os.environ["RESNET_DESKTOP_HOME"], "cache"))
    assert rest == ["None", "None", "None"]


def test_an_existing_python_with_pytorch_trains(other: Path) -> None:
    torch = pytest.importorskip("torch")
    lend(other, Path(torch.__file__).parents[1])
    found = check(other)
    assert found.ok, found.text
    assert found.torch == torch.__version__
    assert found.python == other


def test_what_is_missing_is_named_with_the_line_that_adds_it(other: Path, tmp_path: Path) -> None:
    libraries = fake_libraries(tmp_path / "libraries")
    lend(other, libraries)
    for name in ("onnx", "filelock"):
        (libraries / name / "__init__.py").unlink()
        (libraries / name).rename(libraries / f"no-{name}")
    found = check(other)
    assert not found.ok
    assert found.message == "This Python lacks onnx and filelock, which training needs."
    assert found.hint == f'Install what is missing with: {other} -m pip install "onnx>=1.19" "filelock>=3.16"'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("__version__ = '2.4.1'\n", "PyTorch 2.4.1 is too old"),
        (
            "raise OSError('libcudart.so.13 is missing')\n",
            "PyTorch is installed but does not load: libcudart.so.13 is missing.",
        ),
        ("__version__ = '2.12.0'\n", "numpy 0.1 is too old"),
    ],
)
def test_libraries_that_will_not_do_are_told(other: Path, tmp_path: Path, content: str, words: str) -> None:
    lend(other, fake_libraries(tmp_path / "libraries", torch=content, numpy="__version__ = '0.1'\n"))
    found = check(other)
    assert not found.ok
    assert words in found.message
    assert "-m pip install -U" in found.hint


def test_libraries_that_are_not_what_they_seem_are_told(other: Path, tmp_path: Path) -> None:
    fine = {name: "__version__ = '99.1'\n" for name in FAKES if name != "torch"}
    lend(other, fake_libraries(tmp_path / "libraries", **fine))
    found = check(other)
    assert not found.ok
    assert found.message.startswith("The trainer does not load: ")


@posix
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("echo 1", "gave an unexpected answer"),
        (r"printf '\377\376\200'", "cannot train: it gave an unexpected answer"),
        ("""echo '{"ok": true}'""", "gave an unexpected answer"),
        ("""echo '{"ok": true, "message": "yes", "torch": 2, "device": "cpu"}'""", "an unexpected answer"),
        ("""echo '{"ok": "yes", "message": "yes", "torch": "2.13", "device": "cpu"}'""", "an unexpected answer"),
        ("""echo '{"ok": false, "message": ""}'""", "gave an unexpected answer"),
        ("echo no >&2; exit 5", "cannot train: no."),
        ("exit 5", "cannot train: it exited with code 5."),
        ("exec yes", "gave an unexpected answer"),
    ],
)
def test_odd_answers_become_sentences(tmp_path: Path, answer: str, words: str) -> None:
    found = check(as_python(tmp_path / "python", answer))
    assert not found.ok
    assert words in found.message


@posix
@pytest.mark.parametrize("words", ["echo 1", "exit 1", r"printf '\377\376'", "echo Python 3 11"])
def test_programs_that_are_no_python(tmp_path: Path, words: str) -> None:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(0o755)
    assert "is not a working Python" in check(path).message
    path.write_text("#!/bin/sh\necho Python 3 8 /usr/bin/python3.8\n")
    assert check(path).message == f"{path} is Python 3.8; training needs 3.11 to 3.13."


@posix
def test_a_program_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that it has started, which holds its output open."""
    monkeypatch.setattr(trainer_check, "CHECK_SECONDS", 0.5)
    stubborn = as_python(tmp_path / "python", f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; wait; wait")
    begun = time.monotonic()
    found = check(stubborn)
    assert found.message == f"{stubborn} does not respond."
    assert time.monotonic() - begun < 10
    child = (tmp_path / "child").read_text().strip()
    left = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True, check=False).stdout
    assert left.strip()[:1] in ("", "Z"), "it goes on, or is only not yet forgotten"


@posix
def test_a_check_is_given_up_when_asked(tmp_path: Path) -> None:
    asked = threading.Event()
    threading.Timer(0.5, asked.set).start()
    begun = time.monotonic()
    with pytest.raises(CancelledError):
        check(as_python(tmp_path / "python", "sleep 60"), asked.is_set)
    assert time.monotonic() - begun < 5
