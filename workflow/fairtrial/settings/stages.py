"""The settings of each stage: the planner makes them, and a job gets them as JSON.

What a stage's model does not hold cannot change its result, and so runs no job again.
"""

from __future__ import annotations

from operator import not_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from fairtrial.data.defects import KINDS
from fairtrial.files.yamlfile import Closed, distinct, nearest
from fairtrial.settings.elsewhere import ClassIds, PredictionFiles
from fairtrial.settings.factors import Factor
from fairtrial.settings.params import (
    GALLERY_SPLITS,
    HTML_CONF,
    HTML_MB,
    PlotSection,
    PredictSection,
    SpeedSection,
    Split,
    ValidateSection,
)
from fairtrial.settings.split_rule import BalanceRule, SplitRule

PRESENT = "present"  # in place of names: the classes of which train has an object
NO_CLASSES = "must be a list of names, a map from the source's names to new ones, or `present`"


class DownloadSettings(Closed):
    """Where the raw files of a source come from."""

    name: str  # the source's
    kind: str  # a module of sources/
    settings: dict[str, Any]  # that module's own Settings


def _two_files(pair: tuple[str, str]) -> tuple[str, str]:
    if pair[0] == pair[1]:
        raise ValueError("must name two files")
    return pair


FilePair = Annotated[tuple[str, str], AfterValidator(_two_files)]


def _refuse_both(same: list[FilePair], different: list[FilePair]) -> None:
    both = {tuple(sorted(p)) for p in same} & {tuple(sorted(p)) for p in different}
    if both:
        a, b = sorted(both)[0]
        raise ValueError(f"`same` and `different` both name the pair {a} and {b}")


class ConvertSettings(Closed):
    """How the annotations of a source are read, and what is done about defects."""

    format: str  # a module of formats/
    options: dict[str, Any] = Field(default_factory=dict)  # that module's own Settings
    # A folder for each split, which the format reads as if it were the source; null: one folder.
    splits: dict[Literal["train", "val", "test"], str] | None = None
    # The largest share of images, and of boxes, that may be unusable.
    max_dropped: Annotated[float, Field(ge=0, le=1)] = 0.05
    # Patterns of paths in the raw folder that are not read.
    exclude: list[str] = Field(default_factory=list)
    # Patterns of paths of images that have no labels; a data set can have them predicted.
    unlabelled: list[str] = Field(default_factory=list, exclude_if=not_)
    defects: dict[str, str] = Field(
        default_factory=dict
    )  # actions in place of a kind's default, by kind
    # On which pixels boxes of images that EXIF turns were drawn, where no size tells.
    drawn_on: Literal["shown", "stored"] | None = None
    # Pairs of files of which a person has said that they show one picture, or two.
    same: list[FilePair] = Field(default_factory=list)
    different: list[FilePair] = Field(default_factory=list)

    @field_validator("defects")
    @classmethod
    def _possible(cls, defects: dict[str, str]) -> dict[str, str]:
        for kind, action in defects.items():
            if kind not in KINDS:
                raise ValueError(f"`{kind}` is no kind of defect{nearest(kind, list(KINDS))}")
            if action not in KINDS[kind].actions:
                possible = list(KINDS[kind].actions)
                raise ValueError(f"{kind}: cannot `{action}`{nearest(action, possible)}")
        return defects

    @model_validator(mode="after")
    def _decided_once(self) -> ConvertSettings:
        _refuse_both(self.same, self.different)
        return self


def _classes(value: Any) -> Any:
    """`value`, `present`, a list or a map of names. It is checked here for one message instead of
    two."""
    if value == PRESENT:
        return value
    names = [*value.values()] if isinstance(value, dict) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(NO_CLASSES)
    if not names:
        raise ValueError("must hold at least one")
    return value if isinstance(value, dict) else distinct(value)


class SplitSettings(Closed):
    """The classes of a data set, and how its images are assigned to train, val and test."""

    # Names to keep, in this order, or the source's names with ours; null keeps all, `present` those
    # of which train has an object.
    classes: Annotated[Any, AfterValidator(_classes)] | None = None
    single_cls: Annotated[str, Field(min_length=1)] | None = None  # the name of the one class
    split: SplitRule
    balance: BalanceRule | None = None
    allow: Annotated[list[Literal["group", "content", "near"]], AfterValidator(distinct)] = Field(
        default_factory=list
    )
    # Pairs of clean files of which a person has said that they show one picture, or two.
    same: list[FilePair] = Field(default_factory=list, exclude_if=not_)
    different: list[FilePair] = Field(default_factory=list, exclude_if=not_)
    # What a group is called in sentences, in the plural; None: as the format's key or column.
    group_name: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, exclude_if=lambda name: name is None
    )
    # Whether test is the images without labels, which are predicted and never scored.
    predict_only: bool = Field(default=False, exclude_if=not_)

    @model_validator(mode="after")
    def _agrees(self) -> SplitSettings:
        if self.split.method == "grouped" and "group" in self.allow:
            raise ValueError(
                "`grouped` keeps groups together, and `allow` lets them be split; choose one"
            )
        _refuse_both(self.same, self.different)
        if self.predict_only and self.split.method == "kfold":
            raise ValueError("`predict_only` needs test, which is a fold here; use another method")
        if self.predict_only and self.split.method != "given" and self.split.test:
            raise ValueError("`predict_only` makes test of images without labels; set `test: 0`")
        return self


