"""The files that each stage writes, by the flags of its rule; folders by what lists their files."""

from __future__ import annotations

CHOICE = "results/{experiment}/choices/{name}/"
RUN = "results/{experiment}/runs/{name}/"
STUDY = "results/{experiment}/search/{name}/"
RESULTS = "results/{experiment}/"
CLEAN = "data/clean/{name}/"
PREDICTIONS = {"val": RUN + "predictions/val.json", "test": RUN + "predictions/test.json"}
TABLES = (
    *("per_class", "curves", "confusion", "operating_points", "calibration"),
    *("error_kinds", "by_size", "by_group", "class_curves"),
)
PLOTS = ("history", "calibration", "classes", "confusion")

OUTPUTS: dict[str, dict[str, str]] = {
    "download": {"manifest": "data/raw/{name}.sha256"},
    "convert": {
        name: f"{CLEAN}{name}.json"
        for name in ("annotations", "quality", "duplicates", "source_ids")
    },
    "split": {
        "annotations": "data/sets/{name}/annotations.json",
        "certificate": "data/sets/{name}/split.json",
    },
    "search": {"done": STUDY + "workers/{worker}.json"},
    "study": {
        "trials": STUDY + "trials.csv",
        "best": STUDY + "best.yaml",
        "summary": STUDY + "summary.json",
        "timings": STUDY + "timings.json",
    },
    "choose": {name: f"{CHOICE}{name}.json" for name in ("start", "weights", "verdict")},
    "receive": {**PREDICTIONS, "record": RUN + "record.json"},
    "train": {
        "weights": RUN + "weights.pt",
        "record": RUN + "record.json",
        "history": RESULTS + "history/{name}.csv",
    },
    "predict": {**PREDICTIONS, "speed": RUN + "speed.json"},
    "validate": {
        "metrics": RUN + "metrics.json",
        "resamples": RUN + "resamples.npz",
        **{name: f"{RUN}{name}.csv" for name in TABLES},
    },
    "batch": {"first": RESULTS + "batches/{name}.json"},
    "probe": {
        "scores": RESULTS + "probes/{name}.json",
        "predictions": RESULTS + "probes/{name}.predictions.json",
    },
    "plot": {"manifest": RESULTS + "figures.json", "pictures": RESULTS + "pictures.json"},
    "report": {
        "pdf": RESULTS + "report.pdf",
        "html": RESULTS + "report.html",
        "metrics": RESULTS + "metrics.json",
        "comparison": RESULTS + "comparison.csv",
        "runs": RESULTS + "runs.csv",
        "markdown": RESULTS + "comparison.md",
        "latex": RESULTS + "comparison.tex",
        "answer": RESULTS + "answer.txt",
        **{f"{name}_plot": f"{RESULTS}plots/{name}.csv" for name in PLOTS},
        "winner": RESULTS + "winner.pt",
        "facts": RESULTS + "winner.json",
        "card": RESULTS + "winner.md",
    },
}


def outputs_of(stage: str, name: str, experiment: str, worker: int | None) -> dict[str, str]:
    """The files of one job that always are there once it has succeeded, by flag."""
    return {
        flag: path.format(name=name, experiment=experiment, worker=worker)
        for flag, path in OUTPUTS[stage].items()
    }
