"""One training run of an adapter: learning rates race, the best goes on, the best step is kept; resumable at any step.

All rates start from the same adapter and see the same rows for ``race`` steps; the one with the smallest surprisal of
the held-out rows continues to ``steps``. The held-out rows are scored a few times, and the adapter of the best time
is what the run leaves in the model: step 0, the untrained model, takes part.
"""

from __future__ import annotations

import copy
import math
import pickle
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from syngain.core.optional import require
from syngain.learners.causal import paced
from syngain.models.checkpoints import EXTRA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion
    from syngain.models.checkpoints import Optimizer, Tensor

Leg: TypeAlias = "dict[str, Any]"
"""A leg of the race as it is saved: what :data:`LEG` names, the adapter and the state of the optimizer."""
LEG = ("step", "last", "best", "best_step", "best_weights", "curve")
SAVE_SECONDS = 45.0  # a killed run loses at most this and a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a run goes.

    Attributes:
        steps: optimizer steps of the run. rates: that race, the first one alone when there is no race.
        race: steps of each rate in the race; 0 for none. checks: how often held-out rows are scored, evenly; 0 keeps
            the last step.
    """

    steps: int
    rates: tuple[float, ...]
    race: int = 0
    checks: int = 4

    @property
    def racing(self) -> tuple[float, ...]:
        """The rates that are tried."""
        return self.rates if self.race and self.checks else self.rates[:1]

    @property
    def total(self) -> int:
        """Optimizer steps including those of the rates that lose."""
        return self.steps + (len(self.racing) - 1) * self.race

    def check_at(self) -> frozenset[int]:
        """The steps after which the held-out rows are scored."""
        even = {math.ceil(self.steps * (i + 1) / self.checks) for i in range(self.checks)}
        return frozenset(even | ({self.race} if len(self.racing) > 1 else set()))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run ended with.

    Attributes:
        rate: the learning rate that won. step: that was kept. loss: surprisal of the held-out rows there.
        curve: every time they were scored, as (step, surprisal per token); the untrained model is step 0.
    """

    rate: float
    step: int
    loss: float
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizerSteps:
    """Steps that are to be taken.

    Attributes:
        batch: the rows of a step. optimizer: of the model's adapter. rate: learning rate, warmed up by :func:`paced`.
        steps: their numbers. after: called after every one of them.
    """

    batch: Callable[[int], Sequence[Completion]]
    optimizer: Optimizer
    rate: float
    steps: range
    after: Callable[[], None]


class Stepper(Protocol):
    """Who takes the optimizer steps: :func:`plain` here, TRL's trainer in ``training``."""

    def __call__(self, model: CausalModel, planned: OptimizerSteps, /) -> None:
        """Take these steps on the rows of each.

        What ``after`` raises must come out, with the step that was just taken in the weights.
        """


def plain(model: CausalModel, planned: OptimizerSteps) -> None:
    """The model's own steps: the same to the last bit however many cores are free."""
    for step in planned.steps:
        model.learn(planned.batch(step), planned.optimizer, paced(planned.rate, step))
        planned.after()


@dataclass(frozen=True, slots=True)
class Material:
    """What a run learns from, and how.

    Attributes:
        batch: the rows of a step. held: held-out rows. untrained: their surprisal per token before training.
        stepper: who takes the steps.
        start: the adapter that every rate starts from, as :meth:`CausalModel.weights` orders it; None for a fresh one.
    """

    batch: Callable[[int], Sequence[Completion]]
    held: Sequence[Completion]
    untrained: float
    stepper: Stepper = plain
    start: Sequence[Tensor] | None = None


def adapt(
    model: CausalModel,
    material: Material,
    schedule: Schedule,
    *,
    seed: int,
    state: Path,
    watch: Callable[[], None],
) -> Kept:
    """Train an adapter; afterwards the model holds the one of the best step.

    Args:
        model: its adapter is overwritten.
        material: what to learn from, and who takes the steps.
        schedule: how long.
        seed: of the adapter's first directions.
        state: a file that is written about once a minute, read when it is there, and left behind at the end.
        watch: called after every step; what it raises stops the run after its state was saved.
    """
    return _AdapterRun(model, material, schedule, seed, state, watch).go()


