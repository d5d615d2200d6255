"""A network that is learnt from: its classes, its answers and where they are kept, and a run that goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.format.class_matching import matching_classes
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.core.errors import DataError, JobError, ModelError
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.jobs.recipe import Recipe, Teacher, parse_recipe
from resnet_desktop.runs.control import CancelledRunError, Control
from resnet_desktop.trainer.bench import estimate
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.feeds import Plan
from resnet_desktop.trainer.inputs.picture_tensor import Pictures
from resnet_desktop.trainer.teacher import bank as banks
from resnet_desktop.trainer.teacher.bank import Bank, BankMaker, crops_that_fit, draw_crops
from resnet_desktop.trainer.teacher.taught_feed import TaughtFeed
from resnet_desktop.trainer.teacher.teacher import Teacher as KnownTeacher
from resnet_desktop.trainer.teacher.teacher import log_probabilities, read_teacher
from tests.unit.bundle.elsewhere import softmax

from .conftest import run_here, small_job, weights

CPU = torch.device("cpu")
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def teacher_model(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network with random weights, whose classes have names that others share."""
    bundle = bundles.read(base_model)
    metadata = Metadata(
        arch="resnet20-cifar",
        categories=("Standing", "sitting", "lying"),
        transforms=Transforms(resize=32, crop=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), channels="bgr"),
    )
    model = tensors.parse(bundles.whole_file(bundle), base_model).model
    return bundles.write(tmp_path_factory.mktemp("teacher") / "teacher.onnx", model, metadata).path


def taught_job(folder: Path, output: Path, model: Path, **teacher: Any) -> dict[str, Any]:
    """A job of two short epochs with a teacher."""
    job = small_job(folder, output)
    schedule = [{"epochs": 1, "size": 16, "batch_size": 8}, {"epochs": 1, "size": 32, "batch_size": 8}]
    job["recipe"] |= {"schedule": schedule, "mixup": 0.3, "teacher": {"model": str(model), "crops": 2, **teacher}}
    return job


def test_log_probabilities_are_among_the_classes_of_the_run() -> None:
    logits = np.array([[1.0, 2.0, 3.0, -60_000.0], [0.0, 9.0, 0.0, 0.0]], np.float32)
    found = log_probabilities(logits, [(1,), (0, 2), (3,)])
    z = np.exp(logits.astype(np.float64))
    expected = np.stack([z[:, 1], z[:, 0] + z[:, 2], z[:, 3]], axis=1)
    expected /= expected.sum(1, keepdims=True)
    assert found.dtype == np.float16
    np.testing.assert_allclose(np.exp(found.astype(np.float64)), expected, atol=1e-3)
    assert np.isfinite(found).all()


# The classes


def test_classes_are_matched_by_identifier_and_by_label() -> None:
    hierarchy = {"classes": ["n02123045", "n02123159", None, None, None]}
    metadata = Metadata(
        arch=None,
        categories=("tabby", "tiger cat", "crane", "crane", "Tea  pot"),
        transforms=Transforms(),
        hierarchy=hierarchy,
    )
    wanted = [("my cat", "n02123045"), ("n02123159",), ("tea pot",), ("crane",), ("7",), ("all cats", "n02121808")]
    assert matching_classes(metadata, wanted) == ((0,), (1,), (4,), (), (), (0, 1))
    assert matching_classes(metadata, [("tiger cat",), ("tabby", "n02123159"), ("1",)]) == ((1,), (1,), ())


def refused(job: dict[str, Any], labels: tuple[str, ...]) -> str:
    with pytest.raises(JobError) as caught:
        read_teacher(parse_job(job), labels)
    assert caught.value.code == "bad_job"
    return caught.value.message


def test_classes_that_the_teacher_lacks_are_refused_by_name(teacher_model: Path, tmp_path: Path) -> None:
    job = taught_job(tmp_path, tmp_path / "out", teacher_model)
    assert "'kneeling', 'falling'" in refused(job, ("lying", "kneeling", "falling"))
    assert "'standing', 'STANDING'" in refused(job, ("standing", "STANDING"))
    found = read_teacher(parse_job(job), ("lying", "standing"))
    assert found is not None
    assert found.classes == ((2,), (0,))


