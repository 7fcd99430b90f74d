"""What page one warns of before a reader believes its answer."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from fairtrial.data import dataset
from fairtrial.data.dataset import Annotation
from fairtrial.report.cautions import cautions
from fairtrial.report.cost import size_notes
from tests.facts import missing_facts
from tests.ids import short
from tests.report.fake_results import Fake, load
from tests.report.test_folds import edit, folded, reloaded
from tests.report.test_questions import results_of
from tests.report.test_report import TWO, scores

ENOUGH = {"train": 8, "val": 30, "test": 30}


def enough(root: Path, **changes: Any) -> Fake:
    """Results of which nothing is to be warned."""
    settings: dict[str, Any] = {"images": ENOUGH, "classes": ("circle",), "size": 64}
    return Fake(root, TWO, **settings | changes)


def sentences(fake: Fake) -> list[str]:
    return cautions(results_of(fake.build()))


def edit_record(fake: Fake, run: str, **changed: Any) -> None:
    edit(fake.results / "runs" / run / "record.json", **changed)


def test_of_sets_that_are_large_enough_nothing_is_said(tmp_path: Path) -> None:
    assert sentences(enough(tmp_path)) == []


@pytest.mark.parametrize(
    ("images", "facts"),
    [
        (ENOUGH | {"test": 29}, ("Test of shapes", "29 images only")),
        (ENOUGH | {"val": 29}, ("Val of shapes", "29 images only", "the confidence")),
    ],
    ids=["test", "val"],
)
def test_a_split_of_fewer_than_30_images_is_small(
    images: dict[str, int], facts: tuple[str, ...], tmp_path: Path
) -> None:
    (sentence,) = sentences(enough(tmp_path, images=images))
    assert missing_facts(sentence, *facts) == []


@pytest.mark.parametrize(("groups", "small"), [(9, True), (10, False)])
def test_fewer_than_10_groups_are_few_whatever_the_number_of_images(
    groups: int, small: bool, tmp_path: Path
) -> None:
    fake = enough(tmp_path).build()
    split = fake.data / "sets/shapes/split.json"
    test = load(split)["test"]
    edit(split, unit_name="groups", units=[test[i::groups] for i in range(groups)])
    said = cautions(results_of(fake))
    assert [missing_facts(s, f"{groups} groups only", "30 images") for s in said] == [[]] * small


def test_classes_that_train_lacks_are_named(tmp_path: Path) -> None:
    """Not those that test lacks, too, and none where nothing was trained."""
    fake = enough(tmp_path, classes=("circle", "square", "star")).build()
    split = fake.data / "sets/shapes/split.json"
    summary = load(split)["summary"]
    counts = summary["train"]["classes"]
    first, second, *others = counts
    for name, absent in ((first, ["train"]), (second, ["train", "test"])):
        for side in absent:
            summary[side]["classes"][name] |= {"images": 0, "objects": 0}
    edit(split, summary=summary)
    [sentence] = [s for s in cautions(results_of(fake)) if s.startswith("Train of")]
    assert missing_facts(sentence, f"no objects of {first}:", "those of test") == []
    for name in others:
        counts[name] |= {"images": 0, "objects": 0}
    edit(split, summary=summary)
    assert not [s for s in cautions(results_of(fake)) if s.startswith("Train of")]


def test_rare_and_absent_classes_are_named_with_their_number(tmp_path: Path) -> None:
    """12 images with 17 objects of 8 classes, as in a real case: nothing was said of them."""
    classes = tuple("abcdefgh")
    fake = Fake(tmp_path, TWO, classes=classes, images=ENOUGH | {"test": 12}, objects=2).build()
    split = load(fake.data / "sets/shapes/split.json")
    counts = {name: row["objects"] for name, row in split["summary"]["test"]["classes"].items()}
    text = " ".join(cautions(results_of(fake)))
    rare = [f"{name} ({count})" for name, count in counts.items() if 0 < count < 10]
    absent = [name for name, count in counts.items() if not count]
    assert rare and absent, "the case has both"
    assert missing_facts(text, "fewer than 10 objects", *rare, "no objects of", *absent) == []


def test_a_set_of_val_alone_is_warned_of_once(tmp_path: Path) -> None:
    said = [s for s in sentences(Fake(tmp_path, TWO, test=False)) if "8 images only" in s]
    assert len(said) == 1 and said[0].startswith("Val of shapes")


def test_folds_count_together_and_those_without_a_class_are_named(tmp_path: Path) -> None:
    experiment = folded(tmp_path, {"m": ("cells", {"momentum": 0.6})}, cells={})
    for fold, objects in ((1, 4), (2, 0), (3, 5)):
        path = experiment.data / f"sets/cells.fold{fold}/split.json"
        summary = load(path)["summary"]
        summary["test"]["classes"]["triangle"] = {"images": 3, "objects": objects}
        edit(path, summary=summary)
    text = " ".join(cautions(reloaded(experiment)))
    assert missing_facts(text, "triangle (9)", "triangle (cells.fold2)") == []
    assert "Test of cells.fold1, cells.fold2, cells.fold3 has 36 images" not in text, "enough"
    assert "Val of each of the 3 folds of cells has 8 images only" in text


def test_a_mean_over_fewer_values_than_seeds_is_named(tmp_path: Path) -> None:
    ap = scores([0.600, 0.605, 0.610], [0.5, 0.51, 0.52])
    ap["low", 1, "test"] = None
    (sentence,) = sentences(enough(tmp_path, ap=ap))
    assert missing_facts(sentence, "Of 3 seeds of B 2 have a value of AP on test") == []


def test_runs_that_learned_nothing_are_counted(tmp_path: Path) -> None:
    ap = scores([0.6, 0.61, 0.62], [0.0, 0.4, 0.0])
    ap |= {("low", seed, "val"): 0.0 for seed in (0, 2)}
    (sentence,) = sentences(enough(tmp_path, ap=ap))
    assert missing_facts(sentence, "find no object", "B (2 of 3 runs)") == []


@pytest.mark.parametrize(
    ("last", "who"),
    [
        (("high-s0", "high-s1", "low-s0", "low-s1"), "In 4 of 6 runs"),
        (("high-s0", "high-s1"), "In most runs of B"),
        (("high-s0", "low-s0"), None),
    ],
    ids=["most of all", "most of one configuration", "some of each"],
)
def test_metrics_that_still_rise_at_the_end_are_named(
    last: tuple[str, ...], who: str | None, tmp_path: Path
) -> None:
    fake = enough(tmp_path).build()
    for run in last:
        edit_record(fake, run, best_epoch=fake.epochs)
    said = cautions(results_of(fake))
    assert [missing_facts(s, who or "", "the last one") for s in said] == [[]] * bool(who)


@pytest.mark.parametrize("same", [True, False], ids=["the trial itself", "another seed"])
def test_a_run_that_is_the_winning_trial_is_named(same: bool, tmp_path: Path) -> None:
    fake = enough(tmp_path, seeds=(0,)).build()
    edit_record(fake, "low-s0", started_from=[{"experiment": "e", "name": "gp", "trial": 3}])
    history = list(csv.DictReader((fake.results / "history/low-s0.csv").open()))
    metrics = {k[4:]: v for k, v in history[6].items() if k in ("val/AP", "val/recall")}
    if not same:
        metrics["AP"] = "0.123"
    rows = [{"trial": str(n), "epochs": "8", "best_epoch": "7", **metrics} for n in (1, 3)]
    rows[0]["AP"] = "0"
    (fake.results / "search/gp").mkdir(parents=True)
    with (fake.results / "search/gp/trials.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    said = [s for s in cautions(results_of(fake)) if "trial" in s]
    assert [missing_facts(s, "low-s0 (A)", "luck") for s in said] == [[]] * same


def test_what_even_a_perfect_detector_cannot_reach_is_named(tmp_path: Path) -> None:
    """150 objects of one class on each image of test: COCO counts 100 detections of them."""
    fake = enough(tmp_path).build()
    path = fake.data / "sets/shapes/annotations.json"
    crowded = dataset.read(path)
    test = set(load(path.with_name("split.json"))["test"])
    others = [a for a in crowded.annotations if a.image_id not in test]
    box = (1.0, 1.0, 5.0, 5.0)
    many = [Annotation(i, 1, box, 25.0) for i in sorted(test) for _ in range(150)]
    crowded.annotations = [*others, *many]
    dataset.write(crowded, path)
    (sentence,) = cautions(results_of(fake))
    facts = ["Test of shapes", "more than 100 objects", "AP 0.663", "`validate.max_detections`"]
    assert missing_facts(sentence, *facts) == []
    for file in fake.results.glob("runs/*/metrics.json"):
        metrics = load(file)
        metrics["max_detections"] = 150
        for split in ("val", "test"):
            metrics[split]["AP_max_detections"] = 0.875
        file.write_text(json.dumps(metrics))
    (sentence,) = cautions(results_of(fake))
    assert (
        missing_facts(sentence, "AP 0.663", "up to 150 detections: ", "A 0.875", "runs.csv") == []
    )


MIXED = {"epochs": 12, "close_mosaic": 10, "mosaic": 1.0, "mixup": 0.0, "cutmix": 0.0}


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({}, [("mosaic", "2 of 12 epochs", "A and B")]),
        ({"close_mosaic": 30, "mosaic": 0.0, "mixup": 0.5}, [("mixup", "0 of 12 epochs")]),
        ({"close_mosaic": 6}, []),
        ({"mosaic": 0.0}, []),
    ],
    ids=short,
)
def test_what_acts_in_a_small_part_of_the_epochs_is_said(
    changed: dict[str, Any], facts: list[tuple[str, ...]], tmp_path: Path
) -> None:
    runs = {name: MIXED | changed | {"lr0": lr0} for name, lr0 in (("a", 0.1), ("b", 0.2))}
    said = sentences(Fake(tmp_path, runs, images=ENOUGH, classes=("circle",), size=64))
    assert [missing_facts(s, *of) for s, of in zip(said, facts, strict=True)] == [[]] * len(facts)


def test_what_a_job_recorded_is_said_with_its_configurations(tmp_path: Path) -> None:
    fake = enough(tmp_path).build()
    edit_record(fake, "low-s0", cautions=["`amp` is true and had no effect: there was no GPU"])
    (sentence,) = [s for s in cautions(results_of(fake)) if "amp" in s]
    assert missing_facts(sentence, "no GPU (A)") == []


def test_the_width_of_a_checkpoint_stands_below_the_sizes(tmp_path: Path) -> None:
    runs = {"fine": {"pretrained": "weights/yolov8n.pt"}, "scratch": {"pretrained": None}}
    (note,) = size_notes(results_of(Fake(tmp_path, runs).build()))
    assert missing_facts(note, "keeps the checkpoint's width", "(B)") == []
