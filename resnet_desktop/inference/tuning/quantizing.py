"""Making a network of smaller numbers, in a process of its own.

ONNX Runtime's tools are scripts: they print, hold the interpreter for seconds, and end on a network that they cannot do
with whatever exception comes up. So the child does one recipe in a folder, and says how far it is; whatever ends it
otherwise is said of the network.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file import variant
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.processes import own_process
from resnet_desktop.core.progress import Cancelled, CancelledError, Progress, never, unheard
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.inference.tuning.recipes import FLOAT16, RECIPES, Recipe, has_wide_sums

COMMAND = "quantize"
"""The hidden command of the program that is the child."""
NETWORK, PICTURES, FOLDED, MADE = "network.onnx", "pictures.npy", "folded.onnx", "made.onnx"
"""Files of the folder: the graph, what ranges are learnt from, the graph with its norms folded, and what comes out."""
POLL_SECONDS = 0.05
_OPERATORS = (
    "Conv",
    "Gemm",
    "MatMul",
    "Add",
    "Mul",
    "Relu",
    "Clip",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Concat",
)
"""Those that ONNX Runtime computes in integers on the CPU and that rounding does not spoil, as it does a softmax."""
_logger = logging.getLogger(__name__)


def make(folder: Path, recipe: Recipe, cancelled: Cancelled = never, progress: Progress = unheard) -> Path:
    """Have a child follow a recipe on NETWORK and PICTURES of a folder; the file that it made.

    Raises:
        ModelError: ``unsupported_model``: the network cannot be made so.
        CancelledError: ``cancelled`` said so.
    """
    made = folder / MADE
    made.unlink(missing_ok=True)
    process = subprocess.Popen(
        own_process.command(own_process.PROGRAM, COMMAND, str(folder), recipe.name),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=own_process.environment(),
    )
    with process:
        try:
            last = _followed(process, cancelled, progress)
        finally:
            process.kill()
    if not made.exists():
        _logger.warning("A network could not be made %s (%s): %s", recipe.kind, recipe.name, last)
        message = f"ONNX Runtime's tools cannot make this network {recipe.kind}: {error_text(RuntimeError(last))}."
        raise ModelError("unsupported_model", message)
    return made


def follow_recipe(folder: Path, name: str) -> None:
    """What the child does; lines of standard output say how many photos are seen, and of how many."""
    recipe, out = RECIPES[name], sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):  # the tools print
        _fold(folder)
        if recipe.kind == FLOAT16:
            _halve(folder)
        else:
            _quantize(folder, recipe, lambda done, total: print(done, total, file=out, flush=True))
    (folder / f".{MADE}").replace(folder / MADE)


def _fold(folder: Path) -> None:
    """Norms go into the convolutions before them: what is left has a range of its own."""
    tools = importlib.import_module("onnxruntime.quantization.shape_inference")
    if not (folder / FOLDED).exists():
        tools.quant_pre_process(str(folder / NETWORK), str(folder / FOLDED), skip_symbolic_shape=True)


def _halve(folder: Path) -> None:
    tools = importlib.import_module("onnxruntime.transformers.float16")
    made = variant.as_half(folder / FOLDED, tools.convert_float_to_float16)
    (folder / f".{MADE}").write_bytes(made.SerializeToString())


def _quantize(folder: Path, recipe: Recipe, progress: Progress) -> None:
    tools = importlib.import_module("onnxruntime.quantization")
    source = folder / FOLDED
    pictures = np.load(folder / PICTURES, mmap_mode="r")[: recipe.most]
    spared = variant.sensitive(source, recipe.spared)
    unsigned = recipe.unsigned and not has_wide_sums()
    signed = {"quant_type": tools.QuantType.QInt8, "axis": 0, "symmetric": True}
    kept = {name: [signed] for name in variant.depthwise_weights(source, spared)} if unsigned else {}
    tools.quantize_static(
        str(source),
        str(folder / f".{MADE}"),
        _Reader(variant.input_name(source), pictures, progress),
        quant_format=tools.QuantFormat.QDQ,
        op_types_to_quantize=list(_OPERATORS),
        per_channel=True,
        reduce_range=not (has_wide_sums() or unsigned),
        activation_type=tools.QuantType.QUInt8,
        weight_type=tools.QuantType.QUInt8 if unsigned else tools.QuantType.QInt8,
        nodes_to_exclude=list(spared),
        calibrate_method=getattr(tools.CalibrationMethod, recipe.method),
        extra_options={
            # A stride of 1 has every photo's tensors reduced before the next one's: all at once are gigabytes.
            "CalibStridedMinMax": 1,
            "CalibTensorRangeSymmetric": False,
            "WeightSymmetric": True,
            "TensorQuantOverrides": kept,
        },
    )


class _Reader:
    """Hands out pictures one by one, as the tools ask for them (``CalibrationDataReader``)."""

    def __init__(self, name: str, pictures: NDArray[np.float32], progress: Progress) -> None:
        self._name, self._pictures, self._progress = name, pictures, progress
        self._next, self._end = 0, len(pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def set_range(self, start_index: int, end_index: int) -> None:
        """The next ones are these."""
        self._next, self._end = start_index, end_index

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """One picture, ``(1, 3, H, W)``, by the name of the input; None behind the last."""
        if self._next >= self._end:
            return None
        self._next += 1
        self._progress(self._next, len(self._pictures))
        return {self._name: np.array(self._pictures[self._next - 1 : self._next])}


def _followed(process: subprocess.Popen[bytes], cancelled: Cancelled, progress: Progress) -> str:
    """Until the child has ended; the last line of what it said on standard error."""
    assert process.stdout is not None
    assert process.stderr is not None
    lines: queue.Queue[bytes] = queue.Queue()
    errors: list[bytes] = []
    threads = [
        threading.Thread(target=_each, args=(process.stdout, lines.put), daemon=True),
        threading.Thread(target=_each, args=(process.stderr, errors.append), daemon=True),
    ]
    for thread in threads:
        thread.start()
    while threads[0].is_alive() or not lines.empty():
        if cancelled():
            process.kill()
            for thread in threads:
                thread.join()
            raise CancelledError
        with contextlib.suppress(queue.Empty):
            done, _, total = lines.get(timeout=POLL_SECONDS).partition(b" ")
            progress(int(done), int(total))
    for thread in threads:
        thread.join()
    said_last = [line.decode("utf-8", "replace").strip() for line in errors if line.strip()]
    return said_last[-1] if said_last else "it ended without a word"


def _each(stream: IO[bytes], take: Any) -> None:  # noqa: ANN401 - whatever takes a line
    for line in stream:
        take(line)
