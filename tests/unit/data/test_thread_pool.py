"""Work on pictures is done in order, and those in flight take a bounded part of the memory."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.pictures import thread_pool
from resnet_desktop.data.pictures.samples import LARGEST_PICTURE_FILE, Sample, SampleReader
from resnet_desktop.data.pictures.thread_pool import on_pool


@pytest.fixture
def bomb(tmp_path: Path) -> list[Sample]:
    """Forty members of a megabyte each, of nothing but zeros."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):
            archive.writestr(f"{i}.jpg", bytes(2**20))
    return [Sample(str(tmp_path / "bomb.zip"), f"{i}.jpg", 0) for i in range(40)]


def test_members_in_flight_are_bounded(bomb: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pool, "IN_FLIGHT", 3 * 2**20)
    lock, unpacked, most = threading.Lock(), 0, 0
    real = SampleReader.read

    def read(self: SampleReader, sample: Sample) -> bytes | Path:
        nonlocal unpacked, most
        with lock:
            unpacked += 1
            most = max(most, unpacked)
        return real(self, sample)

    def work(sample: Sample, source: bytes | Path) -> int:
        nonlocal unpacked
        with lock:
            unpacked -= 1
        return len(source) if isinstance(source, bytes) else 0

    monkeypatch.setattr(SampleReader, "read", read)
    results = list(on_pool(bomb, work, 8))
    assert [sample for sample, _ in results] == bomb
    assert {size for _, size in results} == {2**20}
    assert 0 < most <= 3


def test_a_member_larger_than_all_that_may_be_held_goes_alone(
    bomb: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_pool, "IN_FLIGHT", 10)
    assert len(list(on_pool(bomb, lambda _, source: source, 4))) == 40


def test_errors_come_in_their_place_and_hold_nothing(bomb: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pool, "IN_FLIGHT", 2**20)
    missing = [Sample(bomb[0].source, f"none {i}.jpg", 0) for i in range(5)]
    mixed = [sample for pair in zip(bomb, missing, strict=False) for sample in pair]
    results = list(on_pool(mixed, lambda _, source: len(bytes(source)), 2))
    assert [isinstance(result, DataError) for _, result in results] == [False, True] * 5


def test_leaving_early_ends_the_threads(bomb: list[Sample]) -> None:
    results = on_pool(bomb, lambda _, source: source, 2)
    next(results)
    results.close()


def test_a_member_that_claims_to_be_huge_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.jpg", "w") as member:
        for _ in range(LARGEST_PICTURE_FILE // 2**20 + 1):
            member.write(bytes(2**20))
    ((_, error),) = on_pool([Sample(str(path), "1.jpg", 0)], lambda _, source: source, 1)
    assert isinstance(error, DataError)
    assert "too large" in error.message
