"""The sentences of page one in each case, with the numbers of cases once answered wrongly.

Each asks whether headline, details, marks and tables say one thing.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fairtrial.files.yamlfile import read_yaml
from fairtrial.report import paper_tables, tables
from fairtrial.report.answer import Answer, answer, method
from fairtrial.report.next_steps import next_steps
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.significance import gaps_to, without_flattery
from tests.facts import missing_facts
from tests.report.fake_results import Fake, load
from tests.report.test_folds import edit
from tests.report.test_questions import on_both, results_of
from tests.report.test_report import SPLITS, TWO, scores

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {"classes": ("circle",), "size": 64, "epochs": 2}


def several(root: Path, *rows: list[float], **changes: Any) -> Fake:
    """Configurations `m0`, `m1` … with these AP by seed, the same on val and test."""
    runs = {f"m{number}": {"momentum": number} for number in range(len(rows))}
    ap = on_both({f"m{number}": row for number, row in enumerate(rows)})
    return Fake(root, runs, seeds=tuple(range(len(rows[0]))), ap=ap, **SMALL | changes)


def two(root: Path, ap: dict[Any, Any], **changes: Any) -> Fake:
    return Fake(root, TWO, ap=ap, **SMALL | changes)


def answered(fake: Fake) -> Answer:
    return answer(results_of(fake.build()).comparisons[0])


def steps(fake: Fake) -> str:
    return " ".join(next_steps(results_of(fake), "results/compare", timings=True))


# --------------------------------------------------------------------------- who is best


def test_of_several_the_winner_is_named_with_its_gap_to_the_next(tmp_path: Path) -> None:
    found = answered(several(tmp_path, [0.60, 0.61, 0.62], [0.50, 0.51, 0.52], [0.4, 0.41, 0.42]))
    assert found.headline.startswith("A (momentum 0) is best: AP 0.610 on test, 0.100 above the")
    assert "the next, B (95 %: 0.0" in found.headline
    assert set(found.marks.values()) == {"↓"}
    assert "A leads" not in found.details and "cannot be told" not in found.details


def test_leaders_and_losers_are_parted(tmp_path: Path) -> None:
    """Two at the top and five clearly below: "A and B cannot be told apart" was all that was
    said."""
    low = [[0.40, 0.41, 0.42]] * 5
    found = answered(several(tmp_path, [0.60, 0.61, 0.62], [0.60, 0.605, 0.615], *low))
    assert (
        found.headline == "A (momentum 0) leads; B cannot be told from it; the other 5 are worse."
    )
    assert found.marks == {"B": "≈", **dict.fromkeys("CDEFG", "↓")}
    assert "It lies 0.200 above C, the nearest of the 5 that are worse" in found.details


def test_where_none_is_told_the_nearest_is_named_and_what_would_have_been_told(
    tmp_path: Path,
) -> None:
    rows = [[0.60, 0.61, 0.62 - number / 500] for number in range(6)]
    fake = several(tmp_path, *rows)
    found = answered(fake)
    expected = "A (momentum 0) and B (momentum 1), and 4 others, cannot be told apart."
    assert found.headline == expected
    assert (
        missing_facts(found.details, "95 %: −0.0", "would have been found with 80 % probability")
        == []
    )
    assert set(found.marks.values()) == {"≈"}


def test_what_seeds_tell_and_images_do_not_holds_for_these_images(tmp_path: Path) -> None:
    fake = two(tmp_path, scores([0.600, 0.601, 0.602], [0.580, 0.581, 0.582]), image_noise=0.05)
    found = answered(fake)
    assert found.headline == (
        "On these 12 images A (momentum 0.6) is better than B (momentum 0.9); on others it may not "
        "be."
    )
    assert "More test images would tell." in found.details
    assert found.marks == {"B": "≈"}
    assert "test images (now 12)" in steps(fake)


def test_where_the_choice_on_val_fails_nothing_contradicts_it(tmp_path: Path) -> None:
    """A better one, one that is alike, one that is worse: "nor can any of the others be told
    apart" was said beside it."""
    fake = several(tmp_path, [0.50, 0.51, 0.52], [0.60, 0.61, 0.62], [0.50, 0.51, 0.53], [0.1] * 3)
    fake.ap |= {("m0", seed, "val"): 0.7 for seed in (0, 1, 2)}
    found = answered(fake)
    assert found.headline == (
        "The choice on val does not hold: B (momentum 1) is better than A (momentum 0)."
    )
    assert found.marks == {"B": "↑", "C": "≈", "D": "↓"}
    assert "0.100 below B" in found.details
    assert "C cannot be told from A. D is worse than A." in found.details
    assert "either" not in found.details
    assert "Val and test disagree" in steps(fake) and "Weights" not in steps(fake)


