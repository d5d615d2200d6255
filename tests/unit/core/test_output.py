"""Files that a person names to be written: links, devices, pipes, folders that are not there, and the inputs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_desktop.core import output
from resnet_desktop.core.errors import StorageError

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def code(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        output.write_bytes(path, b"x")
    assert str(path) in caught.value.message
    return caught.value.code


def test_a_missing_folder_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        output.write_bytes(tmp_path / "no" / "such" / "file", b"x")
    assert (caught.value.code, list(tmp_path.iterdir())) == ("missing_folder", [])
    with pytest.raises(StorageError):
        output.make_folder(tmp_path / "no" / "such")
    assert output.make_folder(tmp_path / "new")
    assert not output.make_folder(tmp_path / "new")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert code(tmp_path) == "write_failed"


@posix
def test_a_link_stays_and_leads_to_what_is_new(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    output.write_bytes(link, b"first")
    output.write_bytes(link, b"second")
    assert link.is_symlink()
    assert real.read_bytes() == b"second"
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert code(circle) == "write_failed"
    (tmp_path / "nowhere").symlink_to(tmp_path / "no" / "such")
    with pytest.raises(StorageError, match=r"folder .*no does not exist"):
        output.write_bytes(tmp_path / "nowhere", b"")


@posix
def test_modes_are_kept_and_new_files_have_that_of_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        output.write_bytes(path, b"x")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o606)
        output.write_bytes(path, b"y")
        assert stat.S_IMODE(path.stat().st_mode) == 0o606
    finally:
        os.umask(before)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o444)
    assert code(path) == "read_only"
    assert path.read_bytes() == b"old"


@posix
def test_a_pipe_and_a_device_are_written_to(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    output.write_bytes(pipe, b"through the pipe")
    reader.join()
    assert got == [b"through the pipe"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    output.write_bytes(Path(os.devnull), b"gone")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device_is_a_storage_error() -> None:
    assert code(Path("/dev/full")) == "disk_full"


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout")
def test_standard_output_that_goes_to_a_file_is_added_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"before\n")
    program = "from resnet_desktop.core import output; from pathlib import Path; "
    program += "output.write_bytes(Path('/dev/stdout'), b'added\\n')"
    with target.open("ab") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert target.read_bytes() == b"before\nadded\n"
    assert list(tmp_path.iterdir()) == [target]


@posix
def test_an_input_is_known_by_all_its_names(tmp_path: Path) -> None:
    photo = tmp_path / "photo"
    photo.write_bytes(b"x")
    (tmp_path / "soft").symlink_to(photo)
    (tmp_path / "hard").hardlink_to(photo)
    for name in ("photo", "soft", "hard", "../" + tmp_path.name + "/photo"):
        with pytest.raises(StorageError) as caught:
            output.refuse_inputs(tmp_path / name, [b"bytes", tmp_path / "missing", photo])
        assert caught.value.code == "is_input"
    output.refuse_inputs(tmp_path / "other", [photo])
    output.refuse_inputs(Path(os.devnull), [os.devnull])


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    output.write_bytes(path, b"x")
    assert path.read_bytes() == b"x"
