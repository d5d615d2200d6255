"""The ways in which a network is made smaller numbers of, in the order in which they are tried.

All but the last are ONNX Runtime's static quantization: QDQ format, weights in int8 with a scale for each channel,
activations in uint8 with a scale found on photos. Its pages advise to keep weights to 7 bits where the CPU has no
instructions for such sums (VNNI): products of 8 bits overflow the 16 that two of them are added in. Weights in uint8
are added in 32 and keep their 8 bits; but for depthwise convolutions, whose sums in int8 never overflow, uint8 is
several times as slow as float32 (ONNX Runtime 1.31, AVX2).
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

INT8, FLOAT16 = "int8", "float16"

Method = Literal["MinMax", "Percentile", "Entropy"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way.

    Attributes:
        name: for programs.
        kind: of the file that it makes.
        method: how the range of each tensor is found, by ONNX Runtime's name.
        spared: one in so many of the convolutions, from the first on, and the head stay as they are; 0: none. What the
            first ones round off is missing everywhere, while their channels are few.
        unsigned: whether weights are in uint8 but for depthwise convolutions, where int8 would cost them a bit.
        most: photos that it learns ranges from; histograms of all tensors take about a second for each.
    """

    name: str
    kind: str = INT8
    method: Method = "MinMax"
    spared: int = 0
    unsigned: bool = False
    most: int = 64


QUANTIZING = (
    Recipe("minmax"),
    Recipe("minmax-sixth", spared=6),
    Recipe("unsigned-sixth", spared=6, unsigned=True),
    Recipe("unsigned-quarter", spared=4, unsigned=True),
    Recipe("percentile-quarter", method="Percentile", spared=4, unsigned=True, most=24),
    Recipe("entropy-quarter", method="Entropy", spared=4, unsigned=True, most=24),
)
HALF = Recipe("float16", FLOAT16)


def quantizing() -> tuple[Recipe, ...]:
    """Those for this CPU: where sums are wide, int8 weights keep their 8 bits anyway."""
    if not has_wide_sums():
        return QUANTIZING
    return tuple(
        dict.fromkeys(replace(r, name=r.name.replace("unsigned", "minmax"), unsigned=False) for r in QUANTIZING)
    )


def has_wide_sums() -> bool:
    """Whether the CPU adds products of 8 bits in 32: VNNI on x86, dot products on Arm; what is not known has not."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:  # another system: weights of 7 bits are right on any
        return False
    return re.search(r"\bavx(512)?_vnni\b", flags) is not None


RECIPES = {recipe.name: recipe for recipe in (*QUANTIZING, *quantizing(), HALF)}
"""All of them, by name."""
