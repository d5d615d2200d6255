"""Events and the state folded from them."""

from __future__ import annotations

import pytest

from resnet_desktop.jobs import events
from resnet_desktop.jobs.log_messages import news
from resnet_desktop.jobs.run_state import RunState, fold, fold_all, process_ended


def transcript() -> list[str]:
    row = {"epoch": 1, "training_loss": 0.5, "validation_loss": 0.4, "acc1": 0.8, "acc5": 1.0}
    return [
        events.encode("started", {"job": {}, "device": "cpu", "versions": {}}),
        events.encode("scanned", {"classes": {"a": 2}, "training": 1, "validation": 1, "test": 0, "skipped": []}),
        events.encode("epoch_started", {"epoch": 1, "epochs": 2}),
        "a line that some library printed",
        events.encode("progress", {"epoch": 1, "step": 2, "steps": 4, "loss": 0.6, "images_per_second": 43.1}),
        events.encode("epoch_finished", {**row, "learning_rate": 0.1, "seconds": 1.0}),
        events.encode("checkpoint", {"path": "x.pt"}),
        events.encode("warning", {"code": "batch_halved", "message": "Smaller batches."}),
        events.encode("epoch_started", {"epoch": 2, "epochs": 2}),
        events.encode("epoch_finished", {**row, "epoch": 2, "learning_rate": 0.0, "seconds": 1.0}),
        events.encode("finished", {"bundle": "m.onnx", "report": "r.html", "metrics": {"acc1": 0.9}}),
    ]


def test_a_whole_run() -> None:
    lines = transcript()
    half = fold_all(lines[:5])
    assert (half.phase, half.progress) == ("training", 0.25)
    assert half.unparsed == ("a line that some library printed",)
    state = fold_all(lines)
    assert state.was_successful()
    assert state.ended
    assert [row["epoch"] for row in state.history] == [1, 2]
    assert (state.checkpoint, state.bundle, state.warnings) == ("x.pt", "m.onnx", ("Smaller batches.",))


def test_what_comes_before_the_first_epoch_and_after_the_last() -> None:
    lines = transcript()
    reading = {"part": "features", "epoch": 0, "step": 3, "steps": 12, "loss": None, "seconds_left": 4.5}
    state = fold_all([lines[0], events.encode("progress", reading)])
    assert (state.phase, state.part, state.part_progress, state.seconds_left) == ("scanning", "features", 0.25, 4.5)
    assert (state.epoch, state.step, state.progress) == (0, 0, 0.0)
    counted = {"classes": {"a": 2}, "parameters": {"trainable": 5, "total": 9}}
    state = fold(state, events.encode("scanned", counted))
    assert (state.phase, state.part, state.parameters["trainable"]) == ("training", "", 5)
    state = fold_all([*lines[:9], events.encode("progress", {"part": "exporting", "step": 1, "steps": 2})])
    assert (state.phase, state.part_progress) == ("exporting", 0.5)


def test_progress_tells_rate_memory_and_time() -> None:
    told = {
        "epoch": 1,
        "step": 1,
        "steps": 4,
        "loss": 0.5,
        "learning_rate": 0.01,
        "memory_mb": 900,
        "seconds_left": 8.0,
    }
    state = fold_all([*transcript()[:3], events.encode("progress", told)])
    assert (state.learning_rate, state.memory_mb, state.seconds_left) == (0.01, 900, 8.0)


def test_early_stopping_leads_to_the_export() -> None:
    warning = events.encode("warning", {"code": "early_stopped", "message": "Enough."})
    state = fold_all([*transcript()[:7], warning])
    assert (state.phase, state.codes, state.warnings) == ("exporting", ("early_stopped",), ("Enough.",))


def test_details_and_results_are_found() -> None:
    row = {"epoch": 1, "acc1": 0.5, "seconds": 1.0, "details": "epochs/epoch-0001.json"}
    state = fold(fold_all(transcript()[:3]), events.encode("epoch_finished", row))
    assert state.details == "epochs/epoch-0001.json"
    places = {"bundle": "m.onnx", "report": "r.html", "results": "results.json", "metrics": {}}
    assert fold(state, events.encode("finished", places)).results == "results.json"


