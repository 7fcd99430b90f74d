"""An exported file as a network, by its own runtime."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fairtrial import DataError, FairtrialError
from fairtrial.use.metadata import KEY, ModelMetadata, parse_metadata
from fairtrial.use.model import Model, Network
from fairtrial.use.preparation import Floats


def open_exported(path: Path, threads: int) -> Model:
    """The model in an exported file. Raises DataError where it is none, and FairtrialError where
    its runtime is not installed."""
    if path.suffix not in _OPEN:
        raise DataError(f"{path}: not an exported file ({', '.join(sorted(_OPEN))})")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        metadata, network = _OPEN[path.suffix](path, threads)
    except FairtrialError:
        raise
    except Exception as error:  # whatever a runtime raises, the file cannot be used
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be opened as a model ({reason})") from error
    return Model(metadata, network)


def is_exported(path: Path) -> bool:
    """Whether a path has the suffix of an exported file."""
    return path.suffix in _OPEN


def required(name: str) -> ModuleType:
    """A package of the extra `export`. Raises FairtrialError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise FairtrialError(
            f"the package `{name}` is not installed; `make venv EXTRAS=export` installs it"
        ) from error


_Opened = tuple[ModelMetadata, Network]


def _open_onnx(path: Path, threads: int) -> _Opened:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it tells Microsoft the model's file name
    runtime = required("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors alone
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in runtime.get_available_providers()]
    session = runtime.InferenceSession(str(path), options, providers=providers)
    metadata = parse_metadata(session.get_modelmeta().custom_metadata_map.get(KEY), path)
    name = session.get_inputs()[0].name

    def network(values: Floats) -> Floats:
        return np.asarray(session.run(None, {name: values})[0], np.float32)

    return metadata, network


def _open_openvino(path: Path, threads: int) -> _Opened:
    runtime = required("openvino")
    core = runtime.Core()
    model = core.read_model(str(path))
    text = str(model.get_rt_info([KEY]).value) if model.has_rt_info([KEY]) else None
    metadata = parse_metadata(text, path)
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(model, "CPU", options)

    def network(values: Floats) -> Floats:
        return np.array(compiled(values)[0], np.float32)

    return metadata, network


def _open_pt2(path: Path, threads: int) -> _Opened:
    torch = required("torch")
    extra = {KEY: ""}
    program = torch.export.load(str(path), extra_files=extra)
    metadata = parse_metadata(extra[KEY], path)
    if torch.cuda.is_available():
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, "cuda")
    return metadata, _saying_which_sizes(torch_network(program.module(), threads), path)


def _saying_which_sizes(network: Network, path: Path) -> Network:
    """The same network, with a message where torch's program was not written for a size: a side
    that leaves a single cell of a layer is of another form than all larger ones."""

    def guarded(values: Floats) -> Floats:
        try:
            return network(values)
        except AssertionError as error:
            height, width = values.shape[2:]
            raise DataError(
                f"{path}: does not take an image of {width}×{height} pixels, only larger ones; "
                "written with `--fixed`, or as `onnx`, it takes all"
            ) from error

    return guarded


def torch_network(module: Callable[..., Any], threads: int) -> Network:
    """A module of torch, on the GPU where there is one, as a network."""
    import torch

    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def network(values: Floats) -> Floats:
        with torch.inference_mode():
            output: Floats = module(torch.from_numpy(values).to(device)).float().cpu().numpy()
        return output

    return network


_OPEN: dict[str, Callable[[Path, int], _Opened]] = {
    ".onnx": _open_onnx,
    ".xml": _open_openvino,
    ".pt2": _open_pt2,
}
