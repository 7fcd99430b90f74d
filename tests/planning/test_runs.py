"""Which runs an experiment asks for, and what they are called."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

from facts import refused
from fairtrial import SettingsError, plugins
from fairtrial.files.yamlfile import Closed
from fairtrial.planning import config_files
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.runs import resolve
from fairtrial.planning.unused_settings import refuse_unused, shipped_settings
from fairtrial.settings.experiment import ExperimentSettings
from fairtrial.store.keys import canonical

FILE = "config/experiments/compare.yaml"
PARAMS: dict[str, Any] = {
    "experiment": "compare",
    "dataset": "cells",
    "backend": "tiny",
    "pretrained": None,
    "epochs": 5,
    "lr0": 0.01,
    "cos": False,
    "seed": 0,
    "replicate": 1,
    "depth": 18,
}


class Tiny(Closed):
    """A backend that knows some of the keys above."""

    task: ClassVar[str] = "detect"
    pretrained: str | None
    epochs: Annotated[int, Field(ge=1)]
    lr0: Annotated[float, Field(gt=0)]
    cos: bool
    seed: Annotated[int, Field(ge=0)]
    replicate: int


class Deep(Closed):
    """Another one, which has no lr0."""

    task: ClassVar[str] = "detect"

    epochs: int
    depth: int
    seed: int
    replicate: int


@pytest.fixture(autouse=True)
def _two_backends(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, model in {"tiny": Tiny, "deep": Deep}.items():
        module = SimpleNamespace(Settings=model)
        monkeypatch.setitem(sys.modules, f"fairtrial.backends.{name}", module)
    for reader in (config_files, plugins):
        monkeypatch.setattr(reader, "plugins", lambda kind: ("deep", "tiny"))
    config_files.training_keys.cache_clear()
    yield
    config_files.training_keys.cache_clear()


def runs(params: dict[str, Any] | None = None, **experiment: Any) -> dict[str, PlannedRun]:
    """The runs of an experiment by name, with some of params.yaml changed."""
    return resolve(
        PARAMS | (params or {}), ExperimentSettings(title="An experiment", **experiment), FILE
    )


def assert_refused(*facts: str, params: dict[str, Any] | None = None, **experiment: Any) -> None:
    """The error for this experiment names every one of `facts`."""
    with refused(SettingsError, *facts):
        runs(params, **experiment)


# --------------------------------------------------------------------------- which


def test_an_experiment_that_varies_nothing_is_one_run() -> None:
    assert list(runs()) == ["base-s0"]


def test_runs_in_the_order_of_the_file_with_every_seed() -> None:
    planned = runs(runs={"b": {"lr0": 0.1}, "a": None}, seeds=[3, 1])
    assert list(planned) == ["b-s3", "b-s1", "a-s3", "a-s1"]
    assert [run.settings["seed"] for run in planned.values()] == [3, 1, 3, 1]


def test_a_sweep_varies_one_parameter_at_a_time() -> None:
    planned = runs(sweep={"lr0": [0.1, 0.2], "epochs": [7]})
    assert list(planned) == ["lr0=0.1-s0", "lr0=0.2-s0", "epochs=7-s0"]
    assert planned["epochs=7-s0"].settings["lr0"] == 0.01


def test_a_grid_holds_all_combinations() -> None:
    planned = runs(grid={"lr0": [0.1, 0.2], "epochs": [7, 8]})
    assert len(planned) == 4
    assert {(r.settings["lr0"], r.settings["epochs"]) for r in planned.values()} == {
        *((0.1, 7), (0.1, 8), (0.2, 7), (0.2, 8))
    }


STARTS = {
    "scratch": None,
    "coco": {"pretrained": "w/a.pt"},
    "slow": {"pretrained": "w/a.pt", "lr0": 0.1},
}


def test_a_mapping_in_a_grid_names_sets_of_overrides() -> None:
    planned = runs(grid={"epochs": [7, 8], "start": STARTS})
    assert len(planned) == 6
    assert list(planned)[:2] == ["epochs=7+start=scratch-s0", "epochs=7+start=coco-s0"]
    slow = planned["epochs=8+start=slow-s0"].settings
    assert (slow["pretrained"], slow["lr0"], slow["epochs"]) == ("w/a.pt", 0.1, 8)
    assert planned["epochs=8+start=scratch-s0"].settings["pretrained"] is None


def test_a_grid_sets_each_key_once() -> None:
    with refused(ValueError, "`lr0`", "`start`", "keep one"):
        ExperimentSettings(title="x", grid={"start": STARTS, "lr0": [1]})


def test_a_checkpoint_may_be_named_after_other_settings() -> None:
    grid = {"epochs": [7, 8], "start": {"scratch": None, "own": {"pretrained": "w/{epochs}e.pt"}}}
    planned = runs(grid=grid)
    own = {name: run.settings["pretrained"] for name, run in planned.items() if "own" in name}
    assert own == {
        "epochs=7+start=own-s0": "w/7e.pt",
        "epochs=8+start=own-s0": "w/8e.pt",
    }
    assert_refused(
        *(FILE, "runs.a", "`pretrained`", "{epoch}", "did you mean `epochs`"),
        runs={"a": {"pretrained": "w/{epoch}.pt"}},
    )


def test_a_data_set_of_open_folds_is_a_run_a_fold() -> None:
    experiment = ExperimentSettings(
        title="x", runs={"a": None, "b": {"dataset": "whole"}}, seeds=[0, 1]
    )
    folds = {"cells": ["cells.fold1", "cells.fold2"], "whole": ["whole"]}
    planned = resolve(PARAMS, experiment, FILE, lambda name, place: folds[name])
    assert {name: run.dataset for name, run in planned.items()} == {
        **{f"a.fold{k}-s{seed}": f"cells.fold{k}" for seed in (0, 1) for k in (1, 2)},
        **{f"b-s{seed}": "whole" for seed in (0, 1)},
    }


def test_runs_sweep_grid_and_seeds_together() -> None:
    planned = runs(
        runs={"a": {"cos": True}}, sweep={"lr0": [0.1]}, grid={"epochs": [7]}, seeds=[0, 1]
    )
    assert [run.run_name.configuration for run in planned.values()][::2] == [
        "a",
        "lr0=0.1",
        "epochs=7",
    ]
    assert len(planned) == 6


def test_equal_settings_are_one_run_under_the_first_name() -> None:
    assert list(runs(runs={"a": {"lr0": 0.01}, "b": None})) == ["a-s0"]
    assert list(runs(sweep={"lr0": [0.1, 1e-1]}, grid={"lr0": [0.1]})) == ["lr0=0.1-s0"]


def test_an_own_override_beats_base_and_base_beats_params() -> None:
    planned = runs(base={"lr0": 0.2, "epochs": 9}, runs={"a": {"lr0": 0.3}, "b": None})
    assert (
        planned["a-s0"].settings
        == Tiny.model_validate(
            {"pretrained": None, "epochs": 9, "lr0": 0.3, "cos": False, "seed": 0, "replicate": 1}
        ).model_dump()
    )
    assert planned["b-s0"].settings["lr0"] == 0.2


def test_a_default_that_a_backend_does_not_know_does_not_reach_its_runs() -> None:
    """Else a change of lr0 would train models anew that have no lr0."""
    planned = runs(runs={"a": None, "b": {"backend": "deep"}})
    assert planned["b-s0"].settings == {"epochs": 5, "depth": 18, "seed": 0, "replicate": 1}
    assert "depth" not in planned["a-s0"].settings
    assert runs({"lr0": 0.5}, runs={"b": {"backend": "deep"}})["b-s0"] == planned["b-s0"]


def test_data_may_differ_between_runs() -> None:
    planned = runs(sweep={"dataset": ["cells", "cells_small"]})
    assert [run.dataset for run in planned.values()] == ["cells", "cells_small"]


def test_a_default_is_judged_together_with_what_overrides_it() -> None:
    """`epochs: 0` in params.yaml is wrong by itself; every run here says otherwise."""
    assert runs({"epochs": 0}, base={"epochs": 3})["base-s0"].settings["epochs"] == 3


def test_replicates_are_trainings_of_one_seed() -> None:
    planned = runs(runs={"a": None, "b": {"lr0": 0.1}}, seeds=[3, 1], replicate=2)
    assert list(planned) == [
        f"{label}-s{s}{r}" for label in "ab" for s in (3, 1) for r in ("", "r2")
    ]
    assert [planned[f"a-s3{r}"].settings["replicate"] for r in ("", "r2")] == [1, 2]
    assert {run.run_name.configuration for run in planned.values()} == {"a", "b"}


def test_the_first_replicate_is_the_run_without_replicates() -> None:
    assert runs(seeds=[0, 1]).items() <= runs(seeds=[0, 1], replicate=3).items()
    assert list(runs({"replicate": 2})) == ["base-s0r2"]


# --------------------------------------------------------------------------- continued

SHORT = {"epochs": 5, "lr0": 0.1}


def test_a_continued_run_is_the_one_of_its_seed_with_more_epochs() -> None:
    planned = runs(
        runs={"short": SHORT, "long": {"continues": "short", "epochs": 9}},
        base={"cos": True},
        seeds=[0, 1],
        replicate=2,
    )
    long = {name: run for name, run in planned.items() if name.startswith("long")}
    assert {name: run.continues for name, run in long.items()} == {
        name: name.replace("long", "short") for name in long
    }
    assert len(long) == 4
    short = planned["short-s1r2"]
    assert planned["long-s1r2"].settings == short.settings | {"epochs": 9}
    assert short.continues == ""


def test_a_continued_run_is_not_the_one_that_has_as_many_epochs_from_the_start() -> None:
    planned = runs(
        runs={"short": SHORT, "long": {"continues": "short", "epochs": 9}, "whole": {"lr0": 0.1}},
        base={"epochs": 9},
    )
    assert list(planned) == ["short-s0", "long-s0", "whole-s0"]
    assert planned["long-s0"].settings == planned["whole-s0"].settings


def test_a_run_may_continue_one_that_continues_and_one_that_has_another_name() -> None:
    planned = runs(
        runs={
            "first": SHORT,
            "same": SHORT,
            "b": {"continues": "same", "epochs": 6},
            "c": {"continues": "b", "epochs": 7},
        }
    )
    assert {n: r.continues for n, r in planned.items()} == {
        "first-s0": "",
        "b-s0": "first-s0",
        "c-s0": "b-s0",
    }
    assert planned["c-s0"].settings["lr0"] == 0.1


@pytest.mark.parametrize(
    ("experiment", "facts"),
    [
        pytest.param(
            {"runs": {"short": SHORT, "a": {"continues": "shrt", "epochs": 9}}},
            ("runs.a", "`continues`", "'shrt'", "above", "did you mean `short`"),
            id="an unknown run",
        ),
        pytest.param(
            {"runs": {"a": {"continues": "short", "epochs": 9}, "short": SHORT}},
            ("runs.a", "`continues`", "'short'", "above"),
            id="a run below it",
        ),
        pytest.param(
            {"runs": {"short": SHORT, "a": {"continues": "short", "epochs": 9, "lr0": 1.0}}},
            ("runs.a", "`lr0`", "only its `epochs`"),
            id="another lr0",
        ),
        pytest.param(
            {"runs": {"short": SHORT, "a": {"continues": "short"}}},
            ("runs.a", "`epochs` is 5", "has 5", "must have"),
            id="no epoch more",
        ),
        pytest.param(
            {"base": {"continues": "a"}}, ("`base`", "`continues`", "one of `runs`"), id="in base"
        ),
        pytest.param(
            {"sweep": {"continues": ["a"]}},
            ("sweep", "`continues`", "one of `runs`"),
            id="in a sweep",
        ),
        pytest.param(
            {"base": {"replicate": 1}, "replicate": 2},
            ("base", "`replicate`", "keep one"),
            id="replicate twice",
        ),
    ],
)
def test_what_cannot_be_continued_or_replicated_is_refused(
    experiment: dict[str, Any], facts: tuple[str, ...]
) -> None:
    assert_refused(FILE, *facts, **experiment)


# --------------------------------------------------------------------------- names


def test_spellings_of_one_number_are_one_name() -> None:
    names = [list(runs(sweep={"lr0": [value]})) for value in (1e-4, 0.0001, 0.00010)]
    assert names == [["lr0=0.0001-s0"]] * 3
    assert list(runs(sweep={"lr0": [1]})) == list(runs(sweep={"lr0": [1.0]})) == ["lr0=1-s0"]


@pytest.mark.parametrize(
    "value",
    ["a/b.pt", "a,b", "a b", "../x", "ä", "$(x)", "a;b", "'", "\n", "x" * 300, "a\\b"],
    ids=[
        *("slash", "comma", "space", "folder above", "umlaut", "shell", "semicolon", "quote"),
        *("newline", "300 letters", "backslash"),
    ],
)
def test_names_hold_only_what_every_shell_and_slurm_take(value: str) -> None:
    """A comma works locally and fails under SLURM; a name of 300 letters is no file's name."""
    (name,) = runs(sweep={"pretrained": [value]})
    assert re.fullmatch(r"[A-Za-z0-9._=+-]{1,100}-s0", name)


