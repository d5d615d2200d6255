"""A model as a folder for other programs: the file, its labels, and an example that needs no more than 20 lines.

The example does what the app does, by the bundle's own transforms, with onnxruntime, NumPy and Pillow alone.
"""

from __future__ import annotations

import json
from pathlib import Path

from resnet_desktop.bundle.bundle import Bundle, whole_file
from resnet_desktop.core import atomic

_EXAMPLE = '''"""python example.py PHOTO: the classes of a photo, with numpy, onnxruntime and pillow."""
import json, sys, pathlib, numpy, onnxruntime
from PIL import Image, ImageOps
here = pathlib.Path(__file__).parent
model = json.loads((here / "labels.json").read_text("utf-8"))
t = model["transforms"]
def shorter_side_to(side, w, h):
    return (side, max(side, side * h // w)) if w <= h else (max(side, side * w // h), side)
image = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
if t["native"] and min(image.size) > t["native"]:
    image = image.resize(shorter_side_to(t["native"], *image.size), Image.Resampling.BILINEAR)
(w, h), c = shorter_side_to(t["resize"], *image.size), t["crop"]
x, y, sx, sy = round((w - c) / 2), round((h - c) / 2), image.width / w, image.height / h
image = image.resize((c, c), Image.Resampling[t["interpolation"].upper()], (x * sx, y * sy, (x + c) * sx, (y + c) * sy))
pixels = ((numpy.float32(image) / 255 - t["mean"]) / t["std"]).transpose(2, 0, 1)[None].astype("float32")
logits = onnxruntime.InferenceSession(here / "model.onnx").run([model["output"]], {model["input"]: pixels})[0][0]
p = numpy.exp((logits - logits.max()) / model["temperature"])
for i in numpy.argsort(-p)[:5]:
    print(f"{p[i] / p.sum():.6f}  {model['labels'][i]}")
'''


def write_portable(folder: Path, bundle: Bundle) -> Path:
    """Write ``model.onnx``, ``labels.txt``, ``labels.json`` and ``example.py`` into ``folder``.

    ``labels.txt`` has a label a line, in the order of the outputs; ``labels.json`` has the labels, the transforms, the
    temperature (probabilities are softmax(logits / temperature)) and the names of input and output.

    Raises:
        ModelError: the bundle's file is gone or has changed.
        StorageError: the disk refuses.
    """
    metadata = bundle.metadata
    values = {
        "labels": list(metadata.categories),
        "transforms": metadata.transforms.to_json(),
        "temperature": metadata.temperature,
        "input": bundle.input_name,
        "output": bundle.view.outputs[0],
    }
    atomic.write_bytes(folder / "model.onnx", whole_file(bundle))
    lines = (" ".join(label.splitlines()) for label in metadata.categories)
    atomic.write_text(folder / "labels.txt", "".join(f"{line}\n" for line in lines))
    atomic.write_text(folder / "labels.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    atomic.write_text(folder / "example.py", _EXAMPLE)
    return folder
