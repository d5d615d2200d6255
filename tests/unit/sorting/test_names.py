"""Names of classes as names of folders."""

from __future__ import annotations

import os

import pytest

from resnet_desktop.sorting.names import LONGEST, UNSURE, FolderNames, compared, folder_name, numbered


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("golden retriever", "golden retriever"),
        ("猫 عربي", "猫 عربي"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        ("   ", "_"),
        ("/etc/passwd", "_etc_passwd"),
        (".hidden", "_hidden"),
        ("ends. .", "ends"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("com1", "com1_"),
        ("console", "console"),
        ('<b>?*|"', "_b_____"),
        ("a\nb\x1b[31m", "a_b_[31m"),
        ("a\u202eb", "a_b"),
        ("\udcff", "_"),
        ("cafe\u0301", "caf\u00e9"),
    ],
)
def test_what_some_system_refuses_is_replaced(label: str, name: str) -> None:
    assert folder_name(label) == name


@pytest.mark.parametrize("label", ["x" * 5000, "猫" * 5000, "." * 300, "con" + " " * 300, "a" * 79 + ". ."])
def test_long_names_are_cut(label: str, tmp_path: object) -> None:
    name = folder_name(label)
    assert 0 < len(os.fsencode(name)) <= LONGEST + 1
    assert name == name.strip(" ").rstrip(".")
    assert compared(name) not in ("con", ".", "..")


def test_two_classes_never_share_a_folder() -> None:
    names = FolderNames()
    labels = ["Cat", "cat", "CAT", "a/b", "a:b", "caf\u00e9", "cafe\u0301 ", UNSURE, "Straße", "STRASSE"]
    found = [names.of(label) for label in labels]
    assert len({compared(name) for name in (*found, names.of(None))}) == len(labels) + 1
    assert [names.of(label) for label in labels] == found
    assert names.of(None) == UNSURE


def test_folders_of_earlier_runs_are_kept_and_other_files_spared() -> None:
    names = FolderNames({"cat": "cat-2"}, taken=["dog"])
    assert (names.of("cat"), names.of("dog"), names.of("Cat-2")) == ("cat-2", "dog-2", "Cat-2-2")


def test_numbers_stand_before_the_ending_and_long_names_are_cut() -> None:
    assert numbered("a.jpg", 1, 255) == "a.jpg"
    assert numbered("a.jpg", 2, 255) == "a-2.jpg"
    assert numbered("x" * 251 + ".jpg", 12, 255) == "x" * 248 + "-12.jpg"
