"""The settings of the jobs of each stage, and the code that a stage calls by a name in them.

One function for each stage, from the experiment and the job's source, data set, run or study.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fairtrial.files.yamlfile import Closed, closed
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.fonts import font_files
from fairtrial.planning.idle_settings import idle_in_some
from fairtrial.planning.origins import referred_runs
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.probes import refuse_size
from fairtrial.planning.sources import formats_used
from fairtrial.plugins import plugin
from fairtrial.settings.choice import BEST, FROM, Reference
from fairtrial.settings.factors import factors_of
from fairtrial.settings.group_names import group_name
from fairtrial.settings.probes import ProbeName, ProbeSettings, size_of
from fairtrial.settings.stages import (
    PlotSettings,
    PredictClassifySettings,
    PredictDetectSettings,
    ReceiveSettings,
    ReferredResult,
    ReportSettings,
    predict_settings,
    validate_settings,
)
from fairtrial.settings.study import ChooseSettings


class PlannedJob(NamedTuple):
    """One job of a stage."""

    settings: Closed
    calls: tuple[str, ...] = ()  # entries of planning.fingerprint, beside the stage itself


def _download(experiment: PlannedExperiment, source: str) -> PlannedJob:
    settings = experiment.sources[source].download
    return PlannedJob(settings, (f"sources.{settings.kind}:fetch",))


def _convert(experiment: PlannedExperiment, source: str) -> PlannedJob:
    settings = experiment.sources[source].convert
    assert settings is not None  # else PlannedExperiment.sources has raised
    formats = formats_used(settings.format, settings.options)
    return PlannedJob(settings, tuple(f"formats.{name}:read" for name in formats))


def _split(experiment: PlannedExperiment, dataset: str) -> PlannedJob:
    named = experiment.datasets[dataset]
    settings, convert = named.of_split, experiment.sources[named.source].convert
    if settings.group_name is None and convert is not None:
        name = group_name(convert.format, convert.options)
        settings = settings.model_copy(update={"group_name": name})
    return PlannedJob(settings)


def _search(experiment: PlannedExperiment, study: str) -> PlannedJob:
    worker = experiment.studies[study].of_worker()
    settings = worker.model_copy(update={"trusted": experiment.trusted(study)})
    timed = _model_code(experiment.studies[study].start) if settings.predict else ()
    fit = f"backends.{settings.backend}:fit"
    return PlannedJob(settings, (fit, *_effects(settings.backend), *timed))


def _study(experiment: PlannedExperiment, study: str) -> PlannedJob:
    return PlannedJob(experiment.studies[study].of_study())


def _choose(experiment: PlannedExperiment, choice: str) -> PlannedJob:
    reference = Reference.of_choice(experiment.name, choice)
    study = experiment.studies.get(reference.name)
    runs = [] if study else referred_runs(experiment, reference)
    return PlannedJob(
        ChooseSettings(
            experiment=experiment.name,
            name=reference.name,
            runs=tuple(run.name for run in runs),
            rank_by=experiment.rank_by if reference.best is None else str(reference.best),
            study=study.chosen_from(reference.best) if study else None,
        )
    )


def _train(experiment: PlannedExperiment, run: str) -> PlannedJob:
    training = experiment.runs[run].train_settings
    settings = training.model_copy(update={"trusted": experiment.trusted(run)})
    return PlannedJob(settings, (f"backends.{settings.backend}:fit", *_effects(settings.backend)))


def _receive(experiment: PlannedExperiment, name: str) -> PlannedJob:
    settings = experiment.runs[name].settings
    content = {key: settings[key] for key in ReceiveSettings.model_fields}
    return PlannedJob(closed(ReceiveSettings, content, experiment.file))


def _predict(experiment: PlannedExperiment, name: str) -> PlannedJob:
    return PlannedJob(_model(experiment, name), _model_code(experiment.runs[name]))


def _model(
    experiment: PlannedExperiment, name: str
) -> PredictDetectSettings | PredictClassifySettings:
    """The model of a run, and how it predicts."""
    run, section = experiment.runs[name], experiment.params["predict"]
    settings = predict_settings(run.task, section, run.backend, run.settings["imgsz"])
    trusted = run.settings["epochs"] == 0 and bool(experiment.trusted(name))
    return settings.model_copy(update={"trusted": True}) if trusted else settings


def _model_code(run: PlannedRun) -> tuple[str, ...]:
    model = {"detect": "detector", "classify": "classifier"}[run.task]
    return (f"backends.{run.backend}:{model}",)


def _validate(experiment: PlannedExperiment, name: str) -> PlannedJob:
    task = experiment.runs[name].task
    settings = validate_settings(task, experiment.params["validate"])
    return PlannedJob(settings, (f"scoring.{task}:score",))


def _probe(experiment: PlannedExperiment, name: str) -> PlannedJob:
    of_run, probe = ProbeName.parse(name)
    run, size = experiment.runs[of_run], size_of(probe)
    model = _model(experiment, of_run).model_copy(update={"batches": ()})  # timed at batch 1 alone
    if size is not None:
        refuse_size(run, size)
        model = model.model_copy(update={"imgsz": size})
    settings = ProbeSettings(
        of="train" if size is None else "size",
        predict=model,
        scoring=validate_settings(run.task, experiment.params["validate"]),
        train_share=run.settings.get("train_share", 1.0) if size is None else 1.0,
    )
    return PlannedJob(settings, (*_model_code(run), f"scoring.{run.task}:score"))


def _batch(experiment: PlannedExperiment, name: str) -> PlannedJob:
    training = experiment.runs[name].train_settings
    # the settings are read in the job, and these say what of them is equal
    read = "scoring.fitness:normalised"
    return PlannedJob(training, (f"backends.{training.backend}:first_batch", read))


def _plot(experiment: PlannedExperiment, _: str) -> PlannedJob:
    settings = PlotSettings(**experiment.params["plot"], **_results(experiment))
    return PlannedJob(settings, ("figures/",))  # plot draws every module of it


def _report(experiment: PlannedExperiment, _: str) -> PlannedJob:
    settings = ReportSettings(
        experiment=experiment.name,
        title=experiment.settings.title,
        question=experiment.settings.question,
        origins=tuple(ReferredResult(**r._asdict()) for r in experiment.references),
        idle=tuple(idle_in_some(experiment.runs, experiment.studies, experiment.settings)),
        metrics=experiment.table_metrics,
        html_conf=experiment.params["report"]["html_conf"],
        max_det=experiment.params["validate"]["max_det"],
        licence=experiment.settings.licence,
        seen=experiment.seen_by_checkpoints,
        licences={n: terms.licence for n, terms in experiment.terms.items() if terms.licence},
        **_results(experiment),
    )
    backends = {run.backend for run in experiment.runs.values() if not run.is_elsewhere}
    declared = (
        entry
        for backend in sorted(backends)
        for entry in (*_effects(backend), *_declared(backend, "size_note"))
    )
    return PlannedJob(settings, ("report/template/", "report/page/", *declared))


def _effects(backend: str) -> tuple[str, ...]:
    """When its settings act: the cautions of a training's record and of the report depend on it.

    No part of a store's key, so that a finished training is taken as it is.
    """
    return _declared(backend, "EFFECTS")


def _declared(backend: str, name: str) -> tuple[str, ...]:
    """What a backend may declare, as an entry of a fingerprint; none where it does not."""
    return (f"backends.{backend}:{name}",) if hasattr(plugin("backends", backend), name) else ()


def _results(experiment: PlannedExperiment) -> dict[str, Any]:
    """The settings that plot and report share: they rank alike, and show the same runs."""
    return {
        "runs": tuple(experiment.runs),
        "studies": tuple(experiment.studies),
        "sweeps": tuple(name for name in experiment.settings.sweep if name not in {FROM, BEST}),
        "factors": factors_of(experiment.settings.grid),
        "timings": experiment.params["report"]["timings"],
        "rank_by": experiment.rank_by,
        "probes": tuple(dict.fromkeys(name.probe for name in experiment.probes)),
        "fonts": font_files(experiment.params["report"].get("fonts", ())),
        "html_mb": experiment.params["report"]["html_mb"],
        "unshared": tuple(n for n, terms in experiment.terms.items() if not terms.share),
    }


STAGES: dict[str, Callable[[PlannedExperiment, str], PlannedJob]] = {
    "download": _download,
    "convert": _convert,
    "split": _split,
    "search": _search,
    "study": _study,
    "choose": _choose,
    "train": _train,
    "receive": _receive,
    "predict": _predict,
    "validate": _validate,
    "probe": _probe,
    "batch": _batch,
    "plot": _plot,
    "report": _report,
}
