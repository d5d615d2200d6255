"""What is known of a model, in words, under headings."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from resnet_desktop.gui.models.knowledge import ModelFacts
from resnet_desktop.gui.style import wording
from resnet_desktop.gui.style.trained_part import trained_part
from resnet_desktop.gui.widgets.fact_sheet import FactSheet

MOST_LABELS = 60
"""Classes are named up to so many."""


class ModelCard(FactSheet):
    """The card of one model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("About the model"), parent)

    def show_model(self, facts: ModelFacts) -> None:
        """Show what is known of it."""
        self.show_facts(
            (
                (self.tr("What it recognises"), self._classes(facts)),
                (self.tr("How good it is"), self._quality(facts)),
                (self.tr("What it sees"), self._input(facts)),
                (self.tr("Where it comes from"), self._origin(facts)),
            )
        )

    def _classes(self, facts: ModelFacts) -> list[tuple[str, str]]:
        count = wording.number(facts.classes)
        if not facts.labelled:
            text = self.tr("{count}, without names").format(count=count)
            return [(self.tr("Classes"), text)]
        names = ", ".join(facts.categories[:MOST_LABELS])
        if facts.classes > MOST_LABELS:
            names += " …"
        return [(self.tr("Classes"), count), (self.tr("Names"), names)]

    def _quality(self, facts: ModelFacts) -> list[tuple[str, str]]:
        metrics = facts.provenance.get("metrics") or {}
        published = facts.provenance.get("published") or {}
        measured = claimed = calibrated = ""
        if metrics.get("images") and metrics.get("acc1_interval") and metrics.get("acc1") is not None:
            low, high = metrics["acc1_interval"]
            kinds = {
                "validation": self.tr("validation photos, which also selected the best epoch"),
                "test": self.tr("test photos"),
                "cross-validation": self.tr("photos in cross-validation"),
            }
            text = self.tr("{share} of {images} {kind} classified correctly (95\u00a0% interval {low} to {high})")
            measured = text.format(
                share=wording.percent(metrics["acc1"], 1),
                images=wording.number(metrics["images"]),
                kind=kinds.get(metrics.get("on") or "", self.tr("photos")),
                low=wording.percent(low, 1),
                high=wording.percent(high, 1),
            )
        if published.get("acc1"):
            text = self.tr("{share} on {photos}; not measured here")
            claimed = text.format(
                share=wording.percent(published["acc1"], 1),
                photos=published.get("on") or self.tr("unspecified photos"),
            )
        if metrics.get("ece") is not None:
            text = self.tr("Confidence is off by {ece} on average (expected calibration error)")
            calibrated = text.format(ece=wording.percent(metrics["ece"], 1))
        temperature = "" if facts.temperature == 1 else f"{facts.temperature:.2f}"
        return [
            (self.tr("Measured"), measured),
            (self.tr("According to its publisher"), claimed),
            (self.tr("Confidence"), calibrated),
            (self.tr("Temperature"), temperature),
            (self.tr("Unfamiliar photos"), self._warnings(facts)),
        ]

    def _warnings(self, facts: ModelFacts) -> str:
        """Whether it warns of unfamiliar photos, and how often wrongly."""
        if facts.warning is None:
            return ""
        said = self.tr("Flags photos unlike the training data")
        rate, count = facts.warning.get("false_alarm_rate"), facts.warning.get("images")
        if rate is None or count is None:
            return said
        text = self.tr("{said}; false alarms on {rate} of {count} familiar photos")
        interval = facts.warning.get("false_alarm_interval")
        values = {"said": said, "count": wording.number(count), "rate": wording.percent(rate, 1)}
        if interval is not None:
            words = "{said}; false alarms on {rate} of {count} familiar photos (95\u00a0% interval {low} to {high})"
            text = self.tr(words)
            values |= {"low": wording.percent(interval[0]), "high": wording.percent(interval[1])}
        return text.format(**values)

    def _input(self, facts: ModelFacts) -> list[tuple[str, str]]:
        transforms = facts.transforms
        text = self.tr("The middle {width} × {height} pixels of the photo, with its shorter side resized to {resize}")
        height, width = facts.size
        seen = text.format(width=width, height=height, resize=transforms.resize)
        if transforms.native is not None:
            seen += self.tr(", after reduction to {native}").format(native=transforms.native)
        spread = [", ".join(f"{value:.3g}" for value in values) for values in (transforms.mean, transforms.std)]
        values = self.tr("mean {mean}; standard deviation {deviation}").format(mean=spread[0], deviation=spread[1])
        if not facts.prepared:
            values = self.tr("{values} (assumed: not stated in the file)").format(values=values)
        network = facts.arch or self.tr("external")
        size = self.tr("{parameters} parameters, {work} multiply-adds per photo").format(
            parameters=wording.large_number(facts.parameters), work=wording.large_number(facts.multiply_adds)
        )
        return [
            (self.tr("Network"), network),
            (self.tr("Size"), size),
            (self.tr("Photo"), seen),
            (self.tr("Pixel values"), values),
            (self.tr("Notes"), "\n".join(facts.notes)),
        ]

    def _origin(self, facts: ModelFacts) -> list[tuple[str, str]]:
        told, recipe = facts.provenance, facts.provenance.get("recipe")
        part = trained_part(recipe.get("train") or "") if isinstance(recipe, dict) else ""
        return [
            (self.tr("Publisher"), told.get("publisher") or ""),
            (self.tr("Source"), told.get("source") or ""),
            (self.tr("Licence"), told.get("licence") or ""),
            (self.tr("Notice"), told.get("notice") or ""),
            (self.tr("Trained on"), ", ".join(told.get("data") or ())),
            (self.tr("Started from"), told.get("base") or ""),
            (self.tr("Taught by"), told.get("teacher") or ""),
            (self.tr("Trained part"), part),
            (self.tr("Created"), told.get("date") or ""),
            (self.tr("File"), str(facts.path)),
            (self.tr("sha256"), facts.sha256),
        ]
