"""Which column is the photo's and which the label's, where names of columns alone would say it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.sources.columns import Columns, UnknownColumnsError, preview
from resnet_desktop.data.sources.csv_source import read_list

from .test_tables_of_tools import pairs, put, said, written

BOTH = [("a1.jpg", "ant"), ("b1.jpg", "bee")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "a1.jpg", "b1.jpg")
    return tmp_path


@pytest.mark.parametrize(
    "lines",
    [
        ("image_id,class,class_name", "a1.jpg,0,ant", "b1.jpg,1,bee"),
        ("filename,label,label_name", "a1.jpg,3,ant", "b1.jpg,7,bee"),
        ("image_id,target,species", "a1,0,ant", "b1,1,bee"),
        ("file,label,name", "a1.jpg,0.0,ant", "b1.jpg,1.0,bee"),
        ("file,name,species", "a1.jpg,Anna,ant", "b1.jpg,Anna,bee"),
        ("filename,category,species", "a1.jpg,insect,ant", "b1.jpg,insect,bee"),
        ("file,scientificName,count", "a1.jpg,ant,2", "b1.jpg,bee,3"),
        ("imageFilename,label", "a1.jpg,ant", "b1.jpg,bee"),
        ("file,label,species", "a1.jpg,,ant", "b1.jpg,,bee"),
        ("file,phylum,class,family,species", "a1.jpg,x,Insecta,y,ant", "b1.jpg,x,Insecta,y,bee"),
        ("path,order,class", "a1.jpg,1,ant", "b1.jpg,2,bee"),
    ],
)
def test_names_win_over_numbers_ranks_and_people(folder: Path, lines: tuple[str, ...]) -> None:
    table = written(folder, "t.csv", *lines)
    assert pairs(read_list(table, None), folder) == BOTH


def test_names_that_mean_something_else_do_not_replace_numbers(folder: Path) -> None:
    put(folder, "c1.jpg")
    table = written(folder, "t.csv", "file,label,name", "a1.jpg,0,Anna", "b1.jpg,1,Anna", "c1.jpg,1,Ben")
    assert [label for _, label in pairs(read_list(table, None), folder)] == ["0", "1", "1"]


@pytest.mark.parametrize("head", ["filename,label", "path,label", "image_id,target"])
def test_numbers_get_the_names_of_a_list_beside_a_table_with_a_head(folder: Path, head: str) -> None:
    written(folder, "classes.txt", "ant", "bee")
    for numbers in (("0", "1"), ("0.0", "1.0")):
        table = written(folder, "t.csv", head, f"a1.jpg,{numbers[0]}", f"b1.jpg,{numbers[1]}")
        assert pairs(read_list(table, None), folder) == BOTH
        assert pairs(read_list(table, None, Columns("1", "2")), folder) == BOTH
    with pytest.raises(DataError, match=r"class 5 on line 2, which is not listed in classes\.txt"):
        read_list(written(folder, "u.csv", head, "a1.jpg,5"), None)


def test_a_number_of_a_record_is_no_photo(folder: Path) -> None:
    for head in ("id,scientific_name", "image_id,label"):
        table = written(folder, "t.csv", head, "0,ant", "1,bee")
        with pytest.raises(UnknownColumnsError, match=r"no column “path”.*its column “(image_)?id” names no photos"):
            read_list(table, None)
        assert preview(table).path is None
    numbered = written(folder, "n.csv", "id,label", "a1,ant", "b1,bee")
    assert pairs(read_list(numbered, None), folder) == BOTH
    put(folder, "0.jpg")
    assert pairs(read_list(written(folder, "t.csv", "id,label", "0,ant"), None), folder) == [("0.jpg", "ant")]


def test_exports_with_addresses(folder: Path) -> None:
    inaturalist = written(
        folder,
        "observations.csv",
        "id,observed_on,url,image_url,species_guess,scientific_name,common_name,iconic_taxon_name,taxon_id",
        "10,2024,https://inat.example/10,https://s3.example/photos/0/a1.jpg?12,x,ant,Ant,Insecta,1",
        "11,2024,https://inat.example/11,https://s3.example/photos/1/b1.jpg,x,bee,Bee,Insecta,2",
    )
    assert pairs(read_list(inaturalist, None), folder) == BOTH
    lila = written(
        folder,
        "lila.csv",
        "dataset_name,url_gcp,url_aws,image_id,scientific_name,common_name,kingdom,phylum,class,order",
        "x,https://g/x/a1.jpg,https://a/x/a1.jpg,x : a1.jpg,ant,Ant,animalia,y,insecta,z",
        "x,https://g/x/b1.jpg,https://a/x/b1.jpg,x : b1.jpg,bee,Bee,animalia,y,insecta,z",
    )
    assert pairs(read_list(lila, None), folder) == BOTH
    open_images = written(folder, "oi.csv", "ImageID,Source,LabelName,Confidence", "a1,x,/m/0ant,1", "b1,x,/m/0ant,0")
    with pytest.raises(UnknownColumnsError, match="no column “label”"):
        read_list(open_images, None)


def test_one_file_for_two_addresses_is_not_guessed(tmp_path: Path) -> None:
    put(tmp_path, "medium.jpg")
    rows = ("https://s3.example/photos/1/medium.jpg,ant", "https://s3.example/photos/2/medium.jpg,bee")
    listing = read_list(written(tmp_path, "t.csv", "image_url,label", *rows), None)
    assert not listing.found
    assert "2 photos listed in t.csv could be any of several files" in said(listing)


@pytest.mark.parametrize("head", ["path,label", "filename,label", "image,label"])
@pytest.mark.parametrize(
    "start",
    [
        "C:\\Users\\Anna\\Pictures\\images\\",
        "/home/anna/images/",
        "https://example.org/images/",
        "https://example.org/other/",
        "gs://bucket/img/",
        "file:///home/anna/images/",
        "D:/photos/Set 1/images/",
    ],
)
def test_paths_of_another_computer(tmp_path: Path, head: str, start: str) -> None:
    put(tmp_path, "Set 1/images/a1.jpg", "Set 1/images/b1.jpg")
    found = [("Set 1/images/a1.jpg", "ant"), ("Set 1/images/b1.jpg", "bee")]
    rows = (f"{start}a1.jpg,ant", f"{start}b1.jpg,bee")
    assert pairs(read_list(written(tmp_path, "t.csv", head, *rows), None), tmp_path) == found
    if "images" in start:
        beside = written(tmp_path / "Set 1/images", "t.csv", head, *rows)
        assert pairs(read_list(beside, None), tmp_path) == found


def test_a_photo_that_is_nowhere_is_kept_as_the_table_says(tmp_path: Path) -> None:
    put(tmp_path, "other/1.jpg", "deep/2.jpg", "deeper/2.jpg")
    table = written(tmp_path, "t.csv", "path,label", "/home/anna/images/1.jpg,ant", "2.jpg,bee", "3.jpg,bee")
    listing = read_list(table, None)
    assert [p.place.source for p in listing.found] == ["/home/anna/images/1.jpg", str(tmp_path / "3.jpg")]
    assert "2.jpg (line 3)" in said(listing), "two files are called so"


def test_automl(folder: Path) -> None:
    rows = ("gs://bucket/img/a1.jpg,ant", "gs://bucket/img/b1.jpg,bee")
    assert pairs(read_list(written(folder, "import.csv", *rows), None), folder) == BOTH
    for role, said_role in (("TRAIN", "training"), ("VALIDATION", "validation"), ("UNASSIGNED", None)):
        listing = read_list(written(folder, "import.csv", *(f"{role},{row}" for row in rows)), None)
        assert pairs(listing, folder) == BOTH
        assert {picture.role for picture in listing.found} == {said_role}
    several = written(folder, "import.csv", f"TEST,{rows[0]},small", f"TEST,{rows[1]}")
    assert "1 photo has several labels" in said(read_list(several, None))


def test_the_column_whose_photos_are_there_counts(folder: Path) -> None:
    table = written(folder, "t.csv", "image,path,label", "a1.jpg,/old/a1.jpg,ant", "b1.jpg,/old/b1.jpg,bee")
    assert pairs(read_list(table, None), folder) == BOTH
