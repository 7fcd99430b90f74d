"""serve: the command. What the server answers: tests/serving."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image
from tests.commands.measured import ROOT
from tests.serving.running import tiny_detector

from facts import missing_facts
from fairtrial.__main__ import main
from fairtrial.commands.serve import model_card_of

HEAVY = ("torch", "torchvision", "ultralytics", "snakemake", "dvc", "matplotlib", "pandas", "scipy")
# The command itself, which tells at its end what it has imported.
TELLS = (
    "import sys; from fairtrial.__main__ import interrupt_on_signals, main\n"
    "interrupt_on_signals()\n"
    "status = main(sys.argv[1:])\n"
    f"print('status', status, 'heavy', sorted({{*sys.modules}} & {{*{HEAVY}}}))\n"
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAIRTRIAL_TOKEN", raising=False)
    tiny_detector(tmp_path)
    Image.new("RGB", (64, 48), (200, 200, 200)).save("in.png")
    return tmp_path


@contextmanager
def served(*flags: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command on a free port: its address, and its process."""
    environment |= {"PYTHONPATH": str(ROOT / "workflow"), "PATH": os.environ["PATH"]}
    call = [sys.executable, "-c", TELLS, "serve", "tiny.onnx", "--port", "0", *flags]
    process = subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.fullmatch(r"tiny\.onnx: (http://\S+)\n", line)
        assert match, line
        yield match[1], process
    finally:
        process.kill()
        process.wait()


@pytest.mark.use
def test_an_exported_file_is_served_without_torch_snakemake_and_dvc() -> None:
    with served() as (address, process):
        files = {"file": ("in.png", Path("in.png").read_bytes())}
        answer = httpx.post(f"{address}/detect", files=files, trust_env=False)
        assert [each["name"] for each in answer.json()["images"][0]["objects"]] == ["dog"]
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[0] == "status 0 heavy []\n"


@pytest.mark.use
def test_the_token_of_the_environment_is_asked_for() -> None:
    with served("--host", "0.0.0.0", FAIRTRIAL_TOKEN="secret") as (address, _):
        at = f"http://127.0.0.1:{address.rpartition(':')[2]}/model"
        assert httpx.get(at, trust_env=False).status_code == 401
        known = {"Authorization": "Bearer secret"}
        assert httpx.get(at, headers=known, trust_env=False).status_code == 200


def test_the_card_is_that_of_the_winner_or_lies_beside_the_file() -> None:
    assert model_card_of("tiny.onnx") is None
    Path("tiny.md").write_text("# Tiny")
    assert model_card_of("tiny.onnx") == "# Tiny"
    assert model_card_of("one/a-s0") is None
    Path("results/one").mkdir(parents=True)
    Path("results/one/winner.md").write_text("# Won")
    Path("results/one/winner.json").write_text('{"run": {"name": "a-s0"}}')
    assert model_card_of("one/a-s0") == model_card_of("results/one/runs/a-s0") == "# Won"
    assert model_card_of("one/b-s0") is None
    Path("results/one/winner.json").write_text('{"run": null}')
    assert model_card_of("one/a-s0") is None


@pytest.mark.parametrize(
    ("flags", "facts"),
    [
        (["--host", "0.0.0.0"], ["--host: 0.0.0.0", "FAIRTRIAL_TOKEN"]),
        (["--port", "70000"], ["--port: 70000"]),
        (["--confidence", "7"], ["--confidence: 7"]),
        (["--batch", "0", "--seconds", "-1"], ["--batch: 0", "--seconds: -1", "above 0"]),
    ],
    ids=lambda value: " ".join(value[:2]),
)
def test_what_cannot_be_served_is_one_sentence(
    flags: list[str], facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "tiny.onnx", *flags]) == 1
    assert missing_facts(capsys.readouterr().err, *facts) == []


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "tiny.onnx", "--port", port]) == 1
    assert missing_facts(capsys.readouterr().err, "127.0.0.1", port, "in use") == []


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["serve", "tiny.onnx"]) == 1
    assert missing_facts(capsys.readouterr().err, "`fastapi`", "make venv EXTRAS=serve") == []
