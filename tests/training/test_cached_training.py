"""One training as an entry of the store: what makes it another one, and what its record holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import Field, ValidationError

from facts import missing_facts, refused
from fairtrial import StoreError
from fairtrial.settings.stages import TrainSettings
from fairtrial.store import entries, keys, locks, sums
from fairtrial.training import attempts, checkpoint
from fairtrial.training import cached_training as training
from fairtrial.training.cached_training import Training, train_or_adopt
from fairtrial.training.contract import AfterEpoch, FitResult, HistoryRow, ModelSize
from fairtrial.training.effects import CLASSES, Effect
from fairtrial.training.inputs import TrainingInputs
from fairtrial.training.progress import ProgressReport
from fairtrial.training.settings import TrainingSettings
from tests.ids import short

SETTINGS: dict[str, Any] = {
    "pretrained": None,
    "epochs": 4,
    "patience": 0,
    "imgsz": 32,
    "batch": 2,
    "seed": 0,
    "fitness": None,
    "replicate": 1,
}
SIZE = ModelSize(parameters=7, gflops=None, layers=None)
INPUTS = TrainingInputs("a", "b")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(training, "plugin", lambda kind, name: backend(fit))
    return tmp_path


def backend(fit: Any) -> Any:
    return SimpleNamespace(fit=fit)


def fit(
    settings: TrainingSettings,
    data: object,
    pretrained: object,
    folder: Path,
    threads: int,
    after_epoch: AfterEpoch,
) -> FitResult:
    """A backend whose state is the list of its epochs."""
    for epoch in range(1 + len(states(folder)), settings.epochs + 1):
        (folder / "state.pt").write_text("\n".join([*states(folder), f"epoch {epoch}"]))
        rows: list[HistoryRow] = [{"epoch": number} for number in range(1, epoch + 1)]
        checkpoint.write_history(folder, rows)
        after_epoch(rows[-1])
    (folder / "weights.pt").write_text("weights")
    return FitResult(SIZE, best_epoch=1, epochs_run=settings.epochs)


def states(folder: Path) -> list[str]:
    path = folder / "state.pt"
    return path.read_text().splitlines() if path.exists() else []


def a_training(continues: str | None = None, **changed: Any) -> Training:
    return Training(
        backend="fake",
        settings=TrainingSettings.model_validate(SETTINGS | changed),
        code="code",
        inputs=replace(INPUTS, continues=continues),
        data=lambda: None,  # type: ignore[arg-type,return-value]
        pretrained=None,
        threads=1,
    )


def train(
    stop: Any = lambda row: None, continues: str | None = None, **changed: Any
) -> tuple[dict[str, Any], bool]:
    """The record of a training, and whether it was adopted."""
    entry, adopted = train_or_adopt(a_training(continues, **changed), stop)
    assert {path.name for path in entry.iterdir()} == {
        *("weights.pt", "history.csv", "state.pt", "record.json", sums.FILE)
    }
    return json.loads((entry / "record.json").read_text()), adopted


def stop_at(epoch: int) -> Any:
    def stop(row: dict[str, Any]) -> None:
        if row["epoch"] == epoch:
            raise InterruptedError("preempted")

    return stop


# --------------------------------------------------------------------------- settings


def test_the_whole_of_train_has_the_key_that_it_had_before_there_were_shares() -> None:
    before = keys.key(["fake", SETTINGS, "code", asdict(INPUTS)])
    assert a_training().key == a_training(train_share=1.0).key == before
    assert a_training(train_share=0.5).key != before


def test_a_backend_is_told_nothing_of_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data that it gets has the share only; Ultralytics would refuse the key."""
    told: list[dict[str, object]] = []

    def fit_and_tell(settings: TrainingSettings, *rest: Any) -> FitResult:
        told.append(settings.model_dump())
        return fit(settings, *rest)

    monkeypatch.setattr(training, "plugin", lambda kind, name: backend(fit_and_tell))
    train(train_share=0.5)
    assert told == [SETTINGS]


class WithAmp(TrainingSettings):
    amp: bool = True
    cls_pw: float = 1.0


