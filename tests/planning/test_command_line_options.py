"""Options and places with which Snakemake would not do what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts import refused
from fairtrial import SettingsError
from fairtrial.planning.command_line import refuse_place


@pytest.mark.parametrize("name", ["a{b}c", "{run}", "a}b"])
def test_a_brace_in_the_path_of_a_project_is_refused(name: str) -> None:
    with refused(SettingsError, f"/home/{name}/trials", "brace"):
        refuse_place(Path("/home", name, "trials"))


@pytest.mark.parametrize("name", ["a b", "ü", "a#b", "$HOME", "'"])
def test_other_names_are_not(name: str) -> None:
    refuse_place(Path("/home", name))
