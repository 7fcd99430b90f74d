"""Exported files of a few hundred bytes, whose output is told beforehand; no torch makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fairtrial.use.metadata import KEY, ModelMetadata, Origin, OutputLayout, Preparation

ORIGIN = Origin(backend="ultralytics", weights_sha256="a" * 64, fairtrial="0.1.0", versions={})
LETTERBOX = Preparation(placement="centre", size=64, multiple=32, resampling="opencv")


def metadata(**changed: Any) -> ModelMetadata:
    """Of a detector of cats and dogs that takes 64 pixels."""
    content: dict[str, Any] = {
        "task": "detect",
        "classes": ("cat", "dog"),
        "confidence": 0.35,
        "preparation": LETTERBOX,
        "output": OutputLayout(layout="end_to_end", iou=0.7, max_det=300),
        "batch": None,
        "precision": "fp32",
        "origin": ORIGIN,
    }
    return ModelMetadata(**content | changed)


def classifier_metadata() -> ModelMetadata:
    """Of a classifier of cats and dogs that takes squares of 8 pixels."""
    return metadata(
        task="classify",
        confidence=None,
        preparation=Preparation(
            placement="central_square", size=8, multiple=None, resampling="pillow"
        ),
        output=OutputLayout(layout="probabilities"),
    )


def write_onnx(path: Path, output: Any, about: ModelMetadata | str | None = None) -> Path:
    """An ONNX file that gives `output` (without the batch's axis) for every image."""
    values = np.array(output, np.float32)[None]
    axes = numpy_helper.from_array(np.array([1, 2, 3]), "axes")
    zero = numpy_helper.from_array(np.zeros([1] * values.ndim, np.float32), "zero")
    shape = numpy_helper.from_array(np.array([-1] + [1] * (values.ndim - 1)), "shape")
    nodes = [
        helper.make_node("ReduceMax", ["images", "axes"], ["largest"], keepdims=0),
        helper.make_node("Reshape", ["largest", "shape"], ["each"]),
        helper.make_node("Mul", ["each", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "values"], ["output"]),
    ]
    free = ["batch", 3, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [axes, zero, shape, numpy_helper.from_array(values, "values")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    text = about if isinstance(about, str) else (about or metadata()).model_dump_json()
    if text:
        helper.set_model_props(model, {KEY: text})
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path
