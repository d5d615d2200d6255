"""Files that are not taken as they are: newer numbers of versions, functions, parts that cannot run, nodes unsorted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx
from onnx import checker, inliner

from resnet_desktop.bundle.adapt.order import sort_nodes
from resnet_desktop.bundle.adapt.pruning import leave_out_hindrances
from resnet_desktop.bundle.adapt.unfused import write_out_sums
from resnet_desktop.bundle.structure.graph_view import GraphView, declared, with_inner
from resnet_desktop.core.errors import ModelError

DOMAINS = ("", "ai.onnx")
RUNTIME_IR = 13
RUNTIME_OPSET = 26
"""The newest versions of the file's form and of ONNX's operators that the oldest ONNX Runtime of the app takes."""
MOST_NODES = 200_000
"""Of a graph whose functions are written out: a few lines of functions that call each other can make any number."""


def readable(model: onnx.ModelProto, wanted: str | None) -> bool:
    """Sort nodes, lower numbers of versions where nothing else is new, write functions out, leave out what is idle.

    All of it in place.

    Args:
        model: the model.
        wanted: the output that is to be taken, or a tensor inside; None leaves the choice to the app.

    Returns:
        Whether any of it was done.

    Raises:
        ModelError: ``unsupported_model``: an operator changed since the newest version that ONNX Runtime takes, or the
            functions go round in a circle; ``damaged_model``: they cannot be written out.
    """
    changed = sort_nodes(model)
    if model.functions:
        _check_functions(model)
        _agree_on_versions(model)
        try:
            model.CopyFrom(inliner.inline_local_functions(model))
        except (RuntimeError, ValueError, checker.ValidationError) as error:
            raise ModelError("damaged_model", "The functions of the model cannot be written out.") from error
        changed = True
    changed |= write_out_sums(model)
    changed |= leave_out_hindrances(model, wanted)
    if RUNTIME_IR < model.ir_version <= onnx.IR_VERSION:
        model.ir_version = onnx.IR_VERSION if onnx.IR_VERSION < RUNTIME_IR else RUNTIME_IR
        changed = True
    return _lower_opset(model) or changed


def claims_wrong_shapes(model: onnx.ModelProto, view: GraphView) -> bool:
    """Whether a file says another shape of an inner tensor than its operators give: the runtime would believe it.

    Exporters that turn tensors round may forget to turn what they say of them.
    """
    for info in model.graph.value_info:
        told, found = declared(info).shape or (), view.shape(info.name)
        if (
            told
            and found
            and (len(told) != len(found) or any(a != b for a, b in zip(told, found, strict=False) if a and b))
        ):
            return True
    return False


def _agree_on_versions(model: onnx.ModelProto) -> None:
    """Have functions name their own domain's version as the model does: onnx silently leaves others in place."""
    own = {function.domain for function in model.functions}
    versions = {opset.domain: opset.version for opset in model.opset_import if opset.domain in own}
    for function in model.functions:
        for opset in function.opset_import:
            if opset.domain in versions:
                opset.version = versions[opset.domain]


def _lower_opset(model: onnx.ModelProto) -> bool:
    asked = max((o.version for o in model.opset_import if o.domain in DOMAINS), default=0)
    if not RUNTIME_OPSET < asked <= onnx.defs.onnx_opset_version():
        return False  # an even newer one is refused where all versions are looked at
    for kind in sorted({node.op_type for node in nodes_of(model.graph) if node.domain in DOMAINS}):
        if not _is_same(kind, asked):
            raise ModelError(
                "unsupported_model",
                f"The model needs {kind!r} as of operator set {asked}; ONNX Runtime has sets up to {RUNTIME_OPSET}.",
                f"Export it with operator set {RUNTIME_OPSET} or older.",
            )
    for opset in model.opset_import:
        if opset.domain in DOMAINS:
            opset.version = min(opset.version, RUNTIME_OPSET)
    return True


def _is_same(kind: str, asked: int) -> bool:
    """Whether an operator differs from the newest that the runtime has in the types that it takes, at most."""
    try:
        new, old = (onnx.defs.get_schema(kind, version, "") for version in (asked, RUNTIME_OPSET))
    except onnx.defs.SchemaError:
        return False
    return new.since_version == old.since_version or _form(new) == _form(old)


def _form(schema: onnx.defs.OpSchema) -> object:
    attributes = {
        name: (attribute.type, attribute.required, attribute.default_value.SerializeToString())
        for name, attribute in schema.attributes.items()
    }
    return attributes, *([(one.name, one.option) for one in side] for side in (schema.inputs, schema.outputs))


def _check_functions(model: onnx.ModelProto) -> None:
    """Refuse functions that call themselves, or that would become far too many nodes."""
    functions = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Iterable[onnx.NodeProto]) -> int:
        """Of nodes all of whose functions have a size."""
        return sum(sizes.get((node.domain, node.op_type), 1) for node in nodes)

    waiting = dict(functions)
    while waiting:
        ready = {
            key: function
            for key, function in waiting.items()
            if waiting.keys().isdisjoint({(node.domain, node.op_type) for node in with_inner(function.node)})
        }
        if not ready:
            raise ModelError("unsupported_model", "The model's functions call each other in a circle.")
        for key, function in ready.items():
            sizes[key] = size(with_inner(function.node))
            del waiting[key]
    if size(nodes_of(model.graph)) > MOST_NODES:
        raise ModelError("unsupported_model", "The model's functions stand for too many operators.")


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of the graphs inside it."""
    return with_inner(graph.node)
