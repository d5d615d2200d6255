"""One reader for each family of formats: from an opened file to pixels, their full size, and notes on them.

All of them read the file through Python, never by its path and never mapped into memory: should another program cut it
off meanwhile, the whole process would die in a decoder.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io

import numpy as np
from PIL import Image, ImageFile

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import assemble, container, demand
from resnet_desktop.imaging.container import Kind
from resnet_desktop.imaging.deep.samples import Samples, to_image
from resnet_desktop.imaging.formats import colour_space, jpeg2000, jpegxl, png, pnm, science, tiff_reader
from resnet_desktop.imaging.formats.colour_space import note_in_words, note_on
from resnet_desktop.imaging.formats.error_messages import (
    DECODER_ERRORS,
    UnsupportedError,
    ignore_decoder_warnings,
    no_decoder,
)
from resnet_desktop.imaging.formats.from_samples import from_array, from_samples, samples_of_image
from resnet_desktop.imaging.formats.jpeg import reader as jpeg_reader
from resnet_desktop.imaging.formats.quiet import quiet_libtiff
from resnet_desktop.imaging.formats.request import (
    MAX_WHOLE_FILE,
    Result,
    Wanted,
    everything,
    no_such_page,
    turn_of,
    turned,
)
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.source import OpenSource

_MOST_CHANNELS = 4  # of a JPEG 2000 that Pillow reads


def read(file: OpenSource, kind: Kind, wanted: Wanted) -> Result:
    """Decode an opened picture: pixels as ``DecodedImage`` has them, full size, notes. Raises what decoders raise."""
    _prepare(file, kind)
    if kind is container.PNM and wanted.page not in (None, 1):
        raise no_such_page(file.name, wanted.page or 0, 1)
    if kind is container.JPEG:
        return jpeg_reader.read(file, _picture_of(file, everything(file), wanted.page), wanted)
    if kind is container.TIFF:
        return tiff_reader.read(file, wanted)
    if kind is container.JXL:
        return _jpegxl(file, wanted)
    samples = pnm.samples_of(file.stream) if kind is container.PNM else None
    if samples is not None:
        return from_samples(file, samples, wanted)
    return _pillow(file, kind, wanted)


def size_of(file: OpenSource, kind: Kind) -> tuple[int, int]:
    """Width and height of an opened picture after its orientation. Raises what decoders raise."""
    _prepare(file, kind)
    if kind is container.TIFF:
        return tiff_reader.size_of(file)
    if kind is container.JXL:
        return read(file, kind, Wanted(None, demand.DEFAULT_MAX_PIXELS))[1]
    samples = pnm.samples_of(file.stream) if kind is container.PNM else None
    if samples is not None:
        return samples.size
    image = _open(file, kind, None)
    return turned(image.size, turn_of(image, decoded=False))


def _prepare(file: OpenSource, kind: Kind) -> None:
    """Import what reads ``kind``. Raises ImageError, UnsupportedError."""
    ignore_decoder_warnings()
    if kind is container.RAW:
        raise UnsupportedError("a raw photo in which no preview was found")
    try:
        supported = _reader(kind)
    except ImportError as error:
        raise no_decoder(kind, file.name) from error
    if not supported:
        raise no_decoder(kind, file.name)
    if kind.whole and file.size > MAX_WHOLE_FILE:
        message = f"{file.name} is {file.size / 2**30:.1f} GB, which is too large to read for a {kind.title} file."
        raise ImageError("read_failed", message)


@functools.cache
def _reader(kind: Kind) -> bool:
    module = importlib.import_module(kind.plugin)
    if kind is container.HEIF:
        module.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    if kind is container.TIFF:
        importlib.import_module("PIL._imaging")  # with libtiff
        quiet_libtiff()
    return bool(getattr(module, "SUPPORTED", True))


def _open(file: OpenSource, kind: Kind, wanted: Wanted | None) -> ImageFile.ImageFile:
    """The header read, nothing decoded, the number of pixels checked."""
    file.stream.seek(0)
    if kind is container.WEBP:  # its plugin takes the memory when it opens a file
        size = container.webp_canvas(file.stream.read(container.HEAD_BYTES)) or (0, 0)
        if wanted is not None:
            wanted.check(size, file.name)
            wanted.fit(demand.of_image(kind, "RGBA", size, file.size), size, file.name)
    if kind is container.JP2 and (channels := jpeg2000.channels_of(file.stream.read(1 << 16))) > _MOST_CHANNELS:
        raise UnsupportedError(f"a JPEG 2000 picture of {channels} channels")
    file.stream.seek(0)
    image = Image.open(file.stream, formats=(kind.name,))
    if wanted is not None:
        wanted.check(image.size, file.name)
        _seek(image, wanted.page, file.name)
    return image


def _seek(image: ImageFile.ImageFile, page: int | None, name: str) -> None:
    if page is None or (page == 1 and image.tell() == 0):
        return
    try:
        image.seek(page - 1)
    except EOFError as error:
        raise no_such_page(name, page, int(getattr(image, "n_frames", 1))) from error


def _on_others(image: ImageFile.ImageFile, wanted: Wanted) -> tuple[Note, ...]:
    """What is to be said where an opened file holds more than the one that was not asked for by its number."""
    if wanted.page is not None:
        return ()
    with contextlib.suppress(*DECODER_ERRORS):
        if not getattr(image, "is_animated", False):
            return ()
        # a GIF would have to be read to its end
        many = "several" if image.format == "GIF" else f"{getattr(image, 'n_frames', 2)}"
        shown = "the first" if image.tell() == 0 else "the one that it names as the main one"
        told = f"It has {many} pages or frames; {shown} is shown. Use --page to choose another."
        return (Note("more_pages", told),)
    return ()


def _jpegxl(file: OpenSource, wanted: Wanted) -> Result:
    """A JPEG XL, which may be an animation."""
    data = everything(file)
    array, head = science.decode("jpegxl", data), jpegxl.header(data)
    notes = note_in_words(head.space) if head.space else ()
    moving = array.ndim > 3 or (array.ndim == 3 and array.shape[2] > _MOST_CHANNELS)
    count = len(array) if moving else 1
    if not 1 <= (wanted.page or 1) <= count:
        raise no_such_page(file.name, wanted.page or 0, count)
    if moving:
        array = array[(wanted.page or 1) - 1]
        if wanted.page is None:
            told = f"It has {count} pages or frames; the first is shown. Use --page to choose another."
            notes += (Note("more_pages", told),)
    deep = array.dtype == np.uint16 and 8 < head.bits <= 16
    pixels, size, more = from_array(file, array, wanted, bits=head.bits if deep else None)
    return pixels, size, notes + more


def _picture_of(file: OpenSource, data: bytes, page: int | None) -> bytes:
    """The JPEG that is picture number ``page`` of a file which may hold several (CIPA DC-007, MPO)."""
    if page in (None, 1):
        return data
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    _seek(image, page, file.name)
    return data[getattr(image, "offset", 0) :]


def _pillow(file: OpenSource, kind: Kind, wanted: Wanted) -> Result:
    """A picture that Pillow or one of its plugins reads."""
    image = _open(file, kind, wanted)
    full_size, scale, held, bits = image.size, 1, file.size if kind.whole else 0, 0
    size, others = full_size, _on_others(image, wanted)
    if kind is container.PNM and image.tile[0].codec_name != "raw":  # numbers as text, read by Pillow in Python
        held = 2 * file.size + 8 * size[0] * size[1]
    if kind is container.JP2:
        file.stream.seek(0)
        head = file.stream.read(1 << 16)
        bits = jpeg2000.bits_of(head)
        if wanted.range == "stored" or not jpeg2000.is_deep_colour(image, bits):
            scale = _reduce_jpeg2000(image, container.jpeg2000_levels(head), wanted)
            size = (-(-size[0] // scale), -(-size[1] // scale))
    deep = wanted.range != "stored" and (png.is_deep_colour(image) or jpeg2000.is_deep_colour(image, bits))
    taken = demand.of_image(kind, image.mode, size, held) * (2 if deep else 1)
    factor, needed = wanted.fit(taken, size, file.name, deep=3 if deep else _channels(image))
    with wanted.hold(needed):
        image.load()
        if scale == 1:  # a HEIC's size can turn out otherwise than its header says
            full_size = image.size
        turn = turn_of(image)
        others += _on_colours(file, kind, image)
        samples = _deep(file, kind, wanted, image, bits) if deep else samples_of_image(image)
        if samples is None:
            return assemble.assembled(image, factor, full_size, scale * factor, turn), turned(full_size, turn), others
        eight, notes = to_image(samples, factor, wanted.range)
        if kind is container.PNG:  # what has no value there is transparent
            notes = tuple(note for note in notes if note.code != "no_data")
            eight.info |= {key: image.info[key] for key in ("gamma", "srgb") if key in image.info}
        pixels = assemble.assembled(eight, 1, full_size, scale * factor, turn)
    return pixels, turned(full_size, turn), others + notes


def _on_colours(file: OpenSource, kind: Kind, image: Image.Image) -> tuple[Note, ...]:
    """What is to be said of the colours of a loaded picture, which are perhaps none that are seen."""
    notes: tuple[Note, ...] = ()
    if kind in (container.PNG, container.AVIF, container.HEIF):
        read = colour_space.of_png if kind is container.PNG else colour_space.of_boxes
        if points := read(file.stream):
            image.info.pop("gamma", None)  # which is there for readers that do not know the chunk
            notes = note_on(*points)
    if image.mode in ("RGBA", "LA", "PA") and image.getchannel("A").getextrema() == (0, 0):
        notes += (Note("transparent", "Every pixel of it is transparent, so it is shown white."),)
    return notes


def _deep(file: OpenSource, kind: Kind, wanted: Wanted, image: ImageFile.ImageFile, bits: int) -> Samples | None:
    """All bits of a loaded picture in colour of more than 8 bits, where those that Pillow keeps do not suffice."""
    if kind is container.JP2:
        return jpeg2000.deep_samples(image, bits, everything(file), wanted.range)
    if png.needs_low_bytes(image, wanted.range):
        return png.deep_samples(image, _open(file, kind, wanted))
    return None


def _channels(image: Image.Image) -> int:
    """Of samples that are kept beside an image of more than 8 bits; 0 of others."""
    return 1 if image.mode.startswith("I") or image.mode == "F" else 3 if png.is_deep_colour(image) else 0


def _reduce_jpeg2000(image: ImageFile.ImageFile, levels: int, wanted: Wanted) -> int:
    """Have a JPEG 2000 decoded at the smallest scale that keeps enough of it; the divisor is returned."""
    power = min(levels, wanted.factor(image.size).bit_length() - 1)
    if power > 0:
        image.reduce = power  # type: ignore[method-assign, assignment]
    return 1 << max(0, power)
