"""The transforms are torchvision's, to the level; what is drawn as seen is what is seen."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import Fit, Interpolation, Transforms
from tests.conftest import make_photo

SIZES = [(512, 384), (384, 512), (341, 500), (256, 256), (100, 80), (1000, 231), (225, 224)]
LEVELS = 1.5  # of 255: Pillow rounds to whole levels after each direction


def torch_view(pixels: NDArray[np.uint8], transforms: Transforms) -> NDArray[np.float32]:
    """Resize and centre crop by PyTorch's antialiased interpolation, as torchvision does: (crop, crop, 3), 0 to 255."""
    torch = pytest.importorskip("torch", reason="the reference is PyTorch's interpolation")
    tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    sides = [transforms.resize] if transforms.native is None else [transforms.native, transforms.resize]
    modes = [transforms.interpolation] if transforms.native is None else ["bilinear", transforms.interpolation]
    for side, mode in zip(sides, modes, strict=True):
        height, width = tensor.shape[2:]
        short = min(height, width)
        size = (int(side * height / short), int(side * width / short))
        if mode != "bilinear" or side != transforms.native or short > side:
            tensor = torch.nn.functional.interpolate(tensor, size=size, mode=mode, antialias=True, align_corners=False)
    height, width = tensor.shape[2:]
    top, left = (round((side - transforms.crop) / 2.0) for side in (height, width))
    crop = tensor[0, :, top : top + transforms.crop, left : left + transforms.crop]
    result: NDArray[np.float32] = crop.clamp(0, 255).permute(1, 2, 0).numpy()
    return result


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("interpolation", "tolerance"), [("bilinear", LEVELS), ("bicubic", 2 * LEVELS)])
def test_the_view_is_that_of_torch(size: tuple[int, int], interpolation: Interpolation, tolerance: float) -> None:
    pixels = make_photo(*size, seed=sum(size))
    transforms = Transforms(interpolation=interpolation)
    difference = np.abs(transforms.view(pixels) - torch_view(pixels, transforms))
    assert difference.max() <= tolerance
    assert difference.mean() < 0.5


@pytest.mark.parametrize("size", [(512, 384), (300, 400), (64, 90)])
def test_native_comes_first(size: tuple[int, int]) -> None:
    pixels = make_photo(*size, seed=7)
    transforms = Transforms(native=64, resize=146, crop=128)
    assert np.abs(transforms.view(pixels) - torch_view(pixels, transforms)).max() <= 2 * LEVELS


def test_native_never_enlarges() -> None:
    pixels = make_photo(60, 50)
    assert np.array_equal(Transforms(native=64).view(pixels), Transforms().view(pixels))


@pytest.mark.parametrize("size", SIZES)
def test_cropping_while_resizing_is_cropping_after_resizing(size: tuple[int, int]) -> None:
    pixels = make_photo(*size, seed=3)
    uncut = Transforms(resize=256, crop=256)
    wide = uncut.view(pixels).astype(np.int16)
    narrow = Transforms(resize=256, crop=224).view(pixels).astype(np.int16)
    place = uncut.seen_box(*size), Transforms(resize=256, crop=224).seen_box(*size)
    step = place[0].width / 256
    left, top = round((place[1].left - place[0].left) / step), round((place[1].top - place[0].top) / step)
    difference = np.abs(wide[top : top + 224, left : left + 224] - narrow)
    assert difference.max() <= 1
    assert difference.mean() < 0.3  # where two pixels weigh the same, half levels round either way


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fit", ["crop", "whole"])
def test_apply_normalizes_the_view(size: tuple[int, int], fit: Fit) -> None:
    transforms = Transforms()
    pixels = make_photo(*size, seed=5)
    expected = (transforms.view(pixels, fit) / 255.0 - transforms.mean) / transforms.std
    given = transforms.apply(pixels, fit)
    assert given.shape == (3, 224, 224)
    assert given.dtype == np.float32
    # in the padding the view shows the mean colour rounded to a level, the network gets exact zeros
    assert np.abs(given - expected.transpose(2, 0, 1)).max() < (1e-5 if fit == "crop" else 0.5 / 255 / 0.22)


def test_apply_writes_where_it_is_told() -> None:
    batch = np.full((2, 3, 224, 224), np.nan, np.float32)
    pixels = make_photo(300, 200)
    returned = Transforms().apply(pixels, "whole", out=batch[1])
    assert returned.base is batch
    assert np.isnan(batch[0]).all()
    assert np.array_equal(batch[1], Transforms().apply(pixels, "whole"))


def test_whole_keeps_the_aspect_and_pads_with_zeros() -> None:
    given = Transforms().apply(np.full((100, 200, 3), 255, np.uint8), "whole")
    assert not given[:, :56].any()
    assert not given[:, 168:].any()
    assert (given[:, 56:168] > 2).all()


