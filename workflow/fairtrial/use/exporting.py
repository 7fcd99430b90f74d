"""A network of torch as an exported file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.use.metadata import KEY, ModelMetadata, OutputLayout, Preparation
from fairtrial.use.model import Network
from fairtrial.use.preparation import Floats
from fairtrial.use.runtimes import required

if TYPE_CHECKING:
    import torch

LARGEST_SIDE = 4096  # pixels of an input of free size
LARGEST_BATCH = 64


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


def torch_network(module: torch.nn.Module, threads: int) -> Network:
    """A network of torch as it is, on the GPU where there is one."""
    import torch

    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = module.to(device)

    def network(values: Floats) -> Floats:
        with torch.inference_mode():
            output: Floats = module(torch.from_numpy(values).to(device)).float().cpu().numpy()
        return output

    return network


def _traced(module: torch.nn.Module, metadata: ModelMetadata) -> torch.export.ExportedProgram:
    """The network as a graph, for inputs of the sizes that the metadata name."""
    import torch

    how = metadata.preparation
    shape: dict[int, object] = {}
    if metadata.batch is None:
        shape[0] = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    if how.multiple is not None:
        most = LARGEST_SIDE // how.multiple
        for axis, name in ((2, "height"), (3, "width")):
            shape[axis] = how.multiple * torch.export.Dim(name, min=1, max=most)
    # Sides that differ, and two images: what is equal by chance is taken for equal for ever.
    step = how.multiple or 0
    example = torch.rand(
        metadata.batch or 2, 3, how.size, max(how.size - step, 2 * step or how.size)
    )
    with torch.no_grad():
        return torch.export.export(module, (example,), dynamic_shapes=({**shape},), strict=False)


def _write_onnx(program: torch.export.ExportedProgram, metadata: ModelMetadata, path: Path) -> None:
    import torch

    required("onnxscript")
    converted = torch.onnx.export(
        program, dynamo=True, verbose=False, input_names=["images"], output_names=["output"]
    )
    for node in converted.model.graph.all_nodes():
        node.metadata_props.clear()  # where each came from: paths of this machine
    converted.model.metadata_props[KEY] = metadata.model_dump_json()
    converted.save(str(path), external_data=False)


_WRITE: dict[str, Callable[[torch.export.ExportedProgram, ModelMetadata, Path], None]] = {
    ".onnx": _write_onnx
}
