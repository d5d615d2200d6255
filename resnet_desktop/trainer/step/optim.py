"""The optimizer and its learning rates.

The rate is a function of how far the run has come, not a state: a resumed run needs no scheduler to be restored.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from resnet_desktop.jobs.job import Recipe
from resnet_desktop.trainer.network.classifier import Classifier, is_head

PEAK = {"sgd": 0.05, "adamw": 1e-3}
"""Learning rates at the top of the schedule, for a batch of 64, where the job names none."""
FLOOR = 1e-3
"""The last learning rate, as a fraction of the peak."""


def make_optimizer(network: Classifier, recipe: Recipe) -> torch.optim.Optimizer:
    """An optimizer over the parameters that train; weight decay on weights only, not on biases and batch norms.

    Each stage learns at ``stage_rate`` times the rate of what follows it (discriminative fine-tuning, Howard & Ruder
    2018, arXiv:1801.06146): what comes early is general already.
    """
    parts: dict[int, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            parts.setdefault(_depth(network, name) if recipe.stage_rate < 1 else 0, []).append(parameter)
    groups: list[dict[str, Any]] = []
    last = 1 + max((depth for depth in parts if depth < _HEAD), default=-1)
    for depth, parameters in sorted(parts.items(), reverse=True):
        scale = recipe.stage_rate ** (last - min(depth, last)) if len(parts) > 1 else 1.0
        weights = [p for p in parameters if _is_weight(p)]
        others = [p for p in parameters if not _is_weight(p)]
        # Both, though one may be empty: checkpoints count the groups.
        groups.append({"params": weights, "weight_decay": recipe.weight_decay, "scale": scale})
        groups.append({"params": others, "weight_decay": 0.0, "scale": scale})
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=PEAK["adamw"], betas=(recipe.momentum, 0.98), foreach=True)
    return torch.optim.SGD(groups, lr=PEAK["sgd"], momentum=recipe.momentum, nesterov=recipe.momentum > 0, foreach=True)


_HEAD = 1_000


def _depth(network: Classifier, name: str) -> int:
    return _HEAD if is_head(name) else network.depth(name)


def _is_weight(parameter: nn.Parameter) -> bool:
    """Whether decay is for it: not for biases, norms, scales of channels and single tokens, however they lie."""
    return sum(size > 1 for size in parameter.shape) > 1


def learning_rate(peak: float, warmup: float, progress: float, curve: str = "cosine") -> float:
    """The rate at ``progress`` (0 to 1 of all steps): a linear rise, then a fall along ``curve``.

    ``cosine`` is half a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983), ``linear`` a straight line, ``constant``
    stays.
    """
    if progress < warmup:
        return peak * (0.1 + 0.9 * progress / warmup)
    fallen = min(1.0, (progress - warmup) / max(1e-9, 1 - warmup))
    if curve == "constant":
        return peak
    left = 1 - fallen if curve == "linear" else (1 + math.cos(math.pi * fallen)) / 2
    return peak * (FLOOR + (1 - FLOOR) * left)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group its rate (times the group's ``scale``, where it has one)."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
