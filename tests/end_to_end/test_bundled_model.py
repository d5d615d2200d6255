"""The model that ships with the app: whole, small enough, honest about itself, and sure of what it sees at any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core import paths
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.imaging.decode import decode, encode_jpeg
from resnet_desktop.imaging.pixels import to_array
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.classifier import Classifier

SAMPLES = sorted((paths.assets_folder() / "samples").glob("*.jpg"))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return bundles.read(Library(user=Path("nowhere")).find("resnet50-everyday40"))


@pytest.fixture(scope="module")
def classifier(bundle: Bundle) -> Classifier:
    return Classifier(bundle, provider="cpu")


def test_it_is_whole_and_small(bundle: Bundle) -> None:
    assert bundles.verify(bundle).ok
    assert bundle.size < 50_000_000
    assert bundle.metadata.arch == "resnet50"
    assert bundle.features is not None
    assert min(bundle.features.height, bundle.features.width) >= 4


def test_it_says_where_it_comes_from(bundle: Bundle) -> None:
    provenance = bundle.metadata.provenance
    assert provenance["parity"]["bundle"] <= 1e-4
    assert provenance["parity"]["same_classes"]
    metrics = provenance["metrics"]
    assert metrics["on"] == "test"
    assert metrics["acc1_interval"][0] <= metrics["acc1"] <= metrics["acc1_interval"][1]
    card = bundle.path.with_suffix(".md").read_text("utf-8")
    assert f"{metrics['acc1']:.1%}" in card, "the card is of another model"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_reduced_decoding_changes_no_probability_by_more_than_a_hundredth(
    classifier: Classifier, sample: Path, tmp_path: Path
) -> None:
    photo = decode(sample).pixels
    large = encode_jpeg(np.repeat(np.repeat(photo, 8, 0), 8, 1), 92)  # about 12 to 17 megapixels
    transforms: Transforms = classifier.bundle.metadata.transforms
    reduced = decode(large, shorter_side=transforms.decode_side)
    assert reduced.width < photo.shape[1] * 8, "the photo was not decoded at reduced scale"
    whole = classifier.classify_pixels(decode(large).pixels).probabilities
    assert np.abs(classifier.classify(large).probabilities - whole).max() <= 0.01


def test_reduced_decoding_on_real_photos(classifier: Classifier, shared_photos: dict[str, bytes]) -> None:
    for name, content in list(shared_photos.items())[::5]:
        photo = Image.fromarray(decode(content).pixels)
        pixels = to_array(photo.resize((photo.width * 3, photo.height * 3), Image.Resampling.BICUBIC))
        large = encode_jpeg(pixels, 92)
        fast = classifier.classify(large).probabilities
        whole = classifier.classify_pixels(decode(large).pixels).probabilities
        assert np.abs(fast - whole).max() <= 0.01, name


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_class_has_a_heatmap_from_the_same_run(classifier: Classifier, sample: Path) -> None:
    prediction = classifier.classify(sample)
    assert float(prediction.probabilities.sum()) == pytest.approx(1.0, abs=1e-5)
    explainer = Explainer(classifier)
    features = classifier.bundle.features
    assert features is not None
    for target in range(classifier.bundle.classes):
        # The map sums to the logit less its bias: the evidence is all there.
        cam = explainer.heatmap(prediction, target).cam
        expected = prediction.logits[target] - features.fc_bias[target]
        assert float(cam.sum()) == pytest.approx(float(expected), abs=1e-3)
