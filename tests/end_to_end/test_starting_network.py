"""The network that the app starts with: right about everyday things, and explained in every way that the app has."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.portable import write_portable
from resnet_desktop.bundle.library import packaged
from resnet_desktop.core import paths
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.explain.checks.heatmap_checks import check_heatmap
from resnet_desktop.explain.residual.analysis import BlockAnalyzer
from resnet_desktop.inference.classifier import Classifier

SAMPLES = paths.assets_folder() / "samples"
WITH_SKIP = (2, 4, 6, 7, 9, 10, 12, 13, 14)


@pytest.fixture(scope="module")
def bundle(built_networks: Path) -> Bundle:
    return bundles.read(built_networks / f"{packaged.PACKAGED[0].name}.onnx")


@pytest.fixture(scope="module")
def explainer(bundle: Bundle) -> Explainer:
    return Explainer(Classifier(bundle, provider="cpu"))


@pytest.fixture(scope="module")
def cat(explainer: Explainer) -> Subject:
    return explainer.subject(SAMPLES / "cat.jpg")


def test_the_samples(explainer: Explainer) -> None:
    """What is wrong stays wrong: it knows no raccoon, and calls the rocket a missile."""
    found = {path.stem: explainer.classifier.classify(path) for path in sorted(SAMPLES.glob("*.jpg"))}
    assert found["coffee"].top.label == "espresso"
    assert found["cameraman"].top.label == "tripod"
    assert {score.label for score in found["cat"].scores[:3]} == {"tiger cat", "Egyptian cat", "tabby"}
    assert found["raccoon"].top.probability < 0.5


def test_photos_of_everything_that_it_knows(
    explainer: Explainer, shared_photos: dict[str, bytes], shared_data: Path
) -> None:
    with (shared_data / "imagenet1k-classes.tsv").open(encoding="utf-8", newline="") as file:
        index = {row["wnid"]: int(row["index"]) for row in csv.DictReader(file, delimiter="\t")}
    truth = {name: index[name.split("_")[0]] for name in shared_photos}
    ranks = []
    for name, content in shared_photos.items():
        order = np.argsort(-explainer.classifier.classify(content).logits)
        ranks.append(int(np.flatnonzero(order == truth[name])[0]))
    assert len(ranks) == 150
    assert np.mean(np.array(ranks) == 0) >= 0.9
    assert np.mean(np.array(ranks) < 5) >= 0.98


def test_batches_of_any_size_give_the_same(explainer: Explainer, bundle: Bundle) -> None:
    files = sorted(SAMPLES.glob("*.jpg"))
    batch = explainer.classifier.new_batch(len(files))
    for path, row in zip(files, batch, strict=True):
        explainer.classifier.prepare(path, row)
    whole = explainer.classifier.predict(batch).logits
    assert whole.shape == (6, bundle.classes)
    for size in (1, 4):
        np.testing.assert_allclose(explainer.classifier.predict(batch[:size]).logits, whole[:size], atol=2e-4)


def test_the_closed_form_is_the_gradient(explainer: Explainer, cat: Subject) -> None:
    assert explainer.classifier.bundle.features is not None
    for target in (282, 285, 0):
        closed = explainer.heatmap(cat.prediction, target).cam
        run = explainer.sessions.gradient(
            cat.input[None], explainer.seed(target), (explainer.classifier.bundle.features.name,)
        )
        activations, gradient = (
            found[explainer.classifier.bundle.features.name][0] for found in (run.activations, run.gradients)
        )
        by_gradient = (gradient.mean((1, 2))[:, None, None] * activations).sum(0)
        np.testing.assert_allclose(closed / np.abs(closed).max(), by_gradient / np.abs(by_gradient).max(), atol=1e-4)


def test_every_layer_by_every_quick_method(explainer: Explainer, cat: Subject) -> None:
    names = [layer.name for layer in explainer.layers]
    assert names == ["stem", *(f"blocks.{i}" for i in range(16)), "head"]
    assert [layer.name for layer in explainer.layers if layer.recommended] == ["head"]
    assert [layer.name for layer in explainer.layers if layer.residual] == [f"blocks.{i}" for i in WITH_SKIP]
    for layer in explainer.layers:
        methods = explainer.methods(layer)
        for method in ("gradcam", "gradcam++", "hirescam", "xgradcam", "layercam", "eigencam"):
            assert method in methods
            found = explainer.explain(cat, 282, layer=layer.name, method=method)
            assert found.cam.shape == layer.shape[1:]
            assert np.isfinite(found.cam).all()
            assert found.cam.std() > 0


def test_a_contrast_is_the_difference_of_its_classes(explainer: Explainer, cat: Subject) -> None:
    one, other = (explainer.explain(cat, target, layer="blocks.10").cam for target in (282, 340))
    both = explainer.explain(cat, 282, against=340, layer="blocks.10").cam
    np.testing.assert_allclose(both, one - other, atol=1e-3 * np.abs(one - other).max())


def test_its_residual_blocks_have_linear_ends(explainer: Explainer, cat: Subject) -> None:
    found = BlockAnalyzer(explainer).analyse(cat, 282)
    assert [report.name for report in found.reports] == [f"blocks.{i}" for i in WITH_SKIP]
    assert all(report.silenced is None for report in found.reports)
    assert all(report.lesion is not None and 0 <= report.lesion.probability <= 1 for report in found.reports)
    early, late = found.reports[0], found.reports[-1]
    assert early.gradient_norm_cut is not None
    assert early.gradient_norm is not None
    assert early.gradient_norm_cut < early.gradient_norm
    assert late.ratio is not None


@pytest.mark.slow
def test_its_heatmap_is_checked(explainer: Explainer, cat: Subject) -> None:
    found = check_heatmap(explainer, cat, explainer.explain(cat, cat.prediction.top.index))
    assert found.sanity.about_the_model
    assert found.grade in ("good", "mixed")


def test_another_program_gives_the_same_answers(explainer: Explainer, bundle: Bundle, tmp_path: Path) -> None:
    folder = write_portable(tmp_path / "portable", bundle)
    photo = SAMPLES / "coffee.jpg"
    done = subprocess.run(
        [sys.executable, str(folder / "example.py"), str(photo)], capture_output=True, text=True, check=True
    )
    first = done.stdout.splitlines()[0].split(maxsplit=1)
    expected = explainer.classifier.classify(photo).top
    assert first[1] == expected.label
    assert float(first[0]) == pytest.approx(expected.probability, abs=2e-4)
    assert json.loads((folder / "labels.json").read_text("utf-8"))["labels"][0] == "tench"
