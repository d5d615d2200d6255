"""The same network in PyTorch and, where it is installed, a ResNet-50 in Keras: batch 1 on a ready tensor."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import stored_arrays
from resnet_desktop.bundle.file.bundle import Bundle
from tests.benchmarks.classify import bare_session, ready
from tests.benchmarks.material import CLASSES, SIDE, Arrays
from tests.benchmarks.measure import by_turns
from tests.benchmarks.report import Row, Section

OURS = "ours (plain fused graph in ONNX Runtime)"
TORCH = "PyTorch eager, inference_mode"
KERAS = "Keras model.predict"


def peers(bundle: Bundle, arrays: Arrays, rounds: int) -> Section:
    """How many times as long as ours the others take."""
    bare, image = bare_session(bundle), ready(bundle, 1)
    cases: dict[str, Callable[[], object]] = {OURS: lambda: bare.run(None, {"input": image})}
    missing = []
    if importlib.util.find_spec("torch"):
        forward = _torch(arrays, image)
        difference = float(np.abs(forward() - bare.run(None, {"input": image})[0]).max())
        assert difference < 1e-2, f"not the same network: logits differ by {difference}"
        cases[TORCH] = forward
    else:
        missing.append("PyTorch")
    if importlib.util.find_spec("keras"):
        cases[KERAS] = _keras(image)
    else:
        missing.append("Keras")
    timings = by_turns(cases, rounds)
    goals = {TORCH: "> 1.3", KERAS: "> 2"}
    rows = [
        Row(c, timings.spread(c, 1e3), "ms", ratio=None if c == OURS else timings.ratio(c, OURS), goal=goals.get(c, ""))
        for c in cases
    ]
    note = f"not installed here: {', '.join(missing)}" if missing else ""
    return Section("Peers (ResNet-50, 224 x 224, batch 1, CPU)", "ours", rows, note)


def _torch(arrays: Arrays, image: np.ndarray) -> Callable[[], np.ndarray]:
    import torch

    from resnet_desktop.trainer.network.resnet import ResNet

    network = ResNet(ARCHITECTURES["resnet50"], CLASSES).eval()
    state = {name: torch.from_numpy(array) for name, array in stored_arrays(arrays, "float16").items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    tensor = torch.from_numpy(image)

    def forward() -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(network(tensor))

    return forward


def _keras(image: np.ndarray) -> Callable[[], object]:
    keras = importlib.import_module("keras")
    model = keras.applications.ResNet50(weights=None, input_shape=(SIDE, SIDE, 3), classes=CLASSES)
    channels_last = np.ascontiguousarray(image.transpose(0, 2, 3, 1))
    return lambda: model.predict(channels_last, verbose=0)
