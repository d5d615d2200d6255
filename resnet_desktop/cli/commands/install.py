"""``resnet-desktop models install``: a file into the library, with what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from resnet_desktop.cli.commands.thresholds import ThresholdOption
from resnet_desktop.cli.shared import open_bundle, say, tell

if TYPE_CHECKING:
    from resnet_desktop.bundle.library.importing import Part
    from resnet_desktop.imaging.transforms import Transforms

LabelsOption = Annotated[
    str | None, typer.Option(metavar="FILE|imagenet", help="Class names: a text, JSON, YAML or table file.")
]
CropOption = Annotated[int | None, typer.Option(min=1, help="Side of the square that the network sees, in pixels.")]
MeanOption = Annotated[
    str | None, typer.Option(metavar="R,G,B", help="Mean of each channel, from 0 to 1, in place of --values.")
]
StdOption = Annotated[str | None, typer.Option(metavar="R,G,B", help="Standard deviation of each channel, likewise.")]
InterpolationOption = Annotated[
    Literal["bilinear", "bicubic", "nearest"] | None, typer.Option(help="How photos are resized.")
]
FitOption = Annotated[
    Literal["crop", "stretch"] | None,
    typer.Option(help="Whether photos are cropped at the centre or stretched to a square."),
]
ChannelsOption = Annotated[Literal["rgb", "bgr"] | None, typer.Option(help="Channel order; bgr for many Caffe models.")]
RangeOption = Annotated[
    Literal["tags", "stored", "stretched"] | None,
    typer.Option("--range", help="Black and white points, if it was trained on photos with more than 8 bits."),
]
ValuesOption = Annotated[
    Literal["imagenet", "-1..1", "0..1", "0..255", "caffe"] | None,
    typer.Option(
        help="Pixel values it was trained on. imagenet: the usual mean and standard deviation; caffe: 0 to "
        "255, minus the mean of each channel."
    ),
]
LayoutOption = Annotated[
    Literal["nchw", "nhwc"] | None,
    typer.Option(help="Whether channels come first (nchw) or last (nhwc) in its input, where the file leaves it open."),
]
OutputNameOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The output with a number for each class, or a tensor inside, if not the usual one."
    ),
]


def install(
    file: Annotated[Path, typer.Argument(help="A model bundle, another ONNX file, or PyTorch weights (.pth).")],
    name: Annotated[str | None, typer.Option(help="Name for the model. Default: the file name.")] = None,
    labels: LabelsOption = None,
    resize: Annotated[int | None, typer.Option(min=1, help="Shorter side before the crop, in pixels.")] = None,
    crop: CropOption = None,
    values: ValuesOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    interpolation: InterpolationOption = None,
    fit: FitOption = None,
    channels: ChannelsOption = None,
    pixel_range: RangeOption = None,
    layout: LayoutOption = None,
    output_name: OutputNameOption = None,
    threshold: ThresholdOption = None,
) -> None:
    """Check a model file and copy it into the library, with labels and preprocessing where it has none."""
    from resnet_desktop.bundle.labels.label_file import read_labels
    from resnet_desktop.bundle.library.importing import ModelHints
    from resnet_desktop.bundle.library.library import Library
    from resnet_desktop.inference import admission

    chosen: dict[str, Any] = {"side": crop, "resize": resize, "values": values, "interpolation": interpolation}
    chosen |= {"mean": _channels_of("--mean", mean), "std": _channels_of("--std", std)}
    chosen |= {"fit": fit, "channels": channels, "range": pixel_range}
    known = ModelHints(
        read_labels(labels) if labels else None,
        _transforms(chosen),
        as_found=_as_found(chosen),
        layout=layout,
        output_name=output_name,
        thresholds=tuple(threshold or ()),
    )
    entry = Library().install(file, name, known, copy=admission.copy)
    tell(f"{entry.name} is installed.")
    for doubt in open_bundle(entry.name).doubts:
        say(doubt.message)


def _transforms(chosen: dict[str, Any]) -> Transforms | None:
    """The preprocessing that was said, the rest as usual; None where nothing was."""
    from resnet_desktop.bundle.library.importing import preprocessing

    said = {name: value for name, value in chosen.items() if value is not None}
    return preprocessing(**said) if said else None


def _channels_of(option: str, text: str | None) -> tuple[float, ...] | None:
    """Three numbers, one for each channel."""
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3:
        raise typer.BadParameter("Give three numbers, such as 0.49,0.48,0.45.", param_hint=option)
    return numbers


def _as_found(chosen: dict[str, Any]) -> frozenset[Part]:
    """What of the preprocessing was not said."""
    parts: dict[Part, tuple[str, ...]] = {"size": ("side", "resize"), "channels": ("channels",)}
    parts["values"] = ("values", "mean", "std")
    return frozenset(part for part, keys in parts.items() if all(chosen[key] is None for key in keys))
