"""What the workflow has to do: experiments, and each job's settings and code.

Snakemake's rules get from here everything that is not a path. The settings and the code of a job
are texts. They are its arguments and its rerun triggers: what a stage does not get cannot make its
results stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

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
from fairtrial.planning.job_names import jobs_of_experiment
from fairtrial.planning.jobs import STAGES
from fairtrial.planning.known_code import known_fingerprint
from fairtrial.planning.named import read_named
from fairtrial.planning.origins import read_choice, referred_runs
from fairtrial.planning.planned_run import NO_REFERENCES, RunReferences
from fairtrial.planning.sources import Source
from fairtrial.settings.choice import Choice, Reference
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.probes import AT
from fairtrial.store.keys import canonical

T = TypeVar("T")

# Stages whose settings, or those of their model, may depend on what is chosen.
OF_CHOICES = {"search", "choose", "train", "predict", "probe", "batch"}


class _Job(NamedTuple):
    """What Snakemake asks of a job: its settings as text, and where its code begins."""

    settings: str
    entries: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Experiments by their names, in the order in which they are `named`; the first is the one
    whose report is made. Behind them those that they refer to.

    Their runs and lists hold whatever is chosen; the settings of a run that begins with another
    result are those of `current`.
    """

    experiments: dict[str, PlannedExperiment]
    named: tuple[str, ...]

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
        read = read_named(named, params, earlier)
        first = tuple(map(str, named))
        return cls({name: read[name] for name in (*first, *reversed(read))}, first)

    @classmethod
    def read_one(cls, names: Sequence[str]) -> Plan:
        """The experiment that a person names by at most one argument; else that of params.yaml."""
        if len(names) > 1:
            raise SettingsError("name one experiment")
        return cls.read(*names)

    @property
    def chosen(self) -> PlannedExperiment:
        """The experiment whose report is made."""
        return self.current(next(iter(self.experiments)))

    def current(self, name: str) -> PlannedExperiment:
        """An experiment with what is chosen for it now."""
        experiment = self.experiments[name]
        if not experiment.references:
            return experiment
        choices = self.choices(experiment)
        if self._current.get(name, (None,))[0] != choices:
            self._current[name] = (choices, experiment.with_choices(choices))
        return self._current[name][1]

    def choices(self, experiment: PlannedExperiment) -> Mapping[Reference, Choice]:
        """What is chosen now for an experiment; what is not yet is left out."""
        chosen = {r: read_choice(r, self.experiments) for r in experiment.references}
        return {reference: choice for reference, choice in chosen.items() if choice is not None}

    def all_choices(self) -> list[Mapping[Reference, Choice]]:
        """What is chosen now for each experiment."""
        return [self.choices(experiment) for experiment in self.experiments.values()]

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """All results on which the named experiments rest, each once."""
        found = [r for name in self.named for r in self.experiments[name].references]
        found += [r for first in self.first_studies for r in self._behind(first)]
        for reference in found:  # which grows: a result may rest on others
            found += [r for r in self._behind(reference) if r not in found]
        return tuple(dict.fromkeys(found))

    @cached_property
    def first_studies(self) -> tuple[Reference, ...]:
        """The studies whose trials come first in those of the named experiments, and in these."""
        found = [s.first for n in self.named for s in self.experiments[n].studies.values()]
        for first in found:  # which grows
            if first:
                found.append(self.experiments[first.experiment].studies[first.name].first)
        return tuple(dict.fromkeys(first for first in found if first))

    def _behind(self, reference: Reference) -> list[Reference]:
        """The results with which those begin from which a reference chooses."""
        other = self.experiments[reference.experiment]
        study = other.studies.get(reference.name)
        runs = [study.start] if study else referred_runs(other, reference)
        return [r for run in runs for r in run.origin.all]

    def begins_with(self, stage: str, name: str, experiment: str) -> RunReferences:
        """What the settings of a job depend on."""
        if stage not in OF_CHOICES:
            return NO_REFERENCES
        planned = self.experiments[experiment]
        run = self.study_of(experiment, name) if stage == "choose" else name.partition(AT)[0]
        return planned.trained[run].origin if run in planned.trained else NO_REFERENCES

    def study_of(self, experiment: str, choice: str) -> str:
        """The study of whose trials one is chosen; "" where it is a configuration."""
        name = Reference.of_choice(experiment, choice).name
        return name if name in self.experiments[experiment].studies else ""

    def chosen_from(self, experiment: str, choice: str) -> tuple[list[str], bool]:
        """The names of the runs among which a configuration is chosen, and whether there are
        several to choose from; none for a trial."""
        reference = Reference.of_choice(experiment, choice)
        if self.study_of(experiment, choice):
            return [], False
        runs = referred_runs(self.experiments[experiment], reference)
        return [run.name for run in runs], not reference.name

    @cached_property
    def begins_with_choices(self) -> bool:
        """Whether a run or study of the plan begins with another result."""
        return any(experiment.references for experiment in self.experiments.values())

    def same_of_runs(self, find: Callable[[PlannedExperiment, str], T]) -> T | None:
        """What `find` says of an experiment and the name of a run that is trained, where that is
        the same for all of the plan, whatever is chosen. None where it is not, or where Snakemake
        would take a part of it for a wildcard."""
        experiments = () if self.begins_with_choices else self.experiments.values()
        found = [find(e, run) for e in experiments for run in e.trained_here]
        is_same = bool(found) and all(each == found[0] for each in found)
        return found[0] if is_same and "{" not in str(found[0]) else None

    def pattern(self, *, elsewhere: bool) -> str:
        """The regular expression of the names of runs whose predictions were made elsewhere, or of
        all others, in a path."""
        names = "|".join(
            sorted({re.escape(n) for e in self.experiments.values() for n in e.made_elsewhere})
        )
        if elsewhere:
            return f"(?:{names})" if names else "(?!)"
        return f"(?!(?:{names})(?:/|\\.csv$))[A-Za-z0-9._=+-]+" if names else "[A-Za-z0-9._=+-]+"

    def awaits(self, stage: str, name: str, experiment: str) -> bool:
        """Whether the settings of a job are not known before something is chosen."""
        wanted = self.begins_with(stage, name, experiment).all
        return any(r not in self.current(experiment).origins.choices for r in wanted)

    @cached_property
    def _current(
        self,
    ) -> dict[str, tuple[Mapping[Reference, Choice], PlannedExperiment]]:
        return {}

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

    @property
    def shares_pictures(self) -> bool:
        """Whether the images of all sources may be handed on."""
        return all(t.share for e in self.experiments.values() for t in e.terms.values())

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
        return known_fingerprint(*self.entries(stage, name, experiment))

    def entries(self, stage: str, name: str = "", experiment: str = "") -> tuple[str, ...]:
        """Where the code of a job begins: its stage, and what that calls by a setting."""
        return self._job(stage, name, experiment).entries

    def fitted_by(self, name: str, experiment: str) -> str:
        """The `fit_code` of the backend of a run or study, or what that was before an accepted
        edit."""
        code = fit_code(self.current(experiment).trained[name].backend)
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
            for name, run in self.current(experiment.name).trained.items()
            if edits and not run.is_elsewhere
        }
        return sentences(edit for edit in edits if any(edit.concerns(*code) for code in codes))

    @cached_property
    def _jobs(self) -> dict[tuple[str, str, str], tuple[PlannedExperiment, _Job]]:
        """The jobs that were asked for before: Snakemake asks several times."""
        return {}

    def _job(self, stage: str, name: str, experiment: str) -> _Job:
        key, owner = (stage, name, experiment), self._experiment(stage, name, experiment)
        if key not in self._jobs or self._jobs[key][0] is not owner:
            planned = STAGES[stage](owner, name)
            content = planned.settings
            if stage == "report":
                content = content.model_copy(update={"accepted": self._applied(owner)})
            settings = canonical(content.model_dump(mode="json"))
            job = _Job(settings, (f"stages.{stage}:{stage}", *planned.calls))
            self._jobs[key] = (owner, job)
        return self._jobs[key][1]

    def _experiment(self, stage: str, name: str, experiment: str) -> PlannedExperiment:
        """The experiment of a job; of a source or data set, the first that needs it."""
        if stage in {"download", "convert"}:
            return next(e for e in self.experiments.values() if name in e.sources)
        if stage == "split":
            return next(e for e in self.experiments.values() if name in e.datasets)
        name = experiment or next(iter(self.experiments))
        return self.current(name) if stage in OF_CHOICES else self.experiments[name]


def fit_code(backend: str) -> str:
    """The fingerprint of the code that determines the weights of a training; part of its key.

    It covers less than that of the job: after a change of how the record is written, the job runs
    again, finds its entry, and trains nothing.
    """
    data = ("data.dataset:read", "data.dataset:with_splits")
    return known_fingerprint(f"backends.{backend}:fit", *data)
