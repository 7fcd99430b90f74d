"""Short films for tests, with or without sound."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 8000  # samples of sound a second


def film(
    path: Path,
    times: Sequence[int] = tuple(range(10)),
    *,
    size: tuple[int, int] = (64, 48),
    sound: str = "",
    codec: str = "libx264",
) -> Path:
    """A film with a frame at each of `times` (fifths of a second), each 20 brighter than the one
    before, and a second of sound by the codec `sound`."""
    width, height = size
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=5)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        if codec == "mjpeg":
            stream.pix_fmt = "yuvj420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 5)
        audio: Any = container.add_stream(sound, rate=RATE) if sound else None
        if audio is not None:
            audio.layout = "mono"
            noise = np.random.default_rng(0).integers(-9000, 9000, (1, RATE), dtype=np.int16)
            heard = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
            heard.sample_rate, heard.pts = RATE, 0
            container.mux([*audio.encode(heard), *audio.encode(None)])
        for number, time in enumerate(times):
            grey = np.full((height, width, 3), 20 * (number % 12), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def seen(path: Path) -> list[tuple[float, int]]:
    """Seconds and brightness (in steps of 20) of each frame of a film."""
    with av.open(str(path)) as container:
        return [
            (round(float(frame.pts * frame.time_base), 3), round(shade(frame) / 20))
            for frame in container.decode(video=0)
        ]


def shade(frame: Any) -> float:
    """The median brightness of a frame."""
    return float(np.median(frame.to_ndarray(format="rgb24")))
