"""Which output of a graph tells classes apart, and how its numbers become logits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import onnx
from onnx import TensorProto

from resnet_desktop.bundle.adapt.tail import kind_of
from resnet_desktop.bundle.format.metadata import MAX_CLASSES, Output
from resnet_desktop.bundle.labels.label_metadata import labels_in_props
from resnet_desktop.bundle.labels.label_values import usual
from resnet_desktop.bundle.structure.graph_view import GraphView, Shape, attributes, declared, type_name
from resnet_desktop.bundle.structure.logits import behind_softmax, final_node, final_operator
from resnet_desktop.bundle.structure.quantized import WHOLE, before_rounding, scale_of
from resnet_desktop.core.errors import ModelError

Kind = Literal["logits", "probabilities", "logit", "probability", "ratings", "rates"]
"""A logit or probability for each class; or of the second of two classes, the first being that it is not so; or the
log-odds or probability of each label by itself."""

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
LINEAR = (
    *("Gemm", "MatMul", "Conv", "FusedGemm", "FusedMatMul", "FusedConv"),
    *("QGemm", "QLinearMatMul", "MatMulInteger", "QLinearConv", "ConvInteger", "MatMulIntegerToFloat"),
)
_MAPS = "ZipMap"
_ONE_BY_ONE = (
    *("Identity", "Cast", "Squeeze", "Unsqueeze", "Flatten", "Reshape", "Dropout"),
    *("Softmax", "LogSoftmax", "Sigmoid", "Exp", "Log", "Neg"),
)
"""What changes scores, but not to which class they belong."""
_GOOD = ("logit", "prob", "class", "pred", "score", "softmax", "label")
_BAD = ("feat", "embed", "hidden", "aux", "pool", "latent", "attention")


@dataclass(frozen=True, slots=True)
class RowOutput:
    """A tensor with a row of numbers for each picture.

    Attributes:
        name: as the file calls the output.
        tensor: in the graph; another one where the output is a list of maps that is made of it, or its rounded form.
        type: as in ``TensorProto.DataType``.
        shape: of the tensor.
        width: how many numbers to a picture.
        labels: what the graph itself calls them, where it does.
        only: where the output holds only some of the scores, those of the surest classes: which, in words; ``tensor``
            is then the scores of all classes, from which it is made.
        others: names of outputs that could as well have been taken.
        offered: names of all outputs that are such rows.
    """

    name: str
    tensor: str
    type: int
    shape: Shape
    width: int
    labels: tuple[str, ...] | None = None
    only: str = ""
    others: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether it is a row for one picture, whatever the batch."""
        return (len(self.shape) == 1 and self.width > 1) or (bool(self.shape) and self.shape[0] == 1)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a graph ends.

    Attributes:
        row: the output that is taken.
        source: the tensor that logits are made of: behind a Softmax or a Sigmoid its input.
        kind: what the numbers of ``source`` are.
        classes: how many are told apart.
        peeled: whether the output itself is probabilities, and a Softmax lies between it and ``source``.
        rated: whether the output itself is probabilities, and a Sigmoid lies between it and ``source``.
    """

    row: RowOutput
    source: str
    kind: Kind
    classes: int
    peeled: bool = False
    rated: bool = False

    @property
    def gives(self) -> Output:
        """What the output of the file is."""
        if self.kind in ("ratings", "rates"):
            return "ratings"
        is_share = self.peeled or self.rated or self.kind in ("probabilities", "probability")
        return "probabilities" if is_share else "logits"


def rows_of(model: onnx.ModelProto, view: GraphView) -> list[RowOutput]:
    """The outputs that are a row of numbers for each picture, in their order."""
    found = (_row(view, value) for value in model.graph.output)
    return [row for row in found if row is not None]


def choose(
    model: onnx.ModelProto, view: GraphView, wanted: str | None, labels: int | None, props: Mapping[str, str]
) -> RowOutput:
    """The output that looks like a classifier's.

    Args:
        model: the model.
        view: its graph.
        wanted: the output that the user names, or a tensor inside; None leaves the choice to the app.
        labels: how many classes have names, where that is known.
        props: the file's metadata, which may name as many classes as an output has.

    Raises:
        ModelError: ``unsupported_model``: there is none, or none of that name; ``wrong_shapes``.
    """
    if not model.graph.output and wanted is None:
        raise ModelError("unsupported_model", "The model has no output.")
    rows = rows_of(model, view)
    offered = tuple(row.name for row in rows)
    if wanted is not None:
        return replace(_named(model, view, rows, wanted), offered=offered)
    if not rows:
        raise _no_row(model, view)
    by_key = {usual(key): value for key, value in reversed(list(props.items()))}
    merits = [_merits(view, rows, row, labels, by_key) for row in rows]
    best = rows[merits.index(max(merits))]
    _check_claim(model, view, best)
    equal = (row for row, found in zip(rows, merits, strict=True) if found == max(merits) and row is not best)
    others = (row.name for row in equal if not _related(view, best.tensor, row.tensor))
    return replace(best, others=tuple(others), offered=offered)


def ending(model: onnx.ModelProto, view: GraphView, row: RowOutput) -> Ending:
    """How logits are made of an output. Raises ModelError ``unsupported_model``: it tells no classes apart."""
    before = behind_softmax(view, row.tensor)
    if before is not None and _is_row_of(view, before, row) and row.width > 1:
        return Ending(row, before, "logits", row.width, peeled=True)
    last = final_node(view, row.tensor)
    kind = last.op_type.removeprefix("QLinear") if last is not None else ""
    if kind in ("Softmax", "LogSoftmax") and row.width == 1:
        raise ModelError("unsupported_model", f"The output {row.name!r} is always 1: it tells no classes apart.")
    if last is not None and kind == "Sigmoid" and _is_row_of(view, last.input[0], row):
        single = row.width == 1
        return Ending(row, last.input[0], "logit" if single else "ratings", 2 if single else row.width, rated=True)
    exact = before_rounding(view, row.tensor) or row.tensor
    found = kind_of(model, view, exact, row.width)
    # What is cut off where logits are rounded belongs to the answer; the logarithm of 0, where shares are, does not.
    source = exact if found != "unknown" and _is_row_of(view, exact, row) else row.tensor
    if row.width == 1:
        return Ending(row, source, "probability" if found == "ratings" else "logit", 2)
    kinds: Mapping[str, Kind] = {"ratings": "rates", "probabilities": "probabilities", "unknown": "logits"}
    return Ending(row, source, kinds[found], row.width)


def _is_row_of(view: GraphView, tensor: str, row: RowOutput) -> bool:
    """Whether ``tensor`` has the numbers of ``row`` for each picture, and is not another form of the whole batch."""
    shape = view.shape(tensor)
    same_batch = len(shape) == 1 or len(row.shape) == 1 or shape[:1] == row.shape[:1]
    wide = [side for side in shape if side != 1] if len(shape) == 1 else [side for side in shape[1:] if side != 1]
    return bool(shape) and same_batch and None not in wide and math.prod(side or 1 for side in wide) == row.width


def _row(view: GraphView, value: onnx.ValueInfoProto) -> RowOutput | None:
    node = view.producer(value.name)
    if node is not None and node.op_type == _MAPS:
        labels = _labels_of(node)
        claim = None if labels is None else (None, len(labels))  # nothing else tells the shapes behind ONNX's ML domain
        return _row_of(view, value.name, node.input[0], TensorProto.FLOAT, claim, labels)
    claimed = declared(value)
    chosen = _choosing(view, value.name) if claimed.type in _FLOATS else None
    if chosen is not None:
        return _row_before(view, value.name, chosen)
    row = _row_at(view, value.name, claimed.type, claimed.shape)
    labels = None if row is None else _labels_behind(view, row)
    return row if row is None or labels is None else replace(row, labels=labels)


def _choosing(view: GraphView, tensor: str) -> onnx.NodeProto | None:
    """The operator that leaves only the highest scores of a row, on the way to ``tensor``; None if none does.

    What it gives are not scores of certain classes, but of those that come first for this picture.
    """
    node = view.producer(tensor)
    while node is not None and node.op_type in _ONE_BY_ONE:
        tensor = node.input[0]
        node = view.producer(tensor)
    if node is None or node.op_type not in ("TopK", "ReduceMax"):
        return None
    if node.op_type == "TopK":
        return node if tensor == node.output[0] else None
    widths = [[side for side in view.shape(name)[1:] if side != 1] for name in (node.input[0], tensor)]
    return node if len(widths[0]) == 1 and not widths[1] else None


def _row_before(view: GraphView, name: str, node: onnx.NodeProto) -> RowOutput | None:
    """The scores of all classes, where an output holds those of the surest."""
    scores = node.input[0]
    known = view.tensors.get(scores)
    row = None if known is None else _row_of(view, name, scores, known.type, None, None)
    if row is None or row.width < 2:
        return None
    return replace(row, only="the highest score" if node.op_type == "ReduceMax" else "the highest scores")


def _labels_behind(view: GraphView, row: RowOutput) -> tuple[str, ...] | None:
    """What an operator of ONNX's domain for machine learning calls the classes whose scores it gives."""
    node = view.producer(row.tensor)
    while node is not None and node.op_type in (*_ONE_BY_ONE, "Normalizer"):
        node = view.producer(node.input[0])
    labels = None if node is None or not node.op_type.endswith("Classifier") else _labels_of(node)
    return labels if labels is not None and len(labels) == row.width else None


