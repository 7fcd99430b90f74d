"""The container image, built and run for real: buildah, on a base made by mmdebstrap, since no
registry need be there. Skipped, with the reason, elsewhere; `.ci/run` installs both."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.serving.running import tiny_detector
from tests.use.films import film

ROOT = Path(__file__).parents[2]
MISSING = [name for name in ("buildah", "mmdebstrap") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.use,
    pytest.mark.skipif(bool(MISSING), reason=f"no builder of containers: {MISSING} missing"),
    pytest.mark.skipif(os.geteuid() != 0, reason="no builder of containers: only root can here"),
]
MOST = 500e6  # bytes


@dataclass
class Built:
    """An image in a store of its own, and a container of it."""

    options: list[str]
    container: str

    def buildah(self, *arguments: str) -> str:
        call = ["buildah", *self.options, *arguments]
        done = subprocess.run(call, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def started(self, *arguments: str, **environment: str) -> list[str]:
        """The call that runs the image's command with arguments."""
        given = [f"--env={name}={value}" for name, value in environment.items()]
        return [
            *("buildah", *self.options, "run", "--isolation", "chroot", *given),
            *(self.container, "--", "python3", "-m", "fairtrial", *arguments),
        ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("images cannot be built here: nothing may be mounted")  # as in some containers
    folder = tmp_path_factory.mktemp("image")
    options = ["--storage-driver", "vfs"]
    options += ["--root", str(folder / "store"), "--runroot", str(folder / "run")]
    image = Built(options, "")
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
    excluded.append("--dpkgopt=force-unsafe-io")
    base = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3", *excluded]
    subprocess.run([*base, "bookworm", str(folder / "base.tar")], check=True)
    (folder / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
    image.buildah("bud", "--isolation", "chroot", "--tag", "base", str(folder))
    tiny_detector(folder)
    call = [
        ROOT / "container/build.sh",
        "--model",
        folder / "tiny.onnx",
        "--base",
        "localhost/base",
    ]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"BUILDAH_OPTIONS": " ".join(options), "PATH": path}
    done = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    image.container = image.buildah("from", "localhost/fairtrial-serve").strip()
    yield image
    image.buildah("rm", "--all")
    image.buildah("rmi", "--all", "--force")


def test_a_model_comes_from_a_remote_at_build(tmp_path: Path) -> None:
    """By `dvc get`; the builder is one that only keeps what it is given."""
    project, clone = tmp_path / "project", {"cwd": tmp_path / "project", "check": True}
    project.mkdir()
    tiny_detector(project)
    bin_folder = f"{Path(sys.executable).parent}"
    environment = os.environ | {
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    for call in (
        ["git", "init", "--quiet"],
        ["dvc", "init", "--quiet"],
        ["dvc", "remote", "add", "--quiet", "--default", "lab", str(tmp_path / "remote")],
        ["dvc", "add", "--quiet", "tiny.onnx"],
        ["dvc", "push", "--quiet"],
        ["git", "add", "--all"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "A model"],
    ):
        subprocess.run(call, env=environment, **clone)
    shutil.rmtree(project / ".dvc/cache")
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    keep = f'if [ "$1" = build ]; then for last; do :; done; cp -r "$last" {tmp_path}/context; fi\n'
    for name, script in {"docker": keep, "python3": "exit 0\n"}.items():
        (stubs / name).write_text(f"#!/bin/sh\n{script}")
        (stubs / name).chmod(0o755)
    call = [ROOT / "container/build.sh", "--model", "tiny.onnx", "--repo", str(project)]
    environment["PATH"] = f"{stubs}:{environment['PATH']}"
    subprocess.run(call, cwd=tmp_path, env=environment, check=True)
    model = (tmp_path / "context/model/model.onnx").read_bytes()
    assert model == (project / "tiny.onnx").read_bytes()


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def test_the_image_is_small_runs_as_nobody_and_can_be_asked_whether_it_is_well(
    built: Built,
) -> None:
    about = json.loads(built.buildah("inspect", "--type", "image", "localhost/fairtrial-serve"))
    config = about["Docker"]["config"]
    assert config["User"] == "10001:10001"
    assert "/health" in " ".join(config["Healthcheck"]["Test"])
    assert config["Entrypoint"] == ["python3", "-m", "fairtrial"]
    place = Path(built.buildah("mount", built.container).strip())
    size = sum(p.lstat().st_blocks * 512 for p in place.rglob("*") if not p.is_symlink())
    print(f"{size / 1e6:.0f} MB")
    assert size < MOST
    heavy = {"torch", "snakemake", "dvc", "ultralytics", "cv2", "openvino"}
    assert heavy & {path.name for path in (place / "opt/fairtrial").iterdir()} == set()


def test_it_serves_as_it_is_started_and_is_well(built: Built) -> None:
    """What `CMD` says but for the port."""
    port = free_port()
    arguments = ["serve", "/model/model.onnx", "--host", "0.0.0.0", "--port", port]
    start = time.monotonic()
    with subprocess.Popen(built.started(*arguments, FAIRTRIAL_TOKEN="secret")) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            while True:
                assert process.poll() is None
                try:
                    assert httpx.get(f"{address}/health", trust_env=False).status_code == 200
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            print(f"{time.monotonic() - start:.1f} s")
            picture = Image.new("RGB", (64, 48), (200, 200, 200))
            picture.save(path := Path(built.options[3]).parent / "in.png")
            answer = httpx.post(
                f"{address}/detect",
                files={"file": path.read_bytes()},
                headers={"Authorization": "Bearer secret"},
                trust_env=False,
            )
            assert [each["name"] for each in answer.json()["images"][0]["objects"]] == ["dog"]
        finally:
            process.terminate()


def test_without_a_token_it_lets_no_other_machine_in(built: Built) -> None:
    done = subprocess.run(
        built.started("serve", "/model/model.onnx", "--host", "0.0.0.0"),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "FAIRTRIAL_TOKEN" in done.stderr


def test_it_detects_in_images_and_videos(built: Built, tmp_path: Path) -> None:
    place = Path(built.buildah("mount", built.container).strip(), "tmp")
    film(tmp_path / "in.mp4", (0, 1))
    Image.new("RGB", (64, 48), (200, 200, 200)).save(tmp_path / "in.png")
    for name in ("in.mp4", "in.png"):
        shutil.copy(tmp_path / name, place / name)
    arguments = ["/model/model.onnx", "/tmp/in.mp4", "/tmp/in.png", "--to", "/tmp/seen"]
    subprocess.run(built.started("detect", *arguments, "--json", "/tmp/o.json"), check=True)
    images = json.loads((place / "o.json").read_text())["images"]
    assert [each["objects"][0]["name"] for each in images] == ["dog"] * 3
    assert sorted(path.name for path in (place / "seen").iterdir()) == ["in.mp4", "in.png"]
