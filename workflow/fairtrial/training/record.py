"""record.json of a run: what was trained, from what, on which machine and how long.

The store's entry of a training holds a `TrainingRecord`: what the training itself knows. The
stage `train` adds which run of which experiment it is: a `RunRecord`, which lies under results/.
"""

from __future__ import annotations

from operator import not_
from pathlib import Path
from typing import Any

from pydantic import Field

from fairtrial.files.modelfile import FileModel, read_model
from fairtrial.training.attempts import Attempt
from fairtrial.training.contract import ModelSize
from fairtrial.training.inputs import TrainingInputs
from fairtrial.training.provenance import Hardware, SlurmJob

RECORD = "record.json"


class TrainingRecord(FileModel):
    """What a training knows of itself, whichever run or trial asked for it.

    weights_sha256: of the tensors in weights.pt; None for a file that is not torch's.
    deviations: why the result may differ from that of an uninterrupted training on the CPU.
    cautions: what else a reader should know, such as a setting that this machine did without.
    gpu_seconds: None without a GPU. commit: of git, when the workflow began; commit_problem: why
    there is none, where one was to be expected; dirty: files differed from it. attempts: of all
    processes, in their order. model, seconds and hardware are None where it was trained elsewhere.
    """

    best_epoch: int | None
    epochs_run: int
    model: ModelSize | None
    weights_sha256: str | None
    deviations: list[str]
    cautions: list[str] = Field(default_factory=list, exclude_if=not_)
    seconds: float | None
    gpu_seconds: float | None
    hardware: Hardware | None
    versions: dict[str, str]
    commit: str | None
    commit_date: str = Field(default="", exclude_if=not_)
    commit_author: str = Field(default="", exclude_if=not_)
    commit_problem: str = Field(default="", exclude_if=not_)
    dirty: bool
    slurm: SlurmJob | None
    attempts: list[Attempt]
    resumed: bool


class PretrainedCheckpoint(FileModel):
    """The checkpoint that a training started from: <source>/<file> and the file's SHA-256."""

    path: str
    sha256: str


class RecordedInputs(FileModel):
    """What a training read, by content.

    annotations: the file's SHA-256; split: a key of the splits; continues: the store's key of
    the training that this one goes on from.
    """

    annotations: str
    split: str
    pretrained: PretrainedCheckpoint | None
    continues: str | None

    @classmethod
    def of(cls, inputs: TrainingInputs, path: str | None) -> RecordedInputs:
        """The inputs of a training whose setting `pretrained` is `path`."""
        sha256 = inputs.pretrained
        pretrained = PretrainedCheckpoint(path=path, sha256=sha256) if path and sha256 else None
        return cls(
            annotations=inputs.annotations,
            split=inputs.split,
            pretrained=pretrained,
            continues=inputs.continues,
        )


class StartedFrom(FileModel):
    """What gave a run some of its settings: a configuration of another experiment, or a trial of a
    study, by the study's name and the trial's number. Or its weights: weights_of is the data set on
    which the run `name` was trained; "" for settings."""

    experiment: str
    name: str
    trial: int | None
    weights_of: str = Field(default="", exclude_if=not_)


class ForeignFile(FileModel):
    """Predictions from elsewhere: <source>/<file or folder>, and its SHA-256 (of a folder, that of
    the sorted lines `<sha256>  <file>`)."""

    path: str
    sha256: str


class RunRecord(TrainingRecord):
    """A run of an experiment.

    settings: those of the backend; key: that of the store's entry; code: fingerprint of the code
    that fits; continued_from: the run whose end state this one went on from; started_from: what
    gave it some of its settings, or its weights; adopted: whether the entry existed; train_images:
    how many images it learned from, None in a record of an older release; elsewhere: the files of
    a run whose predictions were made elsewhere, by split, {} for one that was trained here.
    """

    run: str
    configuration: str
    dataset: str
    seed: int
    backend: str
    settings: dict[str, Any]
    key: str
    code: str
    inputs: RecordedInputs
    continued_from: str | None
    started_from: list[StartedFrom] = Field(default_factory=list, exclude_if=not_)
    from_search: Any = Field(default=None, exclude=True)  # in a record of an older release
    adopted: bool
    train_images: int | None = None
    elsewhere: dict[str, ForeignFile] = Field(default_factory=dict, exclude_if=not_)


def read_record(path: Path) -> RunRecord:
    """record.json of a run. Raises DataError naming the file and the key that does not fit."""
    return read_model(path, RunRecord)
