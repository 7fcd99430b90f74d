"""A model that is asked over HTTP, as `fairtrial serve` answers."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from fairtrial import DataError, FairtrialError
from fairtrial.data.dataset import Detection
from fairtrial.use.model import OpenModel, Prediction
from fairtrial.use.preparation import Pixels

TOKEN = "FAIRTRIAL_TOKEN"  # noqa: S105  # the name of the variable
SECONDS = 120.0  # for an answer
TRIES = 30  # while the server is busy
AT_ONCE = 8  # images that are sent together


@dataclass(frozen=True)
class _Server:
    """A server, and the classes of its model."""

    client: httpx.Client
    classes: tuple[str, ...]

    def predict(self, pixels: Pixels, confidence: float) -> Prediction:
        """What its model says of an image. Raises DataError where it refuses the image."""
        answer = _asked(
            self.client,
            "POST",
            "/detect",
            content=_png(pixels),
            headers={"Content-Type": "image/png"},
            params={"confidence": confidence},
        )
        seen = answer["images"][0]
        found = (
            Detection(self.classes.index(each["name"]) + 1, tuple(each["box"]), each["confidence"])
            for each in seen["objects"]
        )
        probabilities = (seen["probabilities"][name] for name in self.classes)
        return Prediction(tuple(found), tuple(probabilities) if seen["probabilities"] else ())


@contextmanager
def open_server(address: str, confidence: float | None) -> Iterator[OpenModel]:
    """The model of a server. Its token is that of the environment.

    Raises FairtrialError where nothing answers there, or something else does.
    """
    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    base = address.rstrip("/") if "://" in address else f"http://{address.rstrip('/')}"
    with (
        httpx.Client(base_url=base, headers=headers, timeout=SECONDS) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        about = _asked(client, "GET", "/model")
        if not {"task", "classes", "confidence"} <= set(about):
            raise FairtrialError(f"{base}: answers, but is no `fairtrial serve`")
        server = _Server(client, tuple(about["classes"]))

        def run(images: Sequence[Pixels], least: float) -> list[Prediction]:
            return list(pool.map(lambda pixels: server.predict(pixels, least), images))

        least = about["confidence"] if confidence is None else confidence
        yield OpenModel(about["task"], server.classes, least, run)


def _asked(client: httpx.Client, method: str, path: str, **request: Any) -> dict[str, Any]:
    """The JSON that a server answers; while it is busy it is asked again."""
    place = str(client.base_url).rstrip("/")
    for attempt in range(TRIES):
        try:
            answer = client.request(method, path, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FairtrialError(f"{place}: no answer ({reason})") from error
        if answer.status_code != 503 or attempt == TRIES - 1:
            break
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    try:
        said = answer.json()
    except ValueError as error:
        raise FairtrialError(f"{place}: answers, but is no `fairtrial serve`") from error
    if answer.status_code == 401:
        raise FairtrialError(f"{place}: wants a token; set {TOKEN}")
    if answer.is_error:
        problem = said.get("detail") if isinstance(said, dict) else answer.status_code
        kind = DataError if answer.status_code in (400, 413, 415) else FairtrialError
        raise kind(f"{place}: {problem}")
    return said if isinstance(said, dict) else {}


def _png(pixels: Pixels) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
