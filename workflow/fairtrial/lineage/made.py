"""What a job was told, what it read and what it wrote: a file beside its outputs.

    data/made/<stage>/<source or data set>.json
    results/<experiment>/made/<stage>/<run, study or worker>.json
    results/<experiment>/made/plot.json, report.json

Snakemake does not know these files, so that they make nothing run again; they lie below outputs of
DVC, and so are restored with what they describe. They hold no time and no path of the machine.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from operator import not_
from pathlib import Path

from pydantic import Field

from fairtrial.files.modelfile import FileModel, read_model
from fairtrial.store import keys

SMALL = 4096  # bytes of settings that a record holds beside their SHA-256
PACKAGES = {  # of which a stage's result may depend on the version, to the last digit
    "study": ("numpy", "optuna", "scikit-learn", "scipy"),
    "validate": ("numpy", "pycocotools", "scipy"),
    "probe": ("numpy", "pycocotools"),
    "plot": ("matplotlib", "seaborn"),
    "report": ("jinja2", "matplotlib", "plotly", "scipy", "typst"),
}
OF_DATA = ("download", "convert", "split")
OF_RESULTS = ("plot", "report")


class MadeRecord(FileModel):
    """One job that has succeeded.

    settings_sha256: of their canonical JSON; settings: that text, "" where it is long; code: the
    fingerprint of the job's code; inputs, outputs: path → SHA-256, folders by their files; seal:
    the key of all else, by which a change of the record itself is found.
    """

    stage: str
    settings_sha256: str
    settings: str = Field(default="", exclude_if=not_)
    code: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    versions: dict[str, str] = Field(default_factory=dict, exclude_if=not_)
    seal: str = Field(default="", exclude_if=not_)

    def sealed(self) -> MadeRecord:
        """The same record with its seal."""
        return self.model_copy(update={"seal": self._key()})

    @property
    def is_whole(self) -> bool:
        """Whether it is what its job wrote, as far as it has a seal."""
        return self.seal in ("", self._key())

    def _key(self) -> str:
        return keys.key(self.model_dump(exclude={"seal"}))


def made_file(stage: str, name: str = "", experiment: str = "") -> str:
    """The path of a job's record. `name`: its source, data set, run, study, or
    `<study>-<worker>`."""
    if stage in OF_DATA:
        return f"data/made/{stage}/{name}.json"
    inside = stage if stage in OF_RESULTS else f"{stage}/{name}"
    return f"results/{experiment}/made/{inside}.json"


def read_made(path: Path) -> MadeRecord:
    """A job's record. Raises DataError where there is none, or it is malformed."""
    return read_model(path, MadeRecord)


def settings_sha256(settings: str) -> str:
    """The SHA-256 of settings as canonical JSON."""
    return hashlib.sha256(settings.encode()).hexdigest()


def versions_for(stage: str) -> dict[str, str]:
    """The installed versions of the packages on which a stage's result may depend."""
    found = {}
    for name in PACKAGES.get(stage, ()):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
