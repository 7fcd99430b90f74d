"""The rules in another Snakefile, which imports them with `module:` (as snakedeploy writes it).

A module may rename rules and move files, which jobs and commands would not find any more, and
Snakemake leaves what happens at the start and the end to the importing Snakefile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairtrial import SettingsError

Handler = Callable[[], object]


def refuse_other_names(modifier: Any) -> None:
    """Raise SettingsError where a module renames the rules or moves their files.

    modifier: Snakemake's, of the Snakefile that is being read.
    """
    if modifier.modify_rulename("train") != "train":
        raise SettingsError(
            f"use rule … as {modifier.modify_rulename('*')}: the rules keep their names, by which "
            "profiles and commands know them; leave `as` out"
        )
    if str(modifier.modify_path("results")) != "results":
        raise SettingsError(
            f"prefix: moves results/ to {modifier.modify_path('results')}, where no command would "
            "find them; leave it out, and work in a folder of its own"
        )


def also_call(workflow: Any, start: Handler, success: Handler, error: Handler) -> None:
    """Call functions at the start and the ends of a workflow, beside those of its own Snakefile."""
    for name, own in (("_onstart", start), ("_onsuccess", success), ("_onerror", error)):
        setattr(workflow, name, _both(getattr(workflow, name), own))


def _both(first: Callable[[Any], object], second: Handler) -> Callable[[Any], None]:
    def call(log: Any) -> None:
        first(log)
        second()

    return call
