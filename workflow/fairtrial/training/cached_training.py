"""One training, and the entry of the store that holds its result.

A run of an experiment and a trial of a search that have equal settings share one entry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from fairtrial import BackendError, StoreError
from fairtrial.data.dataset import SplitDataset
from fairtrial.devices import pinning
from fairtrial.files.modelfile import write_model
from fairtrial.plugins import plugin
from fairtrial.store import entries, keys, sums
from fairtrial.training import checkpoint, commits, digest, provenance, saving
from fairtrial.training.attempts import ATTEMPTS, Attempt, CurrentAttempt
from fairtrial.training.contract import AfterEpoch, FitResult
from fairtrial.training.effects import effects_of, idle_in_job
from fairtrial.training.inputs import TrainingInputs
from fairtrial.training.record import RECORD, TrainingRecord
from fairtrial.training.settings import TrainingSettings

# A package to which a framework reports by itself once it is installed; `fairtrial track` does.
UNASKED = "mlflow"


@dataclass(frozen=True)
class Training:
    """One training.

    settings: the backend's `Settings`; code: fingerprint of the code that fits; data: a function
    that reads the data set, called only where something is trained; pretrained: the checkpoint to
    start from; None from scratch; most_lost: seconds of work that a kill may lose beside an epoch.
    """

    backend: str
    settings: TrainingSettings
    code: str
    inputs: TrainingInputs
    data: Callable[[], SplitDataset]
    pretrained: Path | None
    threads: int
    most_lost: float = 0.0

    @property
    def key(self) -> str:
        """The training's name in the store."""
        return entry_key(self.backend, self.settings, self.code, self.inputs)


def backend_settings(backend: str, values: Mapping[str, object]) -> TrainingSettings:
    """Values by key as the `Settings` of a backend. Raises BackendError where they do not fit."""
    model: type[TrainingSettings] = plugin("backends", backend).Settings
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise BackendError(f"{backend}: `{key}`: {first['msg']}") from error


def entry_key(backend: str, settings: TrainingSettings, code: str, inputs: TrainingInputs) -> str:
    """The name of a training in the store: everything that determines its result.

    Never a name, a path or a time: the pretrained checkpoint counts by its content, which is
    among `inputs`. A setting at the default of the backend's `Settings` is left out: only what
    was added after the first release has a default, and so changes no older key.
    """
    fields = type(settings).model_fields
    values = settings.model_dump(mode="json")
    counted = {k: v for k, v in values.items() if not _is_default(fields[k], v)}
    return keys.key([backend, counted | {"pretrained": None}, code, asdict(inputs)])


def _is_default(field: FieldInfo, value: object) -> bool:
    """Whether a setting, as plain JSON value, is the default of its field."""
    if field.is_required():
        return False
    default = to_jsonable_python(field.get_default(call_default_factory=True))
    return isinstance(value, bool) == isinstance(default, bool) and value == default


def train_or_adopt(training: Training, after_epoch: AfterEpoch) -> tuple[Path, bool]:
    """The store's entry of a training, which is trained unless the entry exists (is adopted).

    Returns the entry and whether it existed. after_epoch: called with the row of each epoch at
    its end, may raise. An interrupted training is resumed. Raises BackendError,
    StoreError, and what `after_epoch` raises.
    """
    fit = plugin("backends", training.backend).fit

    def train(folder: Path) -> None:
        pinning.take()
        earlier_epochs = _copy_end_state(training.inputs.continues, folder)
        attempt = CurrentAttempt(folder, after_epoch, earlier_epochs)
        data = training.data()
        lock = partial(entries.require_lock, folder)
        saved = saving.saved_in_background(folder, training.most_lost, lock)
        with saved, _hidden(UNASKED):
            result = fit(
                training.settings.model_copy(update={"train_share": 1.0}),  # `data` has that only
                data,
                training.pretrained,
                folder,
                training.threads,
                attempt.after_epoch,
            )
        record = _record(result, attempt.all(), training.threads, folder / checkpoint.WEIGHTS)
        cautions = [*result.cautions, *_idle_here(training, data, record)]
        write_model(folder / RECORD, record.model_copy(update={"cautions": cautions}))
        (folder / ATTEMPTS).unlink()
        (folder / checkpoint.DAMAGED).unlink(missing_ok=True)

    return entries.obtain("runs", training.key, train, may_lack=(checkpoint.STATE,))


def _idle_here(training: Training, data: SplitDataset, record: TrainingRecord) -> list[str]:
    """Settings that had no effect on this machine, or with the classes of this data set."""
    effects = effects_of(plugin("backends", training.backend))
    if not effects:
        return []
    on_gpu = record.hardware is not None and record.hardware.gpu is not None
    values, classes = training.settings.model_dump(), data.dataset.categories
    return idle_in_job(effects, values, len(classes), on_gpu)


def _copy_end_state(earlier: str | None, folder: Path) -> int:
    """Copy the end state of a finished training (a key of the store) into `folder`, unless one
    is there. Returns how many epochs it had; 0 where none is continued."""
    if earlier is None:
        return 0
    entry = entries.root() / "runs" / earlier
    if not (entry / checkpoint.STATE).is_file():
        raise StoreError(
            f"{entry}: has no end state from which a run could be continued: it was removed "
            "(gc --states), or the run was trained elsewhere. To train it again, remove this "
            "folder, and name the run's record.json to `snakemake --forcerun`."
        )
    if wrong := sums.damage(entry):
        raise StoreError(
            f"{wrong}. No run can be continued from it: to train the earlier run again, remove "
            "this folder, and name the run's record.json to `snakemake --forcerun`"
        )
    for name in (
        checkpoint.HISTORY,
        checkpoint.STATE,
    ):  # the state last: where it is there, so is the history
        if not (folder / checkpoint.STATE).exists():
            checkpoint.copy_whole(entry / name, folder / name)
    return checkpoint.epochs_done(entry)


def _record(
    result: FitResult, attempts: list[Attempt], threads: int, weights: Path
) -> TrainingRecord:
    seconds = round(sum(attempt.seconds for attempt in attempts), 3)
    hardware = provenance.hardware(threads, result.gpus)
    commit = commits.commit()
    return TrainingRecord(
        best_epoch=result.best_epoch,
        epochs_run=result.epochs_run,
        model=result.model,
        weights_sha256=digest.digest(weights),
        deviations=list(result.deviations),
        seconds=seconds,
        gpu_seconds=result.gpus * seconds if hardware.gpu else None,
        hardware=hardware,
        versions=provenance.versions(),
        commit=commit.sha,
        commit_date=commit.date,
        commit_author=commit.author,
        commit_problem=commit.problem,
        dirty=commit.dirty,
        slurm=provenance.slurm_job(),
        attempts=attempts,
        resumed=any(attempt.from_epoch > 1 for attempt in attempts[1:]),
    )


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Within it a package cannot be imported; whatever else is imported meanwhile stays so."""
    before = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before is None:
            del sys.modules[package]
        else:
            sys.modules[package] = before
