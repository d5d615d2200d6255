"""Augmentation: what it keeps, and that evaluation takes the same road as the app."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import Recipe
from resnet_desktop.trainer.inputs.augment import Augmenter

CPU = torch.device("cpu")


def pictures(n: int, side: int) -> torch.Tensor:
    """Smooth uint8 pictures ``[n, 3, side, side]``."""
    rng = np.random.default_rng(3)
    coarse = torch.from_numpy(rng.uniform(0, 255, (n, 3, 6, 6)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)
    return smooth.round().to(torch.uint8)


@pytest.mark.parametrize(("resize", "crop"), [(64, 64), (128, 128), (73, 64), (32, 32)])
def test_evaluation_sees_what_the_app_sees(resize: int, crop: int) -> None:
    transforms = Transforms(native=64, resize=resize, crop=crop)
    x = pictures(4, 64)
    ours = Augmenter(Recipe(), transforms, CPU).evaluation(x, resize, crop)
    app = np.stack([transforms.apply(np.ascontiguousarray(p.permute(1, 2, 0).numpy())) for p in x])
    # Pillow rounds to whole grey levels on the way; one level is 1 / (255 * std).
    assert np.abs(ours.numpy() - app).max() <= 1.6 / (255 * min(transforms.std))


def test_training_is_a_function_of_its_generator() -> None:
    augmenter = Augmenter(Recipe(jitter=0.3), Transforms(), CPU)
    x = pictures(8, 40)
    first, again, other = (
        augmenter.training(x, 32, augmenter.draw(8, torch.Generator().manual_seed(seed))) for seed in (5, 5, 6)
    )
    assert first.shape == (8, 3, 32, 32)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_whole_crop_is_the_picture_or_its_mirror() -> None:
    recipe = Recipe(crop_scale=(1.0, 1.0))
    transforms = Transforms(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    x = pictures(16, 32)
    augmenter = Augmenter(recipe, transforms, CPU)
    y = augmenter.training(x, 32, augmenter.draw(16, torch.Generator().manual_seed(0))) * 255
    # The aspect ratio still varies: compare along the rows' middle, which every full crop shows.
    for before, after in zip(x.float(), y, strict=True):
        kept, mirrored = (before - after).abs().mean(), (before.flip(-1) - after).abs().mean()
        assert min(float(kept), float(mirrored)) < 30


def test_colours_stay_in_range() -> None:
    transforms = Transforms(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    augmenter = Augmenter(Recipe(jitter=0.9), transforms, CPU)
    y = augmenter.training(pictures(8, 32), 32, augmenter.draw(8, torch.Generator().manual_seed(1)))
    assert float(y.min()) >= 0.0
    assert float(y.max()) <= 1.0


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.4, 0.0), (0.0, 1.0), (0.2, 1.0)])
def test_mixed_batches_hold_the_shares_that_they_say(mixup: float, cutmix: float) -> None:
    augmenter = Augmenter(Recipe(mixup=mixup, cutmix=cutmix), Transforms(), CPU)
    labels = torch.arange(6)
    # Each picture is one number everywhere, so that the mean of a mixed one tells what it is made of.
    x = labels.float().view(6, 1, 1, 1).expand(6, 3, 20, 20).contiguous()
    for seed in range(20):
        mix = augmenter.draw_mix(6, 20, torch.Generator().manual_seed(seed))
        assert mix is not None
        assert 0 <= mix.share <= 1
        assert sorted(mix.order.tolist()) == labels.tolist()
        expected = mix.share * labels + (1 - mix.share) * labels[mix.order]
        assert torch.allclose(mix(x, x[mix.order]).mean((1, 2, 3)), expected, atol=1e-4)


def test_features_are_blended_and_never_pasted() -> None:
    augmenter = Augmenter(Recipe(mixup=0.4, cutmix=1.0), Transforms(), CPU)
    for seed in range(10):
        mix = augmenter.draw_mix(6, 20, torch.Generator().manual_seed(seed), pictures=False)
        assert mix is not None
        assert mix.box is None
    assert Augmenter(Recipe(cutmix=1.0), Transforms(), CPU).draw_mix(6, 20, torch.Generator(), pictures=False) is None


def test_nothing_is_mixed_unless_asked() -> None:
    assert Augmenter(Recipe(), Transforms(), CPU).draw_mix(4, 8, torch.Generator()) is None


def test_rows_of_a_batch_are_the_batch() -> None:
    augmenter = Augmenter(Recipe(jitter=0.3), Transforms(), CPU)
    x, draws = pictures(8, 40), augmenter.draw(8, torch.Generator().manual_seed(7))
    rows = torch.tensor([6, 1, 3])
    whole, some = augmenter.training(x, 32, draws), augmenter.training(x[rows], 32, draws.rows(rows))
    assert torch.allclose(whole[rows], some, atol=1e-6)


def test_inputs_become_pictures_again() -> None:
    augmenter = Augmenter(Recipe(), Transforms(resize=32, crop=32), CPU)
    x = pictures(3, 32)
    assert torch.equal(augmenter.pixels(augmenter.evaluation(x, 32, 32)), x)


def test_a_network_that_takes_blue_first_learns_so() -> None:
    x = pictures(4, 64)
    usual, other = (
        Augmenter(Recipe(jitter=0.2), Transforms(resize=64, crop=64, channels=order), CPU) for order in ("rgb", "bgr")
    )
    draws = usual.draw(4, torch.Generator().manual_seed(0))
    assert torch.equal(other.training(x, 32, draws), usual.training(x, 32, draws).flip(1))
    assert torch.equal(other.evaluation(x, 64, 64), usual.evaluation(x, 64, 64).flip(1))
    assert torch.equal(other.pixels(other.evaluation(x, 64, 64)), usual.pixels(usual.evaluation(x, 64, 64)))
