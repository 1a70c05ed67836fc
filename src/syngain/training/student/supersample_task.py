"""A language model as the learner of supersamples: a fresh adapter per fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.gain.proxies.task import Outcome, Training
from syngain.learners.causal import paced
from syngain.training.student.splits import seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.data.dataset import Dataset
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion


@dataclass(frozen=True)
class StudentTask:
    """Rows of both kinds on one numbering, with the model that learns them.

    Attributes:
        model: its adapter is overwritten. rows: in tokens. steps: of every fit, at the first of the model's rates.
    """

    model: CausalModel
    rows: Sequence[Completion]
    steps: int = 20

    @classmethod
    def of(cls, model: CausalModel, *sets: Dataset, steps: int = 20) -> StudentTask:
        """Read the rows of texts or pairs, one dataset after the other.

        Raises:
            UsageError: no steps. InputError: rows that no language model reads.
        """
        if steps < 1:
            raise UsageError(f"{steps} steps of the student", expected="at least 1", todo="set steps to 1 or more")
        rows: list[Completion] = []
        for data in sets:
            reader, sides = model.reader(data.kind), list(data.sides.values())
            prompts = sides[0] if len(sides) > 1 else [""] * len(data)
            rows += [reader.read(prompt, said) for prompt, said in zip(prompts, sides[-1], strict=True)]
        return cls(model, rows, steps)

    def within(self, real: Ints, synthetic: Ints) -> StudentTask:
        """The task itself."""
        del real, synthetic  # nothing is learned beforehand
        return self

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """Train a fresh adapter on rows of the numbering, then score these rows."""
        taken = np.concatenate([training.real, training.synthetic])
        batch = min(self.model.proxy.batch, taken.size)
        order = taken[seen(taken.size, self.steps * batch, rng)].reshape(self.steps, batch)
        self.model.reset(int(rng.integers(2**31)))
        optimizer = self.model.optimizer()
        for step in range(self.steps):
            self.model.learn([self.rows[row] for row in order[step]], optimizer, paced(self.model.proxy.rates[0], step))
        chosen = [self.rows[row] for row in rows]
        return Outcome(self.model.score(chosen), np.array([row.size for row in chosen], dtype=np.float64))