def test_an_epoch_done_again_after_a_resume_replaces_its_row() -> None:
    lines = transcript()
    state = fold_all([*lines[:7], *lines[:7]])
    assert [row["epoch"] for row in state.history] == [1]


def test_a_pause_lasts_until_the_next_word() -> None:
    said = {"epoch": 1, "step": 2, "steps": 4, "loss": 0.6}
    lines = [*transcript()[:5], events.encode("progress", {**said, "paused": True})]
    state = fold_all(lines)
    assert (state.paused, state.phase, state.step) == (True, "training", 2)
    assert not fold(state, events.encode("progress", {**said, "paused": False})).paused
    assert not fold(state, events.encode("cancelled", {"checkpoint": "x.pt"})).paused
    assert fold(state, "a line that some library printed").paused
    assert not process_ended(state, -9).paused


def test_a_run_in_sentences() -> None:
    lines = [
        *transcript()[:5],
        events.encode("progress", {"epoch": 1, "step": 2, "steps": 4, "loss": 0.6, "paused": True}),
        *transcript()[5:],
    ]
    state, sentences = RunState(), list[str]()
    for line in lines:
        before, state = state, fold(state, line)
        sentences += news(before, state)
    assert sentences == [
        "The trainer is ready and uses cpu.",
        "Classes: 1. Photos: 1 training, 1 validation.",
        "a line that some library printed",
        "Paused.",
        "Resumed.",
        "Epoch 1: training loss 0.500, validation loss 0.400, accuracy 80.0%, 1.0 s",
        "Smaller batches.",
        "Epoch 2: training loss 0.500, validation loss 0.400, accuracy 80.0%, 1.0 s",
    ]


def test_a_great_many_pictures_that_were_left_out_are_counted() -> None:
    skipped = [{"path": f"{i}.jpg", "message": f"{i}.jpg is empty."} for i in range(500)]
    before = RunState()
    found = {"classes": {"a": 1}, "training": 1, "validation": 0, "test": 0, "skipped": skipped}
    sentences = list(news(before, fold(before, events.encode("scanned", found))))
    assert len(sentences) == 12
    assert sentences[1] == "Left out: 0.jpg: 0.jpg is empty."
    assert sentences[-1] == "Left out: 490 more; the report lists them."


def test_a_process_that_ends_without_a_last_event_has_failed() -> None:
    state = fold_all(transcript()[:5])
    assert process_ended(state, 0).phase == "failed"
    words = [str((process_ended(state, code).error or {})["message"]) for code in (3, -9, None)]
    assert ["(exit code 3)" in words[0], "(signal 9)" in words[1], "(" in words[2]] == [True, True, False]
    finished = fold_all(transcript())
    assert process_ended(finished, 1) is finished


@pytest.mark.parametrize(
    "line", ["", "{}", "[1]", "nonsense", '{"v": 2, "event": "progress"}', '{"v": 1, "event": "x"}']
)
def test_lines_that_are_no_events(line: str) -> None:
    assert events.decode(line) is None
    assert fold(RunState(), line).phase == "waiting"


def test_commands() -> None:
    assert events.decode_command('{"command": "pause"}') == "pause"
    assert events.decode_command('{"command": "explode"}') is None
    assert events.decode_command("pause") is None


def test_numbers_that_json_lacks_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        events.encode("progress", {"loss": float("nan")})


@pytest.mark.parametrize(
    "line",
    [
        '{"v": 1, "event": "epoch_started"}',
        '{"v": 1, "event": "epoch_finished", "epoch": "two"}',
        '{"v": 1, "event": "progress", "part": "reading", "step": "x"}',
        '{"v": 1, "event": "scanned", "skipped": 5}',
        "[" * 100_000,
    ],
)
def test_events_that_lack_what_they_are_about_are_kept_and_shown(line: str) -> None:
    state = fold_all(['{"v": 1, "event": "epoch_finished", "epoch": 1}', line])
    assert state.unparsed == (line,)
    assert len(state.history) == 1
