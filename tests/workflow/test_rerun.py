"""A change reruns what depends on it, and nothing else.

Above the split a plan is exact, and the cases are plans. What changes data or a split lies
behind a checkpoint, where a plan is only an upper bound: those cases are executed, with
stand-ins for the stages, and what ran is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from code_edits import move_module, rename_private_names, rename_variables
from project import Project

pytestmark = pytest.mark.slow

RUNS = ("small-s0", "small-s1", "large-s0", "large-s1")
SMALL = RUNS[:2]


def jobs(*stages: str, of: tuple[str, ...] = RUNS) -> set[str]:
    """Jobs by name: a stage of runs stands for one job a run."""
    per_run = {"train", "predict", "validate", "probe", "batch"}
    names = {f"{stage} {run}" for stage in stages if stage in per_run for run in of}
    return names | {stage for stage in stages if stage not in per_run}


RESULTS = ("plot", "report")
TRAIN = ("train", "predict", "validate", *RESULTS)
DATA = {"download shapes", "convert shapes", "split shapes"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which everything has run."""
    project = Project.new(tmp_path_factory.mktemp("rerun") / "finished")
    project.snakemake("--cores", "2")
    ran = project.jobs()
    assert ran == Counter(
        {"download": 1, "convert shapes": 1, "split shapes": 1} | dict.fromkeys(jobs(*TRAIN), 1)
    )
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Iterator[Project]:
    yield finished.copy(tmp_path / "project")


Edit = Callable[[Project], None]


def param(old: str, new: str) -> Edit:
    return lambda project: project.edit("params.yaml", old, new)


def experiment(old: str, new: str) -> Edit:
    return lambda project: project.edit("config/experiments/compare.yaml", old, new)


def code(module: str, old: str, new: str) -> Edit:
    return lambda project: project.edit(f"workflow/fairtrial/{module}.py", old, new)


def package(project: Project) -> Path:
    return project.root / "workflow/fairtrial"


def other_fitness(project: Project) -> None:
    """Of one configuration; then a common figure has to rank them."""
    experiment("imgsz: 96", "imgsz: 96, fitness: {recall: 1}")(project)
    param("rank_by: fitness", "rank_by: AP")(project)


def add_run(project: Project) -> None:
    project.edit("config/experiments/compare.yaml", "seeds", "  more: {imgsz: 64}\nseeds")


def touch_all(project: Project) -> None:
    for name in ("params.yaml", "config/sources/shapes.yaml", "workflow/fairtrial/stages/train.py"):
        (project.root / name).touch()
    for path in (project.root / "results/compare/runs/small-s0").rglob("*.pt"):
        path.touch()


