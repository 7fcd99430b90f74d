"""The recorded results of an experiment at a revision, read from git and DVC's cache without a
checkout.

They are copied into a folder with the layout of a project, so that `plot` and `report` can read
them, under names that begin with the label of the revision:

    results/comparison/runs/<label>:<run>/   record, speed, predictions
    results/comparison/history/<label>:<run>.csv
    data/sets/<data set>/, data/clean/<source>/, data/raw/<source>.sha256
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fairtrial import DataError, SettingsError
from fairtrial.data.certificate import read_certificate
from fairtrial.files.csvfile import read_rows
from fairtrial.files.modelfile import write_model
from fairtrial.files.yamlfile import read_yaml_text
from fairtrial.lineage import guard
from fairtrial.lineage.guard import Problem
from fairtrial.lineage.made import MadeRecord, made_file
from fairtrial.planning.config_files import PARAMS
from fairtrial.training.record import read_record

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

WORKSPACE = "workspace"  # DVC's name for the present files of the project
READ = ("record.json", "val.json", "test.json", "annotations.json", "split.json")
RUN_FILES = ("record.json", "predictions/val.json", "predictions/test.json")


@dataclass(frozen=True)
class Revision:
    """The experiment `experiment` at the git revision or DVC experiment `name`.

    label: stands for the revision in the names of runs; files: a file system with the project's
    folder of that revision as its root.
    """

    name: str
    experiment: str
    label: str
    files: AbstractFileSystem

    @property
    def results(self) -> str:
        return f"results/{self.experiment}"

    def runs(self) -> list[str]:
        """The runs in the order of the experiment's report. Raises DataError without a report."""
        try:
            table = self.bytes(f"{self.results}/runs.csv").decode("utf-8")
        except FileNotFoundError as error:
            raise DataError(
                f"{self.name}: no report of the experiment {self.experiment} is recorded there "
                f"({self.results}/runs.csv), or DVC's cache lacks it. Finish it and record it by "
                f"`dvc repro`; or name one that is there, {self.name}:<experiment>; or fetch "
                "it from a remote by `dvc exp pull <name>` or `dvc fetch --all-commits`"
            ) from error
        return [row["run"] for row in read_rows(io.StringIO(table))]

    def bytes(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError where the revision has none, and DataError
        where DVC's cache lacks it."""
        return _content(self.files, path, self.name)


def _content(files: AbstractFileSystem, path: str, revision: str) -> bytes:
    try:
        content: bytes = files.cat_file(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # DVC has many: not in the cache, no remote, no access
        raise DataError(
            f"{revision}: {path} is recorded, but its content is not in DVC's cache: "
            f"{error}. `dvc exp pull <experiment>` or `dvc fetch --all-commits` gets it from "
            "a remote"
        ) from error
    return content


@contextmanager
def open_revision(text: str) -> Iterator[Revision]:
    """Open `<revision>:<experiment>`; `<revision>` alone has the experiment that its params.yaml
    names. Raises SettingsError where there is no such revision."""
    name, _, experiment = text.partition(":")
    with _file_system(name) as files:
        label = text.replace("/", "_").replace(":", ".")
        yield Revision(name, experiment or _experiment(files, name), label, files)


@contextmanager
def _file_system(revision: str) -> Iterator[AbstractFileSystem]:
    from fsspec.implementations.dirfs import DirFileSystem

    if revision == WORKSPACE:
        from fsspec.implementations.local import LocalFileSystem

        yield DirFileSystem(str(Path.cwd()), LocalFileSystem())
        return
    from dvc.exceptions import DvcException
    from dvc.fs import DVCFileSystem
    from dvc.scm import SCMError

    try:
        files = DVCFileSystem(rev=revision, subrepos=True)  # for a project in a subfolder
        repository = files.repo
    except (DvcException, SCMError) as error:
        raise SettingsError(
            f"{revision}: neither a git revision nor an experiment of DVC ({error}). "
            "`dvc exp show` lists experiments; `workspace` stands for the present files"
        ) from error
    below = Path.cwd().resolve().relative_to(repository.scm.root_dir).as_posix()
    with repository:
        yield files.fs if below == "." else DirFileSystem(below, files.fs)


def _experiment(files: AbstractFileSystem, revision: str) -> str:
    """The experiment that params.yaml names there."""
    try:
        text = _content(files, PARAMS, revision).decode("utf-8")
    except FileNotFoundError as error:
        raise SettingsError(f"{revision}: has no {PARAMS}") from error
    return str(read_yaml_text(text, f"{revision}: {PARAMS}").get("experiment"))


# --------------------------------------------------------------------------- copies


def copy_runs(revision: Revision, root: Path) -> list[str]:
    """Copy every run, with its data set, below `root`; returns their names there,
    `<label>:<run>`.

    Raises DataError where a file is not the one that its job recorded there.
    """
    results = root / "results" / "comparison"
    datasets: dict[str, str] = {}  # names below `root`
    names = []
    for run in revision.runs():
        name = f"{revision.label}:{run}"
        source, target = f"{revision.results}/runs/{run}", results / "runs" / name
        for file in RUN_FILES:
            _copy(revision, f"{source}/{file}", target / file)
        _refuse_changed(revision, run, read_record(target / "record.json").dataset)
        _copy_if_recorded(revision, f"{source}/speed.json", target / "speed.json")
        history = results / "history" / f"{name}.csv"
        if not read_record(target / "record.json").elsewhere:
            _copy(revision, f"{revision.results}/history/{run}.csv", history)
        _rename(target / "record.json", revision, root, datasets)
        names.append(name)
    return names


def _refuse_changed(revision: Revision, run: str, dataset: str) -> None:
    """Raise DataError where a run's record, predictions or data set are not the bytes that their
    jobs wrote, or predictions were made from other weights. A release before the records has
    nothing to compare."""
    made = [made_file(stage, run, revision.experiment) for stage in ("train", "receive", "predict")]
    records = _records(revision, [*made, made_file("split", dataset)])
    problems = guard.foreign_inputs(records)
    for path, record in records.items():
        problems += guard.contradictions(path, record, ())
        for name, total in record.outputs.items():
            if name.endswith(READ) and hashlib.sha256(revision.bytes(name)).hexdigest() != total:
                problems.append(Problem(name, "was changed since it was made", path))
    if problems:
        raise DataError(f"{revision.name}: not what was made:\n{guard.listed(sorted(problems))}")


def _records(revision: Revision, made: list[str]) -> dict[str, MadeRecord]:
    """The records of jobs that a revision has, by path."""
    records = {}
    for path in made:
        with suppress(FileNotFoundError):
            try:
                records[path] = MadeRecord.model_validate_json(revision.bytes(path))
            except ValidationError as error:
                raise DataError(f"{revision.name}: {path}: no record of a job") from error
    return records


def _rename(file: Path, revision: Revision, root: Path, datasets: dict[str, str]) -> None:
    """Rewrite a record with the label of its revision in its names and as a setting.

    datasets: names of data sets below `root`; one that is missing is copied and added.
    """
    record = read_record(file)
    if record.dataset not in datasets:
        datasets[record.dataset] = _copy_dataset(revision, record.dataset, root)
    renamed = {
        "run": f"{revision.label}:{record.run}",
        "configuration": f"{revision.label}:{record.configuration}",
        "dataset": datasets[record.dataset],
        "settings": record.settings | {"revision": revision.label},
    }
    write_model(file, record.model_copy(update=renamed))


def _copy_dataset(revision: Revision, name: str, root: Path) -> str:
    """Copy a data set below `root`; returns its name there. Equal data sets of several revisions
    share a copy; one that differs from an earlier one of its name gets `@<label>`."""
    folder = f"data/sets/{name}"
    annotations = revision.bytes(f"{folder}/annotations.json")
    certificate = revision.bytes(f"{folder}/split.json")
    for suffix in ("", f"@{revision.label}"):
        target = root / "data/sets" / f"{name}{suffix}"
        if not target.exists():
            target.mkdir(parents=True)
            (target / "annotations.json").write_bytes(annotations)
            (target / "split.json").write_bytes(certificate)
            _copy_source(revision, target, suffix, root)
            (target / "as_recorded.json").write_bytes(certificate)
        equal = (target / "annotations.json").read_bytes() == annotations
        if equal and (target / "as_recorded.json").read_bytes() == certificate:
            return target.name
    raise AssertionError(f"two data sets {name} at {revision.name}")


def _copy_source(revision: Revision, dataset: Path, suffix: str, root: Path) -> None:
    """Copy the quality report and the manifest of the source of a data set, and rename the source
    by `suffix`."""
    certificate = read_certificate(dataset / "split.json")
    source, target = certificate.source, f"{certificate.source}{suffix}"
    write_model(dataset / "split.json", certificate.model_copy(update={"source": target}))
    quality = root / "data/clean" / target / "quality.json"
    _copy_if_recorded(revision, f"data/clean/{source}/quality.json", quality)
    _copy_if_recorded(revision, f"data/raw/{source}.sha256", root / f"data/raw/{target}.sha256")


def copy_image(revision: Revision, source: str, file_name: str, root: Path) -> None:
    """Copy one image of a source (named as below `root`), unless it is there already."""
    recorded = source.removesuffix(f"@{revision.label}")
    target = root / "data/clean" / source / "images" / file_name
    if not target.exists():
        _copy_if_recorded(revision, f"data/clean/{recorded}/images/{file_name}", target)


def _copy(revision: Revision, path: str, target: Path) -> None:
    try:
        content = revision.bytes(path)
    except FileNotFoundError as error:
        raise DataError(f"{revision.name}: {path} is not recorded there") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _copy_if_recorded(revision: Revision, path: str, target: Path) -> None:
    with suppress(DataError):
        _copy(revision, path, target)
