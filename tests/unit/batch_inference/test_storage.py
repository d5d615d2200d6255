"""Photos that lie elsewhere; here ``file://`` and fsspec's ``memory://`` stand for it. S3 is in ``tests/cluster``."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_desktop.batch_inference import columns, storage
from resnet_desktop.batch_inference.results_folder import Results
from resnet_desktop.core.errors import ClusterError
from tests.unit.batch_inference.making import album, classified
from tests.unit.bundle.making import tiny_bundle


@pytest.mark.parametrize(("path", "elsewhere"), [("s3://a/b.jpg", True), ("C://x.jpg", False), ("/a://b", False)])
def test_what_an_address_is(path: str, elsewhere: bool) -> None:
    assert storage.is_address(path) == elsewhere


def test_photos_of_a_folder(tmp_path: Path) -> None:
    album(tmp_path / "album", 3)
    for name in (".hidden.jpg", "notes.txt"):
        (tmp_path / "album" / name).touch()
    (tmp_path / "album" / "below").mkdir()
    (tmp_path / "album" / "below" / "10.PNG").touch()
    base = f"file://{tmp_path}/album"
    names = [f"{base}/{seed:03}.jpg" for seed in range(3)]
    assert list(storage.find_photos(base, recursive=False)) == names
    assert list(storage.find_photos(f"{base}/", recursive=True)) == [*names, f"{base}/below/10.PNG"]
    assert list(storage.find_photos(names[0], recursive=True)) == names[:1]


def test_answers_are_those_of_files(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    paths = album(tmp_path / "album", 12)
    Path(paths[3]).write_bytes(Path(paths[3]).read_bytes()[:300])
    Path(paths[5]).unlink()
    classified(tmp_path / "files", bundle, paths)
    classified(tmp_path / "addresses", bundle, [f"file://{path}" for path in paths])

    def rows(folder: str) -> list[dict[str, object]]:
        found = [columns.row(stored) for stored in Results(tmp_path / folder).records()]
        told = [{**row, "path": row["path"].removeprefix("file://")} for row in found]
        return [{key: value for key, value in row.items() if key != "seconds"} for row in told]

    assert rows("addresses") == rows("files")
    errors = [row["error"] for row in rows("files") if "error" in row]
    assert len(errors) == 2


def test_file_systems_of_fsspec(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    (path,) = album(tmp_path / "album", 1)
    memory.pipe("/bucket/a.jpg", Path(path).read_bytes())
    try:
        (address,) = storage.find_photos("memory://bucket", recursive=False)
        assert storage.fetch(address, tmp_path).read_bytes() == Path(path).read_bytes()
    finally:
        memory.rm("/bucket", recursive=True)


@pytest.mark.parametrize("address", ["nosuch://bucket/x?token=hidden", "s3://me:secret@bucket/x?token=hidden"])
def test_what_cannot_be_used_is_said_without_its_keys(address: str) -> None:
    with pytest.raises(ClusterError) as error:
        list(storage.find_photos(address, recursive=False))
    assert error.value.code == "no_storage"
    assert not any(word in str(error.value) for word in ("me:", "secret", "hidden"))
