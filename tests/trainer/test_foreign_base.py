"""Whole runs from bases of other people: what is trained, what is exported, what is refused and with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.core.errors import JobError, ModelError, ResNetDesktopError, TrainingError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.trainer.graph import RULES
from tests.trainer.conftest import fine_tune_job, run_here
from tests.trainer.test_graph_network import exported

Job = Callable[..., dict[str, Any]]


@pytest.fixture
def base(tmp_path: Path) -> Callable[[str], Path]:
    """The file of a small network by its name."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(exported(name))
        return path

    return write


@pytest.fixture
def job(stripe_folder: Path, tmp_path: Path) -> Job:
    def make(path: Path, train: str = "last-stage", **changes: Any) -> dict[str, Any]:
        given = {"train": train, "epochs": 2, "batch_size": 8, **changes}
        return fine_tune_job(stripe_folder, tmp_path / f"run-{train}", path, **given)

    return make


def arrays(path: Path) -> dict[str, Any]:
    model = onnx.load(path)
    return {t.name: numpy_helper.to_array(t).astype(np.float32) for t in model.graph.initializer}


@pytest.mark.parametrize("name", ["mobilenet-v3", "convnext", "vit"])
def test_the_last_stage_of_another_network(job: Job, base: Callable[[str], Path], name: str) -> None:
    path = base(name)
    given = job(path)
    said = run_here(given)
    assert said[-1]["event"] == "finished"
    made = read(Path(given["output"]) / "model.onnx")
    assert (made.metadata.arch, made.metadata.categories) == ("graph", ("lying", "standing"))
    assert (made.input_name, made.output_name, made.batch) == ("input", "logits", None)
    old, new = arrays(path), arrays(made.path)
    same = {key for key in old.keys() & new.keys() if old[key].shape == new[key].shape}
    changed = {key for key in same if not np.allclose(old[key], new[key], rtol=2e-3, atol=1e-6)}
    assert changed
    assert len(changed) < len(same)
    before = [layer.tensor for layer in layers(read(path))]
    assert [layer.tensor for layer in layers(made)] == before
    explainer = Explainer(Classifier(made))
    for layer in layers(made):
        assert not explainer.why_no_gradient(layer)
    proof = json.loads((Path(given["output"]) / "results.json").read_text("utf-8"))["about"]["parity"]
    assert proof["bundle"] <= 1e-4


def test_all_parts_with_averaging_and_a_hidden_head(job: Job, base: Callable[[str], Path]) -> None:
    recipe = {"ema": 0.9, "freeze_norms": False, "mixup": 0.2, "cutmix": 1.0}
    given = job(base("mobilenet-v2"), "all", recipe=recipe, head={"hidden": 6, "dropout": 0.1})
    assert run_here(given)[-1]["event"] == "finished"
    made = read(Path(given["output"]) / "model.onnx")
    old, new = arrays(Path(given["base"])), arrays(made.path)
    assert {"head.0.weight", "head.1.bias"} <= new.keys()
    means = [key for key in old if key.endswith("running_mean")]
    assert all(not np.array_equal(old[key], new[key]) for key in means)


def test_a_run_goes_on_as_if_it_had_never_stopped(job: Job, base: Callable[[str], Path], tmp_path: Path) -> None:
    path, control = base("mobilenet-v2"), Control("trial")
    whole = job(path, "all", recipe={"freeze_norms": False})
    run_here(whole)

    def stop(record: dict[str, Any]) -> None:
        if record["event"] == "epoch_finished":
            control.handle("cancel")

    parts = {**job(path, "all", recipe={"freeze_norms": False}), "output": str(tmp_path / "parts")}
    with pytest.raises(CancelledRunError):
        run_here(parts, stop, control)
    run_here(parts)
    once, twice = (arrays(Path(j["output"]) / "model.onnx") for j in (whole, parts))
    for key in once:
        np.testing.assert_array_equal(once[key], twice[key])


