"""The licences of everything inside the program, as files beside it. Nothing goes in whose licence is not found."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

TEXTS = Path(__file__).with_name("licences")
_LICENCE_FILE = re.compile(r"(^|/)(licen[cs]e|copying|notice|third.?party)[^/]*$", re.IGNORECASE)
_NOT_PYTHON = re.compile(r"\.py[cio]?$")
# Distributions that name a licence and carry no text of it.
_NAMED = {
    "pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"),
    "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt"),
    "flatbuffers": ("Apache-2.0.txt",),
}
PACKER = "pyinstaller"
"""Its start program is inside, under the GPL with an exception for programs packed with it."""
_GPL = re.compile(r"(?<!L)GPL")
PAGE = """\
# Licences

ResNet Desktop itself is under the MIT licence (LICENSE). Its pictures, names, font and networks are in assets.md. What
else is inside, each with its text in a folder of its name:

{table}

Qt and PySide6 (LGPL-3.0) lie in lib/PySide6 as files of their own, which may be replaced by other builds of the same
version. Their sources: <https://download.qt.io/official_releases/QtForPython/>,
<https://download.qt.io/official_releases/qt/>.
"""


def collect(folder: Path, repo: Path, runtime: str, work: Path) -> None:
    """Write licences/ into the program's folder. Raises SystemExit where one is missing or does not go with it."""
    target = folder / "licences"
    target.mkdir(exist_ok=True)
    rows = [_distribution(found, target, repo) for found in _inside(repo, runtime)]
    rows.append(_python(target))
    if sys.platform == "linux":
        rows += _system(folder, work, target)
    shutil.copy(repo / "assets" / "LICENSES.md", target / "assets.md")
    table = "\n".join(["| what | version | licence |", "|---|---|---|", *sorted(rows, key=str.lower)])
    (target / "README.md").write_text(PAGE.format(table=table), "utf-8")


def _inside(repo: Path, runtime: str) -> list[metadata.Distribution]:
    """The distributions that the app needs, and theirs; and the packer."""
    import tomllib

    declared = tomllib.loads((repo / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    waiting = [line for line in declared if not line.startswith("onnxruntime")] + [runtime, PACKER]
    found: dict[str, metadata.Distribution] = {}
    while waiting:
        requirement = Requirement(waiting.pop())
        name = requirement.name.lower().replace("_", "-")
        if name in found or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        found[name] = metadata.distribution(name)
        if name != PACKER:
            waiting += found[name].requires or []
    return list(found.values())


def _distribution(found: metadata.Distribution, target: Path, repo: Path) -> str:
    """Copy its texts; its row of the table."""
    name = found.metadata["Name"].lower().replace("_", "-")
    named = found.metadata["License-Expression"] or found.metadata["License"] or ""
    classifiers = [
        row.rpartition(" :: ")[2] for row in found.metadata.get_all("Classifier") or [] if "License ::" in row
    ]
    licence = named.splitlines()[0] if named and named != "UNKNOWN" else ", ".join(classifiers) or "see its text"
    if _GPL.search(licence) and "LGPL" not in licence and name != PACKER:
        raise SystemExit(f"{name} is under {licence}, which does not go into the program.")
    texts = [Path(str(file.locate())) for file in found.files or [] if _LICENCE_FILE.search(str(file))]
    texts = [path for path in texts if path.is_file() and not _NOT_PYTHON.search(path.name)]
    texts += [_text(word, repo) for word in _NAMED.get(name, ())]
    if not texts:
        raise SystemExit(f"{name} {found.version} ({licence}) carries no licence text.")
    _copy(texts, target / name)
    return f"| {name} | {found.version} | {licence} |"


def _text(name: str, repo: Path) -> Path:
    own = TEXTS / name
    return own if own.is_file() else repo / "assets" / name


def _copy(texts: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in texts:
        name, number = path.name, 2
        while (folder / name).exists() and (folder / name).read_bytes() != path.read_bytes():
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        shutil.copy(path, folder / name)


def _python(target: Path) -> str:
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = (
        base / "LICENSE.txt",
        base / "lib" / version / "LICENSE.txt",
        Path("/usr/share/doc") / version / "copyright",
    )
    text = next((path for path in places if path.is_file()), None)
    if text is None:
        raise SystemExit("The licence of Python was not found.")
    _copy([text], target / "python")
    return f"| python | {sys.version.split()[0]} | PSF-2.0 |"


def _system(folder: Path, work: Path, target: Path) -> list[str]:
    """The libraries that came from the system, by its packages. Their licences are told by Debian's own files."""
    packed = (work / "resnet-desktop" / "COLLECT-00.toc").read_text("utf-8")
    listed = re.findall(r"\('([^']+)',\s+'(/(?:usr/)?lib/[^']+)',\s+'BINARY'\)", packed)
    rows: dict[str, str] = {}
    for name, source in listed:
        if not (folder / "lib" / name).exists():
            continue
        package, version = _owner(Path(source))
        text = Path("/usr/share/doc") / package / "copyright"
        if not text.is_file():
            raise SystemExit(f"The licence of {name}, from {source}, was not found.")
        _copy([text], target / package)
        rows[package] = f"| {package} | {version} | see its text |"
    return list(rows.values())


def _owner(path: Path) -> tuple[str, str]:
    """The package of Debian that a library belongs to, and its version."""
    for place in (path, path.resolve(), Path("/usr") / path.relative_to("/") if path.parts[1] == "lib" else path):
        done = subprocess.run(["dpkg-query", "--search", str(place)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            package = done.stdout.partition(":")[0]
            query = ["dpkg-query", "--show", "--showformat", "${Version}\n", package]
            version = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]
            return package, version
    raise SystemExit(f"No package owns {path}.")
