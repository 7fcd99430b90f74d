"""Trainings with Ultralytics on a few shapes, each attempt in a process that may be killed.

    python train_tiny.py <folder with the data> <file descriptor of the answers>

reads attempts from standard input, a line of JSON each: `folder`, `settings` (beside those of
params.yaml and TINY), `kill` (null, or an epoch from 1 and a place), `recall` (metrics on val
to pretend, one an epoch, or none), `lost` (seconds of work that a kill may lose), `processes` (that
load images). Each is forked off, so that torch is imported once, and answered by a line: the exit
status, the result of `fit`, the epochs trained, and how many loading processes were started.

Places: `batch` (in mid-epoch), `torn` (half of the state's temporary file is written),
`unnamed` (all of it, before it gets its name), `history` (state written, history not),
`committed` (both), `called` (after_epoch raises), `weights` (after all epochs, weights written
but for their name). Or Ultralytics meets with trouble: `memory` (is full), `nan` (as loss), or
does as it likes: `lr0` (another one).
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import os
import sys
import traceback
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tiny import draw

from fairtrial.backends import _ultralytics_trainer as trainer
from fairtrial.backends import ultralytics
from fairtrial.files.yamlfile import read_yaml
from fairtrial.training.saving import saved_in_background

PARAMS = Path(__file__).parents[2] / "params.yaml"
TINY = {"imgsz": 32, "batch": 4, "epochs": 3, "lr0": 0.01, "mosaic": 1.0, "close_mosaic": 1}


def die() -> None:
    """As kill -9: nothing is flushed, closed or removed."""
    os._exit(9)


def kill_at(epoch: int, place: str) -> None:
    """Make the process die in `epoch`; `weights` come in the last one, or after it."""
    seen = {"epoch": 0, "batch": 0}
    begin, load = trainer.Trainer._begin_epoch, trainer.Trainer.preprocess_batch
    commit, replace = trainer.commit, Path.replace

    def begun(self: Any) -> None:
        seen.update(epoch=self.epoch + 1, batch=0)
        begin(self)

    def loaded(self: Any, batch: Any) -> Any:
        seen["batch"] += 1
        if place == "batch" and seen == {"epoch": epoch, "batch": 2}:
            die()
        return load(self, batch)

    def committed(*arguments: Any) -> None:
        commit(*arguments)
        if place == "committed" and seen["epoch"] == epoch:
            die()

    def replaced(self: Path, target: Path) -> Path:
        written = {"torn": "state.pt", "unnamed": "state.pt", "history": "history.csv"}
        if place == "weights" and target.name == "weights.pt":
            die()
        if seen["epoch"] == epoch and written.get(place) == target.name:
            if place == "torn":
                os.truncate(self, self.stat().st_size // 2)
            die()
        return replace(self, target)

    trainer.Trainer._begin_epoch, trainer.Trainer.preprocess_batch = begun, loaded
    trainer.commit, Path.replace = committed, replaced


def trouble(place: str) -> None:
    """Make Ultralytics do something else than its arguments say."""
    import torch

    build, load = trainer.Trainer.build_optimizer, trainer.Trainer.preprocess_batch

    def built(self: Any, **keywords: Any) -> Any:
        self.args.lr0 = keywords["lr"] = keywords["lr"] / 2
        return build(self, **keywords)

    def loaded(self: Any, batch: Any) -> Any:
        if place == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return load(self, batch) | {"img": torch.full((4, 3, 32, 32), math.nan)}

    if place == "lr0":
        trainer.Trainer.build_optimizer = built
    else:
        trainer.Trainer.preprocess_batch = loaded


def pretend(recall: list[float]) -> None:
    """Metrics on val of our choice, so that the best epoch is one."""
    validate = trainer.DetectionTrainer.validate

    def validated(self: Any) -> Any:
        metrics, fitness = validate(self)
        return metrics | {"metrics/recall(B)": recall[self.epoch]}, fitness

    trainer.DetectionTrainer.validate = validated


def load_by(processes: int) -> list[str]:
    """Have train loaded by processes on the CPU, too, where Ultralytics starts none. Returns the
    list to which the name of each process is added when it is started."""
    begin, start = trainer.Trainer.__init__, BaseProcess.start
    names: list[str] = []

    def begun(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        self.args.workers = processes

    def started(self: BaseProcess) -> None:
        names.append(self.name)
        start(self)

    trainer.Trainer.__init__, BaseProcess.start = begun, started
    return names


def attempt(request: dict[str, Any], data: Path) -> dict[str, Any]:
    if request["kill"]:
        kill_at(*request["kill"])
    if request["kill"] and request["kill"][1] in {"memory", "lr0", "nan"}:
        trouble(request["kill"][1])
    if request["recall"]:
        pretend(request["recall"])
    started = load_by(request["processes"])
    params = read_yaml(PARAMS) | TINY | request["settings"]
    own = {name: params[name] for name in ultralytics.Settings.model_fields}
    settings = ultralytics.Settings.model_validate(own)
    trained: list[int] = []

    def after_epoch(row: dict[str, Any]) -> None:
        trained.append(row["epoch"])
        if request["kill"] == [row["epoch"], "called"]:
            raise InterruptedError("pruned")

    folder = Path(request["folder"])
    folder.mkdir(exist_ok=True)
    with saved_in_background(folder, request["lost"], lambda: None):
        result = ultralytics.fit(settings, draw(data), None, folder, 1, after_epoch)
    answer = {"model": result.model.model_dump(), "trained": trained, "started": len(started)}
    return dataclasses.asdict(result) | answer


def main() -> None:
    for name in ("matplotlib.pyplot", "polars", "torch._inductor"):
        importlib.import_module(name)  # else every attempt would, for seconds

    data = Path(sys.argv[1])
    answers = os.fdopen(int(sys.argv[2]), "w")
    draw(data)
    for line in sys.stdin:
        request = json.loads(line)
        result_file = Path(f"{request['folder']}.json")
        result_file.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            with Path(f"{request['folder']}.log").open("a") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                try:
                    result_file.write_text(json.dumps(attempt(request, data)))
                except Exception:
                    traceback.print_exc()
                    os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        result = json.loads(result_file.read_text()) if result_file.exists() else {}
        print(json.dumps({"status": status, **result}), file=answers, flush=True)


if __name__ == "__main__":
    main()
