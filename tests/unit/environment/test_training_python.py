"""Interpreters are really run, environments really made; pip works offline on wheels that the tests write."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resnet_desktop import __version__
from resnet_desktop.core.errors import DownloadError, StorageError, TrainingError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.environment import graphics, interpreters, pip, requirements, training_python
from resnet_desktop.environment.installing import check_room, install, put_in_place
from resnet_desktop.environment.pip import Stage
from resnet_desktop.environment.trainer_check import check
from resnet_desktop.environment.training_python import InstallPlan

posix = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are shell scripts")


def program(path: Path, text: str) -> Path:
    """A program that a shell runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def offline() -> InstallPlan:
    """A plan that finds this program's own wheel and nothing else: no network, no dependencies."""
    return replace(training_python.plan("cpu"), requirements=(), options=("--no-index", "--no-deps"))


@pytest.fixture
def bare_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pip that nobody has told where else packages are."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """An index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


def index_of(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_an_environment_is_made_and_kept_up_to_date(offline: InstallPlan) -> None:
    lines: list[str] = []
    stages: list[Stage] = []
    python = install(offline, lines.append, on_stage=stages.append)
    assert python == training_python.managed_python()
    assert any("Successfully installed" in line for line in lines)
    assert (stages[0].phase, stages[-1].phase) == ("making", "installing")
    assert not (offline.folder / "arrived").exists()
    code = "import resnet_desktop; print(resnet_desktop.__version__, resnet_desktop.__file__)"
    answer = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.startswith(__version__)
    assert str(offline.folder) in answer
    found = check(python)
    assert not found.ok
    assert "PyTorch, numpy, onnx" in found.message
    assert f"{python} -m pip install" in found.hint
    package = Path(answer.split()[1])
    package.write_text("__version__ = 'older'\n")
    (offline.folder / "installed.json").unlink()
    training_python.update_own(offline.folder)
    assert __version__ in package.read_text()
    training_python.update_own(offline.folder, lambda line: pytest.fail(line))  # nothing left to do
    training_python.remove()
    assert not python.exists()


@posix
def test_an_environment_that_cannot_be_brought_up_to_date_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    program(training_python.managed_python(), "exit 3")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(interpreters, "_commands", lambda: iter([[sys.base_prefix + "/bin/python3"]]))
    found = training_python.find(None)
    assert not found.ok
    assert "not a working Python" in found.message
    assert "could not be updated" in found.hint


def test_a_failed_installation_leaves_the_old_one(offline: InstallPlan) -> None:
    python = program(training_python.managed_python(), "exit 0")
    wrong = replace(offline, requirements=("no-such-package-anywhere",))
    with pytest.raises(TrainingError, match="no-such-package-anywhere") as caught:
        install(wrong, list[str]().append)
    assert caught.value.code == "install_failed"
    assert python.exists()
    assert [p.name for p in offline.folder.parent.iterdir()] == [offline.folder.name]


def test_cancelling_leaves_nothing(offline: InstallPlan) -> None:
    with pytest.raises(CancelledError):
        install(offline, list[str]().append, lambda: True)
    assert not offline.folder.exists()
    assert list(offline.folder.parent.glob("*")) == []


@pytest.mark.usefixtures("bare_pip")
def test_cancelling_ends_pip_and_what_it_has_started(offline: InstallPlan, silent_server: socket.socket) -> None:
    asked = threading.Event()
    waits = replace(offline, requirements=("torch",), options=("--index-url", index_of(silent_server)))

    def hear(line: str) -> None:
        if "Looking in indexes" in line:
            threading.Timer(1.0, asked.set).start()

    begun: list[float] = []

    def cancelled() -> bool:
        if asked.is_set() and not begun:
            begun.append(time.monotonic())
        return asked.is_set()

    with pytest.raises(CancelledError):
        install(waits, hear, cancelled)
    assert time.monotonic() - begun[0] < 5.0
    connection, _ = silent_server.accept()
    with connection:
        connection.settimeout(3)
        while connection.recv(1 << 16):  # until there is nobody at the other end
            pass
    assert list(offline.folder.parent.glob("*")) == []


@pytest.mark.usefixtures("bare_pip")
def test_no_connection_is_told_soon(offline: InstallPlan) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    nobody = replace(offline, requirements=("torch",), options=("--index-url", f"http://127.0.0.1:{port}/simple"))
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="cannot be reached") as caught:
        install(nobody, list[str]().append)
    assert caught.value.code == "no_connection"
    assert time.monotonic() - begun < 15.0


def test_too_little_room_is_told_before_anything_is_made(offline: InstallPlan) -> None:
    huge = replace(offline, disk_mb=10**9)
    with pytest.raises(StorageError, match=r"1,000,000,280 MB in .* MB is free") as caught:
        install(huge, lambda line: pytest.fail(line))
    assert caught.value.code == "disk_full"
    check_room(replace(offline, disk_mb=1, download_mb=1))


def test_the_old_environment_comes_back_if_the_new_one_cannot_be_moved(tmp_path: Path) -> None:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "kept").touch()
    with pytest.raises(StorageError):
        put_in_place(tmp_path / "nothing", tmp_path / "trainer")
    assert (tmp_path / "trainer" / "kept").exists()


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("Collecting torch<2.14,>=2.11", Stage("looking", "torch")),
        (
            "  Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp311-linux_x86_64.whl (184.2 MB)",
            Stage("downloading", "torch", 0.0, 184.2),
        ),
        (
            "  Downloading pi_heif-1.4.0-cp311-cp311-win_amd64.whl (5.7 MB)",
            Stage("downloading", "pi_heif", 0, 5.7),
        ),
        ("  Downloading networkx-3.6.1-py3-none-any.whl.metadata (6.8 kB)", None),
        ("Installing collected packages: mpmath, torch", Stage("installing")),
        ("Looking in indexes: https://pypi.org/simple", None),
    ],
)
def test_what_pip_says_is_understood(line: str, stage: Stage | None) -> None:
    assert pip.stage_of(line) == stage


