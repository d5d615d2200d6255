"""Photos in a storage that speaks Amazon's S3: a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_desktop.batch_inference import columns, storage
from resnet_desktop.batch_inference.results_folder import Results
from tests.cluster import runs
from tests.unit.batch_inference.making import album, classified, options
from tests.unit.bundle.making import tiny_bundle

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
server = pytest.importorskip("moto.server", reason="moto is not installed")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The options of an address on a server with the bucket ``traps``, which has an album."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    try:
        host, port = running.get_host_and_port()
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        client.create_bucket(Bucket="traps")
        for place, path in enumerate(album(tmp_path / "album", 12)):
            name = Path(path).name if place < 8 else f"below/{Path(path).name}"
            body = Path(path).read_bytes()
            client.put_object(Bucket="traps", Key=f"album/{name}", Body=body[:300] if place == 2 else body)
        client.close()
        yield f"?scheme=http&endpoint_override={host}:{port}&region=us-east-1"
    finally:
        running.stop()


def test_a_bucket_is_classified(tmp_path: Path, bucket: str) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    address = f"s3://traps/album{bucket}"
    gone = address.replace("album", "gone.jpg")
    given = (address, gone, "--recursive", "--ray", "auto", "--workers", 2, "--model", bundle.path, "--top", 3)
    code, said = runs.ended(runs.classify(*given, "--output", tmp_path / "results"))
    assert code == 3, said
    files = [str(tmp_path / "album" / f"{seed:03}.jpg") for seed in range(12)]
    Path(files[2]).write_bytes(Path(files[2]).read_bytes()[:300])
    classified(tmp_path / "files", bundle, files, made=options())
    expected = {Path(row["path"]).name: row for row in map(columns.row, Results(tmp_path / "files").records())}
    *rows, missing = runs.rows(tmp_path / "results")
    assert (missing["path"], missing["error"]["code"]) == (gone, "missing_file")
    assert [row["path"] for row in rows] == sorted(storage.find_photos(address, recursive=True))
    for row in rows:
        own = expected[Path(row["path"].partition("?")[0]).name]
        assert {**own, "path": "", "seconds": 0} == {**row, "path": "", "seconds": 0}
