"""Plan a training run for a time budget: reduce steps, then seeds, rows, controls.

Pure arithmetic on measured seconds. Every trained variant takes the same number of steps in the same number of seeds.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from syngain.core.errors import UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Arm = Literal["base", "anchors", "both", "selected", "duplicated", "synthetic"]
ARMS: tuple[Arm, ...] = ("base", "anchors", "both", "duplicated", "synthetic")
ESSENTIAL: tuple[Arm, ...] = ("base", "anchors", "both")
NAMES: Mapping[Arm, str] = {
    "base": "untrained",
    "anchors": "real rows",
    "both": "real + synthetic",
    "selected": "real + selected",
    "duplicated": "oversampling control",
    "synthetic": "synthetic only",
}
ID_NAMES: Mapping[Arm, str] = {  # in the ids of ``report.json``
    "base": "untrained",
    "anchors": "anchors",
    "both": "anchors_and_synthetic",
    "selected": "anchors_and_selected",
    "duplicated": "anchors_repeated",
    "synthetic": "synthetic_only",
}
GIVEN_UP: tuple[Arm, ...] = ("synthetic", "selected", "duplicated")  # in this order, when time is short
STRIDE = 4  # steps are reduced by four


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentLimits:
    """How much is measured at most and at least.

    Attributes:
        steps: optimizer steps of a variant, least and most. seeds: most of them. rows: least test rows that are scored.
        checks: how often a variant scores its held-out real rows. reserve: fraction of the minutes that is not planned
            for.
        once: whether learning rates race in the first seed only, and the others take the rate that won there.
    """

    steps: tuple[int, int] = (20, 120)
    seeds: int = 3
    rows: int = 60
    checks: int = 4
    reserve: float = 0.1
    once: bool = False

    def __post_init__(self) -> None:
        least, most = self.steps
        if not 1 <= least <= most or min(self.seeds, self.rows, self.checks) < 1 or not 0 <= self.reserve < 1:
            raise UsageError(
                f"limits {asdict(self)}",
                expected="positive numbers, steps as (least, most)",
                todo="set them, for example steps=(20, 120)",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Seconds on this machine.

    Attributes:
        step: of one optimizer step, by variant. held: of scoring the held-out real rows once. row: of scoring one test
            row.
    """

    step: Mapping[Arm, float]
    held: float
    row: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBudget:
    """The plan of a run.

    Attributes:
        steps: optimizer steps of every trained variant. seeds: repetitions.
        rows: test rows that are scored, of ``all_rows``.
        ``arms``: in the order they run. race: steps of each learning rate in the race, 0 for none. rates: how many
            race.
        checks: how often a variant scores held-out real rows. shared: whether all seeds score the same test rows.
        batch: rows of a step. speed: what it was planned with. once: whether rates race in the first seed only.
        asked: how many rates were to race.
    """

    steps: int
    seeds: int
    rows: int
    all_rows: int
    arms: tuple[Arm, ...]
    race: int
    rates: int
    checks: int
    shared: bool
    batch: int
    speed: Speed
    once: bool = False
    asked: int = 2

    def races(self, seed: int) -> bool:
        """Whether learning rates race in this seed."""
        return self.race > 0 and self.rates > 1 and (seed == 0 or not self.once)

    def training_seconds(self, arm: Arm, seed: int = 0) -> float:
        """Seconds of training one variant once, with rate search and held-out rows."""
        if arm == "base":
            return 0.0
        plain = self.steps * self.speed.step[arm]
        if arm == "duplicated":  # takes rate and steps from real + synthetic rows: no race, no checks
            return plain
        losers = self.rates - 1 if self.races(seed) else 0
        return plain + losers * self.race * self.speed.step[arm] + (self.checks + losers) * self.speed.held

    def arm_seconds(self, arm: Arm, seed: int = 0) -> float:
        """Seconds of one variant in one seed, its test rows included."""
        return self.training_seconds(arm, seed) + self.rows * self.speed.row

    def seed_seconds(self, index: int, arms: tuple[Arm, ...] | None = None) -> float:
        """Seconds of one seed; equal test rows score the untrained model once."""
        chosen = [arm for arm in arms or self.arms if arm != "base" or index == 0 or not self.shared]
        untrained_held = self.speed.held  # the held-out real rows before training, once for all variants
        return untrained_held + sum(self.arm_seconds(arm, index) for arm in chosen)

    @property
    def seconds(self) -> float:
        """Seconds of all."""
        return sum(self.seed_seconds(index) for index in range(self.seeds))

    @property
    def marks(self) -> tuple[str, ...]:
        """What was reduced to fit, as warnings on the numbers."""
        found = []
        if self.seeds == 1:
            found.append("one seed")
        if self.rows < self.all_rows:
            found.append(f"{self.rows} of {self.all_rows} test rows")
        if not self.race and self.asked > 1:
            found.append("no learning-rate search")
        found += [f"without {NAMES[arm]}" for arm in ("synthetic", "duplicated") if arm not in self.arms]
        return tuple(found)

    def as_json(self) -> dict[str, object]:
        """The plan as it is stored, so that a resumed run follows it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> TimeBudget:
        """The stored plan."""
        found = dict(stored)
        speed = found.pop("speed")
        if not isinstance(speed, dict) or not isinstance(found["arms"], list):
            raise TypeError("a stored plan has a speed and a list of variants")
        return cls(**found | {"speed": Speed(**speed), "arms": tuple(found["arms"])})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRequest:
    """The measurement requested.

    Attributes:
        rows: test rows. shared: whether all seeds score the same ones. rates: learning rates that race.
        batch: rows of a step. ``arms``: in the order they run.
    """

    rows: int
    shared: bool
    rates: int
    batch: int
    arms: tuple[Arm, ...] = ARMS


def choose(speed: Speed, asked: BudgetRequest, *, seconds: float, limits: StudentLimits) -> TimeBudget:
    """The largest plan that fits: reduce steps, then seeds, test rows, controls.

    Raises:
        UnfinishedError: when not even the smallest fits; says how many minutes it needs.
    """
    usable = seconds * (1 - limits.reserve)
    largest = TimeBudget(
        steps=limits.steps[1],
        seeds=limits.seeds,
        rows=asked.rows,
        all_rows=asked.rows,
        arms=asked.arms,
        race=_race(limits.steps[1], asked.rates),
        rates=asked.rates,
        checks=limits.checks,
        shared=asked.shared,
        batch=asked.batch,
        speed=speed,
        once=limits.once,
        asked=asked.rates,
    )
    plan = largest
    for plan in _descending(largest, limits):
        if plan.seconds <= usable:
            return plan
    needed = math.ceil(plan.seconds / (1 - limits.reserve) / 60)
    raise UnfinishedError(
        f"{seconds / 60:.1f} minutes are left; the smallest comparison needs about {needed} on this machine",
        expected=f"time for {limits.steps[0]} steps of {asked.batch} rows in two variants and {plan.rows} test rows",
        todo=f"set --minutes {needed + 1}, truncate rows to fewer tokens, or use a smaller proxy model",
    )


def _descending(largest: TimeBudget, limits: StudentLimits) -> Iterator[TimeBudget]:
    """All plans, the best first."""
    least, most = limits.steps
    for arms, rates in _controls(largest.arms, largest.rates):
        full = replace(largest, arms=arms, rates=rates)
        for seeds in range(limits.seeds, 0, -1):
            for steps in (*range(most, least, -STRIDE), least):
                yield replace(full, seeds=seeds, steps=steps, race=_race(steps, rates))
        for rows in range(full.rows - 1, min(limits.rows, full.rows) - 1, -1):
            yield replace(full, seeds=1, steps=least, race=_race(least, rates), rows=rows)


def _controls(arms: tuple[Arm, ...], rates: int) -> Iterator[tuple[tuple[Arm, ...], int]]:
    """Variants and numbers of rates, in the order in which they are dropped."""
    if rates > 1:
        yield arms, rates
    yield arms, 1
    for gone in GIVEN_UP:
        if gone in arms:
            arms = tuple(arm for arm in arms if arm != gone)
            yield arms, 1


def _race(steps: int, rates: int) -> int:
    return max(steps // 4, 1) if rates > 1 else 0
