"""The command line: options from signatures, plain errors, exit statuses."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

import fairtrial
from fairtrial import DataError
from fairtrial.__main__ import COMMANDS, STAGES, main

ROOT = Path(__file__).parents[1]


class Rate(BaseModel):
    """Settings of the stand-in for a stage."""

    a: float


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Instead of the stage `train`, a function that keeps what it is called with."""
    arguments: dict[str, Any] = {}

    def train(
        *,
        settings: Rate,
        first_file: Path,
        several: list[Path],
        initial: Path | None,
        threads: int,
        code: str,
        loud: bool = False,
        raising: int = 0,
    ) -> None:
        """Train something. More of the first paragraph.

        Text below the summary: with a colon.

        Args:
            settings: the settings
            first_file: 100% of a text
                on two lines: with a colon
            several: files
            initial: a file
            threads: a number
            code: a text
            loud: a switch
            raising: a number

        Raises:
            KeyError: never
        """
        arguments.update({k: v for k, v in locals().items() if k != "arguments"})
        if raising:
            raise ERRORS[raising]

    train.__annotations__["settings"] = Rate
    monkeypatch.setitem(sys.modules, "fairtrial.stages.train", SimpleNamespace(train=train))
    return arguments


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


def test_each_flag_has_the_type_of_its_parameter(call: dict[str, Any]) -> None:
    assert main(LINE) == 0
    assert call == {
        "settings": Rate(a=0.0001),
        "first_file": Path("a b"),
        "several": [Path("x"), Path("y")],
        "initial": Path("w.pt"),
        "threads": 2,
        "code": "1e5",
        "loud": False,
        "raising": 0,
    }


@pytest.mark.parametrize("empty", [[], [""]], ids=["nothing", "empty text"])
def test_no_file_is_none_however_a_shell_passes_it(call: dict[str, Any], empty: list[str]) -> None:
    """Path("") is the working directory, and true."""
    at = LINE.index("w.pt")
    assert main(LINE[:at] + empty + LINE[at + 1 :]) == 0
    assert call["initial"] is None


class Inner(BaseModel):
    """A section of the settings below."""

    model_config = ConfigDict(extra="forbid")
    size: int


class TypedSettings(BaseModel):
    """Settings of a stage."""

    model_config = ConfigDict(extra="forbid")
    rate: float
    inner: Inner
    names: tuple[str, ...] = ()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[TypedSettings]:
    """Instead of the stage `train`, one that keeps the settings that it is called with."""
    calls: list[TypedSettings] = []

    def train(*, settings: TypedSettings) -> None:
        calls.append(settings)

    train.__annotations__["settings"] = TypedSettings
    monkeypatch.setitem(sys.modules, "fairtrial.stages.train", SimpleNamespace(train=train))
    return calls


def test_settings_are_a_model_read_from_json_or_a_file(
    typed: list[TypedSettings], tmp_path: Path
) -> None:
    settings = TypedSettings(rate=0.0001, inner=Inner(size=3), names=("a", "b"))
    assert main(["train", "--settings", settings.model_dump_json()]) == 0
    (tmp_path / "a b.json").write_text(settings.model_dump_json())
    assert main(["train", "--settings", f"@{tmp_path / 'a b.json'}"]) == 0
    assert typed == [settings, settings]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        pytest.param('{"rate": "1", "inner": {"size": 3}}', ["`rate`"], id="text for a number"),
        pytest.param('{"rate": 1}', ["`inner`", "required"], id="missing key"),
        pytest.param(
            '{"rate": 1, "inner": {"size": 1.5, "sise": 1}}',
            ["`inner.size`", "`inner.sise`"],
            id="two problems",
        ),
        pytest.param("{", ["Invalid JSON"], id="no JSON"),
        pytest.param("[1]", ["object"], id="no object"),
        pytest.param("@no/file.json", ["no/file.json: No such file"], id="no file"),
    ],
)
@pytest.mark.usefixtures("typed")
def test_settings_that_do_not_fit_are_one_line(
    text: str, facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["train", "--settings", text])
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("fairtrial train: error: argument --settings: ")
    assert [fact for fact in facts if fact not in last] == []


def test_a_switch_is_off_unless_it_is_named(call: dict[str, Any]) -> None:
    main([*LINE, "--loud"])
    assert call["loud"] is True


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        (1, 1, "fairtrial train: this is wrong\n"),
        (2, 1, "fairtrial train: some/file: No such file or directory\n"),
        (3, 1, "fairtrial train: No space left on device\n"),
        (4, 130, "fairtrial train: interrupted\n"),
    ],
    ids=["our error", "missing file", "full disk", "interrupted"],
)
@pytest.mark.usefixtures("call")
def test_what_a_person_can_mend_is_one_line(
    number: int, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LINE, "--raising", str(number)]) == status
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("number", [5, 6], ids=["OSError without number", "KeyError"])
@pytest.mark.usefixtures("call")
def test_a_bug_keeps_its_traceback(number: int) -> None:
    with pytest.raises(type(ERRORS[number])):
        main([*LINE, "--raising", str(number)])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["trian"], "invalid choice: 'trian' (choose from"),
        (["train"], "the following arguments are required: --settings, --first-file"),
        ([*LINE, "--treads", "2"], "unrecognized arguments: --treads"),
        ([*LINE, "--thread", "2"], "unrecognized arguments: --thread"),
        ([*LINE, "--threads", "two"], "argument --threads: invalid int value: 'two'"),
    ],
    ids=[
        "no subcommand",
        "misspelt subcommand",
        "flags missing",
        "misspelt flag",
        "shortened flag",
        "no number",
    ],
)
@pytest.mark.usefixtures("call")
def test_a_wrong_call_is_reported_and_exits_with_2(
    line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(line)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("call")
def test_help_is_the_docstring_without_what_only_code_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Text below the summary: with a colon." in text
    assert "--first-file FIRST_FILE 100% of a text on two lines: with a colon --several" in text
    assert "Args" not in text and "Raises" not in text and "KeyError" not in text


@pytest.mark.parametrize("name", [*STAGES, *COMMANDS])
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also: each module is there, and each parameter has a type that a flag can have."""
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert len(capsys.readouterr().out) > 200


def test_help_names_what_people_call_before_the_stages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    _, commands, stages = re.split(
        r"^(?:commands|stages \(.*\)):\n", capsys.readouterr().out, flags=re.M
    )
    for text, names in ((commands, COMMANDS), (stages, STAGES)):
        assert tuple(re.findall(r"^  (\S+) +\S+", text, re.M)) == names


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == fairtrial.__version__
    assert f'version = "{fairtrial.__version__}"' in (ROOT / "pyproject.toml").read_text()
