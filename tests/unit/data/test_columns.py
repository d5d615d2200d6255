"""Where the head of a table says too little, a person chooses the columns; jobs carry the choice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError, JobError
from resnet_desktop.data.dataset import made_for, survey
from resnet_desktop.data.sources.columns import Columns, preview
from resnet_desktop.data.sources.csv_source import read_list
from resnet_desktop.jobs.job import Job, parse_job

from .test_tables_of_tools import pairs, put, said, written

STUDIED = (("a1.jpg", "ant"), ("b1.jpg", "bee"))


def job_on(**source: Any) -> Job:
    return parse_job({"v": 1, "data": [source], "output": "out"})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    put(tmp_path, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    rows = ("1.jpg;x;ant", "2.jpg;y;bee", "3.jpg;z;", "4.jpg;z;bee", "5.jpg;z;bee")
    return written(tmp_path, "t.csv", "Foto;note;Art", *rows)


def test_columns_are_chosen_by_name_or_number(table: Path) -> None:
    with pytest.raises(DataError, match=r"no column “path”.*--path-column"):
        read_list(table, None)
    for columns in (Columns("Foto", "Art"), Columns(" foto", "art"), Columns("1", "3")):
        listing = read_list(table, None, columns)
        assert pairs(listing, table.parent) == [("1.jpg", "ant"), ("2.jpg", "bee"), ("4.jpg", "bee")]
        assert "1 row (line 4)" in said(listing)
        assert "5.jpg (line 6)" in said(listing)
    for columns, what in ((Columns("photo", "Art"), "no column “photo”"), (Columns("9", "Art"), "no column “9”")):
        with pytest.raises(DataError, match=what):
            read_list(table, None, columns)


def test_one_column_is_enough_where_the_other_is_known(tmp_path: Path) -> None:
    put(tmp_path, "S/1.jpg")
    table = written(tmp_path, "t.csv", "File,RelativePath,Beetle,Species", "1.jpg,S,weevil,insect")
    assert pairs(read_list(table, None), tmp_path) == [("S/1.jpg", "insect")]
    assert pairs(read_list(table, None, Columns(label="Beetle")), tmp_path) == [("S/1.jpg", "weevil")]
    put(tmp_path, "2.jpg")
    other = written(tmp_path, "u.csv", "Foto,label", "2.jpg,ant")
    assert pairs(read_list(other, None, Columns(path="Foto")), tmp_path) == [("2.jpg", "ant")]


def test_label_studio_with_two_questions(tmp_path: Path) -> None:
    put(tmp_path, "a1.jpg", "photos/b1.jpg")
    head = "annotation_id,annotator,created_at,id,image,insect,lead_time,quality,updated_at"
    rows = (f"{i},1,2024,{i},/data/upload/1/0000000{i}-{p},{k},3.2,good,2024" for i, (p, k) in enumerate(STUDIED))
    table = written(tmp_path, "t.csv", head, *rows)
    with pytest.raises(DataError, match=r"no column “label”.*--label-column"):
        read_list(table, None)
    for columns in (Columns(label="insect"), Columns("image", "insect")):
        assert pairs(read_list(table, None, columns), tmp_path) == [("a1.jpg", "ant"), ("photos/b1.jpg", "bee")]


def test_columns_of_a_table_without_a_head(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg", "2.jpg")
    table = written(tmp_path, "t.csv", "ant,x,1.jpg", "bee,y,2.jpg")
    assert pairs(read_list(table, None, Columns("3", "1")), tmp_path) == [("1.jpg", "ant"), ("2.jpg", "bee")]


def test_the_head_and_first_rows_are_shown(tmp_path: Path, table: Path) -> None:
    shown = preview(table)
    assert (shown.head, shown.path, shown.label) == (("Foto", "note", "Art"), None, None)
    assert shown.rows[0] == ("1.jpg", "x", "ant")
    headless = preview(written(tmp_path, "h.csv", "ant,x,1.jpg", "bee,y,2.jpg"))
    assert (headless.head, headless.path) == (("1", "2", "3"), 2)
    assert headless.rows == (("ant", "x", "1.jpg"), ("bee", "y", "2.jpg"))
    known = preview(written(tmp_path, "k.csv", "image,choice", *["1.jpg,ant"] * 30))
    assert (known.path, known.label, len(known.rows)) == (0, 1, 8)


def test_a_job_carries_the_columns(table: Path) -> None:
    job = job_on(csv=str(table), path_column="Foto", label_column="Art")
    assert parse_job(json.loads(json.dumps(job.as_dict()))) == job
    assert survey(job).counts() == {"ant": 1, "bee": 2}
    assert made_for(job) != made_for(job_on(csv=str(table), path_column="Foto", label_column="note"))


def test_jobs_without_columns_are_as_they_were(table: Path) -> None:
    (source,) = job_on(csv=str(table)).as_dict()["data"]
    assert source == {"folder": "", "role": None, "csv": str(table)}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"folder": "a", "path_column": "x"}, "which only a 'csv' has"),
        ({"csv": "a.csv", "label_column": " "}, "'label_column'"),
        ({"csv": "a.csv", "path_column": 3}, "'path_column'"),
    ],
)
def test_bad_columns_are_named(source: dict[str, Any], said: str) -> None:
    with pytest.raises(JobError, match=said):
        job_on(**source)
