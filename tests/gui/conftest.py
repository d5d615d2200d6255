"""A real window on Qt's offscreen platform, a real small ResNet, real photos."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

# Before Qt is imported by anyone.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6 import __version_info__ as pyside_version
from PySide6.QtCore import QMessageLogContext, QMimeData, QPoint, QPointF, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QDragEnterEvent, QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES, Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.settings import Settings
from resnet_desktop.gui.background.session_controller import SessionController
from resnet_desktop.gui.inspect.inspect_page import InspectPage
from resnet_desktop.gui.shell import app as gui_app
from resnet_desktop.gui.shell.main_window import MainWindow
from resnet_desktop.gui.shell.welcome import sample_photos
from resnet_desktop.gui.wizard.wizard import TrainWizard
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.session.results import Evidence, Limits, ModelInfo

REPO = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPO / "build" / "screenshots"
LABELS = ("tabby cat", "espresso", "golden retriever", "school bus", "lemon", "teapot", "monarch butterfly", "tractor")
SIDE = 128
WAIT = 20_000
CAT = sample_photos()[0]

OpenWindow = Callable[..., MainWindow]
OpenWizard = Callable[[], TrainWizard]


def random_arrays(arch: Architecture, classes: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """Weights that pass signals of even size through the network, and differ from place to place and class to class."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, NDArray[np.float32]] = {}

    def convolution(conv: str, norm: str, channels: tuple[int, int], kernel: int) -> None:
        fan_in = channels[0] * kernel * kernel
        shape = (channels[1], channels[0], kernel, kernel)
        arrays[f"{conv}.weight"] = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        arrays[f"{norm}.weight"] = np.ones(channels[1], np.float32)
        arrays[f"{norm}.bias"] = rng.normal(-0.1, 0.2, channels[1]).astype(np.float32)
        arrays[f"{norm}.running_mean"] = np.zeros(channels[1], np.float32)
        arrays[f"{norm}.running_var"] = np.ones(channels[1], np.float32)

    convolution("conv1", "bn1", (3, arch.widths[0]), 7)
    for block in arch.blocks:
        for conv in block.convolutions:
            names = (f"{block.name}.{conv.name}", f"{block.name}.{conv.norm}")
            convolution(*names, (conv.channels_in, conv.channels_out), conv.kernel)
        if block.projects:
            names = (f"{block.name}.downsample.0", f"{block.name}.downsample.1")
            convolution(*names, (block.channels_in, block.channels_out), 1)
    arrays["fc.weight"] = rng.normal(0, 0.02, (classes, arch.features)).astype(np.float32)
    arrays["fc.bias"] = np.zeros(classes, np.float32)
    return arrays


def write_model(
    path: Path,
    *,
    seed: int = 0,
    novelty: dict[str, object] | None = None,
    labels: tuple[str, ...] = LABELS,
    provenance: dict[str, object] | None = None,
) -> Path:
    """A ResNet-18 with random weights as a bundle."""
    arch = ARCHITECTURES["resnet18"]
    model = build_resnet(arch, random_arrays(arch, len(labels), seed), height=SIDE, width=SIDE)
    metadata = Metadata(
        arch=arch.name,
        categories=labels,
        transforms=Transforms(resize=144, crop=SIDE),
        temperature=0.6,
        novelty=novelty,
        provenance=provenance or {},
    )
    bundles.write(path, model, metadata)
    return path


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model."""
    return write_model(tmp_path_factory.mktemp("models") / "small18.onnx")


@pytest.fixture(autouse=True)
def known(tried_once: None) -> None:
    """Each model is tried once, not in every test's own home."""


@pytest.fixture
def small_base(home: Path, model_file: Path) -> str:
    """The name of the small model, which lies in the library of this test."""
    del home  # it was made
    return Library().install(model_file, "small18").path.stem


@pytest.fixture
def open_wizard(qtbot: QtBot) -> Iterator[OpenWizard]:
    """Opens the guide; it is closed at the end."""
    opened: list[TrainWizard] = []

    def open_it() -> TrainWizard:
        wizard = TrainWizard(Settings())
        opened.append(wizard)
        wizard.show()
        qtbot.waitExposed(wizard)
        return wizard

    yield open_it
    for wizard in opened:
        wizard.shut_down()
        wizard.hide()
        wizard.deleteLater()


@pytest.fixture(scope="session")
def wary_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model to which everything looks unfamiliar."""
    rule = {"method": "max_probability", "threshold": 2.0}
    return write_model(tmp_path_factory.mktemp("models") / "wary18.onnx", seed=1, novelty=rule)


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application as the app makes it, in place of pytest-qt's."""
    existing = QApplication.instance()
    return existing if isinstance(existing, QApplication) else gui_app.create_application()


