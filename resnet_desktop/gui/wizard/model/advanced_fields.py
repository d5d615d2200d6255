"""What can be set behind the presets: each value is declared once, with its box, its group and a plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QCoreApplication

from resnet_desktop.gui.widgets.inputs import Box, NumberBox, OptionBox, WholeBox


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the job that can be set.

    Attributes:
        key: in the job; ``recipe.`` before those of the recipe.
        title: beside the box.
        text: one sentence that says what it does.
        make: makes its box.
        share: whether the job holds a pair ``[value, 1]``, a range up to the whole.
    """

    key: str
    title: str
    text: str
    make: Callable[[], Box]
    share: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading."""

    title: str
    fields: tuple[Field, ...]


def groups() -> tuple[Group, ...]:
    """All of them, in the order of the page."""
    return (
        Group(_tr("Duration"), _length()),
        Group(_tr("Step size"), _steps()),
        Group(_tr("Pictures"), _pictures()),
        Group(_tr("Regularization"), _regularization()),
        Group(_tr("Classes of unequal size"), _classes()),
        Group(_tr("Machine"), _machine()),
    )


def defaults(train: str, preset: str) -> dict[str, Any]:
    """What the preset takes, by key; machine-made choices (``jobs.launching.estimate``) are not among them."""
    from resnet_desktop.jobs.presets import EPOCHS, HEAD_RATE
    from resnet_desktop.jobs.recipe import parse_recipe  # NumPy comes with it

    recipe = parse_recipe(None, train, preset)
    keys = [field.key for group in groups() for field in group.fields if field.key.startswith("recipe.")]
    found = {key: getattr(recipe, key.removeprefix("recipe.")) for key in keys}
    found["recipe.crop_scale"] = recipe.crop_scale[0]
    for name in ("balance", "precision", "compile"):  # “automatic (auto)” says nothing
        if found[f"recipe.{name}"] == "auto":
            del found[f"recipe.{name}"]
    return found | {"epochs": EPOCHS[train][preset], "learning_rate": HEAD_RATE.get(train), "seed": 0}


TEACHER = "recipe.teacher"
_STEPWISE = (
    *(
        "epochs",
        "max_minutes",
        "batch_size",
        "learning_rate",
        "recipe.optimizer",
        "recipe.momentum",
        "recipe.weight_decay",
    ),
    *("recipe.warmup", "recipe.curve", "recipe.label_smoothing", "recipe.patience", "recipe.precision"),
    "recipe.accumulate",
)


def obstacles(train: str, views: int, validation: float, *, exact: bool = False) -> dict[str, str]:
    """Why values do not apply, by key.

    Args:
        train: the part of the network that is trained.
        views: versions of each photo, where only the head is trained.
        validation: fraction of the photos that is set apart.
        exact: the last layer is fitted in one go, not step by step.
    """
    found: dict[str, str] = {}
    if exact:
        found |= dict.fromkeys(_STEPWISE, _tr("The last layer is fitted in one go: there are no epochs or steps."))
    if train == "head":
        found["recipe.cutmix"] = _tr("CutMix needs whole photos, but the new layer only sees their features.")
        found["recipe.stage_rate"] = _tr("Only the new layer is trained, so there is no other rate.")
        found["recipe.freeze_norms"] = _tr("Only the new layer is trained, so all batch norms are frozen.")
        found[TEACHER] = _tr("Only the new layer is trained, which has nothing to learn from another network.")
        found["recipe.compile"] = _tr("Only the new layer is trained, in seconds, so there is nothing to gain.")
        if views <= 1:
            reason = _tr("With one version of each photo, nothing is random.")
            found |= dict.fromkeys(("recipe.crop_scale", "recipe.jitter"), reason)
    else:
        found["recipe.views"] = _tr("When more than the last layer is trained, photos are varied anew in every epoch.")
    if train == "scratch":
        found["recipe.stage_rate"] = _tr("All layers start from random numbers, so all learn at the same rate.")
        found["recipe.freeze_norms"] = _tr("Untrained batch norms have to be trained.")
    if validation <= 0:
        found["recipe.patience"] = _tr("There are no validation photos to detect when it stops improving.")
    return found


def conflict(train: str, values: Mapping[str, Any]) -> str:
    """Why values do not go together, or empty. ``values`` are by key, with the defaults of those not set."""
    norms_learn = train == "scratch" or (train != "head" and not values["recipe.freeze_norms"])
    if norms_learn and values.get("batch_size") == 1:
        return _tr("Batch norm cannot work with a single photo: use a batch of at least 2, or freeze the batch norms.")
    return ""


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key, nested as in the job file."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        where, *rest = key.split(".")
        if rest:
            found.setdefault(where, {})[rest[0]] = value
        else:
            found[where] = value
    return found


def _length() -> tuple[Field, ...]:
    return (
        Field("epochs", _tr("Epochs"), _tr("Maximum number of passes through all photos."), lambda: WholeBox(1, 1000)),
        Field(
            "recipe.patience",
            _tr("Early stopping"),
            _tr("Stops after this many epochs without improvement; 0 never stops early."),
            lambda: WholeBox(0, 1000),
        ),
        Field(
            "max_minutes",
            _tr("Time limit"),
            _tr("Minutes that the whole run may take; there are fewer epochs where they would not fit."),
            lambda: WholeBox(1, 10_080, unset=_tr("no limit")),
        ),
    )


def _steps() -> tuple[Field, ...]:
    curves = (("cosine", _tr("cosine")), ("linear", _tr("linear")), ("constant", _tr("constant")))
    optimizers = (("adamw", "AdamW"), ("sgd", _tr("SGD with momentum")))
    return (
        Field(
            "learning_rate",
            _tr("Learning rate"),
            _tr("The peak rate. Too low learns nothing, too high forgets everything."),
            lambda: NumberBox(0.000001, 1.0, 6),
        ),
        Field(
            "recipe.curve",
            _tr("Schedule"),
            _tr("How the rate falls after its peak; small steps at the end settle what was learned."),
            lambda: OptionBox(curves),
        ),
        Field(
            "recipe.warmup",
            _tr("Warm-up"),
            _tr("Share of all steps during which the rate rises to its peak."),
            lambda: NumberBox(0.0, 0.9, 2),
        ),
        Field(
            "batch_size",
            _tr("Batch size"),
            _tr("Photos per step. If memory runs out, batches are processed in halves."),
            lambda: WholeBox(1, 1024),
        ),
        Field(
            "recipe.optimizer",
            _tr("Optimizer"),
            _tr("How steps are computed. SGD needs a higher rate than AdamW: find one above."),
            lambda: OptionBox(optimizers),
        ),
        Field(
            "recipe.stage_rate",
            _tr("Rate of earlier stages"),
            _tr("Each stage learns at this fraction of the next stage's rate: early stages already know enough."),
            lambda: NumberBox(0.01, 1.0, 2),
        ),
    )


def _pictures() -> tuple[Field, ...]:
    return (
        Field(
            "input_size",
            _tr("Input size"),
            _tr("Side length in pixels of what the network sees; by default as the base was trained."),
            lambda: WholeBox(32, 512),
        ),
        Field(
            "recipe.crop_scale",
            _tr("Smallest crop"),
            _tr("Smallest share of a photo's area in a random crop; 1 shows all of it."),
            lambda: NumberBox(0.05, 1.0, 2),
            share=True,
        ),
        Field(
            "recipe.jitter",
            _tr("Colour changes"),
            _tr("How much brightness, contrast and saturation vary. Use 0 if colour separates your classes."),
            lambda: NumberBox(0.0, 0.9, 2),
        ),
        Field(
            "recipe.views",
            _tr("Versions of each photo"),
            _tr("The photo itself plus variations, whose features are computed once."),
            lambda: WholeBox(1, 64),
        ),
    )


def _regularization() -> tuple[Field, ...]:
    yes_no = ((True, _tr("yes")), (False, _tr("no")))
    return (
        Field(
            "recipe.weight_decay",
            _tr("Weight decay"),
            _tr("Pulls weights towards zero so that none grows needlessly."),
            lambda: NumberBox(0.0, 0.5, 5),
        ),
        Field(
            "recipe.label_smoothing",
            _tr("Label smoothing"),
            _tr("Keeps the network from becoming overconfident and limits the harm of wrong labels."),
            lambda: NumberBox(0.0, 0.5, 2),
        ),
        Field(
            "recipe.mixup",
            _tr("Mixup"),
            _tr("Blends pairs of photos and their labels. 0.2 is typical; needs many epochs."),
            lambda: NumberBox(0.0, 2.0, 2),
        ),
        Field(
            "recipe.cutmix",
            _tr("CutMix"),
            _tr("Pastes part of one photo into another. 1 is typical; needs many epochs."),
            lambda: NumberBox(0.0, 2.0, 2),
        ),
        Field(
            "recipe.ema",
            _tr("Averaged weights"),
            _tr("Averages the weights over the last steps: 0.99 covers about a hundred, 0 is off."),
            lambda: NumberBox(0.0, 0.9999, 4),
        ),
        Field(
            "recipe.freeze_norms",
            _tr("Freeze batch norms"),
            _tr("Keeps the base's statistics. Those of small batches are unreliable."),
            lambda: OptionBox(yes_no),
        ),
        Field(
            TEACHER,
            _tr("Teacher"),
            _tr("A model that has all your classes already, by name: the network also learns from its answers."),
            lambda: OptionBox((), unset=_tr("none")),
        ),
    )


def _classes() -> tuple[Field, ...]:
    ways = (
        ("none", _tr("nothing")),
        ("weights", _tr("weight rare classes more")),
        ("sampling", _tr("show rare classes more")),
    )
    return (
        Field(
            "recipe.balance",
            _tr("Compensation"),
            _tr("Automatic weights rare classes if the largest class has twice the photos of the smallest."),
            lambda: OptionBox(ways),
        ),
    )


def _machine() -> tuple[Field, ...]:
    devices = (("cpu", _tr("CPU")), ("cuda", _tr("NVIDIA GPU")), ("mps", _tr("Apple chip")))
    precisions = (("float32", "float32"), ("bfloat16", "bfloat16"), ("float16", "float16"))
    switch = (("on", _tr("on")), ("off", _tr("off")))
    return (
        Field(
            "device", _tr("Device"), _tr("Where to train. A GPU is detected automatically."), lambda: OptionBox(devices)
        ),
        Field(
            "recipe.precision",
            _tr("Precision"),
            _tr("Half precision is faster on devices that support it; this is measured."),
            lambda: OptionBox(precisions),
        ),
        Field(
            "recipe.compile",
            _tr("torch.compile"),
            _tr("Takes a minute, then makes each step faster; automatic tries it on a GPU."),
            lambda: OptionBox(switch),
        ),
        Field(
            "workers",
            _tr("Reading threads"),
            _tr("How many photos are read at once; one per core."),
            lambda: WholeBox(1, 64),
        ),
        Field(
            "seed",
            _tr("Seed"),
            _tr("The same seed, photos and machine give the same model."),
            lambda: WholeBox(0, 2**31 - 1),
        ),
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("advanced", text)