@pytest.fixture
def stalling_index() -> Iterator[Callable[[int], str]]:
    """An index with one wheel of PyTorch, of so many bytes: it sends three million of them and then waits."""
    held: list[socket.socket] = []
    over = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(size: int) -> None:
            page = b'<a href="/torch-2.13.0-py3-none-any.whl">torch-2.13.0-py3-none-any.whl</a>'
            for body, length in ((page, len(page)), (b"x" * 3_000_000, size)):
                connection, _ = server.accept()
                held.append(connection)
                connection.recv(1 << 16)
                head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
                connection.sendall(head % length)
                # pip says what it fetches once it has the head; a busy machine hears that late.
                if body is not page and over.wait(2):
                    return
                with contextlib.suppress(ConnectionError):  # pip may have been ended meanwhile
                    connection.sendall(body)
                if body is page:
                    connection.close()

        def start(size: int) -> str:
            threads.append(threading.Thread(target=serve, args=(size,), daemon=True))
            threads[-1].start()
            return index_of(server)

        yield start
        over.set()
        for thread in threads:
            thread.join(10)
        for connection in held:
            connection.close()


@pytest.mark.usefixtures("bare_pip")
@pytest.mark.timeout(60)
def test_a_download_is_measured(offline: InstallPlan, stalling_index: Callable[[int], str]) -> None:
    options = ("--index-url", stalling_index(6_000_000), "--no-cache-dir", "--timeout", "120")
    wanted = replace(offline, requirements=("torch==2.13.0",), options=options)
    stages: list[Stage] = []
    with pytest.raises(CancelledError):
        install(wanted, print, lambda: any(s.done_mb > 2 for s in stages), stages.append)
    assert stages[-1].name == "torch"
    assert stages[-1].total_mb == pytest.approx(6.0)
    assert 2.0 < stages[-1].done_mb <= 3.1


@pytest.mark.usefixtures("bare_pip")
@pytest.mark.timeout(60)
def test_no_larger_build_is_fetched_than_was_agreed_to(
    offline: InstallPlan, stalling_index: Callable[[int], str]
) -> None:
    options = ("--index-url", stalling_index(526_600_000), "--no-cache-dir")
    wanted = replace(offline, requirements=("torch==2.13.0",), options=options)
    with pytest.raises(DownloadError, match="CPU-only build, cannot be reached") as caught:
        install(wanted, print)
    assert caught.value.code == "no_connection"
    assert list(offline.folder.parent.glob("*")) == []
    assert pip.is_for_cuda("Collecting nvidia-cublas==13.1.1.3.* (from torch)")
    assert not pip.is_for_cuda("  Downloading torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl (191.8 MB)")


def test_the_plan_says_what_it_costs() -> None:
    small, large = training_python.plan("cpu"), training_python.plan("cuda")
    assert small.download_mb < large.download_mb
    assert small.disk_mb < large.disk_mb
    assert small.requirements[0].startswith("torch")
    assert bool(small.options) == (sys.platform == "linux")


@pytest.mark.parametrize(
    ("system", "indexes"),
    [
        ("linux", [requirements.CPU_INDEX, ""]),
        ("win32", ["", requirements.CUDA_INDEX]),
        ("darwin", [""]),
    ],
)
def test_cuda_is_offered_where_there_is_such_a_thing(
    monkeypatch: pytest.MonkeyPatch, system: str, indexes: list[str]
) -> None:
    monkeypatch.setattr(training_python, "nvidia_card", lambda _cancelled: "NVIDIA T4")
    monkeypatch.setattr(sys, "platform", system)
    found = training_python.offer()
    assert ["".join(plan.options[1:]) for plan in found.plans] == indexes
    assert found.advised == ("cpu" if system == "darwin" else "cuda")


@posix
def test_a_card_is_found_by_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphics, "DRIVER_FILES", (tmp_path / "driver",))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert graphics.nvidia_card() == ""
    (tmp_path / "driver").touch()
    assert graphics.nvidia_card() == "an NVIDIA driver"
    tool = program(tmp_path / "nvidia-smi", "echo 'NVIDIA GeForce RTX 4090'; echo other")
    assert graphics.nvidia_card() == "NVIDIA GeForce RTX 4090"
    (tmp_path / "driver").unlink()
    program(tool, "echo 'has failed because it could not communicate with the driver'; exit 9")
    assert graphics.nvidia_card() == ""


@posix
def test_pythons_are_found_by_all_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a wrong version, without pip, or that are none, are passed over."""
    good = Path(sys.base_prefix, "bin", "python3")
    program(tmp_path / "python3.13", "exit 1")
    program(tmp_path / "python3.12", "echo Python 3 9 /old/python")
    program(tmp_path / "python3.11", "echo Python 3 11 /nowhere/python")
    program(tmp_path / "python3", "exec sleep 0")
    program(tmp_path / "python", f'exec {good} "$@"')
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    found = interpreters.base_python()
    assert interpreters.identify([str(found)]) is not None
    (tmp_path / "python").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrainingError, match=r"needs Python 3\.11 to 3\.13 with pip"):
        interpreters.base_python()
