#!/bin/sh
# onnx: the inliner leaves a function in place, without a word, whose own domain has another version than in the model.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.31.1 numpy
cat > try.py <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, checker, helper, inliner

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


def model(version):
    """y = x + x, by a function of the domain "own", which the model has in version 1."""
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("own", version)]
    twice = helper.make_function("own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], sets)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Twice", ["x"], ["y"], domain="own")], "g", ends[:1], ends[1:])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, functions=[twice], opset_imports=imports, ir_version=8)


left = {}
for version in (1, 23):
    made = model(version)
    checker.check_model(made, full_check=True)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"x": np.ones(1, np.float32)})[0]
    inlined = inliner.inline_local_functions(made)
    left[version] = len(inlined.functions)
    kinds = [node.op_type for node in inlined.graph.node]
    print(f"own domain as {version}: checked, ONNX Runtime gives {answer}; inlined: {kinds}, {left[version]} functions left")
raise SystemExit(0 if left == {1: 0, 23: 1} else 1)
PY
if venv/bin/python try.py; then
    echo "As found: inline_local_functions returns the model with the function still in it, and neither warns nor fails."
else
    echo "CHANGED: the inliner writes such a function out, or says that it does not."
    exit 1
fi