def _row_at(view: GraphView, tensor: str, kind: int, claimed: Shape | None) -> RowOutput | None:
    """A row of numbers; where these are whole ones of many scales, as they were before they were rounded."""
    before = before_rounding(view, tensor) if kind in WHOLE and scale_of(view, tensor) is None else None
    known = None if before is None else view.tensors.get(before)
    if before is None or known is None:
        return _row_of(view, tensor, tensor, kind, claimed, None)
    return _row_of(view, tensor, before, known.type, claimed, None)


def _row_of(
    view: GraphView, name: str, tensor: str, kind: int, claimed: Shape | None, labels: tuple[str, ...] | None
) -> RowOutput | None:
    shape = view.shape(tensor) or claimed or ()
    if not shape or not (kind in _FLOATS or (kind in WHOLE and scale_of(view, tensor) is not None)):
        return None
    width: int | None
    if len(shape) == 1:
        width = shape[0] or 1
    else:
        if claimed is not None and len(claimed) == len(shape):
            shape = (shape[0], *(a if a is not None else b for a, b in zip(shape[1:], claimed[1:], strict=True)))
        wide = [side for side in shape[1:] if side != 1]
        width = 1 if not wide else wide[0] if len(wide) == 1 else None
    if width is None or not 1 <= width <= MAX_CLASSES:
        return None
    return RowOutput(name, tensor, kind, shape, width, labels)


