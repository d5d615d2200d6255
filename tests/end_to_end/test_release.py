"""``make release`` in a small repository of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPO

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
CHANGES = "# Changes\n\n## Unreleased\n\n### Added\n- A thing.\n\n## 0.1.0 – 2026-01-01\n\n### Added\n- The first.\n"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a version, a changelog and the script."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "A")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "a@example.org")
    (tmp_path / "resnet_desktop").mkdir()
    (tmp_path / "resnet_desktop" / "__init__.py").write_text('"""It."""\n\n__version__ = "0.1.0"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES, "utf-8")
    (tmp_path / ".ci").mkdir()
    shutil.copy(REPO / ".ci" / "release.py", tmp_path / ".ci")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def release(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / ".ci" / "release.py"), *arguments]
    return subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)


def test_version_changelog_commit_and_tag(clone: Path) -> None:
    done = release(clone, "0.2.0")
    assert done.returncode == 0, done.stderr
    assert '__version__ = "0.2.0"' in (clone / "resnet_desktop" / "__init__.py").read_text("utf-8")
    parts = (clone / "CHANGELOG.md").read_text("utf-8").split("\n## ")
    assert [part.split()[0] for part in parts[1:]] == ["Unreleased", "0.2.0", "0.1.0"]
    assert "- A thing." in parts[2]
    assert git(clone, "tag").split() == ["v0.2.0"]
    assert git(clone, "show", "--no-patch", "--format=%s", "v0.2.0^{commit}").strip() == "Version 0.2.0"
    assert git(clone, "status", "--porcelain") == ""
    again = release(clone, "0.3.0")
    assert again.returncode == 2
    assert "says nothing" in again.stderr


@pytest.mark.parametrize(
    ("version", "words"),
    [("0.1.0", "not larger"), ("0.0.9", "not larger"), ("1.0", "three numbers"), ("v1.0.0", "three numbers"), ("", "")],
)
def test_what_is_no_release_changes_nothing(clone: Path, version: str, words: str) -> None:
    done = release(clone, *([version] if version else []))
    assert done.returncode == 2
    assert words in done.stderr
    assert git(clone, "status", "--porcelain") == git(clone, "tag") == ""
    (clone / "CHANGELOG.md").write_text(CHANGES + "\n", "utf-8")
    assert "not committed" in release(clone, "0.2.0").stderr
