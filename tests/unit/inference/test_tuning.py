"""Faster by the user's choice: what is made, how it is judged, what is offered, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.file.variant import (
    answering_for,
    depthwise_weights,
    folder_of,
    sensitive,
    write_graph,
    write_variant,
)
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.core.settings import TUNED, Settings
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.inference.batch import classify_many, cores
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.runtime import CPU
from resnet_desktop.inference.tuning import choice, kept, photos, quantizing, recipes, timing, tuner
from resnet_desktop.inference.tuning.agreement import agreement, answers
from resnet_desktop.inference.tuning.offers import Offer, Setup, Speed, Tuning
from resnet_desktop.inference.tuning.recipes import HALF, QUANTIZING, RECIPES
from resnet_desktop.inference.way import Way
from tests.conftest import make_photo

from .making import tiny_bundle

NOVELTY = {"method": "energy", "threshold": -100.0}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny network with a temperature, a rule about unfamiliar photos and provenance."""
    made = tiny_bundle(tmp_path_factory.mktemp("own"))
    model = onnx.load(made.path)
    metadata = replace(made.metadata, temperature=0.5, novelty=NOVELTY, provenance={"publisher": "somebody"})
    return bundles.write(made.path, model, metadata)


@pytest.fixture(scope="module")
def pictures(own: Bundle) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((40, *own.input_shape)).astype(np.float32)


