"""The page: whole, alone, and safe from what names hold."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.explain.cam.explainer import Explainer, Heatmap, Subject
from resnet_desktop.explain.cam.methods import METHODS
from resnet_desktop.explain.checks.heatmap_checks import check_heatmap
from resnet_desktop.explain.report.page import Look, html_report
from resnet_desktop.explain.report.svg import Axis, Line, bar_chart, line_chart, text
from resnet_desktop.explain.residual.analysis import BlockAnalyzer
from resnet_desktop.imaging.decode import decode
from resnet_desktop.inference.classifier import Classifier

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
VOID = ("meta", "img", "br")
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
NASTY = "<script>alert(1)</script>\"'&\x1b[31m\udce4"
Asked = tuple[Explainer, Subject, NDArray[np.uint8]]


class Page(HTMLParser):
    """Reads a page and notes what is in it; fails where tags do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def asked(make_bundle: Callable[..., Bundle], photo: Callable[..., NDArray[np.uint8]]) -> Asked:
    """A tiny network, what it saw of a picture, and the picture."""
    explainer = Explainer(Classifier(make_bundle(TINY), provider="cpu", top_k=3))
    pixels = photo(90, 70, 3)
    batch = explainer.classifier.new_batch(1)
    explainer.classifier.bundle.metadata.transforms.apply(pixels, out=batch[0])
    raw = explainer.classifier.predict(batch)
    return explainer, Subject(batch[0], explainer.classifier.prediction(raw, 0, 0.0, (90, 70))), pixels


def test_the_whole_page(asked: Asked) -> None:
    explainer, subject, pixels = asked
    target = subject.prediction.top.index
    heatmap = explainer.explain(subject, target)
    others = [*explainer.depths(subject, target), explainer.explain(subject, target, method="eigencam")]
    blocks = BlockAnalyzer(explainer).analyse(subject, target)
    check = check_heatmap(explainer, subject, heatmap)
    page = Page(html_report(explainer, "a beetle.jpg", pixels, subject, [heatmap, *others], blocks, check, made=WHEN))
    label = subject.prediction.top.label
    for words in (f"Why “{label}”?", "a beetle.jpg", "2026-01-02 03:04", explainer.classifier.bundle.path.name):
        assert words in page.words
    assert explainer.classifier.bundle.file_sha256 in page.words
    assert str(explainer.classifier.bundle.metadata.weights_sha256) in page.words
    assert METHODS["gradcam"].paper in page.words
    assert METHODS["eigencam"].paper in page.words
    assert check.verdict in page.words
    # the photo, its map, the others, the photo without its hottest tenth, a map for each group that was scrambled
    assert len(page.all("img")) == 2 + len(others) + 1 + len(check.sanity.steps)
    bars = [a for a in page.all("rect") if "bar" in str(a.get("class"))]
    assert len(bars) == 2 * len(blocks.reports)


def test_nothing_is_fetched_and_nothing_runs(asked: Asked) -> None:
    explainer, subject, pixels = asked
    page = Page(html_report(explainer, "x", pixels, subject, [explainer.explain(subject, 0)]))
    assert not page.all("script")
    assert not page.all("link")
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "href"]
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")
    policy = [a for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0]["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not re.search(r"https?://|url\(|@import", page.words)


def test_the_photo_is_in_it(asked: Asked) -> None:
    explainer, subject, pixels = asked
    heatmap = explainer.explain(subject, subject.prediction.top.index)
    page = Page(html_report(explainer, "x", pixels, subject, [heatmap], look=Look("inferno", 1.0, smooth=False)))
    first, second = (decode(base64.b64decode(str(a["src"]).partition(",")[2])).pixels for a in page.all("img"))
    np.testing.assert_array_equal(first, pixels)
    assert first.shape == second.shape
    assert (first != second).any() != heatmap.empty


def test_names_cannot_break_out(asked: Asked) -> None:
    explainer, subject, pixels = asked
    bundle = explainer.classifier.bundle
    labels = tuple(f"{NASTY}{i}" for i in range(bundle.classes))
    explainer.classifier.bundle = replace(bundle, metadata=replace(bundle.metadata, categories=labels))
    scores = tuple(replace(score, label=labels[score.index]) for score in subject.prediction.scores)
    subject = replace(subject, prediction=replace(subject.prediction, scores=scores))
    heatmap = explainer.explain(subject, 0, against=1)
    check = check_heatmap(explainer, subject, heatmap)
    blocks = BlockAnalyzer(explainer).analyse(subject, 0)
    html = html_report(explainer, NASTY, pixels, subject, [heatmap], blocks, check)
    html.encode("utf-8")
    page = Page(html)
    assert not page.all("script")
    assert "<script>alert(1)</script>" in page.words
    assert "\x1b" not in html


def test_an_empty_map_and_a_class_beyond_the_list(asked: Asked) -> None:
    explainer, subject, pixels = asked
    last = int(subject.prediction.probabilities.argmin())
    heatmap = explainer.explain(subject, last)
    empty = replace(heatmap, cam=-np.abs(heatmap.cam))
    page = Page(html_report(explainer, "x", pixels, subject, [empty, heatmap]))
    assert "no evidence at this layer" in page.words
    assert len(page.all("tr")) == 4  # the three best and the one that was asked for
    first, second, *_ = (str(a["src"]) for a in page.all("img"))
    assert first == second


def test_a_report_is_about_something(asked: Asked) -> None:
    explainer, subject, pixels = asked
    none: list[Heatmap] = []
    with pytest.raises(ValueError, match="at least one"):
        html_report(explainer, "x", pixels, subject, none)


def test_charts_have_their_numbers_where_they_belong() -> None:
    axis = Axis.around("p", [], percent=True)
    chart = Page(line_chart(axis, [Line("a", [1.0, None, 0.5, 0.0], 1)], ["0", "", "", "1"], title="t"))
    drawn = chart.all("polyline")
    assert [len(str(a["points"]).split()) for a in drawn] == [1, 2]
    top = float(str(drawn[0]["points"]).split(",")[1])
    half, bottom = (float(point.split(",")[1]) for point in str(drawn[1]["points"]).split())
    assert top < half < bottom
    assert half - top == pytest.approx(bottom - half, abs=0.2)
    bars = Page(bar_chart(Axis.around("r", [1.0, 2.0]), [1.0, None, 2.0], ["x", "y", "z"], title="t", mark=1.0))
    heights = [float(str(a["height"])) for a in bars.all("rect")]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)


def test_axes() -> None:
    assert [label for _, label in Axis.around("p", [0.2], percent=True).ticks()] == [
        *("0 %", "25 %", "50 %", "75 %", "100 %"),
    ]
    assert Axis.around("n", [0.3, None, 3.2]).high == 4.0
    assert Axis.around("n", []).high == 1.0
    assert Axis.around("n", [0.0]).high == 1.0
    log = Axis.around("g", [2e-7, 30.0, None, 0.0], log=True)
    assert (log.low, log.high) == pytest.approx((1e-7, 100.0))
    assert log.place(0.0) == 0.0
    assert log.place(1e-7 * 10**4.5) == pytest.approx(0.5)
    assert log.ticks()[0][1] == "1e-7"
    assert Axis.around("g", [float("nan"), 5.0]).high == 6.0


def test_text_is_safe_and_readable() -> None:
    assert text('a < b & "c"') == "a &lt; b &amp; &quot;c&quot;"
    assert text("Grün – 桜") == "Grün – 桜"
    assert text("\x00\n").isprintable()
