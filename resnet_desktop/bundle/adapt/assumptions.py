"""What is assumed of a model that says nothing of itself, and notes for people on what was done to its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from onnx import TensorProto

from resnet_desktop.bundle.adapt.inputs import ImageInput
from resnet_desktop.bundle.adapt.outputs import LINEAR, Ending
from resnet_desktop.bundle.adapt.surgery import Plan, fitting_values
from resnet_desktop.bundle.format.metadata import PREFIX, Metadata, Order, is_label
from resnet_desktop.bundle.structure.graph_view import GraphView, type_name
from resnet_desktop.core.errors import ModelError
from resnet_desktop.imaging.notes import Note
from resnet_desktop.imaging.transforms import PIXEL_VALUES, Transforms

DOUBTS = ("layout_assumed", "output_assumed", "logit_assumed", "values_assumed")
"""Codes of notes on what was assumed: they stand beside every answer."""


def assumed(plan: Plan, values: str | None) -> Metadata:
    """What is assumed of a model that says nothing: its labels are numbers, its photos prepared as usual.

    Args:
        plan: what is done to its graph.
        values: the key of ``PIXEL_VALUES`` that its graph shows; None if it shows none.
    """
    image, ending = plan.image, plan.ending
    labels = ending.row.labels
    if labels is None or len(labels) != ending.classes or not all(map(is_label, labels)):
        labels = tuple(f"class {i}" for i in range(ending.classes))
    transforms = usual(image)
    if values is not None:
        mean, std = PIXEL_VALUES[values]
        transforms = fitting_values(image, replace(transforms, mean=mean, std=std))
    return Metadata(arch=None, categories=labels, transforms=transforms, output=ending.gives)


def usual(image: ImageInput) -> Transforms:
    """The usual preprocessing, for pictures of the size that a network takes."""
    least, oblong = min(image.height, image.width), image.height != image.width
    resize = max(least, round(least * 256 / 224))
    return fitting_values(
        image, Transforms(resize=resize, crop=image.height, crop_width=image.width if oblong else None)
    )


def agreed(metadata: Metadata, ending: Ending, last: str) -> Ending:
    """How a graph ends, by the metadata of its file where the graph leaves it open.

    Args:
        metadata: of the file.
        ending: as the graph shows.
        last: the operator that it ends in.

    Raises:
        ModelError: ``bad_metadata``: they contradict each other.
    """
    said = metadata.output
    if said == "probabilities" and ending.kind == "logits" and not ending.peeled and last not in (*LINEAR, "Add"):
        return replace(ending, kind="probabilities")
    if said == "logits" and ending.gives == "probabilities" and not ending.peeled:
        return ending  # it was not known when the file was written
    if said != ending.gives:
        raise ModelError("bad_metadata", f"{PREFIX}output says {said}, but the graph ends in {last or 'nothing'}.")
    return ending


def notes_on(plan: Plan, view: GraphView, told: tuple[Order | None, str | None], *, named: bool) -> tuple[Note, ...]:
    """What was done to a graph, and what was assumed.

    Args:
        plan: what was done.
        view: the graph that results.
        told: layout and output, where somebody has told them.
        named: whether the classes have names.
    """
    layout, output = told
    found = [*_on_input(plan.image), *_on_output(plan.ending, named=named)]
    if layout is None and plan.image.ambiguous and view.layout.input is None:
        found.append(Note("layout_assumed", _LAYOUT.format(order=plan.image.order)))
    if output is None and plan.ending.row.others:
        others = ", ".join(repr(name[:80]) for name in plan.ending.row.others[:6])
        text = f"Of several outputs that look alike {plan.ending.row.name!r} was taken; the others are {others}."
        found.append(Note("output_assumed", text))
    if plan.ending.row.only:
        text = (
            f"The output is {plan.ending.row.only} alone; the scores of all classes, from which it is made, were taken."
        )
        found.append(Note("scores_before", text))
    if plan.ending.row.is_single or (plan.batch == 1 and plan.image.batch is None):
        found.append(Note("batch_1", "The network takes one picture at a time, so that many take longer."))
    return tuple(found)


def notes_on_values(values: str | None, *, stated: bool) -> tuple[Note, ...]:
    """What is known of the values of pixels that a foreign network takes.

    Args:
        values: the key of ``PIXEL_VALUES`` that its graph shows; None if it shows none.
        stated: whether the file says in words how photos are prepared, or somebody has said it.
    """
    if stated:
        return ()
    if values is None:
        return (Note("values_assumed", _VALUES),)
    return (Note("values_found", f"Its first operators show that it takes pixels {_IN_WORDS[values]}."),)


_VALUES = "ImageNet's pixel values were assumed: nothing in the file says how photos are prepared."
_IN_WORDS = {
    "imagenet": "less ImageNet's mean, divided by its standard deviation",
    "-1..1": "from \u22121 to 1",
    "0..1": "from 0 to 1",
    "0..255": "from 0 to 255",
    "caffe": "from 0 to 255, less the mean of each channel",
}
_LAYOUT = "Nothing in the graph shows how pictures lie in its input; {order} was assumed."


def _on_input(image: ImageInput) -> Iterator[Note]:
    if image.order == "nhwc":
        yield Note("layout_nhwc", "Channels come last in the network's input; pictures are turned round before it.")
    if image.channels == 1:
        yield Note("grey", "The network sees grey; colours are weighed as Rec. 601 has it.")
    if image.type != TensorProto.FLOAT:
        rounded = "" if image.scale is None else "; prepared pictures are rounded to them by its own scale"
        yield Note("input_type", f"The network takes numbers of the type {type_name(image.type).lower()}{rounded}.")
    if image.free:
        size = f"{image.width} x {image.height}"
        yield Note("free_size", f"The network takes pictures of any size; it is shown {size} pixels.")
    if image.height != image.width:
        yield Note("oblong", f"The network sees no square, but {image.width} x {image.height} pixels.")


def _on_output(ending: Ending, *, named: bool) -> Iterator[Note]:
    match ending.kind:
        case "logits" if ending.peeled:
            yield Note("softmax_peeled", "The final softmax is left out; heatmaps explain what goes into it.")
        case "probabilities":
            text = "The output is probabilities already; their logarithms are taken, so that no softmax comes twice."
            yield Note("probabilities", text)
        case "logit" if not ending.rated:
            if named:
                yield Note("one_logit", "The one output is the log-odds of the second of two classes.")
            else:
                text = "The network has one output; it was taken for the log-odds of the second of two classes."
                yield Note("logit_assumed", text)
        case "logit" | "probability":
            yield Note("one_logit", "The one output is the probability of the second of two classes.")
        case "ratings" | "rates":
            text = "The network rates each label by itself: several can be right at once, with a sum over 100\u00a0%."
            yield Note("independent_labels", text)
        case _:
            return
