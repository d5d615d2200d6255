"""What the trainer needs beside this program, and whether a version will do. The standard library alone is imported.

The floors are those of ``pyproject.toml``, where the app's own libraries are declared.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

TORCH = "torch>=2.11,<2.14"
LIBRARIES = (
    "numpy>=2.1",
    "onnx>=1.19",
    "onnxruntime>=1.31",
    "pillow>=12",
    "pi-heif>=1.1",
    "platformdirs>=4.3",
    "filelock>=3.16",
    "jinja2>=3.1",
)
"""What the trainer imports beside PyTorch. It runs exported models on the CPU: the plain ONNX Runtime does.

PyTorch needs Jinja2 itself: an environment that was installed before the reports did has it, too.
"""
SUPPORTED = ((3, 11), (3, 13))
"""The first and the last Python that the app and PyTorch both run on."""
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of builds without CUDA; on Linux those of PyPI carry it."""
CUDA_INDEX = "https://download.pytorch.org/whl/cu130"
"""PyTorch's own index of builds with CUDA 13; on Windows those of PyPI have none. On Linux PyPI's are for 13, too."""

_MODULES = {"pillow": "PIL", "pi-heif": "pi_heif"}
_TITLES = {"torch": "PyTorch"}


def name_of(requirement: str) -> str:
    """``torch`` of ``torch>=2.11,<2.14``."""
    return re.split("[<>=]", requirement)[0]


def title_of(requirement: str) -> str:
    """A library as people call it."""
    return _TITLES.get(name_of(requirement), name_of(requirement))


def module_of(requirement: str) -> str:
    """What is imported, such as ``PIL``."""
    return _MODULES.get(name_of(requirement), name_of(requirement))


def fault_of(requirement: str, version: str) -> str:
    """Why a version will not do, as a sentence; empty where it does, or where no version can be read."""
    have = _numbers(version)
    if not have:
        return ""
    floor, _, ceiling = requirement.removeprefix(name_of(requirement)).partition(",")
    low, high = _numbers(floor), _numbers(ceiling)
    wanted = f"{floor.lstrip('>=')} or newer" + (f", but older than {ceiling.lstrip('<')}" if ceiling else "")
    if have < low:
        return f"{title_of(requirement)} {version} is too old: training needs {wanted}."
    if high and have >= high:
        return f"{title_of(requirement)} {version} is too new: training needs {wanted}."
    return ""


def pip_line(requirements: Sequence[str], python: str = "", *words: str) -> str:
    """What a person types to add libraries to an interpreter, or with none named, to the one that is at hand."""
    command = [python, "-m", "pip", "install"] if python else ["pip", "install"]
    index = ["--extra-index-url", CPU_INDEX] if sys.platform == "linux" and _has_torch(requirements) else []
    return " ".join(_quoted(word) for word in (*command, *words, *requirements, *index))


def _has_torch(requirements: Sequence[str]) -> bool:
    return any("torch" in requirement or "[train]" in requirement for requirement in requirements)


def _quoted(word: str) -> str:
    """As shells of all systems take it: those of Windows know no single quotes."""
    return f'"{word}"' if re.search(r"[\s<>=,\[\]]", word) else word


def _numbers(version: str) -> tuple[int, ...]:
    """``(2, 13)`` of ``2.13.0+cpu``: zeros at the end count for nothing."""
    found = re.search(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
