#!/bin/sh
# tf2onnx and Keras 3's Normalization layer: its mean and variance become inputs of the model that must be fed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 keras==3.15.1 tf2onnx==1.17.0 \
    onnx==1.20.0 onnxruntime==1.31.1
cat > try.py <<'PY'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, onnxruntime, tensorflow as tf, tf2onnx

print("tensorflow", tf.__version__, "keras", keras.__version__, "tf2onnx", tf2onnx.__version__)
x = keras.Input((8, 8, 3))
layer = keras.layers.Normalization(axis=-1, mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])
net = keras.Model(x, keras.layers.Conv2D(4, 3)(layer(x)))
signature = [tf.TensorSpec((None, 8, 8, 3), tf.float32, name="x")]
function = tf.function(lambda t: net(t, training=False), input_signature=signature)
model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
stored = {one.name for one in model.graph.initializer}
required = [one.name for one in model.graph.input if one.name not in stored]
print("inputs without a stored value:", ", ".join(required))
session = onnxruntime.InferenceSession(model.SerializeToString())
try:
    session.run(None, {"x": np.zeros((1, 8, 8, 3), np.float32)})
    words = "runs with the picture alone"
except ValueError as error:
    words = "asks for the others: " + str(error).splitlines()[0]
print(words)
raise SystemExit(0 if len(required) == 3 and words.startswith("asks") else 1)
PY
if venv/bin/python try.py 2>err.txt; then
    echo "As found: the layer keeps its statistics as tensors outside the function, which tf2onnx takes for arguments of the"
    echo "function: the file asks for them at every run and does not hold them. Keras' EfficientNets begin with this layer."
else
    tail -5 err.txt
    echo "CHANGED: the statistics are stored in the file, or it is refused while it is converted."
    exit 1
fi
