"""Settings files: closed, typed, and refused with a message that says what would be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from fairtrial import SettingsError
from fairtrial.backends import ultralytics
from fairtrial.files.yamlfile import Closed, closed, nearest, read_yaml, read_yaml_text
from fairtrial.planning.config_files import (
    data_sets,
    plugin_settings,
    read_dataset,
    read_experiment,
    read_params,
)
from fairtrial.planning.plan import Plan
from fairtrial.planning.sources import read_source
from fairtrial.plugins import plugins
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.settings.params import SECTIONS, PredictSection

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped params.yaml and an empty config/."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    for name in ("experiments", "datasets", "sources"):
        Path("config", name).mkdir(parents=True)
    return tmp_path


def put(name: str, text: str) -> None:
    Path("config", f"{name}.yaml").write_text(text)


# --------------------------------------------------------------------------- YAML


def test_numbers_and_words_are_read_as_dvc_reads_them() -> None:
    """YAML 1.1 makes a text of 1e-4, a truth of on, and 8 of 010."""
    text = "a: 1e-4\nb: on\nc: 010\nd: 1_000\ne: yes\nf: 0x1F\ng: null\n"
    assert read_yaml_text(text, "x") == {
        "a": 0.0001,
        "b": "on",
        "c": 10,
        "d": 1000,
        "e": "yes",
        "f": 31,
        "g": None,
    }


BROKEN = {
    "a: [1": r"^x:1: not valid YAML",
    "a: 1\nb: 2\na: 3\n": r'^x:3: not valid YAML: .*found duplicate key "a"; keep one of them$',
    "a: [1]\na: [2]\n": r'^x:2: not valid YAML: .*found duplicate key "a"; keep one of them$',
    "a: b: c": "^x:1: not valid YAML.*put a text with `: ` in quotes",
    "\ta: 1": "^x:1: not valid YAML.*indent by spaces, not by tabs",
    "a: !!python/object:os.system 1": "^x:1: not valid YAML",
    "a: 1\n---\nb: 2\n": "^x:2: not valid YAML: expected a single document",
    "\x00": "^x: not valid YAML",
    "": "^x: must hold `key: value` lines, and is empty",
    "# only a comment\n": "^x: must hold `key: value` lines, and is empty",
    "- a\n- b\n": "^x: must hold `key: value` lines, and holds none",
    "word": "^x: must hold `key: value` lines, and holds none",
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_mapping_is_refused_in_one_line_with_its_place(text: str) -> None:
    with pytest.raises(SettingsError, match=BROKEN[text]) as error:
        read_yaml_text(text, "x")
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"a: \xff\xfe")
    for name, text in {"none": "No such file", "binary": "not UTF-8", ".": "directory"}.items():
        path = tmp_path / f"{name}.yaml" if name != "." else tmp_path
        with pytest.raises(SettingsError, match=text):
            read_yaml(path)


# --------------------------------------------------------------------------- values


class Sample(Closed):
    number: float = 1.0
    count: int = 1
    flag: bool = False
    word: str = ""
    several: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)


ODD_KEY = "x: a key must be a text or a number; one is a list or a date"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"number": "1"}, 'x: `number` is "1": must be a number'),
        ({"number": True}, "x: `number` is true: must be a number"),
        ({"number": [1]}, "x: `number` is [1]: must be a number"),
        ({"number": None}, "x: `number` is null: must be a number"),
        ({"number": float("nan")}, "x: `number` is NaN: must be a finite number"),
        ({"number": float("inf")}, "x: `number` is Infinity: must be a finite number"),
        ({"count": 1.0}, "x: `count` is 1.0: must be a whole number"),
        ({"count": True}, "x: `count` is true: must be a whole number"),
        ({"flag": 1}, "x: `flag` is 1: must be true or false"),
        ({"flag": "yes"}, 'x: `flag` is "yes": must be true or false'),
        ({"word": 5}, "x: `word` is 5: must be a text (in quotes, if it looks like a number)"),
        ({"several": "a"}, 'x: `several` is "a": must be a list'),
        ({"several": []}, "x: `several` is []: must hold at least one"),
        (
            {"several": [1]},
            "x: `several.0` is 1: must be a text (in quotes, if it looks like a number)",
        ),
        ({"nummer": 1}, "x: `nummer`: no such key; did you mean `number`?"),
        ({5: 1}, "x: `5`: no such key; known: count, flag, number, several, word"),
        (read_yaml_text("{[a, b]: 1}", "x"), ODD_KEY),
        ({"word": {date(2026, 1, 2): 1}}, ODD_KEY),
        ([1], "x: must hold `key: value` lines"),
        ("a", "x: must hold `key: value` lines"),
    ],
)
def test_nothing_is_taken_for_something_else(content: Any, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        closed(Sample, content, "x")
    assert str(error.value) == message


def test_a_whole_number_is_a_number_and_a_list_is_a_tuple() -> None:
    found = closed(Sample, {"number": 2, "several": ["a", "b"]}, "x")
    assert found == Sample(number=2.0, several=("a", "b"))


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        closed(Sample, {"number": "1", "cuont": 2, "flag": 3}, "x")
    assert [line.split("`")[1] for line in str(error.value).splitlines()] == [
        *("number", "flag", "cuont")
    ]


def test_a_key_far_from_all_lists_what_there_is() -> None:
    assert nearest("zzz", ["b", "a"]) == "; known: a, b"
    assert nearest("zzz", []) == ""


# --------------------------------------------------------------------------- params.yaml


def edit(old: str, new: str) -> None:
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new))


@pytest.mark.usefixtures("project")
def test_the_shipped_params_are_read() -> None:
    assert (
        read_params()["predict"]
        == PredictSection(conf=0.001, iou=0.7, max_det=300, speed_images=100).model_dump()
    )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "momentum:",
            "momentun:",
            "params.yaml: `momentun`: no such key; did you mean `moment",
        ),
        ("max_det: 300", "maxdet: 300", "params.yaml: predict: `max_det`: missing"),
        ("conf: 0.001", "conf: 2", "params.yaml: predict: `conf` is 2: must be less than 1"),
        (
            "rank_by: fitness ",
            "rank_by: mAP ",
            "report: `rank_by` is \"mAP\": must be 'fitness', 'AP'",
        ),
        ("\nreport:\n", "\nreport: 5\nrep:\n", "params.yaml: report: must hold `key: value` lines"),
    ],
)
def test_a_mistake_in_params_is_named(old: str, new: str, message: str) -> None:
    edit(old, new)
    with pytest.raises(SettingsError) as error:
        read_params()
    assert message in str(error.value)


@pytest.mark.usefixtures("project")
def test_a_section_that_is_not_there_is_named() -> None:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text[: text.index("report:")])
    with pytest.raises(SettingsError, match=r"^params\.yaml: `report`: missing$"):
        read_params()


# --------------------------------------------------------------------------- config/


@pytest.mark.usefixtures("project")
def test_names_of_files_are_checked_where_they_stand() -> None:
    put("experiments/cells", "title: x\n")
    put("datasets/with space", "source: x\n")
    for found, message in (
        (
            lambda: read_experiment("cell"),
            r"^params\.yaml: `experiment`: no such experiment in "
            r"config/experiments: `cell`; did you mean `cells`\?",
        ),
        (lambda: read_experiment(None), r"^params\.yaml: `experiment`: missing; known: cells$"),
        (lambda: read_experiment("../datasets/cells"), "no such experiment"),
        (lambda: read_dataset("with space", "here"), "^here: .*only letters, digits and"),
        (lambda: read_source(5), "^`source`: no such source in config/sources: `5`$"),
    ):
        with pytest.raises(SettingsError, match=message):
            found()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("images: 5\n", "`kind`: missing; known: archive, coco_subset, http, local, shapes"),
        ("kind: shape\n", "`kind`: no such source: `shape`; did you mean `shapes`?"),
        ("kind: shapes\nimages: '5'\n", '`images` is "5": must be a whole number'),
        ("kind: shapes\nimages: true\n", "`images` is true: must be a whole number"),
        ("kind: shapes\nimages: 0\n", "`images` is 0: must be greater than or equal to 1"),
        ("kind: shapes\nimage: 5\n", "`image`: no such key; did you mean `images`?"),
        (
            "kind: shapes\nformat: cocoa\n",
            "`format`: no such format: `cocoa`; did you mean `co",
        ),
        ("kind: shapes\nformat: coco\noptions: {grup: x}\n", "options: `grup`: no such key; did"),
        ("kind: shapes\nformat: coco\noptions: {files: [{annotation: a}]}\n", "`files.0.annotat"),
        ("kind: shapes\nformat: coco\noptions: 5\n", "options: must hold `key: value` lines"),
        ("kind: shapes\nformat: coco\nmax_dropped: 5\n", "`max_dropped` is 5: must be less than"),
        ("kind: http\n", "`base`: missing"),
    ],
)
def test_a_mistake_in_a_source_is_named(text: str, message: str) -> None:
    put("sources/cells", text)
    with pytest.raises(SettingsError) as error:
        read_source("cells")
    assert str(error.value).startswith("config/sources/cells.yaml: ")
    assert message in str(error.value)


@pytest.mark.usefixtures("project")
def test_a_source_without_format_has_nothing_to_convert() -> None:
    put("sources/checkpoints", "kind: local\npath: x\n")
    assert read_source("checkpoints").convert is None


SPLIT = {"method": "random"}
KFOLD = {"method": "kfold"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"split": SPLIT}, "x: `source`: missing"),
        ({"source": "a b", "split": SPLIT}, 'x: `source` is "a b": a name may hold only'),
        ({"source": "a", "split": {"method": "rand"}}, "must be 'given', 'random', 'stratified', "),
        ({"source": "a", "split": SPLIT | {"val": 10.5}}, "must be a share below 1, or a whole"),
        ({"source": "a", "split": SPLIT | {"folds": 5}}, "the method `kfold` alone has `folds`"),
        ({"source": "a", "split": KFOLD | {"val": 0.1}}, "the method `kfold` has no `val`"),
        ({"source": "a", "split": KFOLD | {"fold": 6}}, "there is no fold 6 of 5"),
        ({"source": "a", "split": KFOLD | {"folds": 2}}, "must be greater than or equal to 3"),
        ({"source": "a", "split": SPLIT | {"stratify": True}}, "belongs to the method `grouped`"),
        ({"source": "a", "split": SPLIT, "balance": {}}, "must hold `ratio`, `cap` or both"),
        (
            {"source": "a", "split": SPLIT, "balance": {"ratio": 0.5}},
            "`balance.ratio` is 0.5: must be greater than or equal to 1",
        ),
        ({"source": "a", "split": SPLIT, "allow": ["grop"]}, "`allow.0` is"),
        ({"source": "a", "split": SPLIT, "single_cls": True}, "must be a text"),
        ({"source": "a", "split": SPLIT, "classes": {"a": 1}}, "a map from the source's names"),
        (
            {"source": "a", "split": {"method": "grouped"}, "allow": ["group"]},
            "`grouped` keeps groups together, and `allow` parts them; choose one",
        ),
        ({"source": "a", "split": SPLIT | {"val": 0}}, "`split.val` is 0: must be greater than 0"),
        ({"source": "a", "split": SPLIT | {"val": 0.5, "test": 0.5}}, "leave nothing to train on"),
        ({"source": "a", "split": SPLIT | {"sead": 1}}, "`split.sead`: no such key; did you mean "),
        ({"source": "a", "classes": [], "split": SPLIT}, "`classes` is []: must hold at least one"),
        ({"source": "a", "classes": ["b", "b"], "split": SPLIT}, "b stands there twice"),
        (
            {"source": "a", "classes": "b", "split": SPLIT},
            '`classes` is "b": must be a list',
        ),
    ],
)
def test_a_mistake_in_a_data_set_is_named(content: Any, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        closed(DatasetSettings, content, "x")
    assert message in str(error.value)


@pytest.mark.usefixtures("project")
def test_a_kfold_stands_for_a_data_set_a_fold() -> None:
    put("datasets/cells", "source: cells\nsplit: {method: kfold, folds: 3}\n")
    put("datasets/one", "source: cells\nsplit: {method: kfold, fold: 2}\n")
    assert read_dataset("cells.fold3").split.fold == 3
    assert data_sets("cells") == ["cells.fold1", "cells.fold2", "cells.fold3"]
    assert (data_sets("cells.fold3"), data_sets("one")) == (["cells.fold3"], ["one"])
    assert read_dataset("one").split.fold == 2
    for name in ("cells", "cells.fold4"):
        with pytest.raises(SettingsError) as error:
            read_dataset(name, "here")
        assert str(error.value) == (
            f"here: `{name}`: must name a fold: cells.fold1, cells.fold2, cells.fold3"
        )
    with pytest.raises(
        SettingsError, match=r"`one\.fold1`: must be `one`, which leaves no fold open"
    ):
        read_dataset("one.fold1")
    with pytest.raises(SettingsError, match="no such dataset in config/datasets: `cell`; did you"):
        read_dataset("cell.fold1")


@pytest.mark.usefixtures("project")
def test_the_sizes_of_a_split_are_shares_or_numbers() -> None:
    put("datasets/cells", "source: cells\nsplit: {method: random, val: 50, test: 0.1}\n")
    split = read_dataset("cells").split
    assert (split.val, split.test) == (50, 0.1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "x: `title`: missing"),
        ({"title": "t", "sweeps": {}}, "x: `sweeps`: no such key; did you mean `sweep`?"),
        ({"title": "t", "sweep": {"lr0": []}}, "x: `sweep.lr0` is []: must hold at least one"),
        ({"title": "t", "sweep": {"lr0": 0.1}}, "x: `sweep.lr0` is 0.1: must be a list"),
        ({"title": "t", "seeds": []}, "x: `seeds` is []: must hold at least one"),
        ({"title": "t", "seeds": [0, 1, 0]}, "x: `seeds` is [0, 1, 0]: must name each once; 0"),
        ({"title": "t", "seeds": [-1]}, "x: `seeds.0` is -1: must be greater than or equal to 0"),
        ({"title": "t", "seeds": 3}, "x: `seeds` is 3: must be a list"),
        ({"title": "t", "runs": {"a/b": None}}, 'is "a/b": a name may hold'),
        ({"title": "t", "runs": {"a": 5}}, "x: `runs.a`: must hold `key: value` lines"),
        ({"title": "t", "runs": ["a"]}, "x: `runs`: must hold `key: value` lines"),
        ({"title": "t", "search": None}, "x: `search` is null: needs `space`, and `trials` or"),
    ],
)
def test_a_mistake_in_an_experiment_is_named(content: Any, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        closed(ExperimentSettings, content, "x")
    assert message in str(error.value)


def test_a_run_may_be_called_by_a_number() -> None:
    assert list(
        closed(ExperimentSettings, {"title": "t", "runs": {96: {"imgsz": 96}}}, "x").runs
    ) == ["96"]


# --------------------------------------------------------------------------- plugins


def test_modules_that_serve_others_are_no_plugins() -> None:
    assert "ultralytics" in plugins("backends")
    assert not [name for name in plugins("backends") if name.startswith("_")]


def test_an_unknown_framework_is_named_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"^x: no such backend: `ultralytic`; did you"):
        plugin_settings("backends", "ultralytic", "x")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config/datasets").glob("*_balanced.yaml")), ids=lambda path: path.stem
)
def test_a_shipped_balanced_set_has_the_split_of_the_one_that_it_stands_beside(path: Path) -> None:
    other = path.with_name(path.name.replace("_balanced", ""))
    balanced, whole = (
        closed(DatasetSettings, read_yaml(each), each.name) for each in (path, other)
    )
    assert balanced.balance is not None
    assert (balanced.source, balanced.classes, balanced.split) == (
        whole.source,
        whole.classes,
        whole.split,
    )


@pytest.mark.usefixtures("project")
def test_an_experiment_that_is_not_there_is_blamed_on_who_named_it() -> None:
    put("experiments/cells", "title: x\n")
    with pytest.raises(SettingsError, match=r"^`experiment` of the command line: no such exp"):
        Plan.read("cell")
    with pytest.raises(SettingsError, match=r"^params\.yaml: `experiment`: no such experiment"):
        Plan.read()


# --------------------------------------------------------------------------- shipped values


class LaterSettings(ultralytics.Settings):
    """Those of a later release, which params.yaml does not know yet."""

    later: int = 0


def test_what_params_lacks_is_said_once_and_told_to_each_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(ultralytics, "Settings", LaterSettings)
    plan = Plan.read()
    assert capsys.readouterr().err == "params.yaml lacks `later`; the shipped value 0 holds\n"
    assert len(plan.chosen.runs) > 1
    assert {run.settings["later"] for run in plan.chosen.runs.values()} == {0}
    assert all('"later":0' in plan.settings("train", run) for run in plan.chosen.runs)


def test_a_section_may_lack_what_was_added_later(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class LaterSection(PredictSection):
        later: int = 0

    monkeypatch.setitem(SECTIONS, "predict", LaterSection)
    assert read_params()["predict"]["later"] == 0
    assert capsys.readouterr().err.count("`predict.later`") == 1
