"""The user's settings: each is declared once, with its type, default, bounds, title and help.

They live in one JSON file. A damaged file is set aside under another name and the defaults are used, so that a bad
settings file never keeps the app from starting; keys that this version does not know are kept for one that does.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic, paths
from resnet_desktop.core.errors import SettingsError
from resnet_desktop.core.text.error_text import error_text

Value = str | int | float | bool
FOLDER, MODEL_FILE, DEVICE = "folder", "model", "device"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: from this, the file is read and checked, and its row in the window and in the docs is made.

    Attributes:
        key: in the file.
        default: gives the type, too.
        title: what it is, for people.
        help: what else there is to know, in a sentence.
        choices: the values that are allowed; ``words`` say them for people. Of a number, ``words`` say its minimum.
        minimum: bounds of a number.
        maximum: the same.
        unit: what a number counts.
        kind: of a text that is not typed: FOLDER, MODEL_FILE or DEVICE.
        page: where it stands in the settings window; empty: its control is elsewhere, or nowhere.
        private: its value names places on the user's disk, and belongs in no report.
    """

    key: str
    default: Value
    title: str
    help: str = ""
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    kind: str = ""
    page: str = ""
    private: bool = False

    def check(self, value: object) -> Value:
        """Return ``value`` if this setting can have it. Raises SettingsError."""
        wanted = type(self.default)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, (str, int, float, bool)) or type(value) is not wanted:
            raise SettingsError("bad_setting", f"{self.title} must be of type {wanted.__name__}, not {value!r}.")
        if self.choices and value not in self.choices:
            raise SettingsError("bad_setting", f"{self.title} must be one of {', '.join(self.choices)}, not {value!r}.")
        number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
        if number is not None:
            too_low = self.minimum is not None and number < self.minimum
            too_high = self.maximum is not None and number > self.maximum
            if too_low or too_high:
                raise SettingsError("bad_setting", f"{self.title} must be between {self.minimum} and {self.maximum}.")
        return value


GENERAL, PHOTOS, ANSWERS, SPEED = "General", "Photos", "Answers", "Performance"
PAGES = (GENERAL, PHOTOS, ANSWERS, SPEED)
"""The pages of the settings window."""

THEME = Setting(
    "theme",
    "system",
    "Appearance",
    choices=("system", "light", "dark"),
    words=("As the system", "Light", "Dark"),
    page=GENERAL,
)
WHEEL = Setting(
    "wheel",
    "zoom",
    "Mouse wheel over a photo",
    "With Ctrl held it always zooms.",
    choices=("zoom", "scroll"),
    words=("Zooms", "Scrolls"),
    page=GENERAL,
)
RESTORE = Setting(
    "restore",
    "all",
    "What a start brings back",
    "Photos that have changed since, or another model, are classified again.",
    choices=("all", "window", "nothing"),
    words=("Window and photos", "The window alone", "Nothing"),
    page=GENERAL,
)
MAX_MEGAPIXELS = Setting(
    "max_megapixels",
    200,
    "Largest photo",
    "Larger ones are refused before they are decoded.",
    minimum=1,
    maximum=2000,
    unit="megapixels",
    page=PHOTOS,
)
RANGE = Setting(
    "range",
    "tags",
    "Black and white of photos with more than 8 bits",
    "A model that says how it was trained goes before this.",
    choices=("tags", "stored", "stretched"),
    words=("As the file says", "The whole range", "Darkest and brightest value"),
    page=PHOTOS,
)
OPEN_FOLDER = Setting(
    "open_folder", "", "Open photos from", "Empty: where you were last.", kind=FOLDER, page=PHOTOS, private=True
)
SAVE_FOLDER = Setting(
    "save_folder", "", "Save results to", "Empty: where you were last.", kind=FOLDER, page=PHOTOS, private=True
)
MODEL = Setting(
    "model",
    "",
    "Model",
    "Unless you choose: the network that the app starts with.",
    kind=MODEL_FILE,
    page=ANSWERS,
    private=True,
)
TOP_K = Setting("top_k", 5, "Classes shown for a photo", minimum=1, maximum=1000, page=ANSWERS)
GROUP_THRESHOLD = Setting(
    "group_threshold",
    0.6,
    "Probability from which an answer is sure",
    "Below it, the app says “perhaps”.",
    minimum=0.0,
    maximum=1.0,
    page=ANSWERS,
)
PROVIDER = Setting(
    "provider", "auto", "Run the model on", "What was tried on this computer is listed below.", kind=DEVICE, page=SPEED
)
THREADS = Setting(
    "threads",
    0,
    "Processor cores",
    "So many photos are classified at once.",
    words=("All",),
    minimum=0,
    maximum=256,
    page=SPEED,
)
MEMORY = Setting(
    "memory_mb",
    1024,
    "Memory for decoding",
    "Photos that are decoded at once share it; a larger one is decoded alone.",
    minimum=64,
    maximum=65536,
    unit="MB",
    page=SPEED,
)

