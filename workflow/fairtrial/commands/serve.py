"""serve: a model behind HTTP."""

from __future__ import annotations

import importlib
import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from fairtrial import FairtrialError, SettingsError
from fairtrial.commands._models import open_model
from fairtrial.files.threads import cores
from fairtrial.serving.limits import ServingLimits
from fairtrial.use.model import OpenModel

PACKAGES = ("fastapi", "python_multipart", "uvicorn")
TOKEN = "FAIRTRIAL_TOKEN"  # noqa: S105  # the name of the variable


def serve(
    model: str,
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    confidence: float | None = None,
    imgsz: int | None = None,
    batch: int = 8,
    threads: int = 0,
    megabytes: float = 64,
    megapixels: float = 50,
    frames: int = 3000,
    seconds: float = 60,
    video_seconds: float = 600,
    requests: int = 64,
) -> None:
    """Serve a model over HTTP: detections of images and videos.

    The model is a run, a checkpoint, or an exported file, which needs no torch. `/` is a page to
    drop an image on, `/detect` answers programs, `/docs` describes it, `/health` and `/model`
    tell of server and model. Only this machine can ask it; for others a token is needed. Needs
    `make venv EXTRAS=serve`. Ctrl-C ends it.

    Args:
        model: <experiment>/<run>, a checkpoint, or an exported file
        host: the address to listen on; 0.0.0.0: all, which needs a token
        port: the port to listen on; 0: any that is free
        token: what a client has to show; better given as FAIRTRIAL_TOKEN in the environment, which
            other users of the machine cannot see
        confidence: least confidence of a detection where a request names none; by default the one
            that was chosen on val, and 0.25 for a checkpoint
        imgsz: pixels of the longer side; by default those of the training, 640 for a checkpoint
        batch: images that go through the model together, at most
        threads: CPU threads; 0: all cores
        megabytes: of an upload, at most
        megapixels: millions of pixels of an image or a frame, at most
        frames: of a video, at most
        seconds: for an upload, and again for the work on an image
        video_seconds: for the work on a video
        requests: uploads at the same time; more are told to come again
    """
    token = token or os.environ.get(TOKEN) or None
    limits = _checked(
        megabytes=megabytes,
        megapixels=megapixels,
        frames=frames,
        seconds=seconds,
        video_seconds=video_seconds,
        requests=requests,
        batch=batch,
    )
    _refuse_bad_arguments(host, port, token, confidence)
    with (
        _listening(host, port) as listener,
        open_model(model, confidence, imgsz, threads or cores()) as opened,
        suppress(KeyboardInterrupt),  # which uvicorn raises after it has ended
    ):
        _run(listener, opened, model, limits, token)


def _checked(**given: float) -> ServingLimits:
    if wrong := [
        f"--{name}: {value} is not above 0" for name, value in given.items() if value <= 0
    ]:
        raise SettingsError("; ".join(wrong))
    return ServingLimits.model_validate(given)


def _refuse_bad_arguments(
    host: str, port: int, token: str | None, confidence: float | None
) -> None:
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise FairtrialError(
                f"the package `{name}` is not installed; `make venv EXTRAS=serve` installs it"
            ) from error
    from fairtrial.serving.guard import is_loopback

    if token is None and not is_loopback(host):
        raise SettingsError(
            f"--host: {host} lets other machines in, and there is no token; set {TOKEN}"
        )
    if not 0 <= port <= 65535:
        raise SettingsError(f"--port: {port} is not between 0 and 65535")
    if confidence is not None and not 0 <= confidence <= 1:
        raise SettingsError(f"--confidence: {confidence} is not between 0 and 1")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise FairtrialError(f"{host}, port {port}: {error.strerror}") from error


def _run(
    listener: socket.socket, opened: OpenModel, name: str, limits: ServingLimits, token: str | None
) -> None:
    """Answer until a signal ends it."""
    import uvicorn

    from fairtrial.serving.app import ServedModel, Service, build_app
    from fairtrial.serving.batching import batched
    from fairtrial.serving.connections import ImpatientProtocol

    about = ServedModel(
        name=Path(name).name if Path(name).is_file() else name,
        task="classify" if opened.task == "classify" else "detect",
        classes=opened.classes,
        confidence=opened.confidence,
        about=opened.about,
        card=model_card_of(name),
        limits=limits,
    )
    with batched(opened, limits.batch) as (model, batcher):
        config = uvicorn.Config(
            build_app(Service(model, batcher, about), token),
            http=ImpatientProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"{about.name}: http://{shown}:{port}", flush=True)
        uvicorn.Server(config).run([listener])


def model_card_of(name: str) -> str | None:
    """The model card, as Markdown: of a file what lies beside it, as winner.md beside winner.pt; of
    a run that of its experiment, where the run is the winner."""
    path = Path(name)
    if path.is_file():
        card = path.with_suffix(".md")
    else:
        experiment, _, run = name.removeprefix("results/").replace("/runs/", "/").partition("/")
        card = Path("results", experiment, "winner.md")
        facts = card.with_suffix(".json")
        won = json.loads(facts.read_text(encoding="utf-8"))["run"] if facts.is_file() else None
        if won is None or won["name"] != run:
            return None
    return card.read_text(encoding="utf-8") if card.is_file() else None