def test_what_had_no_effect_here_and_what_the_backend_says_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weighted = Effect(
        ("cls_pw",), "with two classes", (CLASSES,), lambda values: values[CLASSES] > 1, off=(0,)
    )

    def fit_and_say(*told: Any) -> FitResult:
        return replace(fit(*told), cautions=("a new default",))

    fake = SimpleNamespace(fit=fit_and_say, EFFECTS=(weighted,))
    monkeypatch.setattr(training, "plugin", lambda kind, name: fake)
    gpus: list[str | None] = [None, "H100"]
    real = training.provenance.hardware
    monkeypatch.setattr(
        training.provenance,
        "hardware",
        lambda *told: real(*told).model_copy(update={"gpu": gpus.pop(0)}),
    )

    def cautions(seed: int, classes: int) -> list[str]:
        data = SimpleNamespace(dataset=SimpleNamespace(categories=dict.fromkeys(range(classes))))
        own = WithAmp.model_validate(SETTINGS | {"seed": seed})
        one = replace(a_training(), settings=own, data=lambda: data)  # type: ignore[arg-type,return-value]
        entry, _ = train_or_adopt(one, lambda row: None)
        said: list[str] = json.loads((entry / "record.json").read_text())["cautions"]
        return said

    new, amp, weights = cautions(0, classes=1)
    assert (new, missing_facts(amp, "`amp`", "no GPU")) == ("a new default", [])
    assert missing_facts(weights, "`cls_pw`", "with two classes") == []
    assert cautions(1, classes=2) == ["a new default"], "on a GPU, with two classes"


def test_the_fitness_of_a_run_is_brought_to_one_form() -> None:
    def rule(**changed: Any) -> Any:
        return TrainingSettings.model_validate(SETTINGS | changed).model_dump()["fitness"]

    assert rule(fitness={"recall": 9.0, "map50_95": 1.0}) == {"recall": 0.9, "map50_95": 0.1}
    assert rule(fitness={"recall": 9.0, "AP": 1.0}) == {"recall": 0.9, "map50_95": 0.1}
    assert rule(fitness={"map50_95": 3.0}) is rule(fitness={"AP": 3.0}) is None
    untrained = {"epochs": 0, "pretrained": "some/start.pt"}
    assert rule(fitness={"recall": 1.0}, **untrained) is None, "there is no epoch to choose"


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({"epochs": 0}, ("learned nothing",)),
        ({"pretrained": "start.pt"}, ("<source>/<file>",)),
        ({"fitness": {"recall": 0.0}}, ("a weight above 0",)),
        ({"fitness": {"recall": -1.0}}, ("greater than or equal to 0",)),
        ({"fitness": {"mAP": 1.0}}, ("`mAP`", "known: precision, recall, f1, AP50, AP")),
        ({"replicate": 0}, ("greater than or equal to 1",)),
        ({"train_share": 0.0}, ("greater than 0",)),
        ({"train_share": 1.5}, ("less than or equal to 1",)),
    ],
    ids=short,
)
def test_a_wrong_value_is_refused(changed: dict[str, Any], facts: tuple[str, ...]) -> None:
    with refused(ValidationError, *changed, *facts):
        TrainingSettings.model_validate(SETTINGS | changed)


# --------------------------------------------------------------------------- entries


def test_equal_trainings_are_one_entry_and_replicates_are_not() -> None:
    assert [train()[1], train()[1]] == [False, True]
    assert train(replicate=2)[1] is False
    assert train(fitness={"recall": 1.0})[1] is False
    assert train(pretrained="a/path.pt")[1] is True, "its content counts, and is among the inputs"


class LaterSettings(TrainingSettings):
    """The settings of a later release, with defaults that act as the release before."""

    clip: float = 0
    blur: bool = False
    names: list[str] = Field(default_factory=list)


SHIPPED = {"clip": 0.0, "blur": False, "names": []}


@pytest.mark.parametrize(
    ("changed", "equal"),
    [
        ({}, True),
        ({"clip": 1.0}, False),
        ({"blur": True}, False),
        ({"names": ["a"]}, False),
        ({"patience": 1}, False),
    ],
    ids=["as shipped", "a number", "a switch", "a list", "a setting of the first release"],
)
def test_a_setting_that_is_added_later_changes_no_key_at_its_default(
    changed: dict[str, Any], equal: bool
) -> None:
    later = LaterSettings.model_validate(SETTINGS | SHIPPED | changed)
    assert (training.entry_key("fake", later, "code", INPUTS) == key()) is equal


