"""Which run is handed on, and what its model card says: what is known, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairtrial import DataError
from fairtrial.files.checksums import sha256
from fairtrial.files.modelfile import read_model
from fairtrial.files.yamlfile import read_yaml_text
from fairtrial.report.card import ModelCard
from tests.facts import refused
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

TWO = {"low": {"imgsz": 96}, "high": {"imgsz": 160}}
ON_VAL = {("low", 0): 0.6, ("low", 1): 0.5, ("high", 0): 0.7, ("high", 1): 0.8}


def fake(root: Path, **changed: Any) -> Fake:
    """Two configurations with two seeds; on test the order of all runs is the reverse."""
    ap = {(*run, "val"): value for run, value in ON_VAL.items()}
    ap |= {(*run, "test"): 1 - value for run, value in ON_VAL.items()}
    made = Fake(root, TWO, **{"seeds": (0, 1), "ap": ap, **changed}).build()
    for run in made.runs:
        (made.results / "runs" / run / "weights.pt").write_bytes(f"weights of {run}".encode())
    return made


def reported(made: Fake, **settings: Any) -> tuple[ModelCard, str, bytes]:
    """winner.json, winner.md and winner.pt."""
    report_text(made, build=False, **settings)
    files = {kind: made.results / f"winner.{kind}" for kind in ("json", "md", "pt")}
    card = read_model(files["json"], ModelCard)
    return card, files["md"].read_text(encoding="utf-8"), files["pt"].read_bytes()


def test_the_winner_is_the_best_run_on_val_of_the_best_configuration_there(tmp_path: Path) -> None:
    """Test has no part in it."""
    card, _, weights = reported(fake(tmp_path))
    assert weights == b"weights of high-s1"
    assert card.run and card.verdict and card.data
    assert (card.run.name, card.run.value) == ("high-s1", 0.8)
    assert card.run.weights_sha256 == sha256(tmp_path / "results/compare/runs/high-s1/weights.pt")
    assert (card.verdict.metric, card.verdict.split, card.verdict.value) == ("AP", "val", 0.75)


@pytest.mark.parametrize(
    ("groups", "said"), [(3, "no copy of one and no group is"), (0, "and no copy of one is")]
)
def test_groups_are_checked_only_where_images_have_some(
    groups: int, said: str, tmp_path: Path
) -> None:
    assert said in reported(fake(tmp_path, groups=groups))[1]


@pytest.mark.parametrize("gap", [0.3, 0.0], ids=["told", "not told"])
def test_the_card_says_whether_it_is_better_by_more_than_chance(gap: float, tmp_path: Path) -> None:
    ap = {
        (name, seed, split): 0.5 + gap * (name == "high") + 0.001 * seed
        for name in TWO for seed in (0, 1) for split in ("val", "test")
    }  # fmt: skip
    card, text, _ = reported(fake(tmp_path, ap=ap))
    assert card.verdict and card.verdict.told is (gap > 0)
    assert ("better than each of the others by more than chance" in text) is (gap > 0)


def no_weights(made: Fake) -> None:
    for path in made.results.glob("runs/*/weights.pt"):
        path.unlink()


def changed_record(made: Fake, name: str, **changes: Any) -> None:
    for path in made.results.glob(f"runs/{name}-s*/record.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def predicted_elsewhere(made: Fake) -> None:
    no_weights(made)
    file = {"path": "theirs/val.json", "sha256": "0" * 64}
    nothing = {"model": None, "seconds": None, "hardware": None, "weights_sha256": None}
    changed_record(made, "high", elsewhere={"val": file, "test": file}, **nothing)


@pytest.mark.parametrize(
    ("change", "settings", "fact"),
    [
        (no_weights, {}, "not here"),
        (predicted_elsewhere, {}, "made elsewhere"),
        (lambda made: None, {"sets": {"low": 1}}, "different images"),
        (lambda made: None, {"ap": dict.fromkeys(
            [(n, s, p) for n in TWO for s in (0, 1) for p in ("val", "test")], None)},
         "no configuration has a value"),
    ],
    ids=["no weights", "elsewhere", "two data sets", "no value"],
)  # fmt: skip
def test_without_a_winner_its_files_say_why(
    change: Callable[[Fake], None], settings: dict[str, Any], fact: str, tmp_path: Path
) -> None:
    """The file is there, for Snakemake asks for it, and no program takes it for a model."""
    made = fake(tmp_path, **settings)
    change(made)
    card, text, weights = reported(made)
    assert fact in card.problem and card.run is None
    assert fact in text and fact in weights.decode()


def test_weights_that_were_changed_since_their_training_are_not_handed_on(tmp_path: Path) -> None:
    """No number of the report is read from them, so that nothing else would notice."""
    made = fake(tmp_path)
    weights = made.results / "runs/high-s1/weights.pt"
    record = {"stage": "train", "settings_sha256": "0", "code": "0", "inputs": {}}
    record |= {"outputs": {"results/compare/runs/high-s1/weights.pt": sha256(weights)}}
    path = made.results / "made/train/high-s1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record))
    assert reported(made)[2] == b"weights of high-s1"
    weights.write_bytes(b"weights of high-s2")
    with refused(DataError, "high-s1/weights.pt", "fairtrial repair compare"):
        reported(made)


def front_matter(text: str) -> dict[str, Any]:
    return read_yaml_text(text.split("---\n")[1], "winner.md")


def test_the_front_matter_is_what_the_hub_reads(tmp_path: Path) -> None:
    """The keys that its specification requires; values of this very file, from metrics.json."""
    made = fake(tmp_path)
    _, text, _ = reported(made)
    matter = front_matter(text)
    assert "license" not in matter, "nobody has stated one"
    assert matter["pipeline_tag"] == "object-detection"
    (model,) = matter["model-index"]
    assert model["name"]
    metrics = json.loads((made.results / "runs/high-s1/metrics.json").read_text())
    for result in model["results"]:
        assert result["task"]["type"] == "object-detection"
        assert result["dataset"]["name"] == result["dataset"]["type"] == "shapes"
        of_file = metrics[result["dataset"]["split"]]
        by_type = {name.lower(): value for name, value in of_file.items()}
        for metric in result["metrics"]:
            assert metric["value"] == pytest.approx(by_type[metric["type"]], abs=1e-6)
    assert [r["dataset"]["split"] for r in model["results"]] == ["test", "val"]


def test_what_nobody_stated_is_marked_and_what_was_stated_is_there(tmp_path: Path) -> None:
    made = fake(tmp_path)
    blank = reported(made)[1]
    for name in ("licence of the weights", "licence of the data", "intended use"):
        assert f"- {name}: *not stated*" in blank
    assert "- energy: not measured" in blank
    stated = {"licence": "agpl-3.0", "licences": {"drawn": "CC0"}}
    _, text, _ = reported(made, **stated)
    assert front_matter(text)["license"] == "agpl-3.0"
    assert "- licence of the data: CC0" in text and "- licence of the weights: agpl-3.0" in text


def test_names_of_people_are_shown_as_they_are(tmp_path: Path) -> None:
    """Markdown, HTML or YAML in a class or a title changes neither table nor front matter."""
    hostile = 'a|b <img src=x> *c*: "d"\n---\n# e'
    made = fake(tmp_path, classes=("circle", "sq|uare: <b>", "tri\nangle"))
    _, text, _ = reported(made, title=hostile, question=hostile)
    assert front_matter(text)["tags"] == ["fairtrial", "ultralytics"]
    assert "<img" not in text.replace("\\<img", "") and "<b>" not in text.replace("\\<b", "")
    (row,) = [line for line in text.splitlines() if line.startswith("| sq")]
    assert row.startswith("| sq\\|uare: \\<b\\> |")
    assert [line for line in text.splitlines() if line.startswith("# ")] == [
        '# a\\|b \\<img src=x\\> \\*c\\*: "d" --- \\# e'
    ]


def test_of_one_seed_nothing_is_said_of_others(tmp_path: Path) -> None:
    several = reported(fake(tmp_path / "several"))[1]
    one = reported(fake(tmp_path / "one", seeds=(0,)))[1]
    assert "over other seeds" in several and "over other seeds" not in one


def test_times_are_left_out_where_the_report_leaves_them_out(tmp_path: Path) -> None:
    made = fake(tmp_path)
    with_times, without = reported(made)[0], reported(made, timings=False)[0]
    assert with_times.training and with_times.training.seconds
    assert without.training and without.training.seconds is None
