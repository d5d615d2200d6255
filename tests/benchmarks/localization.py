"""Do heatmaps lie on the thing? Ask it with ``python -m tests.benchmarks.localization [models/NAME.onnx]``.

Validation photos with a box drawn by a person (``../shared/data/tiny200-val*``), those of the model's own classes, a
seeded sample, enlarged to what the network takes; the target is the true class, whether the model finds it or not. For
every method at the last layer of every grid size: the pointing game and the energy inside the box, beside a blob in the
middle that has seen nothing, and again on small boxes. Prints Markdown for the README and writes all numbers to a JSON
file. What is done is kept: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.labels.label_file import imagenet
from resnet_desktop.explain.cam import activation_maps as cams
from resnet_desktop.explain.cam import perturbation
from resnet_desktop.explain.cam.explainer import Explainer, Subject
from resnet_desktop.imaging.transforms import Box
from resnet_desktop.inference.classifier import Classifier
from tests.benchmarks.material import REPOSITORY
from tests.benchmarks.pointing import (
    box_on_crop,
    centre_blob,
    energy_inside,
    pointing_hit,
    wilson_interval,
)
from tests.benchmarks.report import machine

DATA = REPOSITORY.parent / "shared" / "data"
COLUMNS = 4
"""Grids that are looked at, from the coarsest."""
SMALL = 0.25
"""Boxes under this part of the picture are small."""
BATCH = 20
SLOW = ("scorecam", "occlusion")
NOWHERE = "–"
"""The stage of a map that looks at none."""

Array = NDArray[np.float32]
Map = tuple[str, str, Array]
"""Method, stage, map."""


@dataclass(frozen=True, slots=True)
class Boxed:
    """A photo with its box: its file, class, box as fractions of what the network sees, and whether it is small."""

    name: str
    target: int
    box: Box
    small: bool
    prepared: Array


def main() -> None:
    """Measure what is asked for, print the tables, write the numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.localization", description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=REPOSITORY / "models" / "resnet50-everyday40.onnx")
    parser.add_argument("--job", type=Path, default=REPOSITORY / "models" / "everyday40.job.json", help="its classes")
    parser.add_argument("--boxes", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--slow", type=int, default=200, help="how many for Score-CAM and occlusion (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=PARTS, help="measure these parts now; show all that is there")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "localization.json")
    given = parser.parse_args()
    bundle = bundles.read(given.model)
    explainer = Explainer(Classifier(bundle, provider="auto"))
    photos = sample(explainer.classifier, targets(bundle, given.job), given.boxes, given.seed)
    kept = Kept(given.output, {"model": bundle.file_sha256, "seed": given.seed})
    for part in PARTS if given.only is None else given.only:
        chosen = photos[: given.slow] if part in SLOW else photos
        kept.measure(part, PARTS[part](explainer, kept.missing(part, chosen)))
    kept.write(photos)
    print(tables(kept.scores, photos, stages(explainer)))
    print(f"\nThe numbers are in {given.output}.")


def targets(bundle: Bundle, job: Path) -> dict[str, int]:
    """The model's class by WordNet identifier: of ImageNet-1k by its list, else by the job that made the model."""
    categories = bundle.metadata.categories
    if categories == imagenet():
        rows = csv.DictReader(io.StringIO((DATA / "imagenet1k-classes.tsv").read_text("utf-8")), delimiter="\t")
        return {row["wnid"]: int(row["index"]) for row in rows}
    classes: dict[str, str] = json.loads(job.read_text("utf-8"))["classes"]
    return {wnid: categories.index(label) for wnid, label in classes.items()}


def stages(explainer: Explainer) -> tuple[str, ...]:
    """The last layer of each grid size, coarsest first; at the coarsest the layer where the closed form applies."""
    last = {layer.shape[1:]: layer.name for layer in explainer.layers}
    return tuple(reversed(last.values()))[:COLUMNS]


def sample(classifier: Classifier, classes: dict[str, int], count: int, seed: int) -> list[Boxed]:
    """``count`` photos of the model's classes in seeded order, ready for the network."""
    transforms = classifier.bundle.metadata.transforms
    rows = list(csv.DictReader(io.StringIO((DATA / "tiny200-val-boxes.tsv").read_text("utf-8")), delimiter="\t"))
    rows = [row for row in rows if row["wnid"] in classes]
    order = np.random.default_rng(seed).permutation(len(rows))[:count]
    found = []
    with zipfile.ZipFile(DATA / "tiny200-val.zip") as archive:
        for row in (rows[i] for i in order):
            prepared = classifier.new_batch(1)[0]
            width, height = classifier.prepare(archive.read(row["file"]), prepared).full_size
            x0, y0, x1, y1 = (float(row[key]) for key in ("x0", "y0", "x1", "y1"))
            edges = Box(x0, y0, x1 + 1, y1 + 1)  # the file names the last pixel that is inside
            box = box_on_crop(edges, transforms.seen_box(width, height, classifier.fit))
            if box is not None:
                small = edges.width * edges.height < SMALL * width * height
                found.append(Boxed(row["file"], classes[row["wnid"]], box, small, prepared))
    return found