# --------------------------------------------------------------------------- seeds


def test_two_models_of_one_seed_are_compared_as_models(tmp_path: Path) -> None:
    """0.900 against 0.100: no number of seeds was known to be enough, yet one was promised."""
    fake = two(tmp_path, scores([0.9], [0.1]), seeds=(0,))
    found = answered(fake)
    assert found.headline == "A (0.900) and B (0.100) were trained once each."
    assert "these two models would differ by 0.78" in found.details
    assert "what another training gives nobody knows" in found.details
    assert "three seeds" not in found.details + steps(fake)
    assert found.marks == {"B": "?"}


def test_many_of_one_seed_are_not_tested(tmp_path: Path) -> None:
    found = answered(several(tmp_path, *[[0.6 - number / 100] for number in range(12)]))
    assert found.headline == (
        "12 configurations were trained once each; A (momentum 0) has the highest AP on val."
    )
    assert set(found.marks.values()) == {"?"}
    assert "three seeds" not in found.details


def test_one_that_was_trained_once_among_others_is_left_open(tmp_path: Path) -> None:
    fake = several(tmp_path, [0.60, 0.61, 0.62], [0.50, 0.51, 0.52], [0.4] * 3).build()
    experiment = results_of(fake)
    experiment.runs = [run for run in experiment.runs if run.name not in ("m2-s1", "m2-s2")]
    found = answer(experiment.comparisons[0])
    assert found.headline == "A (momentum 0) leads; C was trained once; B is worse."
    assert found.marks == {"B": "↓", "C": "?"}


def without_effect(fake: Fake) -> Fake:
    """All seeds of each configuration as its first one: weights, predictions and metrics."""
    for name in fake.configurations:
        first = fake.results / "runs" / f"{name}-s0"
        for seed in fake.seeds[1:]:
            folder = fake.results / "runs" / f"{name}-s{seed}"
            record = load(folder / "record.json")
            shutil.rmtree(folder)
            shutil.copytree(first, folder)
            (folder / "record.json").write_text(json.dumps(record))
    return fake


def test_seeds_that_change_nothing_count_once(tmp_path: Path) -> None:
    """A checkpoint at 0 epochs, two image sizes, four equal runs each: a gap of 0.004 was
    p = 0.029, and its images give −0.019 to 0.026."""
    ap = scores([0.604] * 4, [0.600] * 4)
    settings: dict[str, Any] = {"seeds": (0, 1, 2, 3), "units": 40, "image_noise": 0.0078}
    fake = without_effect(two(tmp_path, ap, **settings).build())
    experiment = results_of(fake)
    found = answer(experiment.comparisons[0])
    assert found.headline == "A (momentum 0.6) and B (momentum 0.9) cannot be told apart."
    gap = found.gaps["B"]
    assert (gap.compared, gap.counts) == ("identical", (1, 1))
    assert gap.low == pytest.approx(-0.019, abs=0.003) and gap.high == pytest.approx(
        0.026, abs=0.003
    )
    facts = ("4 equal seeds", "All seeds of A and B gave the same model", "equal runs count once")
    assert missing_facts(found.details, *facts, "holds for other images like these") == []
    assert "seeds each" not in steps(fake)
    (row, _) = comparison_rows(tmp_path, experiment)
    assert (row["seeds"], row["test/AP_sd"]) == ("1", "")


