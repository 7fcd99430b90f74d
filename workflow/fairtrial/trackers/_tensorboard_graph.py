"""The network of a run as TensorBoard's graph."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairtrial.planning.config_files import read_params
from fairtrial.plugins import plugin, plugins
from fairtrial.settings.stages import predict_settings
from fairtrial.trackers._contract import TrackedRun

SIDE = 64  # pixels of the input with which it is traced; the graph does not depend on it


def graph_of(experiment: str, run: TrackedRun) -> Any:
    """A GraphDef; None where the backend exports no networks, or torch cannot trace this one."""
    name = str(run.settings["backend"])
    if name not in plugins("backends"):  # it was trained elsewhere
        return None
    backend = plugin("backends", name)
    weights = Path("results", experiment, "runs", run.name, "weights.pt")
    if not hasattr(backend, "exportable") or not weights.exists():
        return None
    import torch
    from torch.utils.tensorboard._pytorch_graph import graph

    task = "classify" if "test/accuracy" in run.final or "val/accuracy" in run.final else "detect"
    size = int(str(run.settings.get("imgsz", SIDE)))
    side = SIDE if task == "detect" else size  # dense layers take one size
    try:
        settings = predict_settings(task, read_params()["predict"], name, size)
        with _quiet(), torch.no_grad():
            module = backend.exportable(weights, settings).module
            definition, _ = graph(module, torch.zeros(1, 3, side, side), use_strict_trace=False)
    except (RuntimeError, ValueError, TypeError, torch.jit.TracingCheckError) as error:
        print(f"{run.name}: no graph: {str(error).splitlines()[0]}", flush=True)
        return None
    return definition.SerializeToString(deterministic=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Within it neither Ultralytics nor torch says how it goes about its work."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
