"""Servers of remotes on loopback: SSH and S3."""

from __future__ import annotations

import getpass
import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def ssh_server(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A real sshd for the present user; the address of a folder, and what DVC is told of it."""
    if SSHD is None:
        pytest.skip("no sshd: Debian's package openssh-server has it")
    if importlib.util.find_spec("dvc_ssh") is None:
        pytest.skip("no dvc-ssh: make venv EXTRAS=ssh")
    key, host = folder / "key", folder / "host"
    for file in (key, host):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
        subprocess.run(command, check=True)
    port = free_port()
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": host,
        "AuthorizedKeysFile": key.with_suffix(".pub"),
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd, as root, has nothing
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{folder}/shelf"
        yield address, {"keyfile": str(key)}
    finally:
        server.terminate()
        server.wait()


@contextmanager
def s3_server() -> Iterator[tuple[str, dict[str, str]]]:
    """A server that answers as S3 does; the address of a bucket, and what DVC is told of it."""
    if importlib.util.find_spec("dvc_s3") is None:
        pytest.skip("no dvc-s3: make venv EXTRAS=s3")
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto.server")
    keys = {"access_key_id": "lab", "secret_access_key": "hush"}
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )
        client.create_bucket(Bucket="lab")
        yield "s3://lab/project", {"endpointurl": url, **keys}
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Until something listens there."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")
