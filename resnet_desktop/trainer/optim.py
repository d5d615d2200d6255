"""The optimizer and its learning rate.

The rate is a function of how far the run has come, not a state: a resumed run needs no scheduler to be restored.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from resnet_desktop.finetune.job import Recipe

PEAK = {"sgd": 0.05, "adamw": 1e-3}
"""Learning rates at the top of the schedule, for a batch of 64, where the job names none."""
FLOOR = 1e-3
"""The last learning rate, as a fraction of the peak."""


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """An optimizer over the parameters that train; weight decay on weights only, not on biases and batch norms."""
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=PEAK["adamw"], betas=(recipe.momentum, 0.98))
    return torch.optim.SGD(groups, lr=PEAK["sgd"], momentum=recipe.momentum, nesterov=recipe.momentum > 0)


def learning_rate(peak: float, warmup: float, progress: float) -> float:
    """The rate at ``progress`` (0 to 1 of all steps): a linear rise, then half a cosine (Loshchilov & Hutter 2017)."""
    if progress < warmup:
        return peak * (0.1 + 0.9 * progress / warmup)
    fallen = (progress - warmup) / max(1e-9, 1 - warmup)
    return peak * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * min(1.0, fallen))) / 2)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group its rate (times the group's ``scale``, where it has one)."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