def _labels_of(node: onnx.NodeProto) -> tuple[str, ...] | None:
    given = attributes(node)
    kinds = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
    names = next((given[kind] for kind in kinds if given.get(kind)), None)
    if not isinstance(names, list) or not names:
        return None
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)


def _named(model: onnx.ModelProto, view: GraphView, rows: list[RowOutput], wanted: str) -> RowOutput:
    row = next((row for row in rows if wanted in (row.name, row.tensor)), None)
    if row is None and view.producer(wanted) is not None:
        row = _row_at(view, wanted, view.tensors[wanted].type if wanted in view.tensors else 0, None)
        if row is None:
            raise ModelError(
                "unsupported_model", f"{wanted!r} is {_described(view, wanted)}, not a row of numbers for each picture."
            )
    if row is None:
        names = ", ".join(repr(value.name[:80]) for value in model.graph.output[:8])
        raise ModelError("unsupported_model", f"The model has no output {wanted[:80]!r}.", f"Its outputs are {names}.")
    return row


def _no_row(model: onnx.ModelProto, view: GraphView) -> ModelError:
    value = model.graph.output[0]
    claimed = declared(value)
    shape = view.shape(value.name) or claimed.shape or ()
    if claimed.type == TensorProto.FLOAT and len(shape) == 2 and shape[1] is None:
        return ModelError("unsupported_model", "The model does not say how many classes it has.")
    if claimed.type in WHOLE and _is_row(shape):
        return ModelError(
            "unsupported_model",
            f"The model's output is {type_name(claimed.type)} {list(shape)}, and the file does not say what these "
            "stand for: no operator before it has their scale.",
            "Export it with an output of float32, or with a QuantizeLinear before the output.",
        )
    node = view.producer(value.name)
    before = node.input[0] if node is not None and node.op_type in _DECIDING else None
    return ModelError(
        "unsupported_model",
        f"The model's output is {type_name(claimed.type)} {list(shape)}; "
        "an image classifier gives float32 [batch, classes].",
        None if before is None else f"Behind it lies {before[:80]!r}: give that as --output-name.",
    )