def refused(given: dict[str, Any], kind: type[ResNetDesktopError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        run_here(given)
    assert caught.value.hint
    assert not (Path(given["output"]) / "model.onnx").exists()


def edited(path: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return path


def test_an_operator_without_a_rule(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == "Relu")
        kept = node.output[0]
        node.output[0] = f"{kept}.before"
        model.graph.node.insert(
            list(model.graph.node).index(node) + 1,
            helper.make_node("Shrink", [f"{kept}.before"], [kept], name="odd", lambd=0.0),
        )

    refused(job(edited(base("vgg"), change)), JobError, r"operator Shrink \(odd\)")


def test_whole_numbers(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == "Relu")
        kept = node.output[0]
        node.output[0] = f"{kept}.before"
        place = list(model.graph.node).index(node) + 1
        scales = [numpy_helper.from_array(np.array(0.05, np.float32), "scale")]
        model.graph.initializer.extend([*scales, numpy_helper.from_array(np.array(0, np.uint8), "zero")])
        for op, given, made in (("DequantizeLinear", "q", kept), ("QuantizeLinear", f"{kept}.before", "q")):
            model.graph.node.insert(place, helper.make_node(op, [given, "scale", "zero"], [made]))

    refused(job(edited(base("vgg"), change)), JobError, "8-bit integers")


def test_a_weight_that_is_no_number(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.name == "0.weight")
        values = numpy_helper.to_array(tensor).copy()
        values.flat[0] = np.nan
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    refused(job(edited(base("vgg"), change)), ModelError, r"weights that are unusable .*0\.weight")


def test_a_last_layer_that_is_not_linear(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[-1]
        kept = node.output[0]
        node.output[0] = "before"
        model.graph.node.append(helper.make_node("Tanh", ["before"], [kept]))

    refused(job(edited(base("vgg"), change)), ModelError, "last layer")


def test_another_answer_in_pytorch(job: Job, base: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RULES["MaxPool"]
    monkeypatch.setitem(RULES, "MaxPool", lambda node, inputs: rule(node, inputs) * 1.5)  # type: ignore[operator]
    refused(job(base("vgg")), TrainingError, r"in probability, first behind the operator MaxPool")


def test_a_size_that_the_graph_does_not_take(job: Job, base: Callable[[str], Path]) -> None:
    refused(job(base("vgg"), input_size=48), JobError, "photos of 32 pixels, not 48")


def test_a_batch_that_cannot_be_made_free(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        node = next(n for n in model.graph.node if n.op_type == "Relu")
        node.op_type = "Max"
        node.input.append("floor")
        model.graph.initializer.append(numpy_helper.from_array(np.zeros((2, 1, 1, 1), np.float32), "floor"))
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
        model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 2

    refused(job(edited(base("vgg"), change)), JobError, "only accepts batches of 2")


def test_a_picture_that_is_no_square(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64

    refused(job(edited(base("mobilenet-v2"), change)), JobError, "32 × 64 pixels")


def test_a_softmax_and_a_fixed_batch(job: Job, base: Callable[[str], Path]) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node.append(helper.make_node("Softmax", [model.graph.output[0].name], ["p"], axis=1))
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info("p", TensorProto.FLOAT, [1, 5]))
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1

    given = job(edited(base("mobilenet-v2"), change))
    assert run_here(given)[-1]["event"] == "finished"
    made = read(Path(given["output"]) / "model.onnx")
    assert (made.batch, made.metadata.output) == (None, "logits")


def test_a_network_is_the_same_however_its_batch_is_cut(base: Callable[[str], Path], job: Job) -> None:
    """Shapes that a graph computes for one batch are not taken for another."""
    from resnet_desktop.jobs.job import parse_job
    from resnet_desktop.trainer.network.build import build_network

    network = build_network(parse_job(job(base("swin"))), 2).eval()
    x = torch.randn(5, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(torch.cat([network(x[:2]), network(x[2:])]), network(x))