def reorder(project: Project) -> None:
    """The keys of params.yaml the other way round, without comments."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    path = project.root / "params.yaml"
    content = yaml.load(path)
    yaml.default_flow_style = False
    with path.open("w") as file:
        yaml.dump(dict(reversed(content.items())), file)


def dataset(line: str) -> Edit:
    return lambda project: project.edit(
        "config/datasets/shapes.yaml", "source: shapes\n", f"source: shapes\n{line}\n"
    )


SPLIT = {"split shapes"} | jobs(*TRAIN)
BACKEND = "backends/ultralytics"

SWAPPED = (
    "macro(classes: Mapping[int, RankedDetections], confidences: Floats)",
    "macro(confidences: Floats, classes: Mapping[int, RankedDetections])",
)

PLANNED: dict[str, tuple[Edit, set[str]]] = {
    # nothing
    "nothing changed": (lambda project: None, set()),
    "a comment in params.yaml": (param("# L2 penalty", "# penalty"), set()),
    "another spelling of a number": (param("lr0: 0.002 ", "lr0: 2e-3 "), set()),
    "key order": (reorder, set()),
    "a touch of settings, code and weights": (touch_all, set()),
    "a comment in code": (code("stages/train", "def train(", "# a word\n\n\ndef train("), set()),
    "a docstring in code": (code("stages/validate", '"""', '""" '), set()),
    "a moved module": (
        lambda project: move_module(package(project), "data.boxes", "files.rectangles"),
        set(),
    ),
    "renamed variables": (
        lambda project: rename_variables(package(project) / f"{BACKEND}.py"),
        set(),
    ),
    "renamed helpers": (
        lambda project: rename_private_names(package(project) / f"{BACKEND}.py"),
        set(),
    ),
    "the version": (code("__init__", '__version__ = "0', '__version__ = "1'), set()),
    "settings of the package": (code("files/yamlfile", "0.5)", "0.25)"), set()),
    "layout of a rule": (
        lambda project: project.edit("workflow/rules/runs.smk", '" --code', '"  --code'),
        set(),
    ),
    "a default that every run overrides": (param("imgsz: 160", "imgsz: 320"), set()),
    # a data set: behind its split a plan is an upper bound
    "the classes of a data set": (dataset("single_cls: shape"), SPLIT),
    "the balance of a data set": (dataset("balance: {ratio: 2}"), SPLIT),
    "a leak that is allowed": (dataset("allow: [near]"), SPLIT),
    "a key at its default": (dataset("single_cls: null"), set()),
    "a default of another backend": (param("gamma: 2.0", "gamma: 1.0"), set()),
    # training
    "a default of all runs": (param("momentum: 0.9 ", "momentum: 0.8 "), jobs(*TRAIN)),
    "a default of some runs": (
        param("lr0: 0.002", "lr0: 0.001"),
        jobs("train", "predict", "validate", of=SMALL) | jobs(*RESULTS),
    ),
    "an override of one run": (
        experiment("imgsz: 96", "imgsz: 64"),
        jobs("train", "predict", "validate", of=SMALL) | jobs(*RESULTS),
    ),
    "a seed more": (
        experiment("[0, 1]", "[0, 1, 2]"),
        jobs("train", "predict", "validate", of=("small-s2", "large-s2")) | jobs(*RESULTS),
    ),
    "a seed less": (experiment("[0, 1]", "[0]"), jobs(*RESULTS)),
    "a run more": (
        add_run,
        jobs("train", "predict", "validate", of=("more-s0", "more-s1")) | jobs(*RESULTS),
    ),
    "the fitness, which chooses the checkpoint": (
        param("fitness: null", "fitness: {recall: 0.9, map50_95: 0.1}"),
        jobs(*TRAIN),
    ),
    "the fitness of one run": (
        other_fitness,
        jobs("train", "predict", "validate", of=SMALL) | jobs(*RESULTS),
    ),
    "another spelling of the fitness": (param("fitness: null", "fitness: {map50_95: 2}"), set()),
    "all of train, as before there was a setting": (param("train_share: 1.0 ", "# "), set()),
    "a share of train": (param("train_share: 1.0 ", "train_share: 0.5 "), jobs(*TRAIN)),
    "a share of train for some runs": (
        experiment("imgsz: 96", "imgsz: 96, train_share: 0.5"),
        jobs("train", "predict", "validate", of=SMALL) | jobs(*RESULTS),
    ),
    "a replicate": (
        param("replicate: 1", "replicate: 2"),
        jobs(*TRAIN, of=tuple(f"{run}r2" for run in RUNS)),
    ),
    "two replicates": (
        experiment("seeds:", "replicate: 2\nseeds:"),
        jobs(*TRAIN, of=tuple(f"{run}r2" for run in RUNS)),
    ),
    "a run that continues another one": (
        experiment("seeds:", "  long: {continues: small, epochs: 20}\nseeds:"),
        jobs("train", "predict", "validate", of=("long-s0", "long-s1")) | jobs(*RESULTS),
    ),
    "how a record is written": (
        code("stages/train", '"adopted": adopted', '"adopted": bool(adopted)'),
        jobs(*TRAIN),
    ),
    # behind a checkpoint, so an upper bound; nothing is downloaded
    "another action for a defect": (
        lambda project: project.edit(
            "config/sources/shapes.yaml",
            "format: coco",
            "format: coco\ndefects: {box_over_edge: drop_box}",
        ),
        {"convert shapes", "split shapes"} | jobs(*TRAIN),
    ),
    # later stages
    "predict.conf": (param("conf: 0.001", "conf: 0.01"), jobs("predict", "validate", *RESULTS)),
    "predict.iou": (param("iou: 0.7", "iou: 0.6"), jobs("predict", "validate", *RESULTS)),
    "predict.max_det": (
        param("max_det: 300", "max_det: 200"),
        jobs("predict", "validate", *RESULTS),
    ),
    "predict.speed_images": (
        param("speed_images: 100", "speed_images: 200"),
        jobs("predict", "validate", *RESULTS),
    ),
    "predict.batch": (
        param("  batch: 1 ", "  batch: 4 "),
        jobs("predict", "validate", *RESULTS),
    ),
    "predict.batches": (
        param("batches: [] ", "batches: [1, 8] "),
        jobs("predict", "validate", *RESULTS),
    ),
    "validate.iou": (param("iou: 0.5", "iou: 0.6"), jobs("validate", *RESULTS)),
    "validate.max_det": (param("max_det: 100", "max_det: 50"), jobs("validate", *RESULTS)),
    "predict.splits": (
        param("splits: [val, test]", "splits: [train, val, test]"),
        jobs("probe", *RESULTS),
    ),
    "predict.sizes: the size of some runs": (
        param("sizes: [] ", "sizes: [96] "),
        jobs("probe", of=RUNS[2:]) | jobs(*RESULTS),
    ),
    "plot.first_batch": (
        param("first_batch: false", "first_batch: true"),
        jobs("batch", of=("small-s0", "large-s0")) | jobs(*RESULTS),
    ),
    "plot.gallery_splits": (param("splits: [test]", "splits: [val]"), jobs(*RESULTS)),
    "plot.gallery": (param("gallery: 4", "gallery: 2"), jobs(*RESULTS)),
    "report.rank_by": (param("rank_by: fitness ", "rank_by: f1 "), jobs(*RESULTS)),
    "the title": (experiment("An experiment", "The experiment"), jobs("report")),
    # code
    "code of training": (code(BACKEND, '"plots": False', '"plots": not True'), jobs(*TRAIN)),
    "code of training, a function deeper": (
        code("data/boxes", "x + w / 2", "x + w * 0.5"),
        jobs(*TRAIN),
    ),
    "code of training, another function under the same name": (
        code(
            "backends/_ultralytics_trainer",
            "import unwrap_model",
            "import de_parallel as unwrap_model",
        ),
        jobs(*TRAIN),
    ),
    "code of predicting, another function under the same name": (
        code(BACKEND, "import clip_boxes", "import xyxy2xywh as clip_boxes"),
        jobs("predict", "validate", *RESULTS),
    ),
    "code of scoring, swapped parameters": (
        code("scoring/curves", SWAPPED[0], SWAPPED[1]),
        jobs("validate", *RESULTS),
    ),
    "code of predicting": (
        code(BACKEND, "x2 - x1", "-x1 + x2"),
        jobs("predict", "validate", *RESULTS),
    ),
    "code of scoring": (
        code("stages/validate", "def validate(", "SOME = 1\n\n\ndef validate("),
        set(),  # a name that nothing uses
    ),
    "code of another backend": (
        lambda project: project.write("workflow/fairtrial/backends/other.py", OTHER),
        set(),
    ),
}

OTHER = """
from fairtrial.training.settings import TrainingSettings

