"""Wrong input through the real entry points: one plain message that names what would be right.

Settings are refused by `snakemake -n`, before any job; data by the stage that meets it. Never
a traceback, and never half an output. `pytest -s -k …` prints the messages to read them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as images

from fairtrial.__main__ import main
from fairtrial.backends.ultralytics import Settings
from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.files import checksums
from fairtrial.files.yamlfile import read_yaml
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.split_rule import SplitRule
from project import CHECKOUT, Project
from tests.certificates import write_certificate

# --------------------------------------------------------------------------- settings

PARAMS, FILE = "params.yaml", "config/experiments/compare.yaml"
SET, SOURCE = "config/datasets/shapes.yaml", "config/sources/shapes.yaml"
Edit = tuple[str, str, str] | tuple[str, str]  # file, old text and new text; or the whole text


def run(keys: str) -> Edit:
    """The experiment's run `small`, with other overrides."""
    return FILE, "small: {imgsz: 96}", "small: " + keys


REFUSED: dict[str, tuple[Edit, list[str]]] = {
    "misspelt key of training": (
        (PARAMS, "momentum: 0.9 ", "momentun: 0.9 "),
        [PARAMS, "`momentun`", "no such key", "did you mean `momentum`"],
    ),
    "misspelt key of a section": (
        (PARAMS, "conf: 0.001", "confidence: 0.001"),
        [PARAMS, "predict", "`confidence`", "no such key", "did you mean `conf`"],
    ),
    "missing key of a section": (
        (PARAMS, "  gallery: 4", "  #"),
        [PARAMS, "plot"],
    ),
    "misspelt key of an experiment": (
        (FILE, "seeds:", "seed:"),
        [FILE, "`seed`", "no such key", "did you mean `seeds`"],
    ),
    "misspelt key of a run": (
        run("{imgz: 96}"),
        [FILE, "runs.small", "`imgz`", "no such key", "did you mean `imgsz`"],
    ),
    "misspelt key of base": (
        (FILE, "seeds:", "base: {epoch: 3}\nseeds:"),
        [FILE, "base", "`epoch`", "no such key", "did you mean `epochs`"],
    ),
    "misspelt key of a data set": (
        (SET, "method:", "methode:"),
        [SET, "`split.methode`", "no such key", "did you mean `method`"],
    ),
    "misspelt key of a source": (
        (SOURCE, "clutter:", "cluter:"),
        [SOURCE, "`cluter`", "no such key", "did you mean `clutter`"],
    ),
    "misspelt option of a format": (
        (SOURCE, "  group: group", "  grp: group"),
        [SOURCE, "options", "`grp`", "no such key", "did you mean `group`"],
    ),
    "misspelt kind of defect": (
        (SOURCE, "format: coco", "format: coco\ndefects: {box_over_ege: drop_box}"),
        [SOURCE, "`defects`", "`box_over_ege`", "mean `box_over_edge`"],
    ),
    "impossible action for a defect": (
        (SOURCE, "format: coco", "format: coco\ndefects: {box_over_edge: drop-box}"),
        [SOURCE, "`defects`", "box_over_edge", "cannot `drop-box`", "did you mean `drop_box`"],
    ),
    "an action that the kind does not have": (
        (SOURCE, "format: coco", "format: coco\ndefects: {box_outside: keep}"),
        ["box_outside", "cannot `keep`", "drop_box, drop_image, refuse"],
    ),
    "text for a number": (
        (PARAMS, "epochs: ", "epochs: many #"),
        [PARAMS, '`epochs` is "many"', "a whole number"],
    ),
    "truth for a number": (
        run("{lr0: true}"),
        [FILE, "runs.small", "`lr0` is true", "a number"],
    ),
    "a list for a number": (
        run("{lr0: [0.1, 0.2]}"),
        [FILE, "runs.small", "`lr0` is [0.1, 0.2]", "a number"],
    ),
    "a number for a list": (
        (FILE, "seeds: [0, 1]", "seeds: 2"),
        [FILE, "`seeds` is 2", "a list"],
    ),
    "a list for a section": (
        (FILE, "runs:", "base: [epochs]\nruns:"),
        [FILE, "`base`", "`key: value`"],
    ),
    "learning rate below 0": (
        run("{lr0: -1}"),
        [FILE, "runs.small", "`lr0` is -1", "greater than 0"],
    ),
    "epochs below 0": (
        (PARAMS, "epochs: ", "epochs: -1 #"),
        [PARAMS, "`epochs` is -1", "greater than or equal to 0"],
    ),
    "no epoch and no pretrained checkpoint": (
        run("{epochs: 0}"),
        [FILE, "runs.small", "`epochs` is 0", "without `pretrained`", "learned nothing"],
    ),
    "image size that strides do not divide": (
        run("{imgsz: 100}"),
        [FILE, "runs.small", "`imgsz` is 100", "a multiple of 32"],
    ),
    "confidence above 1": (
        (PARAMS, "conf: 0.001", "conf: 2"),
        [PARAMS, "predict", "`conf` is 2", "less than 1"],
    ),
    "a number that is none": (
        run("{lr0: .nan}"),
        [FILE, "runs.small", "`lr0` is NaN", "a finite number"],
    ),
    "unknown experiment": (
        (PARAMS, "experiment: compare", "experiment: quickstar"),
        [PARAMS, "`experiment`", "no such experiment", "did you mean `quickstart`"],
    ),
    "no experiment": (
        (PARAMS, "experiment: compare", "experiment:"),
        [PARAMS, "`experiment`", "missing", "quickstart"],
    ),
    "unknown data set": (
        run("{dataset: shape}"),
        [FILE, "`runs.small`", "`dataset`", "config/datasets", "`shape`", "did you mean `shapes`"],
    ),
    "unknown source of a data set": (
        (SET, "source: shapes", "source: shapez"),
        [SET, "`source`", "config/sources", "`shapez`", "did you mean `shapes`"],
    ),
    "unknown kind of source": (
        (SOURCE, "kind: shapes", "kind: shape"),
        [SOURCE, "`kind`", "no such source", "`shape`", "did you mean `shapes`"],
    ),
    "unknown format": (
        (SOURCE, "format: coco", "format: class-csv"),
        [SOURCE, "`format`", "no such format", "`class-csv`", "did you mean `class_csv`"],
    ),
    "a data set of a source without format": (
        (SOURCE, "format: coco", "#"),
        [SOURCE],
    ),
    "unknown backend": (
        run("{backend: ultralytic}"),
        [
            *(FILE, "`runs.small`", "`backend`", "no such backend"),
            *("`ultralytic`", "did you mean `ultralytics`"),
        ],
    ),
    "unknown model": (
        run("{model: yolo8n}"),
        [FILE, "runs.small", '`model` is "yolo8n"', "yolov8n"],
    ),
    "a model of another task": (
        run("{model: yolov8n-seg}"),
        ['`model` is "yolov8n-seg"', "yolov8n"],
    ),
    "optimizer auto": (
        run("{optimizer: auto}"),
        ["runs.small", '`optimizer` is "auto"', "lr0 and momentum", "AdamW"],
    ),
    "a seed beyond NumPy's": (
        (FILE, "seeds: [0, 1]", "seeds: [4294967296]"),
        [FILE, "`seeds.0` is 4294967296", "less than or equal to 4294967295"],
    ),
    "a rate beyond Ultralytics'": (
        (FILE, "seeds:", "base: {lr0: 1.5}\nseeds:"),
        [f"{FILE}: base", "`lr0` is 1.5", "less than or equal to 1", "above 0"],
    ),
    "more epochs than any number": (
        (FILE, "seeds:", "base: {epochs: 99999999999999999999999}\nseeds:"),
        [
            f"{FILE}: base",
            "`epochs` is 99999999999999999999999",
            "less than or equal to 2147483647",
        ],
    ),
    "a whole number as a fraction": (
        (FILE, "seeds:", "base: {epochs: 3.5}\nseeds:"),
        [f"{FILE}: base", "`epochs` is 3.5", "whole number"],
    ),
    "a mosaic that is closed from the start": (
        (FILE, "seeds:", "base: {epochs: 3, mosaic: 1.0}\nseeds:"),
        [f"{FILE}: base", "`mosaic` is 1.0 and cannot act", "`close_mosaic`"],
    ),
    "seeds named twice": (
        (FILE, "seeds: [0, 1]", "seeds: [0, 1, 1]"),
        [FILE, "`seeds` is [0, 1, 1]", "twice, as it does 1"],
    ),
    "seeds and seed": (
        run("{seed: 4}"),
        [FILE, "`runs.small`", "`seed`", "`seeds`", "keep one"],
    ),
    "two runs of one name": (
        (FILE, "seeds:", "sweep: {lr0: [0.1, 0.1000000000000001]}\nseeds:"),
        [FILE, "`sweep.lr0`", "lr0=0.1-s0", "rename"],
    ),
    "a run named twice": (
        (FILE, "  large:", "  small:"),
        [f"{FILE}:4", "not valid YAML", 'duplicate key "small"', "keep one"],
    ),
    "a name that is no file's name": (
        (FILE, "  large:", "  la/rge:"),
        [FILE, '`runs.la/rge` is "la/rge"', "only letters, digits"],
    ),
    "a sweep of nothing": (
        (FILE, "seeds:", "sweep: {lr0: []}\nseeds:"),
        [FILE, "`sweep.lr0` is []", "at least one"],
    ),
    "a checkpoint that is no file of a source": (
        run("{pretrained: yolov8n.pt}"),
        ["runs.small", '`pretrained` is "yolov8n.pt"', "<source>/<file>"],
    ),
    "a checkpoint of an unknown source": (
        run("{pretrained: wights/yolov8n.pt}"),
        [
            *("run small-s0", "`pretrained`"),
            *("config/sources", "`wights`", "did you mean `weights`"),
        ],
    ),
    "a checkpoint that the source has not": (
        run("{pretrained: weights/yolov8m.pt}"),
        ["run small-s0", "`pretrained`", "no `yolov8m.pt`", "did you mean `yolov8n.pt`"],
    ),
    "a section in a run": (
        run("{predict: {conf: 0.5}}"),
        [FILE, "`runs.small`", "`predict`", "all runs", PARAMS],
    ),
    "shares that leave nothing to train on": (
        (SET, "  val: ", "  val: 0.9 #"),
        [SET, "`split`", "`val`", "`test`", "nothing to train on"],
    ),
    "broken YAML": (
        (FILE, "title: a\nruns: {a: [\n"),
        [FILE, "not valid YAML"],
    ),
    "empty YAML": ((FILE, ""), [FILE, "`key: value`", "empty"]),
    "empty params": ((PARAMS, ""), [PARAMS, "`key: value`", "empty"]),
    "a text for a file of keys": ((SET, "shapes"), [SET, "`key: value`"]),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.new(tmp_path_factory.mktemp("bad") / "template")


@pytest.fixture
def project(template: Project, tmp_path: Path) -> Project:
    return template.copy(tmp_path / "project")


def error_of_plan(project: Project, *arguments: str, **env: str) -> str:
    """The output of `snakemake -n`, which fails with one error and no traceback."""
    with pytest.raises(AssertionError) as error:
        project.snakemake("-n", *arguments, **env)
    text = str(error.value).partition("\n")[2]
    print(text)
    assert "Traceback" not in text
    assert text.count("Error") == 1, "more than one message"
    return text


def lacking(text: str, *facts: str) -> list[str]:
    """The facts that a message does not name."""
    return [fact for fact in facts if fact not in text]


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_settings_are_refused_before_any_job(name: str, project: Project) -> None:
    edit, facts = REFUSED[name]
    (project.write if len(edit) == 2 else project.edit)(*edit)
    assert lacking(error_of_plan(project), *facts) == []
    assert not (project.root / "data").exists()


@pytest.mark.slow
def test_an_experiment_of_the_command_line_is_checked_too(project: Project) -> None:
    text = error_of_plan(project, "--config", "experiment=compar")
    facts = ("`experiment`", "config/experiments", "`compar`", "did you mean `compare`")
    assert lacking(text, *facts) == []


OPTIONS = {
    "until train": (("--until", "train"), ("--until train", "snakemake trained")),
    "until plot": (("--until", "plot"), ("--until plot", "scored")),
    "omit": (("--omit-from", "validate"), ("--omit-from validate", "snakemake scored")),
    "a setting": (("--config", "lr0=1e-4"), ("lr0", "params.yaml", "dvc exp run -S lr0=")),
    "misspelt": (("--config", "experimant=seeds"), ("did you mean `experiment`",)),
    "a file": (("--configfile", "params.yaml"), ("--configfile", "params.yaml", "config/")),
    "not a number": (("--config", "experiment=.nan"), ("config/experiments", "nan")),
    "a list": (("--config", "experiment=[a]"), ("config/experiments", "['a']")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_options_without_effect_are_refused(name: str, project: Project) -> None:
    arguments, facts = OPTIONS[name]
    assert lacking(error_of_plan(project, *arguments), *facts) == []


@pytest.mark.slow
def test_a_changed_default_that_no_run_uses_is_refused(project: Project) -> None:
    """`dvc exp run -S imgsz=64` where every run sets imgsz itself."""
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        project.run("git", *command)
    project.edit(PARAMS, "imgsz: 160", "imgsz: 64")
    text = error_of_plan(project, DVC_EXP_BASELINE_REV="HEAD")
    assert lacking(text, PARAMS, "`imgsz`", "64", "no run", FILE, "each of its runs") == []


# --------------------------------------------------------------------------- data


class Bench:
    """Inputs of every stage below `in`, whole and fitting, and its outputs below `out`."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, root / "out"
        self.raw, self.clean = root / "in/raw", root / "in/clean/cells"
        for name in ("a", "b", "c"):
            path = self.raw / "images" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            images.new("RGB", (32, 32), (len(name), 7, ord(name))).save(path)
        self.put("in/raw/annotations.json", self.coco())
        self.seal()
        self.set()
        self.put("in/clean/cells/duplicates.json", {"exact": [], "near": [], "doubtful": []})
        write_certificate(root / "in/split.json", [1], [2], [3])
        for split, image in (("val", 2), ("test", 3)):
            row = {"image_id": image, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.5}
            self.put(f"in/{split}.json", [row])
        (root / "in/weights.pt").write_bytes(b"no checkpoint")

    def put(self, name: str, content: Any) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def coco(self, **changed: Any) -> dict[str, Any]:
        rows = [{"id": n, "file_name": f"{x}.png"} for n, x in enumerate("abc", 1)]
        objects = [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 9, 9]} for n in (1, 2, 3)
        ]
        classes = [{"id": 1, "name": "cell"}]
        return {"images": rows, "annotations": objects, "categories": classes} | changed

    def seal(self) -> None:
        """The manifest of the raw files as they are."""
        files = sorted(path for path in self.raw.rglob("*") if path.is_file())
        lines = [
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(self.raw)}\n"
            for path in files
        ]
        self.put("in/raw.sha256", "".join(lines))

    def set(
        self, *names: str, objects: tuple[tuple[int, int], ...] = ((1, 1), (2, 1), (3, 1))
    ) -> None:
        """A clean set of three images with the classes `names`, objects as (image, class)."""
        rows = [
            Image(n, f"{x}.png", 32, 32, f"{n}", f"group{n}", split)
            for n, (x, split) in enumerate(zip("abc", dataset.SPLITS, strict=True), 1)
        ]
        annotations = [Annotation(i, k, (1.0, 1.0, 9.0, 9.0), 81.0) for i, k in objects]
        cells = Dataset(rows, annotations, dict(enumerate(names or ("cell",), 1)))
        dataset.write(cells, self.clean / "annotations.json")

    def arguments(self, stage: str, **settings: Any) -> list[str]:
        flags = {name: str(self.root / "in" / file) for name, file in INPUTS[stage].items()}
        flags |= {name: str(self.out / name) for name in OUTPUTS[stage]}
        flags["settings"] = json.dumps(SETTINGS[stage] | settings)
        return [stage, *(part for name, value in flags.items() for part in (f"--{name}", value))]

    def left(self) -> list[str]:
        return [p.relative_to(self.out).as_posix() for p in self.out.rglob("*") if p.is_file()]


SPLIT_DATASET = {
    "images": "raw/images",
    "annotations": "clean/cells/annotations.json",
    "split": "split.json",
}
INPUTS = {
    "download": {},
    "convert": {"raw": "raw", "manifest": "raw.sha256"},
    "split": {
        "source": "clean/cells/annotations.json",
        "duplicates": "clean/cells/duplicates.json",
    },
    "train": SPLIT_DATASET | {"pretrained": "weights.pt"},
    "predict": SPLIT_DATASET | {"weights": "weights.pt"},
    "validate": {n: SPLIT_DATASET[n] for n in ("annotations", "split")}
    | {"val": "val.json", "test": "test.json"},
}
OUTPUTS = {
    "download": ["raw", "manifest"],
    "convert": ["images", "annotations", "quality", "duplicates", "source-ids"],
    "split": ["annotations", "certificate"],
    "train": ["weights", "record", "history"],
    "predict": ["val", "test", "speed"],
    "validate": [
        "metrics",
        "per-class",
        "curves",
        "confusion",
        "operating-points",
        "calibration",
        "resamples",
        "error-kinds",
        "by-size",
        "by-group",
        "class-curves",
    ],
}
PARAMS_YAML = read_yaml(CHECKOUT / "params.yaml")
SETTINGS: dict[str, dict[str, Any]] = {
    "download": {"name": "cells", "kind": "local", "settings": {"path": "nowhere"}},
    "convert": {"format": "coco", "options": {}},
    "split": DatasetSettings(source="cells", split=SplitRule(method="given")).model_dump(
        exclude={"source"}
    ),
    "train": {
        "backend": "ultralytics",
        "settings": {key: PARAMS_YAML[key] for key in Settings.model_fields}
        | {"model": "yolov8n", "pretrained": "w/x.pt", "epochs": 0, "imgsz": 32},
    },
    "predict": {"backend": "ultralytics", "task": "detect", "imgsz": 32, "conf": 0.001, "iou": 0.7}
    | {"max_det": 300, "speed_images": 100},
    "validate": {"task": "detect", "iou": 0.5, "max_det": 100},
}

Spoil = Callable[[Bench], Any]
NONE: dict[str, list[Any]] = {"doubtful": []}


def split(**settings: Any) -> dict[str, Any]:
    return {"split": SETTINGS["split"]["split"] | settings}


def put(name: str, content: Any) -> Spoil:
    return lambda bench: bench.put(name, content)


def no(name: str) -> Spoil:
    return lambda bench: (bench.root / name).rename(bench.root / "elsewhere")


ANNOTATIONS, SPLITS = "in/clean/cells/annotations.json", "in/split.json"

# What is spoilt, the stage that meets it, its settings, and the facts that its error names.
SPOILT: dict[str, tuple[Spoil, str, dict[str, Any], list[str]]] = {
    "no folder to take files from": (
        lambda bench: None,
        "download",
        {},
        ["cells", "no folder nowhere", "path"],
    ),
    "an empty source": (
        lambda bench: (bench.root / "empty").mkdir(),
        "download",
        {"settings": {"path": "empty"}},
        ["cells", "no file"],
    ),
    "no raw folder": (
        lambda bench: bench.raw.rename(bench.root / "elsewhere"),
        "convert",
        {},
        ["in/raw", "raw.sha256", "images/a.png: missing"],
    ),
    "another file than the manifest's": (
        put("in/raw/images/a.png", "changed"),
        "convert",
        {},
        ["in/raw", "raw.sha256", "images/a.png: changed"],
    ),
    "a manifest that is none": (
        put("in/raw.sha256", "abc"),
        "convert",
        {},
        ["raw.sha256:1:", "`<"],
    ),
    "no image": (
        lambda bench: (
            bench.put("in/raw/annotations.json", bench.coco(images=[], annotations=[])),
            bench.seal(),
        ),
        "convert",
        {},
        ["in/raw", "no image"],
    ),
    "no object": (
        lambda bench: (
            bench.put("in/raw/annotations.json", bench.coco(annotations=[])),
            bench.seal(),
        ),
        "convert",
        {},
        ["in/raw", "3 images", "object"],
    ),
    "annotations of another format": (
        lambda bench: (bench.put("in/raw/annotations.json", [1]), bench.seal()),
        "convert",
        {},
        ["annotations.json", "JSON object"],
    ),
    "an image that is none": (
        lambda bench: (bench.put("in/raw/images/a.png", "text"), bench.seal()),
        "convert",
        {},
        ["1 of 3 images", "max_dropped", "images/a.png: "],
    ),
    "two classes of one name": (
        lambda bench: (
            bench.put(
                "in/raw/annotations.json",
                bench.coco(categories=[{"id": 1, "name": "cell"}, {"id": 2, "name": "cell"}]),
            ),
            bench.seal(),
        ),
        "convert",
        {},
        ["category", "same name"],
    ),
    "no annotations": (no(ANNOTATIONS), "split", {}, [ANNOTATIONS, "no such file"]),
    "annotations that end too early": (
        put(ANNOTATIONS, '{"images": ['),
        "split",
        {},
        [ANNOTATIONS, "not valid JSON"],
    ),
    "an object on an image that is not there": (
        lambda bench: bench.put(
            ANNOTATIONS,
            (bench.root / ANNOTATIONS).read_text().replace('"image_id": 2', '"image_id": 9'),
        ),
        "split",
        {},
        [ANNOTATIONS, "is on no image"],
    ),
    "a class that the source has not": (
        lambda bench: None,
        "split",
        {"classes": ["cel"]},
        [ANNOTATIONS, "no class cel;", "it has cell"],
    ),
    "a class called background": (
        lambda bench: bench.set("background"),
        "split",
        {},
        ["background", "another name", "leave it out"],
    ),
    "two classes of one name in a set": (
        lambda bench: bench.set("cell", "cell", objects=((1, 1), (1, 2), (2, 1))),
        "split",
        {},
        ["two classes", "cell", "rename one"],
    ),
    "a class without an object in train": (
        lambda bench: bench.set("cell", "rare", objects=((1, 1), (2, 1), (2, 2))),
        "split",
        {},
        ["no object of rare in train", "`classes: present`"],
    ),
    "a val without objects": (
        lambda bench: bench.set("cell", objects=((1, 1), (3, 1))),
        "split",
        {},
        ["no object in val"],
    ),
    "a test without objects": (
        lambda bench: bench.set("cell", objects=((1, 1), (2, 1))),
        "split",
        {},
        ["no object in test", "(1 images)", "leave test without images"],
    ),
    "no split in the source": (
        lambda bench: bench.put(
            ANNOTATIONS,
            (bench.root / ANNOTATIONS)
            .read_text()
            .replace('"train"', "null")
            .replace('"val"', "null")
            .replace('"test"', "null"),
        ),
        "split",
        {},
        ["split `given`", "gives none", "use `random`"],
    ),
    "a given split that leaks": (
        lambda bench: bench.put(
            ANNOTATIONS,
            (bench.root / ANNOTATIONS).read_text().replace('"sha256": "2"', '"sha256": "1"'),
        ),
        "split",
        {},
        ["leaks", "2 images", "identical files", "a.png in train", "b.png in val"],
    ),
    "copies in two splits of a given split": (
        put("in/clean/cells/duplicates.json", {"exact": [], "near": [["a.png", "c.png"]]} | NONE),
        "split",
        {},
        [
            *("leaks", "2 images", "copies of one picture"),
            *("c.png in test", "a.png in train"),
        ],
    ),
    "more images than there are": (
        lambda bench: None,
        "split",
        split(method="random", val=1, test=2),
        ["`val`", "`test`", "3 of 3 images", "nothing to train on"],
    ),
    "no report on duplicates": (
        no("in/clean/cells/duplicates.json"),
        "split",
        {},
        ["in/clean/cells/duplicates.json", "no such file"],
    ),
    "a certificate edited so that it leaks": (
        lambda bench: bench.put(
            ANNOTATIONS,
            (bench.root / ANNOTATIONS).read_text().replace('"sha256": "2"', '"sha256": "1"'),
        ),
        "train",
        {},
        [SPLITS, "leaks", "2 images", "identical files"],
    ),
    "a certificate edited so that a group leaks": (
        lambda bench: bench.put(
            ANNOTATIONS,
            (bench.root / ANNOTATIONS).read_text().replace('"group2"', '"group1"'),
        ),
        "train",
        {},
        [SPLITS, "2 images", "of one group", "(sets: 1)", "group1"],
    ),
    "a certificate that is none": (
        put(SPLITS, {"train": [1]}),
        "train",
        {},
        [SPLITS, "`source`"],
    ),
    "no certificate": (no(SPLITS), "train", {}, [SPLITS, "no such file"]),
    "no checkpoint": (no("in/weights.pt"), "train", {}, ["in/weights.pt", "No such file"]),
    "an image of the split that the set has not": (
        lambda bench: write_certificate(bench.root / SPLITS, [1], [2], [9]),
        "predict",
        {},
        [SPLITS, "no image 9"],
    ),
    "an image that is not in its folder": (
        no("in/raw/images/c.png"),
        "predict",
        {},
        ["in/raw/images", "1 of 3 images", "c.png"],
    ),
    "no folder of images": (
        no("in/raw/images"),
        "predict",
        {},
        ["in/raw/images", "3 of 3 images"],
    ),
    "predictions on an unknown image": (
        put("in/val.json", [{"image_id": 3, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 1}]),
        "validate",
        {},
        ["in/val.json", "entry 0", "image_id 3", "this split"],
    ),
    "predictions that are none": (
        put("in/val.json", {"a": 1}),
        "validate",
        {},
        ["in/val.json", "COCO results list", "dict"],
    ),
    "predictions that end too early": (
        put("in/test.json", "[{"),
        "validate",
        {},
        ["in/test.json", "not valid JSON"],
    ),
    "no predictions": (no("in/test.json"), "validate", {}, ["in/test.json", "no such file"]),
}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


@pytest.mark.parametrize("name", SPOILT)
def test_data_are_refused_by_the_stage_that_meets_them(
    name: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, stage, settings, facts = SPOILT[name]
    spoil(bench)
    assert main(bench.arguments(stage, **settings) + extra(bench, stage)) == 1
    message = capsys.readouterr().err
    with capsys.disabled():
        if os.environ.get("SHOW"):
            print(f"\n[{name}]\n{message}")
    assert message.startswith(f"fairtrial {stage}: ")
    assert lacking(message, *facts) == []
    assert bench.left() == []


def extra(bench: Bench, stage: str) -> list[str]:
    threads = ["--threads", "1"] if stage in {"train", "predict"} else []
    flags = ["--continues", "", "--start", "--run", "a-s0", "--dataset", "cells"]
    flags += ["--chosen-weights", "", "--lost-minutes", "0"]
    flags += ["--progress", str(bench.root / "progress.json")]
    return [*threads, *flags, "--code", "0"] if stage == "train" else threads


def test_the_bench_is_whole_where_nothing_is_spoilt(bench: Bench) -> None:
    """Else every case above might be refused for a reason of its own."""
    for stage in ("convert", "split", "validate"):
        assert main(bench.arguments(stage)) == 0
    expected = {name for s in ("convert", "split", "validate") for name in OUTPUTS[s]}
    assert {name.partition("/")[0] for name in bench.left()} == expected


# --------------------------------------------------------------------------- checkpoints

CHECKPOINT = """
import sys
from pathlib import Path
from fairtrial.backends._ultralytics_files import save_weights, workplace
with workplace() as place:
    from ultralytics import YOLO
    save_weights(YOLO("yolov8n.yaml", task="detect").model, Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """YOLOv8n as it was drawn by chance, of 80 classes."""
    path = tmp_path_factory.mktemp("checkpoint") / "x.pt"
    subprocess.run([sys.executable, "-c", CHECKPOINT, path], env=python(), check=True)
    return path


def python() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(CHECKOUT / "workflow")}


def with_their_sums(bench: Bench) -> None:
    """The set has the SHA-256 of its images, as `convert` writes it: they are checked."""
    cells = dataset.read(bench.clean / "annotations.json")
    for image in cells.images:
        image.sha256 = checksums.sha256(bench.root / "in/raw/images" / image.file_name)
    dataset.write(cells, bench.clean / "annotations.json")


def stage(bench: Bench, name: str, **settings: Any) -> str:
    """The message of a stage that fails in a process of its own."""
    launcher = CHECKOUT / "workflow/fairtrial_command.py"
    command = [sys.executable, launcher, *bench.arguments(name, **settings), *extra(bench, name)]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stderr)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [path for path in bench.left() if "part" not in path] == []
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_a_file_that_is_no_checkpoint_is_refused(bench: Bench) -> None:
    with_their_sums(bench)
    for name in ("train", "predict"):
        message = stage(bench, name)
        assert message.startswith(f"fairtrial {name}: ")
        assert lacking(message, "in/weights.pt", "not an Ultralytics checkpoint") == []


@pytest.mark.slow
def test_a_checkpoint_of_another_architecture_is_refused(bench: Bench, checkpoint: Path) -> None:
    (bench.root / "in/weights.pt").write_bytes(checkpoint.read_bytes())
    with_their_sums(bench)
    for epochs in (0, 1):
        other = {"model": "yolo11n", "epochs": epochs}
        message = stage(bench, "train", settings=SETTINGS["train"]["settings"] | other)
        assert lacking(message, "in/weights.pt", "not a checkpoint of yolo11n") == []


@pytest.mark.slow
def test_a_checkpoint_without_the_classes_of_the_set_is_refused(
    bench: Bench, checkpoint: Path
) -> None:
    (bench.root / "in/weights.pt").write_bytes(checkpoint.read_bytes())
    with_their_sums(bench)
    message = stage(bench, "predict")
    assert lacking(message, "in/weights.pt", "none of its classes", "cell") == []