def test_one_side_without_effect_of_the_seed_is_still_compared(tmp_path: Path) -> None:
    """A checkpoint as it is, against trainings: its equal runs have no variance, which is known."""
    fake = two(tmp_path, scores([0.60, 0.61, 0.62], [0.500] * 3)).build()
    for seed in (1, 2):
        for file in ("predictions/val.json", "predictions/test.json", "resamples.npz"):
            source = fake.results / "runs/low-s0" / file
            (fake.results / f"runs/low-s{seed}" / file).write_bytes(source.read_bytes())
    found = answer(results_of(fake).comparisons[0])
    assert "A (momentum 0.6) is best" in found.headline
    assert (found.gaps["B"].compared, found.gaps["B"].counts) == ("seeds", (3, 1))


LONGER = {"short": {"epochs": 20}, "long": {"epochs": 40}}


def continued(root: Path, **changes: Any) -> Fake:
    """The shipped experiment `longer`: each long run continues the short one of its seed."""
    values = {"short": [0.600, 0.551, 0.499], "long": [0.620, 0.570, 0.520]}
    fake = Fake(root, LONGER, ap=on_both(values), **SMALL | changes).build()
    for seed in fake.seeds:
        key = load(fake.results / f"runs/short-s{seed}/record.json")["key"]
        path = fake.results / f"runs/long-s{seed}/record.json"
        inputs = load(path)["inputs"] | {"continues": key}
        edit(path, inputs=inputs, continued_from=f"short-s{seed}")
    return fake


def test_a_continued_training_is_compared_seed_by_seed(tmp_path: Path) -> None:
    """0.020, 0.019, 0.021: "cannot be told apart (p = 0.65)" as independent samples."""
    fake = continued(tmp_path, image_noise=0.0005)
    found = answer(results_of(fake).comparisons[0])
    assert "A (epochs 40) is best: AP 0.570 on test, 0.020 above B" in found.headline
    assert "A goes on from B, so they are compared seed by seed." in found.details
    assert found.gaps["B"].p_seeds == pytest.approx(0.0008, abs=5e-5)


def test_a_training_that_continues_another_seed_is_not_paired(tmp_path: Path) -> None:
    fake = continued(tmp_path, image_noise=0.0005)
    path = fake.results / "runs/long-s2/record.json"
    edit(path, inputs=load(path)["inputs"] | {"continues": "of none of these"})
    found = answer(results_of(fake).comparisons[0])
    assert "cannot be told apart" in found.headline
    assert found.gaps["B"].compared == "seeds"


def test_a_setting_without_any_effect_leaves_no_gap(tmp_path: Path) -> None:
    """Equal results seed by seed: the spread over seeds says nothing of the difference."""
    fake = two(tmp_path, scores([0.60, 0.61, 0.62], [0.60, 0.61, 0.62], (0.7, 0.7))).build()
    for seed in fake.seeds:
        for file in ("predictions/val.json", "predictions/test.json", "resamples.npz"):
            source = fake.results / f"runs/high-s{seed}" / file
            (fake.results / f"runs/low-s{seed}" / file).write_bytes(source.read_bytes())
    gap = answer(results_of(fake).comparisons[0]).gaps["B"]
    assert (gap.gap, gap.low, gap.high, gap.p) == (0.0, 0.0, 0.0, 1.0)


# --------------------------------------------------------------------------- nothing, and one


def test_where_nothing_was_learned_that_is_said_first(tmp_path: Path) -> None:
    fake = two(tmp_path, scores([0.0] * 3, [0.0] * 3, (0.0, 0.0)))
    found = answered(fake)
    assert found.headline == "None of the 6 trainings has learned anything."
    assert (found.best, found.marks) == ("", {})
    assert "has to learn something" in steps(fake) and "Weights" not in steps(fake)
    assert {row["verdict"] for row in comparison_rows(tmp_path, results_of(fake))} == {""}


