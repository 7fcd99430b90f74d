"""A throw-away SLURM on this machine: one controller and three nodes, all in one folder.

Nodes claim more cores and memory than the machine has, so that jobs may ask for what the
shipped profile asks. Nothing outside of the folder is touched. SLURM_CONF tells the daemons
where their configuration is; commands get it from wrappers that come first on PATH, since
Snakemake removes SLURM's variables from the environment of some of them.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import daemons

DAEMONS = ("setpriv", "munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
NODES = ("c1", "c2", "g1")

SLURM_CONF = """\
ClusterName=fairtrial
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={root}/munge/socket
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SwitchType=switch/none
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,sched_min_interval=0,bf_interval=2,batch_sched_delay=0
GresTypes=gpu
EnforcePartLimits=ALL
# Memory is sampled every second and a job above its share ended, as cgroups would do.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
KillWait=2
CompleteWait=0
MinJobAge=3600
MessageTimeout=10
NodeName=c1 NodeHostname={host} NodeAddr=127.0.0.1 Port={c1} CPUs=16 RealMemory=200000
NodeName=c2 NodeHostname={host} NodeAddr=127.0.0.1 Port={c2} CPUs=16 RealMemory=200000
NodeName=g1 NodeHostname={host} NodeAddr=127.0.0.1 Port={g1} CPUs=16 RealMemory=200000 \
Gres=gpu:2 Feature=dgx
PartitionName=cpu Nodes=c1,c2 Default=YES MaxTime=4-0 State=UP
PartitionName=gpu Nodes=g1 MaxTime=4-0 State=UP
"""

# Devices that are there everywhere; nobody reads them.
GRES_CONF = "NodeName=g1 Name=gpu File=/dev/null\nNodeName=g1 Name=gpu File=/dev/zero\n"


PACKAGES = "munge slurmctld slurmd slurm-client slurm-wlm-basic-plugins"


def missing() -> str:
    """Why no SLURM can be started here; empty if it can."""
    return daemons.why_not("SLURM", DAEMONS + COMMANDS, PACKAGES)


class Cluster:
    """The daemons, and what SLURM's commands say of the jobs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._daemons: list[subprocess.Popen] = []
        self.bin = root / "bin"  # first on PATH of whoever talks to this SLURM

    # ---------------------------------------------------------------- daemons

    def start(self) -> None:
        for name in ("bin", "munge", "state", *(f"spool/{node}" for node in NODES)):
            (self.root / name).mkdir(parents=True)
        self._configure()
        self._authentication()
        wait_for((self.root / "munge/socket").exists, 10, f"munge did not start: {self.root}")
        self._daemon("slurmctld", "-D")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_for(self._ready, 30, f"SLURM did not start; logs in {self.root}")

    def stop_controller(self) -> None:
        """Nobody answers; nodes and their jobs go on."""
        controller = self._daemons[1]
        controller.terminate()
        controller.wait(60)

    def restart_controller(self) -> None:
        """It takes its state from the disk, and the ends of jobs that it missed from the nodes."""
        self._daemon("slurmctld", "-D")
        self._daemons.insert(1, self._daemons.pop())

    def kill_node(self, name: str) -> None:
        """A node that loses its power, and comes back: nothing on it has time for a word."""
        place = 2 + NODES.index(name)
        self._daemons[place].kill()
        self._daemons[place].wait()
        for job in self.jobs(NodeList=name, JobState="RUNNING"):
            for process in _steps_and_children(job["JobId"]):
                os.kill(process, signal.SIGKILL)
        self.tell("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=killed")
        self._daemon("slurmd", "-D", "-N", name)
        self._daemons[place] = self._daemons.pop()
        self.tell("scontrol", "update", f"NodeName={name}", "State=RESUME")

    def _configure(self) -> None:
        host = socket.gethostname().partition(".")[0]
        names = ("controller", *NODES)
        ports = dict(zip(names, daemons.free_ports(len(names)), strict=True))
        text = SLURM_CONF.format(host=host, root=self.root, **ports)
        (self.root / "slurm.conf").write_text(text)
        (self.root / "gres.conf").write_text(GRES_CONF)
        for name in COMMANDS:
            real = f'SLURM_CONF={self.root}/slurm.conf exec {daemons.path_of(name)} "$@"'
            (self.bin / name).write_text(f"#!/bin/sh\n{real}\n")
            (self.bin / name).chmod(0o755)
        # Accounts are kept by a database that this SLURM lacks; Snakemake asks for them first.
        (self.bin / "sacctmgr").write_text("#!/bin/sh\necho lab\n")
        (self.bin / "sacctmgr").chmod(0o755)

    def _authentication(self) -> None:
        """A key and a munge daemon of our own."""
        place = self.root / "munge"
        place.chmod(0o755)
        (place / "key").write_bytes(os.urandom(1024))
        (place / "key").chmod(0o400)
        self._daemon(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={place}/key",
            f"--socket={place}/socket",
            f"--pid-file={self.root}/munged.pid",
            f"--log-file={place}/log",
            f"--seed-file={place}/seed",
        )

    def _ready(self) -> bool:
        states = self._ask("sinfo", "--noheader", "--Node", "--format=%N %t").split("\n")
        return {line for line in states if line} == {f"{node} idle" for node in NODES}

    def stop(self) -> None:
        """End the jobs, and then the daemons that `start` started."""
        self._ask("scancel", "--user=root")
        daemons.end(self._daemons, 5)

    # ---------------------------------------------------------------- questions

    def jobs(self, **fields: str) -> list[dict[str, str]]:
        """Every job since the start as `scontrol show job` describes it, oldest first."""
        text = self._ask("scontrol", "--oneliner", "show", "job")
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in text.splitlines()]
        chosen = [job for job in jobs if all(job.get(k) == v for k, v in fields.items())]
        return sorted((job for job in chosen if "JobId" in job), key=lambda j: int(j["JobId"]))

    def _ask(self, *command: str) -> str:
        """The answer of one of SLURM's commands; nothing while it cannot answer."""
        done = subprocess.run(
            [self.bin / command[0], *command[1:]], capture_output=True, text=True, timeout=30
        )
        return done.stdout

    def tell(self, *command: str) -> None:
        """One of SLURM's commands that must succeed."""
        subprocess.run([self.bin / command[0], *command[1:]], check=True, timeout=30)

    def _daemon(self, name: str, *options: str) -> None:
        env = {"SLURM_CONF": str(self.root / "slurm.conf")}
        self._daemons.append(daemons.start([name, *options], env, self.root / "errors"))


def _steps_and_children(job: str) -> list[int]:
    """The processes of a job, and those by which SLURM watches it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            inside = f"SLURM_JOB_ID={job}\0".encode() in (folder / "environ").read_bytes()
            if inside or f"slurmstepd: [{job}." in (folder / "cmdline").read_text():
                found.append(int(folder.name))
    return found


PATIENCE = 5  # a busy machine is no failure


def wait_for(true: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Look ten times a second until something holds; `seconds` on an idle machine."""
    end = time.monotonic() + PATIENCE * seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A SLURM of its own, stopped in the end."""
    # Not below pytest's own folder: the path of a socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="fairtrial-slurm-", dir="/tmp") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
