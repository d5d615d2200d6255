"""Interpreters are really run, environments really made; pip works offline on wheels that the tests write."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from resnet_desktop import __version__
from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.finetune import environment, own_wheel
from resnet_desktop.finetune.environment import InstallPlan


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallPlan:
    """A plan that finds this program's own wheel and nothing else: no network, no dependencies."""
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path / "home"))
    return replace(environment.plan("cpu"), requirements=(), options=("--no-index", "--no-deps"))


def test_the_wheel_holds_this_program(tmp_path: Path) -> None:
    wheel = own_wheel.build(tmp_path)
    assert wheel.name == f"resnet_desktop-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        record = archive.read(f"resnet_desktop-{__version__}.dist-info/RECORD").decode().splitlines()
        metadata = archive.read(f"resnet_desktop-{__version__}.dist-info/METADATA").decode()
    assert "resnet_desktop/trainer/__main__.py" in names
    assert len(record) == len(names)
    assert "PySide6" not in metadata
    first = wheel.read_bytes()
    assert own_wheel.build(tmp_path).read_bytes() == first, "the same sources give the same file"


def test_the_wheel_asks_for_what_the_program_asks_for() -> None:
    """The floors of the versions are those of pyproject.toml, where they are declared."""
    declared = (Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8")
    for requirement in own_wheel.REQUIREMENTS:
        assert f'"{requirement}' in declared, requirement
    assert environment.TORCH in declared


def test_an_environment_is_made_and_kept_up_to_date(offline: InstallPlan) -> None:
    lines: list[str] = []
    python = environment.install(offline, lines.append)
    assert python == environment.managed_python()
    assert any("Successfully installed" in line for line in lines)
    code = "import resnet_desktop; print(resnet_desktop.__version__, resnet_desktop.__file__)"
    answer = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.startswith(__version__)
    assert str(offline.folder) in answer
    found = environment.check(python)
    assert not found.ok, "there is no PyTorch in it"
    assert "torch" in found.message.lower() or "numpy" in found.message.lower()
    package = Path(answer.split()[1])
    package.write_text("__version__ = 'older'\n")
    (offline.folder / "installed.json").unlink()
    environment.update_own(offline.folder)
    assert __version__ in package.read_text()
    environment.update_own(offline.folder, lambda line: pytest.fail(line))  # nothing left to do
    environment.remove()
    assert not python.exists()


def test_a_failed_installation_leaves_the_old_one(offline: InstallPlan) -> None:
    python = environment.install(offline, list[str]().append)
    wrong = replace(offline, requirements=("no-such-package-anywhere",))
    with pytest.raises(TrainingError, match="no-such-package-anywhere") as caught:
        environment.install(wrong, list[str]().append)
    assert caught.value.code == "install_failed"
    assert python.exists()
    assert [p.name for p in offline.folder.parent.iterdir()] == [offline.folder.name]


def test_cancelling_leaves_nothing(offline: InstallPlan) -> None:
    with pytest.raises(CancelledError):
        environment.install(offline, list[str]().append, lambda: True)
    assert not offline.folder.exists()
    assert list(offline.folder.parent.glob("*")) == []


def test_checking_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path / "home"))
    missing = environment.check(tmp_path / "python")
    assert not missing.ok
    assert "does not run" in missing.message
    own = environment.check(None)
    found = environment.find(tmp_path / "python")
    if own.ok:
        assert found == own, "the app's own takes over"
        assert own.torch
        assert own.device
    else:
        assert found == missing


def test_the_plan_says_what_it_costs() -> None:
    small, large = environment.plan("cpu"), environment.plan("cuda")
    assert small.download_mb < large.download_mb
    assert small.disk_mb < large.disk_mb
    assert small.requirements[0].startswith("torch")
    assert bool(small.options) == (sys.platform == "linux")
