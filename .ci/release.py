#!/usr/bin/env python3
"""Set version and changelog for a release, commit and tag; nothing is pushed. ``make release VERSION=1.2.0``.

What stands under "Unreleased" in CHANGELOG.md becomes the section of the version. Everything is checked before anything
is written: the version is three numbers and larger than the one before, the changelog has something to say, no change
waits to be committed, and the tag is new. Needs Python and git alone.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

VERSION_FILE = Path("resnet_desktop", "__init__.py")
CHANGELOG = Path("CHANGELOG.md")
OPEN = "## Unreleased\n"
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


class RefusedError(Exception):
    """No release is made; the sentence says why."""


def git(folder: Path, *arguments: str) -> str:
    """The output of a git command in a folder. Raises RefusedError."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a version; those of a development version come before its release. Raises RefusedError."""
    found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(\.dev\d+)?", version)
    if found is None:
        raise RefusedError(f"A version is three numbers, such as 1.2.0, not {version!r}.")
    return (*map(int, found.groups()[:3]), 0 if found[4] else 1)


def changed_version(text: str, version: str) -> str:
    """The text of the package's ``__init__`` with another version. Raises RefusedError."""
    found = _VERSION.search(text)
    if found is None:
        raise RefusedError(f"{VERSION_FILE} has no version.")
    if numbers(version) <= numbers(found[1]) or ".dev" in version:
        raise RefusedError(f"{version} is not larger than {found[1]}, or is no release.")
    return text[: found.start(1)] + version + text[found.end(1) :]


def changed_changelog(text: str, version: str, day: datetime.date) -> str:
    """The changelog with a section for the version in place of what was open. Raises RefusedError."""
    before, heading, rest = text.partition(OPEN)
    news = rest.split("\n## ")[0].strip()
    if not heading or not re.search(r"^- ", news, re.MULTILINE):
        raise RefusedError(f"{CHANGELOG} says nothing under {OPEN.strip()[3:]!r}.")
    return f"{before}{heading}\n## {version} – {day.isoformat()}\n{rest}"


def release(folder: Path, version: str) -> None:
    """Change, commit and tag. Raises RefusedError before anything is written."""
    if git(folder, "status", "--porcelain"):
        raise RefusedError("There are changes that are not committed.")
    if git(folder, "tag", "--list", f"v{version}"):
        raise RefusedError(f"The tag v{version} is there already.")
    today = datetime.datetime.now(datetime.UTC).date()
    texts = {
        VERSION_FILE: changed_version((folder / VERSION_FILE).read_text("utf-8"), version),
        CHANGELOG: changed_changelog((folder / CHANGELOG).read_text("utf-8"), version, today),
    }
    for path, text in texts.items():
        (folder / path).write_text(text, "utf-8")
    git(folder, "commit", "--quiet", "--message", f"Version {version}", *map(str, texts))
    git(folder, "tag", "--annotate", f"v{version}", "--message", f"Version {version}")


def main(arguments: list[str]) -> int:
    """The exit code: 0, or 2 with a sentence on standard error."""
    try:
        if len(arguments) != 1:
            raise RefusedError("Which version? make release VERSION=1.2.0")
        release(Path(__file__).resolve().parent.parent, arguments[0])
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"v{arguments[0]} is committed and tagged. To publish: git push --follow-tags\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
