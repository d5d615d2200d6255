"""Label files of other people's programs and data sets: the names alone, or a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_desktop.bundle.labels.label_file import imagenet, read_labels
from resnet_desktop.bundle.library.importing import ModelHints, copy_model
from resnet_desktop.core.errors import ModelError

from .making import plain_classifier, save
from .test_label_files import fault, written

UUIDS = ("5c7ce479-8a45-40b3-ae21-7c97dfae22f5", "1f689929-883d-4dae-958c-3d57ab5b6c16")


@pytest.mark.parametrize(
    ("name", "text", "labels"),
    [
        ("oi.csv", "/m/011k07,Tortoise\n/m/011q46kg,Container\n", ("Tortoise", "Container")),
        ("oi.txt", '/m/011k07,"Tortoise, land"\n/g/11q46kg,Box\n', ("Tortoise, land", "Box")),
        ("oi.csv", "LabelName,DisplayName\n/m/011k07,Tortoise\n/m/011q46kg,Box\n", ("Tortoise", "Box")),
        ("words.csv", '"n01440764","tench, Tinca tinca"\n"n01443537","goldfish"\n', ("tench", "goldfish")),
        ("classes.txt", "1 001.Laysan_Albatross\n2 002.Sooty_Tern\n", ("Laysan_Albatross", "Sooty_Tern")),
        ("classes.txt", "1    rice leaf roller\n2    thrips\n", ("rice leaf roller", "thrips")),
        (
            "places.txt",
            "/a/airfield 0\n/b/bar 1\n/b/bow/indoor 2\n",
            ("airfield", "bar", "bow/indoor"),
        ),
        ("x.txt", "tiny owl 0\nlarge owl 1\n", ("tiny owl", "large owl")),
        (
            "speciesnet.txt",
            f"{UUIDS[0]};mammalia;primates;hominidae;homo;sapiens;human\n{UUIDS[1]};aves;x;y;strix;aluco;\n",
            ("human", "strix aluco"),
        ),
        ("x.txt", "0 -> cat\n1 -> dog\n", ("cat", "dog")),
        ("x.txt", "cat => 1\ndog => 0\n", ("dog", "cat")),
        ("x.swift", 'let labels = ["cat", "dog"]\n', ("cat", "dog")),
        ("x.ts", 'export const LABELS: string[] = [\n  "cat",\n  "dog",\n];\n', ("cat", "dog")),
        ("x.txt", "array(['cat', 'dog'], dtype='<U3')\n", ("cat", "dog")),
        ("x.py", "names = np.array(['cat', 'dog'], dtype=object)\n", ("cat", "dog")),
        ("x.txt", "dict_keys(['cat', 'dog'])", ("cat", "dog")),
        ("x.md", "| index | label |\n|---|:---:|\n| 0 | cat |\n| 1 | dog |\n", ("cat", "dog")),
        ("x.md", "| Class |\n|---|\n| cat |\n| dog |\n", ("cat", "dog")),
        ("gtsrb.csv", "ClassId,SignName\n0,Stop\n1,Yield\n", ("Stop", "Yield")),
        ("x.csv", "nummer;sorte\n1;Apfel\n2;Birne\n", ("Apfel", "Birne")),
        ("x.csv", "model_class,taxon_id,latin_name,common_name\n0,1,Felis catus,cat\n1,2,Canis,dog\n", ("cat", "dog")),
        ("matlab.csv", "Var1\ncat\ndog\n", ("cat", "dog")),
        ("series.csv", ",0\n0,cat\n1,dog\n", ("cat", "dog")),
        ("x.txt", "# the classes\ncat\ndog\n", ("cat", "dog")),
        ("x.txt", '"cat"\n"dog, big"\n', ("cat", "dog, big")),
        ("signature.json", '{"doc_id": "x", "classes": {"Label": ["cat", "dog"]}}', ("cat", "dog")),
        ("export.json", '{"vocab": ["cat", "dog"]}', ("cat", "dog")),
        ("meta.json", '{"dataset_meta": {"classes": ["cat", "dog"]}}', ("cat", "dog")),
        ("objects.json", '[{"name": "/m/01g317", "id": 1, "display_name": "person"}]', ("person",)),
    ],
)
def test_names_are_read_alone(tmp_path: Path, name: str, text: str, labels: tuple[str, ...]) -> None:
    assert read_labels(written(tmp_path, text, name)) == labels
    assert read_labels(written(tmp_path, text.replace("\n", "\r\n"), name)) == labels


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.h", '#define COUNT 2\nconst char* names[] = { "cat", "dog" };\n', "line 1 is “#define COUNT 2”. Save"),
        ("x.java", 'String[] LABELS = {"cat", "dog"};\n', "not a list of names"),
        ("x.js", 'module.exports = ["cat", "dog"];\n', "not a list of names"),
        ("x.prototxt", 'name: "x"\nlayer { name: "data" }\n', "not a list of names"),
        ("obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n", "holds settings"),
        ("x.txt", "| cat | dog |\n| a | b |\n", "not a list of names"),
        (
            "x.csv",
            "class;french;english\n0;blaireau;badger\n1;cerf;deer\n",
            "several columns that could hold the names (french, english)",
        ),
        ("x.csv", "cat;felis\ndog;canis\n", "table with 2 columns"),
        ("x.txt", "cat/1.jpg 0\ndog/1.jpg 1\n", "lists photos"),
        ("x.txt", "cat/1.jpg\ndog/1.JPG\n", "lists photos"),
        ("x.txt", "0 cat\n1 dog\n3 bird\n", "no index 2: line 3"),
        ("x.txt", "x = array(['cat'\n 'dog'\n", "not a list of names"),
    ],
)
def test_what_holds_no_names_alone_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    assert said in fault(tmp_path, text, name)


@pytest.mark.parametrize(
    "lines",
    [
        ("class (biology)", "package (parcel)", "static noise", "let it be", "import"),
        ("a [small] cat", "cat (tom)", 'the "best" dog', "50% off; sale"),
        ("1 person", "2 people", "3 or more people"),
        ("Concorde 001", "Boeing 707"),
        ("#1 fan", "# of fans"),
        ("0 stars", "1 star", "2 stars"),
        ("dose = 10 mg", "dose = 20 mg"),
        ("tench, Tinca tinca", "goldfish, Carassius auratus"),
    ],
)
def test_names_that_look_a_little_like_it_stay_whole(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert read_labels(written(tmp_path, "\n".join(lines))) == lines


def test_the_names_of_imagenet_stay_whole(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, "\n".join(imagenet()))) == imagenet()
    assert read_labels(written(tmp_path, "\n".join(imagenet()), "x.csv")) == imagenet()


def test_another_number_of_names_says_what_the_first_is(tmp_path: Path) -> None:
    model = save(tmp_path / "m.onnx", plain_classifier())
    labels = read_labels(written(tmp_path, "Sorte\nant\nbee\ncrane\nwasp\n"))
    with pytest.raises(ModelError, match=r"5 labels for 4 classes; the first is “Sorte”") as caught:
        copy_model(model, tmp_path / "x.onnx", ModelHints(labels=labels))
    assert "heading" in str(caught.value.hint)


def test_long_rows_of_one_thing_end_in_time(tmp_path: Path) -> None:
    """Each of these took from seconds to for ever with a pattern that tries all ways to part it."""
    for text in ("x = array([" + "dtype=," * 300, "\n".join(["1 " + " " * 3900 + "x"] * 20), "a" + " " * 3900 + "b"):
        assert "line 1" in fault(tmp_path, text)
