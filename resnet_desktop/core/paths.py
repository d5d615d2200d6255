"""Where the app keeps its files.

``RESNET_DESKTOP_HOME`` moves everything that belongs to the user into one folder; else the platform's own folders are
used. ``assets/`` and ``models/`` lie beside the package in a checkout and inside it in an installed wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "resnet-desktop"
SHIPPED = "RESNET_DESKTOP_SHIPPED"
"""Environment variable: where assets and models lie, for a trainer that runs from another place than the app."""
PACKAGE = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """Installed models and what the app remembers of foreign ones."""
    return _home("data") or Path(platformdirs.user_data_dir(APP, appauthor=False))


def config_folder() -> Path:
    """The settings file."""
    return _home("config") or Path(platformdirs.user_config_dir(APP, appauthor=False))


def cache_folder() -> Path:
    """What can be made again."""
    return _home("cache") or Path(platformdirs.user_cache_dir(APP, appauthor=False))


def user_models_folder() -> Path:
    """Models that the user installed."""
    return data_folder() / "models"


def variants_folder() -> Path:
    """Faster forms of installed models, made on this machine."""
    return data_folder() / "variants"


def bundled_models_folder() -> Path:
    """Models that came with the app."""
    return _shipped("models")


def built_models_folder() -> Path:
    """Model files that the app has built from weights in packages that it was installed with."""
    return cache_folder() / "networks"


def came_with_app(model: Path) -> bool:
    """Whether a model file is one that came with the app, or that the app has built from what came with it."""
    return model.parent in (bundled_models_folder(), built_models_folder())


def assets_folder() -> Path:
    """Icons, the font, the sample photos."""
    return _shipped("assets")


def docs_folder() -> Path:
    """The pages of the guide and of the formats: ``docs`` inside an installed wheel, or of the checkout."""
    installed = PACKAGE / "docs"
    return installed if installed.is_dir() else PACKAGE.parent / "docs"


def _home(part: str) -> Path | None:
    home = os.environ.get("RESNET_DESKTOP_HOME")
    return Path(home).expanduser() / part if home else None


def _shipped(name: str) -> Path:
    told = os.environ.get(SHIPPED)
    if told:
        return Path(told) / name
    installed = PACKAGE / name
    return installed if installed.is_dir() else PACKAGE.parent / name
