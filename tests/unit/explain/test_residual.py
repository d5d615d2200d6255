"""The numbers of residual blocks against NumPy on the fetched tensors, and the contact sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import LayerError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.cam.feature_maps import strongest
from resnet_desktop.explain.residual.analysis import BlockAnalyzer, BlockReport
from resnet_desktop.explain.residual.lesion import LesionTest
from resnet_desktop.explain.residual.network_parts import structure
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.inference.classifier import Classifier
from tests.conftest import PhotoMaker
from tests.unit.bundle.making import run

from . import block_graphs
from .block_graphs import Net, opened
from .conftest import BundleMaker

FAMILIES: tuple[Callable[[], Net], ...] = (
    block_graphs.post_activation,
    block_graphs.pre_activation,
    block_graphs.inverted_bottlenecks,
    block_graphs.squeeze_and_excite,
    block_graphs.quantized,
    block_graphs.nested,
)
TARGET = 2


@pytest.fixture
def analysed(photo: PhotoMaker) -> Callable[[Bundle], tuple[BlockAnalyzer, Explainer, Subject]]:
    def make(bundle: Bundle) -> tuple[BlockAnalyzer, Explainer, Subject]:
        explainer = Explainer(Classifier(bundle, provider="cpu"))
        return BlockAnalyzer(explainer), explainer, explainer.subject(encode_png(photo(80, 70, 5)))

    return make


Analysed = Callable[[Bundle], tuple[BlockAnalyzer, Explainer, Subject]]


def tensors(bundle: Bundle, names: list[str], x: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    wanted = list(dict.fromkeys(names))
    model = bundles.serialized(bundle, [name for name in wanted if name != bundle.input_name])
    found = dict(zip(wanted, run(model, x[None], wanted), strict=True))
    return [found[name].astype(np.float64) for name in names]


def check_forward(bundle: Bundle, subject: Subject, reports: tuple[BlockReport, ...], rel: float = 1e-4) -> None:
    blocks = structure(bundle).blocks
    assert [report.name for report in reports] == [block.name for block in blocks]
    for block, report in zip(blocks, reports, strict=True):
        f, skip, output = tensors(bundle, [block.residual, block.skip, block.output], subject.input)
        assert report.residual_norm == pytest.approx(np.linalg.norm(f), rel=rel)
        assert report.skip_norm == pytest.approx(np.linalg.norm(skip), rel=rel)
        assert report.ratio == pytest.approx(np.linalg.norm(f) / np.linalg.norm(skip), rel=rel)
        cosine = (f * skip).sum() / np.linalg.norm(f) / np.linalg.norm(skip)
        assert report.cosine == pytest.approx(cosine, abs=rel)
        if block.activation is None:
            assert report.silenced is None
        else:
            assert report.silenced == pytest.approx((output == 0).mean(), abs=max(1e-6, rel / 10))
            assert 0 < (output == 0).mean() < 1


def check_gradients(
    bundle: Bundle, explainer: Explainer, subject: Subject, reports: tuple[BlockReport, ...], rel: float = 1e-4
) -> None:
    seed = np.zeros((1, bundle.classes), np.float32)
    seed[0, TARGET] = 1.0
    blocks = structure(bundle).blocks
    gradients = explainer.sessions.gradient(subject.input[None], seed, [block.output for block in blocks]).gradients
    for block, report in zip(blocks, reports, strict=True):
        assert report.gradient_norm == pytest.approx(
            np.linalg.norm(gradients[block.output].astype(np.float64)), rel=rel, abs=1e-45
        )
    # behind the last block there is no skip left to cut
    assert reports[-1].gradient_norm_cut == pytest.approx(reports[-1].gradient_norm, rel=1e-5, abs=0)
    assert reports[0].gradient_norm_cut != pytest.approx(reports[0].gradient_norm, rel=1e-2, abs=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_of_other_peoples_networks(tmp_path: Path, analysed: Analysed, family: Callable[[], Net]) -> None:
    bundle = opened(tmp_path, family().model())
    analyzer, explainer, subject = analysed(bundle)
    found = analyzer.analyse(subject, TARGET)
    assert (found.target, found.label) == (TARGET, "class 2")
    assert found.probability == pytest.approx(subject.prediction.probabilities[TARGET])
    # what else is fetched decides which steps the runtime takes in whole numbers, and so where it rounds
    rel = 0.02 if family is block_graphs.quantized else 1e-4
    check_forward(bundle, subject, found.reports, rel)
    check_gradients(bundle, explainer, subject, found.reports, rel)


@pytest.mark.parametrize("name", ["resnet18", "resnet20-cifar"])
def test_numbers_of_our_own_networks(make_bundle: BundleMaker, analysed: Analysed, name: str) -> None:
    bundle = make_bundle(ARCHITECTURES[name])
    analyzer, explainer, subject = analysed(bundle)
    found = analyzer.analyse(subject, TARGET)
    assert [report.name for report in found.reports] == [block.name for block in ARCHITECTURES[name].blocks]
    check_forward(bundle, subject, found.reports)
    check_gradients(bundle, explainer, subject, found.reports)


@pytest.mark.parametrize("opset", [9, 12, 17, 21])
def test_numbers_in_every_version_of_onnx(tmp_path: Path, analysed: Analysed, opset: int) -> None:
    bundle = opened(tmp_path, block_graphs.post_activation().model(opset=opset))
    analyzer, explainer, subject = analysed(bundle)
    found = analyzer.analyse(subject, TARGET)
    check_forward(bundle, subject, found.reports)
    check_gradients(bundle, explainer, subject, found.reports)


def test_numbers_in_half_precision(tmp_path: Path, analysed: Analysed) -> None:
    half, _, subject = analysed(opened(tmp_path, block_graphs.half_precision().model()))
    found = half.analyse(subject, TARGET).reports
    full, _, _ = analysed(opened(tmp_path, block_graphs.post_activation().model()))
    for report, expected in zip(found, full.analyse(subject, TARGET).reports, strict=True):
        for name in ("residual_norm", "skip_norm", "gradient_norm", "gradient_norm_cut"):
            assert getattr(report, name) == pytest.approx(getattr(expected, name), rel=0.02)
        assert report.silenced == pytest.approx(expected.silenced, abs=0.01)


def test_lesions_are_read_with_the_models_temperature(make_bundle: BundleMaker, analysed: Analysed) -> None:
    bundle = make_bundle(ARCHITECTURES["resnet20-cifar"])
    analyzer, explainer, subject = analysed(bundle)
    found = analyzer.analyse(subject, TARGET)
    logits = LesionTest(explainer.classifier, structure(bundle).blocks, grown=False).logits(subject.input)
    for report, row in zip(found.reports, explainer.classifier.probabilities(logits), strict=True):
        assert report.lesion is not None
        assert report.lesion.probability == pytest.approx(row[TARGET], rel=1e-3, abs=1e-6)
        assert report.lesion.top.index == row.argmax()
        assert report.lesion.top.label == f"thing {row.argmax()}"
        assert report.lesion.top.probability == pytest.approx(row.max(), rel=1e-3)


def test_a_fixed_batch(tmp_path: Path, analysed: Analysed) -> None:
    bundle = opened(tmp_path, block_graphs.post_activation().model(batch=2))
    analyzer, explainer, subject = analysed(bundle)
    found = analyzer.analyse(subject, TARGET)
    free = opened(tmp_path, block_graphs.post_activation().model())
    other, _, _ = analysed(free)
    for report, expected in zip(found.reports, other.analyse(subject, TARGET).reports, strict=True):
        assert report.residual_norm == pytest.approx(expected.residual_norm, rel=1e-4)
        assert report.gradient_norm_cut == pytest.approx(expected.gradient_norm_cut, rel=1e-4)
        assert report.lesion is not None
        assert expected.lesion is not None
        assert report.lesion.probability == pytest.approx(expected.lesion.probability, rel=1e-4)
    assert explainer.classifier.bundle.batch == 2


def test_blocks_behind_an_operator_without_a_rule_have_no_gradient(tmp_path: Path, analysed: Analysed) -> None:
    net = block_graphs.post_activation()
    end = next(i for i, node in enumerate(net.nodes) if node.output[0] == "13")
    net.nodes.insert(end + 1, onnx.helper.make_node("Atan", ["13"], ["odd"]))
    for node in net.nodes[end + 2 :]:
        for i, name in enumerate(node.input):
            node.input[i] = "odd" if name == "13" else name
    bundle = opened(tmp_path, net.model())
    analyzer, explainer, subject = analysed(bundle)
    blocks = structure(bundle).blocks
    assert "Atan" in (explainer.why_no_gradient(explainer.layer(blocks[0].name)) or "")
    found = analyzer.analyse(subject, TARGET).reports
    assert [report.gradient_norm is None for report in found] == [True, True, False]
    assert [report.gradient_norm_cut is None for report in found] == [True, True, False]
    check_forward(bundle, subject, found)
    assert found[0].as_dict()["gradient_norm"] is None


def test_a_gradient_too_small_for_its_square_is_not_0(tmp_path: Path, analysed: Analysed) -> None:
    net = block_graphs.post_activation()
    net.nodes[-1].output[0] = "usual"
    net.op("Mul", "usual", net.constant(1e-30), output="y")
    bundle = opened(tmp_path, net.model())
    analyzer, explainer, subject = analysed(bundle)
    found = analyzer.analyse(subject, TARGET).reports
    assert all(report.gradient_norm and report.gradient_norm_cut for report in found)
    check_gradients(bundle, explainer, subject, found)


def test_a_skip_that_starts_at_the_picture(tmp_path: Path, analysed: Analysed) -> None:
    net = Net()
    net.head(net.relu(net.op("Add", net.conv(net.relu(net.conv("x", 3, 8)), 8, 3), "x")), 3)
    bundle = opened(tmp_path, net.model())
    analyzer, explainer, subject = analysed(bundle)
    (report,) = analyzer.analyse(subject, TARGET).reports
    assert report.skip_norm == pytest.approx(np.linalg.norm(subject.input), rel=1e-4)
    (logits,) = LesionTest(explainer.classifier, analyzer.blocks, grown=False).logits(subject.input)
    assert report.lesion is not None
    assert report.lesion.probability == pytest.approx(explainer.classifier.probabilities(logits)[TARGET], rel=1e-4)


def test_a_network_without_blocks_says_so(tmp_path: Path, make_bundle: BundleMaker, analysed: Analysed) -> None:
    for bundle in (make_bundle(ARCHITECTURES["plain18"]), opened(tmp_path, block_graphs.dense().model())):
        analyzer, _, subject = analysed(bundle)
        with pytest.raises(LayerError, match="no residual blocks") as caught:
            analyzer.analyse(subject, TARGET)
        assert caught.value.code == "no_blocks"


def test_progress_cancel_and_wrong_classes(tmp_path: Path, analysed: Analysed) -> None:
    analyzer, _, subject = analysed(opened(tmp_path, block_graphs.post_activation().model()))
    seen: list[tuple[int, int]] = []
    analyzer.analyse(subject, TARGET, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(CancelledError):
        analyzer.analyse(subject, TARGET, cancelled=lambda: True)
    seen.clear()
    with pytest.raises(CancelledError):
        analyzer.analyse(subject, TARGET, cancelled=lambda: bool(seen), progress=lambda *step: seen.append(step))
    assert seen == [(1, 2)]
    for target in (-1, block_graphs.CLASSES):
        with pytest.raises(IndexError):
            analyzer.analyse(subject, target)
        with pytest.raises(IndexError):
            analyzer.feature_maps(subject, "stage 1, block 1", target)
    without = analyzer.analyse(subject, TARGET, lesions=False)
    assert all(report.lesion is None and report.as_dict()["lesion"] is None for report in without.reports)


def test_a_block_as_json() -> None:
    report = BlockReport("layer1.0", 1 / 3, 2.0, 1 / 6, None, 0.5, 1e-9, 0.0, None)
    assert report.as_dict() == {
        "name": "layer1.0",
        "residual_norm": 0.333333,
        "skip_norm": 2.0,
        "ratio": 0.166667,
        "cosine": None,
        "silenced": 0.5,
        "gradient_norm": 1e-9,
        "gradient_norm_cut": 0.0,
        "lesion": None,
    }


def test_the_contact_sheet_starts_with_what_speaks_for_the_class(make_bundle: BundleMaker, analysed: Analysed) -> None:
    bundle = make_bundle(ARCHITECTURES["resnet18"])
    analyzer, _, subject = analysed(bundle)
    features = bundle.features
    assert features is not None
    sheet = analyzer.feature_maps(subject, "layer4.1", TARGET, count=512)
    (activations,) = tensors(bundle, [features.name], subject.input)
    parts = features.fc_weight[TARGET] * activations[0].mean(axis=(1, 2))
    np.testing.assert_allclose(sheet.weights, parts[sheet.channels], rtol=1e-3, atol=1e-5)
    assert sorted(sheet.channels) == list(range(512))
    assert (np.diff(sheet.weights) <= 0).all()
    # the last stage is pooled and weighed: the parts add up to the logit
    logit = subject.prediction.logits[TARGET] - features.fc_bias[TARGET]
    assert sheet.weights.sum() == pytest.approx(logit, rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(sheet.maps, activations[0][sheet.channels], rtol=1e-4, atol=1e-5)
    few = analyzer.feature_maps(subject, "layer2", TARGET, count=5)
    assert (few.layer, few.maps.shape, few.target) == ("layer2.1", (5, 8, 8), TARGET)
    with pytest.raises(LayerError):
        analyzer.feature_maps(subject, "layer9", TARGET)


def test_equal_channels_keep_their_order() -> None:
    activations = np.ones((4, 2, 2), np.float32)
    gradient = np.ones((4, 2, 2), np.float32) * np.array([1, -1, 1, 2], np.float32)[:, None, None]
    sheet = strongest("somewhere", 0, activations, gradient, 24)
    assert list(sheet.channels) == [3, 0, 2, 1]
    assert list(sheet.weights) == [8, 4, 4, -4]
