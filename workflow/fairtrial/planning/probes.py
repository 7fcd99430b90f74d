"""What an experiment shows beside its scores: weights once more, on train and at other image sizes;
the first batch of a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairtrial import SettingsError
from fairtrial.files.yamlfile import closed
from fairtrial.planning.config_files import PARAMS, plugin_settings
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.plugins import plugin
from fairtrial.settings.probes import TRAIN, ProbeName


def probes_of(runs: Iterable[PlannedRun], params: Mapping[str, Any]) -> list[ProbeName]:
    """The probes of the runs that are trained here. A run is not predicted again at its own size,
    unless that depends on what is chosen for it."""
    predict = params["predict"]
    found = []
    for run in (run for run in runs if not run.is_elsewhere):
        if TRAIN in predict["splits"]:
            found.append(ProbeName(run.name, TRAIN))
        own = None if run.origin.all else run.settings["imgsz"]
        sizes = sorted(predict["sizes"]) if run.task == "detect" else []
        found += [ProbeName(run.name, str(size)) for size in sizes if size != own]
    return found


def batches_of(runs: Iterable[PlannedRun], params: Mapping[str, Any]) -> list[str]:
    """The runs whose first batch is shown: the first of each configuration that trains."""
    if not params["plot"]["first_batch"]:
        return []
    first: dict[str, str] = {}
    for run in runs:
        trains = not run.is_elsewhere and run.settings["epochs"] != 0
        if trains and hasattr(plugin("backends", run.backend), "first_batch"):
            first.setdefault(run.run_name.configuration, run.name)
    return [*first.values()]


def refuse_size(run: PlannedRun, size: int) -> None:
    """Raise SettingsError where the backend of a run cannot predict at a size."""
    place = f"{PARAMS}: `predict.sizes`"
    settings = {name: value for name, value in run.settings.items() if name != "imgsz"}
    model = plugin_settings("backends", run.backend, place)
    closed(model, settings | {"imgsz": size}, lambda key: f"{place} for {run.name}")


def refuse_gallery_without_train(params: Mapping[str, Any]) -> None:
    """Raise SettingsError where images of train are to be shown, and nothing is predicted there."""
    if TRAIN in params["plot"]["gallery_splits"] and TRAIN not in params["predict"]["splits"]:
        raise SettingsError(
            f"{PARAMS}: `plot.gallery_splits` names train, and `predict.splits` does not; add it "
            "there: [train, val, test]"
        )
