#!/bin/sh
# ONNX Runtime's quantizer: CalibMaxIntermediateOutputs throws ranges away that were to be merged.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 numpy
cat > try.py <<'PY'
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import create_calibrator

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], name="r")], "g", ends[:1], ends[1:])
onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)]), "relu.onnx")


class Reader(CalibrationDataReader):
    def __init__(self, peaks):
        self.left = list(peaks)

    def get_next(self):
        return {"x": np.full((1, 4), self.left.pop(0), np.float32)} if self.left else None


def highest(peaks, **options):
    calibrator = create_calibrator("relu.onnx", ["Relu"], calibrate_method=CalibrationMethod.MinMax, extra_options=options)
    try:
        calibrator.collect_data(Reader(peaks))
    except ValueError as error:
        return str(error)
    return float(np.max(calibrator.compute_data().data["y"].range_value[1]))


whole = highest((100, 1, 1))
few = highest((100, 1, 1), max_intermediate_outputs=2)
even = highest((100, 1), max_intermediate_outputs=2)
print("three batches, the first with a 100:", whole)
print("the same, two kept at a time:", few)
print("two batches, two kept at a time:", even)
raise SystemExit(0 if (whole, few, even) == (100.0, 1.0, "No data is collected.") else 1)
PY
if venv/bin/python try.py; then
    echo "As found: what is dropped to save memory is dropped before its range is taken: the highest value of three batches"
    echo "is that of the last, and of a number of batches that the option divides nothing is left."
else
    echo "CHANGED: the ranges are merged."
    exit 1
fi
