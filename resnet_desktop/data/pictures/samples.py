"""A picture of a data set, reading its bytes, and the parts that a data set is split into."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.errors import GONE, DataError
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.imaging.files import printable
from resnet_desktop.imaging.source import display_name

LARGEST_PICTURE_FILE = 128 * 2**20
"""Bytes; a member of a zip file that claims to be larger is not unpacked, for it is held in memory."""

UNPACKING_ERRORS = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: a file, or a member of a zip file, and its class index."""

    source: str
    member: str | None
    label: int

    @property
    def name(self) -> str:
        """Where it is, for a person."""
        return self.source if self.member is None else f"{self.source}/{self.member}"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the sources hold: labels in class order, the samples for each role, and what was passed over.

    Attributes:
        labels: in class order.
        training: what is learnt from.
        validation: what choices during training are made on.
        test: what is asked about at the very end.
        problems: a sentence for each thing that kept pictures from being found, but not the rest from being used.
        made_for: stands for the data and choices of the job that this is the split for; empty where none is said.
    """

    labels: tuple[str, ...]
    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]
    problems: tuple[str, ...] = ()
    made_for: str = ""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All of them."""
        return (*self.training, *self.validation, *self.test)

    def counts(self) -> dict[str, int]:
        """Pictures to train and validate on, for each label."""
        found = Counter(s.label for s in (*self.training, *self.validation))
        return {label: found[i] for i, label in enumerate(self.labels)}


class SampleReader:
    """Reads the bytes of samples; keeps each zip file open between reads. For one thread; close it at the end."""

    def __init__(self) -> None:
        self._archives: dict[str, zipfile.ZipFile] = {}

    def read(self, sample: Sample) -> bytes | Path:
        """The file's path, or the member's bytes: either is a source for ``imaging.decode``.

        Raises:
            DataError: it cannot be unpacked; the message begins with the last part of its name, as an ImageError's.
        """
        if sample.member is None:
            return Path(sample.source)
        archive = self._archive(sample)
        try:
            if archive.getinfo(sample.member).file_size > LARGEST_PICTURE_FILE:
                raise DataError("bad_data", f"{display_name(sample.member)} is too large for a photo.")
            return archive.read(sample.member)
        except KeyError as error:
            raise DataError("bad_data", f"{display_name(sample.member)} is not in the zip file.") from error
        except UNPACKING_ERRORS as error:
            raise DataError("bad_data", f"{display_name(sample.member)} {why_not_unpacked(error)}.") from error

    def unpacked_size(self, sample: Sample) -> int:
        """Bytes of memory that ``read`` will take: none for what lies in a file of its own. Raises DataError."""
        if sample.member is None:
            return 0
        try:
            size = self._archive(sample).getinfo(sample.member).file_size
        except KeyError:  # reading it will say so
            return 0
        return size if size <= LARGEST_PICTURE_FILE else 0

    def _archive(self, sample: Sample) -> zipfile.ZipFile:
        archive = self._archives.get(sample.source)
        if archive is None:
            archive = self._archives[sample.source] = open_zip(Path(sample.source))
        return archive

    def close(self) -> None:
        """Close every archive."""
        for archive in self._archives.values():
            archive.close()
        self._archives.clear()


def why_not_unpacked(error: BaseException) -> str:
    """What keeps a member of a zip file from being read, in words that follow its name."""
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "cannot be extracted: it is encrypted"
    return f"cannot be extracted: {error_text(error)}"


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip file for reading. Raises DataError."""
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise DataError("missing_data", f"{printable(path)} does not exist.", GONE) from error
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        message = f"{printable(path)} is not a readable zip file: {error_text(error)}."
        raise DataError("bad_data", message, "It may be an incomplete copy.") from error
