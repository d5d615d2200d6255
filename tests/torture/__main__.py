"""``python -m tests.torture [PART…]``, or ``make torture``: what must hold under thousands of damaged inputs.

No crash, no hang, no traceback, no lost row, no error that nobody understands, memory within the budget. The damage is
random with a seed that is printed; ``--seed`` repeats it. Ends with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from tests.torture import parts
from tests.unit.bundle.making import TINY, random_arrays, tiny_bundle

PARTS = ("images", "models", "jobs", "kills", "paths", "window")


def main() -> None:
    """Run the parts asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--models", type=int, default=1500)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--paths", type=int, default=100_000)
    parser.add_argument("--actions", type=int, default=3000)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part called {', '.join(sorted(unknown))}")
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        for part, work in _parts(Path(name), given).items():
            if part in (given.parts or PARTS):
                began = time.monotonic()
                print(f"{part} (seed {given.seed})", flush=True)
                for fault in work():
                    faults += 1
                    print(f"  FAULT {fault}", flush=True)
                print(f"  {time.monotonic() - began:.0f} s", flush=True)
    print(f"{faults} faults")
    sys.exit(1 if faults else 0)


def _parts(folder: Path, given: argparse.Namespace) -> dict[str, Callable[[], Iterator[str]]]:
    """Each works in ``folder``, with small networks of its own."""
    model = tiny_bundle(folder / "tiny.onnx").path
    weights = folder / "weights.pth"
    arrays = {key: torch.from_numpy(array) for key, array in random_arrays(TINY, 5).items()}
    torch.save(arrays, weights)
    old = folder / "old.pth"
    torch.save(arrays, old, _use_new_zipfile_serialization=False)
    return {
        "images": lambda: parts.images(folder, given.images, given.seed, model),
        "models": lambda: parts.models(folder, given.models, given.seed, [model, model, weights, old]),
        "jobs": lambda: parts.jobs(folder, given.jobs, given.seed),
        "kills": lambda: parts.kills(given.kills, given.seed),
        "paths": lambda: parts.paths(folder, given.paths, model),
        "window": lambda: parts.window(folder, given.actions, given.seed, model),
    }


if __name__ == "__main__":
    main()