def test_a_thin_picture_costs_no_memory() -> None:
    assert Transforms().view(np.zeros((2, 50_000, 3), np.uint8)).shape == (224, 224, 3)
    assert Transforms(native=64).view(np.zeros((50_000, 1, 3), np.uint8), "whole").shape == (224, 224, 3)


@pytest.mark.parametrize("native", [None, 64])
@pytest.mark.parametrize("size", SIZES)
def test_the_seen_box_is_what_is_seen(size: tuple[int, int], native: int | None) -> None:
    width, height = size
    transforms = Transforms(native=native)
    box = transforms.seen_box(width, height)
    assert 0 <= box.left < box.right <= width + 1e-6
    assert 0 <= box.top < box.bottom <= height + 1e-6
    ramp = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8)[None, :, None], (height, width, 3))
    seen = transforms.view(np.ascontiguousarray(ramp)).astype(float)
    centre = seen[112, :, 0].mean() / 255 * (width - 1)
    assert centre == pytest.approx((box.left + box.right) / 2 - 0.5, abs=0.01 * width)


def test_the_seen_box_of_the_whole_covers_the_picture_and_the_padding() -> None:
    box = Transforms().seen_box(512, 384, "whole")
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0, -64, 512, 448))
    assert (box.width, box.height) == pytest.approx((512, 512))


def test_what_to_ask_of_the_decoder() -> None:
    assert Transforms(resize=232).decode_side == 232
    assert Transforms(native=64, resize=146, crop=128).decode_side == 171, "few pixels are each felt more"
    assert Transforms(native=200, resize=232).decode_side == 200
    assert Transforms(native=400).decode_side == 256


def test_json_goes_there_and_back() -> None:
    transforms = Transforms(native=64, resize=146, crop=128, interpolation="bicubic", mean=(0.1, 0.2, 0.3))
    assert Transforms.from_json(json.dumps(transforms.to_json())) == transforms
    assert Transforms.from_json({}) == Transforms()
    assert Transforms.from_json({"crop": 299}).resize == 299
    assert Transforms.from_json({"mean": [0, 0, 0], "unknown": 1}).mean == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ({"crop": 0}, "crop"),
        ({"crop": 224.0}, "crop"),
        ({"crop": True}, "crop"),
        ({"crop": 5000}, "crop"),
        ({"resize": 100, "crop": 224}, "crop"),
        ({"resize": -1}, "resize"),
        ({"native": "64"}, "native"),
        ({"interpolation": "lanczos"}, "interpolation"),
        ({"interpolation": ["bilinear"]}, "interpolation"),
        ({"mean": [0, 0]}, "mean"),
        ({"mean": [0, 0, math.nan]}, "mean"),
        ({"mean": "0.5"}, "mean"),
        ({"std": [1, 1, 0]}, "std"),
        ({"std": [1, 1, -1]}, "std"),
        ({"std": [1, 1, math.inf]}, "std"),
        ({"std": [1, 1, True]}, "std"),
        ({"std": None}, "std"),
    ],
)
def test_nonsense_is_refused_by_name(data: str | dict[str, object], named: str) -> None:
    with pytest.raises(ModelError, match=named) as caught:
        Transforms.from_json(data)
    assert caught.value.code == "bad_metadata"


@pytest.mark.parametrize("size", SIZES)
def test_stretching_brings_the_whole_picture_into_the_square(size: tuple[int, int]) -> None:
    pixels = make_photo(*size, seed=sum(size))
    transforms = Transforms(fit="stretch")
    expected = np.asarray(Image.fromarray(pixels).resize((224, 224), Image.Resampling.BILINEAR))
    assert np.array_equal(transforms.view(pixels), expected)
    box = transforms.seen_box(*size)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0, 0, *size))
    whole = transforms.view(pixels, "whole")
    assert np.array_equal(whole, Transforms().view(pixels, "whole"))


def test_stretching_asks_for_enough_pixels() -> None:
    assert Transforms(fit="stretch", resize=256, crop=256).decode_side == 256
    assert Transforms(fit="stretch", resize=1000, crop=224).decode_side == 224


@pytest.mark.parametrize("fit", ["crop", "whole"])
def test_blue_first_is_the_same_in_another_order(fit: Fit) -> None:
    pixels = make_photo(300, 200, seed=2)
    mean, std = (0.1, 0.5, 0.9), (0.2, 0.4, 0.8)
    usual, other = Transforms(mean=mean, std=std), Transforms(mean=mean, std=std, channels="bgr")
    assert np.array_equal(other.apply(pixels, fit), usual.apply(pixels, fit)[::-1])
    assert np.array_equal(other.picture(other.apply(pixels, fit)), usual.picture(usual.apply(pixels, fit)))
    assert np.array_equal(other.view(pixels, fit), usual.view(pixels, fit))
