"""Runs a stage, and writes the record of what it made as its last act.

Which flags are files that a stage reads or writes is known from its signature and its help; so no
stage knows of its record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fairtrial import DataError, FairtrialError
from fairtrial.files.checksums import sha256_of
from fairtrial.files.folders import files_below
from fairtrial.files.modelfile import write_model
from fairtrial.lineage.alive import shown_alive
from fairtrial.lineage.expected import read_expected
from fairtrial.lineage.guard import refuse_foreign, refuse_foreign_inputs
from fairtrial.lineage.inputs import refuse_changed
from fairtrial.lineage.made import (
    OF_RESULTS,
    SMALL,
    MadeRecord,
    read_made,
    settings_sha256,
    versions_for,
)

# Folders whose files are listed elsewhere: in a manifest, in annotations, in other records.
LISTED_ELSEWHERE = {"raw", "images", "results", "data"}
CHOOSING = ("study", "choose")  # stages by whose result others train
OF_SNAKEMAKE = ".snakemake_timestamp"


@dataclass(frozen=True)
class StageCall:
    """One call of a stage: its settings as JSON text, the fingerprint of its code, the path of its
    record; and which of its flags name outputs."""

    stage: str
    settings: str
    code: str
    made: Path
    outputs: Collection[str]


def make(call: StageCall, function: Callable[..., None], flags: Mapping[str, object]) -> None:
    """Call `function(**flags)`, and write its record. What it raises is passed on, and leaves no
    record. Raises DataError where results are to be published that are not the plan's, or where an
    input is not what another job wrote."""
    call.made.unlink(missing_ok=True)
    inputs = _sums({k: v for k, v in flags.items() if k not in call.outputs})
    if call.stage in OF_RESULTS:
        inputs |= refuse_foreign(read_expected(), call.made)
    elif call.stage in CHOOSING:
        refuse_foreign_inputs(read_expected(), inputs, call.made.parts[1])
    else:
        refuse_changed(inputs, call.made)
    try:
        with shown_alive(call.made):
            function(**flags)
    except FairtrialError as error:
        if damaged := _damaged(inputs, call.made):
            raise type(error)(f"{error}\n{damaged}") from error
        raise
    record = MadeRecord(
        stage=call.stage,
        settings_sha256=settings_sha256(call.settings),
        settings=call.settings if len(call.settings) <= SMALL else "",
        code=call.code,
        inputs=inputs,
        outputs=_sums({name: flags[name] for name in call.outputs}),
        versions=versions_for(call.stage),
    )
    write_model(call.made, record.sealed())


def _damaged(inputs: Mapping[str, str], made: Path) -> str:
    """Which inputs are not what another job of the experiment wrote, and what mends them."""
    folder = made.parents[1]
    changed = set()
    for path in folder.rglob("*.json") if made.parts[0] == "results" else ():
        with suppress(DataError):
            outputs = read_made(path).outputs
            changed |= {name for name in inputs if outputs.get(name, inputs[name]) != inputs[name]}
    mending = f"`fairtrial repair {folder.parent.name}` makes it whole from the store"
    return (
        f"{', '.join(sorted(changed))}: was changed since it was made; {mending}" if changed else ""
    )


def _sums(flags: Mapping[str, object]) -> dict[str, str]:
    """Path → SHA-256 of the files that flags name, those in folders too."""
    names: list[str] = []
    for flag, value in flags.items():
        paths = value if isinstance(value, list) else [value]
        if flag not in LISTED_ELSEWHERE and flag != "progress":
            names += [name for path in paths if isinstance(path, Path) for name in _files(path)]
    return sha256_of(Path(), sorted(set(names)))


def _files(path: Path) -> list[str]:
    if not path.is_dir():
        return [path.as_posix()]
    names = [name for name in files_below(path) if Path(name).name != OF_SNAKEMAKE]
    return [(path / name).as_posix() for name in names]
