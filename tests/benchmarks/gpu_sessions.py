"""Peers of the app's sessions: bare ONNX Runtime with all on the device, the float16 graph, PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import stored_arrays
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.inference import runtime
from tests.benchmarks.gpu_setting import Images, Setting
from tests.benchmarks.material import CLASSES, Arrays

Run = Callable[[], object]
OWN_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested", "use_tf32": "0"}
EXHAUSTIVE = {**OWN_OPTIONS, "cudnn_conv_algo_search": "EXHAUSTIVE"}
TF32 = {**OWN_OPTIONS, "use_tf32": "1"}
NHWC = {**OWN_OPTIONS, "prefer_nhwc": "1"}


class Bare:
    """ONNX Runtime as it comes, on the device of a setting, through I/O binding.

    Args:
        setting: where.
        model: the bytes of an ONNX file.
        options: of the CUDA provider.
    """

    def __init__(self, setting: Setting, model: bytes, options: dict[str, str] | None = None) -> None:
        library = runtime.library()
        wanted = [(setting.provider, (OWN_OPTIONS if options is None else options) if setting.on_gpu else {})]
        self._session = library.InferenceSession(model, providers=wanted)
        self._device, self._library = setting.device, library
        self._input, self._output = self._session.get_inputs()[0].name, self._session.get_outputs()[0].name

    def resident(self, batch: Images) -> Run:
        """Runs of a batch that lies on the device; the logits stay there."""
        binding = self._session.io_binding()
        value = self._library.OrtValue.ortvalue_from_numpy(batch, self._device, 0)
        binding.bind_ortvalue_input(self._input, value)
        binding.bind_output(self._output, self._device)
        self._session.run_with_iobinding(binding)
        binding.bind_ortvalue_output(self._output, binding.get_outputs()[0])
        return lambda: self._session.run_with_iobinding(binding)

    def logits(self, batch: Images, size: int) -> Images:
        """Of a batch, in runs of ``size``."""
        parts = [
            self._session.run([self._output], {self._input: batch[i : i + size]})[0] for i in range(0, len(batch), size)
        ]
        return np.concatenate(parts)

    def copied(self, batch: Images) -> Run:
        """Runs of a batch that is copied to the device each time, and the logits back."""
        binding = self._session.io_binding()
        binding.bind_output(self._output, "cpu")

        def run() -> None:
            binding.bind_cpu_input(self._input, batch)
            self._session.run_with_iobinding(binding)
            binding.copy_outputs_to_cpu()

        return run


def halved(bundle: Bundle, folder: Path, extra: tuple[str, ...] = ()) -> bytes:
    """The bundle's graph computing in float16: inputs and outputs stay float32.

    The batch norms are folded first, in float32, by ONNX Runtime itself: their statistics are too small for float16.
    """
    library, path = runtime.library(), folder / "folded.onnx"
    options = library.SessionOptions()
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4
    library.InferenceSession(bundles.serialized(bundle, extra), options, providers=[runtime.CPU])
    model = onnx.load(path)
    graph = model.graph
    del graph.value_info[:]
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    names = {value.name: f"{value.name}.f16" for value in (*graph.input, *graph.output)}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    first = [helper.make_node("Cast", [v.name], [names[v.name]], to=TensorProto.FLOAT16) for v in graph.input]
    last = [helper.make_node("Cast", [names[v.name]], [v.name], to=TensorProto.FLOAT) for v in graph.output]
    nodes = [*first, *graph.node, *last]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def torch_run(setting: Setting, arrays: Arrays, batch: Images, *, compiled: bool) -> Run:
    """The same network in PyTorch in bfloat16, channels-last, on a batch that lies on the device."""
    import torch

    from resnet_desktop.trainer.network.build import load_arrays
    from resnet_desktop.trainer.network.resnet import ResNet

    network = ResNet(ARCHITECTURES["resnet50"], CLASSES).eval()
    load_arrays(network, stored_arrays(arrays, "float16"))
    network.to(setting.device, torch.bfloat16).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.from_numpy(batch).to(setting.device, torch.bfloat16).contiguous(memory_format=torch.channels_last)
    forward = torch.compile(network, dynamic=False) if compiled else network

    def run() -> None:
        with torch.inference_mode():
            forward(x)

    run()
    return run
