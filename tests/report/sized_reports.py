"""Experiments of every size and kind, made up within seconds: what their reports are looked at by.

A case builds its results below a folder, and returns them with the settings of its report.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from fairtrial.data.dataset import Annotation, read, write
from fairtrial.files.modelfile import write_model
from fairtrial.settings.factors import factors_of
from fairtrial.settings.stages import ValidateClassifySettings
from fairtrial.stages.validate import validate
from tests.figures.test_search import study
from tests.report.fake_results import Fake, certificate_of, load

Built = tuple[Fake, dict[str, Any]]
LONG = "a configuration whose name has eighty characters, to see where it is broken or cut"
TABLES = ("per_class", "curves", "confusion", "operating_points", "calibration")
TABLES += ("error_kinds", "by_size", "by_group", "class_curves")


def demo(root: Path) -> Built:
    """Two image sizes, three seeds."""
    fake = Fake(root, {"size96": {"imgsz": 96}, "size160": {"imgsz": 160}})
    title = "Do larger images find more?"
    question = "The same network sees the images at 96 or at 160 pixels."
    return fake.build(), {"title": title, "question": question}


def twenty(root: Path) -> Built:
    """20 runs: five configurations, four seeds."""
    momenta = {f"momentum={m / 10}": {"momentum": m / 10} for m in range(5, 10)}
    return Fake(root, momenta, seeds=(0, 1, 2, 3)).build(), {"sweeps": ("momentum",)}


def one_class(root: Path) -> Built:
    """Seven configurations of one class."""
    momenta = {f"momentum={m / 10}": {"momentum": m / 10} for m in range(3, 10)}
    return Fake(root, momenta, classes=("lesion",)).build(), {"sweeps": ("momentum",)}


def grid(root: Path) -> Built:
    """Three factors: 12 configurations, three seeds."""
    axes = {"model": ("yolov8n", "yolov8s"), "lr0": (0.001, 0.01), "imgsz": (320, 480, 640)}
    rows = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    named = {"+".join(f"{k}={v}" for k, v in row.items()): row for row in rows}
    factors = factors_of({name: list(levels) for name, levels in axes.items()})
    return Fake(root, named).build(), {"factors": factors}


def sweep(root: Path) -> Built:
    """33 configurations of one parameter, three seeds."""
    momenta = {f"momentum={m / 100}": {"momentum": m / 100} for m in range(60, 93)}
    return Fake(root, momenta, epochs=3, classes=("lesion", "other")).build(), {
        "sweeps": ("momentum",)
    }


def hundred(root: Path) -> Built:
    """100 configurations with names of 80 characters, trained once."""
    named = {f"{LONG[:76]} {n:03}": {"lr0": n / 1000, "batch": n % 5} for n in range(100)}
    return Fake(root, named, seeds=(0,), epochs=2, size=96).build(), {}


def classes80(root: Path) -> Built:
    """80 classes with long names, two configurations, two seeds."""
    names = tuple(f"class number {n} with a rather long name" for n in range(80))
    images = {"train": 16, "val": 60, "test": 120}
    runs = {"base": {}, "slow": {"lr0": 0.0001}}
    sizes = {"objects": 12, "size": 160, "units": images["test"]}
    return Fake(root, runs, seeds=(0, 1), classes=names, images=images, **sizes).build(), {}


def seeds30(root: Path) -> Built:
    """Two configurations, thirty seeds."""
    runs = {"sgd": {"optimizer": "SGD"}, "adam": {"optimizer": "AdamW"}}
    return Fake(root, runs, seeds=tuple(range(30)), epochs=3).build(), {}


def scripts(root: Path) -> Built:
    """Class and configuration names in many scripts."""
    names = ("细胞", "さいぼう", "세포", "клетка", "κύτταρο", "خلية", "תא", "cellule")
    runs = {"größe": {"imgsz": 96}, "размер": {"imgsz": 160}, "大小": {"imgsz": 320}}
    return Fake(root, runs, classes=names, epochs=3).build(), {"title": "哪个更好?"}


def searched(root: Path) -> Built:
    """A search, and the run of its best trial."""
    fake = Fake(root, {"best": {"cos_lr": False, "lr0": 0.0001}}, seeds=(0, 1, 2)).build()
    folder = study(fake.results, "tpe-s0").folder
    (folder / "best.yaml").write_text("cos_lr: false\nlr0: 0.0001\n")
    return fake, {"studies": ("tpe-s0",)}


def folds(root: Path) -> Built:
    """Two configurations on five folds."""
    sets, runs = {}, {}
    for fold, momentum in product(range(1, 6), (0.6, 0.9)):
        name = f"momentum={momentum}.fold{fold}"
        sets[name], runs[name] = fold, {"momentum": momentum}
    images = {"train": 36, "val": 12, "test": 12}
    fake = Fake(root, runs, seeds=(0,), sets=sets, folds=5, epochs=3, images=images).build()
    for fold in range(1, 6):
        path = fake.data / f"sets/shapes.fold{fold}/split.json"
        kfold = {"method": "kfold", "asked": {"folds": 5, "fold": fold}}
        path.write_text(json.dumps(load(path) | kfold))
    return fake, {}


def classification(root: Path) -> Built:
    """Ten classes of whole images, three networks, three seeds; really scored."""
    names = ("airplane", "automobile", "bird", "cat", "deer")  # of CIFAR-10
    names += ("dog", "frog", "horse", "ship", "truck")
    images = {"train": 20, "val": 60, "test": 96}
    shared = {"model": "cnn", "task": "classify", "epochs": 5, "lr0": 0.001}
    runs = {name: {"model": name} for name in ("cnn", "resnet18", "yolov8n-cls")}
    record = {name: {"backend": "networks"} for name in runs}
    fake = Fake(
        root, runs, classes=names, images=images, size=64, shared=shared, record=record, epochs=5
    )
    fake.build()
    path = fake.data / "sets/shapes/annotations.json"
    data = read(path)
    data.annotations = [Annotation(i.id, 1 + i.id * 7 % 10, None) for i in data.images]
    write(data, path)
    write_model(path.with_name("split.json"), certificate_of(data, "drawn", motley=False))
    for number, run in enumerate(fake.runs):
        _classified(fake, run, number)
    return fake, {"rank_by": "accuracy"}


def _classified(fake: Fake, run: str, number: int) -> None:
    """Predictions of whole images, better the later the run, and their scores."""
    folder, rng = fake.results / "runs" / run, np.random.default_rng(number)
    sets = fake.data / "sets/shapes"
    data, split = read(sets / "annotations.json"), load(sets / "split.json")
    truth = {a.image_id: a.category_id - 1 for a in data.annotations}
    history = fake.results / "history" / f"{run}.csv"
    columns = "epoch,train/cross_entropy_loss,val/cross_entropy_loss,train/accuracy,val/accuracy\n"
    lines = (f"{e},{2 / e},{2 / e + 0.2},{1 - 0.8 / e},{0.9 - 0.8 / e}\n" for e in range(1, 6))
    history.write_text(columns + "".join(lines))
    for name in ("val", "test"):
        rows = []
        for image_id in split[name]:
            logits = rng.normal(0, 1, len(data.categories))
            logits[truth[image_id]] += 1.5 + number / 6
            shares = np.exp(logits) / np.exp(logits).sum()
            rows.append({"image_id": image_id, "scores": [round(float(s), 5) for s in shares]})
        (folder / f"predictions/{name}.json").write_text(json.dumps(rows))
    with contextlib.redirect_stdout(io.StringIO()):
        validate(
            settings=ValidateClassifySettings(),
            annotations=sets / "annotations.json",
            split=sets / "split.json",
            val=folder / "predictions/val.json",
            test=folder / "predictions/test.json",
            metrics=folder / "metrics.json",
            resamples=folder / "resamples.npz",
            **{name: folder / f"{name}.csv" for name in TABLES},
        )


CASES: dict[str, Callable[[Path], Built]] = {
    case.__name__: case
    for case in (
        demo, twenty, grid, sweep, hundred, classes80, one_class, seeds30, scripts, searched, folds,
        classification,
    )
}  # fmt: skip
