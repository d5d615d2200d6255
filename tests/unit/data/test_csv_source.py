"""Pictures named in a CSV file: what spreadsheet programs write is read, and every mistake is named by its line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError, JobError
from resnet_desktop.data.dataset import SampleReader, survey
from resnet_desktop.data.sources.csv_source import read_csv
from resnet_desktop.jobs.job import Job, parse_job


def job_on(*sources: dict[str, str], **changes: Any) -> Job:
    return parse_job({"v": 1, "data": list(sources), "output": "out", **changes})


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_programs_write(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    rows = ["path,label,note", 'a/1.jpg,"été, chaud",x', "b/2.jpg,蝶,", ""]
    text = end.join(row if "é" in row else row.replace(",", delimiter) for row in rows)
    text = text.replace('a/1.jpg,"été, chaud",x', delimiter.join(["a/1.jpg", '"été, chaud"', "x"]))
    found = read_csv(written(tmp_path, text, encoding), None)
    assert [(p.name, p.label, p.role) for p in found] == [
        (str(tmp_path / "a" / "1.jpg"), "été, chaud", None),
        (str(tmp_path / "b" / "2.jpg"), "蝶", None),
    ]


def test_columns_in_any_order_with_roles(tmp_path: Path) -> None:
    path = written(tmp_path, "Role,LABEL,Path\nval,a,1.jpg\n,b,2.jpg\ntest,a,3.jpg\nTraining,b,4.jpg\n")
    assert [p.role for p in read_csv(path, None)] == ["validation", None, "test", "training"]
    assert {p.role for p in read_csv(path, "test")} == {"test"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column “path”"),
        ("photo,label\n1.jpg,a\n", "photo, label"),
        ("\n\nphoto,label\n1.jpg,a\n", "no column “path”"),
        ("path,label\na/1,2.jpg,a\n", "3 fields on line 2, but there are 2 columns"),
        ("\nsep=;\npath;label\n1.jpg;a\n2.jpg;\n", "no label on line 5"),
        ('"path","""label"""\n', "no column “label”"),
        ("path,path,label\n1.jpg,2.jpg,a\n", "two columns “path”"),
        ("path,label\n1.jpg,a\n\n2.jpg,\n", "no label on line 4"),
        ("path,label\n,a\n", "no path on line 2"),
        ("path,label\n1.jpg\n", "no label on line 2"),
        ("path,label,role\n1.jpg,a,exam\n", "unknown role on line 2: exam"),
        ("path,label\n" + "x" * 200_000 + ",a\n", "more than 131,072 characters"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_csv(written(tmp_path, text), None)
    assert caught.value.code == "bad_data"
    assert said in str(caught.value)


def test_other_encodings_are_said(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-16-le"):
        with pytest.raises(DataError, match=r"CSV UTF-8|no column"):
            read_csv(written(tmp_path, "path,label\n1.jpg,été\n", encoding), None)
    cut = written(tmp_path, "path,label\n1.jpg,été\n", "utf-16")
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(DataError, match="CSV UTF-8"):
        read_csv(cut, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_spreadsheet_programs_put_around_it(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "\r\n;;\r\nsep=;\r\n\r\npath;label;note\r\n1.jpg;été;\r\n2.jpg;b;x;;\r\n", encoding)
    assert [p.label for p in read_csv(path, None)] == ["été", "b"]


@pytest.mark.parametrize("path", ["path", "Filename", "file", "image", "Image Path", "img", "file-name"])
@pytest.mark.parametrize("label", ["label", "Class", "category", "target", "name"])
def test_columns_by_other_names(tmp_path: Path, path: str, label: str) -> None:
    for role in ("role", "Split", "set", "subset"):
        table = written(tmp_path, f"{label},{role},{path}\na,train_set,1.jpg\nb,dev,2.jpg\nc,,3.jpg\n")
        assert [(Path(p.name).name, p.label, p.role) for p in read_csv(table, None)] == [
            ("1.jpg", "a", "training"),
            ("2.jpg", "b", "validation"),
            ("3.jpg", "c", None),
        ]


def test_the_most_usual_name_counts(tmp_path: Path) -> None:
    text = "name,class,path,file\nAnna,a,1.jpg,2.jpg\n"
    (found,) = read_csv(written(tmp_path, text), None)
    assert (Path(found.name).name, found.label) == ("1.jpg", "a")
    (found,) = read_csv(written(tmp_path, "name,label\n1.jpg,a\n"), None)
    assert (Path(found.name).name, found.label) == ("1.jpg", "a")


def test_a_file_without_names_of_columns(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"x")
    assert [p.label for p in read_csv(written(tmp_path, "1.jpg,a\n2.jpg,b\n"), None)] == ["a", "b"]
    with pytest.raises(DataError, match="no column"):
        read_csv(written(tmp_path, "0.jpg,a\n1.jpg,b\n"), None)


def test_names_that_are_no_home_and_letters_that_grow(tmp_path: Path) -> None:
    (tmp_path / "İİİ").mkdir()
    with zipfile.ZipFile(tmp_path / "İİİ" / "Ä.ZIP", "w") as archive:
        archive.writestr("a/1.jpg", b"one")
    path = written(tmp_path, "path,label\n~nobody-is-called-so/x.jpg,a\nİİİ/Ä.ZIP/a/1.jpg,b\n")
    found = read_csv(path, None)
    assert found[0].place.source.endswith("~nobody-is-called-so/x.jpg")
    assert (found[1].place.source, found[1].place.member) == (str(tmp_path / "İİİ" / "Ä.ZIP"), "a/1.jpg")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path, Path("a\0b.csv")):
        with pytest.raises(DataError) as caught:
            read_csv(path, None)
        assert caught.value.code == "missing_data"


def test_paths_lead_everywhere(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.jpg").write_bytes(b"one")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("deep/2.jpg", b"two")
    path = written(
        tmp_path / "lists",
        f"path,label\n../in/1.jpg,a\n{tmp_path / 'in' / '3.jpg'},b\n../more.zip/deep/2.jpg,b\n..\\in\\1.jpg,a\n",
    )
    found = survey(job_on({"csv": str(path)}, split={"validation": 0}))
    names = [s.name for s in found.training]
    assert sorted(names) == sorted(str(tmp_path / p) for p in ("in/1.jpg", "in/3.jpg", "more.zip/deep/2.jpg"))
    reader = SampleReader()
    try:
        assert [reader.read(s) for s in found.training if s.member] == [b"two"]
    finally:
        reader.close()


def test_a_csv_goes_before_folders_and_counts_once(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    path = written(tmp_path, "path,label\na/1.jpg,b\na/2.jpg,a\n")
    sources = [{"csv": str(path)}, {"folder": str(tmp_path)}]
    for order in (sources, sources[::-1]):
        assert survey(job_on(*order)).counts() == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("source", "named"),
    [({"csv": ""}, "'csv'"), ({"csv": 3}, "'csv'"), ({"csv": "a.csv", "folder": "b"}, "both"), ({}, "'folder'")],
)
def test_a_source_is_one_thing(source: dict[str, Any], named: str) -> None:
    with pytest.raises(JobError, match=named):
        job_on(source)


def test_a_csv_source_survives_the_way_through_json() -> None:
    job = job_on({"csv": "labels.csv"}, {"folder": "photos", "role": "test"})
    assert parse_job(json.loads(json.dumps(job.as_dict()))) == job
