"""Write the card of the bundled model: ``python tests/benchmarks/model_card.py models/NAME.onnx``.

What the training run measured comes from the bundle itself; the full-size photos of ``../shared/data/photos.zip`` are
run here, through the app's own classifier, as the bundle reduces them (``native``) and without that step.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.inference.batch import classify_many
from resnet_desktop.inference.classifier import Classifier, Prediction
from resnet_desktop.runs.evaluation.calibrate import wilson_interval

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY.parent / "shared" / "data"


def main() -> None:
    """Run the photos and write ``NAME.md`` beside the bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--job", type=Path, default=REPOSITORY / "models" / "everyday40.job.json")
    parser.add_argument("--hardware", default="", help="what it was trained on, in words")
    parser.add_argument("--choices", default="", help="how it was selected, in words")
    parser.add_argument("--before", type=Path, help="the bundle of the run without a teacher")
    options = parser.parse_args()
    bundle = bundles.read(options.bundle)
    labels: dict[str, str] = json.loads(options.job.read_text("utf-8"))["classes"]
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(DATA / "photos.zip") as archive:
            archive.extractall(folder)  # our own data: no untrusted paths
        photos = Path(folder) / "photos"
        sections = [
            head(bundle, options.hardware, options.job),
            training(bundle),
            f"## How it was selected\n\n{options.choices}",
            *([] if options.before is None else [teacher(bundle, bundles.read(options.before))]),
            validation(bundle),
            full_size(bundle, photos, labels),
            per_class(bundle),
        ]
    options.bundle.with_suffix(".md").write_text("\n\n".join(sections) + "\n", "utf-8")


def head(bundle: Bundle, hardware: str, job: Path) -> str:
    """What it is."""
    provenance = bundle.metadata.provenance
    pictures = provenance["pictures"]
    return "\n".join(
        [
            f"# {bundle.path.stem}",
            "",
            f"A ResNet-50 for {bundle.classes} everyday classes, trained from scratch by this project's own trainer. "
            "It ships with the app so that everything works from the start. It is a small model trained on small "
            "pictures; the accuracy below is what to expect.",
            "",
            "| | |",
            "|---|---|",
            f"| data | Tiny ImageNet-200, {bundle.classes} classes chosen by name in advance; "
            f"{pictures['training']:,} pictures of 64x64 for training, {pictures['validation']:,} more from the "
            f"training set held out for model selection and calibration, {pictures['test']:,} from the validation set "
            "for testing |",
            f"| recipe | [{job.name}]({job.name}): `python -m resnet_desktop.trainer models/{job.name}` |",
            f"| seed | {provenance['seed']} |",
            f"| hardware | {hardware or provenance['device']} |",
            f"| training time | {provenance['minutes']:.0f} minutes |",
            f"| created with | PyTorch {provenance['versions']['torch']}, {provenance['date']} |",
            f"| file | {bundle.size / 1e6:.1f} MB, weights stored as float16 |",
            "| licence of the weights | MIT, like the project; the training photos were collected for research, "
            "so train on your own photos for a commercial product |",
        ]
    )


def training(bundle: Bundle) -> str:
    """The epochs."""
    rows = [
        f"| {row['epoch']} | {row['size']} | {row['training_loss']:.3f} | {row['validation_loss']:.3f} | "
        f"{row['acc1']:.1%} | {row['seconds'] / 60:.1f} |"
        for row in bundle.metadata.provenance["history"]
    ]
    title = "## Training\n\nValidation here uses the held-out part of the training set, at each epoch's own size."
    table = "| epoch | pixels | training loss | validation loss | top-1 | minutes |\n|---|---|---|---|---|---|"
    return "\n".join([title, "", table, *rows])


def teacher(bundle: Bundle, before: Bundle) -> str:
    """The run beside the one before it, which had no teacher."""
    rows = [
        f"| {name} | {len(history)} ({sizes_of(history)}) | {found.metadata.provenance['minutes']:.0f} | "
        f"{max(row['acc1'] for row in history):.1%} | {history[-1]['acc1']:.1%} | {metrics['acc1']:.1%} | "
        f"{metrics['acc5']:.1%} |"
        for name, found in (("without", before), ("with", bundle))
        for history in [found.metadata.provenance["history"]]
        for metrics in [found.metadata.provenance["metrics"]]
    ]
    title = "## What the teacher changed"
    names = ("teacher", "epochs", "minutes", "best held-out epoch", "last", "test top-1", "top-5")
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
    note = (
        "The run with a teacher is also longer: how much of the difference is the teacher's, and how much the longer "
        "schedule's, these two runs do not tell."
    )
    return "\n".join([title, "", head, *rows, "", note])