class TrainSettings(Closed):
    """One training."""

    backend: str  # a module of backends/
    settings: dict[str, Any]  # that module's own Settings
    trusted: str | None = Field(default=None, exclude_if=not_)  # see SearchStageSettings


class ReceiveSettings(Closed):
    """The predictions of one run that was made elsewhere."""

    predictions: PredictionFiles
    class_ids: ClassIds | None = None


class _Model(Closed):
    """The model that predicts."""

    backend: str  # a module of backends/
    imgsz: Annotated[int, Field(ge=1)]  # side of the square that images are scaled to, in pixels
    # Whether the weights are a checkpoint that may run code when it is opened, untrained.
    trusted: bool = Field(default=False, exclude_if=not_)


class PredictDetectSettings(PredictSection, _Model):
    """Prediction of boxes."""

    task: Literal["detect"] = "detect"


class PredictClassifySettings(SpeedSection, _Model):
    """Prediction of the class of whole images, which knows no threshold."""

    task: Literal["classify"] = "classify"


PredictSettings = Annotated[
    PredictDetectSettings | PredictClassifySettings, Field(discriminator="task")
]


class ValidateDetectSettings(ValidateSection):
    """Scoring of boxes."""

    task: Literal["detect"] = "detect"


class ValidateClassifySettings(Closed):
    """Scoring of the classes of whole images."""

    task: Literal["classify"] = "classify"


ValidateSettings = Annotated[
    ValidateDetectSettings | ValidateClassifySettings, Field(discriminator="task")
]


def predict_settings(
    task: str, section: dict[str, Any], backend: str, imgsz: int
) -> PredictDetectSettings | PredictClassifySettings:
    """The settings of `predict` for a task, from `section`, that is `predict:` of params.yaml."""
    if task == "detect":
        own = {key: section[key] for key in PredictSection.model_fields if key in section}
        return PredictDetectSettings(backend=backend, imgsz=imgsz, **own)
    own = {key: section[key] for key in SpeedSection.model_fields if key in section}
    return PredictClassifySettings(backend=backend, imgsz=imgsz, **own)


def validate_settings(
    task: str, section: dict[str, Any]
) -> ValidateDetectSettings | ValidateClassifySettings:
    """The settings of `validate` for a task, from `section`, that is `validate:` of params.yaml."""
    return ValidateDetectSettings(**section) if task == "detect" else ValidateClassifySettings()


class FontFile(Closed):
    """A font of the project, by its path and content."""

    path: str
    sha256: str


class _Results(Closed):
    """The settings that figures and report share: the results that they show, and the ranking."""

    runs: tuple[str, ...]  # names, in the order of the experiment
    studies: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()  # the settings that the experiment sweeps
    factors: tuple[Factor, ...] = Field(default=(), exclude_if=not_)  # of the experiment's grid
    timings: bool = True  # false leaves out times
    # What params.yaml's `rank_by` stands for: a metric, or the metric weights of a fitness.
    rank_by: str | dict[str, float] = "AP"
    # What was predicted beside val and test: `train`, and image sizes.
    probes: tuple[str, ...] = Field(default=(), exclude_if=not_)
    # Megabytes that the page may have, its images among them.
    html_mb: float = Field(default=HTML_MB, exclude_if=lambda value: value == HTML_MB)
    # Fonts for what those that are shipped lack, in figures and PDF.
    fonts: tuple[FontFile, ...] = Field(default=(), exclude_if=not_)
    # The sources whose images may not be handed on.
    unshared: tuple[str, ...] = Field(default=(), exclude_if=not_)


class PlotSettings(PlotSection, _Results):
    """The figures of one experiment."""

    first_batch: bool = Field(default=False, exclude_if=not_)
    gallery_splits: tuple[Split, ...] = Field(
        default=GALLERY_SPLITS, exclude_if=lambda splits: splits == GALLERY_SPLITS
    )


class ReferredResult(Closed):
    """A result with which runs begin; see `settings.choice.Reference`."""

    experiment: str
    name: str
    best: str | int | None


class ReportSettings(_Results):
    """The report of one experiment and its tables."""

    experiment: str
    title: str
    question: str = ""
    # What `base` sets and what cannot act in some of the runs, a sentence each.
    idle: tuple[str, ...] = Field(default=(), exclude_if=not_)
    # The metrics of the tables; none: those of the task.
    metrics: tuple[str, ...] = Field(default=(), exclude_if=not_)
    # Boxes below this confidence are not in the page.
    html_conf: float = Field(default=HTML_CONF, exclude_if=lambda value: value == HTML_CONF)
    # Detections of an image and class that were scored, as `validate:` has it.
    max_det: int = Field(default=100, exclude_if=lambda value: value == 100)
    # Of the weights, and of the images by source: what the model card states.
    licence: str = Field(default="", exclude_if=not_)
    licences: dict[str, str] = Field(default_factory=dict, exclude_if=not_)
    # Checkpoint → sources of the runs' data sets with whose images it was trained.
    seen: dict[str, tuple[str, ...]] = Field(default_factory=dict, exclude_if=not_)
    # The results of other experiments, and the trials, with which runs begin.
    origins: tuple[ReferredResult, ...] = Field(default=(), exclude_if=not_)
    # Edits of code that were accepted as changing no result, a sentence each.
    accepted: tuple[str, ...] = Field(default=(), exclude_if=not_)
