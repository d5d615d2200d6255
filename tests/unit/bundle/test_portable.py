"""The exported folder gives the app's probabilities with three libraries, whatever the photo is like."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from PIL import Image, ImageCms

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import write
from resnet_desktop.bundle.file.portable import write_portable
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference.classifier import Classifier

from .elsewhere import Graph, opened, theirs
from .making import LABELS, random_arrays

SIDE = 64
RUN_ALL = """
import sys, io, json, runpy, contextlib
for name in ('torch', 'onnx', 'resnet_desktop', 'PySide6', 'pi_heif'): sys.modules[name] = None
folder, *photos = sys.argv[1:]
sys.path.insert(0, folder)
for photo in photos:
    sys.argv = ['example.py', photo]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        runpy.run_path(folder + '/example.py')
    print(json.dumps(said.getvalue()))
"""


def scene(width: int, height: int, channels: int = 3) -> NDArray[np.uint8]:
    """Large shapes and fine texture in every channel."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (7 + 5 * i)) + np.cos(y / (11 + 3 * i)) + (x > width / 2) for i in range(channels)]
    grain = np.random.default_rng(1).normal(0, 0.2, (height, width, channels))
    return np.clip(np.stack(waves, -1) * 60 + grain * 40 + 90, 0, 255).astype(np.uint8)


def photos(folder: Path) -> list[Path]:
    """A photo of each kind that the app reads and Pillow can write by itself."""
    rgb = Image.fromarray(scene(150, 101))
    alpha = Image.fromarray(scene(150, 101, 4))
    deep = (scene(120, 90)[..., 0].astype(np.uint16) << 8) | 17
    palette = rgb.quantize(16)
    palette.info["transparency"] = 3
    wide = ImageCms.ImageCmsProfile(io.BytesIO(_wide_profile())).tobytes()
    files = []

    def save(image: Image.Image, name: str, **options: object) -> None:
        files.append(folder / name)
        image.save(files[-1], **options)  # type: ignore[arg-type]

    save(rgb, "plain.png")
    save(alpha, "alpha.png")
    save(alpha.convert("LA"), "grey alpha.png")
    save(Image.fromarray(deep), "deep.png")
    save(Image.fromarray(deep), "deep.tif")
    save(palette, "palette.png", transparency=3)
    save(rgb, "wide.jpg", icc_profile=wide, quality=95)
    save(rgb.convert("CMYK"), "ink.jpg", quality=95)
    save(rgb.convert("L"), "grey.jpg")
    save(Image.fromarray(scene(1501, 1103)), "large.jpg", quality=90)
    save(Image.fromarray(scene(1203, 901)), "large.png")
    save(Image.fromarray(scene(40, 30)), "small.webp", lossless=True)
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(rgb, f"turned {orientation}.jpg", exif=exif, quality=95)
    exif[0x0112] = 6
    save(Image.fromarray(scene(1501, 1103)), "large turned.jpg", exif=exif, quality=90)
    save(rgb, "turned.tif", exif=exif)
    return files


def _wide_profile() -> bytes:
    """The profile of sRGB with red and blue changed places: it changes every colour."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    entries = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


@pytest.mark.parametrize("native", [None, 32])
def test_every_kind_of_photo_gets_the_apps_probabilities(native: int | None, tmp_path: Path) -> None:
    arch = ARCHITECTURES["resnet18"]
    arrays = random_arrays(arch, len(LABELS))
    model = build_resnet(arch, arrays, height=SIDE, width=SIDE)
    transforms = Transforms(native=native, resize=72, crop=SIDE)
    metadata = Metadata(arch=arch.name, categories=LABELS, transforms=transforms, temperature=1.7)
    bundle = write(tmp_path / "model.onnx", model, metadata)
    folder = write_portable(tmp_path / "export", bundle)
    assert len((folder / "example.py").read_text("utf-8").splitlines()) <= 21
    pictures = tmp_path / "photos"
    pictures.mkdir()
    files = photos(pictures)
    command = [sys.executable, "-I", "-W", "ignore", "-c", RUN_ALL, str(folder), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    classifier = Classifier(bundle, provider="cpu")
    answers = done.stdout.splitlines()
    assert len(set(answers)) > len(files) // 2, "the network tells these photos apart"
    for file, answer in zip(files, answers, strict=True):
        said = [float(line.split()[0]) for line in json.loads(answer).splitlines()]
        scores = classifier.classify(file).scores
        assert said == pytest.approx([score.probability for score in scores], abs=1e-5), file.name


@pytest.mark.parametrize("end", ["Softmax", "Sigmoid", "written out"])
def test_a_network_from_elsewhere_gets_the_apps_probabilities(end: str, tmp_path: Path) -> None:
    """No second softmax, no sum forced to 1; pictures in the form that the file takes."""
    graph = Graph()
    graph.add("Transpose", ["x"], "front", perm=[0, 3, 1, 2])
    graph.body("front")
    if end == "written out":
        graph.add("Exp", ["scores"], "raised")
        graph.add("ReduceSum", ["raised", graph.constant("axis", np.array([1], np.int64))], "total", keepdims=1)
        graph.add("Div", ["raised", "total"], "y")
    else:
        graph.add(end, ["scores"], "y")
    model = graph.model([("y", TensorProto.FLOAT, ("N", 4))], shape=("N", None, None, 3))
    bundle = opened(tmp_path, model)
    folder = write_portable(tmp_path / "export", bundle)
    photo = tmp_path / "photo.png"
    Image.fromarray(scene(300, 260)).save(photo)
    command = [sys.executable, "-W", "ignore", str(folder / "example.py"), str(photo)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    said = {line.split(maxsplit=1)[1]: float(line.split()[0]) for line in done.stdout.splitlines()}
    prepared = bundle.metadata.transforms.apply(np.asarray(Image.open(photo)))
    right = theirs(model, prepared.transpose(1, 2, 0)[None], "y")[0]
    assert [said[label] for label in bundle.metadata.categories] == pytest.approx(right, abs=1e-4), done.stderr
