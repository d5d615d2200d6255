#!/bin/sh
# ONNX Runtime's converter to float16: with keep_io_types its Cast comes last, though the first operator reads it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 numpy
cat > try.py <<'PY'
import onnx, onnxruntime
from onnx import TensorProto, helper
from onnxruntime.transformers.float16 import convert_float_to_float16

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
nodes = [helper.make_node("Relu", ["x"], ["r"], name="r"), helper.make_node("Sigmoid", ["r"], ["y"], name="s")]
graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
onnx.checker.check_model(model, full_check=True)
made = convert_float_to_float16(model, keep_io_types=True)
print([node.op_type for node in made.graph.node])
onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
print("ONNX Runtime loads it")
try:
    onnx.checker.check_model(made)
except onnx.checker.ValidationError as error:
    print("onnx:", str(error).splitlines()[0])
    raise SystemExit(0 if "topologically sorted" in str(error) else 1)
raise SystemExit(1)
PY
if venv/bin/python try.py; then
    echo "As found: the converter appends the Cast of the input, and onnx refuses the file as not sorted."
else
    echo "CHANGED: the converted graph is sorted, or is refused for something else."
    exit 1
fi
