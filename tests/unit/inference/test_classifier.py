"""Images in, predictions out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import ImageError, ModelError, ProviderError
from resnet_desktop.imaging.decode import decode
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import CPU

from .making import CHANNELS, LABELS, images, tiny_bundle

FileMaker = Callable[..., Path]
PhotoMaker = Callable[..., NDArray[np.uint8]]


def test_a_prediction_is_the_softmax_of_the_networks_logits(
    bundle: Bundle, classifier: Classifier, photo_file: FileMaker
) -> None:
    path = photo_file("photo.jpg", 80, 60)
    prediction = classifier.classify(path)
    prepared = bundle.metadata.transforms.apply(decode(path, shorter_side=36).pixels)
    logits = classifier.session.run(prepared[None])["logits"][0]
    np.testing.assert_array_equal(prediction.logits, logits)
    exact = np.exp(logits.astype(np.float64) - logits.max())
    np.testing.assert_allclose(prediction.probabilities, exact / exact.sum(), rtol=1e-6)
    assert [score.index for score in prediction.scores] == list(np.argsort(-logits)[:3])
    assert prediction.top.label == LABELS[int(np.argmax(logits))]
    assert prediction.top.probability == float(prediction.probabilities.max())
    assert prediction.activations is not None
    assert prediction.activations.shape == (CHANNELS, 4, 4)
    assert prediction.full_size == (80, 60)
    assert prediction.provider == classifier.provider == CPU
    assert prediction.seconds > 0
    assert prediction.unfamiliar is False


def test_bytes_paths_and_pixels_take_the_same_road(
    classifier: Classifier, photo_file: FileMaker, photo: PhotoMaker
) -> None:
    path: Path = photo_file("photo.png", 70, 50)
    first = classifier.classify(path)
    for other in (classifier.classify(str(path)), classifier.classify(path.read_bytes())):
        np.testing.assert_array_equal(other.logits, first.logits)
    np.testing.assert_array_equal(classifier.classify_pixels(photo(70, 50)).logits, first.logits)


def test_top_k_is_bounded_by_the_classes(bundle: Bundle, photo: PhotoMaker) -> None:
    many = Classifier(bundle, provider="cpu", top_k=99).classify_pixels(photo())
    assert sorted(score.index for score in many.scores) == list(range(len(LABELS)))
    assert [s.probability for s in many.scores] == sorted((s.probability for s in many.scores), reverse=True)


def test_equal_probabilities_come_in_the_order_of_their_classes(classifier: Classifier) -> None:
    raw = classifier.predict(np.concatenate([images(1)] * 2))
    raw.logits[:] = 1.0
    assert [score.index for score in classifier.prediction(raw, 0, 0.0, (1, 1)).scores] == [0, 1, 2]


def test_the_temperature_divides_the_logits(tmp_path: Path, bundle: Bundle, photo: PhotoMaker) -> None:
    cool = Classifier(tiny_bundle(tmp_path, temperature=2.5), provider="cpu").classify_pixels(photo())
    plain = Classifier(bundle, provider="cpu").classify_pixels(photo())
    np.testing.assert_allclose(cool.logits, plain.logits, rtol=1e-5)
    expected = np.exp(np.asarray(cool.logits, np.float64) / 2.5)
    np.testing.assert_allclose(cool.probabilities, expected / expected.sum(), rtol=1e-6)


def test_extreme_logits_give_probabilities(classifier: Classifier) -> None:
    found = classifier.probabilities(np.array([[3e38, 0.0, -3e38], [-1e4, -1e4, -1e4]], np.float32))
    expected = np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]], np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32


def test_the_whole_image_can_be_fitted(bundle: Bundle, photo: PhotoMaker) -> None:
    pixels = photo(200, 60)
    whole = Classifier(bundle, provider="cpu", fit="whole").classify_pixels(pixels)
    crop = Classifier(bundle, provider="cpu").classify_pixels(pixels)
    assert not np.allclose(whole.logits, crop.logits)


def test_activations_can_be_left_out(bundle: Bundle, photo: PhotoMaker) -> None:
    lean = Classifier(bundle, provider="cpu", keep_activations=False).classify_pixels(photo())
    assert lean.activations is None
    full = Classifier(bundle, provider="cpu").classify_pixels(photo())
    np.testing.assert_allclose(lean.logits, full.logits, rtol=1e-5)


def test_a_head_with_hidden_layers_has_no_activations_for_a_closed_form(tmp_path: Path, photo: PhotoMaker) -> None:
    prediction = Classifier(tiny_bundle(tmp_path, hidden=(8,)), provider="cpu").classify_pixels(photo())
    assert prediction.activations is None
    assert prediction.scores


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_file"), (b"no image at all, but long enough", "not_an_image")]
)
def test_an_unreadable_image_is_a_coded_error(classifier: Classifier, content: bytes, code: str) -> None:
    with pytest.raises(ImageError) as caught:
        classifier.classify(content)
    assert caught.value.code == code


def test_the_pixel_limit_is_the_callers(bundle: Bundle, photo_file: FileMaker) -> None:
    with pytest.raises(ImageError) as caught:
        Classifier(bundle, provider="cpu", max_pixels=100).classify(photo_file())
    assert caught.value.code == "too_many_pixels"


def test_numbers_that_are_not_finite_are_no_prediction(tmp_path: Path, photo: PhotoMaker) -> None:
    classifier = Classifier(tiny_bundle(tmp_path, gain=1e38), provider="cpu")
    with pytest.raises(ModelError, match="non-finite"):
        classifier.classify_pixels(photo())


def test_a_provider_that_does_not_run_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ProviderError):
        Classifier(bundle, provider="warp")


def test_the_models_own_rule_says_what_is_unfamiliar(tmp_path: Path, photo: PhotoMaker) -> None:
    for threshold, expected in ((-1e6, False), (1e6, True)):
        bundle = tiny_bundle(tmp_path, novelty={"method": "energy", "threshold": threshold, "temperature": 1.0})
        assert Classifier(bundle, provider="cpu").classify_pixels(photo()).unfamiliar is expected


def test_real_photos_are_classified(bundle: Bundle, shared_photos: dict[str, bytes]) -> None:
    classifier = Classifier(bundle)
    for content in list(shared_photos.values())[:3]:
        prediction = classifier.classify(content)
        assert np.isclose(prediction.probabilities.sum(), 1.0, atol=1e-5)
