"""Tables as other people's tools write them, built small: read by their heads; nothing is dropped unsaid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resnet_desktop.core.errors import DataError
from resnet_desktop.data.checks.inspection import inspect
from resnet_desktop.data.dataset import Dataset, collect, survey
from resnet_desktop.data.sources.csv_source import Listing, read_list
from resnet_desktop.imaging.decode import encode_jpeg
from resnet_desktop.jobs.job import parse_job
from tests.conftest import make_photo


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def written(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def pairs(listing: Listing, folder: Path) -> list[tuple[str, str]]:
    return [(Path(p.place.source).relative_to(folder).as_posix(), p.label) for p in listing.found]


def said(listing: Listing) -> str:
    return "\n".join(problem.message for problem in listing.problems)


def collected(table: Path, **changes: Any) -> Dataset:
    return collect(parse_job({"v": 1, "data": [{"csv": str(table)}], "output": "out", **changes}))


STUDIO = "annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at"


def studio_row(number: int, image: str, choice: str) -> str:
    quoted = '"' + choice.replace('"', '""') + '"' if choice else ""
    return f"{number},1,{quoted},2024-05-02T10:00:00Z,{number},{image},3.2,2024-05-02T10:00:00Z"


def test_label_studio(tmp_path: Path) -> None:
    put(tmp_path, "3f2b9c1d-cat_01.jpg", "photos/dog_07.jpg", "store/zoo/a b.jpg", "photos/bird.jpg", "photos/both.jpg")
    table = written(
        tmp_path,
        "project-1-at-2024-05-02-10-00-0123abcd.csv",
        STUDIO,
        studio_row(1, "/data/upload/1/3f2b9c1d-cat_01.jpg", "cat"),
        studio_row(2, "/data/upload/1/8a7b6c5d-dog_07.jpg", "dog"),
        studio_row(3, "/data/local-files/?d=store/zoo/a%20b.jpg", "cat"),
        studio_row(4, "https://pictures.example.org/x/bird.jpg?width=3", json.dumps({"choices": ["bird"]})),
        studio_row(5, "/data/upload/1/00112233-both.jpg", json.dumps({"choices": ["cat", "dog"]})),
        studio_row(6, "/data/upload/1/99887766-gone.jpg", "dog"),
        studio_row(7, "/data/upload/1/3f2b9c1d-cat_01.jpg", ""),
    )
    listing = read_list(table, None)
    assert pairs(listing, tmp_path) == [
        ("3f2b9c1d-cat_01.jpg", "cat"),
        ("photos/dog_07.jpg", "dog"),
        ("store/zoo/a b.jpg", "cat"),
        ("photos/bird.jpg", "bird"),
        ("photos/both.jpg", "cat"),
        ("photos/both.jpg", "dog"),
    ]
    text = said(listing)
    assert "1 row (line 8)" in text
    assert "99887766-gone.jpg (line 7)" in text
    assert "1 photo has several labels" in text
    assert "both.jpg (cat, dog)" in text


def test_label_studio_with_names_of_the_project(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    table = written(
        tmp_path,
        "x.csv",
        "annotation_id,annotator,id,lead_time,photo_kind,url",
        "1,1,1,2,cat,a.jpg",
        "2,1,2,2,dog,b.jpg",
    )
    assert pairs(read_list(table, None), tmp_path) == [("a.jpg", "cat"), ("b.jpg", "dog")]
    boxes = json.dumps([{"x": 1, "rectanglelabels": ["cat"]}, {"x": 5, "rectanglelabels": ["cat"]}]).replace('"', '""')
    table = written(tmp_path, "y.csv", "annotation_id,annotator,id,image,label,lead_time", f'1,1,1,a.jpg,"{boxes}",2')
    assert pairs(read_list(table, None), tmp_path) == [("a.jpg", "cat")]


def test_annotators_that_disagree_are_a_contradiction(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    put(tmp_path, "c.jpg")
    given = (("a.jpg", "cat"), ("b.jpg", "dog"), ("b.jpg", "cat"), ("c.jpg", "dog"))
    table = written(tmp_path, "x.csv", STUDIO, *(studio_row(i, *row) for i, row in enumerate(given, 1)))
    ((sample, labels),) = collected(table).contradictions
    assert (Path(sample.source).name, labels) == ("b.jpg", ("cat", "dog"))


def test_two_uploads_of_one_name_are_not_guessed(tmp_path: Path) -> None:
    put(tmp_path, "IMG_1.jpg", "b.jpg")
    table = written(
        tmp_path,
        "x.csv",
        STUDIO,
        studio_row(1, "/data/upload/1/00000001-IMG_1.jpg", "cat"),
        studio_row(2, "/data/upload/1/00000002-IMG_1.jpg", "dog"),
        studio_row(3, "/data/upload/1/00000003-b.jpg", "dog"),
    )
    listing = read_list(table, None)
    assert pairs(listing, tmp_path) == [("b.jpg", "dog")]
    assert "2 photos listed in x.csv could be any of several files" in said(listing)


def test_roboflow(tmp_path: Path) -> None:
    put(tmp_path, "train/a_jpg.rf.0123.jpg", "train/b.jpg", "train/c.jpg", "train/d.jpg", "valid/e.jpg")
    head = "filename, stag beetle, weevil, Unlabeled"
    table = written(
        tmp_path / "train",
        "_classes.csv",
        head,
        "a_jpg.rf.0123.jpg, 1, 0, 0",
        "b.jpg, 0, 1, 0",
        "c.jpg, 1, 1, 0",
        "d.jpg, 0, 0, 1",
        "gone.jpg, 0, 1, 0",
    )
    listing = read_list(table, None)
    assert pairs(listing, tmp_path / "train") == [
        ("a_jpg.rf.0123.jpg", "stag beetle"),
        ("b.jpg", "weevil"),
        ("c.jpg", "stag beetle"),
        ("c.jpg", "weevil"),
    ]
    assert {picture.role for picture in listing.found} == {"training"}
    text = said(listing)
    assert "1 row (line 5) of _classes.csv has no label" in text
    assert "gone.jpg (line 6)" in text
    assert "c.jpg (stag beetle, weevil)" in text
    valid = written(tmp_path / "valid", "_classes.csv", head, "e.jpg, 1, 0, 0")
    assert [p.role for p in read_list(valid, None).found] == ["validation"]
    ((sample, labels),) = collected(table).contradictions
    assert (Path(sample.source).name, labels) == ("c.jpg", ("stag beetle", "weevil"))


def test_one_column_a_class_with_numbers_for_names(tmp_path: Path) -> None:
    put(tmp_path, "images/Train_0.jpg", "images/Train_1.jpg")
    table = written(tmp_path, "train.csv", "image_id,healthy,rust,scab", "Train_0,0,1,0", "Train_1,1.0,0.0,0.0")
    assert pairs(read_list(table, None), tmp_path) == [
        ("images/Train_0.jpg", "rust"),
        ("images/Train_1.jpg", "healthy"),
    ]


def test_timelapse(tmp_path: Path) -> None:
    put(tmp_path, "Site1/IMG_0001.JPG", "Site2/Night/IMG_0001.JPG", "IMG_0009.JPG")
    table = written(
        tmp_path,
        "TimelapseData.csv",
        "RootFolder,File,RelativePath,DateTime,DeleteFlag,animal,empty,person,vehicle,Species,Count",
        "Traps,IMG_0001.JPG,Site1,2024-05-02 10:00:00,false,true,false,false,false,roe deer,1",
        "Traps,IMG_0001.JPG,Site2\\Night,2024-05-02 10:00:00,false,true,false,false,false,fox,1",
        "Traps,IMG_0009.JPG,,2024-05-02 10:00:00,false,true,false,false,false,fox,1",
        "Traps,IMG_0001.JPG,Site3,2024-05-02 10:00:00,false,true,false,false,false,fox,1",
        "Traps,IMG_0002.JPG,Site1,2024-05-02 10:00:00,false,false,true,false,false,,0",
    )
    listing = read_list(table, None)
    assert pairs(listing, tmp_path) == [
        ("Site1/IMG_0001.JPG", "roe deer"),
        ("Site2/Night/IMG_0001.JPG", "fox"),
        ("IMG_0009.JPG", "fox"),
    ]
    assert "Site3/IMG_0001.JPG (line 5)" in said(listing), "a photo of another camera is not taken in its place"
    assert "1 row (line 6)" in said(listing)


def test_two_species_in_one_photo(tmp_path: Path) -> None:
    put(tmp_path, "S/1.jpg", "S/2.jpg")
    table = written(
        tmp_path, "t.csv", "File,RelativePath,Species", "1.jpg,S,fox", "1.jpg,S,deer", "2.jpg,S,fox", "2.jpg,S,fox"
    )
    found = collected(table)
    assert [labels for _, labels in found.contradictions] == [("deer", "fox")]
    assert len(found.samples) == 2


MEDIA = "mediaID,deploymentID,captureMethod,timestamp,filePath,filePublic,fileName,fileMediatype,exifData,favorite"
OBSERVATIONS = "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd," + (
    "observationLevel,observationType,scientificName,count"
)


def camtrap(folder: Path) -> tuple[Path, Path]:
    when = "2024-05-02T10:00:00Z"
    names = {"m1": "1.jpg", "m2": "2.jpg", "m3": "3.jpg", "m4": "4.jpg", "m5": "5.jpg"}
    rows = [
        f"{key},d1,activityDetection,{when},media/d1/{name},true,{name},image/jpeg,," for key, name in names.items()
    ]
    for key, camera, time in (
        ("m7", "d1", "11:05"),
        ("m8", "d1", "12:00"),
        ("m9", "d2", "11:05"),
        ("m10", "d1", "11:07"),
    ):
        rows.append(f"{key},{camera},timeLapse,2024-05-02T{time}:00+00:00,media/d1/{key[1:]}.jpg,true,,image/jpeg,,")
    rows.append(f"m6,d1,activityDetection,{when},media/d1/6.mp4,true,6.mp4,video/mp4,,")
    media = written(folder, "media.csv", MEDIA, *rows)
    seen = [
        ("m1", "media", "animal", "Vulpes vulpes"),
        ("m2", "media", "blank", ""),
        ("m3", "media", "human", "Homo sapiens"),
        ("m4", "media", "unclassified", ""),
        ("m5", "media", "animal", "Vulpes vulpes"),
        ("m5", "media", "animal", "Meles meles"),
        ("m6", "media", "animal", "Vulpes vulpes"),
        ("m99", "media", "animal", "Vulpes vulpes"),
        ("m10", "media", "unknown", ""),
        ("", "media", "animal", "Vulpes vulpes"),
    ]
    rows = [f"o{i},d1,{m},e1,{when},{when},{level},{kind},{name},1" for i, (m, level, kind, name) in enumerate(seen)]
    rows[-1] = "o98,,,,,,event,animal,Vulpes vulpes,1"
    rows.append("o99,d1,,e2,2024-05-02T11:00:00Z,2024-05-02T13:10:00+02:00,event,animal,Lynx lynx,1")
    return media, written(folder, "observations.csv", OBSERVATIONS, *rows)


def test_camtrap_dp(tmp_path: Path) -> None:
    put(tmp_path, *(f"media/d1/{i}.jpg" for i in (1, 2, 3, 4, 5, 7, 8, 9, 10)))
    for table in camtrap(tmp_path):
        listing = read_list(table, None)
        assert pairs(listing, tmp_path / "media" / "d1") == [
            ("1.jpg", "Vulpes vulpes"),
            ("2.jpg", "blank"),
            ("3.jpg", "human"),
            ("5.jpg", "Vulpes vulpes"),
            ("5.jpg", "Meles meles"),
            ("7.jpg", "Lynx lynx"),
        ]
        text = said(listing)
        assert "4 rows (lines 5, 8, 9 and 1 more) of media.csv have no label" in text
        assert "2 rows of observations.csv match no photo in media.csv" in text
        assert "1 photo took the label of a whole event in observations.csv" in text
        assert "1 video in media.csv cannot be used" in text
        assert "5.jpg (Vulpes vulpes, Meles meles)" in text


def test_half_a_data_package_says_what_is_missing(tmp_path: Path) -> None:
    media, observations = camtrap(tmp_path)
    media.unlink()
    with pytest.raises(DataError, match=r"media\.csv is not in the same folder"):
        read_list(observations, None)
    written(tmp_path, "media.csv", "path,label")
    with pytest.raises(DataError, match=r"is missing Camtrap DP columns: filepath, mediaid"):
        read_list(observations, None)


def test_wildlife_insights(tmp_path: Path) -> None:
    put(tmp_path, "d1/0a1b.JPG", "d2/IMG_1.JPG", "d1/IMG_1.JPG", "blank/77.jpg")
    head = "project_id,deployment_id,image_id,filename,location,is_blank,identified_by,wi_taxon_id,class,order,family"
    head += ",genus,species,common_name"
    taxa = "Mammalia,Carnivora,Canidae"
    table = written(
        tmp_path,
        "images.csv",
        head,
        f"1,d9,0a1b,IMG_1.JPG,gs://bucket/1/prod/0a1b.JPG,0,x,t,{taxa},Vulpes,vulpes,Red Fox",
        f"1,d2,zz,IMG_1.JPG,gs://bucket/1/prod/zz.JPG,0,x,t,{taxa},Meles,meles,",
        "1,d3,77,IMG_8.JPG,gs://bucket/1/prod/77.JPG,1,x,t,No CV Result,,,,,Blank",
        f"1,d3,88,IMG_9.JPG,gs://bucket/1/prod/88.JPG,0,x,t,{taxa},Vulpes,vulpes,Red Fox",
        "1,d3,99,IMG_9.JPG,gs://bucket/1/prod/99.JPG,0,x,t,,,,,,",
    )
    listing = read_list(table, None)
    assert pairs(listing, tmp_path) == [
        ("d1/0a1b.JPG", "Red Fox"),
        ("d2/IMG_1.JPG", "Meles meles"),
        ("blank/77.jpg", "blank"),
    ]
    assert "gs://bucket/1/prod/88.JPG (line 5)" in said(listing)
    assert "1 row (line 6)" in said(listing)


def test_lists_of_paths_and_labels(tmp_path: Path) -> None:
    put(tmp_path, "train/ants/a 1.jpg", "train/bees/2.png", "train/bees/3.png")
    lines = ("ants/a 1.jpg 0", "bees/2.png 1", "bees/3.png 1")
    table = written(tmp_path, "train.txt", *lines)
    assert [label for _, label in pairs(read_list(table, None), tmp_path)] == ["0", "1", "1"]
    for names in (("ant", "honey bee"), ("0 ant", "1 honey bee")):
        written(tmp_path, "classes.txt", *names)
        assert pairs(read_list(table, None), tmp_path) == [
            ("train/ants/a 1.jpg", "ant"),
            ("train/bees/2.png", "honey bee"),
            ("train/bees/3.png", "honey bee"),
        ]
    written(tmp_path, "classes.txt", "ant", "honey bee")
    from_one = written(tmp_path, "ones.txt", "ants/a 1.jpg 1", "bees/2.png 2", "bees/3.png 2")
    assert {label for _, label in pairs(read_list(from_one, None), tmp_path)} == {"ant", "honey bee"}
    beyond = written(tmp_path, "beyond.txt", *lines, "bees/2.png 7")
    with pytest.raises(DataError, match=r"class 7 on line 4, which is not listed in classes\.txt"):
        read_list(beyond, None)
    with pytest.raises(DataError, match="no path and label on line 2"):
        read_list(written(tmp_path, "bad.txt", "bees/2.png 1", "bees/3.png"), None)
    words = written(tmp_path, "words.txt", "bees/2.png honey bee", "/elsewhere/train/ants/a 1.jpg ant")
    assert [label for _, label in pairs(read_list(words, None), tmp_path)] == ["honey bee", "ant"]


def test_tables_of_competitions_and_fastai(tmp_path: Path) -> None:
    put(tmp_path, "train/000a.jpg", "train/000b.jpg", "test/000a.jpg", "test/000c.jpg")
    table = written(tmp_path, "train.csv", "id,breed", "000a,boxer", "000b,pug", "000c,pug", "000d,pug")
    listing = read_list(table, None)
    assert pairs(listing, tmp_path)[:3] == [
        ("train/000a.jpg", "boxer"),
        ("train/000b.jpg", "pug"),
        ("test/000c.jpg", "pug"),
    ]
    fast = written(tmp_path, "labels.csv", "fname,labels,is_valid", "000a,cat dog,True", "000b,cat,False", "000c,dog,")
    found = read_list(fast, None).found
    assert [(p.label, p.role) for p in found if "000b" in p.name] == [("cat", "training")]
    assert "could be any of several" in said(read_list(fast, None)), "000a lies in train and in test"
    whole = written(tmp_path, "w.csv", "image_id,tags", "000b,red fox", "000c,grey wolf")
    assert {label for _, label in pairs(read_list(whole, None), tmp_path)} == {"red fox", "grey wolf"}


def test_what_is_missing_is_among_the_problems_and_the_findings(tmp_path: Path) -> None:
    for name in ("a1", "a2", "b1", "b2"):
        (tmp_path / f"{name}.jpg").write_bytes(encode_jpeg(make_photo()))
    rows = ("a1.jpg,S,ant", "a2.jpg,,ant", "b1.jpg,,bee", "b2.jpg,,bee", "c.jpg,,bee", "a1.jpg,,ant", "b1.jpg,,")
    table = written(tmp_path, "t.csv", "File,RelativePath,Species", *rows)
    job = parse_job({"v": 1, "data": [{"csv": str(table)}], "output": str(tmp_path / "out")})
    problems = survey(job).problems
    assert any("2 photos listed in t.csv do not exist and are not used: S/a1.jpg (line 2)" in text for text in problems)
    assert any("1 row (line 8) of t.csv has no label" in text for text in problems)
    messages = {finding.kind: finding.message for finding in inspect(job).findings if "t.csv" in finding.message}
    assert set(messages) == {"unreadable", "few_images"}


def test_a_table_whose_photos_are_all_elsewhere_says_so(tmp_path: Path) -> None:
    table = written(tmp_path, "t.csv", "File,RelativePath,Species", "1.jpg,S,fox", "2.jpg,S,deer")
    with pytest.raises(DataError, match=r"2 photos listed in t\.csv do not exist"):
        collected(table)


def test_a_folder_of_an_export_is_told_of_its_table(tmp_path: Path) -> None:
    put(tmp_path / "export", "train/a.jpg", "train/b.jpg", "valid/c.jpg")
    for part in ("train", "valid"):
        written(tmp_path / "export" / part, "_classes.csv", "filename, ant, bee")
    with pytest.raises(DataError) as caught:
        collect(parse_job({"v": 1, "data": [{"folder": str(tmp_path / "export")}], "output": "out"}))
    assert "have no class, but train/_classes.csv and 1 more like it may list their classes" in caught.value.message
    put(tmp_path / "mixed", "ants/1.jpg", "bees/2.jpg", "3.jpg", "list.csv")
    found = collect(parse_job({"v": 1, "data": [{"folder": str(tmp_path / "mixed")}], "output": "out"}))
    assert any(
        "Photos in mixed have no class, but list.csv may list their classes: add it" in p.message
        for p in found.problems
    )
    put(tmp_path / "sorted", "ants/1.jpg", "bees/2.jpg", "results.csv")
    assert not collect(parse_job({"v": 1, "data": [{"folder": str(tmp_path / "sorted")}], "output": "out"})).problems
