"""Rows that a language model reads as a task: a low-rank correction on the hidden states of a frozen model."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.data.splits import groups
from syngain.gain.proxies.task import Outcome, Training, inner_folds
from syngain.learners.causal import CausalProxy
from syngain.learners.completions import TokenizedRows
from syngain.learners.frozen.head import FrozenHead
from syngain.learners.frozen.model import Costs, FrozenModel
from syngain.learners.frozen.token_table import Head, TokenTable, outcomes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.data.dataset import Dataset

HELD = 4  # one of so many groups of training real rows chooses the steps
UNTOLD = 60  # steps where no row can be held out


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenReader:
    """The frozen model that reads rows, and how a correction is trained on it.

    Attributes:
        model: a name of the catalog, a folder, a GGUF file or a hub name. minutes: time on two cores, by which rows
            are sampled. max_tokens: maximum tokens per row. device: ``auto`` uses a GPU if available.
        head: the correction.
    """

    model: str = "smollm2"
    minutes: float = 10.0
    max_tokens: int = 192
    device: Literal["auto", "cpu", "cuda"] = "auto"
    head: FrozenHead = field(default_factory=FrozenHead)

    def open(self, progress: Progress = silent) -> FrozenModel:
        """The loaded model; the last one is kept for the next question.

        Raises:
            MissingDependencyError, InputError, UnfinishedError: as :meth:`FrozenModel.open`.
        """
        progress(f"loading {self.model}", 0.0)
        return _opened(self.model, self.max_tokens, self.device)


@lru_cache(maxsize=1)
def _opened(model: str, max_tokens: int, device: Literal["auto", "cpu", "cuda"]) -> FrozenModel:
    return FrozenModel.open(CausalProxy(model=model, max_tokens=max_tokens, device=device))


@dataclass(frozen=True)
class FrozenTask:
    """Real rows, then synthetic rows, as scored tokens; of a pair the response is scored.

    Attributes:
        table: the tokens. real: number of real rows. unit: clusters of all rows (n + m,) that must not be on both
            sides when rows are held out to choose the steps. head: the correction. rate: its learning rate; None: the
            first one. costs: what the fits took.
    """

    table: TokenTable
    real: int
    unit: Ints
    head: FrozenHead = field(default_factory=FrozenHead)
    rate: float | None = None
    costs: Costs = field(default_factory=Costs)
    _done: dict[bytes, Outcome] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of_sets(
        cls,
        real: Sequence[Dataset],
        synthetic: Dataset,
        *,
        unit: Ints,
        reader: FrozenReader,
        progress: Progress = silent,
    ) -> FrozenTask:
        """Read real datasets, one after another, and the synthetic one, with the frozen model.

        Raises:
            InputError: a table, real rows without a token to score, or a model that cannot be used.
        """
        model = reader.open(progress)
        model.costs = Costs()
        read = model.reader(synthetic.kind)
        rows = [row for data in (*real, synthetic) for row in TokenizedRows(read, data).take(range(len(data)))]
        count = sum(map(len, real))
        if not any(row.scored for row in rows[:count]):
            raise InputError(
                "the real rows have no text to score",
                expected="at least one response or text that is not empty",
                todo="name the fields: --text prompt+response",
            )
        tokens = [np.array(row.ids[row.start :], dtype=np.int64) for row in rows]
        states = model.states(rows, progress)
        table = TokenTable.of(states, tokens, outcomes_of(tokens), Head(model.output, model.bias))
        return cls(table, count, unit, reader.head, costs=model.costs)

    def within(self, real: Ints, synthetic: Ints) -> FrozenTask:  # noqa: ARG002  (rates are chosen on real rows)
        """The task with the learning rate that is best for these real rows alone."""
        if len(self.head.rates) < 2 or not real.size:
            return self
        begun = time.thread_time()
        kept, held = self._held(Training(real, real[:0]), np.random.default_rng([0, real.size]))
        found = {rate: self.head.chosen(self.table, kept, held, rate, 0)[1] for rate in self.head.rates if held.size}
        self.costs.fit += time.thread_time() - begun
        return replace(self, rate=min(found, key=lambda rate: found[rate]) if found else None)

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """Fit on the training rows and score real rows: nats of the scored tokens, and their number.

        The number of steps is chosen on held-out real rows, where there are any, and 0 steps count; then all rows are
        trained on, for as many steps. There are no classes: ``balanced`` changes nothing.
        """
        seed = int(rng.integers(2**62))
        key = b"|".join(part.tobytes() for part in (training.real, training.synthetic, rows, np.array([seed])))
        key += str(self.rate).encode()
        if key not in self._done:
            self._done[key] = self._judged(training, rows, seed)
        return self._done[key]

    def _judged(self, training: Training, rows: Ints, seed: int) -> Outcome:
        begun, rate = time.thread_time(), self.rate or self.head.rates[0]
        everything = np.concatenate([training.real, self.real + training.synthetic])
        kept, held = self._held(training, np.random.default_rng([seed, 2]))
        steps = min(UNTOLD, self.head.checkpoints[-1])
        if held.size and kept.size:
            steps = self.head.chosen(self.table, kept, held, rate, seed)[0]
        fitted = self.head.fit(self.table, everything, steps, rate, seed)
        outcome = Outcome(fitted.surprisal(self.table, rows), self.table.sizes[rows].astype(float))
        self.costs.fit += time.thread_time() - begun
        self.costs.fits += 1
        return outcome

    def _held(self, training: Training, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Rows that train, repeats included, and real rows that choose the steps; synthetic ones without real rows."""
        everything = np.concatenate([training.real, self.real + training.synthetic])
        judged = np.zeros(everything.size, dtype=bool)
        judged[np.unique(training.real, return_index=True)[1]] = True  # a repeated real row is evaluated once
        if not training.real.size:
            judged[:] = True
        fold = inner_folds(groups(self.unit[everything]), judged, HELD, rng)
        held = everything[judged & (fold == 0)]
        return everything[fold != 0], rng.permutation(held)
