"""Pictures that are all alike are no copies of each other; copies that are mirrored or turned are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from resnet_desktop.core.progress import CancelledError
from resnet_desktop.data.checks.finding import Finding
from resnet_desktop.data.checks.inspection import Inspection, inspect
from resnet_desktop.data.dataset import scan
from resnet_desktop.data.pictures.duplicates import contradicting, cut, near_duplicates
from resnet_desktop.data.pictures.image_stats import PictureFacts
from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from resnet_desktop.imaging.fingerprint import HASH_BYTES, NEAR_TURNED, fingerprint, turned
from resnet_desktop.jobs.job import Job, parse_job
from tests.conftest import make_photo
from tests.unit.data.edits import exclude

TURNS = list(Image.Transpose)


def job_on(folder: Path, **changes: Any) -> Job:
    return parse_job({"v": 1, "data": [{"folder": str(folder)}], "output": str(folder / "none"), **changes})


def put(path: Path, pixels: NDArray[np.uint8], quality: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels) if path.suffix == ".png" else encode_jpeg(pixels, quality))
    return path


def of_kind(seen: Inspection, kind: str) -> list[Finding]:
    return [finding for finding in seen.findings if finding.kind == kind]


def fixed_camera(folder: Path, count: int = 25) -> Path:
    """One scene, photographed again and again; some of the photos show a spot."""
    scene = make_photo(96, 80, 7).astype(int)
    rng = np.random.default_rng(0)
    for label in ("ok", "defect"):
        for i in range(count):
            shot = scene + rng.normal(0, 5, scene.shape)
            if label == "defect":
                x, y = rng.integers(10, 60, 2)
                shot[y : y + 6, x : x + 6] += 50
            put(folder / label / f"{i:02d}.jpg", np.clip(shot, 0, 255).astype(np.uint8))
    return folder


def test_photos_of_a_fixed_camera_can_be_checked_with(tmp_path: Path) -> None:
    folder = fixed_camera(tmp_path / "photos")
    seen = inspect(job_on(folder))
    assert Counter(s.label for s in seen.scan.validation) == {0: 5, 1: 5}
    assert scan(job_on(folder)) == seen.scan
    assert of_kind(seen, "conflicting_labels") == []
    assert of_kind(seen, "near_duplicate") == []
    (alike,) = of_kind(seen, "leak")
    assert alike.severity == "warning"
    assert "50 photos of “defect” and “ok” are so alike" in alike.message
    assert (len(alike.samples), alike.surplus) == (50, ())


def test_equal_files_among_them_stay_together_and_are_said(tmp_path: Path) -> None:
    folder = fixed_camera(tmp_path / "photos")
    for i in range(5):
        (folder / "ok" / f"again {i}.jpg").write_bytes((folder / "ok" / f"{i:02d}.jpg").read_bytes())
    (folder / "defect" / "wrong.jpg").write_bytes((folder / "ok" / "09.jpg").read_bytes())
    seen = inspect(job_on(folder, split={"validation": 0.4}))
    part_of = {s.name: n for n, part in enumerate((seen.scan.training, seen.scan.validation)) for s in part}
    assert all(part_of[f"{folder}/ok/again {i}.jpg"] == part_of[f"{folder}/ok/{i:02d}.jpg"] for i in range(5))
    (conflict,) = of_kind(seen, "conflicting_labels")
    assert {Path(s.name).name for s in conflict.samples} == {"wrong.jpg", "09.jpg"}


def test_small_digits_are_no_copies_of_each_other(tmp_path: Path) -> None:
    """8 × 8 pixels, as in the best known small data set: groups of near ones grow over all classes."""
    rng = np.random.default_rng(0)
    font = ImageFont.load_default(52)
    for digit in range(10):
        for i in range(30):
            image = Image.new("L", (64, 64))
            place = tuple((np.array([18, 2]) + rng.normal(0, 2, 2)).tolist())
            ImageDraw.Draw(image).text(place, str(digit), fill=255, font=font)
            small = np.asarray(image.rotate(rng.normal(0, 6)).resize((8, 8), Image.Resampling.BOX)).astype(int)
            pixels = np.clip(small + rng.normal(0, 8, small.shape), 0, 255).astype(np.uint8)
            put(tmp_path / str(digit) / f"{i}.png", np.repeat(pixels[..., None], 3, axis=2))
    seen = inspect(job_on(tmp_path))
    assert all(count >= 3 for count in Counter(s.label for s in seen.scan.validation).values())
    assert len({s.label for s in seen.scan.validation}) == 10
    assert len(seen.scan.validation) < 120


@pytest.mark.parametrize("sizes", [(2, 12), (3, 12), (4, 4)])
def test_a_class_of_near_copies_is_checked_all_the_same(tmp_path: Path, sizes: tuple[int, int]) -> None:
    for number, size in enumerate(sizes):
        for i in range(size):
            seed = 100 * number + (i if number else 0)
            put(tmp_path / f"c{number}" / f"{i}.jpg", make_photo(96, 80, seed), 60 + 3 * i)
    for seed in range(5):
        found = scan(job_on(tmp_path, seed=seed))
        assert {s.label for s in found.validation} == {s.label for s in found.training} == {0, 1}


def test_a_class_with_a_conflict_is_checked_all_the_same(tmp_path: Path) -> None:
    for i in range(4):
        put(tmp_path / "a" / f"{i}.jpg", make_photo(96, 80, 1), 60 + 5 * i)
    for i in range(12):
        put(tmp_path / "b" / f"{i}.jpg", make_photo(96, 80, 10 + i))
    put(tmp_path / "b" / "wrong.jpg", make_photo(96, 80, 1), 50)
    seen = inspect(job_on(tmp_path))
    assert {s.label for s in seen.scan.validation} == {0, 1}
    assert len(of_kind(seen, "conflicting_labels")[0].samples) == 5


def test_groups_across_classes_leave_none_unasked(tmp_path: Path) -> None:
    """All three of one class are near pictures of others, each of which is a class's only one."""
    for i in range(3):
        put(tmp_path / "a" / f"{i}.jpg", make_photo(96, 80, i), 90)
        put(tmp_path / f"b{i}" / "1.jpg", make_photo(96, 80, i), 60)
    for seed in range(5):
        found = scan(job_on(tmp_path, seed=seed))
        assert [found.labels[sample.label] for sample in found.validation] == ["a"]


