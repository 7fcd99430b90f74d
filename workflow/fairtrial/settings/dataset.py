"""What config/datasets/<name>.yaml may hold: a view of a source, and how it is split."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from fairtrial import SettingsError
from fairtrial.files.yamlfile import Closed, Name, distinct

FOLD = re.compile(r"^(.+)\.fold([1-9][0-9]*)$")

NO_CLASSES = "must be a list of names, or a map from the source's names to new ones"


def _size(value: float) -> float:
    if value >= 1 and value != int(value):
        raise ValueError("must be a share below 1, or a whole number of images")
    return value


def _classes(value: Any) -> Any:
    """A list or a map of names; here rather than as two types, for one plain message."""
    names = [*value.values()] if isinstance(value, dict) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(NO_CLASSES)
    if not names:
        raise ValueError("must hold at least one")
    return value if isinstance(value, dict) else distinct(value)


Size = Annotated[float, Field(ge=0), AfterValidator(_size)]


class SplitSettings(Closed):
    """How a data set's images come to lie in train, val and test."""

    method: Literal["given", "random", "stratified", "grouped", "kfold"]
    seed: int = 0
    val: Annotated[Size, Field(gt=0)] = 0.2  # share, or number of images
    test: Size = 0.2
    stratify: bool = False  # `grouped` alone: share the classes out as well
    folds: Annotated[int, Field(ge=3)] = 5  # `kfold` alone, as is `fold`
    # the fold that is test; null: the file stands for one data set a fold, `<name>.fold1` …
    fold: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _fits_its_method(self) -> SplitSettings:
        if self.val < 1 and self.test < 1 and self.val + self.test >= 1:
            raise ValueError("`val` and `test` together leave nothing to train on")
        kfold = self.method == "kfold"
        for key in ("val", "test") if kfold else ("folds", "fold"):
            if key in self.model_fields_set:
                has = "has no" if kfold else "alone has"
                raise ValueError(f"the method `kfold` {has} `{key}`")
        if self.stratify and self.method != "grouped":
            raise ValueError(
                "`stratify` belongs to the method `grouped`; `stratified` and `kfold` do so anyway"
            )
        if self.fold is not None and self.fold > self.folds:
            raise ValueError(f"there is no fold {self.fold} of {self.folds}")
        return self


class BalanceSettings(Closed):
    """Undersampling of train. Val and test stay as they are."""

    ratio: Annotated[float, Field(ge=1)] | None = None  # objects of a class for one of the rarest
    cap: Annotated[int, Field(ge=1)] | None = None  # most objects of a class

    @model_validator(mode="after")
    def _says_something(self) -> BalanceSettings:
        if self.ratio is None and self.cap is None:
            raise ValueError("must hold `ratio`, `cap` or both")
        return self


class DatasetSettings(Closed):
    """config/datasets/<name>.yaml: one view of a source."""

    source: Name
    # Names to keep, in this order, or the source's names with ours; null keeps all.
    classes: Annotated[Any, AfterValidator(_classes)] | None = None
    single_cls: Annotated[str, Field(min_length=1)] | None = None  # the name of the one class
    split: SplitSettings
    balance: BalanceSettings | None = None
    allow: Annotated[list[Literal["group", "content", "near"]], AfterValidator(distinct)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _agrees(self) -> DatasetSettings:
        if self.split.method == "grouped" and "group" in self.allow:
            raise ValueError("`grouped` keeps groups together, and `allow` parts them; choose one")
        return self

    def fold(self, number: int) -> DatasetSettings:
        """The data set in which one fold is test."""
        split = self.split.model_copy(update={"fold": number})
        return self.model_copy(update={"split": split})

    def folds(self, name: str) -> list[str]:
        """The names of the data sets that a file `<name>.yaml` stands for where it leaves the
        fold open: `<name>.fold1`, `<name>.fold2` …; otherwise its own name alone."""
        if self.split.method != "kfold" or self.split.fold is not None:
            return [name]
        return [f"{name}.fold{number}" for number in range(1, self.split.folds + 1)]


def one_fold(dataset: DatasetSettings, name: str, where: str) -> DatasetSettings:
    """What `<name>` or `<name>.fold<k>` means, from the file's content. SettingsError where it
    leaves open which fold, or there is no such one."""
    known = dataset.folds(re.sub(FOLD, r"\1", name))
    match = FOLD.match(name)
    if len(known) == 1 and not match:
        return dataset
    if len(known) == 1:
        raise SettingsError(f"{where}: `{name}`: must be `{known[0]}`, which leaves no fold open")
    if name not in known:
        raise SettingsError(f"{where}: `{name}`: must name a fold: {', '.join(known)}")
    assert match is not None
    return dataset.fold(int(match[2]))