def test_one_configuration_has_weights_and_no_verdict(tmp_path: Path) -> None:
    fake = Fake(tmp_path, {"only": {}}, ap=on_both({"only": [0.5, 0.53, 0.52]}), **SMALL)
    found = answered(fake)
    assert found.headline.startswith("A (only) reaches AP 0.517 ± 0.015 on test")
    assert found.marks == {}
    assert "results/compare/runs/only-s1/weights.pt" in steps(fake)


# --------------------------------------------------------------------------- folds


def folds(root: Path, gain: list[float], undefined: int | None = None) -> ExperimentResults:
    """Two settings on as many folds as there are gains; `undefined`: a fold without AP of B."""
    sets, runs, ap = {}, {}, {}
    for fold, more in enumerate(gain, 1):
        for momentum, plus in ((0.6, more), (0.9, 0.0)):
            name = f"momentum={momentum}.fold{fold}"
            sets[name], runs[name] = fold, {"momentum": momentum}
            value = None if fold == undefined and not plus else 0.3 + 0.1 * fold + plus
            ap |= {(name, 0, split): value for split in SPLITS}
    fake = Fake(root, runs, seeds=(0,), sets=sets, ap=ap, **SMALL).build()
    for fold in range(len(gain) + 1):
        path = fake.data / "sets" / f"shapes{fold or ''}" / "split.json"
        edit(path, method="kfold", asked={"folds": len(gain), "fold": fold}, source="drawn")
    return results_of(fake)


def test_an_undefined_fold_is_left_out_and_said(tmp_path: Path) -> None:
    """It was compared by Welch's test under the name of Nadeau and Bengio's."""
    experiment = folds(tmp_path, [0.040, 0.041, 0.039, 0.040, 0.5], undefined=5)
    found = answer(experiment.comparisons[0])
    gap = found.gaps["B"]
    assert (gap.compared, gap.counts) == ("folds", (4, 4))
    assert gap.gap == pytest.approx(0.04)
    assert "on the 4 folds in which all have a value" in found.details
    text = " ".join(next_steps(experiment, "results/compare", timings=True))
    assert "train A once more" in text and "Weights" not in text


# --------------------------------------------------------------------------- what is not flattered


def test_the_choice_by_the_other_seeds_alone(tmp_path: Path) -> None:
    """By hand: without seed 0 B is best on val (0.65 : 0.55), without 1 and without 2 A is."""
    on_val = {"high": [0.9, 0.6, 0.5], "low": [0.5, 0.6, 0.7]}
    on_test = {"high": [0.8, 0.5, 0.4], "low": [0.3, 0.35, 0.45]}
    ap: dict[Any, Any] = {}
    for split, values in (("val", on_val), ("test", on_test)):
        ap |= {(n, s, split): v for n, row in values.items() for s, v in enumerate(row)}
    comparison = results_of(two(tmp_path, ap).build()).comparisons[0]
    value = without_flattery(comparison.ranked(), "test", "AP")
    assert value == pytest.approx((0.3 + 0.5 + 0.4) / 3)
    assert (
        "Without the luck of the seeds that chose it, its AP would be 0.400."
        in answer(comparison).details
    )


def test_the_method_does_not_call_test_free_of_the_choice(tmp_path: Path) -> None:
    text = method(results_of(two(tmp_path, {}).build()).comparisons)
    assert missing_facts(text, "lucky seeds flatter it", "bootstrap of images", "Tukey") == []
    assert "no part in it" not in text


# --------------------------------------------------------------------------- tables


