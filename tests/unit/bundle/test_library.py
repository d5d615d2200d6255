"""The library of installed models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ModelError

from .making import images, plain_classifier, run, save, tiny_bundle
from .test_external_data import moved_out


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """One bundled model, none of the user's."""
    tiny_bundle(tmp_path / "bundled" / "tiny-five.onnx")
    (tmp_path / "bundled" / "tiny-five.md").write_text("a model card")
    (tmp_path / "bundled" / ".tiny.onnx.part").write_text("half a file")
    return Library(tmp_path / "bundled", tmp_path / "user" / "models", ())


def code(caught: pytest.ExceptionInfo[ModelError]) -> str:
    """The code of a caught error."""
    return caught.value.code


def test_the_bundled_model_is_there(library: Library) -> None:
    (entry,) = library.entries()
    assert (entry.name, entry.origin) == ("tiny-five", "bundled")
    assert entry.size == entry.path.stat().st_size
    assert library.default().path == library.find("tiny-five") == library.find("Tiny-Five") == entry.path


def test_install_list_remove(library: Library, tmp_path: Path) -> None:
    other = save(tmp_path / "My model (v2).onnx", plain_classifier())
    entry = library.install(other)
    assert (entry.name, entry.origin) == ("My model (v2)", "user")
    assert entry.path.parent == tmp_path / "user" / "models"
    library.install(other, "beta")
    assert [e.name for e in library.entries()] == ["tiny-five", "My model (v2)", "beta"]
    assert not read(library.find("beta")).has_metadata
    library.remove("beta")
    assert [e.name for e in library.entries()] == ["tiny-five", "My model (v2)"]
    assert library.default().path.name == "tiny-five.onnx"


def test_what_cannot_be_installed(library: Library, tmp_path: Path) -> None:
    good = save(tmp_path / "good.onnx", plain_classifier())
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(good.read_bytes()[:-40])
    with pytest.raises(ModelError) as caught:
        library.install(bad)
    assert code(caught) == "damaged_model"
    for name in ("tiny-five", "TINY-five"):
        with pytest.raises(ModelError) as caught:
            library.install(good, name)
        assert code(caught) == "model_exists"
    for name in ("", ".", "..", "../up", "a/b", "a\\b", "nul", "COM1.x", ".hidden", "end.", "a\nb", "x" * 101, "-rf"):
        with pytest.raises(ModelError) as caught:
            library.install(good, name)
        assert code(caught) == "unknown_model", name
    assert len(library.entries()) == 1


def test_a_model_in_parts_is_installed_whole(library: Library, tmp_path: Path) -> None:
    x = images(1, 16)
    model = plain_classifier()
    expected = run(model.SerializeToString(), x)[0]
    (tmp_path / "w.bin").write_bytes(moved_out(model, "w.bin"))
    entry = library.install(save(tmp_path / "parts.onnx", model))
    (tmp_path / "w.bin").unlink()
    assert not any(t.external_data for t in onnx.load(entry.path).graph.initializer)
    np.testing.assert_array_equal(run(entry.path.read_bytes(), x)[0], expected)


def test_paths_and_names(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "other.onnx", plain_classifier())
    assert library.find(str(path)) == path
    monkeypatch.chdir(tmp_path)
    assert library.find("other.onnx") == Path("other.onnx")
    for missing in ("gone.onnx", "folder/gone", str(tmp_path / "gone")):
        with pytest.raises(ModelError) as caught:
            library.find(missing)
        assert code(caught) == "missing_model"
    with pytest.raises(ModelError, match="resnet99") as caught:
        library.find("resnet99")
    assert code(caught) == "unknown_model"
    assert caught.value.hint == "Installed models: tiny-five."


def test_bundled_models_stay(library: Library) -> None:
    with pytest.raises(ModelError) as caught:
        library.remove("tiny-five")
    assert code(caught) == "bundled_model"
    with pytest.raises(ModelError) as caught:
        library.remove("nothing")
    assert code(caught) == "unknown_model"
    assert len(library.entries()) == 1


def test_a_renamed_model_is_found_by_all_its_names(library: Library, tmp_path: Path) -> None:
    file = save(tmp_path / "first.onnx", plain_classifier())
    before = library.install(file)
    data = before.path.read_bytes()
    after = library.rename("First", "second")
    assert (after.name, after.path.name, after.path.read_bytes() == data) == ("second", "second.onnx", True)
    assert not before.path.exists()
    library.rename("second", "Third")
    last = library.rename("Third", "third")
    assert [entry.name for entry in library.entries()] == ["tiny-five", "third"]
    for name in ("first", "SECOND", "Third", "third", str(before.path)):
        assert library.find(name) == last.path, name
    assert library.present_name("first") == "third"
    library.install(file, "second")
    assert library.find("second") == last.path.with_name("second.onnx"), "a model that has the name goes before"
    library.remove("second")
    with pytest.raises(ModelError) as caught:
        library.find("second")
    assert code(caught) == "unknown_model", "another model has had the name since"
    library.remove("third")
    with pytest.raises(ModelError):
        library.find("first")


def test_what_cannot_be_renamed(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save(tmp_path / "mine.onnx", plain_classifier())
    path = library.install(file).path
    library.install(file, "other")
    for name, wanted, expected in (
        ("tiny-five", "mine 2", "bundled_model"),
        ("nobody", "somebody", "unknown_model"),
        ("mine", "OTHER", "model_exists"),
        ("mine", "tiny-five", "model_exists"),
        ("mine", "../mine", "unknown_model"),
        ("mine", "nul", "unknown_model"),
    ):
        with pytest.raises(ModelError) as caught:
            library.rename(name, wanted)
        assert code(caught) == expected, (name, wanted)
    monkeypatch.setattr(Library, "check_name", lambda _self, name: name)  # another program was quicker
    with pytest.raises(ModelError) as caught:
        library.rename("mine", "other")
    assert code(caught) == "model_exists"
    assert path.is_file()
    assert library.rename("mine", "mine").path == path
    assert not library.former_names()
    (path.parent / "renamed.json").write_text("[" * 100_000)
    assert not library.former_names()


def test_no_models_at_all(tmp_path: Path) -> None:
    empty = Library(tmp_path / "none", tmp_path / "neither", ())
    assert empty.entries() == ()
    with pytest.raises(ModelError) as caught:
        empty.default()
    assert code(caught) == "missing_model"


def test_the_users_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_DESKTOP_HOME", str(tmp_path / "home"))
    entry = Library(tmp_path / "none", networks=()).install(save(tmp_path / "m.onnx", plain_classifier()))
    assert entry.path.is_relative_to(tmp_path / "home")
