"""Everything that the template prints, as plain data: strings, numbers, lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from fairtrial.files.checksums import sha256
from fairtrial.report import answer as answers
from fairtrial.report import breakdowns
from fairtrial.report.batch_costs import BatchCosts, batch_costs
from fairtrial.report.breakdowns import BreakdownPart
from fairtrial.report.by_settings import SettingsContent, by_settings
from fairtrial.report.calibration import CalibrationPart, calibration_parts
from fairtrial.report.cautions import cautions, differences, planned_cautions
from fairtrial.report.claim import ClaimPart, claim
from fairtrial.report.classes import ClassesPart, classes
from fairtrial.report.comparison_part import ComparisonPart, comparison_part
from fairtrial.report.confusions import ConfusionPart, confusion_parts
from fairtrial.report.cost import CostRow, FrontPart, cost, fronts, size_notes
from fairtrial.report.data import DataPart, data
from fairtrial.report.error_kinds import ErrorsPart, errors
from fairtrial.report.limits import limits
from fairtrial.report.next_steps import next_steps
from fairtrial.report.operating_points import OperatingPart, operating_parts
from fairtrial.report.origins import origin_pairs
from fairtrial.report.repeats import RepeatsPart, repeats
from fairtrial.report.reproduction import Command, made_text, reproduction
from fairtrial.report.wording import UNDEFINED, number, time_text
from fairtrial.results.configuration import Configuration, setting_text, settings_text
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.manifest import FigureManifest
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.settings.stages import ReportSettings
from fairtrial.training.provenance import Hardware
from fairtrial.training.record import RunRecord

SHORT = {  # metrics as headings of narrow columns
    "precision": "P",
    "recall": "R",
    "f1": "F1",
    "accuracy": "Acc.",
    "top5": "Top-5",
    "log_loss": "Log loss",
    "ece": "ECE",
}
TIMED = (
    "memory_gb",
)  # keys of the hardware that are left out without times: they vary as times do


class RunPart(TypedDict):
    """One run; `splits`: a row for val and for test, of the split's name and its metrics."""

    name: str
    letter: str
    seed: str
    epochs: str
    confidence: str
    splits: list[list[str]]
    time: str


class DifferingSettings(TypedDict):
    """The settings of one configuration that not all configurations share, as pairs."""

    letter: str
    name: str
    settings: list[list[str]]


class Provenance(TypedDict):
    """Settings, versions, hardware and checksums: pairs of a name and a value."""

    origins: list[list[str]]
    shared: list[list[str]]
    differing: list[DifferingSettings]
    versions: list[list[str]]
    hardware: list[list[str]]
    commits: list[str]
    code: list[str]
    data: list[list[str]]
    pretrained: list[list[str]]
    elsewhere: list[list[str]]


class Content(SettingsContent):
    """The data of the template, by the names that it uses."""

    experiment: str
    title: str
    question: str
    task: str
    method: str
    iou: str
    base: str
    made: str
    limits: list[str]
    reproduction: list[Command]
    timings: bool
    cautions: list[str]
    next_steps: list[str]
    repeats: RepeatsPart
    operating: list[OperatingPart]
    calibration: list[CalibrationPart]
    comparisons: list[ComparisonPart]
    figures: dict[str, list[dict[str, Any]]]
    errors: list[ErrorsPart]
    classes: list[ClassesPart]
    sizes: list[BreakdownPart]
    groups: list[BreakdownPart]
    coco_metrics: list[BreakdownPart]
    data: DataPart
    cost: list[CostRow]
    size_notes: list[str]
    batch_costs: BatchCosts
    fronts: list[FrontPart]
    run_metrics: list[str]
    runs: list[RunPart]
    confusions: list[ConfusionPart]
    provenance: Provenance
    claim: list[ClaimPart]


def content(
    experiment: ExperimentResults, settings: ReportSettings, manifest: FigureManifest
) -> Content:
    """All that the report of an experiment says; `manifest` lists its figures."""
    timings = settings.timings
    return {
        "experiment": settings.experiment,
        "title": settings.title or settings.experiment,
        "question": settings.question,
        "task": experiment.task,
        "method": answers.method(experiment.comparisons),
        "iou": " and ".join(sorted({c.iou for c in experiment.comparisons})),
        "base": settings_text(experiment.base),
        "made": made_text(experiment),
        "limits": limits(experiment),
        "reproduction": reproduction(experiment, settings.experiment),
        "timings": timings,
        "cautions": cautions(experiment, planned_cautions(experiment, settings)),
        "next_steps": next_steps(experiment, f"results/{settings.experiment}", timings),
        "repeats": repeats(experiment),
        **by_settings(experiment, settings),
        "operating": operating_parts(experiment),
        "calibration": calibration_parts(experiment),
        "comparisons": [comparison_part(c) for c in experiment.comparisons],
        "figures": _figures(manifest),
        "errors": [kinds for c in experiment.comparisons if (kinds := errors(c))],
        "classes": [classes(c) for c in experiment.comparisons],
        "sizes": [size for c in experiment.comparisons if (size := breakdowns.sizes(c))],
        "groups": [group for c in experiment.comparisons if (group := breakdowns.groups(c))],
        "coco_metrics": [
            coco for c in experiment.comparisons if (coco := breakdowns.coco_metrics(c))
        ],
        "data": data(list(experiment.datasets.values())),
        "cost": cost(experiment, timings),
        "size_notes": size_notes(experiment),
        "batch_costs": batch_costs(experiment, timings),
        "fronts": fronts(experiment, timings),
        "run_metrics": [SHORT.get(m, m) for m in _run_metrics(experiment)],
        "runs": _runs(experiment, timings),
        "confusions": confusion_parts(experiment),
        "provenance": _provenance(experiment, settings),
        "claim": claim(experiment, settings.title, settings.question),
    }


