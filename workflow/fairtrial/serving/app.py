"""The addresses of the server."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, Query, Request, Response
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

import fairtrial
from fairtrial.data.dataset import Task
from fairtrial.files.modelfile import FileModel
from fairtrial.serving.answers import DetectedImages, Job, UploadAnswer
from fairtrial.serving.batching import Batcher
from fairtrial.serving.guard import Guard
from fairtrial.serving.limits import ServingLimits
from fairtrial.serving.pages import add_pages
from fairtrial.serving.uploads import BODIES, FORM, receive_upload
from fairtrial.use.metadata import ModelMetadata
from fairtrial.use.model import OpenModel

FILMS_AT_ONCE = 2  # the others wait
DESCRIPTION = "Objects in images and videos, or their classes, by one model."
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {"schema": {"type": "object", "properties": {"file": _BINARY["schema"]}}}
_BODY = {"required": True, "content": {FORM: _FORM} | dict.fromkeys(BODIES, _BINARY)}
T = TypeVar("T")


class ServedModel(FileModel):
    """What `/model` says. confidence: least one of a detection where a request names no other;
    about: what an exported file says of itself; card: its model card, as Markdown."""

    name: str
    task: Task
    classes: tuple[str, ...]
    confidence: float
    about: ModelMetadata | None
    card: str | None
    limits: ServingLimits


class Health(FileModel):
    """What `/health` says."""

    status: Literal["ok"] = "ok"


class RequestProblem(FileModel):
    """What is wrong with a request."""

    detail: str


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": _BINARY, "video/mp4": _BINARY}},
    **{status: {"model": RequestProblem} for status in (400, 401, 408, 413, 415, 503)},
}


@dataclass
class Service:
    """A model that many ask at once. `model` runs in `batcher`."""

    model: OpenModel
    batcher: Batcher
    about: ServedModel
    images: ThreadPoolExecutor = field(init=False)
    films: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        """Few images are decoded at a time, for each may need much memory."""
        self.images = ThreadPoolExecutor(2 * self.limits.batch, "image")
        self.films = ThreadPoolExecutor(FILMS_AT_ONCE, "film")

    @property
    def limits(self) -> ServingLimits:
        """What it takes on."""
        return self.about.limits

    async def answer(self, request: Request, confidence: float | None, drawn: bool) -> Response:
        """UploadAnswer a request with an upload."""
        folder = Path(tempfile.mkdtemp(prefix="fairtrial-"))
        tidy = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        try:
            upload = await receive_upload(request, folder)
            least = self.model.confidence if confidence is None else confidence
            job = Job(replace(self.model, confidence=least), self.limits, upload, drawn)
            answer = await self._done(job, request)
        except BaseException:
            await tidy()
            raise
        if answer.file is not None:
            return FileResponse(answer.file, media_type=answer.kind, background=tidy)
        return Response(answer.content, media_type=answer.kind, background=tidy)

    async def _done(self, job: Job, request: Request) -> UploadAnswer:
        """The answer to a job, which is stopped when its time is over or nobody waits for it."""
        try:
            answer = await self._in_time(
                self._unless_gone(self.images, job.answer_image, request), self.limits.seconds
            )
            if answer is None:
                working = self._unless_gone(self.films, job.answer_video, request)
                answer = await self._in_time(working, self.limits.video_seconds)
            return answer
        finally:
            job.stopped.set()

    async def _in_time(self, work: Awaitable[T], seconds: float) -> T:
        try:
            return await asyncio.wait_for(work, seconds)
        except TimeoutError:
            raise HTTPException(503, f"not done within {seconds:g} seconds") from None

    async def _unless_gone(
        self, pool: ThreadPoolExecutor, work: Callable[[], T], request: Request
    ) -> T:
        working = asyncio.get_running_loop().run_in_executor(pool, work)
        working.add_done_callback(lambda done: done.cancelled() or done.exception())
        gone = asyncio.ensure_future(_gone(request))
        both: set[asyncio.Future[Any]] = {working, gone}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise HTTPException(400, "the client has gone")
            return working.result()
        finally:
            gone.cancel()
            working.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def build_app(service: Service, token: str | None) -> FastAPI:
    """The app that answers for a model."""
    app = FastAPI(
        title=f"fairtrial: {service.about.name}",
        description=DESCRIPTION,
        version=fairtrial.__version__,
        docs_url=None,  # Swagger's page would load its scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(Guard, limits=service.limits, token=token)

    @app.get("/health", responses={503: {"model": RequestProblem}})
    async def health() -> Health:
        """Whether the model answers."""
        if not service.batcher.alive:
            raise HTTPException(503, "the model has stopped")
        return Health()

    @app.get("/model")
    async def model() -> ServedModel:
        """The model: its classes, its confidence, where it comes from, and the limits."""
        return service.about

    @app.post(
        "/detect",
        response_model=DetectedImages,
        responses=_ANSWERS,
        openapi_extra={"requestBody": _BODY},
    )
    async def detect(
        request: Request,
        confidence: Annotated[float | None, Query(ge=0, le=1)] = None,
        output: Literal["json", "drawn"] = "json",
    ) -> Response:
        """What the model says of an image or a video, as JSON, or drawn into it."""
        return await service.answer(request, confidence, output == "drawn")

    add_pages(app, service.about.name)
    return app
