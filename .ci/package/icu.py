"""Qt's copy of ICU's data without what a window of ours never asks for; two thirds of 31 MB.

What stays: collation, normalization, case, properties of characters, calendars and time zones. Names of languages,
regions, currencies, units and zones are Qt's own tables' business; text is decoded by Python, and broken into lines by
Qt itself. The library is one constant, an archive in ICU's own form (a table of names and offsets, both relative), so
it is written anew with a shorter archive. Needs ``as`` and ``ld``, which lie beside PyInstaller's ``objdump``.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from pathlib import Path

LEFT_OUT = re.compile(r"/(brkitr|curr|lang|region|translit|unit|rbnf|zone)/|\.cnv$")
_ALIGNED = 16


def trim(library: Path) -> int:
    """Write a library of ICU's data anew; how many bytes were saved. Raises SystemExit where it is not as expected."""
    symbol = f"icudt{library.name.rpartition('.')[2]}_dat"
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "icu.dat"
        copy = ["objcopy", "--dump-section", f".rodata={data}", str(library), f"{name}/copy"]
        subprocess.run(copy, check=True)
        before = library.stat().st_size
        data.write_bytes(shortened(data.read_bytes()))
        source = Path(name) / "data.s"
        source.write_text(
            f'.section .rodata\n.balign 16\n.globl {symbol}\n.type {symbol}, @object\n{symbol}:\n.incbin "{data}"\n'
            f'.size {symbol}, .-{symbol}\n.section .note.GNU-stack,"",@progbits\n'
        )
        subprocess.run(["as", "-o", f"{name}/data.o", str(source)], check=True)
        subprocess.run(["ld", "-shared", "-soname", library.name, "-o", str(library), f"{name}/data.o"], check=True)
    return before - library.stat().st_size


def shortened(archive: bytes) -> bytes:
    """An archive of ICU's, form CmnD, without the entries that are LEFT_OUT."""
    (header,) = struct.unpack_from("<H", archive)
    if archive[12:16] != b"CmnD":
        raise SystemExit("This is no archive of ICU's data.")
    body = archive[header:]
    (count,) = struct.unpack_from("<I", body)
    table = [struct.unpack_from("<II", body, 4 + 8 * i) for i in range(count)]
    ends = [start for _, start in table[1:]] + [len(body)]
    entries = [
        (body[at : body.index(b"\0", at)], body[start:end]) for (at, start), end in zip(table, ends, strict=True)
    ]
    kept = [(name, data) for name, data in entries if not LEFT_OUT.search(name.decode())]
    names, places = b"", []
    start = 4 + 8 * len(kept)
    for name, _ in kept:
        places.append(start + len(names))
        names += name + b"\0"
    parts = bytearray(archive[:header] + struct.pack("<I", len(kept)))
    offset = _round_up(header + start + len(names)) - header
    for (_, data), at in zip(kept, places, strict=True):
        parts += struct.pack("<II", at, offset)
        offset = _round_up(header + offset + len(data)) - header
    parts += names
    for _, data in kept:
        parts += bytes(_round_up(len(parts)) - len(parts)) + data
    return bytes(parts)


def _round_up(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
