"""Profiles are merged by whole keys, and the one for a machine must not undo a cluster's."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

PROFILES = Path(__file__).parents[1] / "profiles"


def read(name: str) -> dict:
    return YAML(typ="safe").load(PROFILES / name / "config.yaml")


@pytest.mark.parametrize("name", ["gpu", "slurm"])
def test_no_key_is_also_in_the_default_profile(name: str) -> None:
    """profiles/default always applies, and its keys win."""
    assert not set(read(name)) & set(read("default"))


def test_train_and_predict_ask_for_the_same_kind_of_job() -> None:
    """They are one job: where it runs must be said twice in the same words."""
    asked = read("slurm")["set-resources"]
    scaled = ("runtime", "mem_mb", "cpus_per_task")
    train, predict = (
        {key: value for key, value in asked[rule].items() if key not in scaled}
        for rule in ("train", "predict")
    )
    assert train == predict == {"slurm_partition": "gpu", "gres": "'gpu:1'"}
