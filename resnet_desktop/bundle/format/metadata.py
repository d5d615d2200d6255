"""What a model file says about itself: labels, transforms, calibration, provenance.

The keys and their values are those of ``metadata_props`` in the format description; values are strings, JSON where a
value has structure. Everything read from a file is checked here, since model files come from anywhere.
"""

from __future__ import annotations

import difflib
import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from resnet_desktop.bundle.format import schema
from resnet_desktop.bundle.taxonomy.own import flaw as flaw_of_hierarchy
from resnet_desktop.core.errors import ClassNameError, ModelError
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.imaging.transforms import Transforms

FORMAT = 2
"""The newest version of the bundle format that this program reads; it writes the oldest that says what must be said."""

PREFIX = "resnet_desktop."
CHECKSUM_KEY = PREFIX + "weights_sha256"

MAX_CLASSES = 100_000
MAX_LABEL_LENGTH = 1_000
_TEMPERATURES = (1e-3, 1e3)

PRESENT = 0.5
"""The probability from which a label that is rated by itself counts as present, unless the user says otherwise."""

Output = Literal["logits", "probabilities", "ratings"]
"""What a graph gives: of classes that exclude each other, or a probability of each label by itself."""
Order = Literal["nchw", "nhwc"]
"""Which way pictures lie in a network's input: channels before height and width, or behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What rides along with the weights.

    Attributes:
        arch: the architecture's name, such as ``resnet50``; None if it is not one of ours.
        categories: labels, index = class. Two classes may share a label ("crane").
        transforms: the preprocessing that the network was trained for.
        output: what the file's graph puts out (a bundle: always ``logits``).
        temperature: probabilities are softmax(logits / temperature).
        novelty: what the unfamiliar-image warning needs; None if it was not fitted.
        provenance: data set, recipe, metrics, seed, library versions, date; as ``schema`` lets it pass.
        hierarchy: what the classes have in common (see ``taxonomy.own``); None if the file does not say.
        weights_sha256: checksum over the initializers, in hexadecimal digits; None in a file without one.
        layout: which way pictures lie in the graph's input; None: as the graph shows.
        output_name: which of the graph's outputs, or of the tensors inside it, is taken; None: the one that looks like
            a classifier's.
        thresholds: of labels that are rated by themselves, the probability from which each counts as present, a
            fraction of 1; None: ``PRESENT`` for all.
        assumed: what of this nobody has said: ``values``, the mean and standard deviation in ``transforms``.
    """

    arch: str | None
    categories: tuple[str, ...]
    transforms: Transforms
    output: Output = "logits"
    temperature: float = 1.0
    novelty: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    hierarchy: Mapping[str, Any] | None = None
    weights_sha256: str | None = None
    layout: Order | None = None
    output_name: str | None = None
    thresholds: tuple[float, ...] | None = None
    assumed: tuple[str, ...] = ()

    def to_props(self) -> dict[str, str]:
        """The metadata as the model file holds it, the checksum last. Raises ModelError ``bad_metadata``."""
        values: dict[str, Any] = {"categories": list(self.categories), "transforms": self.transforms.to_json()}
        values["calibration"] = {"temperature": self.temperature}
        if self.novelty is not None:
            values["novelty"] = dict(self.novelty)
        values["provenance"] = dict(self.provenance)
        if self.hierarchy is not None:
            values["hierarchy"] = dict(self.hierarchy)
        if self.thresholds is not None:
            values["thresholds"] = list(self.thresholds)
        if self.assumed:
            values["assumed"] = list(self.assumed)
        props = {f"{PREFIX}format": str(self.format), f"{PREFIX}output": self.output}
        told = (("arch", self.arch), ("layout", self.layout), ("output_name", self.output_name))
        props |= {PREFIX + key: value for key, value in told if value is not None}
        for key, value in values.items():
            try:
                props[PREFIX + key] = json.dumps(value, ensure_ascii=False, allow_nan=False)
                props[PREFIX + key].encode()  # half surrogates cannot be, and protobuf says so less clearly
            except (TypeError, ValueError, RecursionError) as error:
                raise _bad(key, f"cannot be written as JSON ({error_text(error)})") from error
        if self.weights_sha256 is not None:
            props[CHECKSUM_KEY] = self.weights_sha256
        return props

    @property
    def format(self) -> int:
        """The oldest version of the bundle format that can say all of it."""
        later = self.layout is not None or self.output_name is not None or self.output == "ratings"
        return 2 if later else self.transforms.format

    @property
    def independent(self) -> bool:
        """Whether each label is rated by itself, so that several can be right at once."""
        return self.output == "ratings"

    @property
    def present_from(self) -> tuple[float, ...] | None:
        """From which probability each label counts as present; None where the classes exclude each other."""
        if not self.independent:
            return None
        return self.thresholds or (PRESENT,) * len(self.categories)

    @staticmethod
    def from_props(props: Mapping[str, str]) -> Metadata | None:
        """Read and check the metadata of a model file; keys that are not known are ignored.

        Returns:
            None if the file has no key of ours, and so is a foreign model.

        Raises:
            ModelError: ``newer_format``, or ``bad_metadata`` with a message that names the key.
        """
        own = {key.removeprefix(PREFIX): value for key, value in props.items() if key.startswith(PREFIX)}
        if not own:
            return None
        _check_format(own)
        novelty = schema.novelty(_object(own, "novelty")) if "novelty" in own else None
        categories, output = _categories(own), _output(own)
        return Metadata(
            arch=_arch(own),
            categories=categories,
            transforms=_transforms(own),
            output=output,
            temperature=_temperature(own),
            novelty=novelty,
            provenance=schema.provenance(_object(own, "provenance")) if "provenance" in own else {},
            hierarchy=_hierarchy(own, len(categories)),
            weights_sha256=_checksum(own),
            layout=_layout(own),
            output_name=own.get("output_name"),
            thresholds=_thresholds(own, len(categories)) if output == "ratings" else None,
            assumed=_assumed(own),
        )


