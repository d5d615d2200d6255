"""How Sphinx builds the site: MyST pages, and API pages that are written anew from the packages at each build."""

from __future__ import annotations

import pkgutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

import resnet_desktop  # noqa: E402 - found by the line above

project = "ResNet Desktop"
author = "ResNet Desktop contributors"
version = release = resnet_desktop.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Annotations hold bare names, and some names occur in two rooms: a link to either is better than none.
suppress_warnings = ["ref.python"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "ResNet Desktop"
html_show_copyright = False
add_module_names = False
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "member-order": "bysource",
    "ignore-module-all": True,  # what a module passes on is described where it is written
}
autodoc_typehints = "signature"
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_attr_annotations = False  # the class's own annotations are shown as code, not as markup
napoleon_use_ivar = True  # attributes that are documented in the class's docstring appear once

API = DOCS / "api"
ROOMS = (
    *(
        "core",
        "imaging",
        "data",
        "jobs",
        "environment",
        "bundle",
        "inference",
        "explain",
        "session",
        "gui",
        "trainer",
        "cli",
    ),
    *sorted({module.name for module in pkgutil.iter_modules(resnet_desktop.__path__) if module.ispkg}),
)
"""From the lowest floor up; a room that is not named here yet comes last, rather than missing."""


def _page(package: str) -> str:
    """A page with every module of one package, in reStructuredText, which autodoc speaks."""
    folder = DOCS.parent.joinpath(*package.split("."))
    modules = [module.name for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg]
    text = f"{package}\n{'=' * len(package)}\n\n.. automodule:: {package}\n   :no-members:\n\n"
    for name in modules:
        if name != "__main__" or package.endswith("trainer"):
            text += f"{name}\n{'-' * len(name)}\n\n.. automodule:: {package}.{name}\n\n"
    below = [module.name for module in pkgutil.iter_modules([str(folder)]) if module.ispkg]
    if below:
        text += "Inside\n------\n\n.. toctree::\n   :maxdepth: 1\n\n"
        text += "".join(f"   {package}.{name}\n" for name in below)
    return text


def _packages(package: str) -> list[str]:
    folder = DOCS.parent.joinpath(*package.split("."))
    below = [f"{package}.{module.name}" for module in pkgutil.iter_modules([str(folder)]) if module.ispkg]
    return [package, *(name for child in below for name in _packages(child))]


def write_api_pages(_app: Sphinx) -> None:
    """Write ``api/*.rst``, one for each package; what no package stands behind any more goes."""
    pages = {
        f"{name}.rst": _page(name) for room in dict.fromkeys(ROOMS) for name in _packages(f"resnet_desktop.{room}")
    }
    rooms = "".join(f"   resnet_desktop.{room}\n" for room in dict.fromkeys(ROOMS))
    title = "The code, module by module"
    pages["index.rst"] = (
        f"{title}\n{'=' * len(title)}\n\nMade from the docstrings, from the lowest floor up.\n\n"
        f".. toctree::\n   :maxdepth: 2\n\n{rooms}"
    )
    for old in API.glob("*.rst"):
        if old.name not in pages:
            old.unlink()
    API.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = API / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", write_api_pages)
