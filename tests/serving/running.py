"""A real server on loopback for tests, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from fairtrial.serving.app import ServedModel, Service, build_app
from fairtrial.serving.batching import batched
from fairtrial.serving.connections import ImpatientProtocol
from fairtrial.serving.limits import ServingLimits
from fairtrial.use.metadata import Preparation
from fairtrial.use.model import OpenModel
from fairtrial.use.runtimes import open_exported
from tests.use.tiny_model import metadata, write_onnx

BOXES = [[20, 24, 50, 40, 0.9, 1], [2, 2, 9, 9, 0.2, 0]]  # a dog, and perhaps a cat
AS_IT_IS = Preparation(placement="corner", size=64, multiple=32, resampling="opencv")


@dataclass
class Running:
    """A server that runs: its address, its port, and a client of it."""

    address: str
    port: int
    client: httpx.Client

    def post(self, content: bytes, kind: str = "image/png", **query: Any) -> httpx.Response:
        """Send a body to `/detect`."""
        headers = {"Content-Type": kind}
        return self.client.post("/detect", content=content, headers=headers, params=query)


def tiny_detector(folder: Path) -> OpenModel:
    """A detector that finds BOXES in every image, in its pixels where it is 64 wide."""
    model = open_exported(
        write_onnx(folder / "tiny.onnx", BOXES, metadata(preparation=AS_IT_IS)), 1
    )
    return OpenModel(
        "detect",
        model.metadata.classes,
        0.35,
        lambda images, least: model.predict(images, least)[0],
        model.metadata,
    )


@contextmanager
def running(model: OpenModel, token: str | None = None, **limits: Any) -> Iterator[Running]:
    """A server of a model; other limits than the default ones by name."""
    about = ServedModel(
        name="tiny.onnx",
        task="detect" if model.task == "detect" else "classify",
        classes=model.classes,
        confidence=model.confidence,
        about=model.about,
        card=None,
        limits=ServingLimits(**limits),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with batched(model, about.limits.batch) as (together, batcher):
        app = build_app(Service(together, batcher, about), token)
        server = uvicorn.Server(
            uvicorn.Config(
                app, http=ImpatientProtocol, ws="none", lifespan="off", log_level="warning"
            )
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            yield Running(address, port, client)
        server.should_exit = True
        thread.join()
