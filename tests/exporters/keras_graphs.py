"""Networks of Keras, as tf2onnx and Keras's own export write them; nothing without TensorFlow and tf2onnx."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tests.exporters.case import Array, Case, shares, single, to_last
from tests.unit.bundle.elsewhere import softmax
from tests.unit.explain.graphs import noise

SIDE, CLASSES = 64, 5
SPREAD = 2.0
"""Of the scores over pictures: they differ then, and no probability is 0."""
Net = Any
"""A network of Keras: its package has no types."""


def has_keras() -> bool:
    """Whether what is needed is installed."""
    return all(importlib.util.find_spec(name) for name in ("keras", "tensorflow", "tf2onnx"))


def keras_graphs() -> Iterator[Case]:
    """All of them."""
    if not has_keras():
        return
    yield from _applications()
    yield from _own_networks()
    yield from _in_bytes()


def _applications() -> Iterator[Case]:
    """What ``keras.applications`` has, small where a size can be chosen."""
    from keras import applications as made
    from keras.src.applications.convnext import ConvNeXt

    yield from _both("MobileNet", made.MobileNet, alpha=0.25)
    yield from _both("MobileNetV2", made.MobileNetV2, alpha=0.35)
    yield from _both("MobileNetV3Small", made.MobileNetV3Small, alpha=0.75, whole=True)
    yield from _both("ResNet50", made.ResNet50, exporters=(by_tf2onnx,))
    yield from _both("ResNet50V2", made.ResNet50V2, exporters=(by_tf2onnx,))
    yield from _both("DenseNet121", made.DenseNet121, exporters=(by_tf2onnx,))
    yield from _both("Xception", made.Xception, side=71, exporters=(by_export,))
    yield from _both("NASNetMobile", made.NASNetMobile, exporters=(by_tf2onnx,))
    yield from _both("EfficientNetV2B0", made.EfficientNetV2B0, exporters=(by_export,), include_preprocessing=False)
    yield from _both("EfficientNetB0", made.EfficientNetB0, exporters=(by_export,), whole=True)
    small: dict[str, Any] = {
        "depths": [1, 1, 2, 1],
        "projection_dims": [16, 32, 64, 96],
        "include_preprocessing": False,
    }
    yield from _both("ConvNeXt", ConvNeXt, exporters=(by_tf2onnx,), refused="Erfc", **small)


def _both(
    name: str,
    make: Callable[..., Net],
    side: int = SIDE,
    exporters: tuple[Callable[[Net], onnx.ModelProto], ...] = (),
    whole: bool = False,
    refused: str | None = None,
    **given: Any,
) -> Iterator[Case]:
    """One network by each exporter."""
    for export in exporters or (by_tf2onnx, by_export):
        net = awake(lambda: make(input_shape=(side, side, 3), weights=None, classes=CLASSES, **given), whole=whole)
        yield as_case(f"Keras {name}", net, export, shares, whole=whole, refused=refused)


def _own_networks() -> Iterator[Case]:
    """What people write themselves, with the endings that Keras's guides have."""
    for export in (by_tf2onnx, by_export):
        net = awake(lambda: sequential(CLASSES, "softmax"))
        yield as_case("Keras, softmax", net, export, shares)
    net = awake(lambda: sequential(1, "sigmoid"))
    yield as_case("Keras, one sigmoid", net, by_tf2onnx, single)
    net = awake(lambda: sequential(CLASSES, "sigmoid"))
    yield as_case("Keras, sigmoids", net, by_export, lambda p: p)
    net = awake(lambda: sequential(CLASSES, None, rescaled=True), whole=True)
    yield as_case("Keras, logits of bytes", net, by_tf2onnx, softmax, whole=True)


def sequential(classes: int, activation: str | None, *, rescaled: bool = False) -> Net:
    """A small network as in a tutorial."""
    from keras import Input, Sequential, layers

    front = [layers.Rescaling(1 / 127.5, offset=-1)] if rescaled else []
    return Sequential(
        [
            Input((SIDE, SIDE, 3)),
            *front,
            layers.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.SeparableConv2D(16, 3, padding="same", activation="swish"),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes, activation=activation),
        ]
    )