def _figures(manifest: FigureManifest) -> dict[str, list[dict[str, Any]]]:
    """Section → its figures."""
    figures: dict[str, list[dict[str, Any]]] = {}
    for entry in manifest.root:
        figures.setdefault(entry.section, []).append(entry.model_dump())
    return figures


def _runs(experiment: ExperimentResults, timings: bool) -> list[RunPart]:
    metrics = _run_metrics(experiment)
    return [_run(run, c, metrics, timings) for c in experiment.configurations for run in c.runs]


def _run(
    run: FinishedRun, configuration: Configuration, metrics: tuple[str, ...], timings: bool
) -> RunPart:
    record = run.record
    splits = [split for split in ("val", "test") if run.metrics_of(split)]
    return {
        "name": run.name,
        "letter": configuration.letter,
        "seed": str(run.seed),
        "epochs": _epochs(record),
        "confidence": number(run.confidence),
        "splits": [[split, *(number(run.score(split, m)) for m in metrics)] for split in splits],
        "time": time_text(record.seconds) if timings else "",
    }


def _epochs(record: RunRecord) -> str:
    """The best epoch and how many there were."""
    if record.elsewhere:
        return "made elsewhere"
    return f"{record.best_epoch or UNDEFINED} / {record.epochs_run}"


def _run_metrics(experiment: ExperimentResults) -> tuple[str, ...]:
    """The metrics of the table of all runs."""
    metrics = TASK_METRICS[experiment.task].in_tables
    return (*metrics, "AP75") if experiment.task == "detect" else metrics


def _provenance(experiment: ExperimentResults, settings: ReportSettings) -> Provenance:
    """Settings shared by all configurations, then what differs; versions and hardware that all
    runs share; checksums of code and data."""
    shared, _ = differences([c.settings for c in experiment.configurations])
    records = [run.record for run in experiment.runs]
    versions, _ = differences([r.versions for r in records if not r.elsewhere])
    machines = [r.hardware for r in records if r.hardware is not None]
    hardware, _ = differences([_hardware(machine, settings.timings) for machine in machines])
    return {
        "origins": origin_pairs(experiment, settings.origins),
        "shared": [[key, setting_text(shared, key)] for key in shared],
        "differing": [_differing(c, shared) for c in experiment.configurations],
        "versions": [[name, str(version)] for name, version in versions.items()],
        "hardware": [[key, setting_text(hardware, key)] for key in hardware],
        "commits": sorted({r.commit or "none" for r in records}),
        "code": sorted({r.code for r in records if r.code}),
        "data": _each_once(pair for d in experiment.datasets.values() for pair in _checksums(d)),
        "pretrained": _pretrained(experiment),
        "elsewhere": _elsewhere(experiment),
    }


def _differing(c: Configuration, shared: Mapping[str, object]) -> DifferingSettings:
    settings = c.settings
    pairs = [[key, setting_text(settings, key)] for key in settings if key not in shared]
    return {"letter": c.letter, "name": c.name, "settings": pairs}


def _hardware(hardware: Hardware, timings: bool) -> dict[str, object]:
    return hardware.model_dump(exclude=set() if timings else set(TIMED))


def _each_once(pairs: Iterable[list[str]]) -> list[list[str]]:
    """Folds share the files of their source."""
    return [list(pair) for pair in dict.fromkeys(map(tuple, pairs))]


def _checksums(description: DatasetDescription) -> list[list[str]]:
    """The files that a data set was made from, with their SHA-256."""
    source, name = description.source, description.name
    files = {
        f"data/raw/{source}.sha256": description.data / "raw" / f"{source}.sha256",
        f"data/sets/{name}/annotations.json": description.folder / "annotations.json",
        f"data/sets/{name}/split.json": description.folder / "split.json",
    }
    return [[label, sha256(path) if path.exists() else "not here"] for label, path in files.items()]


def _pretrained(experiment: ExperimentResults) -> list[list[str]]:
    """The pretrained checkpoints of the runs, with their SHA-256."""
    checkpoints = [run.record.inputs.pretrained for run in experiment.runs]
    sums = {c.path: c.sha256 for c in checkpoints if c is not None}
    return [list(pair) for pair in sorted(sums.items())]


def _elsewhere(experiment: ExperimentResults) -> list[list[str]]:
    """The predictions that were made elsewhere: run, split and file, with their SHA-256."""
    return [
        [f"{run.name}, {split}: {file.path}", file.sha256]
        for run in experiment.runs
        for split, file in run.record.elsewhere.items()
    ]
