"""Quantization: straight through, as if rounding were not there (Bengio et al. 2013, arXiv:1308.3432)."""

from __future__ import annotations

from resnet_desktop.explain.rules.step import Found, Rule, Step


def _straight_through(step: Step) -> Found:
    return {0: step.lazy}


RULES: dict[str, Rule] = {"DequantizeLinear": _straight_through, "QuantizeLinear": _straight_through}
