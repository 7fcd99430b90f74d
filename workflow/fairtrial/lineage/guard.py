"""What is wrong with recorded results: other settings or code than planned, other inputs than the
stage before has made, files that were changed or are missing.

Weights are not hashed here, for no published number is read from them: predictions are, and they
name the weights that they come from. `fairtrial verify` reads everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fairtrial import DataError
from fairtrial.files.checksums import sha256, sha256_of
from fairtrial.lineage.expected import ExpectedJob
from fairtrial.lineage.made import MadeRecord, read_made, settings_sha256

MOST_LISTED = 20  # problems that one message lists
WEIGHTS = ".pt"
OTHER_PLAN = "was made with other"


class Problem(NamedTuple):
    """A file that is not what it should be, why, and the record of the job that makes it."""

    file: str
    why: str
    made: str


def read_records(made: Iterable[str]) -> tuple[dict[str, MadeRecord], list[Problem]]:
    """The records of jobs by their paths, and what is wrong with those that cannot be read."""
    records: dict[str, MadeRecord] = {}
    problems = []
    for path in made:
        try:
            records[path] = read_made(Path(path))
        except DataError as error:
            why = str(error).removeprefix(f"{path}: ")
            problems.append(Problem(path, f"says what was made, but: {why}", path))
    return records, problems


def contradictions(path: str, record: MadeRecord, outputs: Collection[str]) -> list[Problem]:
    """What is wrong with a record in itself: it is not what its job wrote, it is not of its stage,
    its settings are not those of their SHA-256, it lacks an output."""
    if not record.is_whole:
        return [Problem(path, "was changed since it was made", path)]
    if path.split("/made/")[1].partition("/")[0].removesuffix(".json") != record.stage:
        return [Problem(path, f"is the record of another stage, {record.stage}", path)]
    if record.settings and settings_sha256(record.settings) != record.settings_sha256:
        return [Problem(path, "was changed: its settings are not those of its SHA-256", path)]
    if lacking := sorted(set(outputs) - record.outputs.keys()):
        return [Problem(path, f"was changed: it lacks {', '.join(lacking)}", path)]
    return []


def unplanned(path: str, record: MadeRecord, job: ExpectedJob) -> list[Problem]:
    """The outputs of a job that was not done with the settings and the code of the plan; its
    record, where that contradicts itself."""
    if wrong := contradictions(path, record, ()):
        return wrong
    parts = {
        "settings": record.settings_sha256 == job.settings_sha256,
        "code": record.code == job.code,
    }
    other = " and ".join(name for name, is_equal in parts.items() if not is_equal)
    why = f"{OTHER_PLAN} {other} than the plan's"
    return [Problem(name, why, path) for name in sorted(record.outputs)] if other else []


def changed_files(
    records: Mapping[str, MadeRecord], weights_too: bool, root: Path = Path()
) -> list[Problem]:
    """The outputs that are missing, or are not the bytes that their job wrote."""
    expected = {
        name: (total, path)
        for path, record in records.items()
        for name, total in record.outputs.items()
        if weights_too or not name.endswith(WEIGHTS) or not (root / name).exists()
    }
    present = [name for name in expected if (root / name).is_file()]
    sums = sha256_of(root, present)
    problems = []
    for name, (total, path) in expected.items():
        if sums.get(name) != total:
            why = "was changed since it was made" if name in sums else "is missing"
            problems.append(Problem(name, why, path))
    return problems


def foreign_inputs(records: Mapping[str, MadeRecord]) -> list[Problem]:
    """The outputs that were made from other files than those that another job has made last."""
    made = {name: total for r in records.values() for name, total in r.outputs.items()}
    problems = []
    for path, record in records.items():
        other = [name for name, total in record.inputs.items() if made.get(name, total) != total]
        if other:
            why = f"was made from another {', '.join(sorted(other))}"
            problems += [Problem(name, why, path) for name in sorted(record.outputs)]
    return problems


def problems_of(jobs: Mapping[str, ExpectedJob], weights_too: bool = False) -> list[Problem]:
    """Everything that is wrong with the results of these jobs."""
    records, problems = read_records(jobs)
    for path, record in records.items():
        problems += unplanned(path, record, jobs[path])
    problems += foreign_inputs(records)
    problems += changed_files(records, weights_too)
    return sorted(set(problems))


def refuse_foreign(jobs: Mapping[str, ExpectedJob], made: Path) -> dict[str, str]:
    """The SHA-256 of the records of all jobs before the one whose record is `made`: the report, or
    plot. Raises DataError with every file that is not the plan's."""
    plot = made.with_name("plot.json").as_posix()
    before = {
        path: job
        for path, job in jobs.items()  # among them those of others with whose results runs begin
        if not path.endswith(("/made/plot.json", "/made/report.json"))
        or (path == plot and made.name == "report.json")
    }
    if problems := problems_of(before):
        raise DataError(message(problems, made.parent.parent.name))
    return {path: sha256(Path(path)) for path in sorted(before)}


def refuse_foreign_inputs(
    jobs: Mapping[str, ExpectedJob], inputs: Collection[str], experiment: str
) -> list[str]:
    """The records of the jobs from which these files come; others may still be at work. Raises
    DataError with every file that is not the plan's."""
    records, _ = read_records(jobs)
    before: set[str] = set()
    read = set(inputs)
    while more := {p for p, r in records.items() if r.outputs.keys() & read} - before:
        before |= more
        read |= {name for path in more for name in records[path].inputs}
    if problems := problems_of({path: jobs[path] for path in before}):
        raise DataError(message(problems, experiment))
    return sorted(before)


def message(problems: list[Problem], experiment: str) -> str:
    """All problems, and the command that mends them."""
    text = (
        f"{experiment}: not the results that were planned:\n{listed(problems)}\n"
        f"`fairtrial repair {experiment}` makes them whole from the store"
    )
    if any(problem.why.startswith(f"{OTHER_PLAN} code") for problem in problems):
        text += f"; `fairtrial accept {experiment}` lets them stand if the edit changes no result"
    return text


def listed(problems: Sequence[Problem]) -> str:
    """A line a file; of many only the first."""
    lines = [f"  {problem.file}: {problem.why}" for problem in problems]
    if len(lines) > MOST_LISTED:
        lines[MOST_LISTED:] = [f"  … and {len(lines) - MOST_LISTED} more files"]
    return "\n".join(lines)
