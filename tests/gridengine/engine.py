"""A throw-away Grid Engine on this machine: a master and one host, all in one folder.

Debian's programs, with a cell, ports and a spool of their own: nothing outside of the folder is
touched, and no installed cell is used. Commands get their environment from wrappers that come first
on PATH.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster import wait_for
from tests import daemons

INSTALLED = Path("/var/lib/gridengine")
SHARED = Path("/usr/share/gridengine")
SPOOLING = Path("/usr/lib/gridengine")
DAEMONS = ("setpriv", "sge_qmaster", "sge_execd")
COMMANDS = ("qsub", "qstat", "qdel", "qconf", "qacct")
HOST = socket.gethostname().partition(".")[0]

BOOTSTRAP = """\
admin_user none
default_domain none
ignore_fqdn true
spooling_method berkeleydb
spooling_lib libspoolb
spooling_params {root}/spooldb
binary_path /usr/sbin
qmaster_spool_dir {root}/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
"""
CHANGED = {  # of Debian's configuration: root may submit, as in a container; ends are told at once
    "execd_spool_dir": "{root}/execd",
    "min_uid": "0",
    "min_gid": "0",
    "reporting_params": "accounting=true reporting=false flush_time=00:00:01 joblog=false "
    "sharelog=00:00:00",
}


PACKAGES = "gridengine-master gridengine-exec gridengine-client"


def missing() -> str:
    """Why no Grid Engine can be started here; empty if it can."""
    return daemons.why_not("Grid Engine", DAEMONS + COMMANDS, PACKAGES)


class Engine:
    """The daemons, and Grid Engine's commands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "wrappers"  # first on PATH of whoever talks to this Grid Engine
        self._daemons: list[subprocess.Popen] = []
        self._env = {"SGE_ROOT": str(root), "SGE_CELL": "default", "SGE_ND": "true"}

    def start(self) -> None:
        master, execd = daemons.free_ports(2)
        self._env |= {"SGE_QMASTER_PORT": str(master), "SGE_EXECD_PORT": str(execd)}
        self._lay_out()
        self._fill_spool()
        self._daemon("sge_qmaster")
        wait_for(lambda: self.ask("qconf", "-sh"), 30, f"no master; see {self.root}")
        self._add_host_and_queue()
        self._daemon("sge_execd")
        wait_for(self._ready, 60, f"no host; see {self.root}")

    def stop(self) -> None:
        """End the jobs, and then the daemons that `start` started."""
        self.ask("qdel", "-f", "-u", "*")
        daemons.end(self._daemons, 10)

    def ask(self, *command: str) -> str:
        """The answer of one of the commands; nothing where it fails."""
        done = subprocess.run(
            [self.bin / command[0], *command[1:]], capture_output=True, text=True, timeout=60
        )
        return "" if done.returncode else done.stdout

    def tell(self, *command: str) -> None:
        """One of the commands that must succeed."""
        done = subprocess.run(
            [self.bin / command[0], *command[1:]], capture_output=True, text=True, timeout=60
        )
        assert not done.returncode, f"{command}: {done.stdout}{done.stderr}"

    # ---------------------------------------------------------------- beginnings

    def _lay_out(self) -> None:
        for name in ("default/common", "spooldb", "qmaster/job_scripts", "execd", "wrappers"):
            (self.root / name).mkdir(parents=True)
        for name in ("util", "bin", "lib", "utilbin"):
            (self.root / name).symlink_to(INSTALLED / name)
        self._write("default/common/bootstrap", BOOTSTRAP.format(root=self.root))
        self._write("default/common/act_qmaster", f"{HOST}\n")
        self._write("default/common/host_aliases", f"{HOST} localhost\n")  # loopback has one name
        words = " ".join(f"{name}={value}" for name, value in self._env.items())
        for name in COMMANDS:
            real = f'{words} exec {daemons.path_of(name)} "$@"'
            self._write(f"wrappers/{name}", f"#!/bin/sh\n{real}\n")
            (self.bin / name).chmod(0o755)

    def _fill_spool(self) -> None:
        text = (SHARED / "default-configuration").read_text()
        lines = [line for line in text.splitlines() if line.split(" ")[0] not in CHANGED]
        lines += [f"{name} {value.format(root=self.root)}" for name, value in CHANGED.items()]
        self._write("configuration", "\n".join(lines) + "\n")
        resources = SHARED / "util/resources"
        spool = ["berkeleydb", "libspoolb", self.root / "spooldb", "init"]
        self._call(SPOOLING / "spoolinit", *spool)
        for kind, place in (
            ("configuration", self.root / "configuration"),
            ("complexes", resources / "centry"),
            ("usersets", resources / "usersets"),
            ("managers", "root"),
        ):
            self._call(SPOOLING / "spooldefaults", kind, place)

    def _add_host_and_queue(self) -> None:
        self.tell("qconf", "-as", HOST)
        self.tell("qconf", "-Ap", str(SHARED / "util/resources/pe/smp"))
        self._add("hgrp", "@allhosts", f"group_name @allhosts\nhostlist {HOST}\n")
        self._add("q", "main.q", _QUEUE)
        self._hurry()

    def _add(self, kind: str, name: str, text: str) -> None:
        self._write(name, text)
        self.tell("qconf", f"-A{kind}", str(self.root / name))

    def _hurry(self) -> None:
        """Look for ready jobs at once, not every 15 seconds."""
        lines = [line for line in self.ask("qconf", "-ssconf").splitlines() if line]
        hurried = {"schedule_interval": "0:0:2", "flush_submit_sec": "1", "flush_finish_sec": "1"}
        rows = dict(line.split(maxsplit=1) for line in lines) | hurried
        self._write("scheduler", "".join(f"{k} {v}\n" for k, v in rows.items()))
        self.tell("qconf", "-Msconf", str(self.root / "scheduler"))

    def _ready(self) -> bool:
        return f"main.q@{HOST}" in self.ask("qstat", "-f") and " au " not in self.ask("qstat", "-f")

    def _write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def _call(self, *command: str | Path) -> None:
        subprocess.run(
            command, env=os.environ | self._env, check=True, capture_output=True, timeout=60
        )

    def _daemon(self, name: str) -> None:
        self._daemons.append(daemons.start([name], self._env, self.root / "errors"))


_ENDLESS = ["rt", "cpu", "fsize", "data", "stack", "core", "rss", "vmem"]
_QUEUE = """\
qname main.q
hostlist @allhosts
seq_no 0
load_thresholds NONE
suspend_thresholds NONE
nsuspend 1
suspend_interval 00:05:00
priority 0
min_cpu_interval 00:05:00
processors UNDEFINED
qtype BATCH INTERACTIVE
ckpt_list NONE
pe_list smp
rerun FALSE
slots 16
tmpdir /tmp
shell /bin/sh
prolog NONE
epilog NONE
shell_start_mode posix_compliant
starter_method NONE
suspend_method NONE
resume_method NONE
terminate_method NONE
notify 00:00:05
owner_list NONE
user_lists NONE
xuser_lists NONE
subordinate_list NONE
complex_values NONE
projects NONE
xprojects NONE
calendar NONE
initial_state default
""" + "".join(f"{kind}_{what} INFINITY\n" for what in _ENDLESS for kind in "sh")


@contextmanager
def running_engine() -> Iterator[Engine]:
    """A Grid Engine of its own, stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="fairtrial-sge-", dir="/tmp") as folder:
        engine = Engine(Path(folder))
        try:
            engine.start()
            yield engine
        finally:
            engine.stop()
