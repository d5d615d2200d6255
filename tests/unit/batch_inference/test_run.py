"""Every photo gets one row, whatever comes twice, comes not at all or breaks off."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from resnet_desktop.batch_inference import columns, manifest
from resnet_desktop.batch_inference.arrow import Table
from resnet_desktop.batch_inference.results_folder import Results, growing
from resnet_desktop.batch_inference.run import model_file
from resnet_desktop.batch_inference.worker import Photo, Worker, inputs, lost, photos
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.core.errors import ClusterError, ResultsError, StorageError
from resnet_desktop.data.sources.camera_traps.camtrap_media import Medium
from resnet_desktop.data.sources.camera_traps.megadetector import Detection
from resnet_desktop.inference.batch import classify_many
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.session import result_rows
from tests.unit.batch_inference.making import album, classified, here, options, work
from tests.unit.bundle.making import tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("model") / "tiny.onnx")


def rows(folder: Path) -> list[result_rows.Row]:
    found = [columns.row(stored) for stored in Results(folder).records()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


def named(folder: Path) -> list[str]:
    return [row["path"] for row in rows(folder)]


def test_rows_are_those_of_one_computer(tmp_path: Path, bundle: Bundle) -> None:
    paths = album(tmp_path / "album", 5)
    odd, torn = os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.jpg"), str(tmp_path / "torn.jpg")
    Path(odd).write_bytes(Path(paths[0]).read_bytes())
    Path(torn).write_bytes(Path(paths[0]).read_bytes()[:300])
    detection = Detection(paths[1], (0.1, 0.2, 0.5, 0.5), 0, 1, "animal", 0.9)
    medium = Medium(paths[2], "m1", "dep1", "2024-05-02T05:00:00Z")
    sources: list[str | os.PathLike[str]] = [*paths, odd, torn, str(tmp_path / "gone.jpg"), detection, medium]
    about = [*({} for _ in range(8)), {"detection": detection.as_dict()}, {"media": medium.as_dict()}]
    names = [os.fspath(source) for source in sources]
    assert classified(tmp_path / "results", bundle, list(zip(names, about, strict=True))) == 2
    outcomes = classify_many(Classifier(bundle, provider="cpu", top_k=3), sources)
    own = [result_rows.of_outcome(names[o.index], o, "tiny", about[o.index]) for o in outcomes]
    expected = [{key: value for key, value in row.items() if key != "seconds"} for row in own]
    assert rows(tmp_path / "results") == expected
    assert [list(row) for row in rows(tmp_path / "results")] == [list(row) for row in expected]
    assert manifest.read(tmp_path / "results").failed == 2


def test_what_comes_twice_or_in_another_order_counts_once(tmp_path: Path, bundle: Bundle) -> None:
    paths = album(tmp_path / "album", 7)

    def twice(tables: Iterator[Table]) -> Iterator[Table]:
        answers = list(here(bundle, options())(tables))
        yield from [*answers[::-1], answers[0], answers[2]]

    classified(tmp_path / "results", bundle, [*paths, paths[0]], classify=twice, part_rows=100)
    assert named(tmp_path / "results") == paths
    assert manifest.read(tmp_path / "results").complete


@pytest.mark.parametrize("error", [ClusterError("worker_failed", "…"), KeyboardInterrupt()])
def test_what_breaks_off_goes_on(tmp_path: Path, bundle: Bundle, error: BaseException) -> None:
    paths = album(tmp_path / "album", 9)
    seen: list[str] = []

    def listening(tables: Iterator[Table]) -> Iterator[Table]:
        for table in tables:
            seen.extend(photo.path for photo in photos(table))
            yield from here(bundle, options())(iter([table]))

    def broken(tables: Iterator[Table]) -> Iterator[Table]:
        yield from here(bundle, options())(islice(tables, 3))
        raise error

    with pytest.raises(type(error)):
        classified(tmp_path / "results", bundle, paths, classify=broken)
    assert named(tmp_path / "results") == paths[:6]
    assert not manifest.read(tmp_path / "results").complete
    classified(tmp_path / "results", bundle, paths, classify=listening)
    assert seen == paths[6:]
    assert named(tmp_path / "results") == paths


def test_photos_that_are_new_are_added(tmp_path: Path, bundle: Bundle) -> None:
    paths = album(tmp_path / "album", 5)
    classified(tmp_path / "results", bundle, paths[1:])
    first = manifest.read(tmp_path / "results").parts
    classified(tmp_path / "results", bundle, paths)
    assert named(tmp_path / "results") == [*paths[1:], paths[0]]
    assert manifest.read(tmp_path / "results").parts[: len(first)] == first


@pytest.mark.parametrize("harm", ["cut", "gone", "unnamed"])
def test_a_part_that_is_not_whole_is_done_again(tmp_path: Path, bundle: Bundle, harm: str) -> None:
    paths, results = album(tmp_path / "album", 8), tmp_path / "results"
    classified(results, bundle, paths)
    first, *others = manifest.read(results).parts
    if harm == "cut":
        (results / first.file).write_bytes((results / first.file).read_bytes()[:-1])
        with pytest.raises(ResultsError, match="has changed since"):
            named(results)
    elif harm == "gone":
        (results / first.file).unlink()
    else:  # the run ended after the file was written and before the manifest was
        whole = manifest.read(results)
        values = {name: getattr(whole, name) for name in ("program", "model", "options")}
        manifest.write(results, manifest.Manifest(**values, parts=tuple(others)))
    classified(results, bundle, paths)
    assert sorted(named(results)) == paths
    assert {path.name for path in results.glob("*.parquet")} == {part.file for part in manifest.read(results).parts}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, bundle: Bundle) -> None:
    paths, results = album(tmp_path / "album", 2), tmp_path / "results"
    with pytest.raises(ResultsError) as error:
        classified(tmp_path / "album", bundle, paths)
    assert error.value.code == "not_results"
    classified(results, bundle, paths)
    before = (results / manifest.NAME).read_bytes()
    other = tiny_bundle(tmp_path / "other.onnx", hidden=(3,))
    for model, made in ((other, options()), (bundle, options(top=2)), (bundle, options(group_threshold=0.5))):
        with pytest.raises(ResultsError) as error:
            classified(results, model, paths, made=made)
        assert error.value.code == "results_differ"
    with growing(results, model_file(bundle), options()), pytest.raises(StorageError) as busy:
        classified(results, bundle, paths)
    assert busy.value.code == "in_use"
    assert (results / manifest.NAME).read_bytes() == before.replace(b'"complete": true', b'"complete": false')


def test_answers_that_never_come_are_missed(tmp_path: Path, bundle: Bundle) -> None:
    paths = album(tmp_path / "album", 6)
    with pytest.raises(ClusterError, match=r"2 of 6 photos") as error:
        classified(
            tmp_path / "results",
            bundle,
            paths,
            classify=lambda tables: here(bundle, options())(islice(tables, 1, None)),
        )
    assert error.value.code == "not_finished"
    assert named(tmp_path / "results") == paths[2:]


def test_a_node_that_does_not_see_the_photos_ends_the_run(tmp_path: Path, bundle: Bundle) -> None:
    """Its rows would say that the photos are missing, which they are not."""
    paths = album(tmp_path / "album", 2)

    def elsewhere(tables: Iterator[Table]) -> Iterator[Table]:
        moved = (tmp_path / "album").rename(tmp_path / "unmounted")
        answers = list(here(bundle, options())(tables))
        moved.rename(tmp_path / "album")
        yield from answers

    with pytest.raises(ClusterError) as error:
        classified(tmp_path / "results", bundle, paths, classify=elsewhere)
    assert error.value.code == "photos_not_visible"
    assert named(tmp_path / "results") == []


def test_a_node_without_the_models_file_gets_it(tmp_path: Path, home: Path) -> None:
    bundle = tiny_bundle(tmp_path / "here" / "tiny.onnx")
    paths = album(tmp_path / "album", 1)
    sent = work(bundle, options())
    first = Worker(sent)(inputs(photos(inputs([*photos(_table(paths))]))))
    bundle.path.unlink()
    second = Worker(sent)(_table(paths))
    assert first["predictions"].to_pylist() == second["predictions"].to_pylist()
    assert [path.name for path in (home / "cache" / "cluster").rglob("*.onnx")] == ["tiny.onnx"]


def _table(paths: list[str]) -> Table:
    return inputs([Photo(place, path, {}) for place, path in enumerate(paths)])


def test_another_version_on_a_node_is_said(bundle: Bundle) -> None:
    with pytest.raises(ClusterError) as error:
        Worker(replace(work(bundle, options()), version="0.0.1"))
    assert error.value.code == "other_version"


def test_rows_of_photos_that_nobody_survives(tmp_path: Path) -> None:
    (stored,) = lost(_table([str(tmp_path / "a.jpg")])).to_pylist()
    assert (stored["ok"], stored["error"]["code"], stored[columns.PLACE]) == (False, "reader_lost", 0)


def test_labels_that_can_be_present_together(tmp_path: Path) -> None:
    single = tiny_bundle(tmp_path / "many.onnx")
    bundle = replace(single, metadata=replace(single.metadata, output="ratings", thresholds=(0.4,) * 5))
    paths = album(tmp_path / "album", 2)
    classified(tmp_path / "results", bundle, paths)
    own = [
        result_rows.of_outcome(paths[o.index], o, "many")["present"]
        for o in classify_many(Classifier(bundle, provider="cpu"), paths)
    ]
    assert [row["present"] for row in rows(tmp_path / "results")] == own
    assert any(own)
