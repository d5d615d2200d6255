"""What torch and the system raise, in words for a person; the error itself goes to ``log.txt``."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resnet_desktop.core import atomic
from resnet_desktop.core.errors import ResNetDesktopError, TrainingError

LONGEST = 200
"""Characters of a foreign error that are repeated."""
DIVERGES = (
    "The loss of epoch {epoch} is {loss:.3g}: worse than guessing, and worse than at the start. Training is diverging; "
    "a lower learning rate may help."
)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_WORDS = (
    *("out of memory", "can't allocate memory", "not enough memory", "alloc failed", "failed to allocate"),
    *("std::bad_alloc", "can't start new thread", "could not create a primitive", "could not create a memory"),
)
"""A thread is not started where its stack finds no room. The last two are oneDNN's, on the CPU: mostly it got no memory
for a convolution, and a smaller part may do."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was no memory left, on whatever device; PyTorch need not be here to be heard."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def in_words(error: BaseException, folder: Path) -> ResNetDesktopError:
    """An error of ours for any other; ``folder`` is where the run writes."""
    if isinstance(error, ResNetDesktopError):
        return error
    if is_out_of_memory(error):
        return out_of_memory()
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return atomic.storage_error(Path(error.filename or folder), error)
        said = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
    else:
        lines = str(error).strip().splitlines()
        said = lines[0][:LONGEST].rstrip(".:") if lines else type(error).__name__
    return TrainingError("training_failed", f"Training stopped with an error: {said}.", "See log.txt.")


def out_of_memory() -> TrainingError:
    """What is said where nothing smaller can be tried any more."""
    return TrainingError(
        "out_of_memory",
        "There is not enough memory to continue.",
        "Close other programs and resume the run, or start again with a smaller input size or network.",
    )


def batch_split(size: int, part: int) -> str:
    """What is said where a batch of ``size`` goes through the network ``part`` photos at a time, for want of memory."""
    pictures = "1 photo" if part == 1 else f"{part} photos"
    return f"Memory ran out: batches of {size} are now processed {pictures} at a time."


def diverges(history: Sequence[Mapping[str, Any]], classes: int) -> bool:
    """Whether the last epoch is the first whose loss says that training has diverged, though it is a number still.

    To guess costs log(classes); that much twice, and more than at the beginning, is no learning any more.
    """
    losses = [row["training_loss"] for row in history if row["training_loss"] is not None]
    lost = [loss for loss in losses if loss > max(2 * math.log(max(2, classes)), 1.5 * losses[0])]
    return len(lost) == 1 and lost[0] == losses[-1]


def finite(loss: float) -> float:
    """The loss itself. Raises TrainingError if it is no finite number."""
    if not math.isfinite(loss):
        raise TrainingError(
            "loss_not_finite",
            "The loss is no longer a number: training has diverged.",
            "Choose a lower learning rate and start again.",
        )
    return loss
