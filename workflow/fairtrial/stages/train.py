"""train: fits one run, in the store; the declared outputs are copies of its entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.data.certificate import read_certificate
from fairtrial.data.split_dataset import read_leak_free_dataset
from fairtrial.files import checksums
from fairtrial.files.jsonfile import read_json
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.settings.run_name import RunName
from fairtrial.settings.stages import TrainSettings
from fairtrial.store import keys
from fairtrial.training.cached_training import entry_key, train_or_adopt
from fairtrial.training.checkpoint import HISTORY, WEIGHTS, copy_whole
from fairtrial.training.progress import reported
from fairtrial.training.record import (
    RECORD,
    PretrainedCheckpoint,
    RecordedInputs,
    RunRecord,
    SearchTrial,
    TrainingRecord,
    read_record,
)


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
    chosen: Path | None,
    threads: int,
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
        chosen: settings that a search gives this run, or nothing
        threads: CPU threads
        progress: file to write after each epoch: how far the training is, for `status`
        weights: file to write: the trained weights
        record: file to write: what made them
        history: file to write: a row an epoch

    Raises:
        BackendError: the backend did not do what the settings ask for
        DataError: the split leaks
        StoreError: an entry of the store cannot be used
    """
    name = RunName.parse(run)
    earlier = read_record(continues) if continues else None
    inputs = inputs_of(annotations, split, pretrained)
    if earlier:
        inputs["continues"] = earlier.key
    backend = settings.backend
    own, trial = _own(settings, chosen)
    with reported(progress, settings, entry_key(backend, own, code, inputs)) as report:
        entry, adopted = train_or_adopt(
            framework=backend,
            settings=own,
            code=code,
            inputs=inputs,
            view=lambda: read_leak_free_dataset(annotations, split, images),
            pretrained=pretrained,
            threads=threads,
            after_epoch=report.after_epoch,
        )
        of_training = read_model(entry / RECORD, TrainingRecord)
        of_run = RunRecord(
            **dict(of_training),
            run=run,
            configuration=name.without_seed,
            dataset=dataset,
            seed=name.seed,
            backend=backend,
            settings=own,
            key=entry.name,
            code=code,
            inputs=_recorded(inputs, own["pretrained"]),
            continued_from=earlier.run if earlier else None,
            from_search=trial,
            adopted=adopted,
        )
        copy_whole(entry / WEIGHTS, weights)
        copy_whole(entry / HISTORY, history)
        write_model(record, of_run)


def _own(settings: TrainSettings, chosen: Path | None) -> tuple[dict[str, Any], SearchTrial | None]:
    """The backend's settings, with the values of the trial in the file `chosen`, and which trial
    that is."""
    if chosen is None:
        return settings.settings, None
    trial = read_json(chosen)
    values = {name: trial["values"][name] for name in settings.from_search}
    return settings.settings | values, SearchTrial(study=trial["study"], trial=trial["trial"])


def inputs_of(annotations: Path, split: Path, pretrained: Path | None) -> dict[str, str | None]:
    """What a training reads, by content: annotations, splits, the checkpoint to start from."""
    return {
        "annotations": checksums.sha256(annotations),
        "split": keys.key(read_certificate(split).splits),
        "pretrained": checksums.sha256(pretrained) if pretrained else None,
    }


def _recorded(inputs: dict[str, str | None], path: str | None) -> RecordedInputs:
    """`path`: the setting that names the pretrained checkpoint."""
    annotations, split, sha256 = (inputs[name] for name in ("annotations", "split", "pretrained"))
    assert annotations and split
    return RecordedInputs(
        annotations=annotations,
        split=split,
        pretrained=PretrainedCheckpoint(path=path, sha256=sha256) if path and sha256 else None,
        continues=inputs.get("continues"),
    )
