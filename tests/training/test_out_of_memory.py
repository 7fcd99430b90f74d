"""Too little memory is one sentence that says what helps, in every stage that computes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from facts import missing_facts, refused
from fairtrial import BackendError
from fairtrial.__main__ import main
from fairtrial.backends import networks
from fairtrial.data.dataset import Dataset, Image, SplitDataset
from fairtrial.files.yamlfile import read_yaml
from fairtrial.stages.predict import predict_split
from fairtrial.training import out_of_memory
from fairtrial.training.batches import Batched, image_model
from tests.commands.measured import make_set


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 9.00 GiB.\nmore lines"),
        MemoryError(),
        BackendError("out of memory with a `batch` of 64; Ultralytics would continue with 32"),
    ],
    ids=["CUDA's", "the machine's", "Ultralytics'"],
)
def test_too_large_a_batch_is_told_with_what_helps(error: Exception) -> None:
    with (
        refused(BackendError, "`batch` of 64", "fairtrial fit-batch <experiment>/a-s0", "smaller"),
        out_of_memory.helped(*out_of_memory.training("a-s0", 64)),
    ):
        raise error


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error: an illegal access"), BackendError("the loss is NaN"), OSError(28)],
    ids=["CUDA error", "BackendError", "OSError"],
)
def test_another_error_is_passed_on_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, out_of_memory.helped("here", "help"):
        raise error
    assert raised.value is error


def test_predicting_too_many_at_once_names_the_setting(tmp_path: Path) -> None:
    def predict(items: Sequence[Image]) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    images = [Image(n, f"{n}.png", 8, 8) for n in (1, 2, 3)]
    model = image_model(
        Batched(lambda i: i, lambda i: (8, 8), lambda *size: size, predict), lambda image: image
    )
    splits = {"train": [], "val": [1, 2, 3], "test": []}
    data = SplitDataset(Dataset(images, [], {1: "a"}), splits, tmp_path)
    with refused(BackendError, "predicting 3 images at once", "`predict.batch`"):
        predict_split(model, data, "val", 3, tmp_path / "val.json")
    assert not (tmp_path / "val.json").exists()


def test_a_training_that_runs_out_of_memory_ends_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_set("shapes", classes=True)
    chosen = {"model": "mlp", "widths": [8], "imgsz": 8, "batch": 64}
    own = networks.Settings.model_fields
    values = {k: v for k, v in (read_yaml(Path("params.yaml")) | chosen).items() if k in own}
    call = {
        "settings": json.dumps({"backend": "networks", "settings": values}),
        "run": "a-s0",
        "dataset": "shapes",
        "code": "c0de",
        "images": "data/clean/shapes/images",
        "annotations": "data/sets/shapes/annotations.json",
        "split": "data/sets/shapes/split.json",
        "threads": "1",
        "lost-minutes": "0",
        **{name: f"out/{name}" for name in ("progress", "weights", "record", "history")},
    }
    flags = [part for name, value in call.items() for part in (f"--{name}", value)]

    def too_large(training: object, after_epoch: object) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.\nand so on")

    monkeypatch.setattr("fairtrial.stages.train.train_or_adopt", too_large)
    empty = ("--pretrained", "", "--continues", "", "--chosen-weights", "", "--start")
    assert main(["train", *flags, *empty]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "memory" in line]
    assert (
        missing_facts(line, "fairtrial train:", "`batch` of 64", "fit-batch <experiment>/a-s0")
        == []
    )
