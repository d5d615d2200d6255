"""What decoders in native code would write past Python."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnet_desktop.imaging.formats.quiet import quiet_libtiff

DECODE = """
import sys
from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import decode
for name in sys.argv[1:]:
    try:
        decode(name)
    except ImageError as error:
        print(error.code)
"""


def test_a_damaged_tiff_is_said_by_its_error_alone(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "TIFF", compression="tiff_lzw")
    if not quiet_libtiff():
        pytest.skip("the libtiff of this Pillow has no door")
    data = bytearray(buffer.getvalue())
    for place in range(2000, 30_000, 40):
        data[place] ^= 0x5A
    (tmp_path / "bad.tif").write_bytes(data)
    done = subprocess.run([sys.executable, "-c", DECODE, tmp_path / "bad.tif"], capture_output=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (b"damaged_image", b"")
