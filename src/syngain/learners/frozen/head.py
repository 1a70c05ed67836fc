"""Low-rank correction of frozen hidden states, trained by cross-entropy.

A state h becomes h + (h A) B, a token's logit gets a bias. The frozen log-probabilities never change, so a step adds
``(h A) (B W')`` to them and costs a small part of a pass through the model. Steps and rate are chosen on held-out real
rows. Initial values and the order of rows depend on the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Floats, Ints, Singles
    from syngain.learners.frozen.token_table import TokenBatch, TokenTable

MOMENTS = 0.9, 0.999  # of Adam
TINY = 1e-8
WARM_UP = 5
TAIL = 3.0  # iterates are averaged with weights that grow with the step: about the last third counts
HELD_TOKENS = 3_000  # that suffice to choose the steps
LARGEST = 80.0  # change of a log-probability, far beyond any fit: its exponential is finite
EVALUATED = 1_024  # tokens per pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenHead:
    """Hyper-parameters of the correction.

    Attributes:
        rank: of the correction. batch: rows per step. rates: learning rates to choose from, the default one first.
        checkpoints: numbers of steps to choose from, ascending, after 0. patience: checkpoints without improvement
            after which the search ends.
    """

    rank: int = 16
    batch: int = 8
    rates: tuple[float, ...] = (1e-3, 2e-3)
    checkpoints: tuple[int, ...] = (15, 30, 60, 90, 120, 180, 240, 320)
    patience: int = 2

    def __post_init__(self) -> None:
        steps = self.checkpoints
        if not steps or steps[0] < 1 or list(steps) != sorted(set(steps)):
            raise UsageError(
                f"checkpoints {steps}", expected="increasing numbers of steps", todo="for example (30, 60)"
            )
        if min(self.rank, self.batch, self.patience) < 1 or not self.rates or min(self.rates) <= 0:
            raise UsageError(
                f"rank {self.rank}, batch {self.batch}, rates {self.rates}",
                expected="numbers above 0",
                todo="leave them at their defaults",
            )

    def fit(self, table: TokenTable, rows: Ints, steps: int, rate: float, seed: int) -> Correction:
        """Train on rows, repeats included, for a number of steps."""
        if steps < 1 or not rows.size:
            return Correction.start(table, self.rank, seed)
        return next(self._path(table, rows, (steps,), rate, seed))[1]

    def chosen(self, table: TokenTable, rows: Ints, held: Ints, rate: float, seed: int) -> tuple[int, float]:
        """Number of steps with the lowest surprisal per token of held-out rows, and that surprisal; 0 steps count."""
        some = _first_tokens(table, held)
        best, lowest = 0, float(table.frozen_loss(some).sum()) / max(int(table.sizes[some].sum()), 1)
        worse = 0
        for step, correction in self._path(table, rows, self.checkpoints, rate, seed):
            value = per_token(table, correction, some)
            if value < lowest:
                best, lowest, worse = step, value, 0
            else:
                worse += 1
                if worse >= self.patience:
                    break
        return best, lowest

    def _path(
        self, table: TokenTable, rows: Ints, checkpoints: Sequence[int], rate: float, seed: int
    ) -> Iterator[tuple[int, Correction]]:
        """Averaged corrections after each number of steps."""
        start = Correction.start(table, self.rank, seed)
        parts = [_Averaged.of(part) for part in (start.down, start.up, start.bias)]
        order = _order(rows, checkpoints[-1] * self.batch, np.random.default_rng([seed, 1]))
        for step in range(1, checkpoints[-1] + 1):
            chosen = order[(step - 1) * self.batch : step * self.batch]
            slopes = slopes_of(table, Correction(*(part.now for part in parts)), table.batch(chosen))
            for part, slope in zip(parts, slopes, strict=True):
                part.move(slope, rate * min(1.0, step / WARM_UP), step)
            if step in checkpoints:
                yield step, Correction(*(part.mean.copy() for part in parts))


@dataclass(frozen=True, slots=True)
class _Averaged:
    """An array trained by Adam [kingma2015], with the average of its last values."""

    now: Singles
    mean: Singles
    first: Singles
    second: Singles

    @classmethod
    def of(cls, start: Singles) -> _Averaged:
        return cls(start.copy(), start.copy(), np.zeros_like(start), np.zeros_like(start))

    def move(self, slope: Singles, rate: float, step: int) -> None:
        """Take a step, from 1."""
        first, second = self.first, self.second
        first += (1 - MOMENTS[0]) * (slope - first)
        second += (1 - MOMENTS[1]) * (slope * slope - second)
        size = np.sqrt(second / (1 - MOMENTS[1] ** step)) + TINY
        now, mean = self.now, self.mean
        now -= rate / (1 - MOMENTS[0] ** step) * first / size
        mean += (TAIL + 1) / (step + TAIL) * (now - mean)


@dataclass(frozen=True, slots=True)
class Correction:
    """A low-rank correction and the bias of the outcomes.

    Attributes:
        down: A (d, r). up: B (r, d). bias: (K,).
    """

    down: Singles
    up: Singles
    bias: Singles

    @classmethod
    def start(cls, table: TokenTable, rank: int, seed: int) -> Correction:
        """The correction that changes nothing, with random directions."""
        rng = np.random.default_rng([seed, 0])
        down = rng.standard_normal((table.width, rank), dtype=np.float32)
        down /= np.float32(table.width**0.5)
        return cls(down, np.zeros((rank, table.width), np.float32), np.zeros(table.outcomes, np.float32))

    def surprisal(self, table: TokenTable, rows: Ints) -> Floats:
        """Summed surprisal of each row in nats (n,)."""
        out, moved = np.zeros(rows.size), self.up @ table.per_state.T
        sizes = table.sizes[rows]
        many = np.cumsum(sizes) // EVALUATED
        for part in np.split(np.arange(rows.size), np.flatnonzero(np.diff(many)) + 1) if rows.size else ():
            tokens = table.batch(rows[part].tolist())
            _, norm, change = _probabilities(tokens.hidden @ self.down, moved, self.bias, tokens)
            nats = _nats(tokens, norm, change)
            owner = np.repeat(part, sizes[part])
            out += np.bincount(owner, weights=nats, minlength=rows.size)
        return out


def per_token(table: TokenTable, correction: Correction, rows: Ints) -> float:
    """Surprisal per token of rows."""
    return float(correction.surprisal(table, rows).sum()) / max(int(table.sizes[rows].sum()), 1)


def slopes_of(table: TokenTable, correction: Correction, tokens: TokenBatch) -> tuple[Singles, Singles, Singles]:
    """Gradient of the mean surprisal of some tokens in down, up and bias."""
    count = max(tokens.code.size, 1)
    low, moved = tokens.hidden @ correction.down, correction.up @ table.per_state.T
    errors, norm, _ = _probabilities(low, moved, correction.bias, tokens)
    errors /= (norm * count)[:, None]
    inside = np.flatnonzero(tokens.code >= 0)
    errors[inside, tokens.code[inside]] -= 1 / count
    up: Singles = np.asarray((low.T @ errors) @ table.per_state, dtype=np.float32)
    down: Singles = np.asarray(tokens.hidden.T @ (errors @ moved.T), dtype=np.float32)
    bias: Singles = errors.sum(axis=0)
    return down, up, bias


def _probabilities(low: Singles, moved: Singles, bias: Singles, tokens: TokenBatch) -> tuple[Singles, Singles, Singles]:
    """Unnormalized probabilities of the outcomes (t, K), their sum with all others (t,), change of each target (t,).

    ``low``: states in the low-rank space (t, r). ``moved``: logits moved by each of its directions (r, K).
    """
    change = low @ moved
    change += bias
    own = np.where(tokens.code >= 0, change[np.arange(tokens.code.size), tokens.code], np.float32(0))
    change += tokens.known
    if change.size and change.max() > LARGEST:
        np.minimum(change, LARGEST, out=change)
    np.exp(change, out=change)
    norm: Singles = change.sum(axis=1) + tokens.rest
    return change, norm, own


def _nats(tokens: TokenBatch, norm: Singles, change: Singles) -> Singles:
    out: Singles = np.log(norm) - change - tokens.own
    return out


def _order(rows: Ints, count: int, rng: np.random.Generator) -> list[int]:
    """Rows in random order, all of them before any comes again."""
    rounds = -(-count // rows.size)
    order: list[int] = np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:count].tolist()
    return order


def _first_tokens(table: TokenTable, rows: Ints) -> Ints:
    """The first rows that have enough tokens to choose the steps."""
    held = np.cumsum(table.sizes[rows])
    return rows[: int(np.searchsorted(held, HELD_TOKENS)) + 1]
