"""In which colours a picture is stored, where no ICC profile says so: by code points (ITU-T H.273) in PNG, AVIF, HEIC.

What is not sRGB, or so near that it makes no difference, is not converted; a note says so.
"""

from __future__ import annotations

from typing import BinaryIO

from resnet_desktop.imaging.notes import Note

_MOST_HEADER = 1 << 20
_CHUNKS_BEFORE_PIXELS = 200
_PRIMARIES = {9: "BT.2020", 10: "XYZ", 11: "DCI-P3", 12: "Display P3", 22: "EBU 3213"}
_TRANSFERS = {4: "gamma 2.2", 5: "gamma 2.8", 8: "linear", 16: "PQ (HDR)", 17: "SMPTE 428", 18: "HLG (HDR)"}
_USUAL = (4,)  # as good as sRGB's


def note_on(primaries: int, transfer: int) -> tuple[Note, ...]:
    """What is to be said of colours with these code points; nothing where they are sRGB's, nearly, or unknown."""
    gamut, curve = _PRIMARIES.get(primaries, ""), _TRANSFERS.get(transfer, "") if transfer not in _USUAL else ""
    return note_in_words(" ".join(filter(None, (gamut, curve)))) if gamut or curve else ()


def note_in_words(space: str) -> tuple[Note, ...]:
    """The note that the colours of ``space`` were not converted."""
    told = f"Its colours are of another kind ({space}) and are not converted to sRGB; it may look too dark or too pale."
    return (Note("colour_space", told),)


def of_png(file: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer by the chunk cICP of a PNG (3rd edition, 11.3.2.6); None without one."""
    at = 8
    for _ in range(_CHUNKS_BEFORE_PIXELS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 16 or head[4:8] in (b"IDAT", b"IEND"):
            return None
        if head[4:8] == b"cICP":
            return head[8], head[9]
        at += 12 + int.from_bytes(head[:4], "big")
    return None


def of_boxes(file: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer by the first box colr of an AVIF or HEIC (ISO/IEC 14496-12); None with a profile."""
    file.seek(0)
    head = file.read(_MOST_HEADER)
    if b"colrprof" in head or b"colrrICC" in head:
        return None
    at = head.find(b"colrnclx")
    if at < 0 or len(head) < at + 12:
        return None
    return int.from_bytes(head[at + 8 : at + 10], "big"), int.from_bytes(head[at + 10 : at + 12], "big")
