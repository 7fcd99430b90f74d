"""What an experiment left at a revision, read from git and DVC's cache: nothing is checked out.

Copied into a folder of its own, in which figures and report find it where they would in a
project, under names that tell the revisions apart:

    results/comparison/runs/<label>:<run>/   record, speed, predictions
    results/comparison/history/<label>:<run>.csv
    data/sets/<data set>/, data/clean/<source>/, data/raw/<source>.sha256
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairtrial import DataError, SettingsError
from fairtrial.data.certificate import read_certificate
from fairtrial.files.jsonfile import read_json, write_json
from fairtrial.files.modelfile import write_model
from fairtrial.files.yamlfile import read_yaml_text
from fairtrial.planning.config_files import PARAMS

WORKSPACE = "workspace"  # DVC's name for what lies in the project's folder now
OF_A_RUN = ("record.json", "predictions/val.json", "predictions/test.json")


@dataclass
class Recorded:
    """The experiment `experiment` at `revision`; `label` tells it apart in names of runs."""

    revision: str
    experiment: str
    label: str
    files: Any  # a file system with the project's folder as its root

    @property
    def results(self) -> str:
        return f"results/{self.experiment}"

    def runs(self) -> list[str]:
        """The runs in the order of its report."""
        try:
            text = self.text(f"{self.results}/runs.csv")
        except FileNotFoundError as error:
            raise DataError(
                f"{self.revision}: no report of the experiment {self.experiment} is recorded there "
                f"({self.results}/runs.csv), or DVC's cache lacks it. Finish it and record it by "
                f"`dvc repro`; or name one that is there, {self.revision}:<experiment>; or fetch "
                "it from a remote by `dvc exp pull <name>` or `dvc fetch --all-commits`"
            ) from error
        return [row["run"] for row in csv.DictReader(io.StringIO(text))]

    def text(self, path: str) -> str:
        return self.bytes(path).decode("utf-8")

    def bytes(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError where the revision has none."""
        try:
            content: bytes = self.files.cat_file(path)
        except FileNotFoundError:
            raise
        except Exception as error:  # DVC's many: not in the cache, no remote, no access
            raise DataError(
                f"{self.revision}: {path} is recorded, but its content is not in DVC's cache: "
                f"{error}. `dvc exp pull <experiment>` or `dvc fetch --all-commits` gets it from "
                "a remote"
            ) from error
        return content


@contextmanager
def opened(name: str) -> Iterator[Recorded]:
    """`<revision>` or `<revision>:<experiment>`; without one it is that of params.yaml there."""
    revision, _, experiment = name.partition(":")
    with _files(revision) as files:
        found = Recorded(revision, experiment, name.replace("/", "_").replace(":", "."), files)
        if not experiment:
            found.experiment = _experiment(found)
        yield found


@contextmanager
def _files(revision: str) -> Iterator[Any]:
    if revision == WORKSPACE:
        from fsspec.implementations.dirfs import DirFileSystem
        from fsspec.implementations.local import LocalFileSystem

        yield DirFileSystem(str(Path.cwd()), LocalFileSystem())
        return
    from dvc.exceptions import DvcException
    from dvc.fs import DVCFileSystem
    from dvc.scm import SCMError

    try:
        files = DVCFileSystem(rev=revision)
        opened_at = files.repo
    except (DvcException, SCMError) as error:
        raise SettingsError(
            f"{revision}: neither a git revision nor an experiment of DVC ({error}). "
            "`dvc exp show` lists experiments; `workspace` is what lies here"
        ) from error
    with opened_at:
        yield files.fs


def _experiment(found: Recorded) -> str:
    try:
        params = read_yaml_text(found.text(PARAMS), f"{found.revision}: {PARAMS}")
    except FileNotFoundError as error:
        raise SettingsError(f"{found.revision}: has no {PARAMS}") from error
    return str(params.get("experiment"))


# --------------------------------------------------------------------------- copies


def copy_runs(found: Recorded, root: Path) -> list[str]:
    """Copy every run below `root`; their names there, `<label>:<run>`."""
    results = root / "results" / "comparison"
    sets: dict[str, str] = {}
    names = []
    for run in found.runs():
        name = f"{found.label}:{run}"
        source, target = f"{found.results}/runs/{run}", results / "runs" / name
        for part in OF_A_RUN:
            _copy(found, f"{source}/{part}", target / part)
        _copy_if_there(found, f"{source}/speed.json", target / "speed.json")
        history = results / "history" / f"{name}.csv"
        _copy(found, f"{found.results}/history/{run}.csv", history)
        _rename(target / "record.json", found, root, sets)
        names.append(name)
    return names


def _rename(record: Path, found: Recorded, root: Path, sets: dict[str, str]) -> None:
    """Give a record the names that tell its revision; the revision is shown as a setting."""
    content = read_json(record)
    own = content["dataset"]
    if own not in sets:
        sets[own] = _copy_set(found, own, root)
    for key in ("run", "configuration"):
        content[key] = f"{found.label}:{content[key]}"
    content["dataset"] = sets[own]
    content["settings"] = content["settings"] | {"revision": found.label}
    write_json(record, content)


def _copy_set(found: Recorded, name: str, root: Path) -> str:
    """Copy a data set; its name there. An equal one is shared, another one is renamed."""
    folder = f"data/sets/{name}"
    annotations = found.bytes(f"{folder}/annotations.json")
    certificate = found.bytes(f"{folder}/split.json")
    for label in ("", f"@{found.label}"):
        place = root / "data/sets" / f"{name}{label}"
        if not place.exists():
            place.mkdir(parents=True)
            (place / "annotations.json").write_bytes(annotations)
            (place / "split.json").write_bytes(certificate)
            _copy_source(found, place, label, root)
            (place / "as_recorded.json").write_bytes(certificate)
        equal = (place / "annotations.json").read_bytes() == annotations
        if equal and (place / "as_recorded.json").read_bytes() == certificate:
            return place.name
    raise AssertionError(f"two data sets {name} at {found.revision}")


def _copy_source(found: Recorded, place: Path, label: str, root: Path) -> None:
    """What the report says of the source of a set, and the images that it may show."""
    certificate = read_certificate(place / "split.json")
    source = certificate.source
    own = f"{source}{label}"
    write_model(place / "split.json", certificate.model_copy(update={"source": own}))
    clean = root / "data/clean" / own
    _copy_if_there(found, f"data/clean/{source}/quality.json", clean / "quality.json")
    _copy_if_there(found, f"data/raw/{source}.sha256", root / f"data/raw/{own}.sha256")


def copy_image(found: Recorded, source: str, file_name: str, root: Path) -> None:
    """Copy one image for the gallery, unless another revision brought it."""
    own = source.removesuffix(f"@{found.label}")
    target = root / "data/clean" / source / "images" / file_name
    if not target.exists():
        _copy_if_there(found, f"data/clean/{own}/images/{file_name}", target)


def _copy(found: Recorded, path: str, target: Path) -> None:
    try:
        content = found.bytes(path)
    except FileNotFoundError as error:
        raise DataError(f"{found.revision}: {path} is not recorded there") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _copy_if_there(found: Recorded, path: str, target: Path) -> None:
    try:
        _copy(found, path, target)
    except DataError:
        return