@pytest.fixture(autouse=True)
def quiet_qt() -> Iterator[list[str]]:
    """Fail on anything that Qt warns of, and on windows left open."""
    said: list[str] = []

    def listen(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        if kind is not QtMsgType.QtDebugMsg and "This plugin does not support" not in text:
            said.append(f"{kind.name}: {text}")

    before = qInstallMessageHandler(listen)
    yield said
    qInstallMessageHandler(before)
    app = QApplication.instance()
    visible = [w for w in app.topLevelWidgets() if w.isVisible()] if isinstance(app, QApplication) else []
    for widget in visible:
        widget.close()
    assert not said
    assert not visible, f"windows left open: {visible}"


@pytest.fixture
def open_window(qtbot: QtBot, model_file: Path) -> Iterator[OpenWindow]:
    """Opens the real window as the app does: ``open_window(images, model=…, appearance=…, size=…)``."""
    windows: list[MainWindow] = []

    def open_it(
        *images: Path,
        model: Path | str | None = model_file,
        appearance: str = "light",
        size: tuple[int, int] = (1200, 780),
        settings: Settings | None = None,
        first_steps: bool = False,
    ) -> MainWindow:
        window = gui_app.create_window(settings)
        if not first_steps:
            window.companions.first_steps.leave()
        windows.append(window)
        window.apply_theme(appearance)
        window.resize(*size)
        wanted = None if model is None else str(model)
        window.first_painted.connect(lambda: window.start(images, wanted, "cpu"))
        with qtbot.waitSignal(window.first_painted, timeout=WAIT):
            window.show()
        return window

    yield open_it
    for window in windows:
        window.close()
        window.deleteLater()


def settled(window: MainWindow) -> bool:
    """Whether every photo has its outcome and the one that is looked at its evidence."""
    items = window.gallery.items
    current = window.inspect.gallery.current
    failed = current is not None and hasattr(current.outcome, "code")
    evidence = window.inspect.presenter.evidence
    shown = evidence is not None and current is not None and evidence.item == current.number
    ready = failed or (shown and window.inspect.view.has_photo)
    return bool(items) and all(item.outcome is not None for item in items) and ready


def wait_settled(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until nothing is under way."""
    qtbot.waitUntil(lambda: settled(window), timeout=WAIT)
    qtbot.wait(150)  # thumbnails


def save_screenshot(window: MainWindow, name: str) -> Path:
    """Save a picture of the window among the artefacts."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    assert window.grab().save(str(path))
    return path


def drag_over(window: MainWindow, mime: QMimeData) -> None:
    """What the platform does when something is dragged into the window."""
    # Qt 6.12 warns of the form with QPoint, and 6.11 has no other.
    where: Any = QPointF(300, 300) if pyside_version >= (6, 12) else QPoint(300, 300)
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    event = QDragEnterEvent(where, action, mime, button, Qt.KeyboardModifier.NoModifier)
    QGuiApplication.sendEvent(window, event)
    assert event.isAccepted()


def page_with(
    open_window: OpenWindow, qtbot: QtBot, *images: Path, **options: object
) -> tuple[MainWindow, InspectPage]:
    """The window with photos, once nothing is under way."""
    window = open_window(*(images or (CAT,)), **options)
    wait_settled(qtbot, window)
    return window, window.inspect


def arrived(qtbot: QtBot, page: InspectPage) -> Evidence:
    """The heatmap that was asked for."""
    qtbot.waitUntil(lambda: not page.presenter.waiting and page.presenter.evidence is not None, timeout=20_000)
    assert page.presenter.evidence is not None
    assert page.presenter.evidence.request == page.presenter.choice.request
    return page.presenter.evidence


@pytest.fixture
def controller(qtbot: QtBot) -> Iterator[SessionController]:
    """The session thread, without a model."""
    made = SessionController(Limits(top_k=3, max_pixels=100_000_000))
    yield made
    made.close()


@pytest.fixture
def ready(controller: SessionController, qtbot: QtBot, model_file: Path) -> SessionController:
    """The session thread with the small model."""
    with qtbot.waitSignal(controller.model_ready, timeout=WAIT) as opened:
        controller.open_model(str(model_file), "cpu")
    info = opened.args[0]
    assert isinstance(info, ModelInfo)
    assert (info.name, info.arch, info.classes, info.side, info.provider) == ("small18", "resnet18", 8, 128, "CPU")
    assert info.explains
    assert info.has_labels
    return controller
