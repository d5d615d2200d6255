"""The sessions that explanations run in, beside the one that classifies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.autodiff.backward import appended
from resnet_desktop.explain.autodiff.gradient_sessions import GradientSessions
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference import runtime
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.providers import Choice
from resnet_desktop.inference.runtime import CPU, RunnableSession
from resnet_desktop.inference.session import Session
from tests.unit.explain.block_graphs import opened, post_activation
from tests.unit.inference.making import BROKEN, failing_factory

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
LAYERS = ("layer1.0", "layer1.1", "layer2.0")
BundleMaker = Callable[..., Bundle]


class Opening:
    """Opens real sessions and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, model: bytes, provider: str, threads: int | None) -> RunnableSession:
        """Open one."""
        self.count += 1
        return runtime.open_session(model, provider, threads)


@pytest.fixture
def bundle(make_bundle: BundleMaker) -> Bundle:
    """A tiny network."""
    return make_bundle(TINY)


def _pictures(bundle: Bundle, count: int = 1) -> np.ndarray:
    return np.random.default_rng(8).standard_normal((count, *bundle.input_shape)).astype(np.float32)


def _seed(bundle: Bundle, *targets: int) -> np.ndarray:
    return np.eye(bundle.classes, dtype=np.float32)[list(targets)]


def test_a_run_gives_what_the_plain_graph_holds(bundle: Bundle) -> None:
    classifier = Classifier(bundle, provider="cpu")
    pictures = _pictures(bundle, 2)
    run = GradientSessions(classifier).gradient(pictures, _seed(bundle, 1, 3), LAYERS)
    plain = Session(bundle, extra_outputs=LAYERS).run(pictures)
    np.testing.assert_allclose(run.logits, plain["logits"], rtol=1e-4, atol=1e-4)
    for layer in LAYERS:
        np.testing.assert_allclose(run.activations[layer], plain[layer], rtol=1e-4, atol=1e-4)
        assert run.gradients[layer].shape == run.activations[layer].shape
        assert run.gradients[layer].dtype == np.float32
    assert list(run.gradients) == list(run.activations) == list(LAYERS)


def test_the_gradient_is_linear_in_its_seed(bundle: Bundle) -> None:
    sessions = GradientSessions(Classifier(bundle, provider="cpu"))
    pictures = np.repeat(_pictures(bundle), 3, axis=0)
    seed = np.stack([_seed(bundle, 0)[0], _seed(bundle, 4)[0], _seed(bundle, 0)[0] - _seed(bundle, 4)[0]])
    first, second, both = sessions.gradient(pictures, seed, ["layer1.1"]).gradients["layer1.1"]
    np.testing.assert_allclose(both, first - second, rtol=1e-4, atol=1e-6 * np.abs(first).max())


def test_activations_alone_need_no_gradient(bundle: Bundle) -> None:
    sessions = GradientSessions(Classifier(bundle, provider="cpu"))
    pictures = _pictures(bundle)
    found = sessions.activations(pictures, ["relu", "layer1.0"])
    expected = Session(bundle, extra_outputs=["relu", "layer1.0"]).run(pictures)
    assert set(found) == {"relu", "layer1.0"}
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-4)


def test_few_sessions_are_kept_and_the_longest_unused_goes(bundle: Bundle) -> None:
    opening = Opening()
    sessions = GradientSessions(Classifier(bundle, provider="cpu"), most=3, factory=opening)
    pictures, seed = _pictures(bundle), _seed(bundle, 0)
    for layer in LAYERS:
        sessions.gradient(pictures, seed, [layer])
    assert (len(sessions), opening.count) == (3, 3)
    sessions.gradient(pictures, seed, ["layer1.0"])  # used again: now layer1.1 is the longest unused
    sessions.activations(pictures, ["layer1.0"])
    assert (len(sessions), opening.count) == (3, 4)
    sessions.gradient(pictures, seed, ["layer1.0"])
    sessions.gradient(pictures, seed, ["layer2.0"])
    assert opening.count == 4
    sessions.gradient(pictures, seed, ["layer1.1"])
    assert (len(sessions), opening.count) == (3, 5)


def test_other_graphs_share_the_same_room(bundle: Bundle) -> None:
    sessions = GradientSessions(Classifier(bundle, provider="cpu"), most=1)
    built = []

    def build() -> tuple[bytes, list[str]]:
        built.append(1)
        return bundles.serialized(bundle), ["logits"]

    first = sessions.session("mine", build)
    assert sessions.session("mine", build) is first
    sessions.gradient(_pictures(bundle), _seed(bundle, 0), ["layer2.0"])
    assert sessions.session("mine", build) is not first
    assert (len(built), len(sessions)) == (2, 1)