@pytest.mark.parametrize("epochs", [4, 2], ids=["in the middle", "the last one"])
@pytest.mark.parametrize("written", ["state.pt", "history.csv"])
def test_an_epoch_that_was_committed_and_not_noted_belongs_to_who_made_it(
    written: str, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill in epoch 2, after the state or the history, before attempts.json."""

    def killed(folder: Path, rows: list[HistoryRow]) -> None:
        if len(rows) == 2 and written == "state.pt":
            raise InterruptedError
        write_history(folder, rows)

    def noted(self: attempts.CurrentAttempt, row: HistoryRow) -> None:
        if row["epoch"] == 2:
            raise InterruptedError
        note(self, row)

    write_history, note = checkpoint.write_history, attempts.CurrentAttempt.after_epoch
    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(checkpoint, "write_history", killed)
        patch.setattr(attempts.CurrentAttempt, "after_epoch", noted)
        train(epochs=epochs)
    if (written, epochs) == ("state.pt", 2):  # a real backend writes the history anew
        part = entries.unfinished("runs", a_training(epochs=epochs).key)
        write_history(part, [{"epoch": 1}, {"epoch": 2}])
    record, _ = train(epochs=epochs)
    expected = [(1, 2), (3, epochs - 2)]
    assert [(a["from_epoch"], a["epochs"]) for a in record["attempts"]] == expected


def test_a_record_tells_of_its_attempts() -> None:
    record, _ = train()
    (attempt,) = record["attempts"]
    assert (attempt["from_epoch"], attempt["epochs"], attempt["slurm"]) == (1, 4, None)
    assert record["resumed"] is False
    assert record["model"] == SIZE.model_dump()
    assert record["deviations"] == []


@pytest.mark.parametrize(
    ("gpus", "recorded"), [(1, "Example"), (2, "2 × Example")], ids=["one", "two"]
)
def test_all_gpus_that_were_used_count(
    gpus: int, recorded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_on(*arguments: Any) -> Any:
        return replace(fit(*arguments), gpus=gpus)

    cuda = SimpleNamespace(is_available=lambda: True, get_device_name=lambda number: "Example")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(training, "plugin", lambda kind, name: backend(fit_on))
    record, _ = train()
    assert record["hardware"]["gpu"] == recorded
    assert record["gpu_seconds"] == gpus * record["seconds"]
    assert record["model"] == SIZE.model_dump()


def test_an_interrupted_training_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for epoch in (2, 3):
        with pytest.raises(InterruptedError):
            train(stop_at(epoch))
    Path(next(Path("store/runs").glob("*.part")), ".state.pt.123.part").write_text("torn")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    record, adopted = train()
    attempts = [(a["from_epoch"], a["epochs"], a["slurm"]) for a in record["attempts"]]
    job = {"job": "7", "node": None, "partition": None, "gpus": None}
    assert attempts == [(1, 2, None), (3, 1, None), (4, 1, job)]
    assert record["resumed"] is True
    assert adopted is False
    assert record["seconds"] == pytest.approx(sum(a["seconds"] for a in record["attempts"]))


def test_an_attempt_without_an_epoch_is_no_resuming() -> None:
    def die(row: dict[str, Any]) -> None:
        raise InterruptedError

    part = entries.root() / "runs" / f"{key()}.part"
    part.mkdir(parents=True)
    (part / "attempts.json").write_text(json.dumps({"attempts": [ATTEMPT]}))
    record, _ = train()
    assert [a["epochs"] for a in record["attempts"]] == [0, 4]
    assert record["resumed"] is False


def test_attempts_that_a_power_cut_left_empty_stop_no_training() -> None:
    part = entries.root() / "runs" / f"{key()}.part"
    part.mkdir(parents=True)
    (part / "attempts.json").touch()
    assert [a["epochs"] for a in train()[0]["attempts"]] == [4]


def test_no_epoch_waits_until_its_notes_are_on_disk(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a state is written, that may take as long as the state."""

    def fsync(_: int) -> None:
        pytest.fail("waits for the disk")

    job = TrainSettings(backend="fake", settings=SETTINGS)
    report = ProgressReport(place / "run.json", job, "key")
    monkeypatch.setattr(entries, "require_lock", lambda folder: None)
    attempt = attempts.CurrentAttempt(place, report.after_epoch, 0)
    monkeypatch.setattr(os, "fsync", fsync)
    attempt.after_epoch({"epoch": 1})
    noted = json.loads((place / "attempts.json").read_text())["attempts"]
    assert [a["epochs"] for a in noted] == [1]
    assert json.loads((place / "run.json").read_text())["epoch"] == 1


ATTEMPT = {"from_epoch": 1, "epochs": 0, "seconds": 0.0, "host": "x", "slurm": None}


def key() -> str:
    return a_training().key


def test_who_lost_its_lock_stops_at_the_next_epoch() -> None:
    """A suspended job wakes up while another one has taken over: only one may write."""

    def lose(row: dict[str, Any]) -> None:
        seen.append(row["epoch"])
        lock = entries.root() / "runs" / f"{key()}.lock"
        lock.write_text(
            json.dumps(locks.holder().model_dump() | {"host": "elsewhere", "process": 1})
        )

    seen: list[int] = []
    with refused(StoreError, "lock", "process 1 on elsewhere"):
        train(lose)
    assert seen == [1]


# --------------------------------------------------------------------------- continued


def test_a_continued_training_has_the_epochs_of_both_and_trains_only_the_second() -> None:
    train()
    seen: list[int] = []
    record, adopted = train(lambda row: seen.append(row["epoch"]), key(), epochs=6)
    assert seen == [5, 6]
    assert adopted is False
    (attempt,) = record["attempts"]
    assert (attempt["from_epoch"], attempt["epochs"]) == (5, 2)
    assert record["resumed"] is False
    assert train(epochs=6)[1] is False, "the same number of epochs from the start is another one"
    assert train(None, key(), epochs=6)[1] is True


def test_a_continued_training_that_is_killed_is_resumed() -> None:
    train()
    with pytest.raises(InterruptedError):
        train(stop_at(5), key(), epochs=7)
    record, _ = train(continues=key(), epochs=7)
    assert [a["from_epoch"] for a in record["attempts"]] == [5, 6]
    assert record["resumed"] is True


def test_killed_while_the_end_state_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    train()

    def copy(source: Path, target: Path) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "copy_whole", copy)
        with pytest.raises(InterruptedError):
            train(continues=key(), epochs=6)
    assert train(continues=key(), epochs=6)[0]["attempts"][-1]["from_epoch"] == 5


