"""The recipes that are committed beside the models can be read, and say what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.jobs.job import read_job

MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize(("name", "classes"), [("everyday40", 40), ("tiny200", 200), ("tiny200-short", 200)])
def test_a_committed_recipe_names_each_class_once(name: str, classes: int) -> None:
    job = read_job(MODELS / f"{name}.job.json")
    assert job.classes is not None
    assert (len(job.classes), len(set(job.classes.values()))) == (classes, classes)


@pytest.mark.parametrize("name", ["everyday40", "tiny200", "tiny200-short"])
def test_a_committed_recipe_learns_from_no_photo_that_it_is_tested_on(name: str) -> None:
    job = read_job(MODELS / f"{name}.job.json")
    tested = {source.folder for source in job.data if source.role == "test"}
    assert tested
    assert not tested & {source.folder for source in job.data if source.role != "test"}
    assert job.split.test == 0.0


@pytest.mark.parametrize("name", ["everyday40", "tiny200", "tiny200-short"])
def test_a_committed_recipe_ends_at_the_size_that_the_app_will_use(name: str) -> None:
    recipe = read_job(MODELS / f"{name}.job.json").recipe
    assert recipe is not None
    assert recipe.transforms is not None
    assert recipe.arch in ARCHITECTURES
    assert recipe.schedule[-1].size == recipe.transforms.crop


@pytest.mark.parametrize("name", ["tiny200", "tiny200-short"])
def test_the_large_recipes_last_stage_has_five_cells_a_side(name: str) -> None:
    recipe = read_job(MODELS / f"{name}.job.json").recipe
    assert recipe is not None
    assert recipe.schedule[-1].size // 32 >= 5
