"""The heatmap of a group against PyTorch: the gradient of T log Σ exp(z / T) over its classes, in float64.

PyTorch differentiates the log-sum-exp itself; the app gives its own graph, or the closed form, a seed made of logits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from resnet_desktop.bundle.builders.efficientnet import build_efficientnet_lite
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.classifier import Classifier
from tests.conftest import make_photo
from tests.efficientnets import random_lite
from tests.trainer.onnx_torch import TorchGraph, seen_by
from tests.unit.bundle.making import TINY, random_arrays
from tests.unit.explain.graphs import error, session

CLASSES, SIDE = 7, 64
GROUP, OTHER = (0, 2, 5), (1, 6)
CLOSE = 1e-4


def model_of(family: str) -> onnx.ModelProto:
    """A network with random weights, and logits so near to each other that no class is alone in a group."""
    if family == "resnet":
        arrays = random_arrays(TINY, CLASSES)
        arrays["fc.weight"] *= 0.1
        return build_resnet(TINY, arrays, height=SIDE, width=SIDE, storage="float32")
    arrays = random_lite(repeats=(1, 2, 1, 1, 1, 2, 1), classes=CLASSES)
    arrays["fc.weight"] *= 0.3
    return build_efficientnet_lite("lite", arrays, side=SIDE)


@pytest.fixture(params=["resnet", "efficientnet"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(path: Path, family: str, temperature: float) -> Bundle:
    labels = tuple(f"thing {i}" for i in range(CLASSES))
    transforms = Transforms(resize=72, crop=SIDE)
    metadata = Metadata(arch=None, categories=labels, transforms=transforms, temperature=temperature)
    return bundles.write(path, model_of(family), metadata)


def score(logits: Tensor, group: tuple[int, ...], temperature: float) -> Tensor:
    return temperature * torch.logsumexp(logits[:, list(group)] / temperature, dim=1).sum()


def exact(bundle: Bundle, tensor: str, subject: Subject, against: tuple[int, ...] | None) -> np.ndarray:
    """PyTorch's gradient of the score at a tensor."""
    model, temperature = onnx.load(bundle.path), bundle.metadata.temperature
    seen = [name for name in seen_by(model, tensor) if name != bundle.output_name]
    data = bundles.serialized(bundle, list(dict.fromkeys([*seen, tensor])))
    values = session(data)([*seen, tensor], {bundle.input_name: subject.input[None]})
    start = torch.from_numpy(values.pop().astype(np.float64)).requires_grad_()
    graph = TorchGraph(model, dict(zip(seen, values, strict=True)))
    (logits,) = graph.run(tensor, start, [bundle.output_name])
    total = score(logits, GROUP, temperature)
    if against is not None:
        total = total - score(logits, against, temperature)
    (gradient,) = torch.autograd.grad(total, start)
    return np.asarray(gradient[0].numpy())


@pytest.mark.parametrize("against", [None, OTHER], ids=["alone", "against"])
@pytest.mark.parametrize("temperature", [0.6, 2.0])
def test_layers_from_first_to_last(
    tmp_path: Path, family: str, temperature: float, against: tuple[int, ...] | None
) -> None:
    bundle = opened(tmp_path / "model.onnx", family, temperature)
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    batch = explainer.classifier.new_batch(1)
    bundle.metadata.transforms.apply(make_photo(90, 70, 3), "crop", out=batch[0])
    raw = explainer.classifier.predict(batch)
    subject = Subject(batch[0], explainer.classifier.prediction(raw, 0, 0.0, (90, 70)))
    shares = subject.prediction.probabilities[list(GROUP)]
    assert shares.min() > 0.01 * shares.sum(), "a group of one probable class would be that class"
    count = len(explainer.layers)
    assert count >= 3
    for layer in (explainer.layers[i] for i in sorted({0, count // 3, 2 * count // 3, count - 1})):
        found = explainer.explain(subject, GROUP, against=against, layer=layer.name, method="hirescam").gradient
        assert found is not None
        assert error(found, exact(bundle, layer.tensor, subject, against)) <= CLOSE, layer.name


def test_the_closed_form_with_the_prediction(tmp_path: Path, family: str) -> None:
    bundle = opened(tmp_path / "model.onnx", family, 0.6)
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    assert explainer.classifier.bundle.features is not None
    batch = explainer.classifier.new_batch(1)
    bundle.metadata.transforms.apply(make_photo(90, 70, 5), "crop", out=batch[0])
    raw = explainer.classifier.predict(batch)
    prediction = explainer.classifier.prediction(raw, 0, 0.0, (90, 70))
    right = exact(bundle, explainer.classifier.bundle.features.name, Subject(batch[0], prediction), None)
    found = explainer.heatmap(prediction, GROUP)
    assert found.gradient is not None
    assert error(found.gradient, right) <= CLOSE
    assert prediction.activations is not None
    expected = np.einsum("k,kij->ij", right.mean(axis=(1, 2)), prediction.activations)
    assert error(found.cam, expected) <= CLOSE
