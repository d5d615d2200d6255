"""A part of a picture, drawn by a person or found by a detector: read as if it were a picture of its own."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Region:
    """A box in a picture file; as a path it is the file.

    Attributes:
        path: the file; empty where the picture is none.
        bbox: left, top, width and height, fractions of the upright picture's width and height.
        data: the bytes of a picture that is no file, such as a pasted one.
    """

    path: str
    bbox: tuple[float, float, float, float]
    data: bytes | None = field(default=None, kw_only=True, repr=False)

    def __fspath__(self) -> str:
        return self.path

    @property
    def whole(self) -> str | bytes:
        """The picture that it is a part of: its file, or its bytes."""
        return self.path if self.data is None else self.data

    @property
    def fragment(self) -> str:
        """The box as the end of an address, in percent of the picture: ``xywh=percent:25,10,50,30.5``.

        Source: W3C Media Fragments 1.0, 4.2.2.
        """
        return "xywh=percent:" + ",".join(f"{100 * value:.6g}" for value in self.bbox)

    def square(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels of the square around the box's centre, as large as its longer side.

        Networks see squares: so nothing of a long animal is cut off. At the picture's edge the square is moved inwards;
        only where the picture itself is too narrow is it cut.
        """
        x, y, wide, high = self.bbox
        side = max(1, round(max(wide * width, high * height)))
        left, right = _placed((x + wide / 2) * width, side, width)
        top, bottom = _placed((y + high / 2) * height, side, height)
        return left, top, right, bottom


def _placed(centre: float, side: int, length: int) -> tuple[int, int]:
    side = min(side, length)
    start = min(max(0, round(centre - side / 2)), length - side)
    return start, start + side
