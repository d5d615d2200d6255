"""Wherever JSON is read that may have come from anywhere, nesting without end is bad JSON like any other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import resnet_desktop
from resnet_desktop.core.settings import MODEL, Settings

OWN = {
    "bundle/file/portable.py",
    "inference/admission.py",
    "batch_inference/worker.py",
    "trainer/distributed/heartbeat.py",
    "data/pictures/image_stats.py",
    "bundle/labels/label_nodes.py",
}
"""An example that is exported; what processes of ours tell each other; a table of our own; one text in quotes."""


def test_every_reader_of_json_knows_of_nesting() -> None:
    root = Path(resnet_desktop.__file__).parent
    unguarded = []
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        guarded = {
            id(call)
            for attempt in ast.walk(tree)
            if isinstance(attempt, ast.Try)
            and any("RecursionError" in ast.unparse(handler.type) for handler in attempt.handlers if handler.type)
            for statement in attempt.body
            for call in ast.walk(statement)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("json.loads", "json.load"):
                unguarded += [f"{name}:{call.lineno}"] if id(call) not in guarded and name not in OWN else []
    assert not unguarded


@pytest.mark.parametrize("depth", [900, 100_000])
def test_settings_that_are_nested_too_deeply_are_set_aside(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"later": ' + "[" * depth + "]" * depth + "}")
    settings = Settings(path)
    settings.change(MODEL, "mine")
    assert Settings(path).string(MODEL) == "mine"
