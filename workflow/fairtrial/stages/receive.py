"""receive: predictions that were made elsewhere become those of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.data import dataset as datasets
from fairtrial.data.certificate import SplitCertificate, read_certificate
from fairtrial.data.dataset import Dataset
from fairtrial.data.source_ids import SourceIds
from fairtrial.files import checksums
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.scoring.foreign_names import ForeignImages, own_classes, stated_classes
from fairtrial.scoring.foreign_predictions import ForeignNames, read
from fairtrial.scoring.predictions import CocoRow, write_predictions
from fairtrial.settings.elsewhere import ELSEWHERE
from fairtrial.settings.run_name import RunName
from fairtrial.settings.stages import ReceiveSettings
from fairtrial.store import keys
from fairtrial.training.commits import commit
from fairtrial.training.record import ForeignFile, RecordedInputs, RunRecord


def receive(
    *,
    settings: ReceiveSettings,
    run: str,
    dataset: str,
    raw: Path,
    source_ids: Path,
    annotations: Path,
    split: Path,
    val: Path,
    test: Path,
    record: Path,
) -> None:
    """Take predictions that were made elsewhere for those of a run.

    They are matched by file name or the source's own id, and by class name. What matches no image
    of its split, or no class, is refused.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        run: the run's name
        dataset: the data set's name
        raw: the folder of the raw files of all sources
        source_ids: what the source of the images calls them and its classes
        annotations: the data set's annotations
        split: the data set's split certificate
        val: file to write: predictions on val
        test: file to write: predictions on test
        record: file to write: which files they come from

    Raises:
        DataError: a file does not fit the data set
    """
    whole, certificate = datasets.read(annotations), read_certificate(split)
    if whole.task != "detect":
        raise DataError(
            f"{annotations}: holds classes of whole images; predictions from elsewhere are boxes"
        )
    ids = read_model(source_ids, SourceIds)
    given = {"val": settings.predictions.val, "test": settings.predictions.test}
    files = {name: raw / path for name, path in given.items() if path}
    if "test" not in files and certificate.labelled["test"]:
        raise DataError(f"{run}: `predictions` has no `test`, and {dataset} has test images")
    if "val" not in files and not certificate.labelled["test"]:
        raise DataError(
            f"{run}: `predictions` has no `val`, and {dataset} has no test images with labels"
        )
    names = {name: _names(settings, whole, certificate, ids, name) for name in files}
    by_split = _read_all(files, names)
    for name, path in (("val", val), ("test", test)):
        if name == "val" and name not in by_split:
            write_predictions(None, path)
            print("val: no predictions, so no confidence is chosen")
            continue
        rows, left_out = by_split.get(name, ([], 0))
        write_predictions(rows, path)
        print(f"{name}: {len(rows)} detections; {left_out} of no class of the data set left out")
    sums = {
        name: ForeignFile(path=str(given[name]), sha256=_sha256(f)) for name, f in files.items()
    }
    inputs = _inputs(annotations, certificate)
    write_model(record, _record(settings, RunName.parse(run), dataset, inputs, sums))


def _read_all(
    files: Mapping[str, Path], names: Mapping[str, ForeignNames]
) -> dict[str, tuple[list[CocoRow], int]]:
    """What `read` gives for each split. Raises DataError with what is wrong in any of them."""
    by_split, problems = {}, []
    for split, file in files.items():
        try:
            by_split[split] = read(file, names[split])
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    return by_split


def _names(
    settings: ReceiveSettings,
    whole: Dataset,
    certificate: SplitCertificate,
    ids: SourceIds,
    split: str,
) -> ForeignNames:
    try:
        stated = settings.class_ids and stated_classes(settings.class_ids, whole.categories)
    except ValueError as error:
        raise SettingsError(f"`class_ids`: {error}") from error
    return ForeignNames(
        images=ForeignImages.of(whole.images, ids, certificate.splits[split], split),
        stated=stated or None,
        own=own_classes(ids, certificate.class_map, whole.categories),
    )


def _sha256(path: Path) -> str:
    if path.is_file():
        return checksums.sha256(path)
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*.txt"))
    sums = checksums.sha256_of(path, names)
    lines = "".join(f"{sums[name]}  {name}\n" for name in names)
    return hashlib.sha256(lines.encode()).hexdigest()


def _inputs(annotations: Path, certificate: SplitCertificate) -> RecordedInputs:
    return RecordedInputs(
        annotations=checksums.sha256(annotations),
        split=keys.key(certificate.splits),
        pretrained=None,
        continues=None,
    )


def _record(
    settings: ReceiveSettings,
    run: RunName,
    dataset: str,
    inputs: RecordedInputs,
    given: Mapping[str, ForeignFile],
) -> RunRecord:
    """A record in which all that is not known of the training is None or empty."""
    present = commit()
    return RunRecord(
        run=str(run),
        configuration=run.without_seed,
        dataset=dataset,
        seed=run.seed,
        backend=ELSEWHERE,
        settings={"seed": run.seed, "replicate": 1} | settings.model_dump(mode="json"),
        elsewhere=dict(given),
        inputs=inputs,
        key="",
        code="",
        continued_from=None,
        adopted=False,
        best_epoch=None,
        epochs_run=0,
        model=None,
        weights_sha256=None,
        deviations=[],
        seconds=None,
        gpu_seconds=None,
        hardware=None,
        versions={},
        commit=present.sha,
        commit_date=present.date,
        commit_author=present.author,
        commit_problem=present.problem,
        dirty=present.dirty,
        slurm=None,
        attempts=[],
        resumed=False,
    )
