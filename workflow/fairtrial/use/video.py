"""Videos, read frame by frame and written as mp4 that browsers play: H.264, 4:2:0, what a player
needs at the front, the sound of the original."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fairtrial import DataError, FairtrialError
from fairtrial.use.images import SECONDS, Input
from fairtrial.use.preparation import Pixels

if TYPE_CHECKING:
    import av

SOUND_AS_IT_IS = ("aac", "mp3")  # codecs that browsers play in an mp4
ENCODING = {"preset": "veryfast", "crf": "21"}


@dataclass(frozen=True)
class MovieLimits:
    """What a video from anybody may be. formats: FFmpeg's names of containers, of which none may
    name other files or addresses; pixels: of a frame, at most."""

    formats: tuple[str, ...]
    pixels: int


@dataclass(frozen=True)
class Frame:
    """A frame: its number from 0 on, its time in `time_base` and in seconds, its pixels."""

    number: int
    time: int
    seconds: float
    pixels: Pixels


Part = Any  # a Frame, or a packet of sound, in the order of the file
Say = Callable[[str], None]


class Movie:
    """A video that is being read. `broken`: what could not be decoded, a text each."""

    def __init__(self, container: av.container.InputContainer, shown: str) -> None:
        self._container, self._shown = container, shown
        self.video = container.streams.video[0]
        self.video.thread_type = "AUTO"
        self.sound = container.streams.audio[0] if container.streams.audio else None
        self.broken: list[str] = []
        self.time_base = self.video.time_base or Fraction(1, 25)
        self.rate = self.video.average_rate or self.video.guessed_rate or Fraction(25)

    @property
    def frames(self) -> int | None:
        """How many frames there are, as far as the file says."""
        if self.video.frames:
            return int(self.video.frames)
        duration = self._container.duration  # microseconds
        return round(duration / 1e6 * float(self.rate)) if duration else None

    def parts(self) -> Iterator[Part]:
        """Frames and packets of sound. What is broken is left out and noted."""
        number, last = 0, -1
        wanted = [stream for stream in (self.video, self.sound) if stream is not None]
        for packet in self._packets(wanted):
            if packet.stream is self.sound:
                yield packet
                continue
            for frame in self._decoded(packet, number):
                time = last + 1 if frame.pts is None else max(frame.pts, last + 1)
                last = time
                seconds = float(time * self.time_base)
                if frame.is_corrupt:
                    self.broken.append(f"{self._shown}: frame {number} ({seconds:.2f} s) is broken")
                else:
                    yield Frame(number, time, seconds, _pixels(frame))
                number += 1

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        import av

        try:
            yield from self._container.demux(streams)
        except av.error.FFmpegError as error:
            self.broken.append(f"{self._shown}: cannot be read to its end ({error.strerror})")

    def _decoded(self, packet: Any, number: int) -> list[Any]:
        import av

        try:
            return list(packet.decode())
        except av.error.FFmpegError as error:
            self.broken.append(f"{self._shown}: broken after frame {number} ({error.strerror})")
            return []


def _pixels(frame: Any) -> Pixels:
    """A frame as it is shown: phones note how they were held."""
    pixels: Pixels = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


@contextmanager
def open_movie(source: Input, limits: MovieLimits | None = None) -> Iterator[Movie]:
    """A video. Raises DataError where it cannot be read as one or is beyond `limits`, and
    FairtrialError where PyAV is not installed."""
    if importlib.util.find_spec("av") is None:
        raise FairtrialError(
            "the package `av` is not installed; `make venv EXTRAS=video` installs it"
        )
    import av

    try:
        content = source.content()
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        container = av.open(
            file,
            timeout=None if isinstance(content, bytes) else SECONDS,
            options={"format_whitelist": ",".join(limits.formats)} if limits else {},
        )
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{source.shown}: neither an image nor a video that can be read ({reason})"
        ) from error
    with container:
        if not container.streams.video:
            raise DataError(f"{source.shown}: a file without pictures")
        if limits:
            _limit(container.streams.video[0], limits.pixels, source.shown)
        yield Movie(container, source.shown)


def _limit(stream: av.VideoStream, pixels: int, shown: str) -> None:
    """Raises DataError where frames have more pixels; what grows later is not decoded."""
    if stream.width * stream.height > pixels:
        size = f"{stream.width}×{stream.height} pixels"
        raise DataError(f"{shown}: frames of {size}, more than {pixels / 1e6:g} million")
    stream.codec_context.options = {"max_pixels": str(pixels)}


class MovieWriter:
    """An mp4 that is being written. Sizes are known with the first frame."""

    def __init__(self, path: Path, movie: Movie) -> None:
        import av

        self._movie = movie
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._video: Any = None
        self._sound: Any = None
        self._encode_sound = False
        self._early: list[Any] = []  # sound before the first frame
        self.frames = 0

    def write(self, part: Part) -> None:
        """Add a frame or a packet of sound."""
        if not isinstance(part, Frame):
            self._early.append(part) if self._video is None else self._write_sound(part)
            return
        if self._video is None:
            self._begin(part.pixels)
        import av

        frame = av.VideoFrame.from_ndarray(_even(part.pixels), format="rgb24")
        frame.pts, frame.time_base = part.time, self._movie.time_base
        self._container.mux(self._video.encode(frame))
        self.frames += 1

    def _begin(self, pixels: Pixels) -> None:
        height, width = _even(pixels).shape[:2]
        rate = self._movie.rate.limit_denominator(1_000_000)
        self._video = self._container.add_stream("libx264", rate=rate, options=ENCODING)
        self._video.width, self._video.height = width, height
        self._video.pix_fmt = "yuv420p"
        self._video.time_base = self._movie.time_base
        self._video.codec_context.time_base = self._movie.time_base
        sound = self._movie.sound
        if sound is not None:
            self._encode_sound = sound.codec_context.name not in SOUND_AS_IT_IS
            if self._encode_sound:
                self._sound = self._container.add_stream(
                    "aac", rate=sound.codec_context.sample_rate
                )
            else:
                self._sound = self._container.add_stream_from_template(sound)
        for packet in self._early:
            self._write_sound(packet)
        self._early.clear()

    def _write_sound(self, packet: Any) -> None:
        import av

        if not self._encode_sound:
            if packet.dts is not None:
                packet.stream = self._sound
                self._container.mux(packet)
            return
        with suppress(av.error.InvalidDataError):  # a broken moment of sound
            for frame in packet.decode():
                self._container.mux(self._sound.encode(frame))

    def close(self) -> None:
        """Write what the file still lacks: afterwards it can be played."""
        if self._video is not None:
            self._container.mux(self._video.encode(None))
            if self._encode_sound:
                self._container.mux(self._sound.encode(None))
        self._container.close()


def _even(pixels: Pixels) -> Pixels:
    """With even sides, as 4:2:0 needs them: the last row and column may be there twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return pixels
