"""One page that says what was predicted, why, and how far that can be trusted: an HTML file that stands alone.

What stands on it is said in ``templates/explanation.html``; this module names, paints and draws for it.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment
from markupsafe import Markup
from numpy.typing import NDArray

from resnet_desktop import __version__
from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.explain.cam.target import Target, label_of, probability
from resnet_desktop.explain.checks.faithfulness import Curves
from resnet_desktop.explain.report import rendering
from resnet_desktop.explain.report.svg import Axis, Line, bar_chart, line_chart
from resnet_desktop.imaging.decode import encode_png, thumbnail
from resnet_desktop.imaging.heat.overlay import colormap, paint, scale_map
from resnet_desktop.imaging.transforms import Box

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject
    from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck
    from resnet_desktop.explain.checks.sanity import SanityStep
    from resnet_desktop.explain.residual.analysis import BlockAnalysis
    from resnet_desktop.inference.classifier import Classifier

_LARGE, _SMALL, _TINY = 448, 192, 96


@dataclass(frozen=True, slots=True)
class Look:
    """How maps are painted: one of ``overlay.COLORMAPS``, opacity 0 to 1, smooth or in the network's own blocks."""

    colours: str = "viridis"
    opacity: float = 0.55
    smooth: bool = True


def html_report(
    explainer: Explainer,
    source_name: str,
    pixels: NDArray[np.uint8],
    subject: Subject,
    heatmaps: Sequence[Heatmap],
    blocks: BlockAnalysis | None = None,
    check: HeatmapCheck | None = None,
    *,
    look: Look | None = None,
    made: datetime | None = None,
) -> str:
    """The page as text, to be written as UTF-8.

    Args:
        explainer: of the model that was asked.
        source_name: the photo's name for people; its folder is better left out.
        pixels: the photo, upright, uint8 ``(height, width, 3)``, at any scale.
        subject: what the network saw of it, and its prediction.
        heatmaps: the one in question first, then others beside it (depths, methods, classes); at least one.
        blocks: the residual blocks at work, or None.
        check: the tests of the first heatmap, or None.
        look: how maps are painted.
        made: the date on the page; now by default.

    Raises:
        ValueError: there is no heatmap.
        ModelError: the model file is gone or has changed, so that it has no checksum any more.
    """
    if not heatmaps:
        raise ValueError("a report is about at least one heatmap")
    page = _Page(explainer.classifier, subject, look or Look())
    main, shown = heatmaps[0], thumbnail(pixels, _LARGE)
    heading = f"Why {page.claim(main)}?"
    return (
        _templates()
        .get_template("explanation.html")
        .render(
            title=f"{heading} – {source_name}",
            heading=heading,
            source_name=source_name,
            when=(made or datetime.now().astimezone()).strftime("%Y-%m-%d %H:%M"),
            page=page,
            bundle=explainer.classifier.bundle,
            subject=subject,
            pixels=shown,
            small=thumbnail(shown, _SMALL),
            main=main,
            others=heatmaps[1:],
            methods=[METHODS[name] for name in dict.fromkeys(heatmap.method for heatmap in heatmaps)],
            check=check,
            blocks=blocks,
        )
    )


@functools.cache
def _templates() -> Environment:
    made = rendering.environment(rendering.SHARED)
    made.filters["png"] = _png_source
    made.globals.update(
        grades={"good": "passed", "mixed": "partly passed", "poor": "failed"},
        contribution_chart=_contribution_chart,
        lesion_chart=_lesion_chart,
        gradient_chart=_gradient_chart,
        removal_chart=_removal_chart,
    )
    return made


