"""Likely wrong labels among the pictures that were learnt from, where their features are at hand.

The network knows these labels, so it cannot be asked; small linear heads that each have not seen a fifth of the
pictures can (Northcutt et al. 2021, arXiv:1911.00068, section 3: out-of-sample probabilities by cross-validation).
With a thousand features and a hundred pictures such heads are far too sure of themselves: they are kept small, and a
temperature sets right what remains, so that the percentages can be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.runs.evaluation import calibrate, scores
from resnet_desktop.runs.report.label_errors import LEAST, MOST_PICTURES
from resnet_desktop.trainer.inputs.feeds import FeatureFeed, Feed

FOLDS = 5
ITERATIONS = 20
SHRINKAGE = 0.3


@dataclass(frozen=True, slots=True)
class Doubts:
    """What became of the search.

    Attributes:
        rows: pictures whose label is likely wrong: path, label, the other class and its probability, and their role.
        pictures: how many were looked at.
        wrong: of these, the share that the small heads name otherwise than the labels do; None if none was looked at.
        why: none was: ``few``, ``many`` or ``learnt``, the network has learnt from them; empty if they were looked at.
    """

    rows: list[dict[str, Any]]
    pictures: int = 0
    wrong: float | None = None
    why: str = ""

    def told(self) -> dict[str, Any]:
        """For ``results.json``, where the rows stand elsewhere."""
        return {"pictures": self.pictures, "wrong": self.wrong, "why": self.why}


def doubted(feed: Feed, names: Sequence[str], check: Callable[[], object]) -> Doubts:
    """Likely wrong labels among the pictures of a feed, if it has features that did not learn from them."""
    if not isinstance(feed, FeatureFeed):
        return Doubts([], why="learnt")
    every = feed.labels.cpu()
    chosen = torch.from_numpy(np.flatnonzero(scores.judgeable(every.numpy(), len(names))[every.numpy()]))
    if len(chosen) < LEAST or len(chosen) > MOST_PICTURES:
        return Doubts([], why="few" if len(chosen) < LEAST else "many")
    features, labels = feed.plain.cpu()[chosen], every[chosen]
    features = (features - features.mean(0)) / (features.std(0) + 1e-3)
    fold = _folds(labels)
    logits = torch.zeros(len(chosen), len(names))
    for i in range(FOLDS):
        weight, bias = _fitted(features[fold != i], labels[fold != i], len(names), check)
        logits[fold == i] = features[fold == i] @ weight + bias
    probabilities = scores.softmax(logits.numpy(), calibrate.fit_temperature(logits.numpy(), labels.numpy()))
    wrong = float((probabilities.argmax(1) != labels.numpy()).mean())
    rows = [
        {
            "path": feed.samples[int(chosen[i])].name,
            "label": names[int(labels[i])],
            "predicted": names[int(probabilities[i].argmax())],
            "probability": round(float(probabilities[i].max()), 5),
            "role": "training",
        }
        for i in np.flatnonzero(scores.suspects(probabilities, labels.numpy())).tolist()
    ]
    return Doubts(rows, len(chosen), round(wrong, 4))


def _folds(labels: Tensor) -> Tensor:
    """The fold of each picture; each class is spread evenly over them."""
    drawn = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    ordered = drawn[torch.argsort(labels[drawn], stable=True)]
    fold = torch.empty_like(labels)
    fold[ordered] = torch.arange(len(labels)) % FOLDS
    return fold


def _fitted(features: Tensor, labels: Tensor, classes: int, check: Callable[[], object]) -> tuple[Tensor, Tensor]:
    """Weights of a multinomial logistic regression, kept small."""
    weight = torch.zeros(features.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        check()
        optimizer.zero_grad()
        loss = functional.cross_entropy(features @ weight + bias, labels) + SHRINKAGE * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
