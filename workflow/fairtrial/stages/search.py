"""search: one worker of a search; its trials are kept in the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.data.dataset import SplitDataset
from fairtrial.data.seen_images import with_unchanged_images
from fairtrial.data.split_dataset import (
    read_leak_free_dataset,
    read_split_dataset,
    read_training_splits,
)
from fairtrial.devices import pinning
from fairtrial.files.modelfile import write_model
from fairtrial.settings.study import SearchStageSettings
from fairtrial.training.inputs import inputs_of
from fairtrial.training.unpickling import trusting

if TYPE_CHECKING:
    from fairtrial.search.costs import Timing
    from fairtrial.training.speed import Speed


def search(
    *,
    settings: SearchStageSettings,
    code: str,
    images: Path,
    annotations: Path,
    split: Path,
    pretrained: Path | None,
    first: list[Path],
    threads: int,
    lost_minutes: int,
    progress: Path,
    done: Path,
) -> None:
    """Train trials of a study until its budget is spent.

    Other workers may do so at the same time.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        code: fingerprint of the code that trains
        images: the folder of images
        annotations: the data set's annotations
        split: the data set's split certificate
        pretrained: the pretrained checkpoint that trials start from, or nothing
        first: the files of the workers of the study whose trials come first, or nothing
        threads: CPU threads
        lost_minutes: minutes of work that a kill may lose; 0: an epoch
        progress: file to write when a trial begins or ends: how far the study is, for `status`
        done: file to write when the budget is spent: the study's place in the store

    Raises:
        BackendError: no trial can be trained
        DataError: the split leaks, or an image was changed since `convert` wrote it
        StoreError: an entry of the store cannot be used
    """
    from fairtrial.search.first_trials import first_trials
    from fairtrial.search.progress import progress_writer
    from fairtrial.search.study_files import WorkerResult
    from fairtrial.search.worker import RunningStudy, work

    train_share: float = settings.start.get("train_share", 1.0)
    splits = read_training_splits(annotations, split, train_share)
    study = RunningStudy(
        settings=settings,
        code=code,
        inputs=inputs_of(annotations, splits, pretrained),
        data=lambda: with_unchanged_images(
            read_leak_free_dataset(annotations, split, images, train_share)
        ),
        pretrained=pretrained,
        threads=threads,
        most_lost=60 * lost_minutes,
        timing=_timing(settings, read_split_dataset(annotations, split, images), threads),
    )
    study = replace(study, first=first_trials(study, first))
    with trusting(settings.trusted):
        work(study, progress_writer(progress, study))
    write_model(done, WorkerResult(study=study.key))


def _timing(settings: SearchStageSettings, data: SplitDataset, threads: int) -> Timing | None:
    """How the model of a trial is timed, as `predict` times that of a run; None where its time is
    no objective."""
    from fairtrial.stages.predict import device_name, predictor, times_of
    from fairtrial.training.speed import speed_of

    by = settings.predict
    if by is None:
        return None
    pinning.share_none()

    def timing(weights: Path) -> Speed:
        pinning.take()
        with predictor(by, weights, data, threads) as predict_image:
            times = times_of(predict_image, data, by.speed_images)
        return speed_of(times, by.imgsz, device_name(), threads)

    return timing
