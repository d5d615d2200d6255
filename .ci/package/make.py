#!/usr/bin/env python3
"""``make package``: an environment with what goes into the program, and in it the build. Needs Python alone.

``make.py cpu`` is the usual flavour; ``make.py gpu`` has the build of ONNX Runtime that can use CUDA where the system
has it (x86-64 only; CUDA itself is not packed).
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent
RUNTIMES = {"cpu": "onnxruntime", "gpu": "onnxruntime-gpu"}


def requirements(flavour: str) -> list[str]:
    """What the app declares, with the flavour's ONNX Runtime in place of the usual one, and what packs it."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    runtime = next(line for line in project["dependencies"] if line.startswith("onnxruntime>="))
    floor = runtime.partition(";")[0].removeprefix("onnxruntime").strip()
    others = [line for line in project["dependencies"] if not line.startswith("onnxruntime")]
    return [*others, f"{RUNTIMES[flavour]}{floor}", *project["optional-dependencies"]["package"]]


def main(arguments: list[str]) -> int:
    """Make the environment and build in it; the exit code."""
    if len(arguments) != 1 or arguments[0] not in RUNTIMES:
        print(__doc__, file=sys.stderr)
        return 2
    (flavour,) = arguments
    environment = REPO / "build" / "package" / flavour / "environment"
    inside = Path("Scripts", "python.exe") if sys.platform == "win32" else Path("bin", "python")
    python = environment / inside
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *requirements(flavour)], check=True)
    return subprocess.run([str(python), str(Path(__file__).with_name("build.py")), flavour], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
