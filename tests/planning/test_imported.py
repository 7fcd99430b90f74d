"""Rules that another Snakefile imports."""

from __future__ import annotations

from types import SimpleNamespace

from fairtrial import SettingsError
from fairtrial.planning.imported import also_call, refuse_other_names
from tests.facts import refused


def modifier(rule: str = "{}", path: str = "{}") -> SimpleNamespace:
    """Snakemake's, as far as it is asked."""
    return SimpleNamespace(modify_rulename=rule.format, modify_path=path.format)


def test_rules_and_files_keep_their_names() -> None:
    refuse_other_names(modifier())
    with refused(SettingsError, "as trial_*", "leave"):
        refuse_other_names(modifier(rule="trial_{}"))
    with refused(SettingsError, "prefix", "sub/results"):
        refuse_other_names(modifier(path="sub/{}"))


def test_both_snakefiles_are_called_at_the_ends() -> None:
    called: list[str] = []
    ends = ("start", "success", "error")
    workflow = SimpleNamespace(
        **{f"_on{end}": lambda log, end=end: called.append(f"{log}: {end}") for end in ends}
    )
    also_call(workflow, *(lambda end=end: called.append(f"own {end}") for end in ends))
    for end in ends:
        getattr(workflow, f"_on{end}")("log")
    assert called == [text for end in ends for text in (f"log: {end}", f"own {end}")]
