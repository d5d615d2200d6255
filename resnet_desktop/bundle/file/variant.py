"""A second file of the same network, made to be faster: what it says of itself, and how it answers for the original.

Labels, preprocessing and temperature are the original's, in the file and when it is used: what the user has said of the
original since holds for the variant too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from onnx import helper

from resnet_desktop.bundle.file import bundle as model_file
from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.file.bundle import VARIANT_KEY, Bundle
from resnet_desktop.core import atomic, paths

_RATINGS = "resnet_desktop.ratings"
_HEADS = ("Gemm", "MatMul")


def folder_of(sha256: str) -> Path:
    """Where the variants of the model file of this checksum lie."""
    return paths.variants_folder() / sha256[:16]


def write_graph(bundle: Bundle, path: Path) -> None:
    """Write the graph that a session runs, logits its only output. Raises ModelError, StorageError."""
    atomic.write_bytes(path, model_file.serialized(bundle))


def sensitive(path: Path, share: int) -> tuple[str, ...]:
    """Operators of an ONNX file that rounding hurts most, by name: one in ``share`` of the convolutions, the head.

    The first ones come before the others in the file, as ONNX demands it of what is read later. 0: none.
    """
    if not share:
        return ()
    nodes = onnx.load(path, load_external_data=False).graph.node
    convolutions = [node.name for node in nodes if node.op_type == "Conv"]
    heads = [node.name for node in nodes if node.op_type in _HEADS] or convolutions
    return (*convolutions[: max(1, len(convolutions) // share)], *heads[-1:])


def input_name(path: Path) -> str:
    """The input of an ONNX file that takes pictures: the one that is no weight."""
    graph = onnx.load(path, load_external_data=False).graph
    weights = {weight.name for weight in graph.initializer}
    return next(str(value.name) for value in graph.input if value.name not in weights)


def depthwise_weights(path: Path, spared: Collection[str]) -> tuple[str, ...]:
    """Weights of the convolutions of each channel by itself, but of the operators that are ``spared``."""
    nodes = onnx.load(path, load_external_data=False).graph.node
    convolutions = [node for node in nodes if node.op_type == "Conv" and node.name not in spared]
    return tuple(node.input[1] for node in convolutions if any(a.name == "group" and a.i > 1 for a in node.attribute))


def as_half(path: Path, convert: Any) -> onnx.ModelProto:  # noqa: ANN401 - a function without types
    """The network of a file with its weights and sums in float16, by ``convert`` of ONNX Runtime's own tools."""
    made: onnx.ModelProto = convert(onnx.load(path), keep_io_types=True)
    _sort(made.graph)  # its casts come last, which ONNX forbids
    return made


def write_variant(original: Bundle, made: Path, target: Path, about: Mapping[str, Any], *, warns: bool) -> Bundle:
    """Write a graph that was made of the original's as a model file that says all that the original says.

    Args:
        original: the model that it was made of.
        made: an ONNX file whose only output is logits.
        target: where it goes.
        about: ``kind``, ``recipe`` and ``images``: how it was made; kept in the provenance.
        warns: whether the original's rule about unfamiliar photos holds for it.

    Raises:
        ModelError: what was made is no sound classifier.
        StorageError: it cannot be written.
    """
    data, _ = tensors.read_bytes(made)
    model, told = tensors.parse(data, made).model, original.metadata
    if told.independent:  # so that the file by itself tells that labels do not exclude each other
        model.graph.node.append(helper.make_node("Sigmoid", [model.graph.output[0].name], [_RATINGS], name=_RATINGS))
        model.graph.output[0].name = _RATINGS
    metadata = replace(
        told,
        output="ratings" if told.independent else "logits",
        layout=None,
        output_name=None,
        novelty=told.novelty if warns else None,
        provenance={**told.provenance, VARIANT_KEY: {**about, "of_sha256": original.file_sha256}},
    )
    return model_file.write(target, model, metadata)


def answering_for(original: Bundle, variant: Bundle, *, named: bool, prepared: bool) -> Bundle:
    """The variant's graph with what is known of the original; ``named``, ``prepared``: by whomever (see ``Bundle``)."""
    own = variant.metadata
    metadata = replace(original.metadata, arch=own.arch, novelty=own.novelty, provenance=own.provenance)
    return replace(variant, metadata=metadata, notes=original.notes, named=named, prepared=prepared)


def _sort(graph: onnx.GraphProto) -> None:
    """Put each operator behind those whose results it reads, else in the order of the file."""
    waiting, there = list(graph.node), {"", *(value.name for value in (*graph.input, *graph.initializer))}
    made = {name for node in waiting for name in node.output}
    del graph.node[:]
    while waiting:
        ready = [node for node in waiting if all(name in there or name not in made for name in node.input)]
        if not ready:  # a circle: whoever reads the file refuses it
            ready = waiting
        graph.node.extend(ready)
        there.update(name for node in ready for name in node.output)
        done = {id(node) for node in ready}
        waiting = [node for node in waiting if id(node) not in done]