@dataclass(slots=True)
class _AdapterRun:
    """A run and its state: ``leg`` of the race, step of the leg, the leading leg so far."""

    model: CausalModel
    material: Material
    schedule: Schedule
    seed: int
    state: Path
    watch: Callable[[], None]
    optimizer: Optimizer = None
    leg: int = 0
    lead: int = 0
    leader: Leg | None = None  # the leading leg, whole, while others still race
    step: int = 0
    last: float = math.inf  # surprisal of the held-out rows when they were scored last
    best: float = math.inf
    best_step: int = 0
    best_weights: list[Tensor] = field(default_factory=list)
    curve: list[tuple[int, float]] = field(default_factory=list)
    saved: float = 0.0

    @property
    def legs(self) -> int:
        return len(self.schedule.racing) if len(self.schedule.racing) > 1 else 0

    def go(self) -> Kept:
        self.saved = time.monotonic()
        self._fresh()
        self._load()
        while self.leg < self.legs:
            self._advance(self.schedule.race, self.schedule.racing[self.leg])
            self._end_leg()
        rate = self.schedule.racing[self.lead]
        self._advance(self.schedule.steps, rate)
        if not self.schedule.checks:
            return Kept(rate, self.step, math.nan)
        put(self.model, self.best_weights)
        return Kept(rate, self.best_step, self.best, tuple(self.curve))

    def _fresh(self) -> None:
        self.model.reset(self.seed)
        if self.material.start is not None:
            put(self.model, self.material.start)
        self.optimizer = self.model.optimizer()
        self.step, self.best_step = 0, 0
        self.last = self.best = self.material.untrained
        self.best_weights = copied(self.model)
        self.curve = [(0, self.material.untrained)] if self.schedule.checks else []

    def _advance(self, goal: int, rate: float) -> None:
        if self.step < goal:
            steps = range(self.step, goal)
            planned = OptimizerSteps(self.material.batch, self.optimizer, rate, steps, self._after_step)
            self.material.stepper(self.model, planned)

    def _after_step(self) -> None:
        self.step += 1
        if self.step in self.schedule.check_at():
            self._check()
        try:
            self.watch()
        except BaseException:
            self._save()
            raise
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self._save()

    def _check(self) -> None:
        held = self.material.held
        self.last = float(self.model.score(held).sum()) / max(sum(row.scored for row in held), 1)
        self.curve.append((self.step, self.last))
        if self.last < self.best:
            self.best, self.best_step, self.best_weights = self.last, self.step, copied(self.model)

    def _end_leg(self) -> None:
        if self.leader is None or self.last < self.leader["last"]:
            self.lead, self.leader = self.leg, self._leg_state()
        self.leg += 1
        if self.leg < self.legs:
            self._fresh()
        else:
            self._restore(self.leader)
            self.leader = None

    def _leg_state(self) -> Leg:
        named = {name: copy.copy(getattr(self, name)) for name in LEG}
        return named | {"weights": copied(self.model), "optimizer": copy.deepcopy(self.optimizer.state_dict())}

    def _restore(self, leg: Leg) -> None:
        for name in LEG:
            setattr(self, name, copy.copy(leg[name]))
        put(self.model, leg["weights"])
        self.optimizer.load_state_dict(leg["optimizer"])

    def _save(self) -> None:
        """All of the state, written beside and renamed: a kill in between leaves the one before."""
        torch = require("torch", extra=EXTRA, purpose="a language model")
        whole = {"leg": self.leg, "lead": self.lead, "leader": self.leader, "now": self._leg_state()}
        beside = self.state.with_suffix(".new")
        torch.save(whole, beside)
        beside.replace(self.state)
        self.saved = time.monotonic()

    def _load(self) -> None:
        if not self.state.is_file():
            return
        torch = require("torch", extra=EXTRA, purpose="a language model")
        try:
            found = torch.load(self.state, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
            self.state.unlink()  # a damaged disk costs a run, not the job
            return
        self.leg, self.lead, self.leader = found["leg"], found["lead"], found["leader"]
        self._restore(found["now"])


def copied(model: CausalModel) -> list[Tensor]:
    """A copy of the adapter, on the CPU."""
    return [weight.detach().to("cpu", copy=True) for weight in model.weights()]


def put(model: CausalModel, weights: Sequence[Tensor]) -> None:
    """Overwrite the adapter.

    Raises:
        ValueError: as many tensors as the adapter has, of their shapes, were not given.
    """
    for weight, value in zip(model.weights(), weights, strict=True):
        weight.data.copy_(value)
