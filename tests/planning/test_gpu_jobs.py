"""How many jobs Snakemake starts on GPUs, with a profile's numbers and this machine's cards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.resources import Resource, Resources

from fairtrial.devices import cards, pinning
from fairtrial.devices.pinning import Pinning
from fairtrial.planning.gpu_jobs import share_gpus


class Workflow:
    """Snakemake's, with rules that need so many GPUs, and what the profile gives."""

    def __init__(self, needed: dict[str, Any], local_exec: bool = True, **given: int) -> None:
        self.local_exec = local_exec
        self.rules = [
            SimpleNamespace(name=name, resources=Resources.from_mapping({"gpu": number}))
            for name, number in needed.items()
        ]
        self.rules.append(SimpleNamespace(name="split", resources=Resources({})))
        self.global_resources = Resources.from_mapping({"_cores": 8} | given)

    def register_resource(self, name: str, value: int) -> None:
        self.global_resources[name] = value

    @property
    def limit(self) -> int | str | None:
        return self.global_resources.get("gpu").value


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cards."""
    have = [{"uuid": f"GPU-{n}", "index": n} for n in range(4)]
    (tmp_path / "cards.json").write_text(json.dumps(have))
    monkeypatch.setenv(cards.FAKE, str(tmp_path / "cards.json"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv(pinning.VARIABLE, "of another driver")


def told() -> Pinning:
    return Pinning.model_validate_json(os.environ[pinning.VARIABLE])


@pytest.mark.parametrize(
    ("given", "visible", "limit"),
    [
        ({}, None, 4),
        ({}, "1,3", 2),
        ({"gpu_share": 3}, None, 12),
        ({"gpu": 1}, None, 1),
        ({}, "", 1),
    ],
    ids=["all", "some are visible", "shared", "a limit is given", "none"],
)
def test_as_many_jobs_as_there_are_gpus(
    given: dict[str, int], visible: str | None, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    workflow = Workflow({"train": 1, "predict": 1}, **given)
    share_gpus(workflow)
    assert workflow.limit == limit
    assert told().gpus == {"train": 1, "predict": 1}


def test_jobs_are_told_the_profiles_settings() -> None:
    share_gpus(Workflow({"train": 4, "search": 0}, gpu_share=2, gpu_free=50))
    assert told() == Pinning(gpus={"train": 4}, share=2, free=50)


@pytest.mark.parametrize(
    "workflow",
    [Workflow({"train": 1}, local_exec=False), Workflow({})],
    ids=["on a cluster", "another profile"],
)
def test_elsewhere_jobs_are_told_nothing(workflow: Workflow) -> None:
    share_gpus(workflow)
    assert pinning.VARIABLE not in os.environ
    assert workflow.limit is None


def test_an_expression_is_refused() -> None:
    from snakemake.exceptions import WorkflowError

    workflow = Workflow({"train": 1})
    workflow.rules[0].resources["gpu"] = Resource("gpu", lambda attempt: attempt)
    with pytest.raises(WorkflowError, match=r"train: gpu: .*a number"):
        share_gpus(workflow)
