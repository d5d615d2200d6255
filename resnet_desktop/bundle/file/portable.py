"""A model as a folder for other programs: the file, its labels, and an example of some 20 lines.

The example does what the app does, by the bundle's own transforms, with onnxruntime, NumPy and Pillow alone. What is
particular about photos (orientation, transparency, 16 bits, colour profiles, sizes) lies in modules beside it.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from resnet_desktop.bundle.file.bundle import Bundle, serialized, whole_file
from resnet_desktop.core import atomic

_EXAMPLE = '''"""python example.py PHOTO: the classes of a photo, with numpy, onnxruntime and pillow."""
import json, sys, pathlib, numpy, onnxruntime
from photo import Image, covering, read, shorter_side_to
here = pathlib.Path(__file__).parent
m = json.loads((here / "labels.json").read_text("utf-8"))
t = m["transforms"]
image, size = read(sys.argv[1], m["decode_side"], t.get("range") or "tags")
if t["native"] and min(size) > t["native"]:
    size = shorter_side_to(t["native"], *size)
    image = image.resize(size, Image.Resampling.BILINEAR)
ch, cw = t["crop"] if isinstance(t["crop"], list) else [t["crop"]] * 2
w, h = (cw, ch) if t.get("fit") == "stretch" else covering(cw, ch, t["resize"], *size)
x, y, sx, sy = round((w - cw) / 2), round((h - ch) / 2), image.width / w, image.height / h
box = x * sx, y * sy, min((x + cw) * sx, image.width), min((y + ch) * sy, image.height)
pixels = numpy.float32(image.resize((cw, ch), Image.Resampling[t["interpolation"].upper()], box)) / 255
order = [2, 1, 0] if t.get("channels") == "bgr" else [0, 1, 2]
pixels = ((pixels - t["mean"]) / t["std"]).transpose(2, 0, 1)[None, order].astype("float32")
z = onnxruntime.InferenceSession(here / "model.onnx").run([m["output"]], {m["input"]: pixels})[0][0] / m["temperature"]
p = numpy.exp(z - (numpy.logaddexp(0, z) if m["independent"] else numpy.logaddexp.reduce(z)))
for i in numpy.argsort(-p)[:5]:
    print(f"{p[i]:.6f}  {m['labels'][i]}")
'''

_PHOTO = '''"""Reading a photo as the app does: upright, in sRGB over white, a large one at reduced scale."""
import math

import numpy
from PIL import Image
from colour import to_srgb
from samples import Samples, to_image

TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation: Image.Transpose that brings it upright


def shorter_side_to(side, w, h):
    return (side, max(side, side * h // w)) if w <= h else (max(side, side * w // h), side)


def covering(crop_width, crop_height, side, w, h):
    """Width and height with the shorter side ``side``, or larger where the crop needs that."""
    full = shorter_side_to(side, w, h)
    if full[0] >= crop_width and full[1] >= crop_height:
        return full
    if crop_width * h >= crop_height * w:
        return crop_width, max(crop_height, crop_width * h // w)
    return max(crop_width, crop_height * w // h), crop_height


def read(path, side, values="tags"):
    """The photo, its shorter side not below 2.9 times ``side`` pixels unless it is smaller; its (width, height)."""
    image, least = Image.open(path), math.ceil(2.9 * side)
    (width, height), scale, factor = image.size, 1, 1
    if image.format in ("JPEG", "MPO"):
        drafted = image.draft(None, (least, least))
        scale = round(width / drafted[1][2]) if drafted else 1
    image.load()
    turn = None if image.format == "TIFF" else TURNS.get(image.getexif().get(0x0112))
    if image.mode[0] in "IF":  # more than 8 bits
        strips, bits = [numpy.asarray(image)[..., None]], 16 if image.mode.startswith("I;16") else 0
        samples = Samples(image.size, strips, bits=bits, profile=image.info.get("icc_profile"))
        image, _ = to_image(samples, 1, values)
    factor = max(1, min(image.size) // least)
    reduced, scale = to_srgb(image, factor), scale * factor
    if width % scale or height % scale:  # the last row or column stands for less than the others
        edges = (width / scale, height / scale)
        reduced = reduced.resize(tuple(max(1, round(edge)) for edge in edges), Image.Resampling.BICUBIC, (0, 0, *edges))
    if turn is None:
        return reduced, (width, height)
    return reduced.transpose(Image.Transpose(turn)), (height, width) if turn in (2, 4, 5, 6) else (width, height)
'''

_MODULES = ("colour.py", "deep/limits.py", "deep/samples.py", "notes.py")


def write_portable(folder: Path, bundle: Bundle) -> Path:
    """Write ``model.onnx``, ``labels.txt``, ``labels.json``, ``example.py`` and what it needs into ``folder``.

    ``labels.txt`` has a label a line, in the order of the outputs; ``labels.json`` has the labels, the transforms, the
    temperature (probabilities are softmax(logits / temperature), or where labels are independent of each other
    1 / (1 + exp(-logits / temperature))) and the names of input and output. ``photo.py`` and
    what it imports bring any photo that Pillow reads upright into sRGB; ``colour.py``, ``limits.py``, ``samples.py``
    and ``notes.py`` are the app's own.

    Raises:
        ModelError: the bundle's file is gone or has changed.
        StorageError: the disk refuses.
    """
    metadata = bundle.metadata
    values = {
        "labels": list(metadata.categories),
        "transforms": metadata.transforms.to_json(),
        "decode_side": metadata.transforms.decode_side,
        "temperature": metadata.temperature,
        "independent": metadata.independent,
        "input": bundle.input_name,
        "output": bundle.output_name,
    }
    # What gives logits: a foreign file may give probabilities, or want its pictures in another form.
    atomic.write_bytes(folder / "model.onnx", serialized(bundle) if bundle.rewritten else whole_file(bundle))
    lines = (" ".join(label.splitlines()) for label in metadata.categories)
    atomic.write_text(folder / "labels.txt", "".join(f"{line}\n" for line in lines))
    atomic.write_text(folder / "labels.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    for name, text in (("example.py", _EXAMPLE), ("photo.py", _PHOTO)):
        atomic.write_text(folder / name, text)
    for name in _MODULES:
        text = resources.files("resnet_desktop.imaging").joinpath(name).read_text("utf-8")
        text = text.replace("from resnet_desktop.imaging.deep.", "from ").replace(
            "from resnet_desktop.imaging.", "from "
        )
        atomic.write_text(folder / Path(name).name, text)
    return folder