def test_a_long_series_stays_together_but_no_chain_grows_for_ever() -> None:
    """Each hash is 20 bits from the one before; the ends of 30 of them have nothing in common."""
    rng = np.random.default_rng(1)
    chain = [rng.integers(0, 256, HASH_BYTES, dtype=np.uint8)]
    for step in range(29):
        bits = np.unpackbits(chain[-1])
        bits[(np.arange(20) + 20 * step) % 128] ^= 1
        chain.append(np.packbits(bits))
    facts = [PictureFacts(Sample(str(i), None, 0), 9, 9, h.tobytes(), bytes([i])) for i, h in enumerate(chain)]
    (group,) = near_duplicates(facts)
    parts = cut(facts, group)
    assert len(parts) > 1
    for part in parts:
        hashes = [int.from_bytes(chain[i].tobytes()) for i in part]
        assert max((a ^ b).bit_count() for a in hashes for b in hashes) <= 104
    short = near_duplicates(facts[:4])
    assert cut(facts, short[0]) == short


def test_a_chain_makes_no_conflict_between_its_ends(tmp_path: Path) -> None:
    bits = np.random.default_rng(2).integers(0, 2, 128, dtype=np.uint8)
    hashes = []
    for flipped in (0, 25, 50):
        changed = bits.copy()
        changed[:flipped] ^= 1
        hashes.append(np.packbits(changed).tobytes())
    facts = [PictureFacts(Sample(str(i), None, int(i == 2)), 9, 9, h, bytes([i])) for i, h in enumerate(hashes)]
    assert near_duplicates(facts) == ((0, 1, 2),)
    assert contradicting(facts, (0, 1, 2)) == (1, 2)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_copy_is_found_in_its_class_alone(tmp_path: Path, turn: Image.Transpose) -> None:
    for number, label in enumerate("ab"):
        for i in range(8):
            put(tmp_path / label / f"{i}.jpg", make_photo(96, 80, 100 * number + i))
    other = Image.fromarray(make_photo(96, 80, 3)).transpose(turn)
    put(tmp_path / "a" / "turned.jpg", np.array(other.resize((70, 70))), 60)
    put(tmp_path / "b" / "an arrow may be the other class.jpg", np.array(other), 60)
    seen = inspect(job_on(tmp_path))
    (near,) = of_kind(seen, "near_duplicate")
    assert {Path(s.name).name for s in near.samples} >= {"3.jpg", "turned.jpg"}


