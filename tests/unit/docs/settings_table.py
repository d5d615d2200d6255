"""The table of settings in ``docs/formats/settings.md``, made from the declarations; as a program, written there."""

from __future__ import annotations

import json
import re

from resnet_desktop.core.settings import SETTINGS, Setting
from tests.unit.docs.pages import DOCS

HEAD = "| key | default | meaning |\n|---|---|---|\n"
PAGE = DOCS / "formats" / "settings.md"


def row(setting: Setting) -> str:
    """A setting in a line."""
    said = [setting.title + (f", in {setting.unit}" if setting.unit else "")]
    if setting.words and not setting.choices:
        said[0] += f" ({setting.minimum:g}: {setting.words[0].lower()})"
    if setting.choices:
        said[0] += ": " + ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.minimum is not None:
        said[0] += f", {setting.minimum:g} to {setting.maximum:g}"
    if setting.help:
        said.append(setting.help.rstrip("."))
    return f"| `{setting.key}` | `{json.dumps(setting.default)}` | {'. '.join(said)} |"


def table() -> str:
    """All of them, in the order in which they are declared."""
    return HEAD + "\n".join(map(row, SETTINGS)) + "\n"


if __name__ == "__main__":
    rest = re.sub(r"^\| key .*?\n(?=\n)", lambda _: table(), PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    PAGE.write_text(rest, "utf-8")