def class_index(categories: tuple[str, ...], text: str) -> int:
    """The class that ``text`` names: a label, or an index in digits. A label wins over an index.

    Labels are compared exactly, then without regard to case.

    Raises:
        ClassNameError: ``unknown_class`` (the hint has the closest labels), ``ambiguous_class`` (with the indices).
    """
    wanted = text.strip()
    found = [i for i, label in enumerate(categories) if label == wanted]
    if not found:
        folded = wanted.casefold()
        found = [i for i, label in enumerate(categories) if label.casefold() == folded]
    if len(found) > 1:
        indices = " and ".join(str(i) for i in found)
        raise ClassNameError(
            "ambiguous_class",
            f"Several classes are called {wanted!r}: {indices}.",
            "Use the index of the class instead.",
        )
    if found:
        return found[0]
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= len(str(MAX_CLASSES)) and int(wanted) < len(categories):
        return int(wanted)
    raise _unknown_class(categories, wanted)


def _unknown_class(categories: tuple[str, ...], wanted: str) -> ClassNameError:
    by_folded = {label.casefold(): label for label in categories}
    close = difflib.get_close_matches(wanted.casefold()[:MAX_LABEL_LENGTH], list(by_folded), n=3)
    hint = f"Did you mean {', '.join(by_folded[c] for c in close)}?" if close else None
    message = (
        f"The model has no class {wanted!r}; its {len(categories)} classes have the indices 0 to {len(categories) - 1}."
    )
    return ClassNameError("unknown_class", message, hint)


def _bad(key: str, reason: str) -> ModelError:
    return ModelError("bad_metadata", f"The model's metadata is invalid: {PREFIX}{key} {reason}.")


