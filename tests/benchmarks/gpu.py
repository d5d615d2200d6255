"""``python -m tests.benchmarks.gpu [PART…]``: what the GPU gains, and whether it gives the CPU's answers.

Prints tables ready for the README and writes the numbers to a JSON file. What is not installed is left out, and said.
``--device cpu`` is a dry run of everything on small batches.

* ``recipe``: the bundled model's recipe in small, from start to bundle.
* ``agree``, ``float16``: predictions and heatmaps against the CPU's; other precisions and options.
* ``ready``, ``files``, ``heatmaps``: images and heatmaps a second, against bare ONNX Runtime and PyTorch.
* ``training``: the trainer's steps against a bare loop, and how long the recipe takes at that speed.
* ``sizes``: a run's network at several input sizes, on held-out training photos (asks for ``--run``).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import gpu_agree, gpu_speed, gpu_training
from tests.benchmarks.gpu_setting import Setting, Table
from tests.benchmarks.material import REPOSITORY

PARTS: dict[str, Callable[[Setting], Table]] = {
    "recipe": gpu_training.recipe,
    "agree": gpu_agree.agree,
    "float16": gpu_agree.float16,
    "ready": gpu_speed.ready,
    "files": gpu_speed.files,
    "heatmaps": gpu_speed.heatmaps,
    "training": gpu_training.training,
}
SIZES = (96, 128, 160, 192, 224)


def main() -> None:
    """Run the parts asked for, by default all but ``recipe`` and ``sizes``."""
    given = _arguments()
    result = json.loads(given.output.read_text("utf-8")) if given.output.is_file() else {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        setting = Setting(
            device=given.device,
            batches=given.batches or ((1, 8, 64, 256) if given.device == "cuda" else (1, 2)),
            rounds=given.rounds or (7 if given.device == "cuda" else 2),
            photos=given.photos or (1000 if given.device == "cuda" else 8),
            compiles=not given.no_compile,
            model=given.model,
            folder=Path(folder),
        )
        result["machine"] = setting.machine()
        print(", ".join(f"{key} {value}" for key, value in result["machine"].items()), flush=True)
        for part in given.parts:
            started = time.monotonic()
            table = PARTS[part](setting) if part in PARTS else gpu_training.sizes(setting, given.run, given.pixels)
            print(f"\n{table.markdown()}\n\n({part}: {time.monotonic() - started:.0f} s)", flush=True)
            result[part] = table.json()
            given.output.parent.mkdir(parents=True, exist_ok=True)
            given.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"\nThe numbers are in {given.output}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join((*PARTS, 'sizes'))}")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batches", type=_numbers, help="such as 1,8,64,256")
    parser.add_argument("--rounds", type=int, help="of each measurement")
    parser.add_argument("--photos", type=int, help="at the most")
    parser.add_argument("--model", type=Path, help="for agree and float16; by default the one that comes with the app")
    parser.add_argument("--run", type=Path, help="the run folder that sizes looks at")
    parser.add_argument("--pixels", type=_numbers, default=SIZES, help="the sizes that it tries")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "gpu.json")
    given = parser.parse_args()
    given.parts = given.parts or [part for part in PARTS if part != "recipe"]
    if unknown := set(given.parts) - {*PARTS, "sizes"}:
        parser.error(f"there is no part called {', '.join(sorted(unknown))}")
    if "sizes" in given.parts and given.run is None:
        parser.error("sizes needs --run")
    return given


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    main()
