"""Graphs as ONNX files that share one file of weights."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genie.web.graphs import Graph

OPSET = 23
"""The first with normalisation and attention as one operation each: a third fewer of them."""
WEIGHTS = "weights.bin"
_LEAST = 256  # elements of a tensor that is worth a place in the file of weights
_ALIGNED = 64


def write_graphs(graphs: dict[str, Graph], folder: Path) -> dict[str, Any]:
    """Write NAME.onnx for each graph, and their weights.

    Weights are stored as float16 and computed with as float32. The draft and the commit have the
    same weights: what several graphs use is stored once.

    Args:
        graphs: by name.
        folder: exists.

    Returns:
        For each graph its inputs, name to type and shape.
    """
    import onnx

    shared = _Weights()
    for name, graph in graphs.items():
        model = to_onnx(graph)
        shared.move(model.graph)
        onnx.save(model, folder / f"{name}.onnx")
    (folder / WEIGHTS).write_bytes(shared.data)
    return {
        name: {
            key: {"type": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
            for key, value in graph.inputs.items()
        }
        for name, graph in graphs.items()
    }


def to_onnx(graph: Graph) -> Any:
    """Return a graph as an onnx.ModelProto."""
    # The exporter tells a user on stdout and in warnings what only its developers can act on.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    quiet = contextlib.redirect_stdout(io.StringIO())
    with quiet, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            dynamo=True,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            opset_version=OPSET,
            verbose=False,
            optimize=False,
        )
    model = program.model_proto
    _shorten_scales(model.graph)
    # Where in the source each operation came from: more bytes than the graph itself.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    return model


def _shorten_scales(graph: Any) -> None:
    """Give each norm without weights a scale of ones, one a channel.

    The exporter makes one of the whole tensor's size, which onnxruntime's WebGPU refuses.
    """
    from onnx import numpy_helper

    weights = {tensor.name for tensor in graph.initializer}
    shapes = {value.name: value.type.tensor_type.shape for value in graph.value_info}
    for node in graph.node:
        if node.op_type == "RMSNormalization" and node.input[1] not in weights:
            ones = np.ones(shapes[node.input[0]].dim[-1].dim_value, np.float32)
            node.input[1] = f"ones_{len(ones)}"
            if node.input[1] not in weights:
                graph.initializer.append(numpy_helper.from_array(ones, node.input[1]))
                weights.add(node.input[1])


class _Weights:
    """Tensors one after the other, each once."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._places: dict[bytes, int] = {}

    def move(self, graph: Any) -> None:
        """Move the large float32 tensors of an onnx.GraphProto here, as float16."""
        from onnx import TensorProto, helper, numpy_helper

        casts = []
        for tensor in graph.initializer:
            if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _LEAST:
                continue
            half = numpy_helper.to_array(tensor).astype(np.float16)
            casts.append(helper.make_node("Cast", [f"{tensor.name}.half"], [tensor.name], to=1))
            self._store(tensor, half)
        for index, cast in enumerate(casts):
            graph.node.insert(index, cast)

    def _store(self, tensor: Any, half: np.ndarray) -> None:
        from onnx import TensorProto

        data = half.tobytes()
        place = self._places.get(data)
        if place is None:
            self.data.extend(bytes(-len(self.data) % _ALIGNED))
            place = self._places[data] = len(self.data)
            self.data.extend(data)
        name, dims = f"{tensor.name}.half", list(tensor.dims)
        tensor.Clear()
        tensor.name, tensor.data_type = name, TensorProto.FLOAT16
        tensor.dims.extend(dims)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", WEIGHTS), ("offset", place), ("length", len(data))):
            tensor.external_data.add(key=key, value=str(value))