def comparison_rows(folder: Path, experiment: ExperimentResults) -> list[dict[str, str]]:
    tables.write_comparison(folder / "comparison.csv", experiment, timings=False)
    with (folder / "comparison.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_name_that_a_spreadsheet_would_run_is_escaped_and_numbers_are_not(tmp_path: Path) -> None:
    rows = [{"configuration": "=a", "gap": -0.5}, {"configuration": "-b", "gap": None, "n": 2}]
    tables._write_csv(tmp_path / "a.csv", rows)
    assert (tmp_path / "a.csv").read_text() == "configuration,gap,n\n'=a,-0.5,\n'-b,,2\n"


def test_the_tables_have_every_gap_with_its_interval(tmp_path: Path) -> None:
    fake = several(tmp_path, [0.60, 0.61, 0.62], [0.59, 0.60, 0.62], [0.4, 0.41, 0.42]).build()
    experiment = results_of(fake)
    found = answer(experiment.comparisons[0])
    rows = comparison_rows(tmp_path, experiment)
    assert [row["verdict"] for row in rows] == ["best", "not told apart", "worse"]
    assert rows[0]["gap"] == ""
    for row in rows[1:]:
        gap = found.gaps[row["letter"]]
        numbers = (float(row[key]) for key in ("gap", "gap_low", "gap_high", "p"))
        assert tuple(numbers) == (gap.gap, gap.low, gap.high, gap.p)
        assert row["limited_by"] == gap.limited_by
    for row in rows:
        low, mean, high = (float(row[f"test/AP{end}"]) for end in ("_low", "", "_high"))
        assert 0 < low < mean < high < 1
    markdown = paper_tables.markdown(experiment, timings=False)
    tex = paper_tables.latex(experiment)
    assert "0.410 ± 0.010 ↓ | 0.200 (0." in markdown and "worse" in markdown
    assert r"0.410 $\pm$ 0.010 $\downarrow$ & 0.200 (0." in tex and "A above it (95 \\%)" in tex
    assert "**0.610 ± 0.010**" in markdown and r"\textbf{0.610 $\pm$ 0.010}" in tex
    assert r"\caption{On test of shapes (12 images, 47 objects), mean" in tex
    for text in (markdown.replace("\\", ""), tex):
        assert not missing_facts(text, "n = 3 seeds", "95", "bootstrap of images, Tukey")
    assert tex.count(r"\toprule") == tex.count(r"\bottomrule") == 1
    assert len({line.count("&") for line in tex.splitlines() if line.endswith(r"\\")}) == 1


HOSTILE = r"""a_b & 50% of #1 {x} $y$ ^~ \z <w> | "q" × ≥ µ"""


def test_no_name_breaks_the_table_for_a_paper(tmp_path: Path) -> None:
    """Beside what is escaped no character is left that TeX, or pdfLaTeX's fonts, would take for
    something else."""
    configurations: dict[str, dict[str, Any]] = {"a": {"model": HOSTILE}, "b": {"model": "é"}}
    tex = paper_tables.latex(results_of(Fake(tmp_path, configurations).build()))
    (row,) = (line for line in tex.splitlines() if "a\\_b" in line)
    assert row.count(" & ") == tex.count(" & ") / 3, "each line has the same cells"
    bare = re.sub(r"\\[a-zA-Z]+(?:\{\})?|\\[_&%#{}$]|\$[^$]*\$|\\textbf\{", "", row)
    assert not set(bare.replace(" & ", "").replace(r"\\", "")) & set('_%#$^~<>|"\\&×≥µ')
    assert "XeLaTeX" not in tex
    configurations["b"]["model"] = "日本"
    fake = Fake(tmp_path / "2", configurations).build()
    other = paper_tables.latex(results_of(fake))
    assert "XeLaTeX" in other.splitlines()[0]


def test_gaps_are_there_for_every_metric_of_the_table(tmp_path: Path) -> None:
    comparison = results_of(several(tmp_path, [0.6, 0.61, 0.62], [0.5, 0.51, 0.52]).build())
    best, other = comparison.comparisons[0].ranked()
    for metric in comparison.comparisons[0].table_metrics:
        gap = gaps_to(best, [other], "test", metric)["B"]
        assert gap.unit_variance and gap.seed_variance and gap.apart, metric


# --------------------------------------------------------------------------- next steps


def test_it_says_how_many_seeds_would_tell(tmp_path: Path) -> None:
    fake = two(tmp_path, scores([0.60, 0.62, 0.64], [0.57, 0.59, 0.61]), image_noise=0.0005).build()
    text = steps(fake)
    assert missing_facts(text, "To tell A from B with 80 % probability", "gap of 0.030") == []
    assert "seeds each (now 3)" in text
    assert "runs/high-s0/weights.pt, the best of the 3 seeds of A on val" in text
    assert "3 million parameters" in text and "ms per image" in text


def test_longer_training_is_advised_where_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    fake = two(tmp_path, scores([0.6, 0.61, 0.62], [0.5, 0.51, 0.52])).build()
    for run in fake.runs:
        edit(fake.results / "runs" / run / "record.json", best_epoch=fake.epochs)
    assert "Train longer: the last epoch in 6 of 6 runs is the best one" in steps(fake)


def test_a_smaller_model_that_is_not_told_apart_is_named(tmp_path: Path) -> None:
    record = {n: {"model": {"parameters": p * 10**6, "gflops": 1.0, "layers": 9}}
              for n, p in (("high", 20), ("low", 3))}  # fmt: skip
    fake = two(tmp_path, scores([0.6, 0.62, 0.64], [0.59, 0.61, 0.63]), record=record).build()
    assert "B (momentum 0.9) cannot be told from A and is smaller: 3.0 instead of 20.0" in steps(
        fake
    )


# --------------------------------------------------------------------------- all cases

CASES: dict[str, tuple[list[list[float]], dict[str, Any]]] = {
    "two apart": ([[0.60, 0.61, 0.62], [0.50, 0.51, 0.52]], {}),
    "two alike": ([[0.60, 0.61, 0.62], [0.59, 0.61, 0.62]], {}),
    "apart on these images": ([[0.600, 0.601, 0.602], [0.58, 0.581, 0.582]], {"image_noise": 0.05}),
    "three apart": ([[0.60, 0.61, 0.62], [0.5, 0.51, 0.52], [0.4, 0.41, 0.42]], {}),
    "leaders and losers": ([[0.60, 0.61, 0.62], [0.59, 0.61, 0.62], [0.4, 0.41, 0.42]], {}),
    "all of one seed": ([[0.6], [0.5], [0.4]], {}),
    "equal values": ([[0.5] * 3, [0.5] * 3], {}),
    "nothing learned": ([[0.0] * 3, [0.0] * 3], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_headline_details_signs_and_steps_say_one_thing(case: str, tmp_path: Path) -> None:
    rows, changes = CASES[case]
    fake = several(tmp_path, *rows, **changes)
    found = answered(fake)
    signs, text = set(found.marks.values()), f"{found.headline} {found.details}"
    assert ("is best" in text) == (signs == {"↓"})
    assert ("cannot be told" in text) <= ("≈" in signs)
    assert ("↓" in signs and "≈" in signs) == (" leads; " in text)
    assert ("trained once" in text) == ("?" in signs)
    assert ("80 % probability" in text) <= ("≈" in signs)
    assert ("To tell" in steps(fake)) <= ("≈" in signs)
    assert bool(signs) == (found.best != "")
    for gap in found.gaps.values():
        assert gap.low is not None and gap.high is not None
        assert gap.low <= gap.gap <= gap.high
        assert gap.p is None or gap.apart == (gap.low > 0 or gap.high < 0)


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ["momentum", "lrf"])
def test_a_shipped_sweep_of_three_seeds_finds_a_winner_five_sd_above(
    experiment: str, tmp_path: Path
) -> None:
    """Of 11 and of 15 values: by Welch's test and Holm's correction "cannot be told apart"."""
    settings = read_yaml(ROOT / f"config/experiments/{experiment}.yaml")
    ((parameter, values),) = settings["sweep"].items()
    random = Random(1)
    gain = {values[len(values) // 2]: 0.05}
    rows = [[0.4 + gain.get(v, 0) + random.gauss(0, 0.01) for _ in range(3)] for v in values]
    runs = {f"{parameter}={value}": {parameter: value} for value in values}
    ap = on_both(dict(zip(runs, rows, strict=True)))
    fake = Fake(tmp_path, runs, ap=ap, units=100, image_noise=0.004, **SMALL)
    found = answered(fake)
    assert f"({parameter} {values[len(values) // 2]}) is best: AP 0.4" in found.headline
    assert "more seeds would narrow its interval most" in found.details
