"""What the plan of a driver wants of each job, in a file that its jobs read.

Jobs know nothing of planning. So the driver writes settings and code of every job, by the path of
the job's record, and hands the file's path on by the environment, as it does with its snapshot.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ConfigDict, RootModel

from fairtrial import DataError
from fairtrial.files.folders import whole_file
from fairtrial.files.modelfile import FileModel, read_model

VARIABLE = "FAIRTRIAL_PLAN"
FOLDER = Path(".snakemake/fairtrial")


class ExpectedJob(FileModel):
    """What a plan wants of a job: the SHA-256 of its settings, and the fingerprint of its code."""

    settings_sha256: str
    code: str


class ExpectedJobs(RootModel[dict[str, ExpectedJob]]):
    """All jobs of a plan by the paths of their records."""

    model_config = ConfigDict(frozen=True, strict=True)


def write_expected(jobs: Mapping[str, ExpectedJob], path: Path | None = None) -> Path:
    """Write the file, by default to a path that is named after its content. Returns its whole
    path. One driver writes to one path again when it knows more, so an earlier one is replaced."""
    content = ExpectedJobs(dict(jobs)).model_dump_json().encode()
    path = path or FOLDER.resolve() / f"plan-{hashlib.sha256(content).hexdigest()}.json"
    if not path.exists() or path.read_bytes() != content:
        with whole_file(path, "wb") as file:
            file.write(content)
    return path


def read_expected() -> dict[str, ExpectedJob]:
    """What the driver of this job has planned. Raises DataError where no driver has."""
    path = os.environ.get(VARIABLE)
    if not path:
        raise DataError("started without Snakemake, so that no plan says what is to be published")
    return read_model(Path(path), ExpectedJobs).root