def test_values_that_differ_only_in_what_a_name_cannot_hold_have_two_names() -> None:
    assert len(runs(sweep={"pretrained": ["a/b", "a b", "x" * 200, "x" * 201]})) == 4


ADDED: dict[str, dict[str, Any]] = {
    "a run": {"runs": {"new": {"epochs": 77}, "a": {"lr0": 0.1}}},
    "a seed": {"seeds": [5, 0, 1]},
    "a value of the sweep": {"sweep": {"lr0": [0.9, 0.2], "epochs": [1]}},
    "a grid": {"grid": {"cos": [True], "lr0": [0.7]}},
    "a base": {"base": {"cos": True}},
}


@pytest.mark.parametrize("name", ADDED)
def test_a_name_depends_on_its_own_settings_alone(name: str) -> None:
    """Adding to an experiment must rename no run, since a new name is a new training."""
    before = {"runs": {"a": {"lr0": 0.1}}, "sweep": {"lr0": [0.2]}, "seeds": [0, 1]}
    assert set(runs(**before)) <= set(runs(**before | ADDED[name]))


def test_a_default_of_params_renames_nothing() -> None:
    sweep = {"sweep": {"lr0": [0.2]}}
    assert list(runs(**sweep)) == list(runs({"epochs": 9, "cos": True}, **sweep))


