"""The winner of an experiment: the run whose weights are handed on, and by which verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from fairtrial import DataError
from fairtrial.files.checksums import sha256
from fairtrial.files.folders import copy_file, whole_file
from fairtrial.files.modelfile import FileModel
from fairtrial.lineage.made import read_made
from fairtrial.report.answer import answer
from fairtrial.report.standing import Standing, standing
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import FinishedRun


class WinnerVerdict(FileModel):
    """By which verdict a configuration won. `value`: the mean of `metric` on `split`, on which it
    was chosen; `told`: whether it is better than each of the others by more than chance, None
    without others; `headline` and `details`: what page one says of it; `compared`: the
    configurations, the best on val first."""

    metric: str
    split: str
    value: float | None
    told: bool | None
    headline: str
    details: str
    compared: tuple[str, ...]


class WinnerRun(FileModel):
    """The run that is handed on: of the configuration that won, the one with the highest `value` on
    `split` of the metric that ranks. `weights_sha256`: of the file winner.pt."""

    name: str
    configuration: str
    label: str
    seed: int
    value: float | None
    weights_sha256: str


@dataclass(frozen=True)
class Winner:
    """The run that won, or the `problem` for which there is none to hand on. `standing`: how all
    configurations stand; None where none is the best."""

    run: FinishedRun | None = None
    standing: Standing | None = None
    problem: str = ""

    @property
    def weights(self) -> Path | None:
        """The file to hand on."""
        return self.run.folder / "weights.pt" if self.run else None

    def verdict(self) -> WinnerVerdict | None:
        """By which verdict it won; None where there is no best one."""
        if self.standing is None:
            return None
        comparison, others = self.standing.comparison, self.standing.others
        said = answer(comparison)
        return WinnerVerdict(
            metric=comparison.ranking_rule.label,
            split=comparison.chosen_on,
            value=self.standing.best.mean(comparison.chosen_on, comparison.metric),
            told=len(self.standing.worse) == len(others) if others else None,
            headline=said.headline,
            details=said.details,
            compared=tuple(c.label() for c in (self.standing.best, *others)),
        )

    def described_run(self) -> WinnerRun | None:
        """The run that is handed on."""
        if self.run is None or self.standing is None or self.weights is None:
            return None
        comparison, best = self.standing.comparison, self.standing.best
        return WinnerRun(
            name=self.run.name,
            configuration=best.name,
            label=best.full_label,
            seed=self.run.seed,
            value=self.run.score(comparison.chosen_on, comparison.metric),
            weights_sha256=sha256(self.weights),
        )


def winner_of(experiment: ExperimentResults) -> Winner:
    """The best configuration on val, as page one names it, and of its runs the best on val.

    Nothing of test has a part in it. There is none to hand on where configurations were scored on
    different images, where none has learned anything, and where the best has no weights here, since
    its predictions were made elsewhere.
    """
    if len(experiment.comparisons) > 1:
        return Winner(problem="configurations were scored on different images, so none is the best")
    (comparison,) = experiment.comparisons
    outcome = standing(comparison)
    if outcome is None:
        return Winner(problem=f"no configuration has a value of {comparison.metric}")
    if not any(run.learned for c in comparison.configurations for run in c.runs):
        return Winner(problem="no training has learned anything")

    def place(run: FinishedRun) -> float:
        value = run.score(comparison.chosen_on, comparison.metric)
        return -math.inf if value is None else value

    best = max(outcome.best.runs, key=place)
    if best.record.elsewhere:
        problem = f"the predictions of {outcome.best.short_label} were made elsewhere: no weights"
        return Winner(standing=outcome, problem=problem)
    if not (best.folder / "weights.pt").is_file():
        return Winner(standing=outcome, problem=f"the weights of {best.name} are not here")
    return Winner(best, outcome)


def write_weights(winner: Winner, path: Path) -> None:
    """Copy the weights of the winner, sharing their blocks where the file system can. Without a
    winner the file says why, in a line of text that no program takes for a model."""
    if winner.weights is None:
        with whole_file(path) as file:
            file.write(f"no winner: {winner.problem}\n")
        return
    _refuse_changed(winner.weights)
    part = path.with_name(f".{path.name}.part")
    copy_file(winner.weights, part)
    part.replace(path)


def _refuse_changed(weights: Path) -> None:
    """Raise DataError where they are not the bytes that the training wrote: no published number is
    read from them, so nothing else would say so."""
    run, results = weights.parent.name, weights.parents[2]
    made = results / "made/train" / f"{run}.json"
    if made.is_file():
        recorded = {Path(name).name: total for name, total in read_made(made).outputs.items()}
        if recorded.get(weights.name, "") != sha256(weights):
            raise DataError(
                f"{weights}: was changed since it was made; `fairtrial repair {results.name}` "
                "makes it whole from the store"
            )
