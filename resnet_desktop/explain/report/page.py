"""One page that says what was predicted, why, and how far that can be trusted: an HTML file that stands alone.

No script, nothing fetched from anywhere, light and dark, fit for paper. Every name that comes from outside (files,
labels, models) is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resnet_desktop import __version__
from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.explain.cam.target import Target, label_of, probability
from resnet_desktop.explain.checks.faithfulness import Curves
from resnet_desktop.explain.report.style import document
from resnet_desktop.explain.report.svg import Axis, Line, bar_chart, line_chart, text
from resnet_desktop.imaging.decode import encode_png, thumbnail
from resnet_desktop.imaging.overlay import colormap, paint, scale_map
from resnet_desktop.imaging.transforms import Box

if TYPE_CHECKING:
    from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject
    from resnet_desktop.explain.checks.heatmap_checks import HeatmapCheck
    from resnet_desktop.explain.residual.analysis import BlockAnalysis

_LARGE, _SMALL, _TINY = 448, 192, 96
_GRADES = {"good": "passed", "mixed": "partly passed", "poor": "failed"}


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
    page = _Page(explainer, thumbnail(pixels, _LARGE), subject, look or Look())
    main = heatmaps[0]
    when = (made or datetime.now().astimezone()).strftime("%Y-%m-%d %H:%M")
    title = f"Why {page.claim(main)}?"
    body = [
        f"<header><h1>{text(title)}</h1><p>{text(source_name)} · {text(explainer.classifier.bundle.path.name)} · "
        f"{text(when)}</p></header>",
        page.photo(main),
        page.predictions(main),
        page.others(heatmaps[1:]),
        page.checks(check),
        page.blocks(blocks),
        page.origin(heatmaps),
    ]
    return document(f"{title} – {source_name}", body)


class _Page:
    """The parts of the page."""

    def __init__(self, explainer: Explainer, pixels: NDArray[np.uint8], subject: Subject, look: Look) -> None:
        self._explainer = explainer
        self._classifier = explainer.classifier
        self._bundle = explainer.classifier.bundle
        self._labels = self._bundle.metadata.categories
        self._pixels = pixels
        self._subject = subject
        self._look = look

    def claim(self, heatmap: Heatmap) -> str:
        """The class that a map explains, in quotes."""
        metadata = self._bundle.metadata
        name = f"“{label_of(metadata, heatmap.target)}”"
        return name if heatmap.against is None else f"{name} rather than “{label_of(metadata, heatmap.against)}”"

    def photo(self, heatmap: Heatmap) -> str:
        """The photo, and the photo with the map."""
        height, width = self._pixels.shape[:2]
        seen = self._seen()
        frame = (
            f'<svg class="frame" viewBox="0 0 {width} {height}" aria-hidden="true"><rect x="{seen.left:.1f}" '
            f'y="{seen.top:.1f}" width="{seen.width:.1f}" height="{seen.height:.1f}"/></svg>'
        )
        shown = [
            f'<figure><div class="stack">{_image(self._pixels, "the photo")}{frame}</div>'
            "<figcaption>The photo. The network sees the part in the frame.</figcaption></figure>",
            f"<figure>{_image(self._painted(heatmap), 'the photo with the heatmap')}"
            f"<figcaption>{self._caption(heatmap)}</figcaption>{self._scale()}</figure>",
        ]
        return f'<section class="pair">{"".join(shown)}</section>'

    def predictions(self, heatmap: Heatmap) -> str:
        """The best classes, and those in question if they are not among them."""
        prediction = self._subject.prediction
        rows: dict[Target, float] = {s.index: s.probability for s in prediction.scores}
        for target in (heatmap.target, heatmap.against):
            if target is not None:
                rows.setdefault(target, float(probability(prediction.probabilities, target)))
        lines = []
        for target, value in rows.items():
            asked = ' class="asked"' if target == heatmap.target else ""
            bar = f'<td class="meter"><span style="width:{value * 100:.1f}%"></span></td>'
            name = text(label_of(self._bundle.metadata, target))
            lines.append(f"<tr{asked}><th>{name}</th>{bar}<td>{_percent(value)}</td></tr>")
        note = ""
        if prediction.unfamiliar:
            note = "<p>This photo looks unlike the training data, so these results may mean little.</p>"
        return f"<section><h2>Predictions</h2><table>{''.join(lines)}</table>{note}</section>"

    def others(self, heatmaps: Sequence[Heatmap]) -> str:
        """Further maps: other depths, methods or classes."""
        if not heatmaps:
            return ""
        small = thumbnail(self._pixels, _SMALL)
        figures = [
            f"<figure>{_image(self._painted(heatmap, small), 'heatmap')}"
            f"<figcaption>{self._caption(heatmap)}</figcaption></figure>"
            for heatmap in heatmaps
        ]
        return f'<section><h2>Other views</h2><div class="row">{"".join(figures)}</div></section>'

    def checks(self, check: HeatmapCheck | None) -> str:
        """Whether the first map can be relied on."""
        if check is None:
            return ""
        charts = [
            f"<figure>{_curve_chart(found)}<figcaption>{_areas(found, name)}</figcaption></figure>"
            for found, name in ((check.blur, "a blurred copy"), (check.mean, "the mean colour"))
        ]
        top = check.removed.prediction.top
        without = (
            f"<figure>{_image(self._bundle.metadata.transforms.picture(check.removed.input), 'the changed photo')}"
            f"<figcaption>Without its hottest {check.removed.mask.mean() * 100:.0f} %: “{text(top.label)}” "
            f"{_percent(top.probability)}</figcaption></figure>"
        )
        return "".join(
            [
                f"<section><h2>Can you trust this heatmap? It {_GRADES[check.grade]} the tests.</h2>",
                f'<p class="verdict {check.grade}">{text(check.verdict)}</p>',
                "<h3>Removing the hottest parts</h3>",
                f'<div class="row">{without}</div><div class="pair">{"".join(charts)}</div>',
                self._scrambled(check),
                "</section>",
            ]
        )

    def blocks(self, blocks: BlockAnalysis | None) -> str:
        """The residual blocks: what each adds, and what happens without it."""
        if blocks is None or not blocks.reports:
            return ""
        names = [report.name for report in blocks.reports]
        parts = ["<section><h2>Block by block</h2>"]
        ratios = [report.ratio for report in blocks.reports]
        chart = bar_chart(
            Axis.around("‖F(x)‖ / ‖skip‖", ratios), ratios, names, title="size of each block's contribution"
        )
        words = "How much each block adds, F(x), relative to what its skip connection carries past it."
        parts.append(f"<figure>{chart}<figcaption>{words}</figcaption></figure>")
        left = [None if r.lesion is None else r.lesion.probability for r in blocks.reports]
        if any(value is not None for value in left):
            axis = Axis.around("probability", left, percent=True)
            chart = bar_chart(axis, left, names, title="probability without each block", mark=blocks.probability)
            words = (
                f"The probability of “{text(blocks.label)}” with one block's contribution removed (Veit et al. 2016, "
                f"arXiv:1605.06431); the dashed line is the whole network, {_percent(blocks.probability)}."
            )
            parts.append(f"<figure>{chart}<figcaption>{words}</figcaption></figure>")
        return "".join([*parts, _gradient_figure(blocks, names), "</section>"])

    def origin(self, heatmaps: Sequence[Heatmap]) -> str:
        """What all this was made with."""
        bundle, prediction = self._bundle, self._subject.prediction
        weights = bundle.metadata.weights_sha256
        facts = {
            "model": f"{bundle.path.name} ({bundle.metadata.arch or 'foreign ONNX'}, {bundle.classes} classes)",
            "file sha256": bundle.file_sha256,
            "weights sha256": weights or "",
            "input": f"{bundle.input_shape[2]} × {bundle.input_shape[1]} pixels, fit: {self._classifier.fit}",
            "temperature": f"{bundle.metadata.temperature:.4g}",
            "provider": prediction.provider,
            "photo": f"{prediction.full_size[0]} × {prediction.full_size[1]} pixels",
            "created by": f"ResNet Desktop {__version__}",
        }
        lines = [f"<dt>{name}</dt><dd>{text(value)}</dd>" for name, value in facts.items() if value]
        methods = [METHODS[name] for name in dict.fromkeys(heatmap.method for heatmap in heatmaps)]
        for method in methods:
            lines.append(
                f"<dt>{text(method.title)}</dt><dd>{text(method.summary)} {text(method.formula)}. "
                f"{text(method.paper)}</dd>"
            )
        return f"<section><h2>How this was made</h2><dl>{''.join(lines)}</dl></section>"

    def _scrambled(self, check: HeatmapCheck) -> str:
        if not check.sanity.steps:
            return ""
        seen = self._bundle.metadata.transforms.picture(self._subject.input)
        whole = Box(0.0, 0.0, float(seen.shape[1]), float(seen.shape[0]))
        figures = []
        for step in check.sanity.steps:
            picture = thumbnail(self._paint(seen, step.cam, whole), _TINY)
            words = f"{text(step.name)}: {step.rank_correlation:.2f}, {step.ssim:.2f}"
            figures.append(f"<figure>{_image(picture, 'heatmap')}<figcaption>{words}</figcaption></figure>")
        return (
            "<h3>Scrambling the weights</h3><p>The same map, with the weights scrambled from the top down to the named "
            "part, and its similarity to the real map: rank correlation, then SSIM (1 is the same map, 0 an "
            f'unrelated one).</p><div class="row tiny">{"".join(figures)}</div>'
            '<p class="note">Removal: Petsiuk et al. 2018, arXiv:1806.07421. Scrambling: Adebayo et al. 2018, '
            "arXiv:1810.03292.</p>"
        )

    def _caption(self, heatmap: Heatmap) -> str:
        words = f"{METHODS[heatmap.method].title} for {self.claim(heatmap)} at {heatmap.layer}"
        height, width = heatmap.cam.shape
        if heatmap.empty:
            return text(f"{words}: no evidence at this layer, so nothing is drawn.")
        return text(f"{words}, {width} × {height} cells.")

    def _painted(self, heatmap: Heatmap, picture: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        picture = self._pixels if picture is None else picture
        return self._paint(picture, heatmap.cam, self._seen(picture))

    def _paint(self, picture: NDArray[np.uint8], cam: NDArray[np.float32], box: Box) -> NDArray[np.uint8]:
        look, scaled = self._look, scale_map(cam)
        if scaled.empty:
            return picture
        return paint(picture, scaled.values, box, name=look.colours, opacity=look.opacity, smooth=look.smooth)

    def _seen(self, picture: NDArray[np.uint8] | None = None) -> Box:
        """What the network sees, in pixels of the picture as it is shown."""
        shown = self._pixels if picture is None else picture
        width, height = self._subject.prediction.full_size
        box = self._bundle.metadata.transforms.seen_box(width, height, self._classifier.fit)
        x, y = shown.shape[1] / width, shown.shape[0] / height
        return Box(box.left * x, box.top * y, box.right * x, box.bottom * y)

    def _scale(self) -> str:
        table = colormap(self._look.colours)[::15]
        stops = ", ".join("#" + bytes(colour).hex() for colour in table)
        ends = '<div class="ends"><span>no evidence</span><span>most evidence</span></div>'
        return f'<div class="scale" style="background: linear-gradient(to right, {stops})"></div>{ends}'


def _curve_chart(found: Curves) -> str:
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


def _areas(found: Curves, name: str) -> str:
    return (
        f"With {name} in place of removed parts. Area under the curve: removed {found.deletion_area:.2f} (lower is "
        f"better), restored {found.insertion_area:.2f} (higher is better), random {found.random_area:.2f}."
    )


def _gradient_figure(blocks: BlockAnalysis, names: Sequence[str]) -> str:
    norms = [report.gradient_norm for report in blocks.reports]
    cut = [report.gradient_norm_cut for report in blocks.reports]
    if all(norm is None for norm in norms):
        return ""
    lines = [Line("with skip connections", norms, 1), Line("without skip connections", cut, 2, dashed=True)]
    axis = Axis.around("gradient", [value for line in lines for value in line.values], log=True)
    chart = line_chart(axis, lines, names, title="gradient reaching each block", width=740, height=230)
    words = "How much of the class's gradient reaches each block on its way back, in powers of ten."
    return f"<figure>{chart}<figcaption>{words}</figcaption></figure>"


def _image(pixels: NDArray[np.uint8], words: str) -> str:
    data = base64.b64encode(encode_png(pixels)).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{text(words)}" width="{pixels.shape[1]}">'


def _percent(probability: float) -> str:
    return f"{probability * 100:.1f} %"
