"""JPEG files: decoded at reduced scale, completed where the last bytes are missing, and looked through for damage."""

from __future__ import annotations

import io

from PIL import Image, ImageFile

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging import assemble, container, demand
from resnet_desktop.imaging.formats import science
from resnet_desktop.imaging.formats.error_messages import UnsupportedError
from resnet_desktop.imaging.formats.from_samples import from_array
from resnet_desktop.imaging.formats.jpeg import structure as jpeg
from resnet_desktop.imaging.formats.jpeg.watch import Watch
from resnet_desktop.imaging.formats.request import Result, Turn, Wanted, least_side, turn_of, turned
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.source import OpenSource

_MAX_SCANNED = 8_000_000_000  # pixels times scans of a progressive JPEG; a usual one has about ten scans
_LEAST_WHOLE = 0.9  # of the rows of a JPEG that is cut short
_LEAST_SOUND = 0.5  # of a damaged one


def read(file: OpenSource, data: bytes, wanted: Wanted, turn: Turn = None, notes: tuple[Note, ...] = ()) -> Result:
    """A JPEG file, or the preview in another one (then ``turn`` may say more than its own EXIF data)."""
    found = jpeg.structure(data)
    if found.frame and not found.is_readable:
        wanted.check(found.size, file.name)
        if found.bits != 12:
            raise UnsupportedError(found.in_words)
        array = science.decode("jpeg", data)
        return from_array(file, array, wanted, bits=12)
    if found.is_plain and found.broken:
        if found.sound < _LEAST_SOUND and not found.restarts:
            raise ValueError("too much of it is damaged")
        data = jpeg.mended(data, found)
    image, scale, full_size = _drafted(file, data, found, wanted)
    taken = demand.of_image(container.JPEG, image.mode, image.size, len(data) + found.coefficient_bytes)
    factor, needed = wanted.fit(taken, image.size, file.name)
    own = turn_of(image)
    turn = turn if own is None else own
    with wanted.hold(needed):
        watch = Watch(image, data, found) if found.can_be_watched else None
        loaded: Image.Image = image
        try:
            image.load() if watch is None else watch.load()
        except OSError:
            if (share := _share_there(found, watch)) < _LEAST_WHOLE:
                raise
            loaded, more = _completed(file, data, found, share, wanted)
        else:
            more = _damage(found, damaged=watch is not None and watch.damaged) or _unended(found, data)
        pixels = assemble.assembled(loaded, factor, full_size, scale * factor, turn)
    return pixels, turned(full_size, turn), notes + more


def _drafted(
    file: OpenSource, data: bytes, found: jpeg.Structure, wanted: Wanted
) -> tuple[ImageFile.ImageFile, int, tuple[int, int]]:
    """Opened image, the divisor at which it will be decoded, and its full size."""
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    full_size = image.size
    wanted.check(full_size, file.name)
    if found.scans > 1 and full_size[0] * full_size[1] * found.scans > _MAX_SCANNED:
        raise ImageError("damaged_image", f"{file.name} is built to take extremely long to decode, so it was not read.")
    if wanted.shorter_side is not None:
        return image, _draft(image, wanted.shorter_side), full_size
    most = demand.most_bytes(wanted.max_pixels) - len(data) - found.coefficient_bytes
    whole = demand.of_image(container.JPEG, image.mode, full_size) + demand.of_result(full_size, 1)
    return image, 1 if whole <= most else _draft(image, min(full_size) // 6), full_size


def _draft(image: ImageFile.ImageFile, shorter_side: int) -> int:
    """Have a JPEG decoded at the smallest scale that keeps enough of it; the divisor is returned: 1, 2, 4 or 8."""
    width, side = image.width, least_side(shorter_side)
    drafted = image.draft(None, (side, side))
    return 1 if drafted is None else round(width / drafted[1][2])


def _share_there(found: jpeg.Structure, watch: Watch | None) -> float:
    """How much of a JPEG is there whose last bytes are missing, 0 to 1."""
    if found.complete or found.broken or watch is None:
        return 0.0
    if watch.ended and not watch.damaged and (found.is_plain or found.finest):
        return 1.0
    return watch.share_done() if found.is_plain else 0.99 * found.finest


def _completed(
    file: OpenSource, data: bytes, found: jpeg.Structure, share: float, wanted: Wanted
) -> tuple[Image.Image, tuple[Note, ...]]:
    """A JPEG that gets the end marker which it lacks."""
    image = _drafted(file, data + b"\xff\xd9", found, wanted)[0]
    image.load()
    if share == 1:
        return image, _unended(found, data)
    what = f"the last {max(0.01, 1 - share):.0%} of its rows are grey" if found.is_plain else "detail is missing"
    return image, (Note("incomplete", f"The end of the file is missing; {what}."),)


def _unended(found: jpeg.Structure, data: bytes) -> tuple[Note, ...]:
    if found.complete or b"\xff\xd9" in data[found.body[1] :]:
        return ()
    return (Note("incomplete", "The end marker of the file is missing; nothing of the picture is."),)


def _damage(found: jpeg.Structure, *, damaged: bool) -> tuple[Note, ...]:
    if found.is_plain and found.broken and not found.restarts:
        told = f"Part of the file is damaged; everything after the first {found.sound:.0%} of it is grey."
        return (Note("damaged_part", told),)
    if damaged and found.scans > 1:
        return (Note("damaged_part", "Part of the file is damaged; colours and details may be wrong."),)
    if found.broken or damaged:
        return (Note("damaged_part", "Part of the file is damaged; everything below the damage may be wrong."),)
    return ()
