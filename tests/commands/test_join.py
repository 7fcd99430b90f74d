"""The second machine, with a script in place of a training's code; and what `stop` asks of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facts import missing_facts, refused
from fairtrial import SettingsError
from fairtrial.__main__ import main
from fairtrial.commands.join import into, join
from fairtrial.commands.stop import stop
from fairtrial.files.modelfile import write_model
from fairtrial.planning import drivers, offers
from fairtrial.planning.drivers import Driver
from fairtrial.planning.offers import Offer
from fairtrial.store import locks

ARGUMENTS = ["train", "--made", "results/shop/made/train/a.json"]
ARGUMENTS += ["--code", "c", "--progress", "logs/shop/train/a.json"]
ARGUMENTS += ["--weights", "r/weights.pt", "--record", "r/record.json", "--history", "h/a.csv"]
# A training that writes its arguments, and saves its state when it is interrupted.
TRAINING = """\
import os, pathlib, signal, sys, time
def interrupted(*_):
    pathlib.Path("saved").touch()
    sys.exit(1)
signal.signal(signal.SIGTERM, interrupted)
pathlib.Path("seen").write_text("\\n".join([os.environ["FAIRTRIAL_SNAPSHOT"], *sys.argv[1:]]))
while pathlib.Path("hold").exists():
    time.sleep(0.02)
print("CUDA out of memory")
sys.exit(pathlib.Path("fail").exists())
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen]:
    """A Snakemake that works in this folder and offers a training."""
    monkeypatch.chdir(tmp_path)
    Path("code/workflow").mkdir(parents=True)
    Path("code/workflow/fairtrial_command.py").write_text(TRAINING)
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    started = locks.process_start(process.pid)
    holder = locks.holder().model_copy(update={"process": process.pid, "started": started})
    write_model(drivers.FOLDER / "one.json", Driver(holder=holder, began=time.time()))
    offer = Offer(driver=holder, arguments=ARGUMENTS, snapshot="code", commit="{}")
    write_model(offers.FOLDER / "shop~train~a.json", offer)
    yield process
    process.kill()
    process.wait()


def joined(*flags: str) -> subprocess.Popen:
    path = f"{Path(join.__code__.co_filename).parents[2]}"
    return subprocess.Popen(
        [sys.executable, "-m", "fairtrial", "join", *flags],
        env=os.environ | {"PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_outputs_go_elsewhere_and_no_record_is_written(tmp_path: Path) -> None:
    words = into(tmp_path, ARGUMENTS)
    assert words[:5] == ["train", "--code", "c", "--progress", "logs/shop/train/a.json"]
    places = zip(words[5::2], words[6::2], strict=True)
    assert dict(places) == {
        "--weights": f"{tmp_path}/weights.pt",
        "--record": f"{tmp_path}/record.json",
        "--history": f"{tmp_path}/a.csv",
    }


def test_where_no_snakemake_works_there_is_nothing_to_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with refused(SettingsError, "no Snakemake works in this folder", "fairtrial start"):
        join()


@pytest.mark.parametrize("fails", [False, True], ids=["trained", "failed"])
def test_it_ends_with_the_driver_and_takes_nothing_twice(
    driver: subprocess.Popen, fails: bool
) -> None:
    if fails:
        Path("fail").touch()
    helper = joined()
    wait_for(lambda: Path("seen").exists() and not list(offers.FOLDER.glob("*.lock")))
    assert Path("seen").read_text().splitlines()[:2] == [str(Path.cwd() / "code"), "train"]
    assert bool(list(offers.FOLDER.glob("*.json"))) is fails, "what failed is the driver's to say"
    driver.kill()
    driver.wait()
    said, _ = helper.communicate(timeout=60)
    assert helper.returncode == 0
    assert said.count("train shop/a: begins") == 1
    log = f"logs/shop/train/a.{locks.holder().host}.log"
    facts = ["CUDA out of memory", log] if fails else ["train shop/a: trained"]
    assert missing_facts(said, *facts) == []
    assert not offers.helpers()


@pytest.mark.parametrize("how", ["terminated", "asked by stop"])
def test_when_it_is_stopped_states_are_saved_first(
    driver: subprocess.Popen, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("hold").touch()
    helper = joined()
    wait_for(Path("seen").exists)
    if how == "terminated":
        helper.send_signal(signal.SIGTERM)
    else:
        stop()
        said = capfd.readouterr().out
        assert missing_facts(said, f"`join` on {locks.holder().host}", "has ended") == []
    helper.communicate(timeout=60)
    assert Path("saved").exists()
    assert not [*offers.FOLDER.glob("*.lock"), *offers.HELPERS.iterdir()]


@pytest.mark.slow
def test_what_another_one_trains_is_left_to_it(driver: subprocess.Popen) -> None:
    with locks.acquired_at_once(offers.FOLDER / "shop~train~a.lock") as is_own:
        assert is_own
        helper = joined()
        wait_for(offers.helpers)
        time.sleep(1.5)
        assert not Path("seen").exists()
    wait_for(Path("seen").exists)
    driver.kill()
    driver.wait()
    said, _ = helper.communicate(timeout=60)
    assert said.index("waiting for a training") < said.index("train shop/a: begins")


def test_stop_names_the_machine_on_which_snakemake_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["stop"]) == 0
    assert "no Snakemake works here" in capsys.readouterr().out
    elsewhere = locks.holder().model_copy(update={"host": "n2"})
    write_model(drivers.FOLDER / "one.json", Driver(holder=elsewhere, began=time.time()))
    with refused(SettingsError, "another machine", "fairtrial stop", "n2"):
        stop()


def test_stop_says_where_ctrl_c_would_be_ignored(driver: subprocess.Popen) -> None:
    ignoring = subprocess.Popen(["sh", "-c", "trap '' INT; echo ready; exec sleep 600"], stdout=-1)
    assert ignoring.stdout
    ignoring.stdout.readline()
    own = locks.holder().model_copy(
        update={"process": ignoring.pid, "started": locks.process_start(ignoring.pid)}
    )
    write_model(drivers.FOLDER / "one.json", Driver(holder=own, began=time.time()))
    with refused(SettingsError, "ignores Ctrl-C", f"kill {ignoring.pid}"):
        stop()
    ignoring.kill()
    ignoring.wait()
