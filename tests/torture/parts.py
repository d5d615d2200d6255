"""The parts of the torture: pictures, models and weights, jobs, kills, very many paths, a window at random hands."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.corpus import sound
from tests.torture.damage import damaged
from tests.torture.program import Ended, run, run_python

FORMATS = ("jpeg", "jpeg-progressive", "jpeg-cmyk", "png", "png-16", "gif", "tiff-lzw", "bmp", "webp", "avif", "heic")
A_FOLDER = 200
"""Files that one child is given."""
LIMIT = 300.0


def images(folder: Path, count: int, seed: int, model: Path) -> Iterator[str]:
    """Damaged pictures of ten formats through ``classify``: a row for each, whatever it is. Yields what went wrong."""
    chance, codes = random.Random(seed), Counter[str]()
    for start in range(0, count, A_FOLDER):
        place = folder / f"pictures-{start}"
        place.mkdir()
        names = []
        for i in range(start, min(count, start + A_FOLDER)):
            kind = FORMATS[i % len(FORMATS)]
            names.append(f"{i:05d}.{kind.split('-')[0]}")
            (place / names[-1]).write_bytes(damaged(sound(kind), chance))
        arguments = ["classify", str(place), "--format", "jsonl", "--model", str(model), "--provider", "cpu"]
        ended = run(arguments, limit=LIMIT, home=folder / "home")
        yield from (f"pictures {start}: {fault}" for fault in ended.faults())
        rows = [json.loads(line) for line in ended.out.splitlines()]
        missing = set(names) - {Path(row["path"]).name for row in rows}
        if missing:
            yield f"pictures {start}: {len(missing)} rows are lost, such as {min(missing)}"
        codes.update(row.get("error", {}).get("code", "ok") for row in rows)
        yield from _unreadable(rows)
    print(f"  {sum(codes.values())} pictures: {dict(codes.most_common())}", flush=True)


def _unreadable(rows: list[dict[str, object]]) -> Iterator[str]:
    for row in rows:
        error = row.get("error")
        if isinstance(error, dict):
            message = str(error.get("message", ""))
            if not re.search(r"\w{3}", message) or "Error(" in message or "Errno" in message:
                yield f"an error that nobody understands: {message[:120]!r}"


def models(folder: Path, count: int, seed: int, sources: list[Path]) -> Iterator[str]:
    """Damaged models and weights, looked at and run as a new file is. Yields what went wrong."""
    chance, outcomes = random.Random(seed), Counter[str]()
    contents = [(source.suffix, source.read_bytes()) for source in sources]
    for start in range(0, count, A_FOLDER):
        place = folder / f"models-{start}"
        place.mkdir()
        files = []
        for i in range(start, min(count, start + A_FOLDER)):
            suffix, content = contents[i % len(contents)]
            files.append(place / f"{i:05d}{suffix}")
            files[-1].write_bytes(damaged(content, chance))
        remaining = [str(file) for file in files]
        while remaining:
            arguments = ["-m", "tests.torture.try_models"]
            ended = run_python(arguments, limit=LIMIT, home=folder / "home", stdin="\n".join(remaining).encode())
            done = [line.split(" ", 1) for line in ended.out.splitlines()]
            outcomes.update(outcome for outcome, _ in done)
            faults = ended.faults(allowed=(0,))
            remaining = remaining[len(done) :]
            if faults and remaining:
                yield f"{Path(remaining[0]).name}: {faults[0]}"
                remaining = remaining[1:]  # the one that it was at
            elif faults:
                yield from faults
                break
    print(f"  {sum(outcomes.values())} models and weights: {dict(outcomes.most_common())}", flush=True)


def jobs(folder: Path, count: int, seed: int) -> Iterator[str]:
    """Damaged jobs and run folders through the trainer's process: a sentence and an exit status, never a traceback."""
    chance, statuses = random.Random(seed), Counter[int | None]()
    whole = {
        "v": 1,
        "data": [{"folder": str(folder / "no-photos")}],
        "output": str(folder / "run"),
        "base": "resnet50-everyday40",
        "train": "head",
        "epochs": 2,
        "seed": 3,
        "split": {"validation": 0.2, "test": 0.0},
        "recipe": {"mixup": 0.1, "schedule": [{"epochs": 1, "size": 64, "batch_size": 4}]},
        "control": "none",
    }
    for i in range(count):
        path = folder / f"job-{i}"
        text = _changed_job(whole, chance)
        arguments = ["-u", "-m", "resnet_desktop.trainer"]
        if i % 4 == 0:  # a run folder with a job like this in it
            path.mkdir()
            (path / "job.json").write_bytes(text)
            arguments += ["--resume", str(path)]
        else:
            path.with_suffix(".json").write_bytes(text)
            arguments.append(str(path.with_suffix(".json")))
        ended = run_python(arguments, limit=60.0, home=folder / "home")
        statuses[ended.status] += 1
        yield from (f"job {i}: {fault}" for fault in ended.faults(allowed=(0, 1, 2, 3, 4)))
        yield from (f"job {i}: {fault}" for fault in _protocol(ended))
    print(f"  {count} jobs and run folders, exit statuses {dict(statuses)}", flush=True)


