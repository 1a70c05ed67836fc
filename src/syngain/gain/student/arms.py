"""One arm of one seed: trained on its rows, scored on the rows of the seed. Knows what learns from what, no budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.gain.student.plan import Arm, Plan, Speed
from syngain.gain.student.rows import Round, Rows, seen
from syngain.gain.student.store import Scored
from syngain.gain.task import Outcome
from syngain.learners.adapting import Kept, Material, Schedule, adapt
from syngain.learners.causal import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from syngain.core.rng import Streams
    from syngain.data.dataset import Dataset
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion, Reader

    Ints = NDArray[np.int64]

SAMPLE, TIMED_STEPS, TIMED_ROWS = 64, 2, 16


@dataclass(slots=True)
class Side:
    """The rows of one dataset in tokens, read when they are needed."""

    reader: Reader
    rows: Dataset
    read: dict[int, Completion] = field(default_factory=dict)

    def take(self, chosen: Sequence[int] | Ints) -> list[Completion]:
        """These rows, in this order."""
        sides = list(self.rows.sides.values())
        for row in (int(row) for row in chosen):
            if row not in self.read:
                prompt, response = ("", sides[0][row]) if len(sides) == 1 else (sides[0][row], sides[1][row])
                self.read[row] = self.reader.read(prompt, response)
        return [self.read[int(row)] for row in chosen]

    @property
    def cut(self) -> int:
        """Rows that were longer than what is read."""
        return sum(row.cut for row in self.read.values())


@dataclass(frozen=True, slots=True)
class Bench:
    """The model, the rows in tokens, and the streams of randomness."""

    model: CausalModel
    real: Side
    synthetic: Side
    judged: Side
    rows: Rows
    streams: Streams

    def round(self, seed: int) -> Round:
        """The rows of a seed."""
        return self.rows.round(seed, self.streams)

    def train(
        self, arm: Arm, seed: int, schedule: Schedule, *, untrained: float, state: Path, watch: Callable[[], None]
    ) -> Kept:
        """Train the arm; afterwards the model holds what was kept."""
        own = self.round(seed)
        real, synthetic = _pool(arm, own)
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

        material = Material(rows, self.real.take(own.held), untrained)
        start = int(self.streams.stream("adapter", arm, str(seed)).integers(2**31))
        return adapt(self.model, material, schedule, seed=start, state=state, watch=watch)

    def held_loss(self, seed: int) -> float:
        """Surprisal per token of the held-out anchors of a seed, as the model is now."""
        held = self.real.take(self.round(seed).held)
        return float(self.model.score(held).sum()) / max(sum(row.scored for row in held), 1)

    def score(self, seed: int, kept: Kept, rows: int, enough: Callable[[int], bool]) -> Scored:
        """Score the rows of a seed in order, until there are ``rows`` of them or ``enough`` says so."""
        chosen = self.judged.take(self.round(seed).judged[:rows])
        losses: list[NDArray[np.float64]] = []
        for first in range(0, len(chosen), CHUNK):
            losses.append(self.model.score(chosen[first : first + CHUNK]))
            if enough(first + CHUNK):
                break
        loss = np.concatenate(losses)
        if not np.isfinite(loss).all():
            raise InputError(
                f"{self.model.proxy.model} gives a row no finite surprisal",
                expected="finite probabilities",
                todo="try dtype float32 or smaller learning rates",
            )
        read = chosen[: loss.size]
        return Scored(
            outcome=Outcome(loss, np.array([row.size for row in read], dtype=np.float64)),
            tokens=np.array([row.scored for row in read], dtype=np.int64),
            rate=kept.rate,
            step=kept.step,
            held=kept.loss,
        )

    def speed(self) -> Speed:
        """Measure this machine: a step on the longest rows finds out about memory, the next ones about seconds."""
        own, rng = self.round(0), self.streams.stream("speed")
        real, synthetic = self.real.take(_some(own.anchors, rng)), self.synthetic.take(_some(own.synthetic, rng))
        mixed = real + synthetic
        model, batch = self.model, self.model.proxy.batch
        model.reset(0)
        optimizer = model.optimizer()
        model.learn(sorted(mixed, key=lambda row: -len(row.ids))[:batch], optimizer, 0.0)
        steps = [[mixed[i] for i in rng.integers(len(mixed), size=batch)] for _ in range(TIMED_STEPS)]
        started = time.perf_counter()
        for step in steps:
            model.learn(step, optimizer, 0.0)
        trained = (time.perf_counter() - started) / sum(len(row.ids) for step in steps for row in step)
        judged = self.judged.take(own.judged[:TIMED_ROWS])
        model.score(judged[:1])
        started = time.perf_counter()
        model.score(judged)
        scored = (time.perf_counter() - started) / sum(len(row.ids) for row in judged)
        lengths = {"real": _mean_length(real), "synthetic": _mean_length(synthetic), "mixed": 0.0}
        share = own.anchors.size / (own.anchors.size + own.synthetic.size)
        lengths["mixed"] = share * lengths["real"] + (1 - share) * lengths["synthetic"]
        sides = {"anchors": "real", "both": "mixed", "duplicated": "real", "synthetic": "synthetic"}
        held = sum(len(row.ids) for row in self.real.take(own.held))
        return Speed(
            step={arm: trained * batch * lengths[side] for arm, side in sides.items()},  # type: ignore[misc]
            held=scored * held,
            row=scored * _mean_length(self.judged.take(_some(own.judged, rng))),
        )


def schedule(plan: Plan, rates: tuple[float, ...]) -> Schedule:
    """How an arm that tunes itself is trained."""
    return Schedule(steps=plan.steps, rates=rates[: plan.rates], race=plan.race, checks=plan.checks)


def _pool(arm: Arm, own: Round) -> tuple[Ints, Ints]:
    """The real and the synthetic rows that an arm learns from."""
    none = np.empty(0, dtype=np.int64)
    return (none if arm == "synthetic" else own.anchors), (own.synthetic if arm in {"both", "synthetic"} else none)


def _some(rows: Ints, rng: np.random.Generator) -> Ints:
    return rng.permutation(rows)[:SAMPLE]


def _mean_length(rows: Sequence[Completion]) -> float:
    return float(np.mean([len(row.ids) for row in rows])) if rows else 0.0
