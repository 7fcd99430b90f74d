"""Profiles are merged by whole keys, and the one for a machine must not undo a cluster's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from fairtrial.planning.housekeeping import unshare_records

PROFILES = Path(__file__).parents[1] / "profiles"


def read(name: str) -> dict:
    return YAML(typ="safe").load(PROFILES / name / "config.yaml")


@pytest.mark.parametrize("name", ["cluster-generic", "gpu", "slurm"])
def test_no_key_is_also_in_the_default_profile(name: str) -> None:
    """profiles/default always applies, and its keys win."""
    assert not set(read(name)) & set(read("default"))


def test_train_and_predict_ask_for_the_same_kind_of_job() -> None:
    """They are one job: where it runs must be said twice in the same words."""
    resources = read("slurm")["set-resources"]
    scaled = ("runtime", "mem_mb", "cpus_per_task")
    train, predict = (
        {key: value for key, value in resources[rule].items() if key not in scaled}
        for rule in ("train", "predict")
    )
    assert train == predict == {"slurm_partition": "gpu", "gres": "'gpu:1'"}


def test_so_they_are_in_a_queue_without_a_plugin() -> None:
    resources = read("cluster-generic")["set-resources"]
    train, predict = ({**resources[rule]} for rule in ("train", "predict"))
    train.pop("runtime"), predict.pop("runtime")
    assert train == predict == {"slots": 8}


def test_content_counts_whatever_its_size_and_no_white_space_in_a_rule() -> None:
    """At Snakemake's own limit of 1 MB, weights that DVC has put back would look changed."""
    settings = read("default")
    assert settings["max-checksum-file-size"] == "1TB"
    assert settings["rerun-triggers"] == ["mtime", "params", "input"]


def test_dvc_copies_and_does_not_link() -> None:
    """Snakemake writes its records in place: through a link that would change DVC's cache."""
    text = (PROFILES.parent / ".dvc/config").read_text()
    assert 'type = "reflink,copy"' in text


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_record_that_was_linked_all_the_same_is_made_an_own_file(link, tmp_path: Path) -> None:
    cached, record = tmp_path / "cache", tmp_path / "metadata/deep/record"
    record.parent.mkdir(parents=True)
    cached.write_text("recorded")
    link(cached, record)
    unshare_records(tmp_path / "metadata")
    record.write_text("changed")
    assert cached.read_text() == "recorded"
    assert [path.name for path in record.parent.iterdir()] == ["record"]


def test_a_record_that_is_removed_meanwhile_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan is made while another Snakemake works, which removes records of what fails."""
    records = [tmp_path / "metadata" / name for name in "ab"]
    records[0].parent.mkdir()
    (tmp_path / "cache").write_text("recorded")
    for record in records:
        os.link(tmp_path / "cache", record)
    copy = shutil.copyfile

    def copy_while_the_other_goes(source: Path, target: Path) -> None:
        copy(source, target)
        next(record for record in records if record != source).unlink()

    monkeypatch.setattr(shutil, "copyfile", copy_while_the_other_goes)
    unshare_records(tmp_path / "metadata")
    (left,) = records[0].parent.iterdir()
    assert left.stat().st_nlink == 1
