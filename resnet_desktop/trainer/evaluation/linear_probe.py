"""A linear probe as the start of fine-tuning: the new head is fitted to the base's features before the rest learns.

A head with random weights sends gradients through the base that say nothing yet and spoil part of what it knows; a head
that already tells the classes apart does not (linear probing, then fine-tuning; Kumar et al. 2022, arXiv:2202.10054).
The fit is the one of *Only the last layer* (``runs.linear``): convex, on training photos alone, its strength chosen by
cross-validation among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.dataset import Sample
from resnet_desktop.runs.linear.folds import NEVER, copies, folds
from resnet_desktop.runs.linear.learner import MANY, learn
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.evaluation.frozen_features import Extractor, features_cache
from resnet_desktop.trainer.network.classifier import Classifier

MOST = 4000
"""Photos that a head is fitted to: more hardly change where fine-tuning begins."""
LEAST = 4
"""Photos of each class, on average, below which a limited time is better spent on learning."""
ALIKE = "All photos look the same to the base: its new last layer begins with random weights."
START_KEPT = (
    "No epoch was better on the validation photos than the start: the model is the base with a new last layer, as "
    "“Only the last layer” fits it. A lower learning rate may help."
)
TIME_SHARE = 0.1
"""Of a limited time, what the features of the probe may take."""


LARGEST_TERMS = 300.0
"""What a logit's terms may add up to without their signs, on average. Beyond it they cancel each other out: the
features are nearly alike, and what is left is the noise of float32."""


@dataclass(frozen=True, slots=True)
class HeadStart:
    """Where the head begins.

    Attributes:
        photos: that it was fitted to.
        strength: of the penalty on its weights.
        acc1: its accuracy in cross-validation among them; None where nothing could be spared for that.
        validation_acc1: accuracy of the network as it begins, on the validation photos; None before it is known.
        validation_loss: its loss there, in nats.
    """

    photos: int
    strength: float
    acc1: float | None
    validation_acc1: float | None = None
    validation_loss: float | None = None

    def judged(self, acc1: float, loss: float) -> HeadStart:
        """With what the validation photos say."""
        return replace(self, validation_acc1=acc1, validation_loss=loss)

    @property
    def score(self) -> tuple[float, float] | None:
        """Accuracy and minus the loss on the validation photos, as those of epochs are compared."""
        if self.validation_acc1 is None or self.validation_loss is None:
            return None
        return self.validation_acc1, -self.validation_loss

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def leads(start: HeadStart | None, best: tuple[float, float]) -> bool:
    """Whether the best score so far is that of the network as it began."""
    return start is not None and start.score == best


def wanted(network: Classifier, train: str) -> bool:
    """Whether a new head of this network can begin as a linear probe: it is linear, and more than it learns."""
    return train not in ("head", "scratch") and not network.has_hidden


def chosen(samples: Sequence[Sample], most: int, seed: int) -> list[Sample]:
    """At most so many of the samples, in their order: of each class equally many while there are any."""
    if len(samples) <= most:
        return list(samples)
    turns: Counter[int] = Counter()
    rows = []
    for i in np.random.default_rng(seed).permutation(len(samples)).tolist():
        turns[samples[i].label] += 1
        rows.append((turns[samples[i].label], i))
    return [samples[i] for i in sorted(i for _, i in sorted(rows)[:most])]


def fit_head(
    network: Classifier,
    values: NDArray[np.float16],
    samples: Sequence[Sample],
    classes: int,
    *,
    balance: str,
    seed: int,
    told: Callable[[int, int], object] = lambda _done, _all: None,
) -> HeadStart | None:
    """Fit the network's linear head to features and put it in; None, and no change, where they are (nearly) all alike.

    Args:
        network: its ``fc`` is changed.
        values: features ``(views, n, width)`` of the samples, the first view without augmentation.
        samples: to learn from.
        classes: how many.
        balance: ``weights`` makes up for classes of unequal size.
        seed: of the parts for cross-validation.
        told: hears how many of how many fits are done, and, with 0 of 0, of every step; what it raises ends the work.
    """
    labels = np.array([sample.label for sample in samples], np.int64)
    fold = folds(samples, copies(values[0]), seed)
    if len(samples) >= MANY:  # one fold chooses; the others would be asked for the accuracy alone
        fold[fold != 0] = NEVER
    try:
        learnt = learn(values, labels, fold, classes, balance, check=lambda: told(0, 0), told=told)
    except DataError as error:
        if error.code != "bad_data":
            raise
        return None
    terms = np.abs(values[0].astype(np.float32)) @ np.abs(learnt.layer.weight).T
    if float(terms.mean()) > LARGEST_TERMS:
        return None
    _put_in(network, torch.from_numpy(learnt.layer.weight), torch.from_numpy(learnt.layer.bias))
    asked = np.isfinite(learnt.logits).all(1)
    right = learnt.logits[asked].argmax(1) == labels[asked]
    return HeadStart(len(samples), learnt.strength, round(float(right.mean()), 4) if len(right) else None)


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """Lets a network's head begin as a linear probe, in all processes alike: the first one fits it.

    Attributes:
        network: with the base's weights, on its device.
        extract: computes its features.
        classes: how many.
        balance: ``weights`` makes up for classes of unequal size.
        seed: of the run.
        world: the processes.
        told: as that of ``fit_head``.
    """

    network: Classifier
    extract: Extractor
    classes: int
    balance: str
    seed: int
    world: ProcessGroup
    told: Callable[[int, int], object]

    def __call__(self, samples: Sequence[Sample], minutes: float | None) -> tuple[HeadStart | None, bool]:
        """Where the head begins, None for random weights; and whether the photos are all alike to the base.

        Args:
            samples: training photos that can be read.
            minutes: that the run may take, if that is limited.
        """
        most = MOST if minutes is None else min(MOST, self._photos_in(minutes))
        if most < min(len(samples), LEAST * self.classes):
            return None, False
        cache = features_cache()
        try:
            features, _ = self.extract(chosen(samples, most, self.seed), 1, cache)
        finally:
            cache.close()
        found: HeadStart | None = None
        if self.world.first:
            values, kept = features.values.numpy(), features.samples
            found = fit_head(
                self.network, values, kept, self.classes, balance=self.balance, seed=self.seed, told=self.told
            )
        layer = self.network.first_linear
        _put_in(self.network, *self.world.told((layer.weight.detach().cpu(), layer.bias.detach().cpu())))
        found = self.world.told(found)
        return found, found is None

    def _photos_in(self, minutes: float) -> int:
        """How many photos' features a limited time allows, the same in all processes."""
        seconds: float = self.world.told(self.extract.seconds_per_picture() if self.world.first else None)
        return int(TIME_SHARE * 60 * minutes / max(1e-9, seconds))


def _put_in(network: Classifier, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        network.first_linear.weight.copy_(weight)
        network.first_linear.bias.copy_(bias)
