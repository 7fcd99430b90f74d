"""What can be wrong with images and their annotations, and what is done about it.

A kind of defect is a small class: its name, why it matters, and what each possible action
does. The first action is the default; config/sources/<name>.yaml chooses another one. To
add a kind, add a class; code that finds a case makes an instance of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

REFUSE = {"refuse": "conversion refused"}
DROP_IMAGE = {"drop_image": "image dropped"}
DROP_BOX = {"drop_box": "box dropped"}
LOSE_IMAGE = DROP_IMAGE | REFUSE
LOSE_BOX = DROP_BOX | LOSE_IMAGE


@dataclass(frozen=True, order=True, slots=True)
class Defect:
    """One case: the image (or, without one, the file) in which it was found, and what was seen.

    `where` is relative to the raw folder.
    """

    where: str
    seen: str = ""

    name: ClassVar[str]
    explanation: ClassVar[str]
    actions: ClassVar[Mapping[str, str]]  # what each possible action does; the first is the default

    def __str__(self) -> str:
        return f"{self.where}: {self.seen}" if self.seen else self.where


# --------------------------------------------------------------------------- images


class UnreadableImage(Defect):
    name = "unreadable_image"
    explanation = "The file cannot be decoded as an image."
    actions = LOSE_IMAGE


class TruncatedImage(Defect):
    name = "truncated_image"
    explanation = "The file ends before its image does; decoders fill the rest with grey."
    actions = LOSE_IMAGE


class DecompressionBomb(Defect):
    name = "decompression_bomb"
    explanation = "The file asks for more pixels than any photograph has, and is not decoded."
    actions = LOSE_IMAGE


class TinyImage(Defect):
    name = "tiny_image"
    explanation = "Fewer than 10 pixels a side; Ultralytics silently skips such images."
    actions = LOSE_IMAGE | {"keep": "image kept"}


class MissingImage(Defect):
    name = "missing_image"
    explanation = "The annotations name an image that is not there."
    actions = LOSE_IMAGE


class UnannotatedImage(Defect):
    name = "unannotated_image"
    explanation = "No annotation file belongs to the image, so what is on it is unknown."
    actions = {
        "drop_image": "image left out",
        "keep": "kept as an image without objects",
    } | REFUSE


class NoLabelFile(Defect):
    name = "no_label_file"
    explanation = "The image has no text file; as YOLO has it, there is no object on it."
    actions = {"keep": "kept as an image without objects"} | LOSE_IMAGE


class TrailingBytes(Defect):
    name = "trailing_bytes"
    explanation = "Bytes follow the JPEG's end marker; Ultralytics rewrites such files in place."
    actions = {"repair": "bytes after the end marker cut off; pixels unchanged"} | LOSE_IMAGE


class TurnedImage(Defect):
    name = "turned_image"
    explanation = "EXIF asks viewers to turn or mirror the image; frameworks differ in doing so."
    actions = {
        "repair": "image written anew as it is shown; boxes drawn on the stored pixels turned too"
    } | LOSE_IMAGE


class OtherColours(Defect):
    name = "other_colours"
    explanation = "The image is not 8-bit RGB (but palette, alpha, CMYK, 16 bit, black and white)."
    actions = {
        "repair": "written anew as 8-bit RGB; alpha ignored, upper 8 of 16 bits kept",
    } | LOSE_IMAGE


class UnusedBits(Defect):
    name = "unused_bits"
    explanation = (
        "The image has 16 bits a pixel, of which the upper 4 are not used, as those of 12-bit "
        "cameras and scanners; of its upper 8 bits at most 16 grey levels are left."
    )
    actions = {
        "repair": "taken as 12 bits, of which the upper 8 are kept",
        "keep": "taken as 16 bits, of which the upper 8 are kept",
    } | LOSE_IMAGE


class GreyImage(Defect):
    name = "grey_image"
    explanation = "The image has one channel of 8 bits, where models expect three."
    actions = {
        "repair": "written anew as RGB with three equal channels",
        "keep": "kept as it is; frameworks read it as three equal channels",
    } | LOSE_IMAGE


class OtherFileType(Defect):
    name = "other_file_type"
    explanation = "The file is neither JPEG nor PNG; not every framework reads it."
    actions = {"repair": "written anew as PNG; pixels unchanged"} | LOSE_IMAGE


class SeveralFrames(Defect):
    name = "several_frames"
    explanation = "The file holds several frames or pages, and a set has one image a file."
    actions = {"repair": "first frame written anew as PNG; the others left out"} | LOSE_IMAGE


class WrongSuffix(Defect):
    name = "wrong_suffix"
    explanation = "The file's name does not end as its content does, such as a PNG named .jpg."
    actions = {"repair": "named by its content"} | LOSE_IMAGE


class SizeMismatch(Defect):
    name = "size_mismatch"
    explanation = (
        "The annotations state another width and height than the image has: they may belong to "
        "another image, or to this one before it was resized."
    )
    actions = LOSE_IMAGE | {
        "keep": "the image's own size used; boxes kept as written",
        "repair": "boxes scaled from the stated to the image's own size",
    }


# --------------------------------------------------------------------------- labels


class MalformedObject(Defect):
    name = "malformed_object"
    explanation = "The row of the object cannot be read, so that it has no box or no class."
    actions = REFUSE | {"drop_box": "object left out"} | DROP_IMAGE


class OrphanObject(Defect):
    name = "orphan_object"
    explanation = "The object is on an image that the annotations do not name."
    actions = REFUSE | {"drop_box": "object left out"}


class MalformedImage(Defect):
    name = "malformed_image"
    explanation = "What describes the image cannot be read, or contradicts itself."
    actions = REFUSE | {"drop_image": "row left out, and counted as a dropped image"}


class LabelWithoutImage(Defect):
    name = "label_without_image"
    explanation = "No image belongs to the annotation file."
    actions = {
        "drop_image": "label left out, and counted as a dropped image",
        "keep": "label left out",
    } | REFUSE


class OtherFilename(Defect):
    name = "other_filename"
    explanation = (
        "The annotation file names another image than the one with the same name as itself."
    )
    actions = REFUSE | {"keep": "the file's own name counts"} | DROP_IMAGE


class UnknownClass(Defect):
    name = "unknown_class"
    explanation = "The object's class is not among the declared ones."
    actions = REFUSE | DROP_BOX | DROP_IMAGE


class ObjectWithoutBox(Defect):
    name = "object_without_box"
    explanation = "The object has neither a box nor a segment."
    actions = LOSE_BOX


class BoxFromSegment(Defect):
    name = "box_from_segment"
    explanation = "The object has a segment and no box."
    actions = {"repair": "box drawn around the segment"} | LOSE_IMAGE


class WrongUnit(Defect):
    name = "wrong_unit"
    explanation = "Taken together, the boxes look as if written in another unit than they are read."
    actions = REFUSE | {"keep": "boxes taken as they are read"}


# --------------------------------------------------------------------------- boxes


class BoxWithoutArea(Defect):
    name = "box_without_area"
    explanation = "The box has no width or no height."
    actions = LOSE_BOX


class InvertedBox(Defect):
    name = "inverted_box"
    explanation = "The box ends left of or above its beginning; which corner is wrong is unknown."
    actions = LOSE_BOX | {"repair": "corners put in order"}


class TinyBox(Defect):
    name = "tiny_box"
    explanation = "Less than 1 pixel wide or high, so that nothing can be seen in the box."
    actions = LOSE_BOX | {"keep": "box kept"}


class BoxNotNumbers(Defect):
    name = "box_not_numbers"
    explanation = "A coordinate of the box is infinite or not a number."
    actions = LOSE_BOX


class BoxOutside(Defect):
    name = "box_outside"
    explanation = "The box lies wholly outside its image."
    actions = LOSE_BOX


class BoxOverEdge(Defect):
    name = "box_over_edge"
    explanation = "The box crosses the edge of its image; Ultralytics would leave the image out."
    actions = {"repair": "box clipped to the image"} | LOSE_BOX


class DuplicateBox(Defect):
    name = "duplicate_box"
    explanation = (
        "An object of the same class has the same box on the same image, but for rounding."
    )
    actions = {"drop_box": "all but one dropped", "keep": "all kept"} | LOSE_IMAGE


class LostBoxes(Defect):
    name = "lost_boxes"
    explanation = (
        "No box of the image could be used; without them it would pass for an image without "
        "objects."
    )
    actions = LOSE_IMAGE | {"keep": "kept as an image without objects"}


class OverlappingBoxes(Defect):
    name = "overlapping_boxes"
    explanation = "Two boxes of one class overlap by more than 0.9 (IoU): perhaps one object."
    actions = {"keep": "both kept", "drop_box": "the later one dropped"} | LOSE_IMAGE


# --------------------------------------------------------------------------- copies


_SETTLE_COPIES = {
    "drop_image": "all copies dropped",
    "keep_first": "the first copy by name kept, the others dropped",
}


class ContradictingLabels(Defect):
    name = "contradicting_labels"
    explanation = "Files of equal content have other classes, or boxes of which few agree."
    actions = REFUSE | _SETTLE_COPIES | {"keep": "all copies kept, each with its labels"}


class ContradictingCopies(Defect):
    name = "contradicting_copies"
    explanation = (
        "Copies of one picture (saved anew, scaled, turned) have other classes, or boxes of which "
        "few agree; where objects are small, they may be frames of one scene instead."
    )
    actions = {"keep": "all copies kept, each with its labels"} | _SETTLE_COPIES | REFUSE


KINDS = {kind.name: kind for kind in Defect.__subclasses__()}
