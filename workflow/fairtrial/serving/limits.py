"""What a server takes on."""

from __future__ import annotations

from fairtrial.files.modelfile import FileModel


class ServingLimits(FileModel):
    """megabytes: of an upload; megapixels: of an image or a frame; frames: of a video; seconds: for
    an upload, and again for the work on an image; video_seconds: for the work on a video;
    requests: uploads that are received or worked on at the same time; batch: images that go
    through the model together."""

    megabytes: float = 64
    megapixels: float = 50
    frames: int = 3000
    seconds: float = 60
    video_seconds: float = 600
    requests: int = 64
    batch: int = 8

    @property
    def pixels(self) -> int:
        """Of an image or a frame, at most."""
        return int(self.megapixels * 1e6)
