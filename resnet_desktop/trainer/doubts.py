"""Likely wrong labels among the pictures that were learnt from, where their features are at hand.

The network knows these labels, so it cannot be asked; small linear heads that each have not seen a fifth of the
pictures can (Northcutt et al. 2021, arXiv:1911.00068, section 3: out-of-sample probabilities by cross-validation).
With a thousand features and a hundred pictures such heads are far too sure of themselves: they are kept small, and a
temperature sets right what remains, so that the percentages can be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from resnet_desktop.trainer import calibrate, judge
from resnet_desktop.trainer.feeds import FeatureFeed

FOLDS = 5
ITERATIONS = 20
SHRINKAGE = 0.3
MOST_PICTURES = 20_000


def doubted(feed: FeatureFeed, names: Sequence[str], check: Callable[[], object]) -> list[dict[str, Any]]:
    """Pictures whose label is likely wrong: path, label, the other class and its probability, and their role."""
    count = len(feed)
    if count < 2 * FOLDS or count > MOST_PICTURES:
        return []
    features, labels = feed.plain.cpu(), feed.labels.cpu()
    features = (features - features.mean(0)) / (features.std(0) + 1e-3)
    fold = torch.randperm(count, generator=torch.Generator().manual_seed(0)) % FOLDS
    logits = torch.zeros(count, len(names))
    for i in range(FOLDS):
        weight, bias = _fitted(features[fold != i], labels[fold != i], len(names), check)
        logits[fold == i] = features[fold == i] @ weight + bias
    probabilities = judge.softmax(logits.numpy(), calibrate.fit_temperature(logits, labels))
    wrong = judge.suspects(probabilities, labels.numpy())
    return [
        {
            "path": feed.samples[i].name,
            "label": names[int(labels[i])],
            "predicted": names[int(probabilities[i].argmax())],
            "probability": round(float(probabilities[i].max()), 5),
            "role": "training",
        }
        for i in np.flatnonzero(wrong).tolist()
    ]


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
