"""How many jobs a driver starts on the GPUs of this machine, and how many of these each may take.

A profile has fixed numbers, so that one for all machines can only say what a job needs: `gpu` of
each rule. How many there are is seen when Snakemake begins. Which ones a job gets, it sees to
itself (devices/pinning.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from fairtrial.devices import cards, pinning
from fairtrial.devices.pinning import Pinning

RESOURCE = "gpu"  # of Snakemake: of a rule how many it needs, of all how many are used at a time
SHARE, FREE = "gpu_share", "gpu_free"  # settings of the profile, as resources that no rule uses


def share_gpus(workflow: Any) -> None:
    """Tell Snakemake how many GPUs there are, and its jobs how they use them.

    Nothing is done where no rule needs any, or where a cluster has them.
    """
    needed = gpus_of(workflow.rules)
    os.environ.pop(pinning.VARIABLE, None)
    if not workflow.local_exec or not needed:
        return
    given = {name: value.value for name, value in workflow.global_resources.items()}
    told = pinning_of(needed, given)
    os.environ[pinning.VARIABLE] = told.model_dump_json()
    visible = cards.visible(cards.all_cards())
    if not visible:
        print("NVIDIA's driver tells of no GPU here: one training at a time.", file=sys.stderr)
    if RESOURCE not in given:
        workflow.register_resource(RESOURCE, max(1, len(visible)) * told.share)


def gpus_of(rules: Iterable[Any]) -> dict[str, int]:
    """How many GPUs each rule needs, of those that need some."""
    numbers = {rule.name: _number(rule) for rule in rules if RESOURCE in rule.resources}
    return {name: number for name, number in numbers.items() if number > 0}


def _number(rule: Any) -> int:
    """How many GPUs a rule needs. Raises WorkflowError where that is an expression."""
    resource = rule.resources[RESOURCE]
    if resource.is_evaluable() or not isinstance(resource.value, int | None):
        from snakemake.exceptions import WorkflowError

        raise WorkflowError(
            f"set-resources: {rule.name}: {RESOURCE}: {resource.raw}: must be a number here, as 1"
        )
    return resource.value or 0


def pinning_of(needed: Mapping[str, int], given: Mapping[str, Any]) -> Pinning:
    """What jobs are told: `needed` by stage, and the profile's settings among `given`."""
    settings = {"share": given.get(SHARE), "free": given.get(FREE)}
    asked = {name: max(1, int(value)) for name, value in settings.items() if value is not None}
    return Pinning.model_validate({"gpus": dict(needed)} | asked)
