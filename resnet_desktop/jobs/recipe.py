"""How a network is trained: the part of a job behind the presets."""

from __future__ import annotations

from dataclasses import dataclass

from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.fields import Fields
from resnet_desktop.jobs.presets import recipe_values

OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
BALANCES = ("auto", "none", "weights", "sampling")
CURVES = ("cosine", "linear", "constant")
COMPILES = ("auto", "on", "off")
WHERE = "'recipe' of the job"
MOST_CROPS = 1024


@dataclass(frozen=True, slots=True)
class Phase:
    """A run of epochs at one picture size (pixels along a side)."""

    epochs: int
    size: int
    batch_size: int


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network whose answers are learnt from beside the labels (Hinton, Vinyals and Dean 2015, arXiv:1503.02531).

    Attributes:
        model: a name of the library or a file; it has every class of the run, by WordNet identifier or by label.
        weight: of its answers in the loss, a fraction of 1; the rest is the labels'.
        temperature: by which its logits and the network's are divided before they are compared.
        crops: of each photo, drawn once, that it is asked about; None: as many as pay.
    """

    model: str
    weight: float = 0.7
    temperature: float = 2.0
    crops: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained; what a job leaves open comes from its preset.

    ``crop_scale`` bounds the part of the picture's area that a training crop shows (Szegedy et al. 2014); ``jitter`` is
    the largest relative change of brightness, contrast and saturation; ``label_smoothing`` as Szegedy et al. 2015;
    ``warmup`` the fraction of all steps in which the learning rate rises, before it falls along ``curve``. ``mixup``
    and ``cutmix`` are the parameters of the Beta distributions of Zhang et al. 2017 and Yun et al. 2019, 0 for neither;
    with both, each batch takes one of them. ``ema`` is the decay, for each step, of an average of the weights that is
    evaluated and exported in their place; 0 for none.

    ``views`` is how many versions of each picture the frozen features are computed for, when only the head is trained:
    the picture itself and augmented ones. ``patience`` ends the run after so many epochs without a better one; 0 never.
    ``balance`` makes up for classes of unequal size: ``weights`` in the loss, or ``sampling`` of the smaller ones more
    often; ``auto`` weighs where the largest class has twice the pictures of the smallest. ``stage_rate`` is the
    learning rate of each stage as a fraction of that of what follows it. ``accumulate`` splits a batch into so many
    parts that go through the network one by one, for want of memory. ``freeze_norms`` keeps the batch norms of trained
    stages as they are, so that what a picture teaches does not depend on the others of its batch. ``compile`` says
    whether torch.compile is used. ``teacher`` is a network that is learnt from, too; None for none.
    """

    arch: str = "resnet50"
    schedule: tuple[Phase, ...] = ()
    crop_scale: tuple[float, float] = (0.35, 1.0)
    jitter: float = 0.0
    label_smoothing: float = 0.1
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.1
    precision: str = "auto"
    transforms: Transforms | None = None
    mixup: float = 0.0
    cutmix: float = 0.0
    ema: float = 0.0
    views: int = 1
    patience: int = 0
    balance: str = "none"
    stage_rate: float = 1.0
    curve: str = "cosine"
    accumulate: int = 1
    freeze_norms: bool = False
    compile: str = "auto"
    teacher: Teacher | None = None


