"""What all networks of a run have in common: pooled features, and a head on them that is learnt."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """A head with hidden layers: linear, ReLU and dropout by turns, a linear layer at the end.

    The linear layers are named ``0``, ``1`` … as the bundle names them (``head.0`` …).
    """

    def __init__(self, features: int, hidden: tuple[int, ...], classes: int, dropout: float) -> None:
        super().__init__()
        sizes = (features, *hidden, classes)
        self.linears = len(sizes) - 1
        for i in range(self.linears):
            self.add_module(str(i), nn.Linear(sizes[i], sizes[i + 1]))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From pooled features ``[batch, features]`` to logits ``[batch, classes]``."""
        for i in range(self.linears):
            x = self.get_submodule(str(i))(self.dropout(x))
            if i < self.linears - 1:
                x = torch.relu(x)
        return x


class Classifier(nn.Module):
    """A network that is trained: a body that makes features, and a head.

    Attributes:
        width: how many features.
        arch: the architecture's name; empty for a network that has none.
        reduction: input pixels along one side for each cell of the coarsest grid that a batch norm sees.
        traceable: whether torch.compile can take it; sizes that are computed on the way defeat it.
        has_hidden: whether the head is ``head`` with hidden layers, and not the single linear layer ``fc``.
    """

    width: int
    arch: str
    reduction: int
    has_hidden: bool
    traceable: bool = True

    def add_head(self, classes: int, hidden: tuple[int, ...], dropout: float) -> None:
        """Make the head, with fresh weights."""
        self.dropout = nn.Dropout(dropout)
        if hidden:
            self.head: nn.Module = Head(self.width, hidden, classes, dropout)
        else:
            self.fc = nn.Linear(self.width, classes)
        self.has_hidden = bool(hidden)

    @abstractmethod
    def pooled(self, x: Tensor) -> Tensor:
        """From normalized pictures ``[batch, 3, h, w]`` to pooled features ``[batch, width]``."""

    @abstractmethod
    def depth(self, name: str) -> int:
        """The stage of a parameter of the body: 0 for what comes first."""

    @abstractmethod
    def freeze_before(self, stage: int) -> None:
        """Leave the body free from ``stage`` on; from a stage that does not exist on, nothing."""

    @property
    @abstractmethod
    def last_stage(self) -> int:
        """The number of the last stage."""

    @abstractmethod
    def part(self, name: str) -> str:
        """What the part is called that a parameter belongs to, for people."""

    @abstractmethod
    def frozen_part(self, x: Tensor) -> Tensor:
        """What the parts in front of all that learns make of pictures; the pictures themselves if that is nothing."""

    @abstractmethod
    def learning_part(self, x: Tensor) -> Tensor:
        """Logits ``[batch, classes]`` from what ``frozen_part`` gave."""

    @property
    def first_linear(self) -> nn.Linear:
        """The linear layer that takes the pooled features."""
        layer = self.get_submodule("head.0" if self.has_hidden else "fc")
        assert isinstance(layer, nn.Linear)
        return layer

    def classify(self, pooled: Tensor) -> Tensor:
        """From pooled features ``[batch, width]`` to logits ``[batch, classes]``."""
        if self.has_hidden:
            logits: Tensor = self.head(pooled)
        else:
            logits = self.fc(self.dropout(pooled))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """From normalized pictures ``[batch, 3, h, w]`` to logits ``[batch, classes]``."""
        return self.classify(self.pooled(x))


def is_head(name: str) -> bool:
    """Whether a parameter of a ``Classifier`` belongs to its head."""
    return name.startswith(("fc.", "head."))


def own_depth(name: str) -> int:
    """The stage of a parameter of a ResNet of ours: 0 for the stem."""
    return int(name.split(".")[0].removeprefix("layer")) if name.startswith("layer") else 0


def part_name(name: str) -> str:
    """The part of a ResNet of ours that a parameter belongs to: ``conv1``, ``layer1`` …, ``head``."""
    first = name.split(".")[0]
    return {"bn1": "conv1", "fc": "head"}.get(first, first)
