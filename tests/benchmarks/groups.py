"""How sure is sure enough? Ask it with ``python -m tests.benchmarks.groups [MODEL]``.

An answer is right if the photo's class lies in the group that is named. A low threshold names fine things and errs, a
high one names broad things, or nothing. Photos: those of ``../shared/data/photos.zip`` (512 pixels, of all 1,000
classes; the network has probably learnt from some of them) and a seeded sample of the Tiny ImageNet validation photos
(64 pixels, enlarged), each with the network's classes and their tree. Prints Markdown for the README.
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.format.class_hierarchy import taxonomy_of
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.groups import DEFAULT_THRESHOLD, GroupRule
from tests.benchmarks.material import REPOSITORY

DATA = REPOSITORY.parent / "shared" / "data"
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

Probabilities = NDArray[np.float32]


def main() -> None:
    """Classify the photos once, and print the curve of each set."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.groups", description=__doc__)
    parser.add_argument("model", nargs="?", help="a name or a file (default: the network that the app starts with)")
    parser.add_argument("--small", type=int, default=2000, help="photos of 64 pixels (default 2000)")
    given = parser.parse_args()
    library = Library()
    path = library.find(given.model) if given.model else library.default().path
    classifier = Classifier(bundles.read(path), provider="cpu", keep_activations=False)
    taxonomy = taxonomy_of(classifier.bundle.metadata)
    if taxonomy is None:
        parser.error(f"{path.name} has no tree of its classes")
    index = {wnid: i for i, wnid in enumerate(taxonomy.classes) if wnid is not None}
    for title, photos in (("512 pixels", _large()), ("64 pixels, enlarged", _small(given.small))):
        found = [(index[wnid], classifier.classify(data).probabilities) for wnid, data in photos if wnid in index]
        print(f"### {title}: {len(found)} photos\n\n{_curve(found, classifier)}\n", flush=True)


def _large() -> Iterator[tuple[str, bytes]]:
    """WordNet identifier and content of the large photos."""
    with zipfile.ZipFile(DATA / "photos.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".JPEG"):
                yield Path(name).name.split("_")[0], archive.read(name)


def _small(count: int) -> Iterator[tuple[str, bytes]]:
    """The same of ``count`` small ones."""
    rows = list(csv.DictReader(io.StringIO((DATA / "tiny200-val-boxes.tsv").read_text("utf-8")), delimiter="\t"))
    with zipfile.ZipFile(DATA / "tiny200-val.zip") as archive:
        for i in np.random.default_rng(0).permutation(len(rows))[:count]:
            yield rows[i]["wnid"], archive.read(rows[i]["file"])


def _curve(found: list[tuple[int, Probabilities]], classifier: Classifier) -> str:
    lines = [
        "| threshold | sure | of these right | names a single class | single and right | classes in a group, median |",
        "|---|---|---|---|---|---|",
    ]
    taxonomy = taxonomy_of(classifier.bundle.metadata)
    for threshold in THRESHOLDS:
        rule = GroupRule(taxonomy, threshold)
        answers = [(truth, rule.answer(probabilities)) for truth, probabilities in found]
        sure = [(truth, answer.group) for truth, answer in answers if answer.sure and answer.group is not None]
        right = [group for truth, group in sure if truth in group.classes]
        single = [group for _, group in sure if len(group.classes) == 1]
        single_right = [group for group in right if len(group.classes) == 1]
        median = float(np.median([len(group.classes) for _, group in sure if len(group.classes) > 1] or [0]))
        name = f"**{threshold}**" if threshold == DEFAULT_THRESHOLD else f"{threshold}"
        shares = [len(sure) / len(found), len(right) / max(1, len(sure))]
        shares += [len(single) / len(found), len(single_right) / len(found)]
        lines.append(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} | {median:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
