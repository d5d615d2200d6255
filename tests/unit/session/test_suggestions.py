"""Labels are suggested by a layer that is fitted to those given so far."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.progress import CancelledError
from resnet_desktop.session import suggestions
from resnet_desktop.session.results import LEAST_TO_SUGGEST, Judged, Suggested
from resnet_desktop.session.suggestions import Suggester
from tests.unit.head.making import base_model, fill_folder

EACH = 10


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    """Those of each of two classes."""
    folder = fill_folder(tmp_path_factory.mktemp("stripes"), EACH)
    return [sorted((folder / label).iterdir()) for label in ("lying", "standing")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(base_model(tmp_path_factory.mktemp("base") / "base.onnx"))


class Heard:
    """What a suggester says, call by call."""

    def __init__(self) -> None:
        self.calls: list[Mapping[int, Suggested]] = []
        self.judged: list[Judged] = []

    def __call__(self, found: Mapping[int, Suggested], judged: Judged) -> None:
        self.calls.append(found)
        self.judged.append(judged)

    @property
    def places(self) -> dict[int, int]:
        return {number: one.place for call in self.calls for number, one in call.items()}


def labelled(photos: list[list[Path]], each: int) -> dict[Path, int]:
    return {path: place for place, some in enumerate(photos) for path in some[:each]}


def rest(photos: list[list[Path]], each: int) -> dict[int, Path]:
    """The photos without a label, those of the second class from 100 on."""
    return {100 * place + i: path for place, some in enumerate(photos) for i, path in enumerate(some) if i >= each}


def never() -> bool:
    return False


def test_the_rest_gets_labels_with_confidence_and_how_far_to_trust_them(photos: list[list[Path]], base: str) -> None:
    heard = Heard()
    Suggester(base).suggest(labelled(photos, 6), rest(photos, 6), 2, heard, never)
    assert set(heard.places) == set(rest(photos, 6))
    right = sum(place == number // 100 for number, place in heard.places.items())
    assert right >= 6, "of 8, by a network with random weights"
    shares = [one.probability for call in heard.calls for one in call.values()]
    assert all(0.5 <= share <= 1 for share in shares)
    assert {judged.photos for judged in heard.judged} == {12}
    assert heard.judged[0].right >= 8


def test_features_are_computed_once_and_come_by_portions(
    photos: list[list[Path]], base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "AT_ONCE", 3)
    suggester, first, second = Suggester(base), Heard(), Heard()
    suggester.suggest(labelled(photos, 6), rest(photos, 6), 2, first, never)
    assert [len(call) for call in first.calls] == [0, 3, 3, 2]
    assert suggester._extract is not None
    computed = suggester._extract.computed
    suggester.suggest(labelled(photos, 7), rest(photos, 7), 2, second, never)
    assert [len(call) for call in second.calls] == [6], "at once, for all are known"
    assert suggester._extract.computed == computed == 2 * EACH


def test_too_few_labels_teach_nothing(photos: list[list[Path]], base: str) -> None:
    heard = Heard()
    few = {path: place for path, place in labelled(photos, LEAST_TO_SUGGEST).items() if place == 0}
    Suggester(base).suggest(few, rest(photos, 6), 2, heard, never)
    Suggester(base).suggest(labelled(photos, LEAST_TO_SUGGEST - 1), rest(photos, 6), 2, heard, never)
    assert not heard.calls


def test_photos_that_cannot_be_read_are_passed_over(photos: list[list[Path]], base: str, tmp_path: Path) -> None:
    (tmp_path / "dead.png").write_bytes(b"no photo")
    heard, given = Heard(), labelled(photos, 6) | {tmp_path / "dead.png": 0, tmp_path / "gone.png": 1}
    Suggester(base).suggest(given, {1: tmp_path / "dead.png", 2: photos[0][9]}, 2, heard, never)
    assert set(heard.places) == {2}
    assert heard.judged[0].photos == 12


def test_a_copy_does_not_vouch_for_its_original(photos: list[list[Path]], base: str, tmp_path: Path) -> None:
    """The photos of a class are all copies of one: it cannot be spared, so that nothing is known of it."""
    copies = [Path(shutil.copy(photos[1][0], tmp_path / f"{i}.png")) for i in range(6)]
    heard = Heard()
    Suggester(base).suggest(
        dict.fromkeys(photos[0][:6], 0) | dict.fromkeys(copies, 1), {1: photos[1][1]}, 2, heard, never
    )
    assert heard.judged[0].photos == 6


def test_it_ends_when_it_is_told_to_and_keeps_what_it_has(photos: list[list[Path]], base: str) -> None:
    suggester, heard, asked = Suggester(base), Heard(), []

    def after_some() -> bool:
        asked.append(1)
        return len(asked) > 4

    with pytest.raises(CancelledError):
        suggester.suggest(labelled(photos, 6), rest(photos, 6), 2, heard, after_some)
    suggester.suggest(labelled(photos, 6), rest(photos, 6), 2, heard, never)
    assert set(heard.places) == set(rest(photos, 6))


def test_a_base_that_is_not_there_is_said(photos: list[list[Path]], tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        Suggester(str(tmp_path / "gone.onnx")).suggest(labelled(photos, 6), {}, 2, Heard(), never)
    assert caught.value.hint
