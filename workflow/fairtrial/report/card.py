"""winner.json: what is known of the winner of an experiment, for its model card.

Everything comes from recorded results and settings. What nobody has stated stays empty.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from fairtrial.data.dataset import SPLITS
from fairtrial.files.modelfile import FileModel
from fairtrial.report.cautions import overlaps
from fairtrial.report.classes import CLASS_METRICS
from fairtrial.report.content import Content
from fairtrial.report.winner import Winner, WinnerRun, WinnerVerdict
from fairtrial.results.configuration import Configuration
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import FinishedRun
from fairtrial.results.significance import class_interval_of, interval_of
from fairtrial.scoring.error_costs import METRIC
from fairtrial.scoring.error_kinds import KINDS
from fairtrial.scoring.uncertainty import over_seeds
from fairtrial.settings.stages import ReportSettings

DIGITS = 6


class CardModel(FileModel):
    """The network. `confidence`: chosen on val; `pretrained`: what the training began with."""

    task: str
    backend: str
    name: str | None
    classes: tuple[str, ...]
    imgsz: int | None
    confidence: float | None
    parameters: int | None
    gflops: float | None
    pretrained: str | None


class CardSplit(FileModel):
    """The size of one split."""

    images: int
    objects: int


class CardData(FileModel):
    """The data set. `share`: whether its images may be handed on; `units`: what is independent in
    it; `overlaps`: leaks between its splits, a sentence each."""

    name: str
    source: str
    licence: str | None
    share: bool
    splits: dict[str, CardSplit]
    units: str
    overlaps: tuple[str, ...]


class CardTraining(FileModel):
    """How the run was trained. `seconds`: None where times are left out; `energy_kwh`: None, since
    nothing here measures it."""

    settings: dict[str, Any]
    epochs_run: int
    best_epoch: int | None
    seconds: float | None
    hardware: str | None
    energy_kwh: float | None = None
    versions: dict[str, str]
    commit: str | None
    uncommitted_changes: bool


class CardMetric(FileModel):
    """A metric on one split: of the run that is handed on, and of its configuration the mean over
    `repeats`, with sd and the 95 % interval over other seeds and images."""

    metric: str
    split: str
    value: float | None
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    repeats: str


class CardClass(FileModel):
    """A metric of one class on the split that tables show: mean and 95 % interval."""

    name: str
    count: int
    metric: str
    value: float | None
    low: float | None
    high: float | None


class CardError(FileModel):
    """A kind of error on that split: the AP50 that it costs, with its 95 % interval."""

    kind: str
    cost: float | None
    low: float | None
    high: float | None


class ModelCard(FileModel):
    """winner.json. `problem`: why there is no winner to hand on, else empty; `licence`: of the
    weights, as the experiment states it; `limits`: what a reader has to beware of."""

    experiment: str
    title: str
    question: str
    problem: str
    verdict: WinnerVerdict | None
    run: WinnerRun | None
    licence: str | None
    model: CardModel | None = None
    data: CardData | None = None
    training: CardTraining | None = None
    metrics: tuple[CardMetric, ...] = ()
    classes: tuple[CardClass, ...] = ()
    errors: tuple[CardError, ...] = ()
    limits: tuple[str, ...] = Field(default=())


def model_card(winner: Winner, content: Content, settings: ReportSettings) -> ModelCard:
    """The card of the winner; without one it says why, and no more."""
    card = ModelCard(
        experiment=settings.experiment,
        title=content["title"],
        question=settings.question,
        problem=winner.problem,
        verdict=winner.verdict(),
        run=winner.described_run(),
        licence=settings.licence or None,
    )
    if winner.run is None or winner.standing is None:
        return card
    run, best, comparison = winner.run, winner.standing.best, winner.standing.comparison
    described = next(d for d in comparison.datasets if d.name == run.dataset)
    return card.model_copy(
        update={
            "model": _model(run, described),
            "data": _data(described, settings),
            "training": _training(run, settings.timings),
            "metrics": tuple(_metrics(run, best, comparison)),
            "classes": tuple(_classes(best, comparison)),
            "errors": tuple(_errors(best, comparison)),
            "limits": tuple(content["cautions"]),
        }
    )


def _model(run: FinishedRun, described: DatasetDescription) -> CardModel:
    settings, size = run.record.settings, run.record.model
    pretrained = run.record.inputs.pretrained
    return CardModel(
        task=run.task,
        backend=run.record.backend,
        name=settings.get("model"),
        classes=tuple(described.dataset.categories.values()),
        imgsz=settings.get("imgsz"),
        confidence=_rounded(run.confidence),
        parameters=size.parameters if size else None,
        gflops=_rounded(size.gflops) if size else None,
        pretrained=pretrained.path if pretrained else None,
    )


def _data(described: DatasetDescription, settings: ReportSettings) -> CardData:
    summary = described.certificate.summary
    return CardData(
        name=described.name,
        source=described.source,
        licence=settings.licences.get(described.source),
        share=described.source not in settings.unshared,
        splits={
            split: CardSplit(images=summary[split].images, objects=summary[split].objects)
            for split in SPLITS
        },
        units=described.certificate.unit_name,
        overlaps=tuple(overlaps(described)),
    )


def _training(run: FinishedRun, timings: bool) -> CardTraining:
    record = run.record
    return CardTraining(
        settings=record.settings,
        epochs_run=record.epochs_run,
        best_epoch=record.best_epoch,
        seconds=_rounded(record.seconds) if timings else None,
        hardware=(record.hardware.gpu or record.hardware.cpu) if record.hardware else None,
        versions=record.versions,
        commit=record.commit,
        uncommitted_changes=record.dirty,
    )


def _metrics(run: FinishedRun, best: Configuration, comparison: Comparison) -> list[CardMetric]:
    """Those of page one, on the split that it shows; and the one that ranks where it was chosen."""
    places = [(comparison.split, metric) for metric in comparison.table_metrics]
    chosen = (comparison.chosen_on, comparison.metric)
    return [_metric(run, best, *place) for place in dict.fromkeys([*places, chosen])]


def _metric(run: FinishedRun, best: Configuration, split: str, metric: str) -> CardMetric:
    scores = best.scores(split, metric)
    seeds = over_seeds(scores) if scores else None
    low, high = interval_of(best, split, metric) or (None, None)
    return CardMetric(
        metric=metric,
        split=split,
        value=_rounded(run.score(split, metric)),
        mean=_rounded(seeds.mean if seeds else None),
        sd=_rounded(seeds.sd if seeds else None),
        low=_rounded(low),
        high=_rounded(high),
        repeats=best.repeats_text,
    )


def _classes(best: Configuration, comparison: Comparison) -> list[CardClass]:
    metric, split = CLASS_METRICS[comparison.task][-1], comparison.split
    return [
        CardClass(
            name=name,
            count=count,
            metric=metric,
            value=_mean(best.class_scores(split, name, metric)),
            low=_rounded(ends[0]),
            high=_rounded(ends[1]),
        )
        for name, count in best.classes(split, comparison.task_metrics.class_count).items()
        for ends in [class_interval_of(best, split, name, metric) or (None, None)]
    ]


def _errors(best: Configuration, comparison: Comparison) -> list[CardError]:
    """None without boxes."""
    names = {kind: METRIC.format(kind) for kind in KINDS} if comparison.task == "detect" else {}
    return [
        CardError(
            kind=kind,
            cost=_mean(best.scores(comparison.split, metric)),
            low=_rounded(ends[0]),
            high=_rounded(ends[1]),
        )
        for kind, metric in names.items()
        for ends in [interval_of(best, comparison.split, metric) or (None, None)]
    ]


def _mean(values: list[float]) -> float | None:
    return _rounded(over_seeds(values).mean) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DIGITS)
