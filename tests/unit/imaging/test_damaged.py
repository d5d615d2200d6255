"""Every damaged picture gives one result or one coded error: no crash, no hang, no warning, no other exception."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import pytest

from resnet_desktop.core.errors import ImageError
from resnet_desktop.imaging.decode import DecodedImage, Source, decode, probe_size
from tests.corpus import CASES, KINDS, Case, sound

CODES = {
    "missing_file",
    "no_permission",
    "is_a_folder",
    "not_a_regular_file",
    "empty_file",
    "not_an_image",
    "truncated_image",
    "damaged_image",
    "too_many_pixels",
    "decoder_missing",
    "read_failed",
    "unsupported_image",
}
TOO_LONG = 60.0  # seconds: far more than any case takes, so that only a hang is caught


def outcome(source: Source, shorter_side: int | None) -> str:
    """The code of the error, or ok after checks on the picture."""
    try:
        image = decode(source, shorter_side=shorter_side)
    except ImageError as error:
        return error.code if error.message.endswith(".") and error.message.isprintable() else repr(error)
    assert isinstance(image, DecodedImage)
    assert image.pixels.shape == (image.height, image.width, 3)
    assert image.pixels.dtype == "uint8"
    assert image.pixels.flags.c_contiguous
    return "ok"


def probed(source: Source) -> str:
    """The code of the error when only the header is read, or ok."""
    try:
        width, height = probe_size(source)
    except ImageError as error:
        return error.code
    return "ok" if width > 0 < height else f"{width} x {height}"


def within_time(source: Source) -> list[str | BaseException]:
    """What comes of decoding, of decoding at reduced scale, and of the header; in a thread that may be given up."""
    found: list[str | BaseException] = []

    def work() -> None:
        try:
            found.extend([outcome(source, None), outcome(source, 32), probed(source)])
        except BaseException as error:
            found.append(error)
            raise

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(TOO_LONG)
    assert not thread.is_alive(), "decoding hangs"
    return found


def test_the_corpus_is_large() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_result_or_one_error(case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = case.make(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = within_time(source)
    allowed = case.codes or CODES | {"ok"}
    assert len(found) == 3, found
    assert set(found[:2]) <= allowed
    assert found[2] in CODES | {"ok"}
    assert not caught, [str(warning.message) for warning in caught]
    printed = capfd.readouterr()
    assert printed.out == ""
    if "tiff" not in case.name:  # libtiff writes its complaints to standard error, which Pillow cannot turn off
        assert printed.err == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.75])
def test_a_picture_cut_in_the_middle_is_called_truncated(kind: str, part: float) -> None:
    data = sound(kind)
    with pytest.raises(ImageError, match="is incomplete") as caught:
        decode(data[: int(len(data) * part)])
    assert caught.value.code == "truncated_image"
    assert caught.value.hint