def _check_format(own: Mapping[str, str]) -> None:
    text = own.get("format")
    if text is None:
        raise _bad("format", "is missing")
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= 1):
        raise _bad("format", f"must be a whole number from 1, not {text[:40]!r}")
    if int(text) > FORMAT:
        raise ModelError(
            "newer_format",
            f"The model file has format {int(text)}; this version of ResNet Desktop supports formats up to {FORMAT}.",
            "Update ResNet Desktop.",
        )


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _json(own: Mapping[str, str], key: str) -> Any:  # noqa: ANN401 - JSON is of any type until it is checked
    if key not in own:
        raise _bad(key, "is missing")
    try:
        return json.loads(own[key], parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _bad(key, f"is not JSON ({error_text(error)})") from error


def _object(own: Mapping[str, str], key: str) -> dict[str, Any]:
    value = _json(own, key)
    if not isinstance(value, dict):
        raise _bad(key, "must be a JSON object")
    return value


def _arch(own: Mapping[str, str]) -> str | None:
    arch = own.get("arch")
    if arch is not None and not is_label(arch):
        raise _bad("arch", "must be a name")
    return arch


def _layout(own: Mapping[str, str]) -> Order | None:
    match own.get("layout"):
        case None:
            return None
        case "nchw":
            return "nchw"
        case "nhwc":
            return "nhwc"
        case other:
            raise _bad("layout", f"must be nchw or nhwc, not {other[:40]!r}")


def _output(own: Mapping[str, str]) -> Output:
    match own.get("output", "logits"):
        case "logits":
            return "logits"
        case "probabilities":
            return "probabilities"
        case "ratings":
            return "ratings"
        case other:
            raise _bad("output", f"must be logits, probabilities or ratings, not {other[:40]!r}")


def is_label(value: object) -> bool:
    """Whether ``value`` is a text that can be shown: no control characters, no half surrogates."""
    # A terminal obeys control characters, and an encoder stumbles over half surrogates.
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_LABEL_LENGTH:
        return False
    return not any(unicodedata.category(c) in ("Cc", "Cs") for c in value)


def _categories(own: Mapping[str, str]) -> tuple[str, ...]:
    value = _json(own, "categories")
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_CLASSES:
        raise _bad("categories", f"must be a JSON list of 1 to {MAX_CLASSES} labels")
    for index, label in enumerate(value):
        if not is_label(label):
            raise _bad("categories", f"has no valid label at index {index}")
    return tuple(value)


def _assumed(own: Mapping[str, str]) -> tuple[str, ...]:
    try:
        found = json.loads(own.get("assumed", "[]"))
    except (ValueError, RecursionError) as error:
        raise _bad("assumed", "is not JSON") from error
    if not isinstance(found, list):
        raise _bad("assumed", "is not a list")
    return tuple(part for part in ("values",) if part in found)


def _transforms(own: Mapping[str, str]) -> Transforms:
    value = _object(own, "transforms")
    try:
        return Transforms.from_json(value)
    except (ModelError, OverflowError) as error:  # OverflowError: a whole number too large for a float
        raise _bad("transforms", f"cannot be used ({error})") from error


def _temperature(own: Mapping[str, str]) -> float:
    if "calibration" not in own:
        return 1.0
    value = _object(own, "calibration").get("temperature", 1.0)
    low, high = _TEMPERATURES
    # A whole number in JSON can be too large for a float: bound it before converting.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or not math.isfinite(value):
        raise _bad("calibration", f"must have a temperature between {low:g} and {high:g}")
    return float(value)


def are_thresholds(value: object, labels: int) -> bool:
    """Whether ``value`` is a list of a probability, from 0 to 1, for each of so many labels."""
    if not isinstance(value, (list, tuple)) or len(value) != labels:
        return False
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) and 0 <= one <= 1 for one in value)


def _thresholds(own: Mapping[str, str], labels: int) -> tuple[float, ...] | None:
    if "thresholds" not in own:
        return None
    value = _json(own, "thresholds")
    if not are_thresholds(value, labels):
        raise _bad("thresholds", f"must be a JSON list of {labels} numbers from 0 to 1")
    return tuple(map(float, value))


def _hierarchy(own: Mapping[str, str], classes: int) -> dict[str, Any] | None:
    if "hierarchy" not in own:
        return None
    value = _json(own, "hierarchy")
    flaw = flaw_of_hierarchy(value, classes, is_label)
    if flaw is not None:
        raise _bad("hierarchy", flaw)
    return dict(value)


def _checksum(own: Mapping[str, str]) -> str | None:
    checksum = own.get("weights_sha256")
    if checksum is not None and not (len(checksum) == 64 and set(checksum) <= set("0123456789abcdef")):
        raise _bad("weights_sha256", "must be 64 hexadecimal digits")
    return checksum
