"""The model that is handed over, made of a network that has been trained: by the graph builder, or on the base's graph.

Beside the model stand the values that it holds, rounded as they are stored, for the proof that it answers as the
network does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import POOLED, Storage, build_resnet, stored_arrays
from resnet_desktop.trainer.network.classifier import Classifier
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from resnet_desktop.trainer.network.resnet import ResNet

Arrays = dict[str, NDArray[np.float32]]
FOREIGN = "graph"
"""The architecture that a model names whose base named none."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A model.

    Attributes:
        model: what is written, a ``ModelProto``.
        arch: the architecture that it names.
        features: the tensor that holds the pooled features ``[batch, width]``.
        arrays: the values as they were trained, by their names in the network's state.
        stored: the same as they are stored.
    """

    model: Any
    arch: str
    features: str
    arrays: Arrays
    stored: Arrays


def make(network: Classifier, arrays: Arrays, side: int, storage: Storage) -> Made:
    """The model of a network whose state is ``arrays``, for pictures of ``side`` pixels. Raises ModelError."""
    if isinstance(network, ResNet):
        model = build_resnet(network.architecture, arrays, height=side, width=side, storage=storage)
        return Made(model, network.arch, POOLED, arrays, dict(stored_arrays(arrays, storage)))
    assert isinstance(network, GraphNetwork)
    assert network.base is not None, "made from a base"
    body = {name: arrays[key] for key, name in network.initializers.items() if key in arrays}
    heads = linear_names(arrays)
    exported = network.base.exported(body, [(arrays[f"{h}.weight"], arrays[f"{h}.bias"]) for h in heads], side, storage)
    stored = {key: exported.stored[name] for key, name in network.initializers.items() if key in arrays}
    for head, (weight, bias) in zip(heads, exported.linears, strict=True):
        stored |= {f"{head}.weight": weight, f"{head}.bias": bias}
    known = network.arch in ARCHITECTURES or (network.arch and not network.has_hidden)
    return Made(exported.model, network.arch if known else FOREIGN, exported.features, arrays, stored)


def linear_names(arrays: Mapping[str, Any]) -> list[str]:
    """The linear layers of the head, from the features on: ``fc``, or ``head.0``, ``head.1`` …."""
    numbered = [
        name.removesuffix(".weight") for name in arrays if name.startswith("head.") and name.endswith(".weight")
    ]
    return sorted(numbered, key=lambda name: int(name.split(".")[1])) or ["fc"]
