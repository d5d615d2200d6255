"""Files of class names as programs write them: read right, or refused with the reason and the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_desktop.bundle.labels import label_file
from resnet_desktop.bundle.labels.label_file import read_labels
from resnet_desktop.core.errors import ModelError

THREE = ("tench", "3D printer", "käfer")


def written(folder: Path, text: str | bytes, name: str = "labels.txt") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def fault(folder: Path, text: str | bytes, name: str = "labels.txt") -> str:
    with pytest.raises(ModelError) as caught:
        read_labels(written(folder, text, name))
    assert caught.value.code == "wrong_labels"
    return caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        '["tench", "3D printer", "k\\u00e4fer"]',
        '{"0": "tench", "1": "3D printer", "2": "käfer"}',
        '{"2": "käfer", "0": "tench", "1": "3D printer"}',
        '{"tench": 0, "käfer": 2, "3D printer": 1}',
        '[{"id": 0, "name": "tench"}, {"id": 2, "name": "käfer"}, {"id": 1, "name": "3D printer"}]',
        '[{"label": "tench"}, {"label": "3D printer"}, {"label": "käfer"}]',
        '[{"class": 0, "label": "tench"}, {"class": 1, "label": "3D printer"}, {"class": 2, "label": "käfer"}]',
        '[{"super": "x", "id": 1, "name": "tench"}, {"id": 2, "name": "3D printer"}, {"id": 3, "name": "käfer"}]',
        '{"num_classes": 3, "names": ["tench", "3D printer", "käfer"]}',
        '{"architectures": ["X"], "id2label": {"0": "tench", "1": "3D printer", "2": "käfer"}, "label2id": {"a": 0}}',
        '{"info": {"year": 1}, "categories": [{"id": 0, "name": "tench"}, {"id": 1, "name": "3D printer"},'
        ' {"id": 2, "name": "käfer"}]}',
        '{"model": {"class_names": ["tench", "3D printer", "käfer"]}}',
        '{"0": ["n01440764", "tench"], "1": ["n04004767", "3D printer"], "2": ["n02165105", "käfer"]}',
        '[[0, "tench"], [1, "3D printer"], [2, "käfer"]]',
        '{"id": 0, "name": "tench"}\n{"id": 1, "name": "3D printer"}\n{"id": 2, "name": "käfer"}\n',
        "['tench', '3D printer', 'k\\xe4fer']",
        "('tench', \"3D printer\", 'käfer',)",
        "{0: 'tench', 1: '3D printer', 2: 'käfer'}",
        "CLASSES = [\n  'tench',  # a fish\n  '3D printer',\n  u'käfer',\n]\n",
        "{'tench': 0, '3D printer': 1, 'käfer': 2,}",
    ],
)
def test_json_and_literals_of_python(tmp_path: Path, text: str) -> None:
    assert read_labels(written(tmp_path, text)) == THREE
    assert read_labels(written(tmp_path, "\r\n" + text.replace("\n", "\r\n"), "labels.json")) == THREE


@pytest.mark.parametrize(
    "text",
    [
        "path: ../photos  # the root\ntrain: images/train\nnc: 3\n\nnames:\n  0: tench\n  1: 3D printer # machine\n"
        "  2: käfer\n\ndownload: |\n  import os\n  names: [no]\n",
        "names: [tench, '3D printer', \"käfer\"]\n",
        "names:\n  [\n    tench,\n    3D printer,\n    käfer,\n  ]\nnc: 3\n",
        "---\nnames:\n- tench\n- 3D printer\n- käfer\n",
        "# names\nnames:\n    - tench\n\n    - '3D printer'\n    - käfer\n",
        "names: {0: tench, 1: 3D printer, 2: käfer}",
        "- tench\n- 3D printer\n- käfer\n",
        "classes:\n  - id: 0\n    name: tench\n  - id: 1\n    name: 3D printer\n  - id: 2\n    name: käfer\n",
    ],
)
def test_yaml(tmp_path: Path, text: str) -> None:
    for name in ("data.yaml", "data.yml", "labels.txt"):
        assert read_labels(written(tmp_path, text, name)) == THREE


def test_words_of_yaml_stay_words(tmp_path: Path) -> None:
    for text in (
        "names:\n  0: no\n  1: yes\n  2: '007'\n  3: 1.50\n  4: don't\n",
        "names: [no, yes, 007, 1.50, don't]",
    ):
        assert read_labels(written(tmp_path, text, "data.yaml")) == ("no", "yes", "007", "1.50", "don't")


@pytest.mark.parametrize(
    "text",
    [
        "0 tench\n1 3D printer\n2 käfer\n",
        "0: tench\n1: 3D printer\n2: käfer",
        "0:tench\n1:3D printer\n2:käfer",
        "1,tench\n2,3D printer\n3,käfer\n",
        "0\ttench\n1\t3D printer\n2\tkäfer\n",
        "2;käfer\n0;tench\n1;3D printer\n",
        "0: 'tench',\n1: '3D printer',\n2: \"käfer\",\n",
        "tench,3D printer,käfer",
        "tench; 3D printer; käfer",
        "tench\t3D printer\tkäfer",
        "\n\ntench\n3D printer\nkäfer",
        "1. tench\n2. 3D printer\n3. käfer\n",
        '0,"tench"\n1,"3D printer"\n2,käfer\n',
        "tench,0\n3D printer,1\nkäfer,2\n",
        "tench\n3D printer\n  käfer \n",
        "n01440764 tench, Tinca tinca\nn04004767 3D printer\nn02165105 käfer, beetle\n",
        "n01440764\ttench\nn04004767\t3D printer\nn02165105\tkäfer\n",
        "n02165105 3 käfer\nn01440764 1 tench\nn04004767 2 3D printer\n",
        "index,label\n0,tench\n1,3D printer\n2,käfer\n",
        "index\tlabel\n2\tkäfer\n0\ttench\n1\t3D printer\n",
        "Label;ID\ntench;1\n3D printer;2\nkäfer;3\n",
        ",label\n0,tench\n1,3D printer\n2,käfer\n",
        "label,name\n0,tench\n1,3D printer\n2,käfer\n",
        'class_id,class_name,notes\n0,tench,"a, b"\n1,3D printer,\n2,käfer,x\n',
        'index,wnid,words\n0,n01440764,"tench, Tinca tinca"\n1,n04004767,3D printer\n2,n02165105,"käfer, x"\n',
    ],
)
def test_lines_and_tables(tmp_path: Path, text: str) -> None:
    assert read_labels(written(tmp_path, text)) == THREE
    assert read_labels(written(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))) == THREE


@pytest.mark.parametrize(
    "lines",
    [
        ("3D printer", "7-Eleven", "tench"),
        ("1 cent", "2 cents", "5 cents", "10 cents", "20 cents", "50 cents"),
        ("1 euro", "2 euro"),
        ("7 Up", "3 Musketeers"),
        ("0", "1", "2"),
        ("2 of clubs", "3 of clubs", "4 of clubs"),
        ("n01440764", "n01443537"),
        ("tench, Tinca tinca", "goldfish, Carassius auratus"),
        ("Boeing 707", "Boeing 747"),
        ("a: b", "c: d"),
        ("name", "label"),
        ("0.5 mm", "1.5 mm"),
    ],
)
def test_plain_names_stay_whole(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert read_labels(written(tmp_path, "\n".join(lines))) == lines


def test_tables_without_an_index(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, "label\ntench\n3D printer\nkäfer\n", "x.csv")) == THREE
    assert read_labels(written(tmp_path, "name\tcolour\ntench\tx\n3D printer\tx\nkäfer\tx\n", "x.tsv")) == THREE
    assert read_labels(written(tmp_path, "label\ntench\n")) == ("label", "tench")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
@pytest.mark.parametrize("text", ["tench\n3D printer\nkäfer\n", '{"0": "tench", "1": "3D printer", "2": "käfer"}'])
def test_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    assert read_labels(written(tmp_path, text.encode(encoding))) == THREE


def test_encodings_that_cannot_be_told(tmp_path: Path) -> None:
    assert "old encoding" in fault(tmp_path, "жук\nмуравей\n".encode("cp1251"))
    assert "old encoding" in fault(tmp_path, "蝶\n蟻\n".encode("shift-jis"))
    assert "incomplete" in fault(tmp_path, "tench\nkäfer".encode("utf-16")[:-1])
    assert "not text" in fault(tmp_path, b"\x89PNG\r\n" + b"a" * 90 + b"\0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"0": "a",\n"1": "b",\n"3": "d"}', "no index 2: line 3 continues with 3"),
        ('{"0": "a",\n"1": "b",\n"1": "c"}', "index 1 twice: on line 2 and on line 3"),
        ('{"a": 0,\n"b": 0}', "index 0 twice"),
        ("0: a\n1: b\n3: d\n4: e\n", "no index 2: line 3"),
        ("0 a\n1 b\n1 c\n2 d\n", "index 1 twice: on line 2 and on line 3"),
        ("names:\n  0: a\n  2: c\n", "no index 1: line 3"),
        ("names: [a, b]\nnc: 3\n", "line 2 says there are 3 classes"),
        ('{"21": "a", "1": "b", "2": "c"}', "no index 3"),
        ('{"2": "a", "1": "b", "3": "c"}', "start at 0"),
        ("index,label\n0,a\n2,b\n", "no index 1: line 3"),
        ("index,label\n0,a\n1,b,c\n", "3 fields on line 3, but there are 2 columns"),
        ("[" * 50 + "]" * 50, "nested too deeply"),
        ('{"names": {"a": [["b"]]}}', "without class names"),
        ('{"epochs": 3,\n"lr": [0.1]}', "its keys are: epochs, lr"),
        ('["a",\n"b"', "line 1: this “[” is never closed"),
        ('["a",\n"b" "c"]', "line 2: there must be a comma"),
        ("['a', __import__('os')]", "line 1: “__import__"),
        ("['a', 'b'] + ['c']", "line 1: “+ ['c']” is neither"),
        ('["a", 3, "c"]', "line 1 does not hold one"),
        ('["a",\n""]', "empty name on line 2"),
        ('{"0": {"x": "a"}}', "line 1 does not hold one"),
        ('["a\\u0007b"]', "characters that cannot be displayed"),
        ("item {\n  name: 'a'\n  id: 1\n}\n", "line 1 is “item {”"),
        ("<annotation>\n</annotation>", "line 1 is “<annotation>”"),
        ("a\n\nb", "line 2 is empty"),
        ("\n\na\n\nb", "line 4 is empty"),
        ("\nindex,label\n0,a\n2,b\n", "no index 1: line 4"),
        ("", "is empty"),
        ("names:\n  - &x a\n", "line 2: “&”"),
        ("names:\n\t- a\n", "line 2: YAML must be indented with spaces"),
        ("names:\n  - a\n    - b\n", "line 3"),
        ("x" * 5000, "more than 4,000 characters on line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in fault(tmp_path, text)


def test_a_file_called_json_that_is_none(tmp_path: Path) -> None:
    assert "JSON suffix" in fault(tmp_path, "tench\n", "labels.json")


def test_large_lists_are_read(tmp_path: Path) -> None:
    names = tuple(f"class number {i}" for i in range(20_000))
    literal = "{" + ", ".join(f"{i}: {name!r}" for i, name in enumerate(names)) + "}"
    assert read_labels(written(tmp_path, literal)) == names
    assert read_labels(written(tmp_path, "\n".join(names))) == names
    assert "more than 100,000 names" in fault(tmp_path, "\n".join(["a"] * 100_001))
    assert label_file.MAX_BYTES < 2**25
