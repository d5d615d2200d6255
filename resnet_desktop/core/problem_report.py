"""What somebody can send who reports a problem: what runs where, the settings, and the log, without personal data."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import platform
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resnet_desktop import __version__
from resnet_desktop.core import atomic, log
from resnet_desktop.core.redact import redacted
from resnet_desktop.core.settings import SETTINGS, Settings

PACKAGES = (
    *("PySide6-Essentials", "onnxruntime", "onnxruntime-gpu", "onnx", "numpy", "pillow", "pi-heif", "protobuf"),
    *("typer", "rich", "torch"),
)


def parts(more: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The files of a report by name, each as text, to be shown before anything is saved.

    Args:
        more: further ones, of what JSON can hold; names of folders and files are taken out of them too.
    """
    found = {"about.txt": _about(), "settings.json": _settings()}
    for path in sorted(log.logs_folder().glob(f"{log.FILE_NAME}*")):
        try:
            found[f"logs/{path.name}"] = redacted(path.read_text("utf-8", "backslashreplace"), names=True)
        except OSError:  # it has gone, or may not be read
            continue
    return found | {name: json.dumps(_clean(value), indent=1) + "\n" for name, value in (more or {}).items()}


def _clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same, its texts without names."""
    if isinstance(value, str):
        return redacted(value, names=True)
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value


def write(path: Path, found: Mapping[str, str]) -> None:
    """Write the report as a zip file. Raises StorageError."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in found.items():
            archive.writestr(name, text.encode("utf-8", "backslashreplace"))
    atomic.write_bytes(path, buffer.getvalue())


def _about() -> str:
    lines = [
        f"ResNet Desktop {__version__}",
        f"Python {platform.python_version()} ({platform.python_implementation()})",
        redacted(platform.platform()),
        f"{platform.machine()}, {os.cpu_count()} cores",
    ]
    for name in PACKAGES:
        try:
            lines.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return "\n".join(lines) + "\n"


def _settings() -> str:
    settings = Settings()
    values: dict[str, object] = {}
    for setting in SETTINGS:
        value = settings.value(setting)
        values[setting.key] = "(set)" if setting.private and value else value
    return json.dumps(values, indent=1) + "\n"