def test_two_runs_of_one_name_are_refused() -> None:
    assert_refused(FILE, "`sweep.lr0`", "lr0=0.1-s0", sweep={"lr0": [0.1, 0.1000000000000001]})


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "experiment",
    [
        {"base": {"dataset": ["a", "b"]}},
        {"runs": {"base": {"dataset": {"a": None}}}},
        {"params": {"dataset": ["a", "b"]}},
    ],
    ids=["a list in base", "a mapping in a run", "a list in params.yaml"],
)
def test_several_data_sets_in_one_run_are_refused(experiment: dict[str, Any]) -> None:
    assert_refused("base", "`dataset` is", "one name", "`sweep`", **experiment)


def test_an_unknown_override_names_file_run_key_and_the_nearest() -> None:
    assert_refused(FILE, "runs.a", "`lr`", "did you mean `lr0`", runs={"a": {"lr": 0.1}})


def test_a_wrong_value_is_laid_where_it_stands() -> None:
    assert_refused("params.yaml", "`lr0` is -1.0", "greater than 0", params={"lr0": -1.0})
    assert_refused(FILE, "base", '`lr0` is "x"', "number", base={"lr0": "x"})
    assert_refused(FILE, "sweep.lr0", "`lr0` is 0", "greater than 0", sweep={"lr0": [0]})


