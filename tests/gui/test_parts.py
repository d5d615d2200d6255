"""The small parts: words, pictures, tasks, the start."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from resnet_desktop.core.errors import ImageError
from resnet_desktop.gui.background.pictures import LONGEST_SIDE, Photos, load_photo
from resnet_desktop.gui.background.tasks import Tasks
from resnet_desktop.gui.shell import app
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.style import theme, wording
from resnet_desktop.gui.style.qt_image import heat_qimage, legend_qimage, png_bytes, to_qimage
from resnet_desktop.gui.style.screen import size_within_screen
from resnet_desktop.imaging.decode import decode, encode_png
from resnet_desktop.imaging.heat.overlay import colormap
from tests.conftest import REPO

HEAVY = ("numpy", "PIL", "onnx", "onnxruntime", "resnet_desktop.inference", "resnet_desktop.bundle")


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.873, 0, "87\u00a0%"),
        (0.9996, 0, ">\u00a099\u00a0%"),
        (1.0, 0, "100\u00a0%"),
        (0.0, 0, "0\u00a0%"),
        (0.0004, 1, "<\u00a00.1\u00a0%"),
        (0.5, 1, "50.0\u00a0%"),
    ],
)
def test_percent(value: float, decimals: int, text: str) -> None:
    assert wording.percent(value, decimals) == text


def test_no_line_breaks_between_a_number_and_its_percent_sign() -> None:
    """In the words of the window, and of what is said in it, wherever they are written."""
    folders = [REPO / "resnet_desktop" / "gui", REPO / "resnet_desktop" / "explain" / "checks"]
    breaking = []
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            written = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if re.match(r" %", written) or (re.search(r"[\d}] %", written) and "\n" not in written):
                breaking.append(f"{path.name}:{node.lineno}: {written}")  # type: ignore[attr-defined]
    assert not breaking


def rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()


def test_duration() -> None:
    assert wording.duration(0.0831) == "83\u00a0ms"
    assert wording.duration(2.04) == "2.0\u00a0s"


def test_an_array_becomes_an_image_of_the_same_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    image = to_qimage(pixels)
    assert (image.width(), image.height()) == (5, 7)
    found = np.array([[rgb(image.pixelColor(x, y)) for x in range(5)] for y in range(7)])
    assert (found == pixels).all()
    assert (decode(png_bytes(image)).pixels == pixels).all()


def test_a_heatmap_is_opaque_where_it_is_hot() -> None:
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = 1.0
    image = heat_qimage(values, "inferno")
    hot = image.pixelColor(image.width() * 5 // 8, image.height() * 3 // 8)
    cold = image.pixelColor(10, image.height() - 10)
    assert hot.alpha() > 245
    assert cold.alpha() == 0
    assert np.abs(np.array(rgb(hot)) - colormap("inferno")[hot.alpha()]).max() <= 2
    legend = legend_qimage("turbo")
    assert rgb(legend.pixelColor(255, 0)) == tuple(colormap("turbo")[255])


def test_a_long_photo_is_not_kept_in_full(tmp_path: Path) -> None:
    path = tmp_path / "panorama.png"
    path.write_bytes(encode_png(np.zeros((20, LONGEST_SIDE + 500, 3), np.uint8)))
    assert load_photo(path, 10**8).width() == LONGEST_SIDE
    with pytest.raises(ImageError):
        load_photo(path, 100)


def test_only_the_photo_that_is_wanted_arrives(qtbot: QtBot) -> None:
    photos = Photos(10**8)
    arrived: list[int] = []
    photos.photo_ready.connect(lambda number, _image: arrived.append(number))
    for number, path in enumerate(sample_photos()[:3]):
        photos.request(number, path)
    qtbot.waitUntil(lambda: bool(arrived), timeout=10_000)
    assert arrived == [2]
    photos.request(2, sample_photos()[2])  # kept: at once
    assert arrived == [2, 2]
    photos.close()


def test_tasks_bring_results_and_errors_to_this_thread(qtbot: QtBot) -> None:
    tasks = Tasks(2, "test")
    ended: list[tuple[str, bool]] = []
    here = QThread.currentThread()

    def done(future: Future[str]) -> None:
        word = repr(future.exception()) if future.exception() is not None else future.result()
        ended.append((word, QThread.currentThread() is here))

    tasks.run_task(lambda: threading.current_thread().name, done)
    qtbot.waitUntil(lambda: len(ended) == 1)
    tasks.run_task(lambda: str(1 // 0), done)
    qtbot.waitUntil(lambda: len(ended) == 2)
    assert ended[0] == ("test_0", True)
    assert ended[1][0].startswith("InternalError"), "an error of ours in place of one that is not"
    tasks.run_task(lambda: "late", done)
    tasks.drain()
    qtbot.wait(50)
    assert len(ended) == 2


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK])
def test_text_stands_out_from_its_ground(colours: theme.Theme) -> None:
    """WCAG 2.2, success criterion 1.4.3: at least 4.5 to 1."""
    for text in (colours.text, colours.secondary, colours.error):
        for ground in (colours.window, colours.panel, colours.canvas, colours.tint, colours.hover):
            assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.notice_text, colours.notice) >= 4.5
    assert contrast(colours.accent, colours.panel) >= 3.0


def contrast(a: str, b: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    parts = np.array(rgb(QColor(colour))) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


class _Speaker(QObject):
    said = Signal(int)


def test_emitting_a_signal_keeps_its_reference_counts() -> None:
    """PySide6 6.12.0 loses a reference to True at each emit, which ends Python 3.11 after some thousands of signals."""
    speaker = _Speaker()
    before = sys.getrefcount(True)
    for number in range(200):
        speaker.said.emit(number)
    assert sys.getrefcount(True) > before - 100, "this PySide6 is unfit for this Python: install another version"


def test_the_window_starts_without_what_takes_long_to_import() -> None:
    code = f"import sys, resnet_desktop.gui.shell.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def demonstration(target: Path, model: str) -> str:
    """A program that runs the demonstration and ends with its status."""
    start = "import sys; from pathlib import Path; from resnet_desktop.gui.shell import app; "
    return f"{start}sys.exit(app.demonstrate(Path({str(target)!r}), model={model!r}))"


def test_the_demonstration(tmp_path: Path, model_file: Path, home: Path) -> None:
    target = tmp_path / "shots" / "window.png"
    code = demonstration(target, str(model_file))
    environment = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")}
    environment[app.TRACE] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:3]] == ["cat.jpg", "coffee.jpg", "rocket.jpg"]
    assert QImage(str(target)).width() == 1200
    assert [json.loads(line)["trace"] for line in done.stderr.splitlines()] == [
        "window_shown",
        "first_prediction",
        "first_heatmap",
    ]


def test_a_demonstration_without_a_model_says_so(tmp_path: Path, home: Path) -> None:
    code = demonstration(tmp_path / "w.png", "no-such-model")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "no-such-model" in done.stderr


def test_a_window_that_is_larger_than_the_screen_is_made_smaller(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    available = window.screen().availableSize()
    beyond = (available.width() + 500, available.height() + 500)
    size_within_screen(window, beyond, beyond)
    assert window.width() < available.width()
    assert window.minimumHeight() <= window.height() < available.height()
    size_within_screen(window, (200, 100), (10, 10))
    assert (window.width(), window.height()) == (200, 100)
