"""What every backend of the folder promises, of boxes or of classes."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as Pillow

from facts import refused
from fairtrial import BackendError
from fairtrial.data.dataset import Dataset, Image, SplitDataset
from fairtrial.data.imagefile import pixels
from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning.config_files import of_params, plugin_settings
from fairtrial.plugins import plugin, plugins
from fairtrial.scoring import fitness
from fairtrial.settings.stages import predict_settings
from fairtrial.stages.predict import predictor
from fairtrial.training.batches import agree, answers, batches
from fairtrial.training.contract import AfterEpoch, FitResult
from fairtrial.training.settings import TrainingSettings
from tests.backends.tiny import draw, draw_classes

PARAMS = Path(__file__).parents[2] / "params.yaml"
SMALL = {"imgsz": 64, "batch": 4, "epochs": 2, "lr0": 0.001, "fitness": {"recall": 1.0}}
METRICS = {
    "detect": [f"val/{name}" for name in ("precision", "recall", "f1", "AP50", "AP", "fitness")],
    "classify": [f"val/{n}" for n in ("precision", "recall", "f1", "accuracy", "top5", "fitness")],
}
# A model of each task that has none by the defaults of params.yaml.
MODELS: dict[str, dict[str, Any]] = {
    "networks": {"model": "cnn", "imgsz": 16, "dropout": 0.5, "augment": ["crop", "flip"]}
}

pytestmark = pytest.mark.slow


def settings(backend: str, **changed: Any) -> TrainingSettings:
    model = plugin_settings("backends", backend, "")
    params = read_yaml(PARAMS) | SMALL | MODELS.get(backend, {}) | changed
    own = {name: params[name] for name in of_params(model)}
    validated: TrainingSettings = model.model_validate(own)
    return validated


def task(backend: str) -> str:
    return "detect" if hasattr(plugin("backends", backend), "detector") else "classify"


class Trained:
    """One training without an interruption, and one that was stopped after its first epoch."""

    def __init__(self, backend: str, data: SplitDataset, folder: Path) -> None:
        self.backend, self.data, self.folder = backend, data, folder
        self.module, self.task = plugin("backends", backend), task(backend)
        self.rows: list[dict[str, Any]] = []
        self.result = self.fit("whole", self.rows.append)

    def fit(self, name: str, after_epoch: AfterEpoch, **changed: Any) -> FitResult:
        (self.folder / name).mkdir(exist_ok=True)
        place, own = self.folder / name, settings(self.backend, **changed)
        result: FitResult = self.module.fit(own, self.data, None, place, 1, after_epoch)
        return result


@pytest.fixture(scope="module", params=plugins("backends"))
def trained(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp(request.param)
    make = draw if task(request.param) == "detect" else draw_classes
    data = make(folder / "data", images=12)
    before = inventory(data.folder)
    yield Trained(request.param, data, folder)
    assert inventory(data.folder) == before, "the folder of the images was written to"


def inventory(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_finished_folder_holds_three_files(trained: Trained) -> None:
    names = sorted(path.name for path in (trained.folder / "whole").iterdir())
    assert names == ["history.csv", "state.pt", "weights.pt"]
    torch.load(trained.folder / "whole/state.pt", weights_only=True)  # runs no code


def test_the_history_has_what_figures_and_search_read(trained: Trained) -> None:
    with (trained.folder / "whole/history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert {"epoch", "lr", *METRICS[trained.task]} <= set(rows[0])
    parts = {
        split: {n for n in rows[0] if n.startswith(f"{split}/") and n.endswith("_loss")}
        for split in ("train", "val")
    }
    assert parts["train"] and {n.partition("/")[2] for n in parts["train"]} == {
        n.partition("/")[2] for n in parts["val"]
    }
    assert all(0 <= float(row[name]) <= 1 for row in rows for name in METRICS[trained.task])


def test_each_epoch_is_reported_once_with_its_row(trained: Trained) -> None:
    with (trained.folder / "whole/history.csv").open() as file:
        written = list(csv.DictReader(file))
    rows = [
        {k: f"{v:.6g}" if isinstance(v, float) else str(v) for k, v in row.items()}
        for row in trained.rows
    ]
    assert rows == written


def test_the_result(trained: Trained) -> None:
    result = trained.result
    least = {"detect": 1e6, "classify": 1e5}[trained.task]
    assert result.model.parameters > least and result.model.gflops > 0 and result.model.layers > 10
    assert result.epochs_run == 2 and not result.deviations
    fitnesses = [row["val/fitness"] for row in trained.rows]
    assert fitnesses == pytest.approx([row["val/recall"] for row in trained.rows])
    assert result.best_epoch == fitnesses.index(max(fitnesses)) + 1


def test_stopped_and_gone_on_equals_never_stopped(trained: Trained) -> None:
    """What after_epoch raises is passed on, and the epoch counts."""

    def stop(row: dict[str, Any]) -> None:
        raise InterruptedError(f"after epoch {row['epoch']}")

    with refused(InterruptedError, "after epoch 1"):
        trained.fit("parts", stop)
    rows: list[dict[str, Any]] = []
    assert trained.fit("parts", rows.append) == trained.result
    assert [row["epoch"] for row in rows] == [2]
    whole, parts = trained.folder / "whole", trained.folder / "parts"
    assert (whole / "history.csv").read_text() == (parts / "history.csv").read_text()
    for name in ("weights.pt", "state.pt"):
        assert unequal(whole / name, parts / name) == []


class Killed(BaseException):
    """Like a kill: nothing in the code is ready for it."""


def kill_at_replacing(name: str, folder: Path) -> Any:
    """An os.replace that dies over the second epoch's file of this name, or just before it."""
    replace, seen = os.replace, []

    def deadly(source: Any, target: Any, **named: Any) -> None:
        seen.append(Path(target) == folder / name)
        if sum(seen) == 2 and seen[-1]:
            raise Killed
        replace(source, target, **named)

    return deadly