def test_a_key_of_another_backend_is_refused() -> None:
    assert_refused(
        FILE, "runs.a", "`lr0`: no such key", runs={"a": {"backend": "deep", "lr0": 0.1}}
    )


def test_a_missing_default_is_named() -> None:
    params = {name: value for name, value in PARAMS.items() if name != "epochs"}
    with refused(SettingsError, "params.yaml", "`epochs`", "missing"):
        resolve(params, ExperimentSettings(title="x"), FILE)


@pytest.mark.parametrize(
    "where", [{"base": {"seed": 1}}, {"runs": {"a": {"seed": 1}}}], ids=["in base", "in a run"]
)
def test_seed_and_seeds_together_are_refused(where: dict[str, Any]) -> None:
    assert_refused(FILE, "`seed`", "`seeds`", seeds=[0], **where)


def test_a_section_in_a_run_is_refused() -> None:
    assert_refused(
        FILE, "`runs.a`", "`predict`", "all runs", runs={"a": {"predict": {"conf": 0.5}}}
    )


# --------------------------------------------------------------------------- dvc exp run -S


USED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing changed": ({}, {"base": {"lr0": 0.1}}),
    "no run overrides it": ({"lr0": 0.5}, {"runs": {"a": {"epochs": 3}}}),
    "one run of two does not override it": (
        {"lr0": 0.5},
        {"runs": {"a": {"lr0": 0.1}, "b": None}},
    ),
    "a sweep of another key": ({"lr0": 0.5}, {"sweep": {"epochs": [1, 2]}}),
    "seed without seeds": ({"seed": 4}, {"runs": {"a": None}}),
    "one backend of two knows it": (
        {"lr0": 0.5},
        {"runs": {"a": None, "b": {"backend": "deep"}}},
    ),
}

