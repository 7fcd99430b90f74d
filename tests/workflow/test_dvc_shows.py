"""DVC itself shows configurations beside runs, and a plot with all runs, of either task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.records import classification_metrics
from tests.report.fake_results import Fake, write_json

from fairtrial.lineage.outputs import PLOTS
from fairtrial.report import dvc_files
from fairtrial.results.experiment import load_experiment
from project import Project

pytestmark = pytest.mark.slow

RUNS = ["size160-s0", "size160-s1", "lr0=0.1-s0", "lr0=0.1-s1"]


@pytest.mark.parametrize("task", ["detect", "classify"])
def test_metrics_and_plots_of_an_experiment(task: str, tmp_path: Path) -> None:
    project = Project.new(tmp_path / "project")
    fake = Fake(project.root, {"size160": {}, "lr0=0.1": {"lr0": 0.1}}, seeds=(0, 1)).build()
    metric = "AP" if task == "detect" else "accuracy"
    if task == "classify":
        as_classifier(fake)
    experiment = load_experiment(fake.results, fake.data, fake.runs, metric)
    write_json(fake.results / "metrics.json", dvc_files.metrics(experiment))
    dvc_files.write_plots(experiment, *(fake.results / f"plots/{name}.csv" for name in PLOTS))
    project.run("git", "init", "-q")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-qm", "project")

    heading = project.run("dvc", "exp", "show", "--csv").stdout.splitlines()[0].split(",")
    wanted = {f"{name}.test.{metric}" for name in ("size160", "size160-s0", "best")}
    assert wanted | {f"size160.test.{metric}_sd", "best.configuration"} <= set(heading)

    shown = project.run("dvc", "plots", "show", "--json")
    assert "failed" not in shown.stderr
    plots = json.loads(shown.stdout)["data"]
    assert len(plots) == 5
    for title, (plot,) in plots.items():
        assert "<DVC_METRIC" not in json.dumps(plot), "the template has something that DVC lacks"
        rows = plot["content"]["data"]["values"]
        named = list(dict.fromkeys(row["run"] for row in rows if "run" in row))
        assert sorted(named) == ([] if title.startswith("confusion") else sorted(RUNS)), title


def as_classifier(fake: Fake) -> None:
    for path in fake.results.glob("runs/*/metrics.json"):
        write_json(path, classification_metrics(0.25))
        table = path.with_name("per_class.csv")
        table.write_text("split,class,images,precision,recall,f1\ntest,circle,3,0.5,0.5,0.75\n")