def test_they_follow_the_classifier_when_its_provider_fails(bundle: Bundle) -> None:
    said: list[str] = []
    choice = Choice(BROKEN, (), "chosen by the test")
    # two sessions of the lost device: the classifier's, and one of its explanations
    factory = failing_factory(1)
    classifier = Classifier(bundle, provider=choice, on_fallback=said.append, factory=factory)
    sessions = GradientSessions(classifier, factory=factory)
    pictures, seed = _pictures(bundle), _seed(bundle, 0)
    before = sessions.gradient(pictures, seed, ["layer1.0"])
    key = ("gradient", ("layer1.0",))
    assert sessions.session(key, _never).provider == BROKEN
    classifier.predict(pictures)
    assert not said
    classifier.predict(pictures)
    assert (classifier.provider, len(said)) == (CPU, 1)
    after = sessions.gradient(pictures, seed, ["layer1.0"])
    assert sessions.session(key, _never).provider == CPU
    assert len(said) == 1
    np.testing.assert_allclose(after.gradients["layer1.0"], before.gradients["layer1.0"], rtol=1e-5)


def test_one_that_fails_falls_back_alone_and_says_so(bundle: Bundle) -> None:
    said: list[str] = []
    classifier = Classifier(bundle, provider="cpu", on_fallback=said.append)
    sessions = GradientSessions(classifier, factory=failing_factory(0))
    session = sessions.session("lost", lambda: (bundles.serialized(bundle), ["logits"]))
    assert session.provider == CPU
    classifier.session.provider = BROKEN  # as if it ran there
    pictures, seed = _pictures(bundle), _seed(bundle, 0)
    run = sessions.gradient(pictures, seed, ["layer1.0"])
    assert np.isfinite(run.gradients["layer1.0"]).all()
    assert len(said) == 1
    sessions.gradient(pictures, seed, ["layer1.0"])
    assert len(said) == 1  # it is not opened anew on what failed
    assert len(sessions) == 1


def test_the_session_that_classifies_is_left_alone(bundle: Bundle) -> None:
    classifier = Classifier(bundle, provider="cpu")
    session, pictures = classifier.session, _pictures(bundle)
    before = classifier.predict(pictures)
    Explainer(classifier).sessions.gradient(pictures, _seed(bundle, 2), ["layer1.0"])
    after = classifier.predict(pictures)
    assert classifier.session is session
    assert np.array_equal(before.logits, after.logits)
    assert set(session.run(pictures)) == {"logits", "layer2.0"}


def test_a_tensor_that_is_not_there(bundle: Bundle) -> None:
    sessions = GradientSessions(Classifier(bundle, provider="cpu"))
    with pytest.raises(LayerError) as caught:
        sessions.gradient(_pictures(bundle), _seed(bundle, 0), ["layer9.0"])
    assert caught.value.code == "unknown_layer"
    assert len(sessions) == 0


def test_a_graph_that_fixes_its_batch(tmp_path: Path) -> None:
    fixed = Classifier(opened(tmp_path, post_activation().model(batch=1)), provider="cpu")
    explainer = Explainer(fixed)
    layer = explainer.layers[-1].tensor
    pictures = _pictures(fixed.bundle, 3)
    run = explainer.sessions.gradient(pictures, _seed(fixed.bundle, 0, 1, 2), [layer])
    (tmp_path / "free").mkdir()
    free = Explainer(Classifier(opened(tmp_path / "free", post_activation().model()), provider="cpu"))
    expected = free.sessions.gradient(pictures, _seed(fixed.bundle, 0, 1, 2), [layer])
    np.testing.assert_allclose(run.gradients[layer], expected.gradients[layer], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(run.logits, expected.logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("elements", [0, 10, 40, 5000, 600_000])
def test_appended_parts_are_parsed_as_one_model(elements: int) -> None:
    weight = numpy_helper.from_array(np.zeros(elements, np.float32), "w")
    part = onnx.GraphProto(node=[helper.make_node("Neg", ["a"], ["b"])], initializer=[weight])
    graph = helper.make_graph(
        [helper.make_node("Abs", ["x"], ["a"])], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])], []
    )
    model = helper.make_model(graph).SerializeToString()
    found = onnx.load_model_from_string(appended(model, part))
    assert [node.op_type for node in found.graph.node] == ["Abs", "Neg"]
    assert found.graph.initializer[0].dims[0] == elements
    assert appended(model, part) == model + onnx.ModelProto(graph=part).SerializeToString()


def _never() -> tuple[bytes, list[str]]:
    raise AssertionError("it should be kept")
