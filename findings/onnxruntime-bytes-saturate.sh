#!/bin/sh
# ONNX Runtime merges quantized graphs into operators whose sums saturate on x86 processors without VNNI: another answer.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.0 numpy
cat > try.py <<'PY'
import numpy as np, onnxruntime
from onnx import TensorProto, helper, numpy_helper

print("onnxruntime", onnxruntime.__version__)
rng = np.random.default_rng(0)
weights = rng.choice(np.array([-127, 127, 120, 5], np.int8), (64, 4))
constants = {"w": weights, "ws": np.float32(1e-3), "wz": np.int8(0), "xs": np.float32(1 / 255), "xz": np.uint8(0)}
constants |= {"ys": np.float32(0.05), "yz": np.uint8(128)}
nodes = [
    helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
    helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
    helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"]),
    helper.make_node("MatMul", ["xd", "wd"], ["p"]),
    helper.make_node("QuantizeLinear", ["p", "ys", "yz"], ["pq"]),
    helper.make_node("DequantizeLinear", ["pq", "ys", "yz"], ["y"]),
]
graph = helper.make_graph(
    nodes,
    "saturates",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
    [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
)
model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
x = rng.uniform(0.5, 1, (2, 64)).astype(np.float32)


def answers(off):
    options = onnxruntime.SessionOptions()
    if off:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


right = np.round(np.round(x * 255) / 255 @ (weights * 1e-3) / 0.05) * 0.05
merged, plain = answers(False), answers(True)
print("off at most, merged:", np.abs(merged - right).max(), "not merged:", np.abs(plain - right).max())
raise SystemExit(0 if np.abs(merged - right).max() > 0.1 and np.abs(plain - right).max() < 0.06 else 1)
PY
if grep -qi vnni /proc/cpuinfo || ! grep -qi avx2 /proc/cpuinfo; then
    echo "This processor has VNNI, or no AVX2: nothing to be seen here."
elif venv/bin/python try.py 2>err.txt; then
    echo "As found: two products of a uint8 and an int8 are added in 16 bits, which they can exceed. The documentation of the"
    echo "quantizer names it and advises weights of 7 bits; the session says nothing. session.disable_quant_qdq=1 avoids it."
else
    tail -5 err.txt
    echo "CHANGED: the answer is the same whether the graph is merged or not."
    exit 1
fi
