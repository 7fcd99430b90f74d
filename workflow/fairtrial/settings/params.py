"""The sections of params.yaml: the settings of each stage after the training."""

from __future__ import annotations

from operator import not_
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fairtrial.files.yamlfile import LARGEST, Closed, PositiveInt, distinct
from fairtrial.scoring.ranking import RankBy


def _with_both(splits: tuple[str, ...]) -> tuple[str, ...]:
    if not {"val", "test"} <= set(splits):
        raise ValueError("must hold val and test; train may be added")
    distinct([*splits])
    return splits


Rate = Annotated[float, Field(gt=0, le=1)]
HTML_MB, HTML_CONF = 20.0, 0.05


class SpeedSection(Closed):
    """The part of `predict:` in params.yaml that has a meaning for every task."""

    # images timed one by one, after a warm-up
    speed_images: Annotated[int, Field(ge=100, le=LARGEST)]
    # images that are predicted at once, where no result depends on the others
    batch: PositiveInt = Field(default=1, exclude_if=lambda batch: batch == 1)
    # images at once at which the time of an image, memory and energy are measured, beside 1
    batches: Annotated[tuple[PositiveInt, ...], AfterValidator(distinct)] = Field(
        default=(), exclude_if=not_
    )


class PredictSection(SpeedSection):
    """`predict:` in params.yaml. A change runs every model over val and test again."""

    conf: Annotated[float, Field(ge=0, lt=1)]  # detections below this confidence are dropped
    iou: Annotated[float, Field(gt=0, le=1)]  # overlap above which NMS merges two boxes
    max_det: PositiveInt  # detections an image at most


Split = Literal["train", "val", "test"]
GALLERY_SPLITS: tuple[Split, ...] = ("test",)


class PredictParams(PredictSection):
    """The whole of it. What more there is to predict is other jobs, so that these two run nothing
    but them."""

    # train adds scores and pictures of the images that the models learned from
    splits: Annotated[tuple[Split, ...], AfterValidator(_with_both)] = ("val", "test")
    # sides of images at which the models are scored and timed again, without training
    sizes: Annotated[tuple[PositiveInt, ...], AfterValidator(distinct)] = ()


class ValidateSection(Closed):
    """`validate:` in params.yaml. A change scores the stored predictions again."""

    iou: Annotated[float, Field(gt=0, lt=1)]  # overlap at which precision and recall count a hit
    max_det: PositiveInt  # detections an image and class that are scored
    at_precision: tuple[Rate, ...] = (0.9,)  # operating points: the most recall at each of these
    at_recall: tuple[Rate, ...] = (0.9,)  # and the most precision at each of these
    # AP and AR at this number of detections of an image and class, beside COCO's 100
    max_detections: PositiveInt | None = Field(default=None, exclude_if=lambda n: n is None)


class PlotSection(Closed):
    """`plot:` in params.yaml. A change draws the figures again."""

    gallery: Annotated[int, Field(ge=0, le=24)]  # images shown with every model's boxes
    # of which splits; train needs train in `predict.splits`
    gallery_splits: Annotated[tuple[Split, ...], Field(min_length=1), AfterValidator(distinct)] = (
        GALLERY_SPLITS
    )
    # whether the first batch of each configuration's training is shown, augmented as it was there
    first_batch: bool = False


class ReportSection(Closed):
    """`report:` in params.yaml. A change sets the report again."""

    timings: bool  # false leaves times out, so that two machines print equal reports
    # metric on val that ranks; fitness: as the runs' own setting says; or metric weights
    rank_by: RankBy
    metrics: tuple[str, ...] = ()  # of the tables; none: those of the task
    fonts: tuple[str, ...] = ()  # font files of the project, for what the shipped fonts lack
    # megabytes that report.html may have; 0: a page without images
    html_mb: Annotated[float, Field(ge=0, le=500)] = HTML_MB
    html_conf: Annotated[float, Field(ge=0, lt=1)] = HTML_CONF  # weaker boxes are not in it


SECTIONS: dict[str, type[Closed]] = {
    "predict": PredictParams,
    "validate": ValidateSection,
    "plot": PlotSection,
    "report": ReportSection,
}
COMMON = {"experiment", "dataset", "backend"}  # top-level keys that belong to no backend
