"""A picture with heatmap of each of many photos. For the session thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_desktop.core.errors import AnswerError, ImageError, StorageError
from resnet_desktop.core.progress import stop_if
from resnet_desktop.gui.saving.evidence_picture import Dress, Shown, photo_picture, write_png
from resnet_desktop.session.results import EvidenceRequest, Source
from resnet_desktop.sorting.names import LONGEST_FILE, numbered

if TYPE_CHECKING:
    from resnet_desktop.core.progress import Cancelled, Progress
    from resnet_desktop.session.engine import Engine


@dataclass(frozen=True, slots=True)
class Written:
    """How many pictures were written, and what is wrong with the first that could not be, or nothing."""

    count: int
    problem: str


def write_heatmaps(
    engine: Engine,
    photos: Sequence[tuple[int, Source, str]],
    folder: Path,
    dress: Dress,
    cancelled: Cancelled,
    progress: Progress,
) -> Written:
    """Write the usual heatmap of each photo (number, picture, name) as ``name-heatmap.png``, over no file.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
        ProviderError, ModelError, CancelledError.
    """
    count, problem = 0, ""
    for done, (number, source, name) in enumerate(photos):
        stop_if(cancelled)
        progress(done, len(photos))
        try:
            evidence = engine.analysis.evidence(number, source, EvidenceRequest(), cancelled)
            if evidence.problem is not None:
                problem = problem or evidence.problem.text
                continue
            shown = Shown(source, evidence, evidence.label, name)
            write_png(_free(folder, name), photo_picture(shown, dress, engine.max_pixels))
        except (ImageError, AnswerError) as error:
            problem = problem or error.message
            continue
        except StorageError as error:
            hint = "Choose another folder."
            raise StorageError(error.code, f"{error.message} {count} were saved before.", hint) from error
        count += 1
    return Written(count, problem)


def _free(folder: Path, name: str) -> Path:
    number, stem = 1, Path(name).stem.replace(":", ".") or "photo"
    while (path := folder / numbered(f"{stem}-heatmap.png", number, LONGEST_FILE)).exists():
        number += 1
    return path
