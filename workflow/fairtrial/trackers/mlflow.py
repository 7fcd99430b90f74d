"""MLflow: a run of MLflow for each training and each configuration, and one for the report.

MLflow itself is asked what it has. An epoch is one batch, which it takes as a whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fairtrial import FairtrialError
from fairtrial.files.checksums import sha256
from fairtrial.store import keys
from fairtrial.trackers._contract import (
    Sent,
    TrackedConfiguration,
    TrackedExperiment,
    TrackedReport,
    TrackedRun,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

PACKAGE = "mlflow"
ID = "fairtrial.id"  # tags: what a run of MLflow is of, what it has of the final metrics
FINAL = "fairtrial.final"
FILE = "fairtrial.file."  # and the SHA-256 of each file that it has
LONGEST = 6000  # characters of a parameter
MOST = 100  # parameters that MLflow takes at once


class Sender:
    """Sends to one experiment of a server."""

    def __init__(self, client: MlflowClient, experiment: TrackedExperiment) -> None:
        self._client = client
        known = client.get_experiment_by_name(experiment.name)
        self._id = known.experiment_id if known else client.create_experiment(experiment.name)
        self._runs = {run.data.tags.get(ID): run for run in self._all()}

    def _all(self) -> Iterable[Any]:
        token: str | None = None
        while True:
            page = self._client.search_runs([self._id], max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def run(self, run: TrackedRun) -> Sent:
        """Epochs after the last that is there, then final metrics."""
        tags = {"configuration": run.configuration, "seed": str(run.seed), "dataset": run.dataset}
        there = self._of(f"run {run.name} {run.key}", run.name, "run", tags, run.settings)
        last = there.data.metrics.get("epoch", 0)
        new = [epoch for epoch in run.epochs if epoch.number > last]
        for epoch in new:
            self._log(there, {**epoch.values, "epoch": float(epoch.number)}, epoch.number)
        return Sent(len(new), self._final(there, run.final, run.epochs[-1].number if new else 0))

    def configuration(self, configuration: TrackedConfiguration) -> Sent:
        """Means, spreads, intervals and the verdict."""
        name = f"configuration {configuration.name}"
        there = self._of(name, configuration.name, "configuration", {}, {})
        for tag, text in configuration.texts.items():
            if there.data.tags.get(tag) != text:
                self._client.set_tag(there.info.run_id, tag, text)
        return Sent(finals=self._final(there, configuration.numbers))

    def report(self, report: TrackedReport) -> Sent:
        """The files that are not there yet, or were others."""
        there = self._of("report", "report", "report", {}, {})
        sent = 0
        for file in report.files:
            tag, total = f"{FILE}{file.name}", sha256(file)
            if there.data.tags.get(tag) != total:
                self._client.log_artifact(there.info.run_id, str(file))
                self._client.set_tag(there.info.run_id, tag, total)
                sent += 1
        self._end(there)
        return Sent(files=sent)

    def _of(
        self, name: str, label: str, kind: str, tags: dict[str, str], settings: Mapping[str, object]
    ) -> Any:
        """The run of MLflow for something; a new one is made with its settings."""
        if name not in self._runs:
            tags = {ID: name, "kind": kind, "mlflow.runName": label, **tags}
            made = self._client.create_run(self._id, tags=tags, run_name=label)
            self._runs[name] = made
        there = self._runs[name]
        self._settings(there, settings)
        return there

    def _settings(self, there: Any, settings: Mapping[str, object]) -> None:
        from mlflow.entities import Param

        known = there.data.params
        params = [Param(k, str(v)[:LONGEST]) for k, v in settings.items() if k not in known]
        for start in range(0, len(params), MOST):
            self._client.log_batch(there.info.run_id, params=params[start : start + MOST])

    def _final(self, there: Any, final: Mapping[str, float], step: int = 0) -> int:
        """Final metrics, unless they are there. Returns how many were sent."""
        if not final or there.data.tags.get(FINAL) == keys.key(dict(final)):
            return 0
        self._log(there, final, step)
        self._client.set_tag(there.info.run_id, FINAL, keys.key(dict(final)))
        self._end(there)
        return len(final)

    def _log(self, there: Any, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_name(key), value, now, step) for key, value in values.items()]
        self._client.log_batch(there.info.run_id, metrics=metrics)

    def _end(self, there: Any) -> None:
        if there.info.status == "RUNNING":
            self._client.set_terminated(there.info.run_id)


def _name(key: str) -> str:
    """A name that MLflow takes."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in key)


def send(experiment: TrackedExperiment, at: str) -> Sent:
    """Send what the server at the address `at` lacks."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    sent = Sent()
    try:
        sender = Sender(MlflowClient(tracking_uri=at or None), experiment)
        for run in experiment.runs:
            sent = sent.plus(*sender.run(run))
        if experiment.report:
            for configuration in experiment.report.configurations:
                sent = sent.plus(*sender.configuration(configuration))
            sent = sent.plus(*sender.report(experiment.report))
    except MlflowException as error:
        raise FairtrialError(f"{at or 'MLflow'}: {str(error).splitlines()[0]}") from error
    return sent
