"""What the benchmarks run on: a ResNet-50 of random weights for 1,000 classes, and photos."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet, expected_shapes
from resnet_desktop.bundle.file.bundle import Bundle, write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.decode import decode, encode_jpeg
from resnet_desktop.imaging.transforms import Transforms

REPOSITORY = Path(__file__).resolve().parents[2]
PHOTOS = REPOSITORY.parent / "shared" / "data" / "photos.zip"
SIDE = 224
CLASSES = 1000
TWELVE_MEGAPIXELS = (3000, 4000)

Arrays = dict[str, NDArray[np.float32]]


def resnet50_arrays() -> Arrays:
    """Random weights that keep activations in range through all blocks."""
    rng = np.random.default_rng(0)
    arch = ARCHITECTURES["resnet50"]
    shapes = dict(expected_shapes(arch)) | {"fc.weight": (CLASSES, arch.features), "fc.bias": (CLASSES,)}
    arrays = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            values = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))
        else:
            values = np.full(shape, 1.0 if name.endswith(("running_var", "weight")) else 0.0)
            values *= 0.2 if name.endswith("bn3.weight") else 1.0
        arrays[name] = values.astype(np.float32)
    return arrays


def resnet50_bundle(folder: Path, arrays: Arrays) -> Bundle:
    """The plain graph as the app writes it, float16 storage."""
    arch = ARCHITECTURES["resnet50"]
    labels = tuple(f"class {i}" for i in range(CLASSES))
    metadata = Metadata(arch=arch.name, categories=labels, transforms=Transforms())
    return write(folder / "resnet50.onnx", build_resnet(arch, arrays, height=SIDE, width=SIDE), metadata)


def photos(folder: Path) -> list[Path]:
    """Photos of 512 pixels as JPEG files: the shared ones, or drawn ones where those are not here."""
    folder.mkdir()
    found = []
    for name, content in _contents():
        path = folder / name
        path.write_bytes(content)
        found.append(path)
    return found


def large_photo(folder: Path, photo: Path) -> Path:
    """The same photo with 12 megapixels, as a camera would store it."""
    path = folder / "large.jpg"
    path.write_bytes(encode_jpeg(enlarged(decode(photo).pixels)))
    return path


def enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pixels of a photo, (height, width, 3), repeated to 12 megapixels, with a camera's noise."""
    rows = np.linspace(0, len(pixels) - 1, TWELVE_MEGAPIXELS[0]).astype(int)
    columns = np.linspace(0, pixels.shape[1] - 1, TWELVE_MEGAPIXELS[1]).astype(int)
    noise = np.random.default_rng(0).integers(-6, 7, (*TWELVE_MEGAPIXELS, 1))
    noisy: NDArray[np.uint8] = np.clip(pixels[rows][:, columns].astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return noisy


def _contents() -> list[tuple[str, bytes]]:
    if PHOTOS.is_file():
        with zipfile.ZipFile(PHOTOS) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".JPEG") and "in_class" in name)
            return [(Path(name).name, archive.read(name)) for name in names]
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (24, 32, 3)) for _ in range(50)]
    drawn = [np.kron(c, np.ones((16, 16, 1))) + rng.normal(0, 8, (384, 512, 1)) for c in coarse]
    return [(f"drawn{i}.jpg", encode_jpeg(np.clip(d, 0, 255).astype(np.uint8))) for i, d in enumerate(drawn)]
