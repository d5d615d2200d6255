"""The pages on formats name what the code has, and nothing that it has not."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re

import pytest

from resnet_desktop.bundle.adapt.assumptions import DOUBTS
from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.format import schema
from resnet_desktop.bundle.format.metadata import CHECKSUM_KEY, FORMAT, PREFIX, Metadata
from resnet_desktop.core import errors
from resnet_desktop.core.paths import bundled_models_folder
from resnet_desktop.data.checks import coverage_warnings
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs import events, job, results
from resnet_desktop.jobs.recipe import Phase, Recipe
from tests.unit.docs import settings_table
from tests.unit.docs.pages import calls, first_text, name_of, page, rows, section, terms

CODE = re.compile(r"``([a-z_]+)``")


def fields(kind: type) -> set[str]:
    """The names of a dataclass's fields."""
    assert dataclasses.is_dataclass(kind)
    return {field.name for field in dataclasses.fields(kind)}


def test_the_bundles_keys() -> None:
    everything = Metadata(
        arch="resnet18",
        categories=("a", "b"),
        transforms=Transforms(fit="stretch"),
        novelty={"method": "energy", "threshold": 0.0},
        provenance={"base": "x"},
        hierarchy={"classes": [None, None]},
        weights_sha256="0" * 64,
        thresholds=(0.5, 0.25),
        assumed=("values",),
    )
    text = page("bundle")
    table = rows(section(text, "Metadata"))
    keys = {key for key in table if key.startswith(PREFIX)}
    assert keys == set(everything.to_props())
    assert CHECKSUM_KEY in keys
    assert f"`{FORMAT}`" in table[f"{PREFIX}format"]
    assert set(rows(section(text, "transforms"))) == fields(Transforms)
    # The tables of what is let through are the schema itself.
    assert set(schema._PROVENANCE) <= terms(section(text, "provenance"))
    assert set(schema._NOVELTY) <= set(rows(section(text, "novelty")))


def test_the_bundled_models_say_nothing_that_the_page_lacks() -> None:
    files = sorted(bundled_models_folder().glob("*.onnx"))
    assert files
    for file in files:
        metadata = read(file).metadata
        assert metadata.novelty is not None
        assert set(metadata.novelty) <= set(rows(section(page("bundle"), "novelty")))


def test_the_jobs_keys() -> None:
    text = page("job")
    assert set(rows(text.split("\n## ")[0])) == fields(job.Job) | {"v"}
    assert set(rows(section(text, "A source of `data`"))) == fields(job.DataSource)
    assert set(rows(section(text, "`split`"))) == fields(job.Split)
    assert set(rows(section(text, "`recipe`"))) == fields(Recipe)
    assert fields(Phase) <= terms(section(text, "`recipe`"))
    assert fields(job.HeadShape) <= terms(rows(text)["head"])
    choices = (*job.TRAIN_CHOICES, *job.PRESETS, *job.CONTROLS, *job.RANGES, *job.ROLES)
    assert set(choices) <= terms(text)
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    assert job.parse_job(example).output == "runs/beetles"


def test_the_defaults_of_a_job() -> None:
    table, defaults = rows(page("job").split("\n## ")[0]), job.Job((), "")
    for name in ("base", "train", "preset", "device", "control", "seed"):
        assert table[name].split("|")[0].strip().strip("`") == str(getattr(defaults, name)), name


def test_events_commands_and_exit_codes() -> None:
    text = page("events")
    assert set(rows(text.split("\n## ")[0])) == set(events.EVENTS)
    assert set(rows(section(text, "Commands"))) == set(events.COMMANDS)
    assert events.COMMANDS_FILE in rows(section(text, "The run folder"))
    codes = {name: value for name, value in vars(events).items() if name.startswith("EXIT_")}
    shown = re.findall(r"^\| (\d+) \|", section(text, "Exit codes"), re.MULTILINE)
    assert sorted(map(int, shown)) == sorted(codes.values())


def test_every_value_that_is_named_where_an_event_is_sent() -> None:
    table = rows(page("events").split("\n## ")[0])
    for call in calls():
        event = first_text(call) if name_of(call) == "say" else "progress" if name_of(call) == "progress" else None
        if event not in events.EVENTS:
            continue
        for keyword in call.keywords:
            if keyword.arg is not None and (keyword.arg != "progress" or event == "warning"):
                assert keyword.arg in terms(table[event]), f"{event}: {keyword.arg}"


def test_codes_of_warnings() -> None:
    said = set()
    for call in calls():
        if name_of(call) == "say" and first_text(call) == "warning":
            said |= {k.value.value for k in call.keywords if k.arg == "code" and isinstance(k.value, ast.Constant)}
    for node in ast.walk(ast.parse(inspect.getsource(coverage_warnings))):
        if isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
            said.add(node.elts[0].value)
    assert len(said) > 5
    assert set(rows(section(page("events"), "Codes of `warning`"))) == said


def test_the_results_keys() -> None:
    text = page("results")
    table = rows(text.split("\n## ")[0])
    assert set(table) == (fields(results.Results) - {"before", "after"}) | {"reliability"}
    for kind, key in (
        (results.ClassResult, "per_class"),
        (results.PictureResult, "pictures"),
        (results.ReliabilityBin, "reliability"),
    ):
        assert fields(kind) <= terms(table[key]), key


def codes_of(kind: type) -> set[str]:
    """The codes that the class's docstring lists."""
    words = inspect.getdoc(kind) or ""
    listed = words.split("Code", 1)[1] if "Code" in words else ""
    return set(CODE.findall(listed))


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ResNetDesktopError) and kind is not errors.ResNetDesktopError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_codes_of_errors(kind: type) -> None:
    listed = codes_of(kind)
    assert listed
    assert terms(rows(page("errors"))[kind.__name__]) == listed


def test_no_error_is_raised_with_a_code_that_is_not_listed() -> None:
    by_name = {kind.__name__: kind for kind in KINDS}
    raised = [(name_of(call), first_text(call)) for call in calls() if name_of(call) in by_name]
    codes = [(name, code) for name, code in raised if code is not None]
    assert len(codes) > 100
    for name, code in codes:
        listed = set[str]().union(*(codes_of(base) for base in by_name[name].__mro__[:2]))
        assert code in listed, f"{name}: {code}"


def test_codes_of_notes() -> None:
    listed, models = codes_of(Note), set(rows(section(page("errors"), "Notes on models")))
    assert set(rows(section(page("errors"), "Notes on photos"))) == listed
    assert set(DOUBTS) < models
    written = {first_text(call) for call in calls() if name_of(call) == "Note"} - {None}
    assert models < written
    assert written <= listed | models


def test_the_settings() -> None:
    """The table is what the declarations say; ``python -m tests.unit.docs.settings_table`` writes it."""
    assert settings_table.table() in page("settings")