class Settings(TrainingSettings):
    depth: int
"""


@pytest.mark.parametrize("name", PLANNED)
def test_plan_holds_exactly_the_affected_jobs(name: str, project: Project) -> None:
    edit, expected = PLANNED[name]
    edit(project)
    assert project.plan() == Counter(dict.fromkeys(expected, 1))


EDITED_CONVERT = "_X = 1\n\n\n@_no_full_collections()\ndef convert(_x=_X, "
# Up to the checkpoint a job runs when the one before it did; after it, only what changed counts.
EXECUTED: dict[str, tuple[Edit, set[str]]] = {
    "code of downloading, equal files": (
        code("stages/download", "def download(", "_X = 1\n\n\ndef download(_x=_X, "),
        {"download", "convert shapes", "split shapes"},
    ),
    "another drawing seed": (
        lambda project: project.edit("config/sources/shapes.yaml", "seed: 0", "seed: 1"),
        {"download", "convert shapes", "split shapes"} | jobs(*TRAIN),
    ),
    "another split": (
        lambda project: project.edit("config/datasets/shapes.yaml", "seed: 0", "seed: 1"),
        {"split shapes"} | jobs(*TRAIN),
    ),
    "code of converting, equal result": (
        code("stages/convert", "@_no_full_collections()\ndef convert(", EDITED_CONVERT),
        {"convert shapes", "split shapes"},
    ),
    "code of splitting, equal result": (
        code("data/splitting", "sorted(ids)", "sorted(list(ids))"),
        {"split shapes"},
    ),
    "a default of all runs": (param("momentum: 0.9 ", "momentum: 0.8 "), jobs(*TRAIN)),
    "a run less": (experiment("  small: {imgsz: 96}\n", ""), jobs(*RESULTS)),
}


@pytest.mark.parametrize("name", EXECUTED)
def test_exactly_the_affected_jobs_run(name: str, project: Project) -> None:
    edit, expected = EXECUTED[name]
    edit(project)
    planned = project.plan()
    project.snakemake("--cores", "2")
    ran = project.jobs()
    assert ran == Counter(dict.fromkeys(expected, 1))
    trained = {job for job in ran if job.startswith("train")}
    assert trained <= set(planned), "a plan must never hide a training"
    assert project.plan() == Counter(), "a second run has something to do"


def test_another_experiment_and_back_runs_nothing_twice(project: Project) -> None:
    """Two experiments stand side by side; the first one's results stay current."""
    project.write("config/experiments/other.yaml", "title: other\nruns: {small: {imgsz: 96}}\n")
    project.edit("params.yaml", "experiment: compare", "experiment: other")
    project.snakemake("--cores", "2")
    assert project.jobs()["train small-s0"] == 1
    project.edit("params.yaml", "experiment: other", "experiment: compare")
    assert project.plan() == Counter()