UNUSED: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = {
    "base": ({"lr0": 0.5}, {"base": {"lr0": 0.1}}, (FILE, "`base`")),
    "all runs": (
        {"lr0": 0.5},
        {"runs": {"a": {"lr0": 0.1}, "b": {"lr0": 0.2}}},
        (FILE, "each of its runs"),
    ),
    "its own sweep": ({"lr0": 0.5}, {"sweep": {"lr0": [1, 2]}}, (FILE, "each of its runs")),
    "its own grid": (
        {"lr0": 0.5},
        {"grid": {"lr0": [1], "epochs": [2]}},
        (FILE, "each of its runs"),
    ),
    "seeds": ({"seed": 4}, {"seeds": [0, 1]}, (FILE, "`seeds`")),
    "replicates": ({"replicate": 4}, {"replicate": 2}, (FILE, "by `replicate`")),
    "another backend": ({"depth": 50}, {}, ("no backend",)),
    "only a backend whose run overrides it knows it": (
        {"lr0": 0.5},
        {"runs": {"a": {"lr0": 0.1}, "b": {"backend": "deep"}}},
        (FILE, "each of its runs"),
    ),
    "the data set": ({"dataset": "x"}, {"base": {"dataset": "cells"}}, (FILE, "`base`")),
}


@pytest.mark.parametrize("name", USED)
def test_a_changed_default_that_a_run_uses_is_taken(name: str) -> None:
    changed, experiment = USED[name]
    refuse_unused(
        PARAMS | changed, PARAMS, ExperimentSettings(title="An experiment", **experiment), {}, FILE
    )


@pytest.mark.parametrize("name", UNUSED)
def test_a_changed_default_that_no_run_uses_is_refused(name: str) -> None:
    """`dvc exp run -S lr0=…` would change nothing, and be taken for "it makes no difference"."""
    changed, experiment, facts = UNUSED[name]
    ((key, value),) = changed.items()
    with refused(SettingsError, "params.yaml", f"`{key}`", repr(value), "no run", *facts):
        refuse_unused(
            PARAMS | changed,
            PARAMS,
            ExperimentSettings(title="An experiment", **experiment),
            {},
            FILE,
        )


def test_names_and_settings_do_not_depend_on_key_order() -> None:
    turned = ExperimentSettings(title="An experiment", grid={"epochs": [2], "lr0": [0.1]})
    one = runs(grid={"lr0": [0.1], "epochs": [2]})
    two = resolve(dict(reversed(PARAMS.items())), turned, FILE)
    assert list(one) == list(two) == ["epochs=2+lr0=0.1-s0"]
    assert canonical(one["epochs=2+lr0=0.1-s0"].settings) == canonical(
        two["epochs=2+lr0=0.1-s0"].settings
    )


# --------------------------------------------------------------------------- shipped values


class Later(Tiny):
    """The same backend in a later release."""

    clip: float = 0.5


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(Settings=Later)
    monkeypatch.setitem(sys.modules, "fairtrial.backends.tiny", module)
    config_files.training_keys.cache_clear()


@pytest.mark.usefixtures("later")
def test_where_params_lacks_a_setting_the_shipped_value_holds() -> None:
    assert runs()["base-s0"].settings["clip"] == 0.5
    assert runs({"clip": 0.1})["base-s0"].settings["clip"] == 0.1


SHIPPED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, object]]] = {
    "params lacks it": ({}, {}, {"clip": 0.5}),
    "params has it": ({"clip": 0.5}, {}, {}),
    "base sets it": ({}, {"base": {"clip": 0.1}}, {}),
    "one run sets it": ({}, {"runs": {"a": {"clip": 0.1}, "b": None}}, {"clip": 0.5}),
    "each run sets it": ({}, {"runs": {"a": {"clip": 0.1}, "b": {"clip": 0.2}}}, {}),
    "another backend": ({}, {"base": {"backend": "deep"}}, {}),
}


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("name", SHIPPED)
def test_what_params_lacks_is_known(name: str) -> None:
    params, experiment, expected = SHIPPED[name]
    settings = ExperimentSettings(title="An experiment", **experiment)
    assert shipped_settings(PARAMS | params, settings, {}, FILE) == expected


@pytest.mark.parametrize(
    ("experiment", "taken"),
    [
        ({"runs": {"small": {}, "small-s0": {"lr0": 0.1}}}, "small-s0"),
        ({"runs": {"best": {"lr0": 0.1}}}, "best"),
    ],
    ids=["of a run", "best"],
)
def test_a_configuration_is_not_called_like_what_stands_beside_it(
    experiment: dict[str, Any], taken: str
) -> None:
    """In metrics.json one of them would hide the other."""
    with refused(SettingsError, FILE, f"runs.{taken}", "rename"):
        runs(**experiment)
