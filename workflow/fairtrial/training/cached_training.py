"""One training, whoever asks for it: the settings that all frameworks share, and the entry
of the store that holds its result.

A run of an experiment and a trial of a search with equal settings are one entry.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from fairtrial import StoreError
from fairtrial.data.dataset import SplitDataset
from fairtrial.files.modelfile import write_model
from fairtrial.plugins import plugin
from fairtrial.store import entries, keys
from fairtrial.training import checkpoint, digest, provenance
from fairtrial.training.attempts import ATTEMPTS, Attempt, CurrentAttempt
from fairtrial.training.contract import AfterEpoch, FitResult
from fairtrial.training.record import RECORD, TrainingRecord


def entry_key(
    framework: str, settings: dict[str, Any], code: str, inputs: dict[str, str | None]
) -> str:
    """The name of a training in the store: everything that determines its result.

    Never a name, a path or a time: the checkpoint that it starts from counts by its content,
    which is among `inputs`. A setting at the default of the backend's `Settings` is left out:
    only what was added after the first release has one there, and so changes no older key.
    """
    fields = plugin("backends", framework).Settings.model_fields
    told = {k: v for k, v in settings.items() if not (k in fields and _at_default(fields[k], v))}
    return keys.key([framework, told | {"pretrained": None}, code, inputs])


def _at_default(field: FieldInfo, value: object) -> bool:
    """Whether a setting, as plain JSON value, is the default of its field."""
    if field.is_required():
        return False
    default = to_jsonable_python(field.get_default(call_default_factory=True))
    return isinstance(value, bool) == isinstance(default, bool) and value == default


def train_or_adopt(
    *,
    framework: str,
    settings: dict[str, Any],
    code: str,
    inputs: dict[str, str | None],
    view: Callable[[], SplitDataset],
    pretrained: Path | None,
    threads: int,
    after_epoch: AfterEpoch,
) -> tuple[Path, bool]:
    """The store's entry of one training, and whether it was there (adopted).

    settings: those of the framework's `Settings`; code: fingerprint of the code that fits;
    inputs: checksums of `annotations`, `split` and `pretrained`, and where a finished training is
    continued, its key as `continues`; view: reads the data set, if it
    is needed; pretrained: the checkpoint to start from; after_epoch: called with each epoch's row
    once that is committed, may raise. What an interrupted attempt left is gone on from.
    Raises BackendError and StoreError, and whatever `after_epoch` raises.
    """
    fit = plugin("backends", framework).fit

    def train(folder: Path) -> None:
        earlier_epochs = _copy_end_state(inputs.get("continues"), folder)
        attempt = CurrentAttempt(folder, after_epoch, earlier_epochs)
        result = fit(settings, view(), pretrained, folder, threads, attempt.after_epoch)
        record = _record(result, attempt.all(), threads, folder / checkpoint.WEIGHTS)
        write_model(folder / RECORD, record)
        (folder / ATTEMPTS).unlink()
        (folder / checkpoint.DAMAGED).unlink(missing_ok=True)

    return entries.obtain("runs", entry_key(framework, settings, code, inputs), train)


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
    for name in (checkpoint.HISTORY, checkpoint.STATE):  # once the state is there, both are
        if not (folder / checkpoint.STATE).exists():
            checkpoint.copy_whole(entry / name, folder / name)
    return checkpoint.epochs_done(entry)


def _record(
    result: FitResult, attempts: list[Attempt], threads: int, weights: Path
) -> TrainingRecord:
    seconds = round(sum(attempt.seconds for attempt in attempts), 3)
    hardware = provenance.hardware(threads, result.gpus)
    commit, dirty = provenance.commit()
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
        commit=commit,
        dirty=dirty,
        slurm=provenance.slurm_job(),
        attempts=attempts,
        resumed=any(attempt.from_epoch > 1 for attempt in attempts[1:]),
    )
