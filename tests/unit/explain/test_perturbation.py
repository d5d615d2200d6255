"""Maps of many runs, over functions whose answers are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.core.progress import CancelledError
from resnet_desktop.explain.cam.perturbation import occlusion, paced, score_cam, smoothed
from resnet_desktop.imaging.heat.overlay import upsample

Array = NDArray[np.float32]
SIDE = 28


class Counting:
    """A score that remembers how many pictures came at once."""

    def __init__(self, score: Callable[[Array], NDArray[np.float64]]) -> None:
        self._score = score
        self.sizes: list[int] = []

    def __call__(self, pictures: Array) -> NDArray[np.float64]:
        """As the score."""
        self.sizes.append(len(pictures))
        return self._score(pictures)


def _picture(seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((3, SIDE, SIDE)).astype(np.float32)


def _bright_corner(pictures: Array) -> NDArray[np.float64]:
    """How bright the top left quarter is, not linear."""
    brightness = pictures[:, :, : SIDE // 2, : SIDE // 2].astype(np.float64).mean(axis=(1, 2, 3))
    return np.asarray(np.tanh(brightness) * 3)


def _cancelled_after(ticks: int) -> Callable[[], bool]:
    count = iter(range(ticks))
    return lambda: next(count, None) is None


@pytest.mark.parametrize("total", [1, 2, 7, 100])
def test_ranges_cover_everything_once_and_stay_bounded(total: int) -> None:
    told: list[tuple[int, int]] = []
    parts = list(paced(total, most=8, progress=lambda done, of: told.append((done, of))))
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(total))
    assert max(part.stop - part.start for part in parts) <= 8
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == [part.stop for part in parts]


def test_slow_work_is_given_little_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("resnet_desktop.explain.cam.perturbation.time.perf_counter", lambda: clock[0])
    sizes = []
    for part in paced(40, most=32):
        sizes.append(part.stop - part.start)
        clock[0] += 0.09 * sizes[-1]  # 0.09 seconds a picture
    assert sizes[:2] == [1, 2]
    assert set(sizes) <= {1, 2}
    assert sum(sizes) == 40


def test_ranges_grow_again_and_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("resnet_desktop.explain.cam.perturbation.time.perf_counter", lambda: clock[0])
    sizes = []
    for part in paced(60, most=16):
        sizes.append(part.stop - part.start)
        clock[0] += (0.001 if len(sizes) < 6 else 0.05) * sizes[-1]
    assert sizes[:5] == [1, 2, 4, 8, 16]
    assert sizes[-1] <= 4


def test_score_cam_is_its_formula_with_the_baseline_it_leaves_out() -> None:
    rng = np.random.default_rng(4)
    activations = np.maximum(rng.standard_normal((6, 4, 4)), 0).astype(np.float32)
    picture = _picture()
    scores = []
    for channel in activations:
        mask = upsample(channel, (SIDE, SIDE)).astype(np.float64)
        mask = (mask - mask.min()) / (mask.max() - mask.min())
        masked = (mask * picture).astype(np.float32)
        increase = _bright_corner(masked[None])[0] - _bright_corner(np.zeros_like(picture)[None])[0]
        scores.append(increase)
    exponentials = [np.exp(score) for score in scores]
    expected = np.zeros((4, 4))
    for exponential, channel in zip(exponentials, activations, strict=True):
        expected += exponential / sum(exponentials) * channel
    found = score_cam(_bright_corner, picture, activations)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert len({round(s, 6) for s in scores}) == 6  # the weights do differ


def test_score_cam_leaves_out_channels_without_a_place() -> None:
    activations = np.zeros((5, 3, 3), np.float32)
    activations[1, 0, 0] = 2.0
    activations[3] = 7.0
    score = Counting(_bright_corner)
    found = score_cam(score, _picture(), activations)
    assert sum(score.sizes) == 1
    np.testing.assert_allclose(found, activations[1])
    assert not score_cam(score, _picture(), np.ones((4, 3, 3), np.float32)).any()


def test_score_cam_of_huge_scores_stays_finite() -> None:
    activations = np.random.default_rng(0).random((4, 3, 3)).astype(np.float32)
    found = score_cam(lambda pictures: 1e4 * _bright_corner(pictures), _picture(), activations)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("most", [1, 4, 32])
def test_the_number_of_pictures_in_a_run_is_bounded_and_changes_nothing(most: int) -> None:
    activations = np.random.default_rng(1).random((37, 4, 4)).astype(np.float32)
    score, alone = Counting(_bright_corner), Counting(_bright_corner)
    found = score_cam(score, _picture(), activations, most=most)
    assert max(score.sizes) <= most
    assert sum(score.sizes) == 37
    np.testing.assert_allclose(found, score_cam(alone, _picture(), activations, most=1), rtol=1e-6)
    covering = Counting(_bright_corner)
    occlusion(covering, _picture(), most=most)
    assert max(covering.sizes) <= most


def test_occlusion_finds_a_planted_patch() -> None:
    picture = np.zeros((3, 56, 56), np.float32)
    picture[:, 32:44, 8:20] = 2.0

    def score(pictures: Array) -> NDArray[np.float64]:
        return np.asarray(pictures[:, :, 32:44, 8:20].astype(np.float64).mean(axis=(1, 2, 3)))

    found = occlusion(score, picture)
    assert found.shape == (14, 14)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 8 <= row <= 10  # cells of 4 pixels
    assert 2 <= column <= 4
    assert np.all(found[:5] == 0)
    assert np.all(found[:, 8:] == 0)
    assert found.min() == 0.0


def test_occlusion_is_the_mean_fall_over_the_patches_that_cover_a_cell() -> None:
    picture = _picture(2)
    cells, patch, side = 7, 3, 4
    expected, count = np.zeros((cells, cells)), np.zeros((cells, cells))
    for top in range(cells - patch + 1):
        for left in range(cells - patch + 1):
            covered = picture.copy()
            for channel in range(3):
                area = np.s_[channel, top * side : (top + patch) * side, left * side : (left + patch) * side]
                covered[area] = picture[channel].mean()
            fall = _bright_corner(picture[None])[0] - _bright_corner(covered[None])[0]
            for row in range(top, top + patch):
                for column in range(left, left + patch):
                    expected[row, column] += fall
                    count[row, column] += 1
    found = occlusion(_bright_corner, picture, cells=cells, patch=patch)
    np.testing.assert_allclose(found, expected / count, rtol=1e-5, atol=1e-7)


def test_occlusion_of_a_picture_with_fewer_pixels_than_cells() -> None:
    picture = np.random.default_rng(0).random((3, 5, 5)).astype(np.float32)
    assert occlusion(lambda pictures: pictures.sum(axis=(1, 2, 3)).astype(np.float64), picture).shape == (5, 5)


def test_smoothing_is_the_mean_over_noisy_copies() -> None:
    picture = _picture(5)

    def maps(pictures: Array) -> Array:
        return np.asarray((pictures**2).sum(axis=1)[:, ::7, ::7])

    noise = 0.1 * (picture.max() - picture.min()) * np.random.default_rng(3).standard_normal((9, *picture.shape), "f4")
    expected = np.zeros((4, 4))
    for one in noise:
        expected += ((picture + one).astype(np.float64) ** 2).sum(axis=0)[::7, ::7] / 9
    found = smoothed(maps, picture, samples=9, noise=0.1, seed=3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_noise_does_not_depend_on_the_number_of_copies_in_a_run() -> None:
    def maps(pictures: Array) -> Array:
        return np.asarray(pictures[:, 0])

    one = smoothed(maps, _picture(), seed=1, most=1)
    assert np.array_equal(one, smoothed(maps, _picture(), seed=1, most=1))
    np.testing.assert_allclose(one, smoothed(maps, _picture(), seed=1, most=5), rtol=1e-5, atol=1e-6)
    assert not np.allclose(one, smoothed(maps, _picture(), seed=2))


def test_all_of_them_can_be_cancelled() -> None:
    activations = np.random.default_rng(1).random((60, 4, 4)).astype(np.float32)
    score = Counting(_bright_corner)
    with pytest.raises(CancelledError):
        score_cam(score, _picture(), activations, cancelled=_cancelled_after(3), most=4)
    assert len(score.sizes) == 3
    with pytest.raises(CancelledError):
        occlusion(score, _picture(), cancelled=_cancelled_after(0))
    assert len(score.sizes) == 3
    with pytest.raises(CancelledError):
        smoothed(lambda pictures: np.asarray(pictures[:, 0]), _picture(), cancelled=_cancelled_after(1), most=1)
