"""Heatmaps in folders of results: the same pictures as ``classify --heatmaps`` paints."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.batch_inference import arrow, columns, heatmaps, manifest
from resnet_desktop.batch_inference.results_folder import Results, _sha256
from resnet_desktop.batch_inference.worker import Worker
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import LayerError
from resnet_desktop.data.sources.camera_traps.megadetector import Detection
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.inference.classifier import Classifier
from tests.conftest import make_photo
from tests.unit.batch_inference.conftest import Run
from tests.unit.batch_inference.making import album, classified, options, work
from tests.unit.bundle.making import tiny_bundle
from tests.unit.explain.block_graphs import Net, opened


@pytest.fixture(params=[(), (6,)], ids=["one run", "two runs"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Bundle:
    """A model whose heatmaps come with the answer, and one that is run again for them."""
    return tiny_bundle(tmp_path / "tiny.onnx", hidden=request.param)


def with_heatmaps(folder: Path, bundle: Bundle, given: list[str]) -> Path:
    classified(folder, bundle, given, made=options(heatmaps=True))
    return folder


def test_they_are_those_of_one_computer(tmp_path: Path, bundle: Bundle) -> None:
    paths = album(tmp_path / "album", 3)
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    for stored in Results(with_heatmaps(tmp_path / "results", bundle, paths)).records():
        subject = explainer.subject(columns.path_of(stored))
        best = subject.prediction.top.index
        one_run = explainer.classifier.bundle.features is not None
        expected = explainer.heatmap(subject.prediction, best) if one_run else explainer.explain(subject, best)
        found = heatmaps.stored(stored[columns.HEATMAP])
        assert found is not None
        np.testing.assert_allclose(found.cam, expected.cam, rtol=1e-4, atol=1e-6)
        assert stored[columns.HEATMAP]["layer"] == expected.layer
        seen = bundle.metadata.transforms.seen_box(90, 70)
        np.testing.assert_allclose(astuple(found.box_of(90, 70)), astuple(seen))


def test_the_command_paints_what_classify_paints(tmp_path: Path, bundle: Bundle, run: Run, tried_once: None) -> None:
    paths = album(tmp_path / "album", 4)
    Path(paths[2]).write_bytes(Path(paths[2]).read_bytes()[:300])
    results = with_heatmaps(tmp_path / "results", bundle, paths)
    code, out, said = run("results", results, "--heatmaps", tmp_path / "there", "--format", "json")
    assert (code, "3 heatmaps written." in said) == (0, True)
    plain = ("--model", bundle.path, "--provider", "cpu", "--format", "json", "--heatmaps", tmp_path / "here")
    own = json.loads(run("classify", *paths, *plain)[1])
    for mine, theirs in zip(own, json.loads(out), strict=True):
        assert mine["ok"] == theirs["ok"]
        if mine["ok"]:
            assert Path(mine["heatmap"]).read_bytes() == Path(theirs["heatmap"]).read_bytes()


def test_only_photos_that_are_picked_are_painted(tmp_path: Path, bundle: Bundle, run: Run) -> None:
    paths = album(tmp_path / "album", 6)
    results = with_heatmaps(tmp_path / "results", bundle, paths)
    best = sorted(stored["probability"] for stored in Results(results).records())
    code, out, said = run("results", results, "--above", best[3], "--heatmaps", tmp_path / "maps")
    assert (code, "3 of 6 photos" in out + said, "3 heatmaps written." in said) == (0, True, True)
    assert len(list((tmp_path / "maps").iterdir())) == 3
    Path(paths[0]).unlink()
    code, _, said = run("results", results, "--heatmaps", tmp_path / "again")
    assert (code, "5 heatmaps written; 1 photos could not be painted." in said) == (3, True)


def test_a_detection_has_the_heatmap_of_its_part(tmp_path: Path, bundle: Bundle, run: Run) -> None:
    photo = tmp_path / "wide.jpg"
    photo.write_bytes(encode_jpeg(make_photo(400, 200, 1)))
    detection = Detection(str(photo), (0.5, 0.0, 0.5, 1.0), 0, 1, "animal", 0.9)
    given = [(str(photo), {"detection": detection.as_dict()})]
    classified(tmp_path / "results", bundle, given, made=options(heatmaps=True))
    (stored,) = Results(tmp_path / "results").records()
    subject = Explainer(Classifier(bundle, provider="cpu")).subject(detection)
    assert (stored["width"], stored["height"]) == subject.prediction.full_size == (200, 200)
    assert run("results", tmp_path / "results", "--heatmaps", tmp_path / "maps")[0] == 0
    (picture,) = (tmp_path / "maps").iterdir()
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_results_without_any_are_said_to_have_none(tmp_path: Path, bundle: Bundle, run: Run) -> None:
    paths = album(tmp_path / "album", 2)
    classified(tmp_path / "results", bundle, paths)
    assert [stored[columns.HEATMAP] for stored in Results(tmp_path / "results").records()] == [None, None]
    code, _, said = run("results", tmp_path / "results", "--heatmaps", tmp_path / "maps")
    assert (code, "--keep-heatmaps" in said, (tmp_path / "maps").exists()) == (2, True, False)


def test_folders_from_before_there_were_any_are_read(tmp_path: Path, bundle: Bundle) -> None:
    folder, paths = tmp_path / "results", album(tmp_path / "album", 2)
    classified(folder, bundle, paths)
    part = folder / "part-00000.parquet"
    table = arrow.parquet().read_table(part).drop_columns([columns.HEATMAP])
    arrow.parquet().write_table(table, part)
    values = json.loads((folder / manifest.NAME).read_text("utf-8"))
    values["parts"][0]["sha256"] = _sha256(part)
    del values["options"]["heatmaps"]
    (folder / manifest.NAME).write_text(json.dumps(values), "utf-8")
    assert [stored["path"] for stored in Results(folder).records()] == paths
    assert classified(folder, bundle, [*paths, *album(tmp_path / "album", 3)]) == 0
    assert [stored[columns.HEATMAP] for stored in Results(folder).records()] == [None] * 3


def test_a_model_without_layers_is_refused(tmp_path: Path) -> None:
    net = Net()
    net.op("Gemm", net.op("Flatten", "x"), net.random(6, 3 * 16 * 16), net.random(6), output="y", transB=1)
    with pytest.raises(LayerError, match="no layer with height and width"):
        Worker(work(opened(tmp_path, net.model(batch="N")), options(heatmaps=True)))
