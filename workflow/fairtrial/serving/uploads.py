"""From the body of a request to a file, and from a file of anybody to an image."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from fairtrial.serving.limits import ServingLimits
from fairtrial.use.images import upright
from fairtrial.use.preparation import Pixels
from fairtrial.use.video import MovieLimits

FORM = "multipart/form-data"
BODIES = ("image/*", "video/*", "application/octet-stream")  # a file as it is
# Only decoders of these are given what anybody sends. No container can name other files.
PICTURES = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
FILMS = ("asf", "avi", "flv", "gif", "matroska", "mov", "mpeg", "mpegts", "ogg", "webm")


@dataclass(frozen=True)
class Upload:
    """A file that was sent: where it lies, and how the sender calls it."""

    path: Path
    name: str


async def receive_upload(request: Request, folder: Path) -> Upload:
    """The file of a request, written into `folder`. Raises HTTPException."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    path = folder / "upload"
    try:
        if kind == FORM:
            name = await _from_form(request, path)
        elif kind.startswith(tuple(each.rstrip("*") for each in BODIES)):
            name = "upload"
            with path.open("wb") as file:
                async for chunk in request.stream():
                    file.write(chunk)
        else:
            raise HTTPException(415, f"send a file as {', '.join((FORM, *BODIES))}")
    except ClientDisconnect as error:
        raise HTTPException(400, "half a request") from error
    if not path.stat().st_size:
        raise HTTPException(400, "an empty file")
    return Upload(path, name)


async def _from_form(request: Request, path: Path) -> str:
    async with request.form(max_files=1, max_fields=10) as form:
        sent = [value for value in form.values() if isinstance(value, UploadFile)]
        if not sent:
            raise HTTPException(400, "a form without a file")
        with path.open("wb") as file:
            shutil.copyfileobj(sent[0].file, file)
        return PurePosixPath((sent[0].filename or "").replace("\\", "/")).name or "upload"


def decoded(upload: Upload, limits: ServingLimits) -> Pixels | None:
    """An image as it is shown; None where the file is none that is known. Raises HTTPException
    where it is too large or broken. Its size is known before it is decoded."""
    from PIL import Image, UnidentifiedImageError

    with upload.path.open("rb") as file:
        try:
            opened = Image.open(file, formats=PICTURES)
        except Image.DecompressionBombError as error:
            raise HTTPException(413, _too_many_pixels(upload.name, limits)) from error
        except UnidentifiedImageError:
            return None
        except Exception as error:
            raise _broken(upload.name, error) from error
        if opened.width * opened.height > limits.pixels:
            raise HTTPException(413, _too_many_pixels(upload.name, limits))
        try:
            return upright(opened)
        except Exception as error:  # whatever a decoder raises, the image cannot be used
            raise _broken(upload.name, error) from error


def _too_many_pixels(name: str, limits: ServingLimits) -> str:
    return f"{name}: more than {limits.megapixels:g} million pixels"


def _broken(name: str, error: Exception) -> HTTPException:
    reason = " ".join(str(error).split())[:120]
    return HTTPException(400, f"{name}: cannot be read as an image ({reason})")


def movie_limits(limits: ServingLimits) -> MovieLimits:
    """Of the videos that anybody sends."""
    return MovieLimits(FILMS, limits.pixels)
