"""Whole runs on a local cluster of two workers: the same answers as ``classify``, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.batch_inference import cluster
from resnet_desktop.batch_inference.worker import Photo, inputs
from resnet_desktop.bundle.file.bundle import read, write
from resnet_desktop.core.errors import ClusterError
from resnet_desktop.imaging.decode import encode_jpeg, encode_png
from tests.cluster import runs
from tests.conftest import make_photo
from tests.unit.batch_inference.making import options, work
from tests.unit.bundle.making import metadata, tiny_model

pytest.importorskip("ray", reason="Ray is not installed")

TWO = ("--ray", "auto", "--workers", 2, "--recursive")
MANY = 1200


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    return write(path, tiny_model(), metadata()).path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos enough for some seconds."""
    folder = tmp_path_factory.mktemp("many")
    kinds = [folder / f"{seed}.jpg" for seed in range(4)]
    for seed, kind in enumerate(kinds):
        kind.write_bytes(encode_jpeg(make_photo(1200, 900, seed)))
    for number in range(len(kinds), MANY):
        (folder / f"{number}.jpg").hardlink_to(kinds[number % len(kinds)])
    return folder


def paths(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.iterdir())


def test_the_same_answers_as_classify(tmp_path: Path, model: Path) -> None:
    album = tmp_path / "album"
    (album / "below").mkdir(parents=True)
    for seed in range(12):
        (album / f"{seed}.jpg").write_bytes(encode_jpeg(make_photo(90, 70, seed)))
    (album / "below" / "torn.jpg").write_bytes((album / "1.jpg").read_bytes()[:300])
    (album / "empty.png").touch()
    Path(os.fsdecode(os.fsencode(album) + b"/\xe9.jpg")).write_bytes((album / "2.jpg").read_bytes())
    given = (album, tmp_path / "gone.jpg", "--model", model, "--top", 3)
    run = runs.classify(*given, *TWO, "--output", tmp_path / "results")
    code, said = runs.ended(run)
    assert (code, said.splitlines()[-1]) == (3, "3 of 16 failed.")
    plain = runs.classify(*given, "--recursive", "--format", "json").communicate()[0]
    assert runs.rows(tmp_path / "results") == runs.by_path(json.loads(plain))
    again = runs.classify(*given, *TWO, "--output", tmp_path / "results")
    assert "16 of 16 photos are done already." in runs.ended(again)[1]


def test_a_worker_is_killed(tmp_path: Path, model: Path, many: Path) -> None:
    results = tmp_path / "results"
    run = runs.classify(many, *TWO, "--model", model, "--output", results, "--part-rows", 100)
    runs.wait_for_rows(results, 100)
    before = runs.workers_of(run)
    assert len(before) == 2
    runs.kill(before[0])
    assert runs.ended(run)[0] == 0
    assert [row["path"] for row in runs.rows(results)] == paths(many)


def test_the_driver_is_killed_and_the_next_run_goes_on(tmp_path: Path, model: Path, many: Path) -> None:
    results = tmp_path / "results"
    given = (many, *TWO, "--model", model, "--output", results, "--part-rows", 100)
    run = runs.classify(*given)
    runs.wait_for_rows(results, 200)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    kept = {path.name: path.stat().st_mtime_ns for path in results.glob("*.parquet")}
    code, said = runs.ended(runs.classify(*given))
    assert code == 0
    assert f"of {MANY:,} photos are done already." in said
    assert [row["path"] for row in runs.rows(results)] == paths(many)
    whole = json.loads((results / "manifest.json").read_text("utf-8"))
    assert whole["complete"]
    first = [part["file"] for part in whole["parts"]][:2]
    assert all((results / name).stat().st_mtime_ns == kept[name] for name in first)


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, model: Path, many: Path) -> None:
    results = tmp_path / "results"
    run = runs.classify(many, *TWO, "--model", model, "--output", results, "--part-rows", 100)
    runs.wait_for_rows(results, 100)
    run.send_signal(signal.SIGINT)
    code, said = runs.ended(run)
    assert code == 130, said
    assert "Run the same command again to continue." in said
    assert "Traceback" not in said
    found = [row["path"] for row in runs.rows(results)]
    assert 100 <= len(found) == len(set(found)) < MANY


def test_a_photo_that_kills_who_reads_it_has_a_row(tmp_path: Path, model: Path) -> None:
    """A fault of a decoder ends its process; here the process is ended from outside while it reads that one photo."""
    album = tmp_path / "album"
    album.mkdir()
    for seed in range(30):
        (album / f"{seed}.jpg").write_bytes(encode_jpeg(make_photo(90, 70, seed)))
    noise = np.random.default_rng(0).integers(0, 255, (4000, 4000, 3), np.uint8)
    (album / "fatal.png").write_bytes(encode_png(noise))
    run = runs.classify(album, *TWO, "--model", model, "--output", tmp_path / "results")
    kills = 0
    while run.poll() is None:
        for pid in runs.readers_of("fatal.png", run):
            runs.kill(pid)
            kills += 1
        time.sleep(0.005)
    assert runs.ended(run)[0] == 3
    found = runs.rows(tmp_path / "results")
    assert [row["path"] for row in found] == paths(album)
    assert [row["error"]["code"] for row in found if not row["ok"]] == ["reader_lost"]
    assert kills == 3


def test_a_node_is_lost(tmp_path: Path, model: Path, many: Path) -> None:
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    other = nodes.add_node(num_cpus=1)
    results = tmp_path / "results"
    try:
        given = (many, "--ray", nodes.address, "--model", model, "--output", results, "--part-rows", 100)
        run = runs.classify(*given)
        runs.wait_for_rows(results, 200)
        nodes.remove_node(other, allow_graceful=False)
        code, said = runs.ended(run)
        assert code == 0, said
    finally:
        nodes.shutdown()
    assert [row["path"] for row in runs.rows(results)] == paths(many)


def test_nobody_at_that_address(tmp_path: Path, model: Path, many: Path) -> None:
    given = (many, "--ray", "127.0.0.1:1", "--model", model, "--output", tmp_path / "results")
    code, said = runs.ended(runs.classify(*given))
    assert (code, said.splitlines()[-1].startswith("No cluster of Ray answers at 127.0.0.1:1.")) == (1, True)
    assert subprocess.run([*runs.PROGRAM, "results", str(tmp_path / "results")], check=True).returncode == 0


@pytest.mark.filterwarnings("ignore")  # Ray in this very process warns of its own settings
def test_what_a_worker_raises_is_said(tmp_path: Path, model: Path) -> None:
    bundle = read(model)
    sent = replace(work(bundle, options()), version="0.0.1")
    with cluster.connected(cluster.AUTO) as ray:
        size = cluster.size_of(ray, 1, 1, gpus=False)
        table = inputs([Photo(0, str(tmp_path / "a.jpg"), {})])
        with pytest.raises(ClusterError) as error:
            list(cluster.classified(ray, sent, iter([table]), size))
        assert error.value.code == "other_version"
        with pytest.raises(ClusterError) as error:
            cluster.size_of(ray, 1, 10_000, gpus=False)
        assert error.value.code == "no_resources"
