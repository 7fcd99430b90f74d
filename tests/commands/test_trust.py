"""A checkpoint that runs code is opened by a command where a person names its SHA-256, only."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tests.commands.measured import make_set

from facts import missing_facts
from fairtrial import BackendError
from fairtrial.__main__ import main
from fairtrial.training.unpickling import unpickled

COMMANDS = {
    "detect": ("detect", "a.pt", "data/clean/shapes/images", "--json", "seen.json"),
    "evaluate": ("evaluate", "a.pt", "--set", "shapes"),
    "export-model": ("export-model", "a.pt", "--set", "shapes"),
}


class Trap:
    """Makes the folder `ran` when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its SHA-256. The backend opens it as all of them do, and goes no further."""
    monkeypatch.chdir(tmp_path)
    make_set("shapes")
    torch.save({"model": Trap()}, "a.pt")

    def open_it(weights: Path, *rest: object) -> None:
        unpickled(weights)
        raise BackendError("it was opened")

    backend = SimpleNamespace(exportable=open_it, detector=open_it)
    for module in ("commands._models", "stages.predict"):
        monkeypatch.setattr(f"fairtrial.{module}.plugin", lambda kind, name: backend)
    return hashlib.sha256(Path("a.pt").read_bytes()).hexdigest()


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_opened_by_its_own_sum_alone(
    command: str, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for trust in ((), ("--trust", "0" * 64)):
        assert main([*COMMANDS[command], *trust]) == 1
        assert not missing_facts(capsys.readouterr().err, "not opened", "--trust", checkpoint)
        assert not Path("ran").exists()
    assert main([*COMMANDS[command], "--trust", checkpoint[:-1]]) == 1
    assert not missing_facts(capsys.readouterr().err, "--trust", "64 digits")
    assert main([*COMMANDS[command], "--trust", checkpoint]) == 1
    assert "it was opened" in capsys.readouterr().err
    assert Path("ran").exists()
