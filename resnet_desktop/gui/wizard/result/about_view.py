"""What the new model was made of: data, recipe, proof, versions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.style import wording
from resnet_desktop.gui.style.trained_part import trained_part
from resnet_desktop.gui.widgets.fact_sheet import FactSheet

if TYPE_CHECKING:
    from pathlib import Path

    from resnet_desktop.jobs.results import Results

MOST_SKIPPED = 12
"""Pictures that could not be used are named up to so many; the report names more."""


class AboutView(FactSheet):
    """The file, the photos, the training."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("How the model was made"), parent)

    def show_results(self, results: Results, folder: Path) -> None:
        """Show what a run tells about itself."""
        about = results.about
        self.show_facts(
            (
                (self.tr("The file"), self._file(about, folder)),
                (self.tr("Photos"), self._photos(about)),
                (self.tr("Training"), self._training(about)),
            )
        )

    def _file(self, about: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
        lines = [(self.tr("Folder"), str(folder))]
        parity = about.get("parity")
        if parity:
            text = self.tr(
                "On {photos} photos the file matches the trained network: the same class for each, and no "
                "probability differs by as much as {bound}."
            )
            bound = wording.percent((math.floor(parity["bundle"] * 1e6) + 1) / 1e6, 4)
            lines.append((self.tr("Checked"), text.format(photos=wording.number(parity["photos"]), bound=bound)))
            text = self.tr(
                "Weights are stored as 16-bit numbers. This changes probabilities by at most {most}, and the class for "
                "{moved} of {photos} photos."
            )
            numbers = {"moved": parity.get("moved_classes", 0), "photos": parity["photos"]}
            most = wording.percent(parity["storage"], 2)
            said = text.format(most=most, **{key: wording.number(value) for key, value in numbers.items()})
            lines.append((self.tr("Storage"), said))
        return lines

    def _photos(self, about: Mapping[str, Any]) -> list[tuple[str, str]]:
        pictures = about.get("pictures", {})
        titles = (
            ("training", self.tr("Training")),
            ("validation", self.tr("Validation")),
            ("test", self.tr("Test")),
        )
        lines = [(self.tr("From"), ", ".join((*about.get("data", ()), *about.get("test_data", ()))))]
        lines += [(title, wording.number(pictures[role])) for role, title in titles if pictures.get(role)]
        for key, title in (("left_out", self.tr("Left out")), ("relabelled", self.tr("Relabelled"))):
            if about.get(key):
                lines.append((title, wording.number(about[key])))
        skipped = about.get("skipped", ())
        if skipped:
            told = [f"{row['path'].rsplit('/', 1)[-1]}: {row['message']}" for row in skipped[:MOST_SKIPPED]]
            if len(skipped) > MOST_SKIPPED:
                more = self.tr("… and {count} more, listed in the report")
                told.append(more.format(count=wording.number(len(skipped) - MOST_SKIPPED)))
            lines.append((self.tr("Unreadable"), "\n".join(told)))
        return lines

    def _training(self, about: Mapping[str, Any]) -> list[tuple[str, str]]:
        recipe = about.get("recipe", {})
        minutes = about.get("minutes")
        versions = about.get("versions", {})
        return [
            (self.tr("Trained part"), trained_part(str(recipe.get("train", "")))),
            (self.tr("Base"), str(about.get("base") or "")),
            (self.tr("Teacher"), str(about.get("teacher") or "")),
            (self.tr("Preset"), str(recipe.get("preset", ""))),
            (self.tr("Seed"), str(about.get("seed", ""))),
            (self.tr("Device"), wording.device(str(about.get("device", "")))),
            (self.tr("Time"), wording.long_duration(60 * minutes) if minutes else ""),
            (self.tr("Created with"), ", ".join(f"{name} {version}" for name, version in versions.items())),
            (self.tr("Date"), str(about.get("date", ""))),
        ]
