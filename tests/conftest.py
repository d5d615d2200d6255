"""What every test stands on: a home of its own, no thread left behind, pictures to work with."""

from __future__ import annotations

import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.library import packaged
from resnet_desktop.core import paths
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from tests.weights import SECONDS

REPO = Path(__file__).resolve().parent.parent
SHARED_DATA = REPO.parent / "shared" / "data"
SECONDS_TO_END = 5.0

PhotoMaker = Callable[..., NDArray[np.uint8]]
FileMaker = Callable[..., Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--fast`` leaves out the files that take long."""
    parser.addoption("--fast", action="store_true", help="without the files of tests/weights.py and slow tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The files that take longest come first: what is begun last must not be what takes longest."""
    names = {item.path: item.path.relative_to(REPO).as_posix() for item in items}
    if config.getoption("--fast"):
        left_out = [i for i in items if names[i.path] in SECONDS or i.get_closest_marker("slow") is not None]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    items.sort(key=lambda item: -SECONDS.get(names[item.path], 0))


@pytest.fixture(scope="session")
def built_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the network that the app starts with, built once."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_DESKTOP_HOME", str(folder))
        return packaged.built(packaged.PACKAGED[0]).parent


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, built_networks: Path) -> Path:
    """An empty home for the app, so that no test meets the user's settings, models or logs, nor another test's.

    The network that the app starts with is there already, as a link to one file for all: to alter it, replace it.
    """
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(folder))
    for file in built_networks.iterdir():
        paths.built_models_folder().mkdir(parents=True, exist_ok=True)
        (paths.built_models_folder() / file.name).hardlink_to(file)
    return folder


@pytest.fixture(scope="session")
def known_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which models have passed their trial in any of these tests, and in which precision this machine trains."""
    return tmp_path_factory.mktemp("known")


@pytest.fixture
def tried_once(home: Path, known_here: Path) -> Iterator[None]:
    """Each model is tried once and the machine measured once, not in every test's own home."""
    cache = home / "cache"
    cache.mkdir(exist_ok=True)
    for name in ("admitted.json", "precision.json"):
        if (known_here / name).exists():
            shutil.copy(known_here / name, cache)
    yield
    for name in ("admitted.json", "precision.json"):
        if (cache / name).exists():
            shutil.copy(cache / name, known_here)


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    """Fail a test after which a non-daemon thread goes on: it would keep the app from ending."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + SECONDS_TO_END
    for thread in threading.enumerate():
        if thread not in before and not thread.daemon:
            thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in threading.enumerate() if thread not in before and not thread.daemon]
    assert not left, f"threads left running: {left}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data sets; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets are not here (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def shared_photos(shared_data: Path) -> dict[str, bytes]:
    """Real photos of 512 pixels, by file name: the content of their JPEG files."""
    archive = shared_data / "photos.zip"
    if not archive.is_file():
        pytest.skip("photos.zip is not among the shared data sets")
    with zipfile.ZipFile(archive) as photos:
        return {Path(name).name: photos.read(name) for name in sorted(photos.namelist()) if name.endswith(".JPEG")}


def make_photo(width: int = 64, height: int = 48, seed: int = 0) -> NDArray[np.uint8]:
    """A picture with smooth areas, edges and some noise, as photos have: uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    pixels = np.empty((height, width, 3))
    for channel in range(3):
        frequency, phase = rng.uniform(1, 5, 2), rng.uniform(0, 6, 2)
        pixels[..., channel] = 128 + 50 * np.sin(6 * frequency[0] * x + phase[0]) * np.cos(
            6 * frequency[1] * y + phase[1]
        )
    centre = rng.uniform(0.3, 0.7, 2)
    pixels[np.hypot(x - centre[0], y - centre[1]) < 0.2] += rng.uniform(-70, 70, 3)
    return np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def photo() -> PhotoMaker:
    """The maker of pictures: ``photo(width, height, seed)`` gives uint8 (height, width, 3)."""
    return make_photo


@pytest.fixture
def photo_file(tmp_path: Path) -> FileMaker:
    """The maker of picture files: ``photo_file(name, width, height, seed)`` writes a JPEG, or a PNG for ``.png``."""

    def make(name: str = "photo.jpg", width: int = 64, height: int = 48, seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = make_photo(width, height, seed)
        path.write_bytes(encode_png(pixels) if path.suffix == ".png" else encode_jpeg(pixels))
        return path

    return make
