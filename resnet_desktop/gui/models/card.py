"""What is known of a model, in words, under headings."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from resnet_desktop.gui import wording
from resnet_desktop.gui.fact_sheet import FactSheet
from resnet_desktop.gui.models.knowledge import ModelFacts

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
                (self.tr("What it tells apart"), self._classes(facts)),
                (self.tr("How good it is"), self._quality(facts)),
                (self.tr("What it sees"), self._input(facts)),
                (self.tr("Where it comes from"), self._origin(facts)),
            )
        )

    def _classes(self, facts: ModelFacts) -> list[tuple[str, str]]:
        count = wording.number(facts.classes)
        if not facts.labelled:
            text = self.tr("{count}; nobody has said what they are called").format(count=count)
            return [(self.tr("Classes"), text)]
        names = ", ".join(facts.labels[:MOST_LABELS])
        if facts.classes > MOST_LABELS:
            names += " …"
        return [(self.tr("Classes"), count), (self.tr("Names"), names)]

    def _quality(self, facts: ModelFacts) -> list[tuple[str, str]]:
        metrics = facts.provenance.get("metrics") or {}
        published = facts.provenance.get("published") or {}
        measured = claimed = calibrated = ""
        if metrics.get("images") and metrics.get("acc1_interval"):
            low, high = metrics["acc1_interval"]
            text = self.tr("{share} of {images} photos named rightly (95 % interval {low} to {high})")
            measured = text.format(
                share=wording.percent(metrics["acc1"], 1),
                images=wording.number(int(metrics["images"])),
                low=wording.percent(low, 1),
                high=wording.percent(high, 1),
            )
        if published.get("acc1"):
            text = self.tr("{share} on {photos}; not measured here")
            claimed = text.format(share=wording.percent(published["acc1"], 1), photos=published.get("on", ""))
        if metrics.get("ece") is not None:
            text = self.tr("Percentages are off by {ece} on average (expected calibration error)")
            calibrated = text.format(ece=wording.percent(metrics["ece"], 1))
        warns = self.tr("Marks photos that are unlike all it has learnt from") if facts.warns else ""
        return [
            (self.tr("Measured"), measured),
            (self.tr("Says its publisher"), claimed),
            (self.tr("Confidence"), calibrated),
            (self.tr("Unfamiliar photos"), warns),
        ]

    def _input(self, facts: ModelFacts) -> list[tuple[str, str]]:
        transforms = facts.transforms
        text = self.tr("The middle {crop} × {crop} pixels of the photo, its shorter side resized to {resize}")
        seen = text.format(crop=facts.side, resize=transforms.resize)
        if transforms.native is not None:
            seen += self.tr(", after a reduction to {native}").format(native=transforms.native)
        spread = [", ".join(f"{value:.3g}" for value in values) for values in (transforms.mean, transforms.std)]
        values = self.tr("mean {mean}; deviation {deviation}").format(mean=spread[0], deviation=spread[1])
        if facts.foreign and not facts.labelled:
            values = self.tr("{values} (assumed: the file says nothing)").format(values=values)
        network = facts.arch or self.tr("from elsewhere")
        size = self.tr("{parameters} parameters, {work} multiply-adds a photo").format(
            parameters=wording.large_number(facts.parameters), work=wording.large_number(facts.multiply_adds)
        )
        return [
            (self.tr("Network"), network),
            (self.tr("Size"), size),
            (self.tr("Photo"), seen),
            (self.tr("Pixel values"), values),
        ]

    def _origin(self, facts: ModelFacts) -> list[tuple[str, str]]:
        told = facts.provenance
        return [
            (self.tr("Publisher"), str(told.get("publisher") or "")),
            (self.tr("Licence"), str(told.get("licence") or "")),
            (self.tr("Learnt from"), ", ".join(str(name) for name in told.get("data") or ())),
            (self.tr("Began as"), str(told.get("base") or "")),
            (self.tr("Made on"), str(told.get("date") or "")),
            (self.tr("File"), str(facts.path)),
            (self.tr("sha256"), facts.sha256),
        ]
