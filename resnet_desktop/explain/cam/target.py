"""What a heatmap is of: one class, or a group of classes taken together.

A group's probability is the sum of its classes'. Up to what all classes share, its logarithm is that of the sum of the
exponentials of their logits, S = T log Σ exp(z_i / T) at the temperature T. S has the gradient softmax(z / T) over the
group's logits, and nothing elsewhere; for a group of one class that is the gradient of its logit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.format.class_hierarchy import taxonomy_of
from resnet_desktop.bundle.format.metadata import Metadata

Target = int | tuple[int, ...]
"""A class index, or those of a group's classes."""

Array = NDArray[np.float32]


def classes_of(target: Target) -> tuple[int, ...]:
    """The class indices of a target."""
    return (target,) if isinstance(target, int) else target


def check_classes(count: int, *targets: Target | None) -> None:
    """Raises IndexError if a target has a class that is none of ``count``, or has no class."""
    for target in targets:
        if target is None:
            continue
        if not classes_of(target):
            raise IndexError("a group needs a class")
        for index in classes_of(target):
            if not 0 <= index < count:
                raise IndexError(f"there is no class {index} among {count}")


def probability(probabilities: NDArray[np.floating], target: Target) -> NDArray[np.float64]:
    """The probability of a target, ``(…)``, from those of all classes, ``(…, classes)``."""
    found: NDArray[np.float64] = probabilities[..., classes_of(target)].sum(axis=-1, dtype=np.float64)
    return found


def score(logits: Array, target: Target, temperature: float) -> NDArray[np.float64]:
    """S of a target, ``(…)``, from logits ``(…, classes)``; of one class its logit."""
    own = logits[..., classes_of(target)].astype(np.float64) / temperature
    most = own.max(axis=-1, keepdims=True)
    found: NDArray[np.float64] = temperature * (np.log(np.exp(own - most).sum(axis=-1)) + most[..., 0])
    return found


def gradient(logits: Array, target: Target, against: Target | None, temperature: float) -> Array:
    """The gradient of S of ``target``, less that of ``against``, with respect to logits ``(n, classes)``.

    Returns float32 of the same shape. Raises IndexError as ``check_classes``.
    """
    check_classes(logits.shape[-1], target, against)
    found = np.zeros(logits.shape, np.float32)
    for one, sign in ((target, 1.0), (against, -1.0)):
        if one is None:
            continue
        indices = list(classes_of(one))
        own = logits[:, indices].astype(np.float64) / temperature
        own = np.exp(own - own.max(axis=1, keepdims=True))
        found[:, indices] += (sign * own / own.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def label_of(metadata: Metadata, target: Target) -> str:
    """What a target is called: a class by its label, a group by its name in the hierarchy, else by its classes."""
    if isinstance(target, int):
        return metadata.categories[target]
    taxonomy = taxonomy_of(metadata)
    group = None if taxonomy is None else taxonomy.of_classes(target)
    return group.label if group is not None else " or ".join(metadata.categories[i] for i in target)
