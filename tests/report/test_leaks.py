"""A configuration that learned from val is told before anything else, and beside the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairtrial.report.answer import answer
from fairtrial.report.cautions import cautions
from fairtrial.report.leaks import leak_cautions
from tests.facts import missing_facts
from tests.report.fake_results import Fake
from tests.report.test_cautions import edit_record
from tests.report.test_questions import results_of

RUNS: dict[str, Any] = {"clean": {"lr0": 0.1}, "leak": {"lr0": 0.1, "augment_val_leak": True}}
AP = {
    (name, seed, split): value
    for name, of_split in (
        ("clean", {"val": 0.60, "test": 0.58}),
        ("leak", {"val": 0.90, "test": 0.50}),
    )
    for split, value in of_split.items()
    for seed in (0, 1, 2)
}


def test_it_is_the_first_caution_and_shows_what_the_leak_did(tmp_path: Path) -> None:
    experiment = results_of(Fake(tmp_path, RUNS, ap=AP).build())
    (letter,) = [c.letter for c in experiment.configurations if c.name == "leak"]
    (clean,) = [c.letter for c in experiment.configurations if c.name == "clean"]
    sentence = cautions(experiment)[0]
    facts = (f"{letter} learned from augmented copies", "augment_val_leak", "no result")
    values = (f"AP on val and test: {letter} 0.900 and 0.500; {clean} 0.600 and 0.580",)
    assert missing_facts(sentence, *facts, *values) == []
    found = answer(experiment.comparisons[0])
    assert f"{letter} learned from val, on which the best is chosen." in found.headline


def test_of_others_nothing_is_said(tmp_path: Path) -> None:
    clean = {"a": {"lr0": 0.1}, "b": {"lr0": 0.2}}
    experiment = results_of(Fake(tmp_path, clean, ap={}).build())
    assert leak_cautions(experiment) == []
    assert "learned from val" not in answer(experiment.comparisons[0]).headline


def test_who_continues_one_that_leaks_has_learned_from_val_too(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"leak": {"augment_val_leak": True}, "longer": {"epochs": 9}}, ap={})
    fake.build()
    for seed in (0, 1, 2):
        edit_record(fake, f"longer-s{seed}", continued_from=f"leak-s{seed}")
    (sentence,) = leak_cautions(results_of(fake))
    assert sentence.startswith("A and B learned")


@pytest.mark.parametrize("test", [True, False], ids=["with test", "without"])
def test_one_alone_is_told_too(test: bool, tmp_path: Path) -> None:
    runs = {"leak": {"augment_val_leak": True}}
    experiment = results_of(Fake(tmp_path, runs, ap={}, test=test).build())
    (sentence,) = leak_cautions(experiment)
    assert ("no test set" in sentence) is not test
    assert "A learned from val" in answer(experiment.comparisons[0]).headline
