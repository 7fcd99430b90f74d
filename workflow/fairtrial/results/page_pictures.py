"""pictures.json: images of the split that tables show, small, for the image browser of the page."""

from __future__ import annotations

from fairtrial.files.modelfile import FileModel


class PagePicture(FileModel):
    """One image: `content` is its `content_id`, `jpeg` the file as base64."""

    content: str
    jpeg: str


class PagePictures(FileModel):
    """For each comparison its images, the most telling first."""

    comparisons: tuple[tuple[PagePicture, ...], ...]

    def of(self, number: int) -> tuple[PagePicture, ...]:
        """Those of one comparison, by its place; none where none were made."""
        return self.comparisons[number] if number < len(self.comparisons) else ()
