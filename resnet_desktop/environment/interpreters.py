"""Other Pythons on this computer: asked for their version, and which of them can make an environment."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_desktop.core.errors import TrainingError
from resnet_desktop.core.processes import own_process
from resnet_desktop.core.processes.child_process import ask
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.environment.requirements import SUPPORTED
from resnet_desktop.jobs.launching.process import plain_environment

VERSION_SECONDS = 30.0
"""How long a Python may take to say its version: a cold start from a slow disk takes some."""
PIP_SECONDS = 60.0
RANGE = f"{SUPPORTED[0][0]}.{SUPPORTED[0][1]} to {SUPPORTED[1][0]}.{SUPPORTED[1][1]}"

# Every Python since 2.6 understands it.
_QUESTION = "import sys; print('Python %d %d %s' % (sys.version_info[0], sys.version_info[1], sys.executable))"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that has said what it is.

    Attributes:
        path: where it lies.
        version: such as (3, 11).
    """

    path: Path
    version: tuple[int, int]

    @property
    def supported(self) -> bool:
        """Whether this program runs on it."""
        return SUPPORTED[0] <= self.version <= SUPPORTED[1]


def identify(command: Sequence[str], cancelled: Cancelled = never) -> Interpreter | None:
    """Ask a program what Python it is; None: it is none, or says nothing in VERSION_SECONDS.

    Raises:
        OSError: it cannot be started.
        CancelledError: as asked.
    """
    answer = ask([*command, "-c", _QUESTION], VERSION_SECONDS, env=plain_environment(), cancelled=cancelled)
    found = re.fullmatch(r"Python (\d+) (\d+) (.+)", answer.last_line)
    if answer.code != 0 or found is None:
        return None
    return Interpreter(Path(found[3]), (int(found[1]), int(found[2])))


def base_python(cancelled: Cancelled = never) -> Path:
    """An interpreter with pip that can make environments.

    Raises:
        TrainingError: ``install_failed``: there is none.
        CancelledError: as asked.
    """
    seen: set[Path] = set()
    for command in _commands():
        try:
            found = identify(command, cancelled)
            if found is None or not found.supported or found.path in seen:
                continue
            seen.add(found.path)
            # ``--python`` came with pip 22.3: an older one refuses.
            words = [str(found.path), "-m", "pip", "--python", str(found.path), "--version"]
            if ask(words, PIP_SECONDS, env=plain_environment(), cancelled=cancelled).code == 0:
                return found.path
        except OSError:
            continue  # a file that only looks like a program
    raise TrainingError(
        "install_failed",
        f"Installing PyTorch needs Python {RANGE} with pip, and none was found on this computer.",
        "Install Python from python.org, or choose a Python that has PyTorch.",
    )


def _commands() -> Iterator[list[str]]:
    """The one that runs the app, the one that its environment was made with, those on the path."""
    if not own_process.packaged():
        yield [sys.executable]
        inside = Path("python.exe") if sys.platform == "win32" else Path("bin", f"python3.{sys.version_info.minor}")
        yield [str(Path(sys.base_prefix, inside))]
    minors = range(SUPPORTED[1][1], SUPPORTED[0][1] - 1, -1)
    launcher = shutil.which("py") if sys.platform == "win32" else None
    if launcher is not None:
        yield from ([launcher, f"-3.{minor}"] for minor in minors)
    for name in (*(f"python3.{minor}" for minor in minors), "python3", "python"):
        found = shutil.which(name)
        if found is not None:
            yield [found]
