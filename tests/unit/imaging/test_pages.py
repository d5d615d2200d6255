"""Files that hold several pictures: the one that is meant is read, and it is said that there are others."""

from __future__ import annotations

import importlib.util
import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageFile

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import DecodedImage, decode, encode_jpeg, probe_size
from resnet_desktop.imaging.formats import readers
from resnet_desktop.imaging.formats.request import Wanted
from tests.conftest import make_photo

RED, GREEN = (np.full((48, 64, 3), colour, np.uint8) for colour in ([255, 0, 0], [0, 255, 0]))


def codes(image: DecodedImage) -> list[str]:
    """Of its notes."""
    return [note.code for note in image.notes]


def pages(*arrays: NDArray[Any], **options: Any) -> bytes:
    """A TIFF file of several pages."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for array in arrays:
            writer.write(array, photometric="rgb", metadata=None, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_page_can_be_chosen(*, deep: bool, compression: str | None) -> None:
    arrays = [array.astype(np.uint16) * 257 if deep else array for array in (RED, GREEN)]
    data = pages(*arrays, compression=compression)
    assert codes(decode(data)) == ["more_pages"]
    assert np.array_equal(decode(data).pixels, RED)
    second = decode(data, page=2)
    assert codes(second) == []
    assert np.array_equal(second.pixels, GREEN)
    for number in (0, 3):
        with pytest.raises(ImageError, match="2 pages") as caught:
            decode(data, page=number)
        assert caught.value.code == "no_such_page"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_can_be_chosen(kind: str) -> None:
    buffer = io.BytesIO()
    options: dict[str, Any] = {} if kind in ("GIF", "PNG") else {"quality": 100}
    Image.fromarray(RED).save(buffer, kind, save_all=True, append_images=[Image.fromarray(GREEN)], **options)
    assert codes(decode(buffer.getvalue())) == ["more_pages"]
    second = decode(buffer.getvalue(), page=2)
    assert int(np.abs(second.pixels.astype(int) - GREEN).max()) < 8
    assert codes(second) == codes(decode(buffer.getvalue(), page=1)) == []
    with pytest.raises(ImageError, match="no page 3"):
        decode(buffer.getvalue(), page=3)
    alone = io.BytesIO()
    Image.fromarray(RED).save(alone, kind)
    assert codes(decode(alone.getvalue())) == []


def test_the_pictures_of_a_camera_with_two_lenses() -> None:
    buffer = io.BytesIO()
    Image.fromarray(RED).save(buffer, "MPO", save_all=True, append_images=[Image.fromarray(GREEN)])
    assert codes(decode(buffer.getvalue())) == []
    assert decode(buffer.getvalue(), page=2).pixels[0, 0, 1] > 250
    with pytest.raises(ImageError, match="2 pages"):
        decode(buffer.getvalue(), page=3)
    with pytest.raises(ImageError, match="1 page;"):
        decode(encode_jpeg(RED), page=2)


def test_the_first_picture_can_be_chosen_where_another_is_the_main_one() -> None:
    """As in a HEIC, whose main picture need not be its first; there is nothing here to write one with."""
    gif = io.BytesIO()
    Image.fromarray(RED).save(gif, "GIF", save_all=True, append_images=[Image.fromarray(GREEN)])
    image = Image.open(gif)
    assert isinstance(image, ImageFile.ImageFile)
    image.seek(1)
    assert "main one" in readers._on_others(image, Wanted(None, 1000))[0].message
    readers._seek(image, None, "a.heic")
    assert image.tell() == 1
    readers._seek(image, 1, "a.heic")
    assert image.tell() == 0


@pytest.mark.parametrize(
    "options", [{"ome": True, "metadata": {"axes": "CYX"}}, {"imagej": True}], ids=["OME", "ImageJ"]
)
def test_channels_as_pages(options: dict[str, Any]) -> None:
    channels = np.zeros((3, 48, 64), np.uint16)
    channels[1] = 65535
    buffer = io.BytesIO()
    if options.get("imagej"):
        tifffile.imwrite(buffer, channels, imagej=True, metadata={"axes": "CYX"})
    else:
        tifffile.imwrite(buffer, channels, photometric="minisblack", **options)
    assert codes(decode(buffer.getvalue())) == ["channels_as_pages"]
    assert decode(buffer.getvalue(), page=2).pixels.min() == 255


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("program", ["ImageJ", "tifffile"])
def test_a_stack_with_one_directory(program: str, *, deep: bool) -> None:
    """As ImageJ writes what is over 4 GB: only the description says that there are more."""
    dtype = np.uint16 if deep else np.uint8
    channels = np.stack([np.full((48, 64), share * np.iinfo(dtype).max // 2, dtype) for share in range(3)])
    buffer = io.BytesIO()
    if program == "ImageJ":
        tifffile.imwrite(buffer, channels, imagej=True, metadata={"axes": "CYX"}, truncate=True)
    else:
        tifffile.imwrite(buffer, channels, photometric="minisblack", metadata={"axes": "CYX"}, truncate=True)
    data = buffer.getvalue()
    assert codes(decode(data)) == ["channels_as_pages"]
    assert [int(decode(data, page=page).pixels.max()) for page in (1, 2, 3)] == [0, 127, 255]
    with pytest.raises(ImageError, match="3 pages"):
        decode(data, page=4)


@pytest.mark.parametrize("flagged", [False, True])
def test_a_thumbnail_in_front_is_passed_over(*, flagged: bool) -> None:
    photo = make_photo(640, 480)
    small = np.asarray(Image.fromarray(photo).resize((160, 120)))
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(small, photometric="rgb", subfiletype=int(flagged), metadata=None)
        writer.write(photo, photometric="rgb", metadata=None)
    decoded = decode(buffer.getvalue())
    assert np.array_equal(decoded.pixels, photo)
    assert codes(decoded) == ["preview"]
    assert probe_size(buffer.getvalue()) == (640, 480)


def test_a_pyramid_shows_its_first_and_largest() -> None:
    photo = make_photo(640, 480)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(photo, photometric="rgb", subifds=1, metadata=None)
        writer.write(photo[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
    decoded = decode(buffer.getvalue())
    assert np.array_equal(decoded.pixels, photo)
    assert codes(decoded) == []


def raw_photo(preview: bytes, raw: tuple[int, int], orientation: int = 1) -> bytes:
    """A file laid out as cameras do: a small picture, and below it a JPEG preview and what the sensor measured."""
    small = np.zeros((12, 16, 3), np.uint8)

    def directory(at: int, tags: dict[int, tuple[int, ...]]) -> bytes:
        entries, tail = b"", b""
        for tag, values in sorted(tags.items()):
            data = struct.pack(f"<{len(values)}I", *values)
            if len(data) > 4:
                tail_at = at + 2 + 12 * len(tags) + 4 + len(tail)
                tail += data
                data = struct.pack("<I", tail_at)
            entries += struct.pack("<HHI", tag, 4, len(values)) + data
        return struct.pack("<H", len(tags)) + entries + bytes(4) + tail

    pixels = 8
    first = pixels + small.nbytes
    rgb: dict[int, tuple[int, ...]] = {
        254: (1,),
        256: (16,),
        257: (12,),
        258: (8,),
        259: (1,),
        262: (2,),
        273: (pixels,),
        274: (orientation,),
    }
    rgb |= {277: (3,), 278: (12,), 279: (small.nbytes,), 330: (0, 0)}
    second = first + len(directory(first, rgb))
    third = second + len(directory(second, dict.fromkeys((254, 259, 513, 514), (0,))))
    sensor: dict[int, tuple[int, ...]] = {
        254: (0,),
        256: (raw[0],),
        257: (raw[1],),
        258: (16,),
        259: (1,),
        262: (32803,),
        273: (8,),
        277: (1,),
        279: (8,),
    }
    jpeg_at = third + len(directory(third, sensor))
    jpeg: dict[int, tuple[int, ...]] = {254: (1,), 259: (6,), 513: (jpeg_at,), 514: (len(preview),)}
    body = directory(first, rgb | {330: (second, third)}) + directory(second, jpeg) + directory(third, sensor)
    return b"II\x2a\0" + struct.pack("<I", first) + small.tobytes() + body + preview


def test_a_raw_photo_is_read_from_its_largest_preview() -> None:
    photo = make_photo(1200, 800)
    preview = encode_jpeg(photo)
    decoded = decode(raw_photo(preview, (6000, 4000)))
    assert codes(decoded) == ["preview"]
    assert np.array_equal(decoded.pixels, decode(preview).pixels)
    assert probe_size(raw_photo(preview, (6000, 4000))) == (1200, 800)
    assert decode(raw_photo(preview, (6000, 4000), orientation=6)).full_size == (800, 1200)


def test_a_raw_photo_with_nothing_but_a_thumbnail_is_refused() -> None:
    with pytest.raises(ImageError, match="thumbnail") as caught:
        decode(raw_photo(encode_jpeg(make_photo(160, 120)), (6000, 4000)))
    assert caught.value.code == "unsupported_image"


@pytest.mark.parametrize("head", [b"IIRO\x08\0\0\0", b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"])
def test_other_raw_photos_are_not_supported(head: bytes) -> None:
    with pytest.raises(ImageError, match="raw photo") as caught:
        decode(head + bytes(300))
    assert caught.value.code == "unsupported_image"


@pytest.mark.parametrize("head", [b"\xff\x0a\x00\x10", b"\0\0\0\x0cJXL \r\n\x87\n"])
def test_jpeg_xl_is_known_by_name(head: bytes) -> None:
    if importlib.util.find_spec("imagecodecs") is None:
        with pytest.raises(ImageError, match="JPEG XL") as caught:
            decode(head + bytes(300))
        assert caught.value.code == "decoder_missing"


def test_jpeg_xl_with_the_extra() -> None:
    codecs = pytest.importorskip("imagecodecs")
    photo = make_photo(64, 48)
    for given in (photo, photo.astype(np.uint16) * 257):
        decoded = decode(codecs.jpegxl_encode(given, lossless=True))
        assert np.array_equal(decoded.pixels, photo)


def test_jpeg_of_twelve_bits_with_the_extra() -> None:
    codecs = pytest.importorskip("imagecodecs")
    photo = make_photo(64, 48)
    data = codecs.jpeg8_encode(photo.astype(np.uint16) * 16, level=98, bitspersample=12)
    assert float(np.abs(decode(data).pixels.astype(int) - photo).mean()) < 6


@pytest.mark.parametrize("compression", ["lerc", "webp", "jpeg2000", "jpegxl", "zstd", "lzma", "lzw"])
def test_unusual_compression_in_tiff(compression: str) -> None:
    """Said to be missing, or read: never called damaged."""
    pytest.importorskip("imagecodecs")
    photo = make_photo(64, 48)
    options: dict[str, Any] = {"webp": {"compressionargs": {"lossless": True}}}.get(compression, {})
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, photo, photometric="rgb", compression=compression, **options)
    assert float(np.abs(decode(buffer.getvalue()).pixels.astype(int) - photo).mean()) < 2
