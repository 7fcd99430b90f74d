"""promote: hand on the winner of an experiment, as a version that git and DVC know."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from fairtrial import DataError, SettingsError
from fairtrial.files.checksums import sha256
from fairtrial.files.modelfile import read_model
from fairtrial.lineage import guard
from fairtrial.planning.finished import expected_jobs
from fairtrial.planning.plan import Plan
from fairtrial.report.card import ModelCard

ARTEFACT = "winner"  # its name in dvc.yaml
# What says which file a version is, and where it is.
COMMITTED = (".dvc/config", "dvc.yaml", "dvc.lock", "params.yaml", "config")


def promote() -> None:
    """Hand on the winner of the experiment as the next version.

    The winner is what the report copied to results/<experiment>/winner.pt: of the configuration
    that is best on val the run that is best there. Its results must be as their jobs recorded them,
    and the last commit must hold them (`dvc repro`, then git). Set is the annotated tag
    winner@v1.0.0, winner@v2.0.0 and so on. It says who won, by which verdict, and holds the model
    card; `git show` prints it. After `dvc push` and `git push origin <tag>`, `dvc artifacts get
    <repository> winner` fetches the weights, in a clone with `.` as the repository. The experiment
    is the one that params.yaml names, since dvc.yaml names its file.
    """
    plan = Plan.read()
    name = plan.chosen.name
    folder = Path("results", name)
    card = read_model(folder / "winner.json", ModelCard)
    if card.run is None or card.verdict is None:
        raise DataError(f"{name}: there is no winner to hand on: {card.problem}")
    _refuse_other_results(plan, folder, card.run.weights_sha256)
    _refuse_uncommitted(folder / "winner.pt")
    tag = _next_tag()
    text = (folder / "winner.md").read_text(encoding="utf-8")
    message = "\n".join(
        [
            f"{tag}: {card.run.name} of {name}",
            "",
            card.verdict.headline,
            f"Chosen by {card.verdict.metric} on {card.verdict.split}. "
            f"SHA-256 of the weights: {card.run.weights_sha256}",
            "",
            text,
        ]
    )
    _git("tag", "--annotate", "--cleanup=verbatim", "--file=-", tag, given=message)
    print(f"{tag}: {card.run.name} of {name}. {card.verdict.headline}")
    print(f"hand it on: `dvc push` and `git push origin {tag}`{_without_remote()}")


def _refuse_other_results(plan: Plan, folder: Path, weights: str) -> None:
    """Raise DataError where something of the experiment is not what its job made by the plan."""
    problems = guard.problems_of(expected_jobs(plan))
    if problems:
        raise DataError(
            f"{folder.name}: not what the plan makes; finish it by `snakemake`:\n"
            f"{guard.listed(sorted(problems))}"
        )
    if sha256(folder / "winner.pt") != weights:
        raise DataError(
            f"{folder / 'winner.pt'}: is not the file that winner.json describes; "
            f"`fairtrial repair {folder.name}` makes it again"
        )


def _refuse_uncommitted(weights: Path) -> None:
    """Raise DataError where the last commit does not hold these weights as DVC's."""
    changed = _git("status", "--porcelain", "--", *COMMITTED)
    if changed:
        raise DataError(
            "the last commit is not what is here, and a version is a commit; commit first:\n"
            + "\n".join(f"  {line}" for line in changed.splitlines())
        )
    if _recorded_md5(weights) != hashlib.md5(weights.read_bytes()).hexdigest():  # noqa: S324
        raise DataError(
            f"{weights}: the last commit does not hold this file; `dvc repro` records it, then "
            '`git add dvc.lock && git commit -m "Record the results"`'
        )


def _recorded_md5(path: Path) -> str | None:
    """DVC's MD5 of a file in the last commit; None where it holds none."""
    from dvc.exceptions import DvcException
    from dvc.fs import DVCFileSystem

    try:
        files = DVCFileSystem(rev="HEAD", subrepos=True)
        below = Path.cwd().resolve().relative_to(files.repo.scm.root_dir)
        found: str | None = files.info((below / path).as_posix()).get("md5")
    except (DvcException, FileNotFoundError):
        return None
    return found


def _next_tag() -> str:
    """The tag of the next version. Raises SettingsError where this commit has one already."""
    prefix = _git("rev-parse", "--show-prefix").rstrip("/")
    artefact = f"{prefix}={ARTEFACT}" if prefix else ARTEFACT  # as DVC writes folders in tags
    pattern = re.compile(re.escape(artefact) + r"@v(\d+)\.\d+\.\d+")
    here = [t for t in _git("tag", "--points-at", "HEAD").splitlines() if pattern.fullmatch(t)]
    if here:
        raise SettingsError(f"the last commit is {here[-1]} already; nothing was changed")
    versions = [m[1] for t in _git("tag", "--list").splitlines() if (m := pattern.fullmatch(t))]
    return f"{artefact}@v{max(map(int, versions), default=0) + 1}.0.0"


def _without_remote() -> str:
    """What to do before, where DVC has no remote."""
    from dvc.config import Config

    known = Config.from_cwd().get("core", {}).get("remote")
    return "" if known else "; but DVC has no default remote yet: see docs/remotes.md"


def _git(*arguments: str, given: str | None = None) -> str:
    """What git prints. Raises DataError with its message where it fails."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except OSError as error:
        raise DataError("git is not installed, and a version is a tag of git") from error
    if done.returncode:
        raise DataError(f"`git {arguments[0]}` refused: {done.stderr.strip()}")
    return done.stdout.strip()
