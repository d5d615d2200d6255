"""``python -m tests.benchmarks``: print every table, and write the numbers to a JSON file."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import classify, heatmaps, material, peers, road, scales, startup
from tests.benchmarks.report import Section, machine

PARTS = (
    *("photo", "options", "folder", "heatmap", "peers", "startup"),
    *("road", "road512", "road12mp", "scales"),
    *("stages", "gradients", "blocks", "depths", "scorecam"),
)


def main() -> None:
    """Run the parts asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=21, help="rounds of the short measurements (default 21)")
    parser.add_argument("--photos", type=int, default=500, help="photos in the folder (default 500)")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another version of the project, for the road")
    parser.add_argument("--large", type=Path, metavar="DIR", help="large photos of one's own, for the scales")
    parser.add_argument("--output", type=Path, default=material.REPOSITORY / "build" / "benchmarks.json")
    given = parser.parse_args()
    wanted = given.parts or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"there is no part called {', '.join(sorted(unknown))}")
    here = machine()
    print(", ".join(f"{key} {value}" for key, value in here.items()), flush=True)
    with tempfile.TemporaryDirectory() as name:
        sections = {part: _show(run) for part, run in _parts(Path(name), given).items() if part in wanted}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": here, "sections": {part: section.json() for part, section in sections.items()}}
    given.output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(f"\nThe numbers are in {given.output}.")


def _show(run: Callable[[], Section]) -> Section:
    section = run()
    print(f"\n{section.text()}", flush=True)
    return section


def _parts(folder: Path, given: argparse.Namespace) -> dict[str, Callable[[], Section]]:
    arrays = material.resnet50_arrays()
    bundle = material.resnet50_bundle(folder, arrays)
    photos = material.photos(folder / "photos")
    large = material.large_photo(folder, photos[0])
    rounds: int = given.rounds
    return {
        "photo": lambda: classify.one_photo(bundle, photos[0], large, rounds),
        "options": lambda: classify.options(bundle, rounds),
        "folder": lambda: classify.folder(bundle, photos, given.photos, max(3, rounds // 4)),
        "heatmap": lambda: classify.heatmap(bundle, photos[0], rounds),
        "peers": lambda: peers.peers(bundle, arrays, rounds),
        "road": lambda: road.one_photo(photos[0], rounds),
        "road512": lambda: road.folder(photos, given.photos, max(3, rounds // 2), given.against),
        "road12mp": lambda: road.large_folder(
            folder / "large", photos, given.photos, max(3, rounds // 2), given.against
        ),
        "scales": lambda: scales.scales(photos, given.large),
        "stages": lambda: heatmaps.stages(bundle, rounds),
        "gradients": lambda: heatmaps.against_torch(bundle, arrays, rounds),
        "blocks": lambda: heatmaps.blocks(bundle, rounds),
        "depths": lambda: heatmaps.depths(bundle, rounds),
        "scorecam": lambda: heatmaps.score_cam(bundle),
        "startup": lambda: startup.startup(bundle.path, photos[0], max(3, rounds // 4)),
    }


if __name__ == "__main__":
    main()
