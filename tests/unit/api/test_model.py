"""The library as programs use it, on small real networks."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from PIL import Image

import resnet_desktop as rd
from resnet_desktop.bundle.library.importing import preprocessing
from resnet_desktop.core.errors import ClassNameError, ImageError, LayerError, ModelError
from resnet_desktop.explain.autodiff.gradient_model import SEED, gradient_name, operators
from resnet_desktop.imaging.decode import decode
from tests.unit.bundle.making import LABELS, SIDE, TINY, plain_classifier, random_arrays, tiny_bundle, tiny_model

FileMaker = Callable[..., Path]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("model") / "tiny.onnx").path


@pytest.fixture
def model(path: Path) -> rd.Model:
    return rd.open(path)


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, resnet_desktop as rd\n"
        "assert not {'numpy', 'onnx', 'onnxruntime', 'PIL'} & set(sys.modules)\n"
        "rd.open, rd.gradients, rd.read_weights, rd.Model\n"
        "print({'PySide6', 'typer', 'rich', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_name_is_there() -> None:
    assert {name for name in rd.__all__ if getattr(rd, name) is None} == set()
    assert set(rd.__all__) <= set(dir(rd))
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        _ = rd.close


def test_a_picture_may_come_in_any_form(model: rd.Model, photo_file: FileMaker) -> None:
    file = photo_file("photo.png", 70, 40)
    pixels = decode(file).pixels
    reference = model.classify(file)
    assert reference.label in LABELS
    assert reference.confidence == reference.scores[0].probability == pytest.approx(reference.probabilities.max())
    with Image.open(file) as image:
        for form in (str(file), file.read_bytes(), bytearray(file.read_bytes()), pixels, image):
            assert np.array_equal(model.classify(form).logits, reference.logits)


def test_several_pictures_keep_their_order_and_their_errors(model: rd.Model, photo_file: FileMaker) -> None:
    first, second = photo_file("a.png", 60, 40, 1), photo_file("b.png", 60, 40, 2)
    pixels = decode(second).pixels
    found = model.classify([first, first.parent / "none.png", pixels, second])
    assert [one.ok for one in found] == [True, False, True, True]
    assert np.array_equal(found[2].logits, found[3].logits)
    assert not np.array_equal(found[0].logits, found[3].logits)
    assert found[1].scores == ()
    with pytest.raises(ImageError, match=r"none\.png"):
        _ = found[1].label
    with pytest.raises(ImageError, match=r"none\.png"):
        model.classify(first.parent / "none.png")
    batch = list(model.stream(np.stack([pixels, pixels])))
    assert [np.array_equal(one.logits, found[2].logits) for one in batch] == [True, True]


def test_transparent_grey_and_palette_pictures_are_read_as_their_files(model: rd.Model) -> None:
    rng = np.random.default_rng(3)
    rgba = rng.integers(0, 256, (40, 40, 4), np.uint8)
    pictures = [
        Image.fromarray(rgba),
        Image.fromarray(rgba[..., 0]),
        Image.fromarray(rgba[..., :3]).quantize(8),
        Image.fromarray(rgba[..., :2], "LA"),
    ]
    for picture in pictures:
        file = io.BytesIO()
        picture.save(file, "PNG")
        assert np.allclose(model.classify(picture).logits, model.classify(file.getvalue()).logits, atol=2e-3)
    assert np.allclose(model.classify(rgba).logits, model.classify(pictures[0]).logits)
    assert np.allclose(model.classify(rgba[..., 0]).logits, model.classify(pictures[1]).logits)


@pytest.mark.parametrize("shape", [(8,), (8, 8, 2), (8, 8, 5), (0, 8, 3)])
def test_what_is_no_picture_is_refused(model: rd.Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="an array must"):
        model.classify(np.zeros(shape, np.uint8))


def test_pixels_of_other_types_are_refused(model: rd.Model) -> None:
    with pytest.raises(ValueError, match="uint8"):
        model.classify(np.zeros((8, 8, 3), np.float32))
    with pytest.raises(ValueError, match="more than eight bits"):
        model.classify(Image.new("I;16", (8, 8)))
    with pytest.raises(ValueError, match="not int"):
        model.classify([3])  # type: ignore[list-item]


def test_an_explanation_has_the_map_the_overlay_and_files(
    model: rd.Model, photo_file: FileMaker, tmp_path: Path
) -> None:
    file = photo_file("photo.png", 70, 40)
    found = model.explain(file, "bee", layer=model.layers[0].name, against="ant")
    assert (found.label, found.layer, found.method) == ("bee", model.layers[0].name, "gradcam")
    assert found.cam.shape == model.layers[0].shape[1:]
    whole = found.on_pixels()
    assert whole.shape == (40, 70)
    assert np.isnan(whole[:, 0]).all(), "the network saw only the middle"
    assert 0.0 <= np.nanmin(whole) <= np.nanmax(whole) <= 1.0
    assert found.overlay("turbo").shape == (40, 70, 3)
    found.save(tmp_path / "map.png")
    found.save(tmp_path / "map.npz")
    assert np.array_equal(decode(tmp_path / "map.png").pixels, found.overlay())
    with np.load(tmp_path / "map.npz") as arrays:
        assert np.array_equal(arrays["cam"], found.cam)
    assert found._repr_html_().startswith("<figure>")


def test_targets_layers_and_methods_are_checked(model: rd.Model, photo: Callable[..., NDArray[np.uint8]]) -> None:
    picture = photo()
    assert model.explain(picture, 1).label == "bee"
    assert np.array_equal(model.explain(picture, (0, 1)).heatmap.target, (0, 1))
    assert "gradcam" in model.methods()
    with pytest.raises(ClassNameError):
        model.explain(picture, "wasp")
    with pytest.raises(LayerError):
        model.explain(picture, layer="layer9")
    with pytest.raises(IndexError):
        model.explain(picture, 99)


def test_blocks_and_checks(model: rd.Model, photo: Callable[..., NDArray[np.uint8]]) -> None:
    picture = photo()
    report = model.blocks(picture, "ant")
    assert report.label == "ant"
    assert all(block.lesion is not None for block in report.reports)
    assert all(block.lesion is None for block in model.blocks(picture, lesions=False).reports)
    check = model.check(model.explain(picture))
    assert check.grade in ("good", "mixed", "poor")


def test_labels_are_never_markup(tmp_path: Path, photo: Callable[..., NDArray[np.uint8]]) -> None:
    path = tmp_path / "bare.onnx"
    onnx.save(plain_classifier(classes=3), path)
    model = rd.open(path, labels=["<b>ant</b>", "bee & wasp", "crane"])
    html = model.classify(photo())._repr_html_()
    assert "<b>" not in html
    assert "bee &amp; wasp" in html
    assert "&lt;b&gt;ant" in html


def test_what_a_bare_model_lacks_can_be_given(tmp_path: Path, photo: Callable[..., NDArray[np.uint8]]) -> None:
    path = tmp_path / "bare.onnx"
    onnx.save(plain_classifier(classes=3), path)
    (tmp_path / "labels.txt").write_text("ant\nbee\ncrane\n", "utf-8")
    bare, named = rd.open(path), rd.open(path, labels=tmp_path / "labels.txt")
    assert bare.labels == ("class 0", "class 1", "class 2")
    assert named.labels == ("ant", "bee", "crane")
    other = rd.open(path, transforms=preprocessing(side=bare.side, resize=bare.side, values="0..1").to_json(), top=2)
    assert len(other.classify(photo()).scores) == 2
    assert not np.allclose(other.classify(photo()).logits, bare.classify(photo()).logits)
    with pytest.raises(ModelError, match="2 labels for 3 classes"):
        rd.open(path, labels=["ant", "bee"])
    with pytest.raises(ModelError):
        rd.open("no such model")


def test_gradients_of_any_graph_are_those_of_small_steps(tmp_path: Path) -> None:
    model = tiny_model()
    onnx.save(model, tmp_path / "tiny.onnx")
    inside = next(node.output[0] for node in model.graph.node if node.op_type == "Relu")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)
    seed = np.zeros((1, len(LABELS)), np.float32)
    seed[0, 2] = 1.0
    for given in (model, model.SerializeToString(), tmp_path / "tiny.onnx"):
        made = rd.gradients(given, "logits", ["input", inside])
    onnx.checker.check_model(made)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    names = [gradient_name("input"), inside, gradient_name(inside)]
    gradient, activation, at = session.run(names, {"input": x, SEED: seed})
    assert gradient.shape == x.shape
    assert activation.shape == at.shape
    norm = float(np.linalg.norm(gradient))
    near = [session.run(["logits"], {"input": x + s * gradient / norm, SEED: seed})[0][0, 2] for s in (0.02, -0.02)]
    assert norm == pytest.approx((near[0] - near[1]) / 0.04, rel=0.02)


def test_gradients_say_what_they_cannot_do() -> None:
    with pytest.raises(LayerError, match="no tensor 'nothing'"):
        rd.gradients(tiny_model(), "logits", "nothing")
    assert {"Conv", "Gemm", "Relu"} <= set(operators())


def test_weights_are_read_without_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    arrays = random_arrays(TINY, 3)
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, tmp_path / "weights.pth")
    read = rd.read_weights(tmp_path / "weights.pth")
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())
