"""The commands `snakemake`, `fairtrial` and `dvc` as forks of one process that has imported the
packages.

A small experiment spends most of its time on imports. Each command is a process of its own, with
its own code of fairtrial, its own folder and environment; the one that a shell starts waits for it,
and takes it along when it is killed. Not for what sends signals to groups of processes.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

PACKAGES = (
    *("snakemake.cli", "snakemake.executors.local", "numpy", "scipy.stats", "scipy.sparse"),
    *("pandas", "matplotlib.pyplot", "seaborn", "typst", "torch", "pydantic", "ruamel.yaml"),
    *("pycocotools.mask", "PIL.Image", "tqdm", "psutil", "jinja2"),
    *("dvc.cli.parser", "dvc.repo", "dvc.repo.experiments.run", "dvc.repo.reproduce"),
    *("dvc.repo.experiments.queue.workspace", "dvc.repo.experiments.executor.local"),
)
COMMANDS = ("snakemake", "fairtrial", "dvc")
CLIENT = """\
#!{python} -SE
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
content = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(content).to_bytes(4, "big")], [0, 1, 2])
server.sendall(content)
code = server.recv(1)
os._exit(code[0] if code else 137)
"""


@cache
def commands() -> Path:
    """The folder with the commands of this process's server, for PATH."""
    # Not below pytest's own folder: the path of a socket has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="fairtrial-commands-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return serve(folder)


def serve(folder: Path) -> Path:
    """Start a server, which ends with this process; the folder with its commands, for PATH."""
    address = str(folder / "socket")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    for name in COMMANDS:
        text = CLIENT.format(python=os.path.realpath(sys.executable), address=address)
        _write(folder / name, text)
    _write(folder / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    number = listening.fileno()
    command = [sys.executable, __file__, str(folder), str(number), str(os.getpid())]
    subprocess.Popen(command, pass_fds=(number,), stdin=subprocess.DEVNULL)
    listening.close()
    return folder


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _serve(folder: Path, listening: socket.socket, parent: int) -> None:
    for name in PACKAGES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.executable = str(folder / "python")  # whose folder comes first on PATH of jobs
    listening.settimeout(5)
    while os.getppid() == parent:
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        if os.fork() == 0:
            listening.close()
            _run(connection)
        connection.close()


def _run(connection: socket.socket) -> None:
    """Be the command that a client asks for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.settimeout(None)
    size, files, _, _ = socket.recv_fds(connection, 4, 3)
    left, content = int.from_bytes(size, "big"), b""
    while len(content) < left:
        content += connection.recv(left - len(content))
    arguments, place, environment = json.loads(content)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_die_with, args=(connection,), daemon=True).start()
    sys.argv, sys.orig_argv = arguments, [sys.executable, *arguments]
    leave = os._exit

    def end(code: int) -> None:
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            stream.flush()
        if os.getpid() == process:  # and no fork of it
            connection.sendall(bytes([code & 255]))
        leave(code & 255)

    process, os._exit = os.getpid(), end
    end(_exit_code(Path(arguments[0]).name))


def _die_with(connection: socket.socket) -> None:
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _exit_code(command: str) -> int:
    try:
        _call(command)
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0


def _call(command: str) -> None:
    if command == "snakemake":
        sys.modules["snakemake.cli"].main(sys.argv[1:])
    elif command == "dvc":
        sys.exit(sys.modules["dvc.cli"].main(sys.argv[1:]))
    else:
        for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
            if folder and (custom := Path(folder, "sitecustomize.py")).is_file():
                runpy.run_path(str(custom))  # stand-ins for stages
        launcher = Path(__file__).parents[2] / "workflow/fairtrial_command.py"
        runpy.run_path(str(launcher), run_name="__main__")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3]))
