"""Checks of `doctor`: whether the cluster fulfils the requests of the profile."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fairtrial.commands._findings import Finding, missing, ok, warning
from fairtrial.commands._profile import JobRequest, Profile

_TIMEOUT = 15.0  # seconds for an answer of the controller
_MIN_JOB_AGE = 200  # seconds for which squeue must remember a finished job (docs/slurm.md)


@dataclass(frozen=True)
class Nodes:
    """Equal nodes of one partition, as sinfo shows them."""

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
        text = f"sinfo fails ({error}); is this a login node of the cluster?"
        yield missing("SLURM", text)
        return
    for first, last in zip(profile.jobs(), profile.jobs(last=True), strict=True):
        yield _fits(first, last, nodes)
    if profile.content.get("slurm-status-command") == "squeue":
        yield from _memory_of_squeue(profile)


def _run(*command: str) -> str:
    """The output of a command. Raises OSError with the last line of its error where it fails."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
        raise OSError(lines[-1])
    return result.stdout


def _nodes() -> list[Nodes]:
    lines = _run("sinfo", "--noheader", "--format=%P|%a|%l|%G|%m|%c|%f").splitlines()
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
    """Minutes of a time as SLURM writes it: days-hours:minutes:seconds, or shorter, or infinite."""
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


def _fits(job: JobRequest, last: JobRequest, cluster: list[Nodes]) -> Finding:
    """Whether a kind of job can run: `missing` where its first attempt cannot, `warning` where
    only the last one cannot."""
    thing = f"SLURM, {job.rules}"
    known = sorted({node.partition for node in cluster})
    nodes = [n for n in cluster if (n.partition == job.partition if job.partition else n.default)]
    if not nodes:
        text = f"there is no partition `{job.partition}`" if job.partition else "names no partition"
        return missing(thing, f"{text}; there are {', '.join(known)} (slurm_partition)")
    place = f"partition {nodes[0].partition}"
    nodes = [node for node in nodes if node.up]
    if not nodes:
        return missing(thing, f"{place} is down; there are {', '.join(known)} (slurm_partition)")
    if problem := _lacking(job, nodes):
        return missing(thing, f"{place}: {problem}")
    if problem := _lacking(last, nodes):
        return warning(thing, f"{place}: a further attempt would be refused: {problem}")
    return ok(thing, f"{place} has {_request(job)}")


def _lacking(job: JobRequest, nodes: list[Nodes]) -> str:
    """The first request that no node fulfils, together with those before it; "" if some node
    fulfils all requests of the job."""
    conditions: list[tuple[Callable[[Nodes], bool], str]] = [
        (lambda n: _has_gres(n.gres, job.gres), f"no node has {job.gres} (gres)"),
        (lambda n: _has_features(n, job.constraint), f"no node is {job.constraint} (constraint)"),
        (lambda n: (job.processors or 1) <= n.processors, _above(job.processors, "CPUs")),
        (lambda n: (job.memory or 0) <= n.memory, _above(job.memory, "MB")),
        (
            lambda n: (job.minutes or 0) <= n.minutes,
            f"{_time(job.minutes)} are requested (runtime), and at most "
            f"{_time(max(n.minutes for n in nodes))} are allowed",
        ),
    ]
    for condition, problem in conditions:
        nodes = [node for node in nodes if condition(node)]
        if not nodes:
            return problem
    return ""


def _above(request: float | None, unit: str) -> str:
    key = "cpus_per_task" if unit == "CPUs" else "mem_mb"
    return f"no such node has the {request or 0:,.0f} {unit} that are requested ({key})"


def _has_gres(available: str, request: str | None) -> bool:
    """Whether `gpu:a100:4(S:0-1),…` fulfils the request `gpu`, `gpu:1` or `gpu:a100:1`."""
    if not request:
        return True
    kind, count = _kind_and_count(request)
    for gres in re.sub(r"\([^)]*\)", "", available).split(","):
        available_kind, number = _kind_and_count(gres)
        if number >= count and available_kind[: len(kind)] == kind:
            return True
    return False


def _kind_and_count(text: str) -> tuple[list[str], int]:
    parts = text.split(":")
    return (parts[:-1], int(parts[-1])) if parts[-1].isdigit() else (parts, 1)


def _has_features(node: Nodes, request: str | None) -> bool:
    """Whether nodes have a feature, or all of `a&b`. True for other combinations, which are not
    checked."""
    names = request.split("&") if request else []
    plain = all(re.fullmatch(r"[\w.-]+", name) for name in names)
    return not plain or set(names) <= node.features


def _request(job: JobRequest) -> str:
    parts = [job.gres, job.constraint, _time(job.minutes) if job.minutes else None]
    parts += [f"{job.memory:,.0f} MB" if job.memory else None]
    parts += [f"{job.processors:.0f} CPUs" if job.processors else None]
    return ", ".join(part for part in parts if part) or "all that the job needs (no requests)"


def _time(minute: float | None) -> str:
    return f"{(minute or 0) / 60:g} h"


def _memory_of_squeue(profile: Profile) -> Iterator[Finding]:
    """A warning where squeue may forget a job before Snakemake sees its end."""
    try:
        match = re.search(r"MinJobAge\s*=\s*(\d+)", _run("scontrol", "show", "config"))
    except (OSError, subprocess.SubprocessError):
        match = None
    if match and int(match[1]) < _MIN_JOB_AGE:
        text = f"squeue forgets jobs after {match[1]} s; in {profile.path} write"
        yield warning("SLURM", f"{text} slurm-status-command: sacct")
