"""TIFF files: the picture in them that is meant, in strips where it is deep or large, else through Pillow."""

from __future__ import annotations

import io
import struct

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import COMPRESSION_INFO

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import assemble, container, demand
from resnet_desktop.imaging.deep.samples import to_image
from resnet_desktop.imaging.formats import tiff, tiff_strips
from resnet_desktop.imaging.formats.error_messages import UnsupportedError
from resnet_desktop.imaging.formats.from_samples import from_samples, samples_of_image
from resnet_desktop.imaging.formats.jpeg import reader as jpeg_reader
from resnet_desktop.imaging.formats.jpeg import structure as jpeg
from resnet_desktop.imaging.formats.request import TURNS, Result, Turn, Wanted, no_such_page, turned
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.source import OpenSource

_PILLOW_BITS = frozenset({1, 2, 4, 8, 16, 32})
_STREAMED = 500_000_000  # bytes that Pillow would take, from which on a TIFF is read in strips, if that can be


def read(file: OpenSource, wanted: Wanted) -> Result:
    """Decode the page that is meant. Raises what decoders raise, UnsupportedError, MissingDecoderError."""
    page, notes, turn = _page(file, wanted.page)
    wanted.check(page.size, file.name)
    is_preview = not page.area or page.number(tiff.COMPRESSION) == tiff.OLD_JPEG
    data = page.jpeg() if is_preview or any(note.code == "preview" for note in notes) else None
    if data is None and not page.area:
        raise ValueError("it has no size")
    if data is not None:
        return jpeg_reader.read(file, data, wanted, turn, notes)
    streams = tiff_strips.can_stream(page) and 4 * page.area + 2 * file.size > _STREAMED
    if tiff_strips.can_read(page) or streams:
        samples, more = tiff_strips.samples_of(page)
        return from_samples(file, samples, wanted, turn, notes + more)
    if 2 * file.size > demand.most_bytes(wanted.max_pixels):
        raise ImageError("read_failed", f"{file.name} is {file.size / 2**30:.1f} GB, which is too large to read.")
    image = _opened(file, page)
    taken = demand.of_image(container.TIFF, image.mode, image.size, 2 * file.size)
    factor, needed = wanted.fit(
        taken, image.size, file.name, deep=1 if image.mode.startswith("I") or image.mode == "F" else 0
    )
    with wanted.hold(needed):
        image.load()
        samples_of_it = samples_of_image(image)
        if samples_of_it is None:
            pixels = assemble.assembled(image, factor, page.size, factor, turn)
        else:
            eight, more = to_image(samples_of_it, factor, wanted.range)
            pixels, notes = assemble.assembled(eight, 1, page.size, factor, turn), notes + more
    return pixels, turned(page.size, turn), notes


def _opened(file: OpenSource, page: tiff.Page) -> Image.Image:
    """The header read by Pillow. Raises UnsupportedError where it is whole, but of a kind that Pillow does not know."""
    where = _first_of(file, page)
    try:
        bits = set(page.values(tiff.BITS) or (1,))
        if page.number(tiff.COMPRESSION, 1) not in COMPRESSION_INFO or not bits <= _PILLOW_BITS:
            raise UnsupportedError(tiff_strips.in_words(page))
        return Image.open(where, formats=("TIFF",))
    except (SyntaxError, UnidentifiedImageError) as error:
        if container.is_cut_short(container.TIFF, file.stream, file.size):
            raise
        raise UnsupportedError(tiff_strips.in_words(page)) from error


def size_of(file: OpenSource) -> tuple[int, int]:
    """Width and height after the orientation. Raises what decoders raise."""
    page, _, turn = _page(file, None)
    size = page.size if page.area else jpeg.structure(page.jpeg() or b"", header_only=True).size
    if not all(size):
        raise ValueError("it has no size")
    return turned(size, turn)


def _page(file: OpenSource, wanted: int | None) -> tuple[tiff.Page, tuple[Note, ...], Turn]:
    file.stream.seek(0)
    pages = tiff.read_pages(file.stream, file.stream.read(16))
    if not pages:
        raise ValueError("truncated before its first directory")
    try:
        page, notes = tiff.main_page(pages, wanted)
    except IndexError as error:
        raise no_such_page(file.name, wanted or 0, error.args[0]) from error
    except LookupError as error:
        raise UnsupportedError(f"a raw photo with {error.args[0]} inside") from error
    turn = TURNS.get(page.number(tiff.ORIENTATION, pages[0].number(tiff.ORIENTATION, 1)))
    return page, notes, turn


def _first_of(file: OpenSource, page: tiff.Page) -> io.BytesIO:
    """The file in memory, with ``page`` as its first picture, and not to be turned."""
    file.stream.seek(0)
    data = io.BytesIO(file.stream.read())
    is_big = 43 in data.getbuffer()[2:4]
    data.seek(8 if is_big else 4)
    data.write(struct.pack(page.order + ("Q" if is_big else "I"), page.at))
    if tiff.ORIENTATION in page.entries:
        data.seek(page.entries[tiff.ORIENTATION][2])
        data.write(struct.pack(page.order + "H", 1))
    data.seek(0)
    return data
