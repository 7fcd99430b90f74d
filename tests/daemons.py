"""Daemons of other programs, as children of a test that end with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def why_not(name: str, programs: Sequence[str], packages: str) -> str:
    """Why these daemons cannot be started here; empty if they can."""
    absent = [program for program in programs if not path_of(program)]
    if absent:
        return (
            f"{name} is not installed ({', '.join(absent)} not found); on Debian: apt-get install "
            f"--no-install-recommends {packages}"
        )
    return "" if os.geteuid() == 0 else f"starting {name}'s daemons needs root"


def path_of(program: str) -> str | None:
    """Where a program lies, also one for administrators alone."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def start(command: Sequence[str], env: Mapping[str, str], errors: Path) -> subprocess.Popen[bytes]:
    """Start a daemon that ends with this process, however that ends."""
    program, *options = command
    with errors.open("a") as written:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(path_of(program)), *options],
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=written,
        )


def end(daemons: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """Stop them, the last one first; those that do not end in time are killed."""
    for child in reversed(daemons):
        child.terminate()
    for child in reversed(daemons):
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody listens to."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()