def parse_recipe(value: object, train: str, preset: str, faults: list[str] | None = None) -> Recipe:
    """Check the ``recipe`` of a job and fill in what it leaves open.

    Args:
        value: the recipe as JSON has it, or None.
        train: which part of the network is trained.
        preset: what fills it in.
        faults: where what is wrong is noted, if whoever asks says it together with faults of his own.

    Raises:
        JobError: keys are wrong, each named; only without ``faults``.
    """
    fields = Fields({} if value is None else value, WHERE, faults)
    default = recipe_values(train, preset)
    low, high = _scale(fields, default["crop_scale"])
    recipe = Recipe(
        arch=fields.text("arch", "resnet50"),
        schedule=_schedule(fields),
        crop_scale=(low, high),
        jitter=fields.number("jitter", default["jitter"], 0.0, 0.9),
        label_smoothing=fields.number("label_smoothing", default["label_smoothing"], 0.0, 0.9),
        optimizer=fields.text("optimizer", default["optimizer"], OPTIMIZERS),
        momentum=fields.number("momentum", 0.9, 0.0, 0.999),
        weight_decay=fields.number("weight_decay", default["weight_decay"], 0.0, 1.0),
        warmup=fields.number("warmup", 0.1, 0.0, 0.9),
        precision=fields.text("precision", "auto", PRECISIONS),
        transforms=_transforms(fields),
        mixup=fields.number("mixup", default["mixup"], 0.0, 10.0),
        cutmix=fields.number("cutmix", default["cutmix"], 0.0, 10.0),
        ema=fields.number("ema", default["ema"], 0.0, 0.999999),
        views=fields.integer("views", default["views"], 1, 64),
        patience=fields.integer("patience", default["patience"], 0, 10_000),
        balance=fields.text("balance", default["balance"], BALANCES),
        stage_rate=fields.number("stage_rate", default["stage_rate"], 0.001, 1.0),
        curve=fields.text("curve", "cosine", CURVES),
        freeze_norms=fields.flag("freeze_norms", default=default["freeze_norms"]),
        accumulate=fields.integer("accumulate", 1, 1, 65_536),
        compile=fields.text("compile", "auto", COMPILES),
        teacher=_teacher(fields, train),
    )
    fields.finish()
    if faults is None:
        fields.raise_faults()
    return recipe


def _scale(fields: Fields, default: tuple[float, float]) -> tuple[float, float]:
    value = fields.anything("crop_scale") or default
    if not (isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(s, (int, float)) for s in value)):
        fields.refuse(f"'crop_scale' of {WHERE} must be two numbers.")
        return default
    low, high = value
    if not 0.01 <= low <= high <= 1.0:
        fields.refuse(f"'crop_scale' of {WHERE} must be two increasing numbers between 0.01 and 1.")
        return default
    return float(low), float(high)


def _schedule(recipe: Fields) -> tuple[Phase, ...]:
    phases = []
    for i, item in enumerate(recipe.items("schedule")):
        fields = Fields(item, f"schedule[{i}] of the recipe", recipe.faults)
        epochs = fields.integer("epochs", 1, 1, 10_000)
        phases.append(Phase(epochs, fields.integer("size", 64, 16, 1024), fields.integer("batch_size", 64, 1, 65_536)))
        fields.finish()
    return tuple(phases)


def _teacher(recipe: Fields, train: str) -> Teacher | None:
    value = recipe.anything("teacher")
    if value is None:
        return None
    faults = len(recipe.faults)
    fields = recipe.below(value, f"'teacher' of {WHERE}")
    teacher = Teacher(
        model=fields.place("model", ""),
        weight=fields.number("weight", 0.7, 0.0, 1.0),
        temperature=fields.number("temperature", 2.0, 0.1, 100.0),
        crops=fields.maybe_integer("crops", 1, MOST_CROPS),
    )
    fields.finish()
    if not teacher.model and len(recipe.faults) == faults:
        recipe.refuse(f"'model' of 'teacher' of {WHERE} is missing: the network to learn from.")
    if train == "head":
        recipe.refuse(f"'teacher' of {WHERE} needs more than the head to be trained: choose another 'train'.")
    return teacher


def _transforms(fields: Fields) -> Transforms | None:
    value = fields.anything("transforms")
    if value is None:
        return None
    if not isinstance(value, dict):
        fields.refuse(f"'transforms' of {WHERE} must be a JSON object.")
        return None
    try:
        return Transforms.from_json(value)
    except ModelError as error:
        fields.refuse(f"'transforms' of {WHERE}: {error.message}")
        return None