def sizes_of(history: list[dict[str, Any]]) -> str:
    """How many epochs had how many pixels."""
    counts = Counter(row["size"] for row in history)
    return ", ".join(f"{count} of {size} pixels" for size, count in sorted(counts.items()))


def validation(bundle: Bundle) -> str:
    """The small pictures, and the parity of the file."""
    metrics, parity = bundle.metadata.provenance["metrics"], bundle.metadata.provenance["parity"]
    low, high = metrics["acc1_interval"]
    return "\n".join(
        [
            "## Results",
            "",
            "| on | pictures | top-1 (95 % interval) | top-5 | calibration error |",
            "|---|---|---|---|---|",
            f"| validation pictures, 64x64 | {metrics['images']:,} | {metrics['acc1']:.1%} ({low:.1%}-{high:.1%}) | "
            f"{metrics['acc5']:.1%} | {metrics['ece']:.3f} (before temperature {bundle.metadata.temperature:.2f}: "
            f"{metrics['ece_uncalibrated']:.3f}) |",
            "",
            f"Chance is {1 / bundle.classes:.1%}. ONNX Runtime against PyTorch with the same stored values, on "
            f"{parity['photos']} photos: the largest difference in probability is {parity['bundle']:.1e}. Storing the "
            f"weights as float16 changes probabilities by at most {parity['storage']:.1e}.",
        ]
    )


def full_size(bundle: Bundle, photos: Path, labels: dict[str, str]) -> str:
    """Photos of 512 pixels: with and without the reduction to the training pictures' own resolution."""
    inside = {p: labels[p.name.split("_")[0]] for p in photos.glob("in_class/*") if p.name.split("_")[0] in labels}
    outside = sorted(photos.glob("out_of_class/*"))
    sharp = dataclasses.replace(bundle.metadata.transforms, native=None)
    roads = {
        f"reduced to {bundle.metadata.transforms.native} pixels first (what the bundle does)": bundle,
        "without that step": dataclasses.replace(
            bundle, metadata=dataclasses.replace(bundle.metadata, transforms=sharp)
        ),
    }
    rows = []
    unfamiliar = ""
    for name, variant in roads.items():
        found = classified(variant, list(inside))
        right = sum(p.top.label == label for p, label in zip(found, inside.values(), strict=True))
        five = sum(label in {s.label for s in p.scores} for p, label in zip(found, inside.values(), strict=True))
        low, high = wilson_interval(right, len(inside))
        rows.append(
            f"| {name} | {len(inside)} | {right / len(inside):.0%} ({low:.0%}-{high:.0%}) | {five / len(inside):.0%} |"
        )
        if variant is bundle:
            strange, familiar = classified(variant, outside), found
            alarms = [sum(p.unfamiliar for p in group) for group in (familiar, strange)]
            unfamiliar = (
                "The unfamiliar-photo warning is set to trigger on 5 % of held-out familiar pictures. On full-size "
                f"photos it triggered on {alarms[0]} of {len(familiar)} of known classes and on {alarms[1]} of "
                f"{len(strange)} that show something else: treat it as a hint, not a safeguard."
            )
    table = "| full-size photos (longer side 512) | photos | top-1 (95 % interval) | top-5 |\n|---|---|---|---|"
    note = f"The {len(inside)} photos are those in `photos.zip` that show one of the {bundle.classes} classes."
    return "\n".join([table, *rows, "", note, "", unfamiliar])


def classified(bundle: Bundle, photos: list[Path]) -> list[Prediction]:
    """Predictions for photos that can all be read."""
    classifier = Classifier(bundle, provider="cpu")
    outcomes = list(classify_many(classifier, photos))
    assert all(o.prediction for o in outcomes), [o.error for o in outcomes if o.error]
    return [o.prediction for o in outcomes if o.prediction]


def per_class(bundle: Bundle) -> str:
    """Each class on the validation pictures."""
    accuracies = bundle.metadata.provenance["metrics"]["per_class"]
    rows = [f"| {label} | {value:.0%} |" for label, value in sorted(accuracies.items(), key=lambda pair: -pair[1])]
    return "\n".join(["## Per-class accuracy", "", "| class | top-1 (50 pictures) |", "|---|---|", *rows])


if __name__ == "__main__":
    main()
