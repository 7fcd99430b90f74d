"""How images are assigned to train, val and test, and how train is undersampled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from fairtrial.files.yamlfile import Closed


def _size(value: float) -> float:
    if value >= 1 and value != int(value):
        raise ValueError("must be a share below 1, or a whole number of images")
    return value


Size = Annotated[float, Field(ge=0), AfterValidator(_size)]


class SplitRule(Closed):
    """`split:` of a data set: how its images are assigned to train, val and test."""

    method: Literal["given", "random", "stratified", "grouped", "kfold"]
    seed: int = 0
    val: Annotated[Size, Field(gt=0)] = 0.2  # share, or number of images
    test: Size = 0.2
    stratify: bool = False  # `grouped` alone: share the classes out as well
    folds: Annotated[int, Field(ge=3)] = 5  # `kfold` alone, as is `fold`
    # the fold that is test; null: the file stands for one data set a fold, `<name>.fold1` …
    fold: Annotated[int, Field(ge=1)] | None = None

    @property
    def _of_other_methods(self) -> tuple[str, str]:
        """The keys that this method does not have."""
        return ("val", "test") if self.method == "kfold" else ("folds", "fold")

    @model_validator(mode="after")
    def _fits_its_method(self) -> SplitRule:
        if self.val < 1 and self.test < 1 and self.val + self.test >= 1:
            raise ValueError("`val` and `test` together leave nothing to train on")
        for key in self._of_other_methods:
            if key in self.model_fields_set:
                if self.method == "kfold":
                    raise ValueError(f"the method `kfold` has no `{key}`")
                raise ValueError(f"only the method `kfold` has `{key}`")
        if self.stratify and self.method != "grouped":
            raise ValueError(
                "`stratify` belongs to the method `grouped`; "
                "`stratified` and `kfold` stratify anyway"
            )
        if self.fold is not None and self.fold > self.folds:
            raise ValueError(f"there is no fold {self.fold} of {self.folds}")
        return self

    @model_serializer(mode="wrap")
    def _without_other_methods(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the keys of other methods, which `_fits_its_method` would refuse."""
        content: dict[str, Any] = dump(self)
        return {key: value for key, value in content.items() if key not in self._of_other_methods}


class BalanceRule(Closed):
    """`balance:` of a data set: undersampling of train. Val and test stay as they are."""

    ratio: Annotated[float, Field(ge=1)] | None = None  # objects of a class for one of the rarest
    cap: Annotated[int, Field(ge=1)] | None = None  # most objects of a class

    @model_validator(mode="after")
    def _has_a_limit(self) -> BalanceRule:
        if self.ratio is None and self.cap is None:
            raise ValueError("must hold `ratio`, `cap` or both")
        return self
