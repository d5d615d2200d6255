"""What keeps an answer from being trusted, said before training: a job may come from where nobody has looked around."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from resnet_desktop.data.checks.finding import classes_named


def warnings(labels: Sequence[str], training: Sequence[int], validation: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Code and sentence of each warning.

    Args:
        labels: of the classes.
        training: the class of each picture that can be learnt from.
        validation: the class of each picture that was set apart.
    """
    learnt, tried = set(training), set(validation)
    unknown = [label for i, label in enumerate(labels) if i not in learnt]
    untried = [label for i, label in enumerate(labels) if i in learnt and i not in tried]
    if unknown:
        yield "class_not_learnt", f"No training photos for {classes_named(unknown)}: add some."
    if not tried:
        message = "No validation photos: accuracy cannot be measured. Add some."
        yield "nothing_set_apart", message
    elif untried:
        names = classes_named(untried)
        yield "class_not_tried", f"No validation photos for {names}: add some to measure the accuracy."
    for _, message in names_alike(labels):
        yield "class_names", f"{message} If they are the same class, put their photos in one folder."


def names_alike(labels: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Classes whose names differ only in case, spaces or the like, and a sentence on them."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[_plain_name(label)].append(label)
    for names in alike.values():
        if len(names) > 1:
            message = f"{classes_named(names)} are separate classes, but their names differ only in spelling."
            yield names, message


def _plain_name(label: str) -> str:
    seen = "".join(c for c in unicodedata.normalize("NFKC", label) if unicodedata.category(c) != "Cf")
    return re.sub(r"[\s_-]+", " ", seen.casefold()).strip()