def test_what_changes_a_run_changes_what_continues_it(project: Project) -> None:
    """Patience of the continuation alone leaves the first part as it is."""
    text = "  long: {continues: small, epochs: 20, patience: 15}\nseeds:"
    project.edit("config/experiments/compare.yaml", "seeds:", text)
    project.snakemake("--cores", "2")
    continued = ("long-s0", "long-s1")
    continuing = jobs("train", "predict", "validate", of=continued) | jobs(*RESULTS)
    experiment("patience: 15", "patience: 10")(project)
    assert project.plan() == Counter(dict.fromkeys(continuing, 1))
    param("lr0: 0.002", "lr0: 0.001")(project)
    both = jobs("train", "predict", "validate", of=(*SMALL, *continued)) | jobs(*RESULTS)
    assert project.plan() == Counter(dict.fromkeys(both, 1))


def test_a_checkpoint_as_it_is_does_not_depend_on_the_fitness(project: Project) -> None:
    """No epoch, so no best one."""
    project.write("config/experiments/compare.yaml", AS_IT_IS)
    project.snakemake("--cores", "2")
    project.edit("params.yaml", "fitness: null", "fitness: {f1: 1}")
    assert project.plan() == Counter()


AS_IT_IS = """\
title: An experiment of a checkpoint
runs: {small: {epochs: 0, pretrained: shapes/yolov8n.pt}}
"""


def test_an_edit_of_a_rule_is_seen(project: Project) -> None:
    """Snakemake reads rules from a cache, which must not outlive the command."""
    project.edit(
        "workflow/rules/results.smk", "logs/{experiment}/report.log", "logs/{experiment}/other.log"
    )
    assert "logs/compare/other.log" in project.snakemake(
        "-n", "--force", "results/compare/report.pdf"
    )
