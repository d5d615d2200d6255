"""The job file: defaults, a round trip, and every refusal names its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import JobError
from resnet_desktop.jobs.job import PRESETS, TRAIN_CHOICES, Recipe, parse_job, read_job
from resnet_desktop.jobs.presets import EPOCHS

MINIMAL: dict[str, Any] = {"v": 1, "data": [{"folder": "photos/beetles"}], "output": "runs/beetles"}


def test_left_out_keys_take_the_documented_defaults() -> None:
    job = parse_job(MINIMAL)
    assert (job.train, job.preset, job.seed, job.device, job.control) == ("head", "balanced", 0, "auto", "stdin")
    assert (job.split.validation, job.split.test, job.split.group_duplicates) == (0.2, 0.0, True)
    assert (job.head.hidden, job.head.dropout) == (None, 0.0)
    assert (job.epochs, job.batch_size, job.learning_rate, job.input_size, job.workers) == (None,) * 5


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    data = [{"folder": "~/photos"}, {"csv": "~/list.csv"}, {"folder": "photos/~new"}]
    job = parse_job({"data": data, "output": "~/runs/beetles", "base": "~/base.onnx"})
    assert [(source.folder, source.csv) for source in job.data] == [
        (str(tmp_path / "photos"), None),
        ("", str(tmp_path / "list.csv")),
        ("photos/~new", None),
    ]
    assert (job.output, job.base) == (str(tmp_path / "runs/beetles"), str(tmp_path / "base.onnx"))
    assert parse_job({**MINIMAL, "output": "~nobody-of-this-name/x"}).output == "~nobody-of-this-name/x"


def test_a_job_survives_the_way_through_json() -> None:
    schedule = [{"epochs": 2, "size": 64, "batch_size": 8}]
    transforms = {"native": 64, "resize": 128, "crop": 128, "interpolation": "bilinear"}
    transforms |= {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}
    job = parse_job(
        {
            **MINIMAL,
            "train": "scratch",
            "classes": {"n1": "ant", "n2": "bee"},
            "recipe": {"arch": "resnet18", "schedule": schedule, "transforms": transforms},
        }
    )
    assert parse_job(json.loads(json.dumps(job.as_dict()))) == job
    assert job.recipe is not None
    assert job.recipe.transforms is not None
    assert job.recipe.transforms.native == 64


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": 1}, "'colour'"),
        ({"epochs": -3}, "'epochs'"),
        ({"epochs": 2.5}, "'epochs'"),
        ({"epochs": True}, "'epochs'"),
        ({"learning_rate": float("nan")}, "'learning_rate'"),
        ({"learning_rate": 1e9}, "'learning_rate'"),
        ({"train": "everything"}, "'train'"),
        ({"data": []}, "'data'"),
        ({"data": "photos"}, "'data'"),
        ({"data": [{"folder": ""}]}, "'folder'"),
        ({"data": [{"folder": "a", "role": "exam"}]}, "'role'"),
        ({"data": [{"folder": "a", "size": 3}]}, "'size'"),
        ({"split": {"validation": 0.9, "test": 0.9}}, "'split'"),
        ({"head": {"hidden": 0}}, "'hidden'"),
        ({"head": 7}, "'head'"),
        ({"output": ""}, "'output'"),
        ({"output": "a\0b"}, "'output'"),
        ({"output": None}, "'output'"),
        ({"exclude": ["a.jpg", 7]}, "'exclude'"),
        ({"exclude": "a.jpg"}, "'exclude'"),
        ({"epochs": 10**400}, "'epochs'"),
        ({"learning_rate": float("inf")}, "'learning_rate'"),
        ({"learning_rate": 10**400}, "'learning_rate'"),
        ({"seed": -1}, "'seed'"),
        ({"head": {"dropout": float("nan")}}, "'dropout'"),
        ({"relabel": {"a": 1}}, "'relabel'"),
        ({"recipe": {"crop_scale": [0.9, 0.1]}}, "'crop_scale'"),
        ({"recipe": {"schedule": [{"size": 4}]}}, "'size'"),
        ({"recipe": {"transforms": {"crop": -5}}}, "'transforms'"),
        ({"recipe": {"views": 0}}, "'views'"),
        ({"recipe": {"patience": -1}}, "'patience'"),
        ({"recipe": {"balance": "perhaps"}}, "'balance'"),
        ({"recipe": {"stage_rate": 0}}, "'stage_rate'"),
        ({"recipe": {"curve": "steep"}}, "'curve'"),
        ({"recipe": {"compile": True}}, "'compile'"),
        ({"recipe": {"freeze_norms": 1}}, "'freeze_norms'"),
        ({"recipe": {"crop_scale": "all"}}, "'crop_scale'"),
        ({"recipe": []}, "'recipe'"),
        ({"v": 2}, "version 2"),
    ],
)
def test_nonsense_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(JobError) as caught:
        parse_job({**MINIMAL, **change})
    assert caught.value.code == "bad_job"
    assert named in caught.value.message


def test_everything_that_is_wrong_is_named() -> None:
    wrong = {
        "epochs": -3,
        "train": "everything",
        "colour": 1,
        "shape": 2,
        "data": [{"folder": "a", "role": "exam"}, {"csv": ""}, 7],
        "head": {"hidden": 0, "dropout": 5},
        "split": {"validation": 2, "tset": 0.1},
        "exclude": [7, "a.jpg"],
        "relabel": {"a": 1},
        "recipe": {"crop_scale": "all", "views": 0, "schedule": [{"size": 4}], "transforms": [], "odd": None},
        "output": 5,
    }
    with pytest.raises(JobError) as caught:
        parse_job(wrong)
    named = ("epochs", "train", "colour", "shape", "role", "csv", "hidden", "dropout", "validation", "tset", "exclude")
    for key in (*named, "relabel", "crop_scale", "views", "size", "transforms", "odd", "output"):
        assert f"'{key}'" in caught.value.message
    assert "data[2] of the job must be a JSON object" in caught.value.message
    assert caught.value.message.count("'output'") == 1
    assert caught.value.message.count("'folder'") == 0


def test_a_great_many_faults_are_counted() -> None:
    with pytest.raises(JobError, match=r"And 80 more\.$") as caught:
        parse_job({**MINIMAL, "exclude": [7] * 100})
    assert len(caught.value.message) < 3000


def test_what_a_recipe_leaves_open_comes_from_the_preset() -> None:
    recipes = {}
    for preset in PRESETS:
        recipe = parse_job({**MINIMAL, "train": "all", "preset": preset, "recipe": {"jitter": 0.3}}).recipe
        assert recipe is not None
        assert recipe.jitter == 0.3
        assert recipe.optimizer == "adamw"
        recipes[preset] = recipe
    assert recipes["best"].mixup > recipes["quick"].mixup == 0
    assert recipes["best"].patience > recipes["quick"].patience
    scratch = parse_job({**MINIMAL, "train": "scratch", "preset": "best", "recipe": {}}).recipe
    assert scratch == Recipe(), "scratch keeps the defaults that it always had"


def test_presets_cover_every_choice() -> None:
    for train in TRAIN_CHOICES:
        epochs = [EPOCHS[train][preset] for preset in PRESETS]
        assert epochs == sorted(epochs)
        for preset in PRESETS:
            job = parse_job({**MINIMAL, "train": train, "preset": preset, "recipe": {}})
            assert parse_job(json.loads(json.dumps(job.as_dict()))) == job


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[]", "The job must be a JSON object"),
        (b"null", "The job must be a JSON object"),
        (b"\xff\xfe", "is not valid UTF-8"),
        (b'{"output": "a\\ud800b"}', "is not valid UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"seed": ' + b"9" * 10_000 + b"}", "is not JSON"),
        (b'{"v": 1}', "'data'"),
    ],
)
def test_a_file_that_is_no_job_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "job.json"
    path.write_bytes(content)
    with pytest.raises(JobError) as caught:
        read_job(path)
    assert said in caught.value.message


@pytest.mark.parametrize("depth", range(850, 1050, 10))
def test_no_depth_of_nesting_is_a_crash(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**MINIMAL, "head": 0}).replace("0}", "[" * depth + "]" * depth + "}"))
    with pytest.raises(JobError):
        read_job(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(MINIMAL), "utf-8-sig")
    assert read_job(path) == parse_job(MINIMAL)


def test_names_that_are_not_utf8_come_through(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**MINIMAL, "exclude": ["caf\udce9.jpg"]}))
    assert read_job(path).exclude == ("caf\udce9.jpg",)


def test_a_value_that_goes_on_and_on_is_cut_short() -> None:
    with pytest.raises(JobError) as caught:
        parse_job({**MINIMAL, "train": "head " * 1000})
    assert len(caught.value.message) < 250


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be read"):
        read_job(tmp_path / "no.json")


@pytest.mark.parametrize(
    "text",
    [
        '{"v": 1, "data": [{"folder": "a"}], "output": "one", "output": "two"}',
        '{"v": 1, "data": [{"folder": "a", "folder": "b"}], "output": "one"}',
    ],
)
def test_a_key_that_comes_twice_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(JobError, match="duplicate keys"):
        read_job(tmp_path / "job.json")


@pytest.mark.parametrize("given", [None, "tags", "stored", "stretched"])
def test_the_range_of_deep_photos(given: str | None) -> None:
    job = parse_job({**MINIMAL, "range": given})
    assert job.range == given
    assert parse_job(json.loads(json.dumps(job.as_dict()))) == job
    assert ("range" in job.as_dict()) == (given is not None)  # an older trainer reads jobs that do not need it
    with pytest.raises(JobError, match="'range'"):
        parse_job({**MINIMAL, "range": "auto"})