Score = tuple[bool, float]
"""Whether the hottest place is inside, and how much of the heat (0 for a map without any)."""


class Kept:
    """Scores by method and stage and photo, saved after every batch."""

    def __init__(self, path: Path, of: dict[str, Any]) -> None:
        self._path, self._of = path.with_suffix(".partial.json"), of
        self._output = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.scores: dict[tuple[str, str], dict[str, Score]] = {}
        if self._path.is_file():
            stored = json.loads(self._path.read_text("utf-8"))
            if stored["of"] == of:  # another model or seed: begin anew
                for key, scores in stored["scores"].items():
                    method, _, stage = key.partition(" ")
                    self.scores[method, stage] = {n: (bool(hit), float(heat)) for n, (hit, heat) in scores.items()}

    def missing(self, part: str, photos: list[Boxed]) -> list[Boxed]:
        """The photos that a part has not been measured on yet."""
        measured = [scores for (method, _), scores in self.scores.items() if method == LAST_OF[part]]
        return [photo for photo in photos if not measured or any(photo.name not in scores for scores in measured)]

    def measure(self, part: str, found: Iterator[tuple[Boxed, list[Map]]]) -> None:
        """Score maps as they come."""
        for number, (photo, maps) in enumerate(found, 1):
            for method, stage, cam in maps:
                score = (pointing_hit(cam, photo.box), energy_inside(cam, photo.box) or 0.0)
                self.scores.setdefault((method, stage), {})[photo.name] = score
            if number % BATCH == 0 or part == "scorecam":  # a photo takes it the better part of a minute
                self._save()
                print(f"{part}: {number}", flush=True)
        self._save()

    def _save(self) -> None:
        scores = {f"{method} {stage}": scores for (method, stage), scores in self.scores.items()}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({"of": self._of, "scores": scores}), "utf-8")
        temporary.replace(self._path)

    def write(self, photos: list[Boxed]) -> None:
        """The numbers in the end."""
        rows = [
            {"method": method, "stage": stage, "boxes": size, **summary(self.scores, method, stage, photos, size)}
            for method, stage in self.scores
            for size in ("all", "small")
        ]
        result = {"machine": machine(), "of": self._of, "photos": len(photos), "rows": rows}
        self._output.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def baselines(explainer: Explainer, photos: list[Boxed]) -> Iterator[tuple[Boxed, list[Map]]]:
    """What needs no network: a blob in the middle, and the same heat everywhere."""
    del explainer
    for photo in photos:
        yield photo, [("blob", NOWHERE, centre_blob()), ("flat", NOWHERE, np.ones((9, 9), np.float32))]


def gradients(explainer: Explainer, photos: list[Boxed]) -> Iterator[tuple[Boxed, list[Map]]]:
    """All methods of one run, at all stages in one run, and EigenCAM."""
    looked_at = stages(explainer)
    for batch, activations, slopes in _runs(explainer, photos):
        for i, photo in enumerate(batch):
            maps: list[Map] = []
            for stage in looked_at:
                a, g = activations[stage][i], slopes[stage][i]
                maps += [(method, stage, compute(a, g)) for method, compute in cams.GRADIENT_MAPS.items()]
                maps.append(("eigencam", stage, cams.eigen_cam(a)))
            layer_maps = {stage: cam for method, stage, cam in maps if method == "layercam"}
            for last in range(2):  # the fusion is of three grid sizes
                maps.append(
                    ("fusion", looked_at[last], cams.fused([layer_maps[s] for s in looked_at[last : last + 3]]))
                )
            yield photo, maps


def smooth(explainer: Explainer, photos: list[Boxed]) -> Iterator[tuple[Boxed, list[Map]]]:
    """Smooth Grad-CAM at all stages, from the same noisy copies."""
    looked_at = stages(explainer)
    tensors = {stage: explainer.layer(stage).tensor for stage in looked_at}
    shapes = [explainer.layer(stage).shape[1:] for stage in looked_at]
    ends = np.cumsum([height * width for height, width in shapes])
    for photo in photos:

        def maps(pictures: Array, target: int = photo.target) -> Array:
            run = explainer.sessions.gradient(
                pictures, explainer.seed(target, None, len(pictures)), tuple(tensors.values())
            )
            rows = [
                [cams.grad_cam(run.activations[t][i], run.gradients[t][i]).reshape(-1) for t in tensors.values()]
                for i in range(len(pictures))
            ]
            return np.stack([np.concatenate(row) for row in rows])

        flat = np.split(perturbation.smoothed(maps, photo.prepared), ends[:-1])
        found = zip(looked_at, flat, shapes, strict=True)
        yield photo, [("smoothgradcam", stage, cam.reshape(shape)) for stage, cam, shape in found]


def score_cam(explainer: Explainer, photos: list[Boxed]) -> Iterator[tuple[Boxed, list[Map]]]:
    """Score-CAM at all stages."""
    return _explained(explainer, photos, "scorecam", stages(explainer))


