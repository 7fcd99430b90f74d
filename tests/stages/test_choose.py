"""What is chosen for others that begin with it, and what the report says of that."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.report.fake_results import Fake

from facts import missing_facts, refused
from fairtrial import DataError
from fairtrial.report.origins import origin_cautions, origin_pairs, seen_cautions
from fairtrial.results.experiment import load_experiment
from fairtrial.settings.stages import ReferredResult
from fairtrial.settings.study import ChooseSettings
from fairtrial.stages.choose import choose

TWO = {"high": {"momentum": 0.6}, "low": {"momentum": 0.9}}


def ap(
    high: list[float], low: list[float], splits: tuple[str, ...] = ("val", "test")
) -> dict[tuple[str, int, str], float | None]:
    return {
        (name, seed, split): value
        for name, values in (("high", high), ("low", low))
        for seed, value in enumerate(values)
        for split in splits
    }


def chosen(fake: Fake, name: str = "", **settings: Any) -> dict[str, dict[str, Any]]:
    """What the stage writes: start, weights and verdict."""
    folder = fake.results / "choices" / (name or "@best")
    folder.mkdir(parents=True)
    runs = [run for run in fake.runs if run.startswith(name)]
    for run in runs:
        (fake.results / "runs" / run / "weights.pt").write_text(run)
    files = {name: folder / f"{name}.json" for name in ("start", "weights", "verdict")}
    choose(
        settings=ChooseSettings(
            **{"experiment": "compare", "name": name, "runs": tuple(runs), "rank_by": "AP"}
            | settings
        ),
        results=fake.results,
        data=fake.data,
        scores=[] if name else [fake.results / "runs" / run / "metrics.json" for run in runs],
        records=[fake.results / "runs" / run / "record.json" for run in runs],
        trained=[fake.results / "runs" / run / "weights.pt" for run in runs],
        workers=[],
        **files,
    )
    return {name: json.loads(path.read_text()) for name, path in files.items()}


def said(fake: Fake) -> tuple[list[list[str]], list[str]]:
    """What a report says of the best configuration of this experiment."""
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    references = [ReferredResult(experiment="compare", name="", best=None)]
    return origin_pairs(experiment, references), origin_cautions(experiment, references)


def test_the_best_on_val_is_chosen_whatever_test_says(tmp_path: Path) -> None:
    values = ap([0.5, 0.5, 0.5], [0.6, 0.6, 0.6], ("test",))
    values |= ap([0.7, 0.6, 0.5], [0.2, 0.1, 0.3], ("val",))
    fake = Fake(tmp_path, TWO, ap=values).build()
    found = chosen(fake)
    assert (found["start"]["name"], found["start"]["settings"]["momentum"]) == ("high", 0.6)
    assert not {"seed", "dataset", "replicate", "fitness"} & found["start"]["settings"].keys()
    assert found["verdict"] == {"by": "AP", "value": 0.6, "runner_up": "low", "told": False}


def test_the_weights_are_those_of_all_its_seeds(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, seeds=(0, 1), ap=ap([0.2, 0.2], [0.7, 0.7])).build()
    runs = chosen(fake)["weights"]["runs"]
    assert [(run["run"], run["dataset"], run["seed"]) for run in runs] == [
        *(("low-s0", "shapes", 0), ("low-s1", "shapes", 1))
    ]
    assert runs[1]["sha256"] == hashlib.sha256(b"low-s1").hexdigest()


def test_a_named_configuration_is_no_choice(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, ap=ap([0.7, 0.7, 0.7], [0.2, 0.2, 0.2])).build()
    found = chosen(fake, "low")
    assert found["start"]["settings"]["momentum"] == 0.9
    assert found["verdict"] == {"by": "", "value": None, "runner_up": "", "told": None}


def test_without_a_value_on_val_nothing_is_the_best(tmp_path: Path) -> None:
    none = dict.fromkeys(ap([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], ("val",)))
    fake = Fake(tmp_path, TWO, ap=none).build()
    with refused(DataError, "compare", "no configuration has a value of AP on val"):
        chosen(fake)


@pytest.mark.parametrize(
    ("low", "told"),
    [
        pytest.param([0.10, 0.11, 0.12], True, id="far below"),
        pytest.param([0.59, 0.60, 0.61], False, id="alike"),
    ],
)
def test_a_choice_that_cannot_be_told_is_warned_of(
    low: list[float], told: bool, tmp_path: Path
) -> None:
    fake = Fake(tmp_path, TWO, ap=ap([0.60, 0.61, 0.62], low)).build()
    assert chosen(fake)["verdict"]["told"] is told
    pairs, cautions = said(fake)
    assert pairs == [["compare", "high, the best by AP 0.610 on val; next: low"]]
    facts = ("high of compare", "by AP", "cannot be told", "low")
    assert [missing_facts(sentence, *facts) for sentence in cautions] == [[]] * (not told)


def test_weights_of_other_data_are_warned_of(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO, ap=ap([0.60, 0.61, 0.62], [0.1, 0.1, 0.1])).build()
    chosen(fake)
    for run, dataset in (("high-s0", "shapes"), ("low-s0", "photographs")):
        path = fake.results / "runs" / run / "record.json"
        origin = {"experiment": "e", "name": "x-s0", "trial": None, "weights_of": dataset}
        path.write_text(json.dumps(json.loads(path.read_text()) | {"started_from": [origin]}))
    (caution,) = said(fake)[1]
    assert missing_facts(caution, "B begins", "photographs", "test") == []


@pytest.mark.parametrize("name", ["", "high"], ids=["the best", "by name"])
def test_a_choice_that_learned_from_val_says_so_and_hands_the_leak_on_to_nobody(
    name: str, tmp_path: Path
) -> None:
    runs = {"high": {"augment_val_leak": True}, "low": {"momentum": 0.9}}
    fake = Fake(tmp_path, runs, seeds=(0, 1), ap=ap([0.7, 0.7], [0.2, 0.2])).build()
    found = chosen(fake, name)
    assert found["verdict"]["learned_from_val"] is True
    assert "augment_val_leak" not in found["start"]["settings"]
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    reference = ReferredResult(experiment="compare", name=name, best=None)
    sentences = " ".join(origin_cautions(experiment, [reference]))
    assert missing_facts(sentences, "high of compare", "learned from the images of val") == []


def test_a_checkpoint_that_has_seen_the_images_is_told(tmp_path: Path) -> None:
    runs = {"naive": {"pretrained": "weights/a.pt"}, "scratch": {"pretrained": None}}
    fake = Fake(tmp_path, runs, ap={}).build()
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    (letter,) = [c.letter for c in experiment.configurations if c.name == "naive"]
    (sentence,) = seen_cautions(experiment, {"weights/a.pt": ("drawn",)})
    facts = (
        f"weights/a.pt, with which {letter} begins, was trained on images of drawn",
        "inflated",
    )
    assert missing_facts(sentence, *facts) == []
    assert seen_cautions(experiment, {"weights/a.pt": ("other",)}) == []
