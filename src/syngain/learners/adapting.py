"""One training run of an adapter: choose the learning rate, keep the best step.

A run is resumable at any step. All rates start from the same adapter and use the same rows for ``race`` steps; the one
with the smallest surprisal of the held-out rows continues to ``steps``. The held-out rows are scored at several steps,
and the run keeps the adapter of the best one. Step 0, the untrained model, is a candidate.
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
"""A saved leg of the comparison: the fields in :data:`LEG`, adapter and optimizer state."""
LEG = ("step", "last", "best", "best_step", "best_weights", "curve", "mean")
SAVE_SECONDS = 45.0  # a killed run loses at most this and a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Length of a run, learning rates and evaluation steps.

    Attributes:
        steps: optimizer steps of the run. rates: learning rates to compare; the first one alone when ``race`` is 0.
        race: steps of each rate in the comparison; 0 for none. checks: number of evenly spaced evaluations on held-out
            rows; 0 keeps the last step.
        average: 0 evaluates and keeps the weights of a step; t keeps their average with weights that grow as step^t
            (polynomial-decay averaging [shamir2013]), which lowers the noise between runs.
    """

    steps: int
    rates: tuple[float, ...]
    race: int = 0
    checks: int = 4
    average: float = 0.0

    @property
    def racing(self) -> tuple[float, ...]:
        """The learning rates to compare."""
        return self.rates if self.race and self.checks else self.rates[:1]

    @property
    def total(self) -> int:
        """Optimizer steps including those of rejected learning rates."""
        return self.steps + (len(self.racing) - 1) * self.race

    def check_at(self) -> frozenset[int]:
        """The steps at which held-out rows are scored."""
        even = {math.ceil(self.steps * (i + 1) / self.checks) for i in range(self.checks)}
        return frozenset(even | ({self.race} if len(self.racing) > 1 else set()))


@dataclass(frozen=True, slots=True)
class Kept:
    """The outcome of a run.

    Attributes:
        rate: the selected learning rate. step: the kept step. loss: surprisal of the held-out rows there.
        curve: all evaluations, as (step, surprisal per token); the untrained model is step 0.
    """

    rate: float
    step: int
    loss: float
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizerSteps:
    """Optimizer steps to take.

    Attributes:
        batch: the rows of a step. optimizer: of the model's adapter. rate: learning rate, warmed up by :func:`paced`.
        steps: their numbers. after: called after every step.
    """

    batch: Callable[[int], Sequence[Completion]]
    optimizer: Optimizer
    rate: float
    steps: range
    after: Callable[[], None]


class Stepper(Protocol):
    """Takes the optimizer steps: :func:`plain` here, TRL's trainer in ``training``."""

    def __call__(self, model: CausalModel, planned: OptimizerSteps, /) -> None:
        """Take these steps on the rows of each.

        Exceptions of ``after`` propagate, with the last step already in the weights.
        """


def plain(model: CausalModel, planned: OptimizerSteps) -> None:
    """The model's own optimizer steps, bit-identical for any number of cores."""
    for step in planned.steps:
        model.learn(planned.batch(step), planned.optimizer, paced(planned.rate, step))
        planned.after()


@dataclass(frozen=True, slots=True)
class Material:
    """Data of a run.

    Attributes:
        batch: the rows of a step. held: held-out rows. untrained: their surprisal per token before training.
        stepper: takes the optimizer steps.
        start: the initial adapter of every rate, ordered as :meth:`CausalModel.weights`; None for a new one.
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
    """Train an adapter; afterwards the model contains that of the best step.

    Args:
        model: its adapter is overwritten.
        material: rows, and the function that takes the steps.
        schedule: length and rates.
        seed: seed of the initial adapter.
        state: a file written about once a minute, read if it exists, and kept at the end.
        watch: called after every step; its exceptions stop the run after the state is saved.
    """
    return _AdapterRun(model, material, schedule, seed, state, watch).go()


@dataclass(slots=True)
class _AdapterRun:
    """A run and its state: current ``leg``, step of the leg, and best leg so far."""

    model: CausalModel
    material: Material
    schedule: Schedule
    seed: int
    state: Path
    watch: Callable[[], None]
    optimizer: Optimizer = None
    leg: int = 0
    lead: int = 0
    leader: Leg | None = None  # the complete best leg, while others still run
    step: int = 0
    last: float = math.inf  # surprisal of the held-out rows when they were scored last
    best: float = math.inf
    best_step: int = 0
    best_weights: list[Tensor] = field(default_factory=list)
    curve: list[tuple[int, float]] = field(default_factory=list)
    mean: list[Tensor] = field(default_factory=list)  # averaged weights; empty without averaging
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
            put(self.model, self._weights())
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
        self.mean = copied(self.model) if self.schedule.average else []
        self.curve = [(0, self.material.untrained)] if self.schedule.checks else []

    def _advance(self, goal: int, rate: float) -> None:
        if self.step < goal:
            steps = range(self.step, goal)
            planned = OptimizerSteps(self.material.batch, self.optimizer, rate, steps, self._after_step)
            self.material.stepper(self.model, planned)

    def _after_step(self) -> None:
        self.step += 1
        if self.mean:
            part = (self.schedule.average + 1) / (self.step + self.schedule.average)
            for old, new in zip(self.mean, self.model.weights(), strict=True):
                old.add_(new.detach().to("cpu") - old, alpha=part)
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
        held, now = self.material.held, copied(self.model) if self.mean else []
        if self.mean:
            put(self.model, self.mean)
        self.last = float(self.model.score(held).sum()) / max(sum(row.scored for row in held), 1)
        self.curve.append((self.step, self.last))
        if self.last < self.best:
            self.best, self.best_step, self.best_weights = self.last, self.step, copied(self.model)
        if self.mean:
            put(self.model, now)

    def _weights(self) -> list[Tensor]:
        """The averaged weights, else those of the last step."""
        return self.mean or copied(self.model)

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
        named = {name: copy.copy(getattr(self, name)) for name in LEG} | {"mean": [part.clone() for part in self.mean]}
        return named | {"weights": copied(self.model), "optimizer": copy.deepcopy(self.optimizer.state_dict())}

    def _restore(self, leg: Leg) -> None:
        for name in LEG:
            setattr(self, name, copy.copy(leg[name]))
        put(self.model, leg["weights"])
        self.optimizer.load_state_dict(leg["optimizer"])

    def _save(self) -> None:
        """Save the state to a temporary file and rename it.

        A kill keeps the previous file.
        """
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
        ValueError: number or shapes of the tensors differ from the adapter's.
    """
    for weight, value in zip(model.weights(), weights, strict=True):
        weight.data.copy_(value)
