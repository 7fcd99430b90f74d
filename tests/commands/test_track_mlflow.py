"""Experiments in MLflow: a real server on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.commands.trackable import Trackable, trackable

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.files.csvfile import read_rows
from fairtrial.trackers import mlflow as tracker

__all__ = ["trackable"]

HERE = Path(__file__).parents[2] / ".venv-mlflow/bin/mlflow"  # where .ci/run installs one
SERVER = os.environ.get("FAIRTRIAL_MLFLOW") or (HERE if HERE.exists() else None)
pytestmark = [
    pytest.mark.use,
    pytest.mark.skipif(find_spec("mlflow") is None, reason="the package mlflow-skinny is missing"),
    pytest.mark.skipif(SERVER is None, reason="no MLflow server: FAIRTRIAL_MLFLOW"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with an empty store."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [str(SERVER), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(f"{address}/health", process, folder / "log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer: {log.read_text()}")


def client_of(server: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=server)


def runs(server: str) -> dict[str, Any]:
    """What the server has, by `fairtrial.id` without keys."""
    client = client_of(server)
    experiment = client.get_experiment_by_name("compare")
    found = client.search_runs([experiment.experiment_id])
    names = [" ".join(run.data.tags["fairtrial.id"].split()[:2]) for run in found]
    assert len(set(names)) == len(names), "a run was made twice"
    return dict(zip(names, found, strict=True))


def epochs(server: str, run: Any, metric: str) -> list[tuple[int, float]]:
    client = client_of(server)
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, metric)]


def test_an_experiment_from_its_first_epoch_to_its_report(
    server: str, trackable: Trackable, monkeypatch: pytest.MonkeyPatch
) -> None:
    track = ["track", "compare", "--to", "mlflow", "--at", server]
    with trackable.training():
        trackable.epochs(1)
        assert main(track) == 0
        (run,) = runs(server).values()
        assert epochs(server, run, "train/box_loss") == [(1, 2.5)]
        assert run.info.status == "RUNNING"

    fake = trackable.finish()
    killed = tracker.Sender._final
    monkeypatch.setattr(tracker.Sender, "_final", kill)
    assert main(track) != 0
    monkeypatch.setattr(tracker.Sender, "_final", killed)
    assert main(track) == 0
    found = runs(server)
    assert set(found) == {"run one-s0", "run two-s0", "configuration one", "configuration two"} | {
        "report"
    }
    for name in ("run one-s0", "run two-s0"):
        assert epochs(server, found[name], "train/box_loss") == [(1, 2.5), (2, 1.5)], name
        assert found[name].info.status == "FINISHED"
    assert found["run one-s0"].data.params["optimizer"] == "AdamW"
    rows = {r["configuration"]: r for r in read_rows((fake.results / "comparison.csv").open())}
    metrics = found["configuration one"].data.metrics
    for name in ("test/AP", "test/AP_low", "test/AP_high"):
        assert metrics[name] == float(rows["one"][name])
    client = client_of(server)
    files = {file.path for file in client.list_artifacts(found["report"].info.run_id)}
    assert {"report.pdf", "report.html", "comparison.csv"} <= files


def kill(*arguments: object) -> int:
    raise KeyboardInterrupt


def test_a_second_call_sends_nothing(
    server: str, trackable: Trackable, capsys: pytest.CaptureFixture[str]
) -> None:
    track = ["track", "compare", "--to", "mlflow", "--at", server]
    trackable.finish()
    assert main(track) == 0
    capsys.readouterr()
    assert main(track) == 0
    nothing = ("sent 0 epochs", "0 final metrics", "0 files")
    assert missing_facts(capsys.readouterr().out, *nothing) == []


def test_a_server_that_does_not_answer_is_named(
    trackable: Trackable, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    trackable.finish()
    assert main(["track", "compare", "--to", "mlflow", "--at", "http://127.0.0.1:9"]) == 1
    assert missing_facts(capsys.readouterr().err, "http://127.0.0.1:9") == []