def _changed_job(whole: dict[str, object], chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return damaged(json.dumps(whole).encode(), chance)
    values = json.loads(json.dumps(whole))
    key = chance.choice(list(values))
    odd: tuple[object, ...] = (None, -1, 0, 1e300, "", "x" * 5000, [], {}, [[]] * 50, True, "\x1b[31m", {"a": {"b": 1}})
    values[key] = chance.choice(odd)
    return json.dumps(values).encode()


def _protocol(ended: Ended) -> Iterator[str]:
    """Standard output is JSON lines alone, the last of them the end."""
    last: object = None
    for line in ended.out.splitlines():
        try:
            last = json.loads(line)
        except ValueError:
            yield f"a line that is no JSON: {line[:80]!r}"
    if isinstance(last, dict) and last.get("event") not in ("finished", "cancelled", "failed"):
        yield f"the last event is {last.get('event')!r}"


def kills(count: int, seed: int) -> Iterator[str]:
    """Runs killed at random moments and resumed (see ``tests.benchmarks.kills``)."""
    arguments = [sys.executable, "-m", "tests.benchmarks.kills", "--kills", str(count), "--seed", str(seed)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    print("  " + (done.stdout.splitlines() or ["nothing"])[-1], flush=True)
    if done.returncode or "DIFFERENT" in done.stdout:
        yield f"kills: {(done.stderr or done.stdout)[-300:]}"


def paths(folder: Path, count: int, model: Path) -> Iterator[str]:
    """Very many paths in one ``classify``: memory stays flat, the last are as fast as the first."""
    place = folder / "many"
    place.mkdir()
    speeds, peaks = [], []
    for number in (count // 10, count):
        for i in range(number):
            target = place / f"{i // 1000:03d}"
            target.mkdir(exist_ok=True)
            if not (target / f"{i:06d}.jpg").exists():
                here = folder / f"{target.name}.jpg"  # file systems limit the names of one file
                if not here.exists():
                    here.write_bytes(sound("jpeg"))
                os.link(here, target / f"{i:06d}.jpg")
        arguments = ["classify", str(place), "--recursive", "--format", "jsonl", "--model", str(model)]
        ended = run([*arguments, "--provider", "cpu"], limit=3600.0, home=folder / "home")
        yield from (f"{number} paths: {fault}" for fault in ended.faults(allowed=(0,)))
        lines = ended.out.count("\n")
        if lines != number:
            yield f"{number} paths: {lines} rows"
        speeds.append(number / ended.seconds)
        peaks.append(ended.peak / 1e6)
    print(f"  {count // 10} and {count} paths: {speeds[0]:.0f} and {speeds[1]:.0f} a second, "
          f"{peaks[0]:.0f} and {peaks[1]:.0f} MB at the peak", flush=True)  # fmt: skip
    if peaks[1] > 1.2 * peaks[0] + 20:
        yield f"memory grows with the number of paths: {peaks[0]:.0f} and {peaks[1]:.0f} MB"


def window(folder: Path, actions: int, seed: int, model: Path) -> Iterator[str]:
    """Random user actions over every window. Yields what went wrong."""
    place = folder / "window"
    place.mkdir()
    samples = Path(__file__).resolve().parents[2] / "assets" / "samples"
    command = ["-m", "tests.gui.fuzz", str(place), "--model", str(model), "--photos", str(samples)]
    command += ["--actions", str(actions), "--seed", str(seed)]
    ended = run_python(command, limit=30 * LIMIT, home=folder / "home")
    yield from ended.faults(allowed=(0, 1))
    for line in ended.out.splitlines()[-1:]:
        told = json.loads(line)
        yield from told["found"]
        print(f"  {told['actions']}", flush=True)