def occlusion(explainer: Explainer, photos: list[Boxed]) -> Iterator[tuple[Boxed, list[Map]]]:
    """Occlusion, which looks at no stage."""
    return _explained(explainer, photos, "occlusion", (NOWHERE,))


PARTS: dict[str, Callable[[Explainer, list[Boxed]], Iterator[tuple[Boxed, list[Map]]]]] = {
    "baselines": baselines,
    "gradients": gradients,
    "occlusion": occlusion,
    "smoothgradcam": smooth,
    "scorecam": score_cam,
}
LAST_OF = {
    "baselines": "blob",
    "gradients": "gradcam",
    "occlusion": "occlusion",
    "smoothgradcam": "smoothgradcam",
    "scorecam": "scorecam",
}


def _runs(
    explainer: Explainer, photos: list[Boxed]
) -> Iterator[tuple[list[Boxed], dict[str, Array], dict[str, Array]]]:
    """Activations and gradients at the end of every stage, by stage, for a batch at a time."""
    tensors = {stage: explainer.layer(stage).tensor for stage in stages(explainer)}
    for start in range(0, len(photos), BATCH):
        batch = photos[start : start + BATCH]
        seed = np.concatenate([explainer.seed(photo.target) for photo in batch])
        run = explainer.sessions.gradient(np.stack([photo.prepared for photo in batch]), seed, tuple(tensors.values()))
        activations = {stage: run.activations[tensor] for stage, tensor in tensors.items()}
        yield batch, activations, {stage: run.gradients[tensor] for stage, tensor in tensors.items()}


def _explained(
    explainer: Explainer, photos: list[Boxed], method: str, stages: Sequence[str]
) -> Iterator[tuple[Boxed, list[Map]]]:
    """Maps as the app makes them, one at a time."""
    for photo in photos:
        raw = explainer.classifier.predict(photo.prepared[None])
        subject = Subject(photo.prepared, explainer.classifier.prediction(raw, 0, 0.0, (64, 64)))
        maps = []
        for stage in stages:
            layer = None if stage == NOWHERE else stage
            maps.append((method, stage, explainer.explain(subject, photo.target, layer=layer, method=method).cam))
        yield photo, maps


def summary(
    scores: dict[tuple[str, str], dict[str, Score]], method: str, stage: str, photos: list[Boxed], size: str
) -> dict[str, Any]:
    """Rates and means with 95 % intervals, and the differences from the blob on the same photos."""
    own, blob = scores[method, stage], scores["blob", NOWHERE]
    names = [p.name for p in photos if p.name in own and (size == "all" or p.small)]
    hits, energies = (np.array([own[n][i] for n in names], float) for i in range(2))
    blob_hits, blob_energies = (np.array([blob[n][i] for n in names], float) for i in range(2))
    return {
        "photos": len(names),
        "pointing": float(hits.mean()),
        "pointing_interval": wilson_interval(int(hits.sum()), len(names)),
        "pointing_over_blob": _mean(hits - blob_hits),
        "energy": _mean(energies),
        "energy_over_blob": _mean(energies - blob_energies),
    }


def _mean(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean and its 95 % interval."""
    reach = 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return mean, mean - reach, mean + reach


def tables(scores: dict[tuple[str, str], dict[str, Score]], photos: list[Boxed], columns: Sequence[str]) -> str:
    """Markdown: for all boxes and for small ones the pointing game and the energy, a row for each method."""
    parts = []
    for size in ("all", "small"):
        count = sum(size == "all" or photo.small for photo in photos)
        for measure in ("pointing", "energy"):
            title = "Pointing game, %" if measure == "pointing" else "Energy inside the box, %"
            parts.append(f"### {title}: {size} boxes ({count})\n\n{_table(scores, photos, columns, size, measure)}")
    return "\n\n".join(parts)


def _table(
    scores: dict[tuple[str, str], dict[str, Score]],
    photos: list[Boxed],
    columns: Sequence[str],
    size: str,
    measure: str,
) -> str:
    lines = [f"| method | boxes | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    for method in dict.fromkeys(method for method, _ in scores):
        own = (NOWHERE,) if (method, NOWHERE) in scores else columns
        found = {s: summary(scores, method, s, photos, size) for s in own if (method, s) in scores}
        cells = [_cell(found.get(stage), measure) for stage in own]
        if own == (NOWHERE,):
            cells += [""] * (len(columns) - 1)
        lines.append(f"| {method} | {max(f['photos'] for f in found.values())} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: dict[str, Any] | None, measure: str) -> str:
    """The number with its interval; ▲ where it is better than the blob beyond doubt, ▼ where it is worse."""
    if found is None:
        return ""
    if measure == "pointing":
        value, (low, high) = found["pointing"], found["pointing_interval"]
    else:
        value, low, high = found["energy"]
    _, least, most = found[f"{measure}_over_blob"]
    mark = " ▲" if least > 0 else " ▼" if most < 0 else ""
    return f"{value * 100:.1f} ({low * 100:.0f}–{high * 100:.0f}){mark}"


if __name__ == "__main__":
    main()
