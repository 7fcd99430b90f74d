"""Checks of `doctor`: does the cluster have what the profile asks for?"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fairtrial.commands._findings import Finding, missing, ok, warning
from fairtrial.commands._profile import Job, Profile

_SECONDS = 15.0  # for an answer of the controller
_LEAST_AGE = 200  # seconds for which squeue must remember a finished job (docs/slurm.md)


@dataclass(frozen=True)
class Nodes:
    """Like nodes of one partition, as sinfo shows them."""

    partition: str
    default: bool
    up: bool
    minutes: float  # longest time of a job
    gres: str
    memory: int  # MB
    processors: int
    features: frozenset[str]


def slurm(profile: Profile) -> Iterator[Finding]:
    """Each kind of job of the profile against sinfo; how long squeue remembers."""
    try:
        nodes = _nodes()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        text = f"sinfo cannot be asked ({error}); is this a login node of the cluster?"
        yield missing("SLURM", text)
        return
    for job, again in zip(profile.jobs(), profile.jobs(last=True), strict=True):
        yield _fits(job, again, nodes)
    if profile.content.get("slurm-status-command") == "squeue":
        yield from _memory_of_squeue(profile)


def _ask(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise OSError(said[-1])
    return done.stdout


def _nodes() -> list[Nodes]:
    lines = _ask("sinfo", "--noheader", "--format=%P|%a|%l|%G|%m|%c|%f").splitlines()
    return [_parsed(line) for line in lines if line.strip()]


def _parsed(line: str) -> Nodes:
    name, state, time, gres, memory, processors, features = line.strip().split("|")
    return Nodes(
        name.rstrip("*"),
        name.endswith("*"),
        state == "up",
        minutes(time),
        gres,
        int(memory.rstrip("+")),
        int(processors.rstrip("+")),
        frozenset(features.split(",")),
    )


def minutes(text: str) -> float:
    """A time as SLURM writes it: days-hours:minutes:seconds, and shorter; or infinite."""
    if text in {"infinite", "n/a", "UNLIMITED"}:
        return float("inf")
    days, _, rest = text.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if days:  # hours come first
        parts += [0] * (3 - len(parts))
    elif len(parts) == 1:
        parts = [0, *parts, 0]
    else:
        parts = [0] * (3 - len(parts)) + parts
    return int(days or 0) * 1440 + parts[0] * 60 + parts[1] + parts[2] / 60


def _fits(job: Job, again: Job, every: list[Nodes]) -> Finding:
    """One kind of job: at its first attempt it must fit, at its last one it should."""
    thing = f"SLURM, {job.rules}"
    known = sorted({node.partition for node in every})
    nodes = [n for n in every if (n.partition == job.partition if job.partition else n.default)]
    if not nodes:
        text = f"there is no partition `{job.partition}`" if job.partition else "names no partition"
        return missing(thing, f"{text}; there are {', '.join(known)} (slurm_partition)")
    place = f"partition {nodes[0].partition}"
    nodes = [node for node in nodes if node.up]
    if not nodes:
        return missing(thing, f"{place} is down; there are {', '.join(known)} (slurm_partition)")
    if problem := _lacking(job, nodes):
        return missing(thing, f"{place}: {problem}")
    if problem := _lacking(again, nodes):
        return warning(thing, f"{place}: a further try would be refused: {problem}")
    return ok(thing, f"{place} has {_asked(job)}")


def _lacking(job: Job, nodes: list[Nodes]) -> str:
    """What no node of the partition has; each condition leaves the nodes that meet it."""
    conditions: list[tuple[Callable[[Nodes], bool], str]] = [
        (lambda n: _has_gres(n.gres, job.gres), f"no node has {job.gres} (gres)"),
        (lambda n: _has_features(n, job.constraint), f"no node is {job.constraint} (constraint)"),
        (lambda n: (job.processors or 1) <= n.processors, _above(job.processors, "CPUs")),
        (lambda n: (job.memory or 0) <= n.memory, _above(job.memory, "MB")),
        (
            lambda n: (job.minutes or 0) <= n.minutes,
            f"{_time(job.minutes)} are asked for (runtime), and at most "
            f"{_time(max(n.minutes for n in nodes))} are allowed",
        ),
    ]
    for condition, problem in conditions:
        nodes = [node for node in nodes if condition(node)]
        if not nodes:
            return problem
    return ""


def _above(asked: float | None, unit: str) -> str:
    key = "cpus_per_task" if unit == "CPUs" else "mem_mb"
    return f"no such node has the {asked or 0:,.0f} {unit} that are asked for ({key})"


def _has_gres(there: str, asked: str | None) -> bool:
    """Whether `gpu:a100:4(S:0-1),…` holds what `gpu`, `gpu:1` or `gpu:a100:1` asks for."""
    if not asked:
        return True
    kind, count = _kind_and_count(asked)
    for each in re.sub(r"\([^)]*\)", "", there).split(","):
        has, number = _kind_and_count(each)
        if number >= count and has[: len(kind)] == kind:
            return True
    return False


def _kind_and_count(text: str) -> tuple[list[str], int]:
    parts = text.split(":")
    return (parts[:-1], int(parts[-1])) if parts[-1].isdigit() else (parts, 1)


def _has_features(node: Nodes, asked: str | None) -> bool:
    """Plain names, one or all of several; what else SLURM can combine is left to it."""
    names = asked.split("&") if asked else []
    plain = all(re.fullmatch(r"[\w.-]+", name) for name in names)
    return not plain or set(names) <= node.features


def _asked(job: Job) -> str:
    parts = [job.gres, job.constraint, _time(job.minutes) if job.minutes else None]
    parts += [f"{job.memory:,.0f} MB" if job.memory else None]
    parts += [f"{job.processors:.0f} CPUs" if job.processors else None]
    return ", ".join(part for part in parts if part) or "what is asked for, which is nothing"


def _time(minute: float | None) -> str:
    return f"{(minute or 0) / 60:g} h"


def _memory_of_squeue(profile: Profile) -> Iterator[Finding]:
    """Snakemake must see the end of a job before squeue forgets it."""
    try:
        found = re.search(r"MinJobAge\s*=\s*(\d+)", _ask("scontrol", "show", "config"))
    except (OSError, subprocess.SubprocessError):
        found = None
    if found and int(found[1]) < _LEAST_AGE:
        text = f"squeue forgets jobs after {found[1]} s; in {profile.path} write"
        yield warning("SLURM", f"{text} slurm-status-command: sacct")
