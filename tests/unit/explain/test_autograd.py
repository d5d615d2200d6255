"""The closed form against PyTorch's automatic differentiation, on the trainer's own networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "plain18", "resnet20-cifar"])
def test_the_closed_form_is_grad_cam(
    name: str, make_bundle: Callable[..., Bundle], photo: Callable[..., NDArray[np.uint8]]
) -> None:
    torch = pytest.importorskip("torch", reason="the trainer's network needs PyTorch")
    from resnet_desktop.trainer.network.resnet import ResNet, named_arrays  # imports torch

    torch.manual_seed(0)
    network = ResNet(ARCHITECTURES[name], 5, zero_init_residual=False).eval()
    classifier = Classifier(make_bundle(ARCHITECTURES[name], named_arrays(network)), provider="cpu")
    pixels = photo(70, 60, 1)
    prediction = classifier.classify_pixels(pixels)

    prepared = torch.from_numpy(classifier.bundle.metadata.transforms.apply(pixels))[None]
    with torch.no_grad():
        features = network.features(prepared)
    features.requires_grad_()
    logits = network.classify(network.avgpool(features).flatten(1))[0]
    np.testing.assert_allclose(prediction.logits, logits.detach().numpy(), rtol=1e-3, atol=1e-4)
    for target in range(5):
        (gradient,) = torch.autograd.grad(logits[target], features, retain_graph=True)
        cam = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1)[0].detach().numpy()
        heatmap = Explainer(classifier).heatmap(prediction, target)
        assert heatmap.cam.shape == cam.shape
        assert heatmap.gradient is not None
        assert heatmap.activations is not None
        # large terms cancel in the sum over the channels, so that their size is the scale of the rounding
        scale = np.abs(heatmap.gradient * heatmap.activations).sum(axis=0).max()
        np.testing.assert_allclose(heatmap.cam / scale, cam / scale, atol=1e-5)
        np.testing.assert_allclose(heatmap.gradient, gradient[0].numpy(), rtol=1e-5, atol=1e-9)
