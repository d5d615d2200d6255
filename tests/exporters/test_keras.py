"""Networks of Keras, as tf2onnx writes them. Needs tensorflow and tf2onnx."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier
from tests.unit.explain.graphs import error, gradients, noise

tf = pytest.importorskip("tensorflow", reason="tensorflow is not installed")
tf2onnx = pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")

SIDE, CLASSES = 96, 5


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("MobileNetV3Small", {"include_preprocessing": False}),
        ("DenseNet121", {}),
    ],
)
def test_layers_and_gradients(tmp_path: Path, name: str, given: dict[str, bool]) -> None:
    """Every layer lies as its operators say; the gradient at the picture is TensorFlow's."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(0)
    make = getattr(tf.keras.applications, name)
    net = make(input_shape=(SIDE, SIDE, 3), weights=None, classes=CLASSES, classifier_activation=None, **given)
    signature = [tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, name="x")]
    function = tf.function(lambda x: net(x, training=False), input_signature=signature)
    path = tmp_path / f"{name}.onnx"
    tf2onnx.convert.from_function(
        function, input_signature=signature, opset=17, inputs_as_nchw=["x"], output_path=str(path)
    )
    bundle = read(path)
    found = layers(bundle)
    explainer = Explainer(Classifier(bundle))
    assert [layer.name for layer in found if explainer.why_no_gradient(layer)] == []
    x = noise(2, 3, SIDE, SIDE)
    tensors = [layer.tensor for layer in found]
    run = explainer.sessions.gradient(x, explainer.seed(1, count=2), tensors)
    for layer in found:
        assert run.gradients[layer.tensor].shape == (2, *layer.shape)
        assert layer.shape[1] == layer.shape[2]  # the pictures are square, and so is every grid
    picture = tf.constant(x.transpose(0, 2, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        y = net(picture, training=False)
        score = tf.reduce_sum(y[:, 1])
    right = np.asarray(tape.gradient(score, picture)).transpose(0, 3, 1, 2)
    assert error(run.logits, np.asarray(y)) < 1e-3
    model = onnx.load(path)
    seed = explainer.seed(1, count=2)
    (picture_gradient,) = gradients(model, [bundle.input_name], x, seed, logits=bundle.output_name, view=bundle.view)
    assert error(picture_gradient, right) < 1e-3
