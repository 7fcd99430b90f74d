"""Whose results a study, plot and the report refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts import refused
from fairtrial import DataError
from fairtrial.files.checksums import sha256_of
from fairtrial.files.modelfile import write_model
from fairtrial.lineage import guard
from fairtrial.lineage.expected import ExpectedJob
from fairtrial.lineage.made import MadeRecord, read_made, settings_sha256

SPLIT = "data/made/split/shapes.json"
SEARCH = "results/mine/made/search/study-0.json"
WORKERS = ["results/mine/search/study/workers/0.json"]
JOBS = {
    path: ExpectedJob(settings_sha256=settings_sha256("{}"), code="c")
    for path in (
        SPLIT,
        SEARCH,
        "results/mine/made/search/study-1-0.json",  # of the study `study-1`, still at work
        "data/made/split/other.json",  # of its data set
    )
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set, and a search on it that has finished."""
    monkeypatch.chdir(tmp_path)
    make(SPLIT, [], ["data/sets/shapes/split.json"])
    make(SEARCH, ["data/sets/shapes/split.json"], WORKERS)


def make(made: str, inputs: list[str], outputs: list[str], settings: str = "{}") -> None:
    """Write the outputs of a job, and its record."""
    for name in outputs:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"{made} {settings}")
    record = MadeRecord(
        stage=Path(made).parent.name,
        settings_sha256=settings_sha256(settings),
        settings=settings,
        code="c",
        inputs=sha256_of(Path(), inputs),
        outputs=sha256_of(Path(), outputs),
    )
    Path(made).parent.mkdir(parents=True, exist_ok=True)
    write_model(Path(made), record.sealed())


def test_a_study_takes_the_plans_search_and_waits_for_no_other() -> None:
    assert (guard.refuse_foreign_inputs(JOBS, WORKERS, "mine")) == [SPLIT, SEARCH]


@pytest.mark.parametrize(
    ("made", "outputs"),
    [
        (SEARCH, WORKERS),
        (SPLIT, ["data/sets/shapes/split.json"]),
    ],
    ids=["search", "data"],
)
def test_a_study_refuses_what_was_made_with_other_settings(made: str, outputs: list[str]) -> None:
    make(made, [], outputs, settings='{"trials":2}')
    with refused(DataError, outputs[0], "other settings", "fairtrial repair mine"):
        guard.refuse_foreign_inputs(JOBS, WORKERS, "mine")


def test_a_study_refuses_a_search_on_other_data() -> None:
    make(SPLIT, [], ["data/sets/shapes/split.json"])
    Path("data/sets/shapes/split.json").write_text("another")
    record = read_made(Path(SPLIT))
    outputs = sha256_of(Path(), record.outputs)
    write_model(Path(SPLIT), record.model_copy(update={"outputs": outputs}).sealed())
    with refused(DataError, "workers/0.json", "made from another data/sets/shapes/split.json"):
        guard.refuse_foreign_inputs(JOBS, WORKERS, "mine")


def test_plot_waits_for_all() -> None:
    with refused(DataError, "study-1-0.json", "other.json"):
        guard.refuse_foreign(JOBS, Path("results/mine/made/plot.json"))


@pytest.mark.parametrize(
    "old, new",
    [('"c"', '"d"'), ("{}", "{ }"), ('"search"', '"study"')],
    ids=["code", "settings", "stage"],
)
def test_a_record_that_was_changed_by_hand_is_known(old: str, new: str) -> None:
    Path(SEARCH).write_text(Path(SEARCH).read_text().replace(old, new))
    record = read_made(Path(SEARCH))
    (problem,) = guard.contradictions(SEARCH, record, ())
    assert "was changed" in problem.why


def test_plot_refuses_a_changed_result_with_which_its_runs_begin() -> None:
    choice, start = "results/first/made/choose/@best.json", "results/first/choices/@best/start.json"
    job = ExpectedJob(settings_sha256=settings_sha256("{}"), code="c")
    jobs = dict.fromkeys((SPLIT, SEARCH, choice), job)
    jobs["results/first/made/report.json"] = job  # which nobody asked for
    make(choice, [], [start])
    plot = Path("results/mine/made/plot.json")
    assert set(guard.refuse_foreign(jobs, plot)) == {SPLIT, SEARCH, choice}
    Path(start).write_text("by hand")
    with refused(DataError, start, "was changed"):
        guard.refuse_foreign(jobs, plot)
