"""Whether the coded data of a JPEG lasts just as long as there is a picture to fill, seen while libjpeg decodes it.

libjpeg says nothing of damage through Pillow, but it shows how far it has come: Pillow's decoder takes the bytes in
pieces and returns how many of them are used up. Within a scan the last few stay, as the code of the next block is not
whole; once the scan is full every byte up to the next marker is thrown away. So two bytes are handed over one by one,
shortly before the end of a scan (if they are thrown away, data is left over) and, after a few that add nothing to a
sound scan, just behind it (if one is kept, data is missing). Damage shifts the code; where it finds its way back there
are seldom as many blocks as before. The same is done at the markers from which a decoder can start anew.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from PIL import Image, ImageFile

from resnet_desktop.imaging.formats.jpeg.structure import Structure

_BEFORE = 10  # bytes before the end of a scan; some encoders fill up to a whole word
_FILLER = b"\xff\0" * 8  # as much as libjpeg reads ahead; no code is made of ones only
_PROBE = b"\x55\x55"
_MOST_CHECKS = 20_000
_PIECE = 1 << 20
_LEAST_INK = 8  # bytes of a row that cannot be the picture's by chance

Stop = tuple[int, bool]  # a place in the file, and whether it is the end of coded data


class WatchedError(OSError):
    """Pillow's decoder gave up, or wanted more than the file has."""


class Watch:
    """Decodes a JPEG and looks meanwhile whether its data and its picture end together.

    Args:
        image: opened, drafted, not loaded.
        data: the file.
        found: its structure.

    Attributes:
        damaged: whether they do not.
        ended: whether the last scan that is there has been filled.
    """

    def __init__(self, image: ImageFile.ImageFile, data: bytes, found: Structure) -> None:
        self.damaged = False
        self.ended = False
        self._image = image
        self._data = data
        self._found = found
        self._rest = b""
        self._done = False
        self._error = 0
        width, height = image.size
        image.load_prepare()
        self._ink = random.Random(1).randbytes(width * len(image.getbands()))
        line = Image.frombytes(image.mode, (width, 1), self._ink)
        for row in range(height * 7 // 8, height):
            image.im.paste(line.im, (0, row, width, row + 1))

    def load(self) -> None:
        """Decode it. Raises OSError as Pillow does: where the file ends too soon, or is no JPEG."""
        image, tile = self._image, self._image.tile[0]
        self._decoder = Image._getdecoder(image.mode, tile.codec_name, tile.args, image.decoderconfig)
        try:
            self._decoder.setimage(image.im, tile.extents)
            self._feed_all()
        finally:
            self._decoder.cleanup()
        if not self._done:
            raise WatchedError("image file is truncated")
        if self._error < 0:
            raise WatchedError("broken data")
        image.tile = []
        image.load()

    def share_done(self) -> float:
        """How much is there of a picture that is decoded row by row, 0 to 1; exact above 7/8."""
        image = self._image
        width, height = image.size
        if len(self._ink) < _LEAST_INK:
            return 1.0
        left = height
        while left:
            row = Image.Image()._new(image.im.crop((0, left - 1, width, left)))
            if row.tobytes() != self._ink:
                break
            left -= 1
        return left / height

    def _feed_all(self) -> None:
        at = 0
        for place, is_end in self._stops():
            self._feed(at, place)
            at = place
            if is_end:
                self._send(_FILLER)
                self.ended = self._is_full_after(_PROBE)
                self.damaged = self.damaged or (not self.ended and at < len(self._data))
            else:
                at += len(_PROBE)
                self.damaged = self._is_full_after(self._data[place:at]) or self.damaged
            if self._done:
                return
        self._feed(at, len(self._data))

    def _is_full_after(self, probe: bytes) -> bool:
        """Whether nothing of two bytes is kept: the scan, or the whole picture, is complete.

        One alone could be the last of those that the decoder wanted to go on; then it wants many again.
        """
        full = True
        for at in range(len(probe)):
            self._send(probe[at : at + 1])
            full = full and (self._error >= 0 if self._done else not self._rest)
        return full

    def _feed(self, start: int, end: int) -> None:
        for at in range(start, end, _PIECE):
            self._send(self._data[at : min(end, at + _PIECE)])

    def _send(self, piece: bytes) -> None:
        if self._done:
            return
        self._rest += piece
        used, self._error = self._decoder.decode(self._rest)
        self._done = used < 0
        self._rest = self._rest[max(0, used) :]

    def _stops(self) -> Iterator[Stop]:
        """Where to look: shortly before the end of every piece of coded data, and there."""
        for start, end in self._found.coded(_MOST_CHECKS):
            place = end - _BEFORE
            while place > start and 0xFF in self._data[place - 1 : place + len(_PROBE)]:
                place -= 1
            if place > start:
                yield place, False
            yield end, True
