"""What Hugging Face and timm lay beside a model's file: read where neither the file nor the user says it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.beside import look_beside
from resnet_desktop.bundle.library.importing import ModelHints, copy_model, preprocessing
from resnet_desktop.imaging.transforms import Transforms

from .making import plain_classifier, save

HALF = [0.5, 0.5, 0.5]
NAMES = {"id2label": {"0": "ant", "1": "bee", "2": "crane", "3": "wasp"}}
LABELS = ("ant", "bee", "crane", "wasp")
CLIP = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}


def laid(folder: Path, **files: Any) -> Path:
    """A model's file with JSON files beside it."""
    path = save(folder / "model.onnx", plain_classifier())
    for name, value in files.items():
        (path.parent / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def processor(**told: Any) -> dict[str, Any]:
    return {"do_normalize": True, "image_mean": HALF, "image_std": HALF, **told}


@pytest.mark.parametrize(
    ("told", "right"),
    [
        (processor(size={"height": 16, "width": 16}), {"resize": 16, "crop": 16, "fit": "stretch", "mean": (0.5,) * 3}),
        (processor(size=16, resample=3), {"resize": 16, "crop": 16, "fit": "stretch", "interpolation": "bicubic"}),
        (
            processor(size={"shortest_edge": 20}, do_center_crop=True, crop_size={"height": 16, "width": 16}, **CLIP),
            {"resize": 20, "crop": 16, "fit": "crop", "mean": (0.48, 0.46, 0.41), "std": (0.27, 0.26, 0.28)},
        ),
        (processor(size={"shortest_edge": 16}, crop_pct=0.8), {"resize": 20, "crop": 16, "fit": "crop"}),
        (processor(size={"shortest_edge": 384}, crop_pct=1.0), {"resize": 384, "crop": 384, "fit": "stretch"}),
        (
            {"size": {"shortest_edge": 20}, "do_center_crop": True, "crop_size": 16, "do_normalize": False,
             "do_flip_channel_order": True},
            {"mean": (0.0,) * 3, "std": (1.0,) * 3, "channels": "bgr"},
        ),
        (processor(size=16, do_rescale=False, do_normalize=False), {"std": (1 / 255,) * 3}),
        (
            {"size": 16, "rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False},
            {"mean": (0.5,) * 3, "std": (0.5,) * 3},
        ),
    ],
)  # fmt: skip
def test_an_image_processors_configuration(told: dict[str, Any], right: dict[str, Any], tmp_path: Path) -> None:
    found = look_beside(laid(tmp_path, preprocessor_config=told)).transforms
    assert found is not None
    for key, value in right.items():
        assert getattr(found, key) == (pytest.approx(value) if isinstance(value, tuple) else value), key


def test_what_timm_writes(tmp_path: Path) -> None:
    told = {"input_size": [3, 16, 16], "crop_pct": 0.8, "mean": HALF, "std": HALF, "interpolation": "bicubic"}
    found = look_beside(laid(tmp_path, config={"label_names": list(LABELS), "pretrained_cfg": told}))
    assert found.labels == LABELS
    assert found.transforms == Transforms(None, 20, 16, "bicubic", (0.5,) * 3, (0.5,) * 3)
    assert found.source == "config.json"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"preprocessor_config": "{", "config": "[1]"},
        {"preprocessor_config": {"feature_size": 80, "sampling_rate": 16000}, "config": {"host": "localhost"}},
        {"preprocessor_config": processor(size={"shortest_edge": 0})},
        {"preprocessor_config": processor(size=16, image_mean=[0.5])},
        {"preprocessor_config": processor(size=16, do_resize=False)},
        {"preprocessor_config": processor(size=16, rescale_factor=0)},
        {"config": {"id2label": {str(i): f"LABEL_{i}" for i in range(4)}}},
    ],
)
def test_what_says_nothing_is_passed_over(files: dict[str, Any], home: Path, tmp_path: Path) -> None:
    bundle = remembered_labels.read(laid(tmp_path, **files))
    assert (bundle.named, bundle.prepared) == (False, False)
    assert [note.code for note in bundle.doubts] == ["values_assumed"]


def test_it_is_used_opened_and_installed(home: Path, tmp_path: Path) -> None:
    path = laid(tmp_path, preprocessor_config=processor(size=16, resample=3), config=NAMES)
    opened = remembered_labels.read(path)
    assert (opened.named, opened.prepared, opened.doubts) == (True, True, ())
    assert "values_beside" in [note.code for note in opened.notes]
    installed = copy_model(path, tmp_path / "library" / "copy.onnx", ModelHints())
    for bundle in (opened, installed):
        assert bundle.metadata.categories == LABELS
        assert (bundle.metadata.transforms.mean, bundle.metadata.transforms.fit) == ((0.5,) * 3, "stretch")
    assert (installed.prepared, installed.metadata.assumed) == (True, ())


def test_a_folder_called_onnx_looks_one_up(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor(size=16)), "utf-8")
    assert look_beside(save(tmp_path / "onnx" / "model.onnx", plain_classifier())).transforms is not None
    (tmp_path / "other").mkdir()
    assert look_beside(save(tmp_path / "other" / "model.onnx", plain_classifier())).transforms is None


def test_another_size_than_the_networks_leaves_the_sizes(home: Path, tmp_path: Path) -> None:
    bundle = remembered_labels.read(laid(tmp_path, preprocessor_config=processor(size=32)))
    assert (bundle.metadata.transforms.crop, bundle.metadata.transforms.mean) == (16, (0.5,) * 3)


def test_the_user_has_the_last_word(home: Path, tmp_path: Path) -> None:
    path = laid(tmp_path, preprocessor_config=processor(size=16), config=NAMES)
    remembered_labels.remember(read(path), ModelHints(LABELS[::-1], preprocessing(16, values="0..255")))
    bundle = remembered_labels.read(path)
    assert bundle.metadata.categories == LABELS[::-1]
    assert bundle.metadata.transforms.mean == (0.0, 0.0, 0.0)
    assert not [note for note in bundle.notes if note.code.startswith("values")]
    told = copy_model(path, tmp_path / "copy.onnx", ModelHints(LABELS[::-1])).metadata
    assert (told.categories, told.transforms.mean) == (LABELS[::-1], (0.5,) * 3)