def test_a_run_is_refused_before_a_photo_is_opened(stripe_folder: Path, teacher_model: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for label in ("lying", "kneeling"):
        (photos / label).mkdir(parents=True)
        (photos / label / "a.png").write_bytes(b"no picture")
    said: list[str] = []
    with pytest.raises(JobError, match="'kneeling'"):
        run_here(taught_job(photos, tmp_path / "out", teacher_model), lambda record: said.append(record["event"]))
    assert said == ["started"]
    with pytest.raises(JobError, match="'kneeling'"):
        estimate(parse_job(taught_job(photos, tmp_path / "out", teacher_model)))
    with pytest.raises(ModelError, match="no model called"):
        run_here(taught_job(stripe_folder, tmp_path / "other", Path("nobody")))


def test_what_of_the_key_is_wrong_is_named() -> None:
    def message(teacher: object, train: str = "all") -> str:
        with pytest.raises(JobError) as caught:
            parse_recipe({"teacher": teacher}, train, "balanced")
        return caught.value.message

    assert "'model' of 'teacher'" in message({})
    assert "'teacher' of 'recipe' of the job must be a JSON object" in message("resnet50")
    assert "'weight'" in message({"model": "a", "weight": 1.5})
    assert "'temperature'" in message({"model": "a", "temperature": 0})
    assert "'crops'" in message({"model": "a", "crops": 0})
    assert "unknown keys: 'alpha'" in message({"model": "a", "alpha": 1})
    assert "more than the head" in message({"model": "a"}, "head")
    found = parse_recipe({"teacher": {"model": "a"}}, "scratch", "best")
    assert found.teacher == Teacher("a", 0.7, 2.0, None)


# The bank


@pytest.fixture
def known(teacher_model: Path, tmp_path: Path) -> KnownTeacher:
    found = read_teacher(parse_job(taught_job(tmp_path, tmp_path / "out", teacher_model)), ("lying", "standing"))
    assert found is not None
    return found


class Maker:
    """Makes banks of the same pictures and counts the answers that were asked for."""

    def __init__(self, known: KnownTeacher, folder: Path) -> None:
        self.known, self.folder, self.asked = known, folder, 0
        rng = np.random.default_rng(4)
        pixels = rng.integers(0, 256, (40, 12, 12, 3), np.uint8)
        self.pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        self.recipe = Recipe(jitter=0.2)

    def __call__(self, crops: int = 2, most: int | None = None, more: Callable[[int], bool] = lambda _: True) -> Bank:
        before = self.asked

        def told(done: int, total: int) -> None:
            del done
            assert total == crops * len(self.pixels)
            if most is not None and self.asked - before >= most:
                raise CancelledRunError
            self.asked += 1

        seen = Augmenter(self.recipe, self.known.bundle.metadata.transforms, CPU)
        make = BankMaker(self.folder, self.known, self.pixels, CPU, seen, ProcessGroup())
        draws = draw_crops(Augmenter(self.recipe, Transforms(), CPU), 7, len(self.pixels), crops)
        return make(draws, told, lambda done, _seconds: more(done))


@pytest.fixture
def maker(known: KnownTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    monkeypatch.setattr(banks, "BLOCK", 16)
    tmp_path.joinpath("run").mkdir()
    return Maker(known, tmp_path / "run")


def test_answers_are_those_of_the_teacher_to_the_very_crops(maker: Maker) -> None:
    bank = maker()
    assert bank.answers.shape == (2, 40, 2)
    assert bank.answers.dtype == torch.float16
    views, chosen = torch.tensor([1, 0, 1]), torch.tensor([5, 39, 17])
    feed = TaughtFeed(
        Pictures(maker.pixels, torch.zeros(40, dtype=torch.int64), ()),
        Augmenter(maker.recipe, maker.known.bundle.metadata.transforms, CPU),
        CPU,
        bank,
    )
    plan = Plan(chosen, 32, None, bank.drawn(views, chosen), views)
    from resnet_desktop.inference.session import Session

    x = feed.inputs(plan, torch.arange(3)).contiguous().numpy()  # as the network of the run sees them
    logits = Session(maker.known.bundle).run(x)[maker.known.bundle.output_name][:, [2, 0]].astype(np.float64)
    taught = feed.taught(plan, torch.arange(3))
    assert taught is not None
    np.testing.assert_allclose(np.exp(taught.numpy()), softmax(logits), atol=2e-3)


def test_a_bank_is_made_once_and_goes_on_where_it_ended(maker: Maker) -> None:
    whole = maker()
    assert maker.asked == 2 * 3  # blocks of 16, 16 and 8 pictures
    again = maker()
    assert maker.asked == 6
    assert torch.equal(whole.answers, again.answers)
    files = sorted((maker.folder / "teacher").iterdir())
    assert len(files) == 6
    for path in files:
        path.unlink()
    with pytest.raises(CancelledRunError):
        maker(most=4)
    assert maker.asked == 10
    (maker.folder / "teacher" / ".crop-0000-000000.npz.x.part").write_bytes(b"half a file of a process that was killed")
    resumed = maker()
    assert maker.asked == 12, "four of six were there"
    assert torch.equal(whole.answers, resumed.answers)
    assert sorted((maker.folder / "teacher").iterdir()) == files


def test_a_damaged_file_and_one_of_another_bank_are_made_anew(maker: Maker) -> None:
    whole = maker()
    path = maker.folder / "teacher" / "crop-0001-000002.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    (maker.folder / "teacher" / "crop-0000-000000.npz").write_bytes(b"PK")
    assert torch.equal(maker().answers, whole.answers)
    assert maker.asked == 8
    maker.pixels = maker.pixels.clone()
    maker.pixels[39] = 255 - maker.pixels[39]  # the last block of each crop
    assert not torch.equal(maker().answers, whole.answers)
    assert maker.asked == 10


def test_a_bank_ends_after_a_crop_of_all_pictures(maker: Maker) -> None:
    bank = maker(5, more=lambda done: done < 3)
    assert bank.crops == 3
    assert maker.asked == 9


def test_a_bank_is_bounded() -> None:
    assert crops_that_fit(None, 1000, 10) == banks.USUAL_CROPS
    assert crops_that_fit(20, 1000, 10) == 20
    assert crops_that_fit(None, 400_000, 1000) == 2
    for crops, pictures in ((3, 400_000), (None, 2_000_000)):
        with pytest.raises(DataError, match="GB"):
            crops_that_fit(crops, pictures, 1000)


# The run


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in another order would not be equal to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_run_that_was_interrupted_ends_with_the_same_weights(
    stripe_folder: Path, teacher_model: Path, tmp_path: Path
) -> None:
    said = run_here(taught_job(stripe_folder, tmp_path / "whole", teacher_model))
    assert any(record.get("part") == "teacher" for record in said)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "whole" / "teacher").iterdir()}
    assert files

    def interrupted(job: dict[str, Any], when: Callable[[dict[str, Any]], bool]) -> None:
        control = Control("trial")
        with pytest.raises(CancelledRunError):
            run_here(job, lambda record: control.handle("cancel") if when(record) else None, control)

    job = taught_job(stripe_folder, tmp_path / "parts", teacher_model)
    interrupted(job, lambda record: record.get("part") == "teacher")
    assert not (tmp_path / "parts" / "checkpoints").exists()
    interrupted(job, lambda record: record.get("epoch") == 1 and record.get("step") == 2 and "part" not in record)
    resumed = run_here(json.loads((tmp_path / "parts" / "job.json").read_text()))
    assert not any(record.get("part") == "teacher" for record in resumed), "the bank is there"
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)
    told = bundles.read(tmp_path / "whole" / "model.onnx").metadata.provenance
    assert told["teacher"] == "teacher.onnx"
    assert told["teacher_sha256"] == bundles.read(teacher_model).metadata.weights_sha256
    assert told["recipe"]["recipe"]["teacher"] == {
        "model": "teacher.onnx",
        "weight": 0.7,
        "temperature": 2.0,
        "crops": 2,
    }
    assert str(teacher_model.parent) not in json.dumps(told)


def test_the_teacher_changes_what_is_learnt(stripe_folder: Path, teacher_model: Path, tmp_path: Path) -> None:
    found = []
    for weight in (0.0, 1.0):
        job = taught_job(stripe_folder, tmp_path / f"{weight}", teacher_model, weight=weight)
        job["recipe"] |= {"schedule": [{"epochs": 1, "size": 16, "batch_size": 16}]}
        run_here(job)
        found.append(weights(tmp_path / f"{weight}")["fc.weight"])
    assert not np.array_equal(found[0], found[1])
