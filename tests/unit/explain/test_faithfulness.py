"""Deletion and insertion on measures whose answer is known, and on a real network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.checks.faithfulness import BASELINES, BATCH, measured, ranking, replaced_with

SIDE = 32
Pictures = NDArray[np.float32]


@pytest.fixture
def picture() -> Pictures:
    """Noise with a bright square, rows 8 to 16 and columns 16 to 24: float32 (3, 32, 32)."""
    values = np.random.default_rng(0).normal(0, 0.1, (3, SIDE, SIDE)).astype(np.float32)
    values[:, 8:16, 16:24] += 4.0
    return values


@pytest.fixture
def knowing() -> NDArray[np.float32]:
    """The map that shows the square, on a grid of 8 x 8."""
    cam = np.random.default_rng(1).uniform(-1, 0, (8, 8)).astype(np.float32)
    cam[2:4, 4:6] = 5.0
    return cam


def brightness_of_the_square(pictures: Pictures) -> NDArray[np.float64]:
    """A measure that hangs on the square alone, from 0 to 1."""
    return np.asarray(np.clip(pictures[:, :, 8:16, 16:24].mean(axis=(1, 2, 3)) / 4.0, 0, 1), np.float64)


def test_a_map_that_knows_beats_random_maps_and_its_opposite_loses(
    picture: Pictures, knowing: NDArray[np.float32]
) -> None:
    for name, good in measured(brightness_of_the_square, picture, knowing).items():
        bad = measured(brightness_of_the_square, picture, -knowing)[name]
        assert good.deletion_area < good.random_area - 0.1, name
        assert good.insertion_area > good.random_area + 0.1, name
        assert bad.deletion_area > bad.random_area + 0.1, name
        assert bad.insertion_area < bad.random_area - 0.1, name


def test_the_ends_are_the_picture_and_the_baseline(picture: Pictures, knowing: NDArray[np.float32]) -> None:
    full = brightness_of_the_square(picture[None])[0]
    for name, found in measured(brightness_of_the_square, picture, knowing, steps=5).items():
        empty = brightness_of_the_square(replaced_with(picture, name)[None])[0]
        for curve in (found.deletion, found.random):
            assert (curve[0], curve[-1]) == pytest.approx((full, empty))
        assert (found.insertion[0], found.insertion[-1]) == pytest.approx((empty, full))
        np.testing.assert_allclose(found.fractions, [0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_a_step_replaces_what_it_should(picture: Pictures) -> None:
    cam = np.arange(16, dtype=np.float32).reshape(4, 4)
    mean = replaced_with(picture, "mean")

    def replaced(pictures: Pictures) -> NDArray[np.float64]:
        return np.asarray(np.isclose(pictures, mean).all(axis=1).mean(axis=(1, 2)), np.float64)

    found = measured(replaced, picture, cam, steps=8)["mean"]
    np.testing.assert_allclose(found.deletion, found.fractions, atol=1e-3)
    np.testing.assert_allclose(found.insertion, 1 - found.fractions, atol=1e-3)
    np.testing.assert_allclose(found.random, found.fractions, atol=1e-3)


def test_the_areas_are_those_of_the_trapezoid_rule(picture: Pictures, knowing: NDArray[np.float32]) -> None:
    found = measured(brightness_of_the_square, picture, knowing, steps=4)["blur"]
    for curve, area in (
        (found.deletion, found.deletion_area),
        (found.insertion, found.insertion_area),
        (found.random, found.random_area),
    ):
        by_hand = sum((curve[i] + curve[i + 1]) / 2 * 0.25 for i in range(4))
        assert area == pytest.approx(by_hand)
        assert 0 <= area <= 1


def test_random_insertion_is_random_deletion_read_backward(picture: Pictures) -> None:
    """What saves half the runs: the reverse of a random map is as random, and deletes what the map inserts."""
    cam = np.random.default_rng(5).normal(size=(8, 8)).astype(np.float32)
    there = measured(brightness_of_the_square, picture, cam)["mean"]
    back = measured(brightness_of_the_square, picture, -cam)["mean"]
    np.testing.assert_allclose(back.deletion, there.insertion[::-1], atol=2e-2)


def test_memory_is_bounded_and_every_batch_can_stop_it(picture: Pictures, knowing: NDArray[np.float32]) -> None:
    sizes: list[int] = []
    told: list[tuple[int, int]] = []

    def score(pictures: Pictures) -> NDArray[np.float64]:
        sizes.append(len(pictures))
        return brightness_of_the_square(pictures)

    measured(score, picture, knowing, progress=lambda done, total: told.append((done, total)))
    assert max(sizes) <= BATCH
    assert told[-1][0] == told[-1][1] == sum(sizes) - 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    runs = len(sizes)
    sizes.clear()
    with pytest.raises(CancelledError):
        measured(score, picture, knowing, cancelled=lambda: len(sizes) >= 2)
    assert len(sizes) == 2 < runs


def test_the_same_seed_gives_the_same_numbers(picture: Pictures, knowing: NDArray[np.float32]) -> None:
    one, two = (measured(brightness_of_the_square, picture, knowing, seed=7)["blur"] for _ in range(2))
    other = measured(brightness_of_the_square, picture, knowing, seed=8)["blur"]
    assert one.as_dict() == two.as_dict()
    assert other.random_area != one.random_area
    assert other.deletion_area == one.deletion_area


def test_the_ranking_follows_the_map_and_favours_no_corner() -> None:
    cam = np.arange(12, dtype=np.float32).reshape(3, 4)
    place = ranking(cam, (40, 30))
    assert sorted(place.reshape(-1)) == list(range(1200))
    assert place[29, 39] < place[15, 20] < place[0, 0]
    flat = ranking(np.zeros((4, 4), np.float32), (32, 32))
    first = flat < 256
    assert not first[:8].all()
    assert (ranking(np.full((4, 4), np.nan, np.float32), (32, 32)) == flat).all()


def test_the_baselines_keep_the_mean_and_lose_the_detail(photo: Callable[..., NDArray[np.uint8]]) -> None:
    picture = np.ascontiguousarray(photo(64, 48, 2).transpose(2, 0, 1).astype(np.float32) / 255.0)
    for name in BASELINES:
        found = replaced_with(picture, name)
        assert found.shape == picture.shape
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.mean(axis=(1, 2)), picture.mean(axis=(1, 2)), atol=0.02)
        assert np.abs(np.diff(found, axis=2)).mean() < 0.5 * np.abs(np.diff(picture, axis=2)).mean()
    assert np.ptp(replaced_with(picture, "mean"), axis=(1, 2)).max() == 0.0
    flat = np.full((3, 40, 40), 0.7, np.float32)
    np.testing.assert_allclose(replaced_with(flat, "blur"), flat, rtol=1e-5)


def test_the_blur_is_a_gaussian() -> None:
    ndimage = pytest.importorskip("scipy.ndimage", reason="the comparison needs SciPy")
    picture = np.random.default_rng(0).random((3, 80, 80)).astype(np.float32)
    expected = ndimage.gaussian_filter(picture, (0, 4, 4), mode="constant", truncate=12)
    expected /= ndimage.gaussian_filter(np.ones_like(picture), (0, 4, 4), mode="constant", truncate=12)
    np.testing.assert_allclose(replaced_with(picture, "blur"), expected, atol=1e-5)
