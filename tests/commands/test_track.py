"""Experiments in TensorBoard, read back by its own reader; and what is refused."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util import tensor_util
from tests.commands.trackable import HISTORY, Trackable, trackable

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.commands import track
from fairtrial.figures.page_pictures import page_pictures
from fairtrial.files.modelfile import write_model
from fairtrial.results.experiment import load_experiment
from fairtrial.trackers import _tensorboard_graph
from fairtrial.trackers._contract import Sent
from fairtrial.trackers.tensorboard import NAME

__all__ = ["trackable"]

FOLDER = Path("store/tensorboard/compare")
TRACK = ["track", "compare", "--to", "tensorboard"]


def read(run: str) -> EventAccumulator:
    """A run as TensorBoard itself reads it."""
    accumulator = EventAccumulator(str(FOLDER / run), size_guidance={"images": 0})
    accumulator.Reload()
    return accumulator


def scalars(run: str) -> dict[str, list[tuple[int, float]]]:
    """The scalars of a run by tag, (epoch, value) each."""
    found = read(run)
    return {t: [(e.step, e.value) for e in found.Scalars(t)] for t in found.Tags()["scalars"]}


def test_a_running_training_is_followed(
    trackable: Trackable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(TRACK) == 1
    assert missing_facts(capsys.readouterr().err, "results/compare") == []
    with trackable.training():
        trackable.epochs(1)
        assert main(TRACK) == 0
        assert scalars("two-s0") == {"train/box_loss": [(1, 2.5)]}
        watched = read("two-s0")
        trackable.epochs(2)
        assert main(TRACK) == 0
        watched.Reload()
        assert [e.step for e in watched.Scalars("train/box_loss")] == [1, 2], "it was added to"
    assert scalars("two-s0") == {"train/box_loss": [(1, 2.5), (2, 1.5)], "val/AP": [(2, 0.25)]}


@pytest.mark.slow
def test_finished_runs_have_settings_finals_and_curves(trackable: Trackable) -> None:
    fake = trackable.finish()
    assert main(TRACK) == 0
    run = load_experiment(fake.results, fake.data, fake.runs).runs[0]
    found = scalars("one-s0")
    assert found["train/box_loss"] == [(1, 2.5), (2, 1.5)]
    assert found["final/test/AP"] == [(2, pytest.approx(run.score("test", "AP")))]
    accumulator = read("one-s0")
    plugins = accumulator.summary_metadata
    assert plugins["settings/text_summary"].plugin_data.plugin_name == "text"
    hparams = HParamsPluginData.FromString(
        plugins["_hparams_/session_start_info"].plugin_data.content
    ).session_start_info.hparams
    assert hparams["optimizer"].string_value == "AdamW"
    assert plugins["test/circle"].plugin_data.plugin_name == "pr_curves"
    curve = run.breakdowns.class_curves["test", "circle"]
    (event,) = accumulator.Tensors("test/circle")
    recall = tensor_util.make_ndarray(event.tensor_proto)[5]
    assert recall.tolist() == pytest.approx(curve["recall"], abs=1e-6)


@pytest.mark.slow
def test_the_report_has_intervals_and_the_answer(trackable: Trackable) -> None:
    trackable.finish()
    assert main(TRACK) == 0
    found = scalars("report")
    assert {"one/test/AP", "one/test/AP_low", "one/test/AP_high"} <= set(found)
    assert "answer/text_summary" in read("report").summary_metadata


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "not shared"])
def test_pictures_of_images_that_may_be_shown(trackable: Trackable, shared: bool) -> None:
    fake = trackable.finish()
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    write_model(fake.results / "pictures.json", page_pictures(experiment, 20.0))
    if not shared:
        for path in Path("config/sources").glob("*.yaml"):
            path.write_text(path.read_text() + "\nshare: false\n")
    assert main(TRACK) == 0
    images = read("one-s0").Tags()["images"]
    assert len(images) == (8 if shared else 0)
    for tag in images:
        (image,) = read("one-s0").Images(tag)
        assert image.encoded_image_string.startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_graph_is_that_of_the_network(
    trackable: Trackable, monkeypatch: pytest.MonkeyPatch
) -> None:
    trackable.finish()
    (trackable.fake.results / "runs/one-s0/weights.pt").touch()
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    backend = SimpleNamespace(exportable=lambda weights, settings: SimpleNamespace(module=network))
    monkeypatch.setattr(_tensorboard_graph, "plugin", lambda kind, name: backend)
    assert main(TRACK) == 0
    operations = {node.op for node in read("one-s0").Graph().node}
    assert {"aten::_convolution", "aten::relu"} <= operations
    assert not read("two-s0").Tags()["graph"], "it has no weights"


@pytest.mark.slow
def test_a_second_call_changes_nothing_and_a_killed_one_is_gone_on_with(
    trackable: Trackable, capsys: pytest.CaptureFixture[str]
) -> None:
    trackable.finish()
    assert main(TRACK) == 0
    files = {path: path.read_bytes() for path in FOLDER.rglob(NAME)}
    capsys.readouterr()
    assert main(TRACK) == 0
    assert not missing_facts(capsys.readouterr().out, "sent 0 epochs", "0 files")
    file = FOLDER / "one-s0" / NAME
    file.write_bytes(files[file][:-7])  # torn within an event
    assert main(TRACK) == 0
    assert {path: path.read_bytes() for path in FOLDER.rglob(NAME)} == files


@pytest.mark.slow
def test_another_training_of_that_name_replaces_the_file(trackable: Trackable) -> None:
    trackable.finish()
    assert main(TRACK) == 0
    trackable.history("one-s0", HISTORY.replace("2.5", "7.5"))
    assert main(TRACK) == 0
    assert scalars("one-s0")["train/box_loss"] == [(1, 7.5), (2, 1.5)]


@pytest.mark.slow
def test_values_that_are_not_finite_are_left_out(trackable: Trackable) -> None:
    trackable.finish()
    trackable.history("one-s0", "epoch,train/box_loss,val/AP\n1,nan,0.5\n2,inf,0.25\n")
    assert main(TRACK) == 0
    found = scalars("one-s0")
    assert found["val/AP"] == [(1, 0.5), (2, 0.25)]
    assert "train/box_loss" not in found


@pytest.mark.slow
def test_it_looks_again_as_long_as_snakemake_works(
    trackable: Trackable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once more after its end, when the report is there."""
    works = SimpleNamespace(is_dead=False)
    drivers = iter([[works], [works], [SimpleNamespace(is_dead=True)]])
    monkeypatch.setattr(track, "recorded", lambda: next(drivers))
    monkeypatch.setattr(track, "EVERY", 0.0)
    seen: list[int] = []
    tracker = SimpleNamespace(PACKAGE="json", send=lambda e, at: seen.append(len(e.runs)) or Sent())
    monkeypatch.setattr(track, "plugin", lambda kind, name: tracker)
    monkeypatch.setattr(time, "sleep", lambda seconds: len(seen) == 2 and trackable.finish())
    assert main([*TRACK, "--live"]) == 0
    assert seen == [0, 0, 2]


@pytest.mark.parametrize("tracker", ["mlflow", "tensorboard", "wandb"])
def test_a_missing_package_is_refused_with_a_remedy(
    tracker: str,
    trackable: Trackable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["track", "compare", "--to", tracker]) == 1
    message = capsys.readouterr().err
    assert missing_facts(message, f"`{tracker}`", f"make venv EXTRAS={tracker}") == []


def test_an_unknown_tracker_is_refused(
    trackable: Trackable, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "compare", "--to", "neptune"]) == 1
    message: Any = capsys.readouterr().err
    assert missing_facts(message, "neptune", "mlflow, tensorboard, wandb") == []