def kill_at_a_batch(folder: Path) -> Any:
    """A Tensor.backward that dies at the second batch of the second epoch."""
    backward, batches = torch.Tensor.backward, []

    def deadly(loss: torch.Tensor, *arguments: Any, **keywords: Any) -> None:
        batches.append((folder / "state.pt").exists())
        if sum(batches) == 2:
            raise Killed
        backward(loss, *arguments, **keywords)

    return deadly


@pytest.mark.parametrize("moment", ["batch", "state.pt", "history.csv"])
def test_killed_at_any_moment_and_gone_on_equals_never_stopped(
    moment: str, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within an epoch, while its state is saved, and between its state and its history."""
    whole, parts = trained.folder / "whole", trained.folder / f"killed-{moment}"
    with monkeypatch.context() as patched:
        if moment == "batch":
            patched.setattr(torch.Tensor, "backward", kill_at_a_batch(parts))
        else:
            patched.setattr(os, "replace", kill_at_replacing(moment, parts))
        with pytest.raises(Killed):
            trained.fit(parts.name, lambda row: None)
    assert len((parts / "history.csv").read_text().splitlines()) == 2, "a head and an epoch"
    assert trained.fit(parts.name, lambda row: None) == trained.result
    assert (whole / "history.csv").read_text() == (parts / "history.csv").read_text()
    for name in ("weights.pt", "state.pt"):
        assert unequal(whole / name, parts / name) == []


def test_begun_on_the_cpu_it_goes_on_with_amp(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the scaler of gradients is switched off, and leaves a GPU no state to go on from."""

    class Scaler(torch.amp.GradScaler):  # type: ignore[misc]
        """Switched on as on a GPU, without half precision, which losses of the CPU may lack."""

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__("cpu")

        def is_enabled(self) -> bool:
            return False

    trained.fit("amp", lambda row: None, amp=True, epochs=1)
    monkeypatch.setattr(torch.amp, "GradScaler", Scaler)
    rows: list[dict[str, Any]] = []
    trained.fit("amp", rows.append, amp=True)
    assert [row["epoch"] for row in rows] == [2]
    state = torch.load(trained.folder / "amp/state.pt", weights_only=True)
    assert state["scaler"], "the next attempt goes on with its scale"


def test_patience_counts_from_the_first_epoch_that_finds_anything(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitnesses, rows = [0.0, 0.0, 0.5, 0.4, 0.9], []
    monkeypatch.setattr(fitness, "score", lambda metrics, weights: fitnesses[len(rows)])
    for _ in range(2):  # what is over is not gone on with
        trained.fit("patience", rows.append, epochs=5, patience=1)
    assert [row["val/fitness"] for row in rows] == fitnesses[:4]


def test_another_seed_is_another_training(trained: Trained) -> None:
    trained.fit("other", lambda row: None, seed=1, epochs=1)
    assert unequal(trained.folder / "whole/weights.pt", trained.folder / "other/weights.pt")


def unequal(one: Path, other: Path) -> list[str]:
    """The tensors of two files of the same names that are not the same bits."""
    here, there = (dict(tensors(torch.load(file, weights_only=False))) for file in (one, other))
    assert here.keys() == there.keys()
    return [key for key in here if not torch.equal(here[key], there[key])]


def tensors(content: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, torch.nn.Module):
        content = content.state_dict()
    if isinstance(content, torch.Tensor):
        yield name, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from tensors(value, f"{name}/{key}")


def test_detections_lie_on_the_image_and_classes_match_by_name(trained: Trained) -> None:
    """In pixels of the file, which is not as large as the network's image."""
    if trained.task != "detect":
        pytest.skip("it finds classes of whole images")
    image = trained.data.split("val")[0]
    names = trained.data.dataset.categories
    turned = {100 - number: name for number, name in names.items()}
    section = {"conf": 0.0001, "iou": 0.7, "max_det": 20, "speed_images": 100}
    predict = predict_settings("detect", section, trained.backend, imgsz=96)
    detections = {}
    for key, categories in (("as", names), ("turned", turned), ("one", {7: names[1]})):
        weights = trained.folder / "whole/weights.pt"
        with trained.module.detector(weights, categories, predict, 1) as detect:
            detections[key], times = detect(trained.data.folder / image.file_name)
        assert all(milliseconds >= 0 for milliseconds in times.values())
    assert 0 < len(detections["as"]) <= 20
    for detection in detections["as"]:
        x, y, width, height = detection.bbox
        assert x >= -0.01 and y >= -0.01 and width >= 0 and height >= 0
        assert x + width <= image.width + 0.01 and y + height <= image.height + 0.01
        assert 0 <= detection.confidence <= 1
    assert [100 - d.category_id for d in detections["turned"]] == [
        d.category_id for d in detections["as"]
    ]
    assert {d.category_id for d in detections["one"]} <= {7}


def test_probabilities_add_up_and_classes_match_by_name(trained: Trained) -> None:
    if trained.task != "classify":
        pytest.skip("it finds boxes")
    data = trained.data
    names = data.dataset.categories
    turned = {100 - number: name for number, name in names.items()}
    pictures = [pixels(data.folder, image.file_name) for image in data.split("val")]
    predict = predict_settings("classify", {"speed_images": 100}, trained.backend, imgsz=16)
    outputs = []
    for categories in (names, turned):
        weights = trained.folder / "whole/weights.pt"
        with trained.module.classifier(weights, categories, predict, 1) as classify:
            answers = [classify(picture) for picture in pictures]
        assert all(part >= 0 for _, times in answers for part in times.values())
        outputs.append([probabilities for probabilities, _ in answers])
    assert all(
        sum(probabilities) == pytest.approx(1) and min(probabilities) >= 0
        for probabilities in outputs[0]
    )
    assert outputs[1] == [probabilities[::-1] for probabilities in outputs[0]]
    with (
        refused(BackendError, "weights.pt", *names.values(), "the data set's"),
        trained.module.classifier(weights, {1: "else"}, predict, 1),
    ):
        pass


@pytest.fixture
def of_many_shapes(trained: Trained, tmp_path: Path) -> SplitDataset:
    """Twelve parts of images of train, four of each of three shapes, in turns."""
    shapes, images = [(64, 64), (60, 37), (31, 52)], []
    originals = trained.data.split("train")
    for number in range(12):
        picture = pixels(trained.data.folder, originals[number % len(originals)].file_name)
        width, height = shapes[number % 3]
        part = Pillow.fromarray(picture).resize((width, height))
        part.save(tmp_path / f"{number}.png")
        images.append(Image(number + 1, f"{number}.png", width, height))
    dataset = Dataset(images, [], trained.data.dataset.categories)
    splits = {"train": [], "val": [image.id for image in images], "test": []}
    return SplitDataset(dataset, splits, tmp_path)


def test_images_have_the_same_answers_in_a_batch_as_alone(
    trained: Trained, of_many_shapes: SplitDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    """To a millionth: the padding of one never depends on the shapes of others."""
    section = {"conf": 1e-5, "iou": 0.7, "max_det": 300, "speed_images": 100}
    predict = predict_settings(trained.task, section, trained.backend, imgsz=96)
    images, weights = of_many_shapes.split("val"), trained.folder / "whole/weights.pt"
    with predictor(predict, weights, of_many_shapes, 1) as model:
        alone = [model.several([model.read(image)])[0][0] for image in images]
        sizes = [len(part) for part in batches(images, 3, model)]
        batched = dict(answers(model, images, 3, threads=2))
        mixed = [answer for answer, _ in model.several([model.read(i) for i in images[:3]])]
    shared = 4 if trained.task == "classify" else 3
    assert sizes.count(3) == shared, "batches are made"
    assert sum(map(len, alone)) > 20
    for number, image in enumerate(images):
        assert agree(batched[number], alone[number], max(image.width, image.height)), image
    for answer, one, image in zip(mixed, alone, images, strict=False):
        assert agree(answer, one, max(image.width, image.height)), "of different shapes"
    assert capsys.readouterr().err == "", "the batch was given up"


def test_its_own_weights_begin_a_training_with_five_classes(trained: Trained) -> None:
    """`pretrained: {from: …}`: as far as the network is the same, it is taken over."""
    categories = {**trained.data.dataset.categories, 4: "four", 5: "five"}
    dataset = replace(trained.data.dataset, categories=categories)
    data = replace(trained.data, dataset=dataset)
    folder = trained.folder / "five"
    folder.mkdir()
    own = settings(trained.backend, epochs=1, pretrained="results/e/runs/a-s0/weights.pt")
    trained.module.fit(own, data, trained.folder / "whole/weights.pt", folder, 1, lambda row: None)
    assert (folder / "weights.pt").is_file()