def _is_row(shape: Shape) -> bool:
    return len([side for side in shape[1:] if side != 1]) <= 1


_DECIDING = ("ArgMax", "TopK", "Hardmax")


def _described(view: GraphView, tensor: str) -> str:
    found = view.tensors.get(tensor)
    return "a tensor of unknown shape" if found is None else f"{type_name(found.type)} {list(found.shape or ())}"


def _check_claim(model: onnx.ModelProto, view: GraphView, row: RowOutput) -> None:
    """Refuse a file that claims another shape of its output than its operators give. Raises ModelError."""
    value = next((one for one in model.graph.output if one.name == row.tensor), None)
    claimed, found = (declared(value).shape if value is not None else None), view.shape(row.tensor)
    if claimed is None or not found:
        return
    sizes = zip(claimed[1:], found[1:], strict=False)
    if len(claimed) != len(found) or any(None not in (a, b) and a != b and (a or 0) > 0 for a, b in sizes):
        raise ModelError("wrong_shapes", f"The model claims an output of {list(claimed)} and gives {list(found)}.")


def _merits(
    view: GraphView, rows: list[RowOutput], row: RowOutput, labels: int | None, props: Mapping[str, str]
) -> tuple[bool, ...]:
    """What speaks for an output, the weightiest first."""
    named = row.labels is not None or row.width == labels or labels_in_props(props, row.width) is not None
    last = final_operator(view, row.tensor)
    linear = last in LINEAR or (last == "Add" and _is_biased(view, row.tensor))
    name = row.name.lower()
    return (
        named,
        not any(_leads_on(view, row.tensor, other.tensor) for other in rows if other is not row),
        last in ("Softmax", "LogSoftmax") or linear,
        row.width > 1,
        not any(word in name for word in _BAD),
        any(word in name for word in _GOOD),
    )


def _is_biased(view: GraphView, tensor: str) -> bool:
    node = final_node(view, tensor)
    makers = [view.producer(name) for name in node.input] if node is not None else []
    return any(maker is not None and maker.op_type in LINEAR for maker in makers)


def _related(view: GraphView, tensor: str, other: str) -> bool:
    """Whether one of two outputs is made of the other, or both are the same numbers."""
    return any(_leads_on(view, a, b) is not None for a, b in ((tensor, other), (other, tensor))) or _origin(
        view, tensor
    ) == _origin(view, other)


def _origin(view: GraphView, tensor: str) -> str:
    """What a row is made of: what goes into its softmax, where it has one."""
    before = behind_softmax(view, tensor)
    node = final_node(view, before or tensor)
    return node.output[0] if node is not None else tensor


def _leads_on(view: GraphView, tensor: str, other: str) -> bool | None:
    """Whether ``other`` is made of ``tensor`` with a linear layer on the way: then ``tensor`` is features.

    None: it is not made of it at all.
    """
    reached: dict[str, bool] = {tensor: False}
    for node in view.nodes:
        met = [reached[name] for name in node.input if name in reached]
        if met:
            linear = any(met) or node.op_type in LINEAR
            reached |= {name: reached.get(name, False) or linear for name in node.output if name}
    return reached.get(other)