def test_without_the_end_state_nothing_can_be_continued() -> None:
    train()
    (entries.root() / "runs" / key() / "state.pt").unlink()
    with refused(StoreError, f"store/runs/{key()}", "no end state", "gc --states", "forcerun"):
        train(continues=key(), epochs=6)


def test_a_damaged_state_does_not_make_a_continued_training_start_afresh() -> None:
    train()
    with pytest.raises(InterruptedError):
        train(stop_at(5), key(), epochs=6)
    (part,) = Path("store/runs").glob("*.part")
    (part / "state.pt").write_text("")
    with refused(StoreError, str(part), "damaged", "remove this folder"):
        train(continues=key(), epochs=6)


def test_a_finished_training_keeps_no_damaged_state() -> None:
    with pytest.raises(InterruptedError):
        train(stop_at(1))
    (part,) = Path("store/runs").glob("*.part")
    (part / "state.pt").replace(part / "state.pt.damaged")
    record, _ = train()  # which looks at what the entry holds
    assert [attempt["from_epoch"] for attempt in record["attempts"]] == [1, 1]


# --------------------------------------------------------------------------- signals

SLEEPER = """
import sys, time
from pathlib import Path
from fairtrial import __main__
from fairtrial.store import entries, sums

def make(folder):
    (folder / "state.pt").write_text("epoch 1")
    Path("working").touch()
    time.sleep(60)

__main__.interrupt_on_signals()
entries.obtain("runs", "key", make)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_stops_at_once_keeps_the_state_and_leaves_no_lock(number: signal.Signals) -> None:
    """scancel and preemption send SIGTERM, and soon SIGKILL; --signal=USR1 warns of a limit."""
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        env=os.environ | {"PYTHONPATH": str(Path(entries.__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 20
    while not Path("working").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    child.send_signal(number)
    assert f"KeyboardInterrupt: {number.name}" in child.communicate(timeout=10)[1]
    assert child.returncode != 0
    assert sorted(path.name for path in Path("store/runs").rglob("*")) == ["key.part", "state.pt"]


def test_no_framework_reports_a_training_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ultralytics sends each training to MLflow wherever that is installed."""
    tracker, heavy = (SimpleNamespace(__version__="3") for _ in range(2))
    monkeypatch.setitem(sys.modules, "mlflow", tracker)
    monkeypatch.delitem(sys.modules, "heavy", raising=False)

    def curious(*arguments: Any) -> FitResult:
        with pytest.raises(ImportError):
            import mlflow  # noqa: F401
        sys.modules["heavy"] = heavy
        return fit(*arguments)

    monkeypatch.setattr(training, "plugin", lambda kind, name: backend(curious))
    train_or_adopt(a_training(), lambda row: None)
    assert sys.modules["mlflow"] is tracker
    assert sys.modules.pop("heavy") is heavy, "what it imports stays imported"
