"""CADICA: a tree of patients and videos of angiography, with a text file of boxes a frame.

    selectedVideos/<patient>/lesionVideos.txt, nonlesionVideos.txt      names of videos
    selectedVideos/<patient>/<video>/<patient>_<video>_selectedFrames.txt   names of frames
    selectedVideos/<patient>/<video>/input/<frame>.png
    selectedVideos/<patient>/<video>/groundtruth/<frame>.txt            x y width height class

Frames that are not selected do not belong to the set. A frame of a video without lesions has
no text file, and no object.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defects import (
    Defect,
    LabelWithoutImage,
    MalformedObject,
    UnannotatedImage,
)
from fairtrial.data.names import numbered_classes
from fairtrial.data.raw_files import is_of_system, listed_files, present_folder
from fairtrial.files.folders import checked_path
from fairtrial.formats._ignored import with_ignored
from fairtrial.formats._numbers import number_or_nan
from fairtrial.formats._recognition import Likeness, Listing, common_folder
from fairtrial.formats._unread import no_such_file, unknown_class


class Settings(BaseModel):
    """The options of the format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    videos: str = "selectedVideos"  # the folder of patients
    # Degrees of stenosis in percent, from the mildest to the occlusion.
    classes: tuple[str, ...] = ("p0_20", "p20_50", "p50_70", "p70_90", "p90_98", "p99", "p100")
    group: Literal["patient", "video"] = "patient"
    ignore: tuple[str, ...] = ()  # classes whose objects are regions that count neither way
    first_pixel: Literal[0, 1] = 0  # the number of the pixel in the top left corner


# What boxes are, for there is no other way to read them (see data/box_units.py).
WRITTEN = "CADICA's own lines alone, `x y width height class` in pixels"


def read(folder: Path, options: Settings) -> tuple[Dataset, list[Defect]]:
    """The selected frames of all videos. Raises DataError where a folder or a list is missing."""
    top = folder / checked_path(options.videos, "videos")
    patients = _folders(present_folder(folder, options.videos, "options: videos"))
    if not patients:
        raise DataError(f"there is no patient in {top} (options: videos)")
    dataset = Dataset(categories=numbered_classes(options.classes, "options: classes"))
    dataset.origins = {number: [name] for number, name in dataset.categories.items()}
    defects: list[Defect] = []
    for patient in patients:
        healthy = _names(top / patient / "nonlesionVideos.txt")
        listed = _names(top / patient / "lesionVideos.txt") + healthy
        present = _folders(top / patient)
        for name in ("nonlesionVideos.txt", "lesionVideos.txt"):
            dataset.label_files.add(f"{options.videos}/{patient}/{name}")
        for video in sorted(set(listed) - set(present)):
            where = f"{options.videos}/{patient}"
            defects.append(LabelWithoutImage(where, f"lists {video}, which has no folder"))
        for video in present:
            defects += _Video(folder, options, patient, video).add_to(dataset, video in healthy)
    return with_ignored(dataset, options.ignore), defects


def _folders(top: Path) -> list[str]:
    names = sorted(path.name for path in top.iterdir() if path.is_dir())
    return [name for name in names if not is_of_system(name)]


def _names(path: Path) -> list[str]:
    """The names in a text file, separated by white space."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(no_such_file(path)) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a list of names ({error})") from error
    return [checked_path(name, str(path)) for name in text.split()]


class _Video:
    """The frames of one video, and their labels."""

    def __init__(self, folder: Path, options: Settings, patient: str, video: str) -> None:
        self.folder, self.options = folder, options
        self.place = PurePosixPath(options.videos, patient, video)
        self.name = f"{patient}_{video}"
        self.group = patient if options.group == "patient" else self.name

    def add_to(self, dataset: Dataset, healthy: bool) -> list[Defect]:
        """Add the selected frames to a set. Returns their defects.

        healthy: the video has no lesions, so that a frame without text file has no object.
        """
        frames = _names(self.folder / self.place / f"{self.name}_selectedFrames.txt")
        labels = self.folder / self.place / "groundtruth"
        files = [name for name in listed_files(labels) if name.endswith(".txt")]
        stems = {name.removesuffix(".txt") for name in files}
        dataset.label_files |= {f"{self.place}/groundtruth/{name}" for name in files}
        dataset.label_files.add(f"{self.place}/{self.name}_selectedFrames.txt")
        defects: list[Defect] = [
            LabelWithoutImage(f"{self.place}/groundtruth/{stem}.txt", "not a selected frame")
            for stem in sorted(stems - set(frames))
        ]
        for frame in frames:
            name = f"{self.place}/input/{frame}.png"
            image = Image(len(dataset.images) + 1, name, 0, 0, group=self.group)
            dataset.images.append(image)
            if frame in stems:
                defects += self._objects(dataset, image, labels / f"{frame}.txt")
            elif not healthy:
                defects.append(UnannotatedImage(name))
        return defects

    def _objects(self, dataset: Dataset, image: Image, path: Path) -> list[Defect]:
        numbers = {name: number for number, name in dataset.categories.items()}
        defects: list[Defect] = []
        for number, line in enumerate(path.read_text("utf-8-sig", "replace").splitlines(), 1):
            if not line.strip():
                continue
            where = f"{path.name}:{number}"
            *box, label = line.split()
            if len(box) != 4:
                seen = f"{where}: not `x y width height class`: {line!r}"
                defects.append(MalformedObject(image.file_name, seen))
                continue
            x, y, w, h = map(number_or_nan, box)
            if label not in numbers:
                defects.append(unknown_class(image.file_name, where, label, numbers))
                continue
            first = self.options.first_pixel
            box_of_edges = (x - first, y - first, w, h)
            dataset.annotations.append(Annotation(image.id, numbers[label], box_of_edges, w * h))
        return defects


def recognise(listing: Listing) -> Likeness | None:
    """Lists of selected frames, in folders of patients and videos."""
    lists = listing.ending("_selectedframes.txt")
    if not lists:
        return None
    videos = PurePosixPath(common_folder([*lists, *listing.ending("lesionvideos.txt")]))
    depth = len(PurePosixPath(lists[0]).parts) - 3  # <patient>/<video>/<list>
    place = PurePosixPath(*videos.parts[:depth]).as_posix()
    note = "the group is the patient: frames of one patient look alike and must stay together"
    seen = f"CADICA's tree of patients, with {len(lists)} videos"
    return Likeness("certain", seen, {"videos": place, "group": "patient"}, (note,))
