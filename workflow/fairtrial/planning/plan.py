"""What the workflow has to do: experiments, and each job's settings and code.

Snakemake's rules get from here everything that is not a path. The settings and the code of a job
are texts. They are its arguments and its rerun triggers: what a stage does not get cannot make its
results stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from fairtrial import SettingsError
from fairtrial.planning.accepted import (
    FIT,
    AcceptedEdit,
    code_before,
    read_accepted,
    sentences,
)
from fairtrial.planning.committed import params_before_dvc
from fairtrial.planning.config_files import PARAMS, read_params
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.fingerprint import fingerprint
from fairtrial.planning.job_names import jobs_of_experiment
from fairtrial.planning.jobs import STAGES
from fairtrial.planning.sources import Source
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.store.keys import canonical


class _Job(NamedTuple):
    """What Snakemake asks of a job: its settings as text, and where its code begins."""

    settings: str
    entries: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Experiments, by their names; the first is the one whose report is made."""

    experiments: dict[str, PlannedExperiment]

    @classmethod
    def read(cls, *names: str | None) -> Plan:
        """The experiments `names`; without a name, that of params.yaml.

        Prints the settings that params.yaml lacks, and their defaults, on stderr.
        """
        params = read_params()
        earlier = params_before_dvc()
        if earlier and earlier.get("experiment") != params.get("experiment"):
            earlier = None
        named: dict[Any, str] = {name: "`experiment` of the command line" for name in names if name}
        named = named or {params.get("experiment"): f"{PARAMS}: `experiment`"}
        experiments = [
            PlannedExperiment.resolve(name, place, params, earlier) for name, place in named.items()
        ]
        return cls({experiment.name: experiment for experiment in experiments})

    @classmethod
    def read_one(cls, names: Sequence[str]) -> Plan:
        """The experiment that a person names by at most one argument; else that of params.yaml."""
        if len(names) > 1:
            raise SettingsError("name one experiment")
        return cls.read(*names)

    @property
    def chosen(self) -> PlannedExperiment:
        """The experiment whose report is made."""
        return next(iter(self.experiments.values()))

    @cached_property
    def datasets(self) -> dict[str, DatasetSettings]:
        """The data sets of all experiments, by name."""
        experiments = self.experiments.values()
        return {name: item for e in experiments for name, item in e.datasets.items()}

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The sources of all experiments, by name. Raises as `PlannedExperiment.sources` does."""
        experiments = self.experiments.values()
        return {name: item for e in experiments for name, item in e.sources.items()}

    def settings(self, stage: str, name: str = "", experiment: str = "") -> str:
        """The settings of a job, as canonical JSON.

        `name`: its source, data set, run or study; `experiment`: the one that it belongs to, the
        chosen one if empty.
        """
        return self._job(stage, name, experiment).settings

    def code(self, stage: str, name: str = "", experiment: str = "") -> str:
        """The fingerprint of the code that a job is planned with: of what it runs, or of what that
        was before an edit that has been accepted. Parameters as of `settings`."""
        owner = self._experiment(stage, name, experiment).name
        return code_before(self._edits(owner), stage, name, self.run_by(stage, name, experiment))

    def run_by(self, stage: str, name: str = "", experiment: str = "") -> str:
        """The fingerprint of the code that a job runs."""
        return fingerprint(*self.entries(stage, name, experiment))

    def entries(self, stage: str, name: str = "", experiment: str = "") -> tuple[str, ...]:
        """Where the code of a job begins: its stage, and what that calls by a setting."""
        return self._job(stage, name, experiment).entries

    def fitted_by(self, name: str, experiment: str) -> str:
        """The `fit_code` of the backend of a run or study, or what that was before an accepted
        edit."""
        code = fit_code(self.experiments[experiment].trained[name].backend)
        return code_before(self._edits(experiment), FIT, name, code)

    def _edits(self, experiment: str) -> tuple[AcceptedEdit, ...]:
        if experiment not in self._accepted:
            self._accepted[experiment] = read_accepted(experiment)
        return self._accepted[experiment]

    @cached_property
    def _accepted(self) -> dict[str, tuple[AcceptedEdit, ...]]:
        """The accepted edits of the experiments that were asked for before."""
        return {}

    def _applied(self, experiment: PlannedExperiment) -> tuple[str, ...]:
        """What the report says of the accepted edits on which a plan of an experiment rests."""
        edits = self._edits(experiment.name)
        codes = {
            (job.stage, job.name, self.run_by(job.stage, job.name, experiment.name))
            for job in (jobs_of_experiment(experiment) if edits else ())
            if job.stage != "report"  # whose settings these are
        }
        codes |= {
            (FIT, name, fit_code(run.backend))
            for name, run in experiment.trained.items()
            if edits and not run.is_elsewhere
        }
        return sentences(edit for edit in edits if any(edit.concerns(*code) for code in codes))

    @cached_property
    def _jobs(self) -> dict[tuple[str, str, str], _Job]:
        """The jobs that were asked for before: Snakemake asks several times."""
        return {}

    def _job(self, stage: str, name: str, experiment: str) -> _Job:
        key = (stage, name, experiment)
        if key not in self._jobs:
            owner = self._experiment(stage, name, experiment)
            planned = STAGES[stage](owner, name)
            content = planned.settings
            if stage == "report":
                content = content.model_copy(update={"accepted": self._applied(owner)})
            settings = canonical(content.model_dump(mode="json"))
            self._jobs[key] = _Job(settings, (f"stages.{stage}:{stage}", *planned.calls))
        return self._jobs[key]

    def _experiment(self, stage: str, name: str, experiment: str) -> PlannedExperiment:
        """The experiment of a job; of a source or data set, the first that needs it."""
        if stage in {"download", "convert"}:
            return next(e for e in self.experiments.values() if name in e.sources)
        if stage == "split":
            return next(e for e in self.experiments.values() if name in e.datasets)
        return self.experiments[experiment] if experiment else self.chosen


def fit_code(backend: str) -> str:
    """The fingerprint of the code that determines the weights of a training; part of its key.

    It covers less than that of the job: after a change of how the record is written, the job runs
    again, finds its entry, and trains nothing.
    """
    return fingerprint(f"backends.{backend}:fit", "data.dataset:read", "data.dataset:with_splits")