class _Page:
    """What the template asks for: names, numbers and painted maps."""

    def __init__(self, classifier: Classifier, subject: Subject, look: Look) -> None:
        self._classifier = classifier
        self._metadata = classifier.bundle.metadata
        self._subject = subject
        self._look = look

    def label(self, target: Target) -> str:
        """The name of a class or group."""
        return label_of(self._metadata, target)

    def claim(self, heatmap: Heatmap) -> str:
        """The class that a map explains, in quotes."""
        name = f"“{self.label(heatmap.target)}”"
        return name if heatmap.against is None else f"{name} rather than “{self.label(heatmap.against)}”"

    def caption(self, heatmap: Heatmap) -> str:
        """What a map is."""
        words = f"{METHODS[heatmap.method].title} for {self.claim(heatmap)} at {heatmap.layer}"
        height, width = heatmap.cam.shape
        if heatmap.empty:
            return f"{words}: no evidence at this layer, so nothing is drawn."
        return f"{words}, {width} × {height} cells."

    def predictions(self, heatmap: Heatmap) -> list[tuple[Target, float]]:
        """The best classes, and those in question if they are not among them, with their probabilities."""
        prediction = self._subject.prediction
        rows: dict[Target, float] = {s.index: s.probability for s in prediction.scores}
        for target in (heatmap.target, heatmap.against):
            if target is not None:
                rows.setdefault(target, float(probability(prediction.probabilities, target)))
        return list(rows.items())

    def facts(self) -> list[tuple[str, str]]:
        """What all this was made with. Raises ModelError."""
        bundle, prediction = self._classifier.bundle, self._subject.prediction
        return [
            ("model", f"{bundle.path.name} ({self._metadata.arch or 'foreign ONNX'}, {bundle.classes} classes)"),
            ("file sha256", bundle.file_sha256),
            ("weights sha256", self._metadata.weights_sha256 or ""),
            ("input", f"{bundle.input_shape[2]} × {bundle.input_shape[1]} pixels, fit: {self._classifier.fit}"),
            ("temperature", f"{self._metadata.temperature:.4g}"),
            ("provider", prediction.provider),
            ("photo", f"{prediction.full_size[0]} × {prediction.full_size[1]} pixels"),
            ("created by", f"ResNet Desktop {__version__}"),
        ]

    def picture(self, batch: NDArray[np.float32]) -> NDArray[np.uint8]:
        """What the network gets as a picture again."""
        return self._metadata.transforms.picture(batch)

    def painted(self, heatmap: Heatmap, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A map on the photo, at any scale."""
        return self._paint(picture, heatmap.cam, self.seen(picture))

    def scrambled(self, step: SanityStep) -> NDArray[np.uint8]:
        """The map of a network whose weights are scrambled, on what the network sees."""
        seen = self.picture(self._subject.input)
        whole = Box(0.0, 0.0, float(seen.shape[1]), float(seen.shape[0]))
        return thumbnail(self._paint(seen, step.cam, whole), _TINY)

    def seen(self, picture: NDArray[np.uint8]) -> Box:
        """What the network sees, in pixels of the photo as it is shown."""
        width, height = self._subject.prediction.full_size
        box = self._metadata.transforms.seen_box(width, height, self._classifier.fit)
        x, y = picture.shape[1] / width, picture.shape[0] / height
        return Box(box.left * x, box.top * y, box.right * x, box.bottom * y)

    def colours(self) -> list[str]:
        """Of the maps, from no evidence to most."""
        return ["#" + bytes(colour).hex() for colour in colormap(self._look.colours)[::15]]

    def _paint(self, picture: NDArray[np.uint8], cam: NDArray[np.float32], box: Box) -> NDArray[np.uint8]:
        look, scaled = self._look, scale_map(cam)
        if scaled.empty:
            return picture
        return paint(picture, scaled.values, box, name=look.colours, opacity=look.opacity, smooth=look.smooth)


def _removal_chart(found: Curves) -> Markup:
    axis = Axis.around("probability", [], percent=True)
    lines = [
        Line("hottest parts removed", list(found.deletion), 2),
        Line("hottest parts restored", list(found.insertion), 1),
        Line("random parts removed", list(found.random), 3, dashed=True),
    ]
    last = len(found.fractions) - 1
    marked = max(1, last // 4)
    names = [f"{fraction * 100:.0f} %" if i % marked == 0 else "" for i, fraction in enumerate(found.fractions)]
    return line_chart(axis, lines, names, title="probability as parts of the photo are removed and restored")


def _contribution_chart(blocks: BlockAnalysis) -> Markup:
    ratios = [report.ratio for report in blocks.reports]
    axis = Axis.around("‖F(x)‖ / ‖skip‖", ratios)
    return bar_chart(axis, ratios, _names(blocks), title="size of each block's contribution")


def _lesion_chart(blocks: BlockAnalysis) -> Markup:
    left = [None if report.lesion is None else report.lesion.probability for report in blocks.reports]
    axis = Axis.around("probability", left, percent=True)
    return bar_chart(axis, left, _names(blocks), title="probability without each block", mark=blocks.probability)


def _gradient_chart(blocks: BlockAnalysis) -> Markup:
    norms = [report.gradient_norm for report in blocks.reports]
    cut = [report.gradient_norm_cut for report in blocks.reports]
    lines = [Line("with skip connections", norms, 1), Line("without skip connections", cut, 2, dashed=True)]
    axis = Axis.around("gradient", [value for line in lines for value in line.values], log=True)
    return line_chart(axis, lines, _names(blocks), title="gradient reaching each block", width=740, height=230)


def _names(blocks: BlockAnalysis) -> list[str]:
    return [report.name for report in blocks.reports]


def _png_source(pixels: NDArray[np.uint8]) -> str:
    """uint8 ``(height, width, 3)`` as the source of an ``img`` that needs no other file."""
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels)).decode('ascii')}"