# What follows has its control where it belongs in the window, or none: the app's own memory.
HEATMAP_SHOWN = Setting("heatmap_shown", True, "Show the heatmap")
HEATMAP_OPACITY = Setting("heatmap_opacity", 0.5, "Heatmap opacity", minimum=0.0, maximum=1.0)
COLORMAP = Setting("colormap", "viridis", "Heatmap colours", choices=("viridis", "inferno", "turbo", "grey"))
HEATMAP_SMOOTH = Setting("heatmap_smooth", True, "Smooth the heatmap between cells")
HEATMAP_CONTOUR = Setting(
    "heatmap_contour", 0.0, "Contour, as a fraction of the heatmap's peak", "0: none.", minimum=0.0, maximum=1.0
)
EXPORT_CAPTION = Setting("export_caption", True, "Caption below exported pictures")
FIT = Setting("fit", "crop", "Part of the photo that the network sees", choices=("crop", "whole"))
LIST_ORDER = Setting("list_order", "added", "Photo order", choices=("added", "name", "class", "unsure", "sure"))
LIST_VIEW = Setting("list_view", "list", "Layout of the photos", choices=("list", "grid"))
LIST_GROUPED = Setting("list_grouped", False, "Group the photos by class")
SUGGEST_LABELS = Setting("suggest_labels", True, "Suggest labels while photos are labelled")
THUMBNAIL_SIDE = Setting("thumbnail_side", 128, "Thumbnails in the grid, in pixels", minimum=64, maximum=256)
TRAINER_PYTHON = Setting("trainer_python", "", "Python with PyTorch", "Empty: found by the app.", private=True)
WINDOW = Setting("window", "", "Place and size of the window and of its parts, as Qt writes them")
HINT_SEEN = Setting("hint_seen", False, "First steps already shown")
TOLD_PROBLEM = Setting("told_problem", "", "Default-model notice already shown")
OFFERED_MODEL = Setting("offered_model", "", "Stronger network already offered")
TUNED = Setting("tuned", "", "How models run faster, as was chosen for each in the window of models")

SETTINGS: tuple[Setting, ...] = tuple(value for value in globals().values() if isinstance(value, Setting))
"""All of them, in the order in which they are declared."""


class Settings:
    """The values in force. Read once, written at each change."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path if path is not None else paths.config_folder() / "settings.json"
        self._values: dict[str, Any] = {}
        self.problem: str | None = None
        self._read()

    def string(self, setting: Setting) -> str:
        """The value of a text setting."""
        return str(self._get(setting))

    def integer(self, setting: Setting) -> int:
        """The value of a whole-number setting."""
        return int(self._get(setting))

    def number(self, setting: Setting) -> float:
        """The value of a number setting."""
        return float(self._get(setting))

    def flag(self, setting: Setting) -> bool:
        """The value of an on-off setting."""
        return bool(self._get(setting))

    def value(self, setting: Setting) -> Value:
        """The value of any setting."""
        return self._get(setting)

    def change(self, setting: Setting, value: str | float | bool) -> None:
        """Set and save. Raises SettingsError on a bad value, StorageError if the file cannot be written."""
        self._values[setting.key] = setting.check(value)
        atomic.write_text(self._path, json.dumps(self._values, indent=2, sort_keys=True) + "\n")

    def _get(self, setting: Setting) -> Value:
        try:
            return setting.check(self._values.get(setting.key, setting.default))
        except SettingsError:
            return setting.default

    def _read(self) -> None:
        try:
            values = json.loads(self._path.read_text("utf-8"))
            json.dumps(
                values
            )  # what is nested too deeply to be written again would keep all settings from being changed
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            self._set_aside(error)
            return
        if isinstance(values, dict):
            self._values = values
        else:
            self._set_aside(ValueError("not a JSON object"))

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_suffix(".damaged.json")
        with contextlib.suppress(OSError):
            self._path.replace(aside)
        self.problem = (
            f"The settings could not be read ({error_text(error)}). "
            f"The defaults are used; the old file was kept as {aside.name}."
        )
