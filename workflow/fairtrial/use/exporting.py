"""A network of torch as an exported file."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.use.metadata import KEY, ModelMetadata, OutputLayout, Preparation
from fairtrial.use.runtimes import required

if TYPE_CHECKING:
    import torch

LARGEST_SIDE = 4096  # pixels of an input of free size
LARGEST_BATCH = 64
SMALLEST_HALVED = 256  # weights of a tensor that is worth it


@dataclass(frozen=True)
class Exportable:
    """A network that can be exported, in eval mode on the CPU: `module` takes a float32 tensor
    (batch, 3, height, width), as `preparation` says, and returns one tensor, as `output` says."""

    module: torch.nn.Module
    classes: tuple[str, ...]
    preparation: Preparation
    output: OutputLayout


def write_exported(exportable: Exportable, metadata: ModelMetadata, path: Path) -> None:
    """Write a network with its metadata, in the format that the suffix of `path` names."""
    _WRITE[path.suffix](_traced(exportable.module, metadata), metadata, path)


def _traced(module: torch.nn.Module, metadata: ModelMetadata) -> torch.export.ExportedProgram:
    """The network as a graph, for inputs of the sizes that the metadata name."""
    import torch

    how = metadata.preparation
    if metadata.precision == "fp16":
        _halve(module)
    shape: dict[int, object] = {}
    if metadata.batch is None:
        shape[0] = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    if how.multiple is not None:
        most = LARGEST_SIDE // how.multiple
        for axis, name in ((2, "height"), (3, "width")):
            shape[axis] = how.multiple * torch.export.Dim(name, min=1, max=most)
    # Sides that differ, and two images: what is equal by chance is taken for equal for ever.
    step = how.multiple or 0
    side = -(-how.size // step) * step if step else how.size
    example = torch.rand(metadata.batch or 2, 3, side, side + step)
    with torch.no_grad():
        return torch.export.export(module, (example,), dynamic_shapes=({**shape},), strict=False)


def _write_onnx(program: torch.export.ExportedProgram, metadata: ModelMetadata, path: Path) -> None:
    import torch

    required("onnxscript")
    converted = torch.onnx.export(
        program,
        dynamo=True,
        verbose=False,
        optimize=metadata.precision == "fp32",  # which would make of halved weights single ones
        input_names=["images"],
        output_names=["output"],
    )
    for node in converted.model.graph.all_nodes():
        node.metadata_props.clear()  # where each came from: paths of this machine
    converted.model.metadata_props[KEY] = metadata.model_dump_json()
    converted.save(str(path), external_data=False)


def _write_pt2(program: torch.export.ExportedProgram, metadata: ModelMetadata, path: Path) -> None:
    import torch

    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # where each came from: paths of this machine
    content = io.BytesIO()  # a file would have its own name within it
    torch.export.save(program, content, extra_files={KEY: metadata.model_dump_json()})
    path.write_bytes(content.getbuffer())


def _write_openvino(
    program: torch.export.ExportedProgram, metadata: ModelMetadata, path: Path
) -> None:
    """The graph in an .xml, and its weights in a .bin beside it."""
    openvino = required("openvino")
    with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
        file = Path(folder, "model.onnx")
        _write_onnx(program, metadata, file)
        model = openvino.convert_model(str(file))
    model.set_rt_info(metadata.model_dump_json(), [KEY])
    openvino.save_model(model, str(path), compress_to_fp16=metadata.precision == "fp16")


_WRITE: dict[str, Callable[[torch.export.ExportedProgram, ModelMetadata, Path], None]] = {
    ".onnx": _write_onnx,
    ".xml": _write_openvino,
    ".pt2": _write_pt2,
}


def files_of(path: Path) -> list[Path]:
    """The files that make up an exported model."""
    return [path.with_suffix(".bin"), path] if path.suffix == ".xml" else [path]


def _halve(module: torch.nn.Module) -> None:
    """Store the weights of `module` in half precision; it still computes with them in single
    precision, so that nothing else is rounded."""
    import torch
    from torch.nn.utils import parametrize

    class Single(torch.nn.Module):  # type: ignore[misc]
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight.float()

    for part in list(module.modules()):
        for name, weight in list(part.named_parameters(recurse=False)):
            if weight.dtype == torch.float32 and weight.numel() >= SMALLEST_HALVED:
                setattr(part, name, torch.nn.Parameter(weight.detach().half(), False))
                parametrize.register_parametrization(part, name, Single(), unsafe=True)
