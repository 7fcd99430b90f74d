"""The files that each stage writes, as its rule names them; folders by what lists their files."""

from __future__ import annotations

RUN = "results/{experiment}/runs/{name}/"
STUDY = "results/{experiment}/search/{name}/"
SCORES = (
    *("metrics.json", "per_class.csv", "curves.csv", "confusion.csv", "operating_points.csv"),
    *("calibration.csv", "resamples.npz", "error_kinds.csv", "by_size.csv", "by_group.csv"),
    "class_curves.csv",
)
CLEAN = ("annotations.json", "quality.json", "duplicates.json", "source_ids.json")
TABLES = (
    *("report.pdf", "report.html", "metrics.json", "comparison.csv", "runs.csv"),
    *("comparison.md", "comparison.tex", "answer.txt"),
)

OUTPUTS: dict[str, tuple[str, ...]] = {
    "download": ("data/raw/{name}.sha256",),
    "convert": tuple(f"data/clean/{{name}}/{file}" for file in CLEAN),
    "split": ("data/sets/{name}/annotations.json", "data/sets/{name}/split.json"),
    "search": (STUDY + "workers/{worker}.json",),
    "study": tuple(
        STUDY + file for file in ("trials.csv", "best.yaml", "summary.json", "timings.json")
    ),
    "receive": (RUN + "predictions/val.json", RUN + "predictions/test.json", RUN + "record.json"),
    "train": (RUN + "weights.pt", RUN + "record.json", "results/{experiment}/history/{name}.csv"),
    "predict": (RUN + "predictions/val.json", RUN + "predictions/test.json", RUN + "speed.json"),
    "validate": tuple(RUN + file for file in SCORES),
    "plot": ("results/{experiment}/figures.json",),
    "report": tuple("results/{experiment}/" + file for file in TABLES),
}


def outputs_of(stage: str, name: str, experiment: str, worker: int | None) -> list[str]:
    """The files of one job that always are there once it has succeeded."""
    return [path.format(name=name, experiment=experiment, worker=worker) for path in OUTPUTS[stage]]