def test_stripes_that_lie_and_stand_are_no_conflict(tmp_path: Path) -> None:
    for i in range(10):
        pixels = make_photo(80, 80, i)
        put(tmp_path / "lying" / f"{i}.jpg", pixels)
        put(tmp_path / "standing" / f"{i}.jpg", np.rot90(pixels).copy())
    seen = inspect(job_on(tmp_path))
    assert of_kind(seen, "conflicting_labels") == []


def test_the_hash_of_a_turned_picture_follows_from_its_own() -> None:
    for seed in range(5):
        image = Image.fromarray(make_photo(128, 96, seed))
        own = np.frombuffer(fingerprint(encode_png(np.array(image))).hash or b"", np.uint8)
        ways = turned(own[None])[:, 0]
        assert (ways[0] == own).all()
        for turn in TURNS:
            there = fingerprint(encode_png(np.array(image.transpose(turn)))).hash or b""
            apart = np.bitwise_count(ways ^ np.frombuffer(there, np.uint8)).sum(axis=1)
            assert apart.min() <= NEAR_TURNED / 2


def test_leaving_out_copies_settles_no_conflict_and_empties_no_class(tmp_path: Path) -> None:
    for number, label in enumerate("ab"):
        for i in range(12):
            put(tmp_path / label / f"{i}.jpg", make_photo(96, 80, 100 * number + i))
    (tmp_path / "b" / "same.jpg").write_bytes((tmp_path / "a" / "0.jpg").read_bytes())
    put(tmp_path / "b" / "nearly.jpg", make_photo(96, 80, 1), 60)
    for thing in range(3):
        for i in range(2):
            put(tmp_path / "c" / f"{thing} {i}.jpg", make_photo(96, 80, 900 + thing), 60 + 20 * i)
    seen = inspect(job_on(tmp_path))
    surplus = {s for finding in seen.findings for s in finding.surplus}
    assert {seen.scan.labels[s.label] for s in surplus} == {"c"}
    assert len(surplus) == 1  # of six that show three things: five stay
    job = job_on(tmp_path)
    left = inspect(exclude(job, [s.name for s in surplus]))
    assert left.counts == {"a": 12, "b": 14, "c": 5}
    assert of_kind(left, "conflicting_labels")


def test_many_hashes_are_compared_with_all_others() -> None:
    """Against the definition, pair by pair, on hashes with planted neighbours in chains."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (700, HASH_BYTES), dtype=np.uint8)
    values[600:] = values[:100]
    for row in range(600, 700):
        for bit in rng.choice(8 * HASH_BYTES, row % 40, replace=False):
            values[row, bit // 8] ^= 1 << (bit % 8)
    facts = [
        PictureFacts(Sample(str(i), None, 0), 9, 9, v.tobytes(), bytes([i // 256, i % 256]))
        for i, v in enumerate(values)
    ]
    parent = list(range(700))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    numbers = [int.from_bytes(v.tobytes()) for v in values]
    for i in range(700):
        for j in range(i):
            if (numbers[i] ^ numbers[j]).bit_count() <= 26:
                parent[root(i)] = root(j)
    expected: dict[int, list[int]] = {}
    for place in range(700):
        expected.setdefault(root(place), []).append(place)
    assert sorted(near_duplicates(facts)) == sorted(tuple(g) for g in expected.values() if len(g) > 1)
    with pytest.raises(CancelledError):
        near_duplicates(facts, cancelled=lambda: True)
