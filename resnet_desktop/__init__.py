"""ResNet Desktop: classify photos with a residual network, see why, and teach it your own classes.

As a library::

    import resnet_desktop as rd

    model = rd.open("resnet50-everyday40")
    print(model.classify("cat.jpg").label)
    model.explain("cat.jpg").save("cat-heatmap.png")

Nothing is imported before it is used: neither Qt nor PyTorch by any of these names.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resnet_desktop.api.model import Model as Model
    from resnet_desktop.api.model import open_model as open  # noqa: A004 - as rd.open
    from resnet_desktop.api.results import Classification as Classification
    from resnet_desktop.api.results import Explanation as Explanation
    from resnet_desktop.api.training import TrainedModel as TrainedModel
    from resnet_desktop.api.training import train as train
    from resnet_desktop.bundle.file.torch_file import read_state_dict as read_weights
    from resnet_desktop.core.errors import ResNetDesktopError as ResNetDesktopError
    from resnet_desktop.explain.autodiff.gradient_model import gradients as gradients
    from resnet_desktop.imaging.transforms import Transforms as Transforms

__version__ = "0.1.0"

_NAMES = {
    "Classification": ("resnet_desktop.api.results", "Classification"),
    "Explanation": ("resnet_desktop.api.results", "Explanation"),
    "Model": ("resnet_desktop.api.model", "Model"),
    "ResNetDesktopError": ("resnet_desktop.core.errors", "ResNetDesktopError"),
    "TrainedModel": ("resnet_desktop.api.training", "TrainedModel"),
    "Transforms": ("resnet_desktop.imaging.transforms", "Transforms"),
    "gradients": ("resnet_desktop.explain.autodiff.gradient_model", "gradients"),
    "open": ("resnet_desktop.api.model", "open_model"),
    "read_weights": ("resnet_desktop.bundle.file.torch_file", "read_state_dict"),
    "train": ("resnet_desktop.api.training", "train"),
}

__all__ = [
    "Classification",
    "Explanation",
    "Model",
    "ResNetDesktopError",
    "TrainedModel",
    "Transforms",
    "__version__",
    "gradients",
    "open",
    "read_weights",
    "train",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has the name
    if name not in _NAMES:
        raise AttributeError(f"module 'resnet_desktop' has no attribute {name!r}")
    module, attribute = _NAMES[name]
    found = getattr(importlib.import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
