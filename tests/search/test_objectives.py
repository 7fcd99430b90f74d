"""Searches for several objectives: drawn, resumed, judged and chosen from by all of them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from optuna.trial import FrozenTrial, create_trial

from facts import refused
from fairtrial import BackendError
from fairtrial.scoring import fitness
from fairtrial.search import engines
from fairtrial.search.engines import Direction
from fairtrial.search.journal import Journal
from fairtrial.search.objectives import front
from fairtrial.search.worker import RunningStudy, work
from fairtrial.settings.search import COSTS, ENGINES_OF_ONE, Engine, Objective
from fairtrial.training.contract import ModelSize
from fairtrial.training.speed import Speed

from .conftest import EPOCHS, SPACE, START, FakeBackend, a_study, changed
from .test_first_trials import behind
from .test_summary import chosen, evaluate

BOTH = ("AP", "parameters")
ENGINES = [engine for engine in get_args(Engine) if engine not in ENGINES_OF_ONE]


@pytest.fixture
def sized(backend: FakeBackend) -> FakeBackend:
    """Each model has `y` million parameters; the most precise one is that with 3."""
    backend.size = lambda settings: ModelSize(
        parameters=settings["y"] * 10**6, gflops=None, layers=None
    )
    return backend


def rows(place: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((place / "trials.csv").open()))


def on_front(table: list[dict[str, str]]) -> list[str]:
    """The trials of the front, by comparing each with each."""

    def is_beaten(row: dict[str, str]) -> bool:
        ap, size = float(row["AP"]), float(row["parameters"])
        others = [(float(o["AP"]), float(o["parameters"])) for o in table]
        return any(a >= ap and s <= size and (a, s) != (ap, size) for a, s in others)

    return [row["trial"] for row in table if not is_beaten(row)]


def test_every_metric_and_cost_may_be_an_objective() -> None:
    known = {"fitness", *fitness.METRICS.values(), *COSTS}
    assert set(get_args(Objective)) == known


def test_the_front_is_what_no_other_trial_beats(sized: FakeBackend) -> None:
    study = a_study(trials=12, objectives=BOTH)
    work(study)
    table = rows(evaluate(study, trials=12, objectives=BOTH))
    marked = [row["trial"] for row in table if row["front"] == "true"]
    assert marked == on_front(table)
    assert 1 < len(marked) < 12
    assert {row["parameters"] for row in table} == {str(t["y"] * 10**6) for t in sized.begun}


@pytest.mark.parametrize(
    "engine", [pytest.param(e, marks=pytest.mark.slow) if e == "gp" else e for e in ENGINES]
)
def test_a_search_for_several_objectives_resumes_exactly(
    engine: str, sized: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = a_study(engine=engine, trials=14, objectives=BOTH)
    work(study)
    whole, trained = facts(study), sized.epochs
    (tmp_path / "again").mkdir()
    monkeypatch.chdir(tmp_path / "again")
    sized.begun.clear()

    def stop(settings: dict[str, Any], epoch: int) -> None:
        if len(sized.begun) == 9 and epoch == 3:
            sized.begun.append({})
            raise KeyboardInterrupt

    sized.before = stop
    with pytest.raises(KeyboardInterrupt):
        work(study)
    work(changed(study, trials=11))
    work(study)
    assert facts(study) == whole
    assert sized.epochs == 2 * trained, "an epoch was trained twice"


def facts(study: RunningStudy) -> list[tuple[Any, ...]]:
    trials = Journal(study.key).trials()
    return [(t.number, t.state, t.params, t.epochs, t.costs) for t in trials]


@pytest.mark.parametrize("engine", ["tpe", "ga"])
def test_an_engine_draws_by_all_objectives(engine: Engine) -> None:
    """Sixteen trials equal in the first objective, whose second one is their `y`."""
    means = {}
    for direction in ("minimize", "maximize"):
        known = [_known(engine, number, float(number % 8)) for number in range(16)]
        way: tuple[Direction, ...] = ("maximize", direction)
        drawn = [engines.draw(engine, seed, known, SPACE, START, way) for seed in range(20)]
        means[direction] = sum(int(trial.params["y"]) for trial in drawn if trial) / 20
    assert means["minimize"] < means["maximize"] - 1


def _known(engine: Engine, number: int, second: float) -> FrozenTrial:
    params = {"x": 0.001 * (number + 1), "y": int(second), "z": "a"}
    trial = engines.given(engine, params, SPACE)
    notes = {"NSGAIISampler:generation": number // engines.POPULATION}
    return create_trial(
        values=[1.0, second],
        params=params,
        distributions=trial.distributions,
        system_attrs=notes if engine == "ga" else {},
    )


def test_objectives_judge_stored_trials_anew(sized: FakeBackend) -> None:
    """Of a study that is trained already: sizes are read from the store, and nothing is trained."""
    study = a_study()
    work(study)
    with_sizes = changed(study, objectives=BOTH)
    assert with_sizes.key == study.key
    work(with_sizes)
    assert sized.epochs == 4 * EPOCHS
    table = rows(evaluate(with_sizes, objectives=BOTH))
    assert [row["trial"] for row in table if row["front"] == "true"] == on_front(table)
    alone = evaluate(study, "alone")
    assert "front" not in rows(alone)[0]
    assert "objectives" not in json.loads((alone / "summary.json").read_text())


def test_trials_whose_models_are_gone_are_on_no_front(sized: FakeBackend) -> None:
    """`fairtrial gc` offers the entries of trials; a journal of an older release has no sizes."""
    study = a_study()
    work(study)
    gone = Journal(study.key).trials()[1]
    shutil.rmtree(Path("store/runs", gone.entry))
    with_sizes = changed(study, objectives=BOTH)
    work(with_sizes)
    trials = Journal(study.key).trials()
    assert [t.costs is None for t in trials] == [False, True, False, False]
    assert gone.number not in front(trials, None, BOTH)
    assert rows(evaluate(with_sizes, objectives=BOTH))[1]["parameters"] == ""


def test_without_any_model_there_is_no_best_trial(sized: FakeBackend) -> None:
    study = a_study()
    work(study)
    shutil.rmtree("store/runs")
    with refused(BackendError, "no finished trial", "AP, parameters", "removed"):
        evaluate(study, objectives=BOTH)


def test_a_study_for_several_objectives_begins_with_trials_of_another(sized: FakeBackend) -> None:
    study = a_study()
    work(study)
    second = behind(changed(study, seed=9, trials=0, objectives=BOTH), study)
    work(second)
    assert sized.epochs == 4 * EPOCHS
    sizes = [t.costs and t.costs.parameters for t in Journal(second.key).trials()]
    assert sizes == [settings["y"] * 10**6 for settings in sized.begun]


def test_the_first_objective_chooses_and_any_may_be_named(sized: FakeBackend) -> None:
    study = a_study(trials=8, objectives=BOTH)
    work(study)
    table = rows(evaluate(study, trials=8, objectives=BOTH))
    most = max(table, key=lambda row: float(row["AP"]))
    least = min(table, key=lambda row: (int(row["parameters"]), -float(row["AP"])))
    told: dict[str, Any] = {"trials": 8, "objectives": BOTH}
    assert chosen(study, **told)["trial"] == int(most["trial"])
    assert verdict() == ("AP", float(most["AP"]))
    assert chosen(study, "parameters", **told)["trial"] == int(least["trial"])
    assert verdict() == ("parameters", float(least["parameters"]))
    recall = max(table, key=lambda row: float(row["recall"]))
    assert chosen(study, "recall", **told)["trial"] == int(recall["trial"])
    text = Path("tpe-seed0/best.yaml").read_text()
    assert f"# Trial {most['trial']} of tpe-seed0: AP = " in text
    assert "parameters = " in text and "# It is the best in AP; trials.csv" in text


def verdict() -> tuple[str, float]:
    content = json.loads(Path("verdict.json").read_text())
    return content["by"], content["value"]


def test_gflops_that_cannot_be_counted_are_refused(sized: FakeBackend) -> None:
    study = a_study(objectives=("AP", "gflops"))
    with refused(BackendError, "GFLOPs", "`parameters`"):
        work(study)
    assert sized.epochs == EPOCHS


def timed(milliseconds: Callable[[], float], device: str = "cpu") -> Callable[[Path], Speed]:
    """A timing that measures nothing; counts its calls in `timed.calls`."""

    def timing(weights: Path) -> Speed:
        assert weights.read_text() == "weights"
        median = milliseconds()
        common: dict[str, Any] = {"images": 100, "batch": 1, "imgsz": 64, "threads": 1}
        quartiles = {"q1": median, "median": median, "q3": median, "parts": {}}
        return Speed(**common, device=device, precision="fp32", unit="ms", **quartiles)

    return timing


def test_a_model_is_timed_once_and_its_time_rounded(sized: FakeBackend) -> None:
    calls: list[float] = []

    def measured() -> float:
        calls.append(12.3456 + len(calls))
        return calls[-1]

    study = replace(a_study(objectives=("AP", "ms")), timing=timed(measured))
    work(study)
    work(changed(study, trials=5))
    assert len(calls) == 5
    place = evaluate(study, objectives=("AP", "ms"))
    assert [row["ms"] for row in rows(place)] == ["12.0", "13.0", "14.0", "15.0"]
    assert "parameters" not in rows(place)[0]
    machines = json.loads((place / "summary.json").read_text())["machines"]
    assert machines == {"cpu, 1 thread": 4}


def test_times_of_two_kinds_of_machine_are_told_apart(sized: FakeBackend) -> None:
    study = replace(a_study(trials=2, objectives=("AP", "ms")), timing=timed(lambda: 2.0))
    work(study)
    on_gpu = replace(study, timing=timed(lambda: 1.0, "a GPU"))
    work(changed(on_gpu, trials=5))
    place = evaluate(study, trials=5, objectives=("AP", "ms"))
    machines = json.loads((place / "summary.json").read_text())["machines"]
    assert machines == {"a GPU": 3, "cpu, 1 thread": 2}
