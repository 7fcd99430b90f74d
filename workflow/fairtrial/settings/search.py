"""The model of `search:` in an experiment: what is varied, how long, and by which engine."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from fairtrial.files.yamlfile import LARGEST_SEED, Closed, distinct


def _number(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """One message in place of pydantic's two, for whole numbers and for others."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("must be a number") from None


Engine = Literal["ga", "mutate", "tpe", "cmaes", "gp", "random"]
Pruning = Literal["median", "halving", "hyperband", "off"]
Metric = Literal["fitness", "precision", "recall", "f1", "AP50", "AP", "accuracy", "top5"]  # on val
Cost = Literal["parameters", "gflops", "ms"]
Objective = Literal[
    Metric, Cost
]  # one of several: a metric that is to be high, a cost that is to be low
COSTS: tuple[Cost, ...] = get_args(Cost)  # of a model: its size, or the time of an image
ENGINES_OF_ONE: tuple[Engine, ...] = ("cmaes", "mutate")  # which know no second objective
Number = Annotated[int | float, WrapValidator(_number)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
T = TypeVar("T")
OneOrMore = Annotated[
    tuple[T, ...],
    Field(min_length=1),
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else (value,)),
]


class Range(Closed):
    """A parameter that takes any value from `min` to `max`."""

    min: Number
    max: Number
    log: bool = False  # as likely between 1e-4 and 1e-3 as between 1e-3 and 1e-2
    step: Annotated[Number, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if self.min >= self.max:
            raise ValueError(f"`min` ({self.min:g}) must be below `max` ({self.max:g})")
        if self.log and self.min <= 0:
            raise ValueError(f"`log` needs a `min` above 0; it is {self.min:g}")
        if self.log and self.step is not None:
            raise ValueError("`log` and `step` exclude each other")
        return self


class SearchSettings(Closed):
    """`search:` of an experiment. Several engines, seeds or data sets are several studies."""

    # Range, or a list of values; checked with the setting that it varies.
    space: Annotated[dict[str, Any], Field(min_length=1)]
    trials: Annotated[int, Field(ge=1)] | None = None
    hours: Annotated[float, Field(gt=0)] | None = None  # of training, added up over workers
    engine: OneOrMore[Engine] = ("tpe",)
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    seed: OneOrMore[Seed] = (0,)  # of the engine
    trial_seed: Seed = 10000  # of each trial's training; no run may have it
    pruning: Pruning = "median"  # with several objectives it must be off, and is, see `pruned_by`
    # None: the fitness alone.
    objectives: Annotated[list[Objective], AfterValidator(distinct)] = Field(default_factory=list)
    datasets: Annotated[list[str], Field(min_length=1)] | None = None  # null: the run's own
    first: Annotated[str | None, Field(alias="from")] = None  # the study whose trials come first

    @model_validator(mode="after")
    def _suits_its_objectives(self) -> SearchSettings:
        if not self.objectives:
            return self
        if len(self.objectives) == 1:
            raise ValueError("`objectives` must name two at least; one is the `fitness` of `base`")
        if self.pruning != "off" and "pruning" in self.model_fields_set:
            raise ValueError(
                f"`pruning: {self.pruning}` compares trials by one value, and there are several "
                "`objectives`; leave `pruning` out, or set it to off"
            )
        if unfit := [engine for engine in self.engine if engine in ENGINES_OF_ONE]:
            raise ValueError(
                f"`engine: {unfit[0]}` knows one objective, and `objectives` names several; take "
                "ga (NSGA-II), tpe, gp or random"
            )
        return self

    @model_validator(mode="after")
    def _has_one_budget(self) -> SearchSettings:
        if (self.trials is None) == (self.hours is None):
            raise ValueError("needs either `trials` or `hours`")
        return self

    @property
    def pruned_by(self) -> Pruning:
        """The rule that gives trials up; none with several objectives."""
        return "off" if self.objectives else self.pruning

    def studies(self) -> dict[str, tuple[Engine, int, str | None]]:
        """Engine, seed and data set (None: the run's own) of each study, by its name.

        No run has such a name, since names of runs end in `-s<seed>`.
        """
        studies: dict[str, tuple[Engine, int, str | None]] = {}
        for dataset in self.datasets or (None,):
            for engine in self.engine:
                for seed in self.seed:
                    name = f"{engine}-seed{seed}"
                    studies[f"{dataset}-{name}" if dataset else name] = (engine, seed, dataset)
        return studies