@pytest.fixture(scope="module")
def quantized(own: Bundle, pictures: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The same network in 8 bits, made by the child as the tuner has it made."""
    folder = tmp_path_factory.mktemp("quantized")
    write_graph(own, folder / quantizing.NETWORK)
    np.save(folder / quantizing.PICTURES, pictures[:16])
    steps: list[tuple[int, int]] = []
    made = quantizing.make(folder, QUANTIZING[0], progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (16, 16)
    about = {"kind": "int8", "recipe": "minmax", "images": 16}
    return write_variant(own, made, folder / "int8" / own.path.name, about, warns=True)


def test_a_variant_says_all_that_the_model_says(own: Bundle, quantized: Bundle) -> None:
    read = bundles.read(quantized.path)
    assert read.variant == "int8"
    assert own.variant is None
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in read.view.nodes}
    ours, theirs = own.metadata, read.metadata
    assert (theirs.categories, theirs.transforms, theirs.temperature) == (
        ours.categories,
        ours.transforms,
        ours.temperature,
    )
    assert theirs.novelty == NOVELTY
    assert theirs.provenance["publisher"] == "somebody"
    assert theirs.provenance["variant"]["of_sha256"] == own.file_sha256
    assert bundles.verify(read).ok


def test_what_the_user_has_said_since_holds_for_the_variant(own: Bundle, quantized: Bundle) -> None:
    renamed = replace(own, metadata=replace(own.metadata, categories=tuple("abcdefg")))
    found = answering_for(renamed, quantized, named=True, prepared=True)
    assert found.metadata.categories == tuple("abcdefg")
    assert found.variant == "int8"


def test_answers_hardly_change(own: Bundle, quantized: Bundle, pictures: NDArray[np.float32]) -> None:
    ours = answers(Classifier(own, provider="cpu"), pictures[16:])
    found = agreement(ours, answers(Classifier(quantized, provider="cpu"), pictures[16:]), ruled=True)
    assert found.photos == 24
    assert found.same >= 0.8
    assert 0 < found.mean_change <= found.largest_change < 0.2
    assert found.same_warning == 1
    assert agreement(ours, ours, ruled=False).same_warning is None
    second = replace(ours[0], scores=ours[0].scores[1:])
    assert agreement(ours, [second, *ours[1:]], ruled=False).same == pytest.approx(23 / 24)


def test_heatmaps_of_a_variant_are_those_of_the_model(own: Bundle, quantized: Bundle) -> None:
    """Gradients go straight through the rounding."""
    assert {layer.name for layer in layers(quantized)} == {layer.name for layer in layers(own)}
    explainers = [Explainer(Classifier(model, provider="cpu")) for model in (own, quantized)]
    photo = encode_jpeg(make_photo(60, 50, 3))
    alike = {}
    for layer in layers(own):
        maps = []
        for explainer in explainers:
            subject = explainer.subject(photo)
            maps.append(explainer.explain(subject, 0, layer=layer.name, method="gradcam").cam.ravel())
        alike[layer.name] = np.corrcoef(maps[0], maps[1]).min()
    assert alike[layers(own)[-1].name] > 0.98
    assert min(alike.values()) > 0.8, "rounding adds up on the way back to the first layers"


def test_a_recipe_can_spare_the_first_layers_and_the_head(own: Bundle, tmp_path: Path) -> None:
    write_graph(own, tmp_path / "network.onnx")
    every = [node.name for node in own.view.nodes if node.op_type == "Conv"]
    spared = sensitive(tmp_path / "network.onnx", RECIPES["unsigned-quarter"].spared)
    assert spared[: len(every) // 4] == tuple(every[: len(every) // 4])
    assert len(spared) == len(every) // 4 + 1
    assert sensitive(tmp_path / "network.onnx", 0) == ()
    assert depthwise_weights(tmp_path / "network.onnx", spared) == ()


def test_recipes_for_a_cpu_that_adds_in_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "has_wide_sums", lambda: True)
    here = recipes.quantizing()
    assert [recipe.name for recipe in here[:3]] == ["minmax", "minmax-sixth", "minmax-quarter"]
    assert not any(recipe.unsigned for recipe in here)


def test_float16_answers_the_same(own: Bundle, pictures: NDArray[np.float32], tmp_path: Path) -> None:
    """Made for GPUs; the CPU can run it, too."""
    write_graph(own, tmp_path / quantizing.NETWORK)
    about = {"kind": "float16", "recipe": "float16", "images": 0}
    made = write_variant(own, quantizing.make(tmp_path, HALF), tmp_path / "half.onnx", about, warns=True)
    assert made.path.stat().st_size < 0.8 * (tmp_path / quantizing.FOLDED).stat().st_size
    ours, theirs = (answers(Classifier(model, provider="cpu"), pictures) for model in (own, made))
    assert agreement(ours, theirs, ruled=True).largest_change < 0.01


def test_what_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / quantizing.NETWORK).write_bytes(b"no network")
    np.save(tmp_path / quantizing.PICTURES, np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(ModelError, match="cannot make this network int8") as caught:
        quantizing.make(tmp_path, QUANTIZING[0])
    assert caught.value.code == "unsupported_model"
    with pytest.raises(CancelledError):
        quantizing.make(tmp_path, QUANTIZING[0], cancelled=lambda: True)


def test_photos_to_learn_from_are_not_those_to_judge_by(classifier: Classifier, tmp_path: Path) -> None:
    paths = []
    for number in range(50):
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(encode_jpeg(make_photo(40, 40, number)))
    paths[7].write_bytes(b"torn")
    found = photos.prepare(classifier, paths)
    assert (len(found.learnt), len(found.judged), found.unreadable) == (24, 25, 1)
    assert found.enough
    rows = {row.tobytes() for row in found.learnt} | {row.tobytes() for row in found.judged}
    assert len(rows) == 49, "none is in both"
    assert not photos.prepare(classifier, paths[8:50]).enough


def test_a_way_is_how_photos_go_through(bundle: Bundle, tmp_path: Path) -> None:
    photo = encode_jpeg(make_photo(40, 40, 1))
    for way in (Way(1, cores()), Way(batch=3)):
        classifier = Classifier(bundle, provider="cpu", way=way)
        assert all(outcome.ok for outcome in classify_many(classifier, [photo] * 7))
    offered = timing.ways(Classifier(bundle, provider="cpu"))
    assert Way(1, cores()) in offered
    assert Way(batch=8) in offered
    assert not any(way.batch for way in timing.ways(Classifier(replace(bundle, batch=1), provider="cpu")))


def tuning(own: Bundle, *offers: Offer) -> Tuning:
    installed = Offer("installed", Setup(None, CPU), Speed((10.0, 11.0, 9.0), 1.0))
    return Tuning(own.path.stem, own.file_sha256, 2, 24, 24, 0, installed, offers)


def offer(name: str, variant: str | None, way: Way = Way()) -> Offer:  # noqa: B008 - frozen
    return Offer(name, Setup(variant, CPU, way), Speed((20.0, 30.0, 25.0), 2.4), recipe="minmax")


def test_what_was_measured_is_kept(own: Bundle) -> None:
    assert kept.load(own.file_sha256) is None
    found = tuning(own, offer("int8", "int8", Way(1, 2)), offer("cores", None, Way(batch=8)))
    kept.save(found)
    assert kept.load(own.file_sha256) == found
    assert found.offers[0].speed.median == 25
    (folder_of(own.file_sha256) / "tuning.json").write_text("{}", "utf-8")
    assert kept.load(own.file_sha256) is None


def test_a_choice_is_remembered_used_and_undone(own: Bundle, quantized: Bundle, tried_once: None) -> None:
    settings, wanted = Settings(), offer("int8", "int8", Way(1, 2))
    target = kept.file_of(own.file_sha256, "int8", own.path.stem)
    target.parent.mkdir(parents=True)
    target.write_bytes(quantized.path.read_bytes())
    choice.choose(settings, own.file_sha256, wanted)
    chosen = Settings().string(TUNED)
    assert choice.name_of(chosen, own.file_sha256) == "int8"
    found = choice.opened(own, chosen, "auto")
    assert (found.bundle.variant, found.provider, found.way, found.offer) == ("int8", CPU, Way(1, 2), "int8")
    assert found.bundle.path.stem == own.path.stem
    assert choice.opened(own, chosen, "cpu").bundle.variant == "int8"
    assert choice.opened(own, chosen, "cuda").bundle is own, "another provider than the one that was measured"
    assert choice.still_offered(chosen, tuning(own, wanted)) == chosen
    assert choice.still_offered(chosen, tuning(own)) == "", "measured anew, and not faster any more"
    target.unlink()
    gone = choice.opened(own, chosen, "auto")
    assert gone.bundle is own
    assert "runs as installed" in gone.problem
    choice.choose(settings, own.file_sha256, None)
    assert Settings().string(TUNED) == ""
    assert choice.opened(own, '{"x": 3}', "auto").bundle is own
    assert choice.opened(own, "{", "auto").bundle is own


def test_nothing_is_offered_that_was_not_faster(
    own: Bundle, tried_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "SECONDS", 0.01)
    monkeypatch.setattr(tuner, "recipes_here", lambda: QUANTIZING[:1])
    for number in range(48):
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(make_photo(40, 40, number)))
    stages: set[tuple[str, str]] = set()
    paths = list(tmp_path.glob("*.jpg"))
    found = tuner.tune(own, paths, provider="cpu", told=lambda stage, name, _done, _total: stages.add((stage, name)))
    assert {(stage, "int8") for stage in ("making", "judging", "timing")} <= stages
    assert all(one.speed.times_as_fast >= 1.05 for one in found.offers)
    assert {one.name for one in found.offers} | {one.name for one in found.refused} == {"cores", "int8"}
    there = kept.file_of(own.file_sha256, "int8", own.path.stem).exists()
    assert there == (found.offer("int8") is not None), "what is not offered leaves nothing"
    assert kept.load(own.file_sha256) == found
    monkeypatch.setattr(tuner, "WORST", 1.1)
    (other,) = (one for one in tuner.tune(own, paths, provider="cpu").refused if one.name == "int8")
    assert other.why.startswith("It answers otherwise on")
    monkeypatch.setattr(tuner, "FASTER", 1e9)
    slower = tuner.tune(own, paths[:3], provider="cpu")
    assert slower.offers == ()
    said = {one.name: one.why for one in slower.refused}
    assert said["int8"] == "At least 48 photos are needed to compare its answers; 3 could be read."
    assert "was not faster here" in said["cores"]
    assert (slower.learnt, slower.judged) == (0, 0)
