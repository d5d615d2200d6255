"""``resnet-desktop doctor``: what works on this machine, each thing tried and not only looked up."""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from resnet_desktop import __version__
from resnet_desktop.cli.shared import (
    EXIT_NO_MODEL,
    FormatOption,
    ModelOption,
    cell,
    open_admitted,
    print_json,
    print_table,
    say,
)
from resnet_desktop.core import paths
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.core.processes import own_process

CHILD_SECONDS = 60
_logger = logging.getLogger(__name__)


def doctor(
    model: ModelOption = None,
    format: FormatOption = "table",  # noqa: A002 - the option's name
    report: Annotated[
        Path | None, typer.Option(metavar="ZIP", help="Write a problem report to this file, for sharing.")
    ] = None,
) -> None:
    """Try everything that the app needs here: Qt, each execution provider, the model, the trainer, the folders."""
    found: dict[str, Any] = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "qt": _child(own_process.WINDOW_CHECK),
        "providers": _providers(),
        "model": _model(model),
        "head": _head(),
        "trainer": _trainer(),
        "folders": [_folder(p) for p in (paths.data_folder(), paths.config_folder(), paths.cache_folder())],
    }
    if format == "json":
        print_json(found)
    else:
        _print(found)
    if report is not None:
        _report(report, found)
    classifies = found["model"]["ok"] and any(p["usable"] for p in found["providers"])
    raise typer.Exit(0 if classifies else EXIT_NO_MODEL)


def _report(path: Path, found: dict[str, Any]) -> None:
    """Write the report, and say what is in it. Raises StorageError."""
    from resnet_desktop.core import problem_report

    model = {key: value for key, value in found["model"].items() if key != "name"}  # the user's own may say much
    parts = problem_report.parts({"doctor.json": {**found, "model": model}})
    problem_report.write(path, parts)
    say(f"The report {path} contains the following, with your name, file names and file locations removed:")
    for name, text in parts.items():
        say(f"  {name}, {len(text.splitlines())} lines")


def _child(module: str) -> dict[str, Any]:
    """Try something in a process of its own, whose crash is an answer too. It prints one JSON object."""
    command, env = own_process.command(module), own_process.environment()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_SECONDS, env=env, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        _logger.error("%s did not answer", module)
        return {"ok": False, "message": f"No response: {error}."}
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError, RecursionError):
        _logger.error("%s ended with %d and without an answer", module, done.returncode)
        words = " ".join(done.stderr.split()[-40:]) or f"It exited with code {done.returncode}."
        return {"ok": False, "message": words}
    return answer if isinstance(answer, dict) else {"ok": False, "message": str(answer)}


def _trainer() -> dict[str, Any]:
    """What the interpreter says that a run would train on."""
    from resnet_desktop.core.settings import TRAINER_PYTHON, Settings
    from resnet_desktop.environment import training_python

    named = Settings().string(TRAINER_PYTHON)
    found = training_python.find(Path(named) if named else None)
    return {name: getattr(found, name) for name in ("ok", "message", "hint", "torch", "device")}


def _head() -> dict[str, Any]:
    """Whether the last layer of the usual base can be taught here, which takes no PyTorch."""
    from resnet_desktop.bundle.file import bundle as bundles
    from resnet_desktop.bundle.graph.head import find_head, logits_graph
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.jobs.job import DEFAULT_BASE

    try:
        base = bundles.read(Library().find(DEFAULT_BASE))
        width = find_head(logits_graph(base)).width
    except ResNetDesktopError as error:
        return {"ok": False, "message": str(error)}
    return {"ok": True, "message": f"trains the last layer without PyTorch, from {DEFAULT_BASE} ({width} features)"}


def _providers() -> list[dict[str, Any]]:
    from resnet_desktop.inference.providers import prove_all

    return [
        {"name": s.name, "short": s.short, "usable": s.usable, "reason": s.reason, "seconds": s.seconds}
        for s in prove_all()
    ]


def _model(name: str | None) -> dict[str, Any]:
    """Open the model, check its weights, and run it on a grey picture."""
    import numpy as np

    from resnet_desktop.bundle.file.bundle import verify
    from resnet_desktop.inference.classifier import Classifier
    from resnet_desktop.inference.providers import short_name

    try:
        bundle = open_admitted(name)
        whole = verify(bundle)
        classifier = Classifier(bundle)
        pixels = np.full((256, 256, 3), 128, np.uint8)
        classifier.classify_pixels(pixels)  # the first run on a GPU sets much up
        done = classifier.classify_pixels(pixels)
    except ResNetDesktopError as error:
        return {"ok": False, "message": str(error), "code": error.code}
    damaged = whole.expected is not None and not whole.ok
    message = f"classified a test picture on {short_name(done.provider)} in {done.seconds * 1e3:.0f} ms"
    if damaged:
        message = "its weights do not match its checksum"
    return {"ok": not damaged, "name": bundle.path.stem, "classes": bundle.classes, "message": message}


def _folder(folder: Path) -> dict[str, Any]:
    """Whether a file can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return {"path": str(folder), "ok": False, "message": f"is not writable: {error.strerror or error}"}
    return {"path": str(folder), "ok": True, "message": "is writable"}


def _print(found: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    rows = [("Python", True, f"{found['python']} on {found['platform']}, {found['cores']} cores")]
    rows.append(("Window", found["qt"]["ok"], found["qt"]["message"]))
    rows += [(p["short"], p["usable"], p["reason"]) for p in found["providers"]]
    model = found["model"]
    rows.append(("Model", model["ok"], f"{model.get('name', '')} {model['message']}".strip()))
    rows.append(("Last layer", found["head"]["ok"], found["head"]["message"]))
    rows.append(("Trainer", found["trainer"]["ok"], found["trainer"]["message"]))
    rows += [("Folder", f["ok"], f"{f['path']} {f['message']}") for f in found["folders"]]
    for name, good, message in rows:
        table.add_row(cell("ok" if good else "no", style="green" if good else "yellow"), cell(name), cell(message))
    print_table(table)
