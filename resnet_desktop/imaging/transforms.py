"""From a picture to what the network eats: the preprocessing that travels with each model.

In this order, as the bundle's ``transforms`` say: the shorter side is first reduced to ``native`` where that is set;
the shorter side is resized to ``resize`` (the longer one rounded down, as torchvision does); the centre ``crop`` is
cut; 0–1; mean and std. All reduction is antialiased. With ``fit`` ``stretch`` the whole picture is brought into the
square in place of resizing and cutting, whatever its proportions; with ``channels`` ``bgr`` blue comes first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.deep.limits import Range
from resnet_desktop.imaging.pixels import to_array

Fit = Literal["crop", "whole"]
OwnFit = Literal["crop", "stretch"]
"""How a network was trained to see photos; ``Fit`` is the user's choice: that, or the whole photo with margins."""
Channels = Literal["rgb", "bgr"]
Interpolation = Literal["bilinear", "bicubic", "nearest"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Triple = tuple[float, float, float]

PIXEL_VALUES: Mapping[str, tuple[Triple, Triple]] = {
    "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
    "-1..1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "0..1": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "0..255": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
    "caffe": ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255)),
}
"""The values of pixels that networks are commonly trained on, as mean and deviation on the 0–1 scale."""
MAX_CROP = 4096
# A network that sees few pixels (a small ``native``) feels each of them more. Decoded at three times 64 pixels, a
# probability moved by up to 0.04 over 50 photos of 1,000 to 2,500 pixels; at three times 171 by 0.007 at most.
_LEAST_DECODE_SIDE = 171
_LATER = ("fit", "channels", "range")  # keys of the second version of the format
LARGEST_NUMBER = 1e6
"""The largest mean or standard deviation that is believed (NaN and infinity are larger)."""
_FILTERS: dict[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the pixels of a picture: edges, not pixel centres; it may reach beyond the picture."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class _Placement:
    """Which part of the picture lands where in the square that the network sees.

    ``first``: (width, height) after the reduction to ``native``, if it is ``reduced``. ``box``: the part of the picture
    at that size that is scaled to ``size`` and put at ``corner`` (left, top) of the square; the rest of the square is
    padding.
    """

    first: tuple[int, int]
    reduced: bool
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    corner: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Transforms:
    """Preprocessing parameters, in pixels; ``mean`` and ``std`` are per channel on the 0–1 scale, in the order RGB.

    ``channels``: in which order the network takes them. ``range``: which values of pictures of more than 8 bits it was
    shown as black and white; None: it was not said. ``crop_width``: where the network sees no square, the width of what
    it sees, and ``crop`` is the height; in JSON ``crop`` is then ``[height, width]``.
    """

    native: int | None = None
    resize: int = 256
    crop: int = 224
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    fit: OwnFit = "crop"
    channels: Channels = "rgb"
    range: Range | None = None
    crop_width: int | None = None

    @classmethod
    def from_json(cls, data: str | Mapping[str, Any]) -> Transforms:
        """Read the JSON text of a bundle, or the mapping it holds; keys left out take the defaults.

        Raises:
            ModelError: bad_metadata, naming the key.
        """
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError) as error:
                raise _bad("are not JSON") from error
        if not isinstance(data, Mapping):
            raise _bad("are not a JSON object")
        default = cls()
        native = data.get("native")
        crop, crop_width = _sides(data.get("crop", default.crop))
        least = crop if crop_width is None else min(crop, crop_width)
        resize = _side("resize", data.get("resize", max(default.resize, least)))
        if resize < least:
            raise _bad(f"crop more (crop {least}) than they resize to (resize {resize})")
        return cls(
            native=None if native is None else _side("native", native),
            resize=resize,
            crop=crop,
            interpolation=_one_of(Interpolation, "interpolation", data.get("interpolation", default.interpolation)),
            mean=_triple("mean", data.get("mean", default.mean), positive=False),
            std=_triple("std", data.get("std", default.std), positive=True),
            fit=_one_of(OwnFit, "fit", data.get("fit", default.fit)),
            channels=_one_of(Channels, "order of channels", data.get("channels", default.channels)),
            range=None if data.get("range") is None else _one_of(Range, "range", data["range"]),
            crop_width=crop_width,
        )

    def to_json(self) -> dict[str, Any]:
        """The mapping that ``from_json`` reads, ready for json.dumps; keys that came later only where needed."""
        values = asdict(self) | {"mean": list(self.mean), "std": list(self.std)}
        width = values.pop("crop_width")
        if width is not None:
            values["crop"] = [self.crop, width]
        return {key: value for key, value in values.items() if key not in _LATER or value != getattr(Transforms(), key)}

    @property
    def format(self) -> int:
        """The version of the bundle format that can express them."""
        return 2 if self.crop_width is not None or self.to_json().keys() & set(_LATER) else 1

    @property
    def size(self) -> tuple[int, int]:
        """What the network sees, in pixels: (height, width)."""
        return self.crop, self.crop if self.crop_width is None else self.crop_width

    @property
    def decode_side(self) -> int:
        """What to ask of ``decode``: the size in pixels to which the shorter side will first be brought, or more."""
        side = max(self.size) if self.fit == "stretch" or self.crop_width is not None else self.resize
        if self.fit != "stretch":
            side = max(side, self.resize)
        return max(_LEAST_DECODE_SIDE, side if self.native is None else min(self.native, side))

    def apply(
        self,
        pixels: NDArray[np.uint8] | Image.Image,
        fit: Fit = "crop",
        out: NDArray[np.float32] | None = None,
        *,
        full_size: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """The input of the network for a picture.

        Args:
            pixels: uint8 (height, width, 3) RGB, or such an image from ``decode_image``.
            full_size: the (width, height) of the picture where ``pixels`` was decoded at reduced scale. Sizes are
                rounded to whole pixels on the way, so that without it the crop can lie a pixel beside its place.
            fit: ``crop`` does as the network was trained (cuts the centre out, or stretches); ``whole`` scales the
                whole picture into the square and pads with the mean colour (zeros after normalization).
            out: where to write, float32 ``(3, *size)``; a new array is made where it is None.

        Returns:
            ``out``: float32 ``(3, *size)``.
        """
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        place = self._placement(full_size or image.size, fit)
        seen = self._scaled(image, place)
        if out is None:
            out = np.empty((3, *self.size), np.float32)
        target = out
        if place.size != self.size[::-1]:
            out.fill(0.0)
            left, top = place.corner
            target = out[:, top : top + place.size[1], left : left + place.size[0]]
        for channel, plane in enumerate(target if self.channels == "rgb" else target[::-1]):
            scale = 1.0 / (255.0 * self.std[channel])
            np.multiply(seen[..., channel], np.float32(scale), out=plane, dtype=np.float32)
            plane -= np.float32(self.mean[channel] / self.std[channel])
        return out

    def view(
        self, pixels: NDArray[np.uint8] | Image.Image, fit: Fit = "crop", *, full_size: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        """What the network sees, before normalization: uint8 ``(*size, 3)``. Arguments as those of ``apply``."""
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        place = self._placement(full_size or image.size, fit)
        seen = self._scaled(image, place)
        if place.size == self.size[::-1]:
            return seen
        square = np.empty((*self.size, 3), np.uint8)
        square[:] = np.clip(np.rint(np.asarray(self.mean) * 255.0), 0, 255).astype(np.uint8)
        left, top = place.corner
        square[top : top + place.size[1], left : left + place.size[0]] = seen
        return square

    def picture(self, prepared: NDArray[np.float32]) -> NDArray[np.uint8]:
        """What the network is given, float32 (3, H, W) as from ``apply``, as a picture: uint8 (H, W, 3)."""
        planes = prepared if self.channels == "rgb" else prepared[::-1]
        values = planes.transpose(1, 2, 0) * np.asarray(self.std) + np.asarray(self.mean)
        return np.ascontiguousarray(np.clip(np.rint(values * 255.0), 0, 255).astype(np.uint8))

    def seen_box(self, width: int, height: int, fit: Fit = "crop") -> Box:
        """The part of a picture of ``width`` × ``height`` pixels that fills the square the network sees.

        For ``whole`` it reaches beyond the picture where the square is padded.
        """
        place = self._placement((width, height), fit)
        to_full_x, to_full_y = width / place.first[0], height / place.first[1]
        step_x = (place.box[2] - place.box[0]) / place.size[0]
        step_y = (place.box[3] - place.box[1]) / place.size[1]
        left = place.box[0] - place.corner[0] * step_x
        top = place.box[1] - place.corner[1] * step_y
        height, width_seen = self.size
        right, bottom = left + width_seen * step_x, top + height * step_y
        return Box(left * to_full_x, top * to_full_y, right * to_full_x, bottom * to_full_y)

    def _placement(self, full_size: tuple[int, int], fit: Fit) -> _Placement:
        first = full_size
        if self.native is not None and min(first) > self.native:
            first = _shorter_side_to(self.native, *first)
        reduced = first != full_size
        height, width = self.size
        everything = (0.0, 0.0, float(first[0]), float(first[1]))
        if fit == "whole":
            step = max(first[0] / width, first[1] / height)
            size = (max(1, min(width, round(first[0] / step))), max(1, min(height, round(first[1] / step))))
            return _Placement(first, reduced, everything, size, ((width - size[0]) // 2, (height - size[1]) // 2))
        if self.fit == "stretch":
            return _Placement(first, reduced, everything, (width, height), (0, 0))
        full = self._full(first)
        left, top = round((full[0] - width) / 2.0), round((full[1] - height) / 2.0)
        step_x, step_y = first[0] / full[0], first[1] / full[1]
        box = (left * step_x, top * step_y, (left + width) * step_x, (top + height) * step_y)
        return _Placement(first, reduced, box, (width, height), (0, 0))

    def _full(self, first: tuple[int, int]) -> tuple[int, int]:
        """The (width, height) of a picture before the centre is cut out: larger than resized if that is larger."""
        full = _shorter_side_to(self.resize, *first)
        height, width = self.size
        if full[0] >= width and full[1] >= height:
            return full
        if width * first[1] >= height * first[0]:
            return width, max(height, width * first[1] // first[0])
        return max(width, height * first[0] // first[1]), height

    def _scaled(self, image: Image.Image, place: _Placement) -> NDArray[np.uint8]:
        """uint8 (height, width, 3) at ``place.size``. Pillow computes the rows and columns of the box only."""
        if place.reduced:
            image = image.resize(place.first, Image.Resampling.BILINEAR)
        scale_x, scale_y = image.width / place.first[0], image.height / place.first[1]
        left, top, right, bottom = place.box
        box = (
            left * scale_x,
            top * scale_y,
            min(right * scale_x, float(image.width)),
            min(bottom * scale_y, float(image.height)),
        )
        return to_array(image.resize(place.size, _FILTERS[self.interpolation], box))


def _shorter_side_to(side: int, width: int, height: int) -> tuple[int, int]:
    if width <= height:
        return side, max(side, side * height // width)
    return max(side, side * width // height), side


def _bad(what: str) -> ModelError:
    return ModelError("bad_metadata", f"The model's transforms {what}.")


def _one_of(kind: Any, key: str, value: object) -> Any:  # noqa: ANN401 - a Literal and one of its values
    if value not in get_args(kind):
        raise _bad(f"name an unknown {key}: {value!r}")
    return value


def _side(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_CROP:
        raise _bad(f"need a whole number from 1 to {MAX_CROP} as {key}, not {value!r}")
    return value


def _sides(value: object) -> tuple[int, int | None]:
    """Height and width of the crop; the width None for a square."""
    if not isinstance(value, list | tuple):
        return _side("crop", value), None
    if len(value) != 2:
        raise _bad(f"need a side, or height and width, as crop, not {value!r}")
    height, width = (_side("crop", side) for side in value)
    return height, None if width == height else width


def _triple(key: str, value: object, *, positive: bool) -> tuple[float, float, float]:
    what = "three positive numbers" if positive else "three numbers"
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise _bad(f"need {what} as {key}, not {value!r}")
    for number in value:
        usable = isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < LARGEST_NUMBER
        if not usable or (positive and number <= 0):
            raise _bad(f"need {what} as {key}, not {value!r}")
    return float(value[0]), float(value[1]), float(value[2])
