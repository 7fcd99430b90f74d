"""The commands `snakemake` and `fairtrial` as forks of one process that has imported the packages.

A busy machine spends most of a small experiment on imports. Each command is a process of its own,
with its own code of fairtrial; the one that a shell starts waits for it, and takes it along when
it is killed.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
from pathlib import Path

PACKAGES = (
    *("snakemake.cli", "snakemake.executors.local", "numpy", "scipy.stats", "scipy.sparse"),
    *("pandas", "matplotlib.pyplot", "seaborn", "typst", "torch", "pydantic", "ruamel.yaml"),
    *("pycocotools.mask", "PIL.Image", "tqdm", "psutil"),
)
COMMANDS = ("snakemake", "fairtrial")
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


def serve(folder: Path) -> Path:
    """Start the server in a process of its own; the folder with its commands, for PATH."""
    address = str(folder / "socket")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    for name in COMMANDS:
        client = folder / name
        client.write_text(CLIENT.format(python=os.path.realpath(sys.executable), address=address))
        client.chmod(0o755)
    if os.fork() == 0:
        _serve(listening, folder)
    listening.close()
    return folder


def _serve(listening: socket.socket, folder: Path) -> None:
    parent = os.getppid()
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
    os._exit(0)


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
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    threading.Thread(target=_die_with, args=(connection,), daemon=True).start()
    sys.argv = arguments
    code = _exit_code(Path(arguments[0]).name)
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code & 255]))
    os._exit(code & 255)


def _die_with(connection: socket.socket) -> None:
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _exit_code(command: str) -> int:
    try:
        if command == "snakemake":
            sys.modules["snakemake.cli"].main(sys.argv[1:])
        else:
            launcher = Path(__file__).parents[1] / "workflow/fairtrial_command.py"
            runpy.run_path(str(launcher), run_name="__main__")
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    return 0
