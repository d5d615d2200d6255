"""JPEG files that are not quite whole: read with a note where most is there, refused where it is not."""

from __future__ import annotations

import importlib.util
import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import decode
from tests.conftest import make_photo

Damage = Callable[[bytes, int, random.Random], bytes]


def jpeg(size: tuple[int, int] = (800, 600), **options: Any) -> bytes:
    """A noisy photo as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(make_photo(*size)).save(buffer, "JPEG", **({"quality": 88} | options))
    return buffer.getvalue()


def codes(data: bytes, side: int | None = None) -> list[str]:
    """Of the notes on a picture."""
    return [note.code for note in decode(data, shorter_side=side).notes]


@pytest.mark.parametrize("side", [None, 40])
@pytest.mark.parametrize("fill", ["random", "zeros", "ones"])
@pytest.mark.parametrize("length", [1024, 4096])
def test_garbage_in_the_middle_is_noted(fill: str, length: int, side: int | None) -> None:
    whole, chance = jpeg(), random.Random(f"{fill} {length}")
    garbage = {"random": chance.randbytes(length), "zeros": bytes(length), "ones": b"\xff" * length}[fill]
    for part in (0.55, 0.7, 0.9):
        at = int(len(whole) * part)
        assert codes(whole[:at] + garbage + whole[at + length :], side) == ["damaged_part"], part


def test_a_few_wrong_bytes_that_shift_the_rest_are_noted() -> None:
    """No marker betrays them, but the rows and the data no longer end together."""
    whole, found = jpeg(), 0
    for seed in range(20):
        at = random.Random(seed).randrange(len(whole) // 4, len(whole) // 2)
        damaged = whole[:at] + whole[at + 6000 :]
        try:
            found += codes(damaged) == ["damaged_part"]
        except ImageError:
            found += 1
    assert found == 20


def lost(data: bytes, at: int, _: random.Random) -> bytes:
    """A sector of a disk is missing."""
    return data[:at] + data[at + 512 :]


def exchanged(data: bytes, at: int, _: random.Random) -> bytes:
    """A block of the same file stands where another belongs."""
    return data[:at] + data[1000:5096] + data[at + 4096 :]


def scribbled(data: bytes, at: int, chance: random.Random) -> bytes:
    """Some bytes are other ones, without a marker among them."""
    return data[:at] + bytes(chance.randrange(255) for _ in range(200)) + data[at + 200 :]


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 4}, {"subsampling": 0}], ids=str
)
@pytest.mark.parametrize("damage", [lost, exchanged, scribbled])
def test_damage_without_a_marker_is_noted(damage: Damage, options: dict[str, Any]) -> None:
    """The code finds its way back after a few blocks, but seldom to as many as there were."""
    whole, chance, silent = jpeg(**options), random.Random(5), 0
    for _ in range(20):
        at = chance.randrange(len(whole) // 5, len(whole) * 4 // 5)
        try:
            silent += codes(damage(whole, at, chance), 200) == []
        except ImageError as error:
            assert error.code in {"damaged_image", "truncated_image"}  # noqa: PT017 - one of the two answers
    assert silent <= 7


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
def test_a_file_that_lacks_only_its_end_marker(options: dict[str, Any]) -> None:
    whole = jpeg(**options)
    decoded = decode(whole[:-2])
    assert np.array_equal(decoded.pixels, decode(whole).pixels)
    assert [note.message for note in decoded.notes] == [
        "The end marker of the file is missing; nothing of the picture is."
    ]


def test_damage_from_the_beginning_is_refused() -> None:
    whole = jpeg()
    with pytest.raises(ImageError, match="damaged"):
        decode(whole[:3000] + b"\xff" * 2000 + whole[5000:])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimize": True},
        {"progressive": True},
        {"restart_marker_rows": 1},
        {"restart_marker_blocks": 5},
        {"subsampling": 0},
        {"subsampling": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("colour", ["black", "white", "grey", None])
@pytest.mark.parametrize("size", [(900, 700), (3000, 30), (30, 3000), (17, 9)])
def test_sound_files_get_no_note(options: dict[str, Any], colour: str | None, size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, colour) if colour else Image.fromarray(make_photo(*size))
    for mode in ("RGB", "L", "CMYK"):
        buffer = io.BytesIO()
        image.convert(mode).save(buffer, "JPEG", **({} if mode == "CMYK" else options))
        assert codes(buffer.getvalue()) == codes(buffer.getvalue(), 50) == []


def test_real_photos_get_no_note(shared_photos: dict[str, bytes]) -> None:
    for name, data in shared_photos.items():
        assert codes(data, 100) == [], name


@pytest.mark.parametrize("side", [None, 60])
@pytest.mark.parametrize("missing", [2, 3, 20, 400])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_all_but_the_last_bytes(missing: int, side: int | None, mode: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(make_photo(800, 600)).convert(mode).save(buffer, "JPEG", quality=88)
    whole = buffer.getvalue()
    decoded = decode(whole[:-missing], shorter_side=side)
    assert [note.code for note in decoded.notes] == ["incomplete"]
    there = int(decoded.height * 0.9)
    assert np.array_equal(decoded.pixels[:there], decode(whole, shorter_side=side).pixels[:there])


def test_black_pictures_that_lack_their_end() -> None:
    """Rows that are black are not rows that are missing."""
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480)).save(buffer, "JPEG")
    assert codes(buffer.getvalue()[:-2]) == ["incomplete"]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.85])
def test_less_than_that_is_cut_short(part: float) -> None:
    whole = jpeg()
    with pytest.raises(ImageError, match="is incomplete"):
        decode(whole[: int(len(whole) * part)])


def test_a_jpeg_of_twelve_bits_is_not_damaged() -> None:
    whole = bytearray(jpeg((64, 48)))
    whole[whole.find(b"\xff\xc0") + 4] = 12
    if importlib.util.find_spec("imagecodecs") is None:
        with pytest.raises(ImageError, match="12 bits") as caught:
            decode(bytes(whole))
        assert caught.value.code == "decoder_missing"
        assert "science" in (caught.value.hint or "")


@pytest.mark.parametrize(("marker", "kind"), [(0xC3, "lossless"), (0xF7, "JPEG-LS")])
def test_other_kinds_of_jpeg_are_not_supported(marker: int, kind: str) -> None:
    whole = bytearray(jpeg((64, 48)))
    whole[whole.find(b"\xff\xc0") + 1] = marker
    with pytest.raises(ImageError, match=kind) as caught:
        decode(bytes(whole))
    assert caught.value.code == "unsupported_image"
