"""The command line: options from signatures, plain errors, exit statuses."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import fairtrial
from fairtrial import DataError
from fairtrial.__main__ import COMMANDS, STAGES, main

ROOT = Path(__file__).parents[1]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Instead of the stage `train`, a function that keeps what it is called with."""
    found: dict[str, Any] = {}

    def train(
        *,
        settings: dict[str, Any],
        first_file: Path,
        several: list[Path],
        initial: Path | None,
        threads: int,
        code: str,
        loud: bool = False,
        raising: int = 0,
    ) -> None:
        """What it does."""
        found.update({k: v for k, v in locals().items() if k != "found"})
        if raising:
            raise ERRORS[raising]

    monkeypatch.setitem(sys.modules, "fairtrial.stages.train", SimpleNamespace(train=train))
    return found


ERRORS = {
    1: DataError("this is wrong"),
    2: FileNotFoundError(errno.ENOENT, "No such file or directory", "some/file"),
    3: OSError(errno.ENOSPC, "No space left on device"),
    4: KeyboardInterrupt(),
    5: OSError("a library's own, without a number"),
    6: KeyError("a bug of ours"),
}
LINE = ["train", "--settings", '{"a": 1e-4}', "--first-file", "a b", "--several", "x", "y"]
LINE += ["--initial", "w.pt", "--threads", "2", "--code", "1e5"]


def test_each_flag_has_the_type_of_its_parameter(given: dict[str, Any]) -> None:
    assert main(LINE) == 0
    assert given == {
        "settings": {"a": 0.0001},
        "first_file": Path("a b"),
        "several": [Path("x"), Path("y")],
        "initial": Path("w.pt"),
        "threads": 2,
        "code": "1e5",
        "loud": False,
        "raising": 0,
    }


@pytest.mark.parametrize("empty", [[], [""]])
def test_no_file_is_none_however_a_shell_passes_it(given: dict[str, Any], empty: list[str]) -> None:
    """Path("") is the working directory, and true."""
    at = LINE.index("w.pt")
    assert main(LINE[:at] + empty + LINE[at + 1 :]) == 0
    assert given["initial"] is None


def test_a_switch_is_off_unless_it_is_named(given: dict[str, Any]) -> None:
    main([*LINE, "--loud"])
    assert given["loud"] is True


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (1, 1, "fairtrial train: this is wrong\n"),
        (2, 1, "fairtrial train: some/file: No such file or directory\n"),
        (3, 1, "fairtrial train: No space left on device\n"),
        (4, 130, "fairtrial train: interrupted\n"),
    ],
)
@pytest.mark.usefixtures("given")
def test_what_a_person_can_mend_is_one_line(
    number: int, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LINE, "--raising", str(number)]) == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("number", [5, 6])
@pytest.mark.usefixtures("given")
def test_a_bug_keeps_its_traceback(number: int) -> None:
    with pytest.raises(type(ERRORS[number])):
        main([*LINE, "--raising", str(number)])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["trian"], "invalid choice: 'trian' (choose from"),
        (["train"], "the following arguments are required: --settings, --first-file"),
        ([*LINE, "--treads", "2"], "unrecognized arguments: --treads"),
        ([*LINE, "--thread", "2"], "unrecognized arguments: --thread"),
        ([*LINE[:2], "{a", *LINE[3:]], "argument --settings: not JSON: "),
        ([*LINE[:2], "[1]", *LINE[3:]], "argument --settings: not a JSON object"),
        ([*LINE, "--threads", "two"], "argument --threads: invalid int value: 'two'"),
    ],
)
@pytest.mark.usefixtures("given")
def test_a_wrong_call_is_said_and_exits_with_2(
    line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", [*STAGES, *COMMANDS])
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also: each module is there, and each parameter has a type that a flag can have."""
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert len(capsys.readouterr().out) > 200


def test_it_runs_as_a_module_and_names_all_subcommands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fairtrial", "--help"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [name for name in (*STAGES, *COMMANDS) if name not in done.stdout] == []


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == fairtrial.__version__
    assert f'version = "{fairtrial.__version__}"' in (ROOT / "pyproject.toml").read_text()
