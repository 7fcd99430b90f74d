"""Edits of code of which a person has said that they change no result.

    config/accepted/<experiment>.json

`fairtrial accept` writes the file. Where a job's code is the new one of an edit, the plan has the
old one instead, so that what the old code made stays valid. Settings are never accepted. Without
the file everything is as if it had never been there.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import not_
from pathlib import Path

from pydantic import ConfigDict, Field, RootModel

from fairtrial.files import snapshot
from fairtrial.files.modelfile import FileModel, read_model

FOLDER = Path("config/accepted")
FIT = "fit"  # in place of a stage: the code that determines weights, which is part of their key
OF_DATA = ("download", "convert", "split")  # of jobs that several experiments share


class AcceptedEdit(FileModel):
    """One edit: the code of a stage, before and after; who accepted it, when, and at which commit.

    jobs: the sources, data sets, runs or studies whose results the old code made; () for all.
    """

    stage: str
    old: str
    new: str
    jobs: tuple[str, ...] = Field(default=(), exclude_if=not_)
    by: str
    date: str
    commit: str | None

    def concerns(self, stage: str, name: str, code: str) -> bool:
        """Whether a job of this stage, whose code is `code`, is done by the old one."""
        return (self.stage, self.new) == (stage, code) and (not self.jobs or name in self.jobs)


class AcceptedEdits(RootModel[tuple[AcceptedEdit, ...]]):
    """The file."""

    model_config = ConfigDict(frozen=True)


def accepted_file(experiment: str) -> Path:
    """The file of an experiment, relative to the project."""
    return FOLDER / f"{experiment}.json"


def read_accepted(experiment: str) -> tuple[AcceptedEdit, ...]:
    """The accepted edits of an experiment; of stages of data, those of every experiment, for these
    share their jobs. Raises DataError for a malformed file."""
    own = accepted_file(experiment).name
    edits: list[AcceptedEdit] = []
    for path in sorted((snapshot.root() / FOLDER).glob("*.json")):
        found = read_model(path, AcceptedEdits).root
        edits += [edit for edit in found if path.name == own or edit.stage in OF_DATA]
    return tuple(edits)


def code_before(edits: Iterable[AcceptedEdit], stage: str, name: str, code: str) -> str:
    """The code that a job is planned with: its present code, or the one before an accepted edit."""
    return next((edit.old for edit in edits if edit.concerns(stage, name, code)), code)


def sentences(edits: Iterable[AcceptedEdit]) -> tuple[str, ...]:
    """What a report says of edits, those of one day and person together."""
    groups: dict[tuple[str, str, str], list[AcceptedEdit]] = {}
    for edit in edits:
        commit = f"commit {edit.commit[:7]}" if edit.commit else "no commit"
        groups.setdefault((edit.date, edit.by, commit), []).append(edit)
    return tuple(
        f"The code of {_stages(group)} was edited after results were made; {by} accepted on {date} "
        f"({commit}) that this changes none of them."
        for (date, by, commit), group in sorted(groups.items())
    )


def _stages(edits: Iterable[AcceptedEdit]) -> str:
    return ", ".join(sorted({"train" if edit.stage == FIT else edit.stage for edit in edits}))