def awake(make: Callable[[], Net], *, whole: bool = False) -> Net:
    """A network whose norms know the numbers that pass, and whose answers differ from picture to picture."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    net = make()
    x = pictures(8, net.input_shape[1], whole=whole)
    for layer in net._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    net(x, training=True)
    last = _last(net)
    kernel, bias = last.get_weights()
    features = np.asarray(keras.Model(net.inputs, last.input)(x, training=False))
    scores = (features @ kernel.reshape(kernel.shape[-2:])).reshape(len(x), -1)  # a convolution over one point, too
    wider = SPREAD / scores.std(axis=0)
    last.set_weights([kernel * wider, bias - (scores * wider).mean(axis=0)])
    return net


def _last(net: Net) -> Any:
    """The layer that makes the scores."""
    return next(layer for layer in reversed(net.layers) if layer.get_weights())


def pictures(count: int, side: int, *, whole: bool) -> Array:
    """Such as the judge has: noise, and colours that differ from picture to picture; channels last."""
    x = to_last(noise(count, 3, side, side, seed=11) + 2 * noise(count, 3, 1, 1, seed=5))
    return np.clip(np.round(x * 40 + 128), 0, 255) if whole else x


def as_case(
    name: str,
    net: Net,
    export: Callable[[Net], onnx.ModelProto],
    answer: Callable[[Array], Array],
    *,
    whole: bool = False,
    refused: str | None = None,
) -> Case:
    """A network as an exporter writes it, judged by TensorFlow's own gradient.

    Args:
        name: of the network.
        net: the network.
        export: the exporter.
        answer: from its output to probabilities.
        whole: whether it takes values from 0 to 255.
        refused: a word of the refusal, where it has to be refused.
    """
    model = export(net)
    words = "tf2onnx" if export is by_tf2onnx else "export"
    output, gradient = model.graph.output[0].name, _gradient_of(net)
    runs = onnx.ModelProto()
    runs.CopyFrom(model)
    del runs.graph.input[1:]  # what tf2onnx leaves of a Normalization layer: inputs that no operator reads
    given: dict[str, Any] = {"whole": whole, "runs": runs, "gradient": gradient}
    return Case(f"{name}, {words}", model, to_last, answer, output, refused, **given)


def _gradient_of(net: Net) -> Callable[[Array], Array]:
    """TensorFlow's gradient at pictures: of the score of class 1 less that of class 0, or of the only score."""
    import keras
    import tensorflow as tf

    last = _last(net)
    before, kernel, bias = keras.Model(net.inputs, last.input), *(tf.constant(each) for each in last.get_weights())
    flat = tf.reshape(kernel, kernel.shape[-2:])

    def gradient(x: Array) -> Array:
        picture = tf.constant(to_last(x))
        with tf.GradientTape() as tape:
            tape.watch(picture)
            features = tf.reshape(before(picture, training=False), (len(x), -1))  # probabilities would round to 0 and 1
            scores = features @ flat + bias
            total = tf.reduce_sum(scores[:, 1] - scores[:, 0] if len(bias) > 1 else scores)
        return np.asarray(tape.gradient(total, picture)).transpose(0, 3, 1, 2)

    return gradient


def by_tf2onnx(net: Net) -> onnx.ModelProto:
    """By tf2onnx, of a function of TensorFlow: of Keras 3 it cannot read networks themselves."""
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, *net.input_shape[1:]), tf.float32, name="x")]
    function = tf.function(lambda x: net(x, training=False), input_signature=signature)
    model: onnx.ModelProto = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)[0]
    return model


def by_export(net: Net) -> onnx.ModelProto:
    """By ``net.export(..., format="onnx")``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        net.export(str(path), format="onnx", verbose=False)
        return onnx.load(path)


def _in_bytes() -> Iterator[Case]:
    """A network of whole numbers throughout, as TensorFlow Lite has them, through tf2onnx."""
    import tensorflow as tf
    import tf2onnx

    net = awake(lambda: sequential(CLASSES, "softmax", rescaled=True), whole=True)
    converter = tf.lite.TFLiteConverter.from_keras_model(net)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    seen = pictures(32, SIDE, whole=True)
    converter.representative_dataset = lambda: ([picture[None]] for picture in seen)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.tflite")
        path.write_bytes(converter.convert())
        model, _ = tf2onnx.convert.from_tflite(str(path), opset=17)
    name, output = "TensorFlow Lite, bytes throughout", model.graph.output[0].name
    yield Case(name, model, lambda x: to_last(x).astype(np.uint8), shares, output, whole=True, close=2 / 256)
