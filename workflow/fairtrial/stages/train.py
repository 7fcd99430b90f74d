"""train: one run, trained in the store; the outputs are copies from its entry there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import read_leak_free_dataset, read_training_splits
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.settings.choice import ChosenSettings, ChosenWeights
from fairtrial.settings.run_name import RunName
from fairtrial.settings.stages import TrainSettings
from fairtrial.training import out_of_memory
from fairtrial.training.cached_training import Training, backend_settings, train_or_adopt
from fairtrial.training.checkpoint import HISTORY, WEIGHTS, copy_whole
from fairtrial.training.inputs import inputs_of
from fairtrial.training.progress import reported
from fairtrial.training.record import (
    RECORD,
    RecordedInputs,
    RunRecord,
    StartedFrom,
    TrainingRecord,
    read_record,
)
from fairtrial.training.unpickling import trusting


def train(
    *,
    settings: TrainSettings,
    run: str,
    dataset: str,
    code: str,
    images: Path,
    annotations: Path,
    split: Path,
    pretrained: Path | None,
    continues: Path | None,
    start: list[Path],
    chosen_weights: Path | None,
    threads: int,
    lost_minutes: int,
    progress: Path,
    weights: Path,
    record: Path,
    history: Path,
) -> None:
    """Train one run, or take it from the store where an equal one is finished.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        run: the run's name
        dataset: the data set's name
        code: fingerprint of the code that trains
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        pretrained: the pretrained checkpoint to start from, or nothing
        continues: record.json of the run from whose end state this one goes on, or nothing
        start: what was chosen to give the run some of its settings, or nothing
        chosen_weights: which weights of another experiment `pretrained` are, or nothing
        threads: CPU threads
        lost_minutes: minutes of work that a kill may lose; 0: an epoch
        progress: file to write after each epoch: how far the training is, for `status`
        weights: file to write: the trained weights
        record: file to write: settings, inputs, versions, hardware and attempts of the training
        history: file to write: a row an epoch

    Raises:
        BackendError: the backend did not do what the settings ask for
        DataError: the split leaks, or an image was changed since `convert` wrote it
        StoreError: an entry of the store cannot be used
    """
    earlier = read_record(continues) if continues else None
    started = [_started(read_model(path, ChosenSettings)) for path in start]
    if chosen_weights and pretrained:
        started.append(_with_weights(chosen_weights, pretrained))
    resolved = backend_settings(settings.backend, settings.settings)
    splits = read_training_splits(annotations, split, resolved.train_share)
    training = Training(
        backend=settings.backend,
        settings=resolved,
        code=code,
        inputs=inputs_of(annotations, splits, pretrained, earlier.key if earlier else None),
        data=lambda: with_unchanged_images(
            read_leak_free_dataset(annotations, split, images, resolved.train_share)
        ),
        pretrained=pretrained,
        threads=threads,
        most_lost=60 * lost_minutes,
    )
    with reported(progress, settings, training.key) as report, trusting(settings.trusted):
        with out_of_memory.helped(*out_of_memory.training(run, resolved.batch)):
            entry, adopted = train_or_adopt(training, report.after_epoch)
        of_training = read_model(entry / RECORD, TrainingRecord)
        of_run = _of_run(RunName.parse(run), dataset, adopted, earlier, started)
        of_run |= {"train_images": len(splits["train"])}
        copy_whole(entry / WEIGHTS, weights)
        copy_whole(entry / HISTORY, history)
        write_model(record, RunRecord(**dict(of_training), **of_run, **_of_settings(training)))


def _started(chosen: ChosenSettings) -> StartedFrom:
    """For the record: what gave a run some of its settings."""
    return StartedFrom(experiment=chosen.experiment, name=chosen.name, trial=chosen.trial)


def _with_weights(chosen: Path, pretrained: Path) -> StartedFrom:
    """For the record: what gave a run the weights that it starts from."""
    weights = read_model(chosen, ChosenWeights)
    run = next(run for run in weights.runs if run.run == pretrained.parent.name)
    return StartedFrom(
        experiment=weights.experiment, name=run.run, trial=None, weights_of=run.dataset
    )


def _of_run(
    run: RunName,
    dataset: str,
    adopted: bool,
    earlier: RunRecord | None,
    started: list[StartedFrom],
) -> dict[str, Any]:
    """The part of a run's record that says which run it is."""
    return {
        "run": str(run),
        "configuration": run.without_seed,
        "dataset": dataset,
        "seed": run.seed,
        "adopted": adopted,
        "continued_from": earlier.run if earlier else None,
        "started_from": started,
    }


def _of_settings(training: Training) -> dict[str, Any]:
    """The part of a run's record that says what determined its training."""
    settings = training.settings
    return {
        "backend": training.backend,
        "settings": settings.model_dump(mode="json"),
        "key": training.key,
        "code": training.code,
        "inputs": RecordedInputs.of(training.inputs, settings.pretrained),
    }
