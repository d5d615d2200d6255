"""The names that models had before they were renamed: jobs, runs, settings and scripts that use them go on working.

They lie beside the models in one JSON object, from the former name (its case does not matter) to the present one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from resnet_desktop.core import atomic

FILE = "renamed.json"


def read(folder: Path) -> Mapping[str, str]:
    """From former name, case folded, to present name; empty where there is no such file, or none that can be read."""
    try:
        values = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {former.casefold(): name for former, name in values.items() if isinstance(name, str)}


def rename(folder: Path, former: str, name: str) -> None:
    """What was called ``former``, now or earlier, is called ``name``. Raises StorageError."""
    names = {key: name if present == former else present for key, present in read(folder).items()}
    names[former.casefold()] = name
    _write(folder, {key: present for key, present in names.items() if key != name.casefold()})


def forget(folder: Path, name: str) -> None:
    """A model was removed, or another one now has a name of earlier: nothing leads by it any more.

    Raises StorageError.
    """
    names = read(folder)
    kept = {key: present for key, present in names.items() if key != name.casefold() and present != name}
    if kept != names:
        _write(folder, kept)


def _write(folder: Path, names: Mapping[str, str]) -> None:
    atomic.write_text(folder / FILE, json.dumps(names, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
