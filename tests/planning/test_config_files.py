"""Settings files: closed, typed, and refused with a message that says what would be right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from facts import refused
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
from fairtrial.settings.params import SECTIONS, PredictParams

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


BROKEN: dict[str, tuple[str, ...]] = {
    "an open list": ("a: [1", "x:1:", "not valid YAML"),
    "a key twice": (
        "a: 1\nb: 2\na: 3\n",
        "x:3:",
        "not valid YAML",
        'duplicate key "a"',
        "keep one",
    ),
    "a key of a list twice": ("a: [1]\na: [2]\n", "x:2:", 'duplicate key "a"', "keep one"),
    "two colons": ("a: b: c", "x:1:", "not valid YAML", "`: `", "quotes"),
    "a tab": ("\ta: 1", "x:1:", "not valid YAML", "indent by spaces", "tabs"),
    "a Python object": ("a: !!python/object:os.system 1", "x:1:", "not valid YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", "x:2:", "not valid YAML", "single document"),
    "a NUL": ("\x00", "x:", "not valid YAML"),
    "nothing": ("", "x:", "`key: value`", "empty"),
    "only a comment": ("# only a comment\n", "x:", "`key: value`", "empty"),
    "a list": ("- a\n- b\n", "x:", "`key: value`", "none"),
    "a word": ("word", "x:", "`key: value`", "none"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_mapping_is_refused_in_one_line_with_its_place(name: str) -> None:
    text, *facts = BROKEN[name]
    with refused(SettingsError, *facts) as error:
        read_yaml_text(text, "x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["title: &a [*a]", "a: &a {b: *a}", "a: &a {b: [1, {c: *a}]}"])
def test_an_alias_within_its_own_anchor_is_refused(text: str) -> None:
    with refused(SettingsError, "x.yaml", "alias", "anchor"):
        read_yaml_text(text, "x.yaml")


def test_an_alias_of_an_earlier_anchor_is_taken() -> None:
    assert read_yaml_text("a: &a [1]\nb: [*a, *a]", "x") == {"a": [1], "b": [[1], [1]]}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"a: \xff\xfe")
    for path, fact in {
        tmp_path / "none.yaml": "No such file",
        tmp_path / "binary.yaml": "not UTF-8",
        tmp_path: "directory",
    }.items():
        with refused(SettingsError, str(path), fact):
            read_yaml(path)


# --------------------------------------------------------------------------- values


class Sample(Closed):
    number: float = 1.0
    count: int = 1
    flag: bool = False
    word: str = ""
    several: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)


ODD_KEY = ("a key", "a text or a number")
WRONG_VALUES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "a text as a number": ({"number": "1"}, ('`number` is "1"', "a number")),
    "true as a number": ({"number": True}, ("`number` is true", "a number")),
    "a list as a number": ({"number": [1]}, ("`number` is [1]", "a number")),
    "null as a number": ({"number": None}, ("`number` is null", "a number")),
    "NaN": ({"number": float("nan")}, ("`number` is NaN", "a finite number")),
    "infinity": ({"number": float("inf")}, ("`number` is Infinity", "a finite number")),
    "1.0 as a whole number": ({"count": 1.0}, ("`count` is 1.0", "a whole number")),
    "true as a whole number": ({"count": True}, ("`count` is true", "a whole number")),
    "1 as true": ({"flag": 1}, ("`flag` is 1", "true or false")),
    "yes as true": ({"flag": "yes"}, ('`flag` is "yes"', "true or false")),
    "a number as a text": ({"word": 5}, ("`word` is 5", "a text", "in quotes")),
    "a text as a list": ({"several": "a"}, ('`several` is "a"', "a list")),
    "an empty list": ({"several": []}, ("`several` is []", "at least one")),
    "a list of numbers": ({"several": [1]}, ("`several.0` is 1", "a text", "in quotes")),
    "a mistyped key": ({"nummer": 1}, ("`nummer`", "no such key", "did you mean `number`")),
    "a number as a key": ({5: 1}, ("`5`", "no such key", "count, flag, number, several, word")),
    "a list as a key": (read_yaml_text("{[a, b]: 1}", "x"), ODD_KEY),
    "a date as a key": ({"word": {date(2026, 1, 2): 1}}, ODD_KEY),
    "a list": ([1], ("`key: value`",)),
    "a text": ("a", ("`key: value`",)),
}


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_nothing_is_taken_for_something_else(name: str) -> None:
    content, facts = WRONG_VALUES[name]
    with refused(SettingsError, "x: ", *facts) as error:
        closed(Sample, content, "x")
    assert "\n" not in str(error.value)


def test_a_whole_number_is_a_number_and_a_list_is_a_tuple() -> None:
    sample = closed(Sample, {"number": 2, "several": ["a", "b"]}, "x")
    assert sample == Sample(number=2.0, several=("a", "b"))


def test_every_problem_is_named_at_once() -> None:
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
        == PredictParams(conf=0.001, iou=0.7, max_det=300, speed_images=100).model_dump()
    )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("old", "new", "facts"),
    [
        pytest.param(
            "momentum:",
            "momentun:",
            ("`momentun`", "no such key", "did you mean `momentum`"),
            id="a mistyped key",
        ),
        pytest.param(
            "max_det: 300", "maxdet: 300", ("predict: `max_det`", "missing"), id="a missing key"
        ),
        pytest.param(
            "conf: 0.001", "conf: 2", ("predict: `conf` is 2", "less than 1"), id="out of range"
        ),
        pytest.param(
            "rank_by: fitness ",
            "rank_by: mAP ",
            ('report: `rank_by` is "mAP"', "'fitness', 'AP'"),
            id="an unknown choice",
        ),
        pytest.param(
            "\nreport:\n", "\nreport: 5\nrep:\n", ("report:", "`key: value`"), id="no mapping"
        ),
    ],
)
def test_a_mistake_in_params_is_named(old: str, new: str, facts: tuple[str, ...]) -> None:
    edit(old, new)
    with refused(SettingsError, "params.yaml", *facts):
        read_params()


def test_a_key_of_an_experiment_is_sent_there(project: Path) -> None:
    with Path("params.yaml").open("a") as file:
        file.write("seeds: [0, 1]\n")
    with refused(SettingsError, "params.yaml", "`seeds`", "config/experiments/quickstart.yaml"):
        read_params()


def test_a_file_that_git_does_not_know_is_told_in_a_temporary_copy_of_dvc(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("experiments/fresh", "title: New\n")
    (project / "copy/config/experiments").mkdir(parents=True)
    monkeypatch.chdir(project / "copy")
    monkeypatch.setenv("DVC_ROOT", str(project))
    with refused(SettingsError, "config/experiments/fresh.yaml", "git add"):
        read_experiment("fresh")
    with refused(SettingsError, "no such experiment", "frsh"):
        read_experiment("frsh")


@pytest.mark.usefixtures("project")
def test_a_section_that_is_not_there_is_named() -> None:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text[: text.index("report:")])
    with refused(SettingsError, "params.yaml", "`report`", "missing"):
        read_params()


# --------------------------------------------------------------------------- config/


@pytest.mark.usefixtures("project")
def test_names_of_files_are_checked_where_they_stand() -> None:
    put("experiments/cells", "title: x\n")
    put("datasets/with space", "source: x\n")
    place = "config/experiments"
    mistakes: list[tuple[Callable[[], object], tuple[str, ...]]] = [
        (
            lambda: read_experiment("cell"),
            ("params.yaml", "`experiment`", place, "`cell`", "did you mean `cells`"),
        ),
        (lambda: read_experiment(None), ("params.yaml", "`experiment`", "missing", "cells")),
        (lambda: read_experiment("../datasets/cells"), (place, "`../datasets/cells`")),
        (lambda: read_dataset("with space", "here"), ("here: ", "with space", "only letters")),
        (lambda: read_source(5), ("`source`", "config/sources", "`5`")),
    ]
    for read, facts in mistakes:
        with refused(SettingsError, *facts):
            read()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param(
            "images: 5\n",
            ("`kind`", "missing", "archive, coco_subset, http, local, shapes"),
            id="no kind",
        ),
        pytest.param(
            "kind: shape\n",
            ("`kind`", "no such source", "`shape`", "did you mean `shapes`"),
            id="an unknown kind",
        ),
        pytest.param(
            "kind: shapes\nimages: '5'\n",
            ('`images` is "5"', "a whole number"),
            id="a text as a number",
        ),
        pytest.param(
            "kind: shapes\nimages: true\n",
            ("`images` is true", "a whole number"),
            id="true as a number",
        ),
        pytest.param(
            "kind: shapes\nimages: 0\n",
            ("`images` is 0", "greater than or equal to 1"),
            id="no image",
        ),
        pytest.param(
            "kind: shapes\nimage: 5\n",
            ("`image`", "no such key", "did you mean `images`"),
            id="a mistyped key",
        ),
        pytest.param(
            "kind: shapes\nformat: cocoa\n",
            ("`format`", "no such format", "`cocoa`", "did you mean `coco`"),
            id="an unknown format",
        ),
        pytest.param(
            "kind: shapes\nformat: coco\noptions: {grup: x}\n",
            ("options: `grup`", "no such key", "did you mean"),
            id="a mistyped option",
        ),
        pytest.param(
            "kind: shapes\nformat: coco\noptions: {files: [{annotation: a}]}\n",
            ("options: `files.0.annotation",),
            id="a mistyped key in a list",
        ),
        pytest.param(
            "kind: shapes\nformat: coco\noptions: 5\n",
            ("options:", "`key: value`"),
            id="options that are none",
        ),
        pytest.param(
            "kind: shapes\nformat: coco\nmax_dropped: 5\n",
            ("`max_dropped` is 5", "less than"),
            id="a share above 1",
        ),
        pytest.param(
            "kind: shapes\nformat: yolo\noptions: {splits: {train: a}}\n",
            ("options: `splits`", "beside `format`"),
            id="splits among the options",
        ),
        pytest.param("kind: http\n", ("`base`", "missing"), id="no base"),
    ],
)
def test_a_mistake_in_a_source_is_named(text: str, facts: tuple[str, ...]) -> None:
    put("sources/cells", text)
    with refused(SettingsError, "config/sources/cells.yaml: ", *facts):
        read_source("cells")


@pytest.mark.usefixtures("project")
def test_what_a_source_excludes_reaches_both_of_its_stages() -> None:
    text = "kind: local\npath: x\nformat: voc\nexclude: ['*.bak']\n"
    Path("config/sources/cells.yaml").write_text(text)
    source = read_source("cells")
    assert source.download.settings["exclude"] == ["*.bak"]
    assert source.convert is not None and source.convert.exclude == ["*.bak"]


@pytest.mark.usefixtures("project")
def test_a_trusted_checkpoint_needs_its_sha256() -> None:
    local = "kind: local\npath: x\n"
    put("sources/own", f"{local}checkpoints: {{a.pt: {{sha256: {'ab' * 32}, trust: true}}}}\n")
    assert read_source("own").trusted == {"a.pt": "ab" * 32}
    put("sources/own", f"{local}checkpoints: {{a.pt: {{trust: true}}}}\n")
    with refused(SettingsError, "config/sources/own.yaml", "a.pt", "sha256", "missing"):
        read_source("own")
    put("sources/own", f"{local}checkpoints: {{a.pt: {{sha256: {'ab' * 32}, trust: false}}}}\n")
    with refused(SettingsError, "config/sources/own.yaml", "a.pt", "trust"):
        read_source("own")
    put("sources/own", f"{local}checkpoints: [a.pt]\n")
    with refused(SettingsError, "config/sources/own.yaml", "checkpoints", "mapping"):
        read_source("own")


@pytest.mark.usefixtures("project")
def test_a_trusted_checkpoint_is_among_the_files_of_its_source() -> None:
    Path("sums").write_text(f"{'ab' * 32}  yolov8n.pt\n")
    trust = f"{{sha256: {'ab' * 32}, trust: true}}"
    put("sources/own", f"kind: local\npath: x\nmanifest: sums\ncheckpoints: {{yolo.pt: {trust}}}")
    with refused(SettingsError, "config/sources/own.yaml", "checkpoints", "yolo.pt"):
        read_source("own")


@pytest.mark.usefixtures("project")
def test_a_source_without_format_has_nothing_to_convert() -> None:
    put("sources/checkpoints", "kind: local\npath: x\n")
    assert read_source("checkpoints").convert is None


RANDOM = {"method": "random"}
KFOLD = {"method": "kfold"}
CELLS: dict[str, Any] = {"source": "a", "split": RANDOM}
WRONG_DATASETS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no source": ({"split": RANDOM}, ("`source`", "missing")),
    "a space in a name": (CELLS | {"source": "a b"}, ('`source` is "a b"', "only")),
    "an unknown method": (
        CELLS | {"split": {"method": "rand"}},
        ("`split.method`", '"rand"', "'given', 'random', 'stratified', "),
    ),
    "10.5 images": (
        CELLS | {"split": RANDOM | {"val": 10.5}},
        ("`split.val`", "10.5", "a share below 1", "a whole"),
    ),
    "folds of random": (CELLS | {"split": RANDOM | {"folds": 5}}, ("only", "`kfold`", "`folds`")),
    "val of kfold": (CELLS | {"split": KFOLD | {"val": 0.1}}, ("`kfold` has no `val`",)),
    "a fold too many": (CELLS | {"split": KFOLD | {"fold": 6}}, ("no fold 6 of 5",)),
    "two folds": (
        CELLS | {"split": KFOLD | {"folds": 2}},
        ("`split.folds` is 2", "greater than or equal to 3"),
    ),
    "a stratified random": (
        CELLS | {"split": RANDOM | {"stratify": True}},
        ("`stratify`", "`grouped`"),
    ),
    "an empty balance": (CELLS | {"balance": {}}, ("`balance`", "`ratio`, `cap` or both")),
    "a ratio below 1": (
        CELLS | {"balance": {"ratio": 0.5}},
        ("`balance.ratio` is 0.5", "greater than or equal to 1"),
    ),
    "a mistyped allowance": (CELLS | {"allow": ["grop"]}, ("`allow.0` is", "grop")),
    "true as a class": (CELLS | {"single_cls": True}, ("`single_cls` is true", "a text")),
    "a number as a class": (CELLS | {"classes": {"a": 1}}, ("`classes", "the source's names")),
    "groups kept and parted": (
        CELLS | {"split": {"method": "grouped"}, "allow": ["group"]},
        ("`grouped`", "`allow`", "choose one"),
    ),
    "an empty val": (
        CELLS | {"split": RANDOM | {"val": 0}},
        ("`split.val` is 0", "greater than 0"),
    ),
    "nothing left": (
        CELLS | {"split": RANDOM | {"val": 0.5, "test": 0.5}},
        ("`val`", "`test`", "nothing to train on"),
    ),
    "a mistyped key": (
        CELLS | {"split": RANDOM | {"sead": 1}},
        ("`split.sead`", "no such key", "did you mean "),
    ),
    "no class": (CELLS | {"classes": []}, ("`classes` is []", "at least one")),
    "a class twice": (CELLS | {"classes": ["b", "b"]}, ("`classes`", "twice", "b")),
    "a text as classes": (CELLS | {"classes": "b"}, ('`classes` is "b"', "a list")),
}


@pytest.mark.parametrize("name", WRONG_DATASETS)
def test_a_mistake_in_a_data_set_is_named(name: str) -> None:
    content, facts = WRONG_DATASETS[name]
    with refused(SettingsError, "x: ", *facts):
        closed(DatasetSettings, content, "x")


@pytest.mark.usefixtures("project")
def test_a_kfold_stands_for_a_data_set_a_fold() -> None:
    put("datasets/cells", "source: cells\nsplit: {method: kfold, folds: 3}\n")
    put("datasets/one", "source: cells\nsplit: {method: kfold, fold: 2}\n")
    assert read_dataset("cells.fold3").split.fold == 3
    assert data_sets("cells") == ["cells.fold1", "cells.fold2", "cells.fold3"]
    assert (data_sets("cells.fold3"), data_sets("one")) == (["cells.fold3"], ["one"])
    assert read_dataset("one").split.fold == 2
    for name in ("cells", "cells.fold4"):
        folds = "cells.fold1, cells.fold2, cells.fold3"
        with refused(SettingsError, "here: ", f"`{name}`", "a fold", folds):
            read_dataset(name, "here")
    with refused(SettingsError, "`one.fold1`", "`one`", "fold is set"):
        read_dataset("one.fold1")
    with refused(SettingsError, "config/datasets", "`cell`", "did you mean `cells`"):
        read_dataset("cell.fold1")


@pytest.mark.usefixtures("project")
def test_the_sizes_of_a_split_are_shares_or_numbers() -> None:
    put("datasets/cells", "source: cells\nsplit: {method: random, val: 50, test: 0.1}\n")
    split = read_dataset("cells").split
    assert (split.val, split.test) == (50, 0.1)


WRONG_EXPERIMENTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no title": ({}, ("`title`", "missing")),
    "a mistyped key": (
        {"title": "t", "sweeps": {}},
        ("`sweeps`", "no such key", "did you mean `sweep`"),
    ),
    "an empty sweep": ({"title": "t", "sweep": {"lr0": []}}, ("`sweep.lr0` is []", "at least one")),
    "a sweep of no list": ({"title": "t", "sweep": {"lr0": 0.1}}, ("`sweep.lr0` is 0.1", "a list")),
    "no seed": ({"title": "t", "seeds": []}, ("`seeds` is []", "at least one")),
    "a seed twice": (
        {"title": "t", "seeds": [0, 1, 0]},
        ("`seeds` is [0, 1, 0]", "twice", " 0"),
    ),
    "a seed below 0": (
        {"title": "t", "seeds": [-1]},
        ("`seeds.0` is -1", "greater than or equal to 0"),
    ),
    "seeds of no list": ({"title": "t", "seeds": 3}, ("`seeds` is 3", "a list")),
    "a slash in a name": ({"title": "t", "runs": {"a/b": None}}, ('"a/b"', "a name")),
    "a run of no mapping": ({"title": "t", "runs": {"a": 5}}, ("`runs.a`", "`key: value`")),
    "runs of no mapping": ({"title": "t", "runs": ["a"]}, ("`runs`", "`key: value`")),
    "an empty search": (
        {"title": "t", "search": None},
        ("`search` is null", "`space`", "`trials`"),
    ),
}


@pytest.mark.parametrize("name", WRONG_EXPERIMENTS)
def test_a_mistake_in_an_experiment_is_named(name: str) -> None:
    content, facts = WRONG_EXPERIMENTS[name]
    with refused(SettingsError, "x: ", *facts):
        closed(ExperimentSettings, content, "x")


def test_a_run_may_be_called_by_a_number() -> None:
    assert list(
        closed(ExperimentSettings, {"title": "t", "runs": {96: {"imgsz": 96}}}, "x").runs
    ) == ["96"]


# --------------------------------------------------------------------------- plugins


def test_modules_that_serve_others_are_no_plugins() -> None:
    assert "ultralytics" in plugins("backends")
    assert not [name for name in plugins("backends") if name.startswith("_")]


def test_an_unknown_backend_is_named_with_the_nearest() -> None:
    with refused(
        SettingsError, "x: ", "no such backend", "`ultralytic`", "did you mean `ultralytics`"
    ):
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
    with refused(SettingsError, "`experiment`", "the command line", "`cell`") as error:
        Plan.read("cell")
    assert "params.yaml" not in str(error.value)
    with refused(SettingsError, "params.yaml", "`experiment`", "no such experiment"):
        Plan.read()


# --------------------------------------------------------------------------- shipped values


class LaterSettings(ultralytics.Settings):
    """Those of a later release, which params.yaml does not know yet."""

    later: int = 0


def test_what_params_lacks_is_reported_once_and_reaches_each_job(
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
    class LaterSection(PredictParams):
        later: int = 0

    monkeypatch.setitem(SECTIONS, "predict", LaterSection)
    assert read_params()["predict"]["later"] == 0
    assert capsys.readouterr().err.count("`predict.later`") == 1
