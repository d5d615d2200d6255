"""What a benchmark says: rows for people, numbers for programs."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from resnet_desktop.inference import runtime
from tests.benchmarks.measure import Spread


@dataclass(slots=True)
class Row:
    """One line: what was measured, its number, its ratio to the base, and what it should reach."""

    what: str
    value: Spread
    unit: str
    digits: int = 1
    ratio: Spread | None = None
    goal: str = ""


@dataclass(slots=True)
class Section:
    """One table; ``base`` says what the ratios are against."""

    title: str
    base: str = ""
    rows: list[Row] = field(default_factory=list)
    note: str = ""

    def text(self) -> str:
        """The table, with aligned columns."""
        lines = [
            (r.what, f"{r.value.text(r.digits)} {r.unit}", r.ratio.text(3) if r.ratio else "", r.goal)
            for r in self.rows
        ]
        head = ("", "median [quartiles]", f"against {self.base}" if self.base else "", "reach")
        widths = [max(len(line[i]) for line in [head, *lines]) for i in range(4)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [head, *lines]
        ]
        return "\n".join(
            [self.title, *(f"  {line.rstrip()}" for line in table), *([f"  {self.note}"] if self.note else [])]
        )

    def json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "platform": platform.platform(),
        "python": sys.version.split()[0],
        "onnxruntime": runtime.library().__version__,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
