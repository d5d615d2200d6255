#!/bin/sh
# tf2onnx and Keras 3's exact GELU: the converter ends well and writes a file that is not ONNX.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnx==1.20.0
cat > try.py <<'PY'
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, onnx, tensorflow as tf, tf2onnx

print("tensorflow", tf.__version__, "keras", keras.__version__, "tf2onnx", tf2onnx.__version__, "onnx", onnx.__version__)
x = keras.Input((4,))
net = keras.Model(x, keras.layers.Activation(lambda t: keras.activations.gelu(t, approximate=False))(x))
signature = [tf.TensorSpec((None, 4), tf.float32, name="x")]
function = tf.function(lambda t: net(t, training=False), input_signature=signature)
model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
operators = sorted({node.op_type for node in model.graph.node})
print("operators written:", ", ".join(operators))
left = [name for name in operators if name in ("Erfc", "StatefulPartitionedCall")]
try:
    onnx.checker.check_model(model)
    words = "the checker accepts it"
except onnx.checker.ValidationError as error:
    words = "the checker refuses it: " + str(error).splitlines()[0]
print(words)
raise SystemExit(0 if left and "refuses" in words else 1)
PY
if venv/bin/python try.py 2>err.txt; then
    echo "As found: the exact GELU becomes TensorFlow's Erfc, for which tf2onnx has no operator of ONNX; it copies the node"
    echo "as it is, reports success, and the file is only refused when it is checked or loaded."
else
    tail -5 err.txt
    echo "CHANGED: the file holds ONNX operators alone, or is refused while it is converted."
    exit 1
fi
