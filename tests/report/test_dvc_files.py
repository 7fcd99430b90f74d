"""What DVC reads of an experiment: metrics of configurations, and a table for each plot."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path
from typing import Any

import pytest

from fairtrial.lineage.outputs import PLOTS
from fairtrial.report import dvc_files
from fairtrial.results.experiment import load_experiment
from tests.records import classification_metrics
from tests.report.fake_results import Fake, write_json

AP = {("a", 0, "test"): 0.5, ("a", 1, "test"): 0.7, ("b", 0, "test"): 0.3, ("b", 1, "test"): 0.3}
ON_VAL = {(name, seed, "val"): value for name, value in (("a", 0.4), ("b", 0.6)) for seed in (0, 1)}
TWO = {"a": {}, "b": {"lr0": 0.1}}


def metrics(fake: Fake, **more: Any) -> dict[str, Any]:
    return dvc_files.metrics(load_experiment(fake.results, fake.data, fake.runs, **more))


def plots(fake: Fake, **more: Any) -> dict[str, list[dict[str, str]]]:
    """The rows of each plot's table."""
    paths = [fake.root / f"{name}.csv" for name in PLOTS]
    dvc_files.write_plots(load_experiment(fake.results, fake.data, fake.runs, **more), *paths)
    return {path.stem: list(csv.DictReader(path.open())) for path in paths}


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path, TWO, seeds=(0, 1), epochs=3, ap=AP | ON_VAL).build()


def test_configurations_stand_beside_their_runs(fake: Fake) -> None:
    found = metrics(fake)
    assert set(found) == {"a-s0", "a-s1", "b-s0", "b-s1", "a", "b", "best"}
    assert found["a-s1"]["test"]["AP"] == 0.7
    assert found["a"]["test"]["AP"] == statistics.mean((0.5, 0.7))
    assert found["a"]["test"]["AP_sd"] == statistics.stdev((0.5, 0.7))
    assert found["best"] == {"configuration": "b", **found["b"]}, "chosen on val, not on test"


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    found = metrics(Fake(tmp_path, TWO, seeds=(0,), ap=AP | ON_VAL).build())
    assert found["a"]["test"]["AP"] == 0.5
    assert "AP_sd" not in found["a"]["test"]


def test_each_comparison_has_a_best(tmp_path: Path) -> None:
    found = metrics(Fake(tmp_path, TWO, seeds=(0,), sets={"b": 1}).build())
    assert {name: part["configuration"] for name, part in found["best"].items()} == {
        "shapes": "a",
        "shapes1": "b",
    }


def test_the_fitness_is_among_them_where_it_ranks(fake: Fake) -> None:
    found = metrics(fake, rank_by={"map50": 0.5, "map50_95": 0.5})
    mean = statistics.mean(found["a"]["test"][name] for name in ("AP", "AP50"))
    assert found["a"]["test"]["fitness"] == pytest.approx(mean)


def test_tables_of_plots_name_their_runs(fake: Fake) -> None:
    history = fake.results / "history/a-s1.csv"
    rows = [f"{epoch},{0.1 * epoch},0.5,0.25,{0.2 * epoch}" for epoch in (1, 2, 3)]
    heading = "epoch,train/box_loss,train/cls_loss,val/box_loss,val/fitness"
    history.write_text("\n".join([heading, *rows]))
    found = plots(fake)
    runs = ["a-s0", "a-s1", "b-s0", "b-s1"]
    assert [(r["run"], r["epoch"]) for r in found["history"]] == [
        (run, str(epoch)) for run in runs for epoch in (1, 2, 3)
    ]
    row = found["history"][4]
    assert (row["fitness"], row["train_loss"], row["val_loss"]) == ("0.4", "0.7", "0.25")
    for name in ("classes", "calibration"):
        assert {row["run"] for row in found[name]} == set(runs), name
    assert {row["split"] for row in found["classes"]} == {"test"}


def test_the_confusion_matrix_is_that_of_the_best_summed_over_its_runs(fake: Fake) -> None:
    files = [fake.results / f"runs/b-s{seed}/confusion.csv" for seed in (0, 1)]
    rows = [r for path in files for r in csv.DictReader(path.open()) if r["split"] == "test"]
    found = plots(fake)["confusion"]
    for row in found:
        key = (row["truth"], row["predicted"])
        expected = sum(int(r["count"]) for r in rows if (r["truth"], r["predicted"]) == key)
        assert int(row["count"]) == expected, key
    assert len(found) == len({(r["truth"], r["predicted"]) for r in rows})


def test_too_many_classes_have_no_matrix(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_files, "MOST_CLASSES", 2)
    assert plots(fake)["confusion"] == []


def test_classifiers_have_their_plots(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0,)).build()
    for path in fake.results.glob("runs/*/metrics.json"):
        write_json(path, classification_metrics(0.25))
        table = path.with_name("per_class.csv")
        table.write_text("split,class,images,precision,recall,f1\ntest,circle,3,0.5,0.5,0.75\n")
    found = plots(fake, rank_by="accuracy")
    assert [(r["run"], r["class"], r["score"]) for r in found["classes"]] == [
        ("a-s0", "circle", "0.75"),
        ("b-s0", "circle", "0.75"),
    ]
    assert found["history"] and found["confusion"]
