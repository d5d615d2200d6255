"""Classes of unequal size: weights in the loss, or the smaller ones drawn more often."""

from __future__ import annotations

import torch
from torch import Tensor

UNEQUAL = 2.0
"""Where the largest class has so many times the pictures of the smallest, ``auto`` weighs."""
HEAVIEST = 20.0
"""A class of one picture among thousands does not rule the rest."""


def chosen(kind: str, labels: Tensor) -> str:
    """What ``auto`` comes to for these labels; else ``kind``."""
    if kind != "auto":
        return kind
    counts = torch.bincount(labels.cpu())
    counts = counts[counts > 0]
    return "weights" if float(counts.max()) >= UNEQUAL * float(counts.min()) else "none"


def class_weights(labels: Tensor, classes: int, kind: str) -> Tensor | None:
    """Weights ``[classes]`` for the loss, whose mean over the pictures is about 1; None for equal ones."""
    if chosen(kind, labels) != "weights":
        return None
    return _weights(labels, classes).to(labels.device)


def order(labels: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    """The pictures of an epoch in order, int64 ``[n]``: each once, or drawn so that all classes are as likely."""
    if kind != "sampling":
        return torch.randperm(len(labels), generator=generator)
    labels = labels.cpu()
    weights = _weights(labels, int(labels.max()) + 1)[labels]
    return torch.multinomial(weights, len(labels), replacement=True, generator=generator)


def _weights(labels: Tensor, classes: int) -> Tensor:
    counts = torch.bincount(labels.cpu(), minlength=classes).float()
    present = int((counts > 0).sum())
    return (len(labels) / (present * counts.clamp(min=1))).clamp(max=HEAVIEST)
