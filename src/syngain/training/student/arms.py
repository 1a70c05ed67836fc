"""Train and score one variant in one seed, without a time budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from syngain.core.errors import InputError
from syngain.gain.proxies.task import Outcome
from syngain.learners.adapting import Kept, Material, Schedule, adapt, plain
from syngain.learners.causal_scoring import CHUNK
from syngain.training.student.arm_store import ScoredArm
from syngain.training.student.judging import StudentScorer, Surprisal
from syngain.training.student.splits import Round, Rows, seen
from syngain.training.student.time_budget import ARMS, Arm, Speed, TimeBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from syngain.core.arrays import Ints
    from syngain.core.rng import Streams
    from syngain.learners.adapting import Stepper
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion, TokenizedRows
    from syngain.models.checkpoints import Optimizer

Choose: TypeAlias = "Callable[[Ints, Ints], Ints]"
"""From the real rows of a seed and the synthetic rows it may use to the rows of the variant ``selected``."""

SAMPLE, TIMED_STEPS, TIMED_ROWS = 64, 2, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentDesign:
    """What is compared, and how a variant is trained and evaluated.

    Attributes:
        ``arms``: that run, in order. choose: selects the rows of ``anchors + selected``.
        stepper: takes the optimizer steps. judge: how a trained variant is scored.
    """

    arms: tuple[Arm, ...] = ARMS
    choose: Choose | None = None
    stepper: Stepper = plain
    judge: StudentScorer = field(default_factory=Surprisal)

    def as_json(self) -> dict[str, object]:
        """What outcomes depend on, in words; defaults are omitted."""
        found: dict[str, object] = {"arms": list(self.arms)} if self.arms != ARMS else {}
        return found | self.judge.as_json()


@dataclass(frozen=True, slots=True)
class ArmTrainer:
    """The model, the rows in tokens, and the streams of randomness."""

    model: CausalModel
    real: TokenizedRows
    synthetic: TokenizedRows
    judged: TokenizedRows
    rows: Rows
    streams: Streams
    design: StudentDesign = field(default_factory=StudentDesign)
    chosen: dict[int, Ints] = field(default_factory=dict)

    def round(self, seed: int) -> Round:
        """The rows of a seed."""
        return self.rows.round(seed, self.streams)

    def train(
        self, arm: Arm, seed: int, schedule: Schedule, *, untrained: float, state: Path, watch: Callable[[], None]
    ) -> Kept:
        """Train the variant; afterwards the model holds what was kept."""
        own = self.round(seed)
        real, synthetic = self._pool(arm, seed, own)
        batch = self.model.proxy.batch
        order = seen(
            real.size + synthetic.size, schedule.steps * batch, self.streams.stream("order", arm, str(seed))
        ).reshape(-1, batch)

        def rows(step: int) -> list[Completion]:
            positions = order[step]
            split = positions < real.size
            return self.real.take(real[positions[split]]) + self.synthetic.take(
                synthetic[positions[~split] - real.size]
            )

        material = Material(rows, self.real.take(own.held), untrained, self.design.stepper)
        start = int(self.streams.stream("adapter", arm, str(seed)).integers(2**31))
        return adapt(self.model, material, schedule, seed=start, state=state, watch=watch)

    def _pool(self, arm: Arm, seed: int, own: Round) -> tuple[Ints, Ints]:
        """The real and the synthetic rows that a variant learns from."""
        none = np.empty(0, dtype=np.int64)
        real = none if arm == "synthetic" else own.anchors
        if arm != "selected":
            return real, own.synthetic if arm in {"both", "synthetic"} else none
        if seed not in self.chosen and self.design.choose is not None:
            self.chosen[seed] = np.sort(self.design.choose(own.anchors, own.synthetic))
        return real, self.chosen[seed]

    def held_loss(self, seed: int) -> float:
        """Surprisal per token of the held-out real rows of a seed, as the model is now."""
        held = self.real.take(self.round(seed).held)
        return float(self.model.score(held).sum()) / max(sum(row.scored for row in held), 1)

    def score(self, seed: int, kept: Kept, rows: int, enough: Callable[[int], bool]) -> ScoredArm:
        """Score the rows of a seed in order, until ``rows`` or ``enough`` stops."""
        chosen = self.round(seed).judged[:rows]
        parts = []
        for first in range(0, len(chosen), CHUNK):
            parts.append(self.design.judge(self.model, self.judged, chosen[first : first + CHUNK]))
            if enough(first + CHUNK):
                break
        loss = np.concatenate([part.loss for part in parts])
        if not np.isfinite(loss).all():
            raise InputError(
                f"{self.model.proxy.model} gives a row no finite surprisal",
                expected="finite probabilities",
                todo="set dtype to float32, or lower the learning rates",
            )
        return ScoredArm(
            outcome=Outcome(loss, np.concatenate([part.size for part in parts])),
            tokens=np.concatenate([part.tokens for part in parts]),
            rate=kept.rate,
            step=kept.step,
            held=kept.loss,
            wrong=None
            if parts[0].wrong is None
            else np.concatenate([part.wrong for part in parts if part.wrong is not None]),
            curve=kept.curve,
        )

    def speed(self) -> Speed:
        """Measure seconds per step on this machine; the first step tests memory."""
        own, rng = self.round(0), self.streams.stream("speed")
        real, synthetic = self.real.take(_some(own.anchors, rng)), self.synthetic.take(_some(own.synthetic, rng))
        mixed = real + synthetic
        model, batch = self.model, self.model.proxy.batch
        model.reset(0)
        optimizer = model.optimizer()
        model.learn(sorted(mixed, key=lambda row: -len(row.ids))[:batch], optimizer, 0.0)
        seconds = {
            side: self._step_seconds(rows, optimizer, rng) for side, rows in (("real", real), ("synthetic", synthetic))
        }
        share = own.anchors.size / (own.anchors.size + own.synthetic.size)
        seconds["mixed"] = share * seconds["real"] + (1 - share) * seconds["synthetic"]
        judged = own.judged[:TIMED_ROWS]
        self.design.judge(model, self.judged, judged[:1])
        row_seconds = self._seconds(lambda: self.design.judge(model, self.judged, judged)) / judged.size
        held = self.real.take(own.held[:TIMED_ROWS])
        held_seconds = self._seconds(lambda: model.score(held)) * own.held.size / len(held)
        sides = {
            "anchors": "real",
            "both": "mixed",
            "selected": "mixed",
            "duplicated": "real",
            "synthetic": "synthetic",
        }
        return Speed(
            step={arm: seconds[side] for arm, side in sides.items()},  # type: ignore[misc]
            held=held_seconds,
            row=row_seconds,
        )

    def _step_seconds(self, rows: Sequence[Completion], optimizer: Optimizer, rng: np.random.Generator) -> float:
        """Seconds of a step on rows of this side; sides differ in tokens per row."""
        if not rows:
            return 0.0
        batch = self.model.proxy.batch
        steps = [[rows[i] for i in rng.integers(len(rows), size=batch)] for _ in range(TIMED_STEPS)]
        seconds = self._seconds(lambda: [self.model.learn(step, optimizer, 0.0) for step in steps])
        return seconds / sum(map(_length, steps)) * batch * _length(rows) / len(rows)

    def _seconds(self, work: Callable[[], object]) -> float:
        """Wall seconds; on a GPU of the second run, after its warm-up."""
        if self.model.device == "cuda":
            work()
        started = time.perf_counter()
        work()
        return time.perf_counter() - started


def schedule(plan: TimeBudget, rates: tuple[float, ...], seed: int, first: float | None) -> Schedule:
    """The schedule of a variant in a seed; ``first``: best rate of the first seed."""
    if plan.races(seed):
        return Schedule(steps=plan.steps, rates=rates[: plan.rates], race=plan.race, checks=plan.checks)
    rate = rates[0] if first is None else first
    return Schedule(steps=plan.steps, rates=(rate,), checks=plan.checks)


def _some(rows: Ints, rng: np.random.Generator) -> Ints:
    return rng.permutation(rows)[:SAMPLE]


def _length(rows: Sequence[Completion]) -> int:
    return sum(len(row.ids) for row in rows)
