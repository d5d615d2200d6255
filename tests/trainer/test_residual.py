"""The numbers of residual blocks against a PyTorch network of the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import Bundle, write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.explain.residual.analysis import BlockAnalyzer, BlockReport
from resnet_desktop.explain.residual.lesion import LesionTest
from resnet_desktop.explain.residual.network_parts import structure
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.trainer.network.build import load_arrays
from resnet_desktop.trainer.network.resnet import ResidualBlock, ResNet
from tests.conftest import PhotoMaker
from tests.unit.bundle.making import LABELS, random_arrays

SIDES = {"resnet18": 64, "resnet50": 64, "resnet20-cifar": 32}
TARGET = 3


def pair(folder: Path, name: str) -> tuple[ResNet, Bundle]:
    """The same random weights as a PyTorch network and as a bundle."""
    arch, side = ARCHITECTURES[name], SIDES[name]
    arrays = random_arrays(arch, len(LABELS))
    network = ResNet(arch, len(LABELS)).eval()
    load_arrays(network, arrays)
    metadata = Metadata(arch=name, categories=LABELS, transforms=Transforms(resize=side, crop=side), temperature=1.7)
    model = build_resnet(arch, arrays, height=side, width=side, storage="float32")
    return network, write(folder / "m.onnx", model, metadata)


def blocks_of(network: ResNet) -> list[ResidualBlock]:
    return [block for block in network.modules() if isinstance(block, ResidualBlock)]


def forward(
    network: ResNet, x: NDArray[np.float32], *, without: int | None = None, cut: bool = False
) -> tuple[Tensor, list[tuple[Tensor, Tensor, Tensor]]]:
    """Logits, and F(x), skip and output of each block; one block without its F(x), or all skips without gradient."""
    y = network.maxpool(network.relu(network.bn1(network.conv1(torch.from_numpy(x[None]).to(network.conv1.weight)))))
    seen = []
    for i, block in enumerate(blocks_of(network)):
        f, skip = block.residual(y), block.skip(y)
        y = torch.relu(skip if i == without else f + (skip.detach() if cut else skip))
        if y.requires_grad:
            y.retain_grad()
        seen.append((f, skip, y))
    return network.classify(network.avgpool(y).flatten(1)), seen


def check_block(report: BlockReport, whole: tuple[Tensor, Tensor, Tensor], output_cut: Tensor) -> None:
    f, skip, output = (t.detach() for t in whole)
    assert report.residual_norm == pytest.approx(f.norm().item(), rel=1e-4)
    assert report.skip_norm == pytest.approx(skip.norm().item(), rel=1e-4)
    assert report.cosine == pytest.approx(torch.cosine_similarity(f.flatten(), skip.flatten(), 0).item(), abs=1e-4)
    assert report.silenced == pytest.approx((output == 0).double().mean().item(), abs=1e-3)
    assert whole[2].grad is not None
    assert output_cut.grad is not None
    assert report.gradient_norm == pytest.approx(whole[2].grad.norm().item(), rel=1e-3)
    assert report.gradient_norm_cut == pytest.approx(output_cut.grad.norm().item(), rel=1e-3)


@pytest.mark.parametrize("name", SIDES)
def test_blocks_are_what_pytorch_computes(tmp_path: Path, photo: PhotoMaker, name: str) -> None:
    network, bundle = pair(tmp_path, name)
    network.double()
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    subject = explainer.subject(encode_png(photo(90, 80, 2)))
    found = BlockAnalyzer(explainer).analyse(subject, TARGET)
    logits, whole = forward(network, subject.input)
    logits[0, TARGET].backward()
    logits, cut = forward(network, subject.input, cut=True)
    logits[0, TARGET].backward()
    assert found.probability == pytest.approx(torch.softmax(logits[0] / 1.7, 0)[TARGET].item(), rel=1e-4)
    for report, seen, (_, _, output_cut) in zip(found.reports, whole, cut, strict=True):
        check_block(report, seen, output_cut)


@pytest.mark.parametrize("name", SIDES)
def test_a_lesion_is_a_network_whose_block_hands_on_its_skip(tmp_path: Path, photo: PhotoMaker, name: str) -> None:
    network, bundle = pair(tmp_path, name)
    classifier = Classifier(bundle, provider="cpu")
    x = classifier.new_batch(1)
    classifier.prepare(encode_png(photo(90, 80, 2)), x[0])
    blocks = structure(bundle).blocks
    with torch.no_grad():
        plain = forward(network, x[0])[0][0].numpy()
        expected = np.stack([forward(network, x[0], without=i)[0][0].numpy() for i in range(len(blocks))])
    assert (np.abs(expected - plain).max(axis=1) > 1e-3 * np.abs(plain).max()).all()
    for grown, runs in ((True, 1), (False, len(blocks))):
        test = LesionTest(classifier, blocks, grown=grown)
        assert test.runs == runs
        np.testing.assert_allclose(test.logits(x[0]), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
