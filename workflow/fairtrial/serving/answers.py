"""What is said of an upload, as JSON or drawn."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.exceptions import HTTPException

from fairtrial import DataError, FairtrialError
from fairtrial.files.modelfile import FileModel
from fairtrial.serving.limits import ServingLimits
from fairtrial.serving.uploads import Upload, decoded, movie_limits
from fairtrial.use.detecting import Tally, Work, detect_video
from fairtrial.use.drawing import draw_prediction
from fairtrial.use.images import Input
from fairtrial.use.model import OpenModel, Prediction
from fairtrial.use.preparation import Pixels
from fairtrial.use.tables import DetectedImage, predicted_image


class DetectedImages(FileModel):
    """What `/detect` says: the same as `fairtrial detect --json`, and the frames of a video that
    could not be read."""

    classes: tuple[str, ...]
    images: tuple[DetectedImage, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class UploadAnswer:
    """JSON, a picture or a video: its bytes or its file, and its media type."""

    kind: str
    content: bytes = b""
    file: Path | None = None


@dataclass
class Job:
    """The work on one upload, which another thread can stop."""

    model: OpenModel
    limits: ServingLimits
    upload: Upload
    drawn: bool
    stopped: threading.Event = field(default_factory=threading.Event)

    def answer_image(self) -> UploadAnswer | None:
        """The answer; None where the upload is no image. Raises HTTPException."""
        if self.stopped.is_set():
            return UploadAnswer("")
        pixels = decoded(self.upload, self.limits)
        if pixels is None:
            return None
        (prediction,) = self.model.predict([pixels])
        if self.drawn:
            return UploadAnswer(
                "image/png", _png(draw_prediction(pixels, prediction, self._classes))
            )
        size = (pixels.shape[1], pixels.shape[0])
        row = predicted_image(self.upload.name, size, prediction, self._classes)
        return self._said([row])

    def answer_video(self) -> UploadAnswer:
        """The answer of what is no image. Raises HTTPException."""
        rows: list[DetectedImage] = []
        work = Work(
            model=replace(self.model, run=self._run),
            batch=self.limits.batch,
            write=lambda row, _: rows.append(row),
            tally=Tally(),
            limits=movie_limits(self.limits),
            silent=True,
        )
        name, path = self.upload.name, str(self.upload.path)
        target = self.upload.path.with_name("drawn.mp4") if self.drawn else None
        try:
            detect_video(Input(name, name, path, is_video=True), target, work)
        except DataError as error:
            raise HTTPException(400, str(error)) from error
        except FairtrialError as error:
            raise HTTPException(415, f"{name}: no image, and videos are not served") from error
        if not rows:
            raise HTTPException(400, f"{name}: no frame that can be read")
        if target is not None:
            return UploadAnswer("video/mp4", file=target)
        return self._said(rows, work.tally.broken)

    @property
    def _classes(self) -> tuple[str, ...]:
        return self.model.classes

    def _said(self, rows: Sequence[DetectedImage], broken: Sequence[str] = ()) -> UploadAnswer:
        said = DetectedImages(classes=self._classes, images=tuple(rows), left_out=tuple(broken))
        return UploadAnswer("application/json", said.model_dump_json().encode())

    def _run(self, images: Sequence[Pixels], confidence: float) -> list[Prediction]:
        """The model on some frames, as long as there are not too many. Raises HTTPException."""
        if self.stopped.is_set():
            raise HTTPException(503, "stopped")
        self._frames += len(images)
        if self._frames > self.limits.frames:
            raise HTTPException(413, f"{self.upload.name}: more than {self.limits.frames} frames")
        return self.model.run(images, confidence)

    _frames: int = 0


def _png(pixels: Pixels) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()
