"""Scored tokens of rows: frozen states, and frozen probabilities of the tokens that occur.

All other tokens of the vocabulary are one outcome whose logit never changes, so that probabilities sum to one and a
correction of zero is exactly the frozen model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Halves, Ints, Singles
    from syngain.learners.frozen.state_cache import RowStates

MEMORY = 1_500_000_000  # bytes of frozen log-probabilities that are kept
LEAST_MASS = 1e-6  # of all other tokens


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Tokens of some rows, one after another.

    Attributes:
        hidden: states (t, d) over their scale. known: frozen log-probabilities of the outcomes (t, K), float32.
        rest: frozen probability of all other tokens (t,). code: outcome of each token (t,), -1 for another token.
        own: frozen log-probability of each token (t,).
    """

    hidden: Singles
    known: Singles
    rest: Singles
    code: Ints
    own: Singles


@dataclass(slots=True)
class TokenTable:
    """Rows of scored tokens over the same outcomes.

    Attributes:
        states: of the frozen model, by row. code: outcome of each token, by row; -1 outside.
        output: output matrix of the outcomes (K, d). bias: of the outcomes (K,). scale: root mean square of the states.
        per_state: change of the outcomes' logits (K, d) by a change of a state over its scale.
    """

    states: Sequence[RowStates]
    code: Sequence[Ints]
    output: Singles
    bias: Singles
    scale: float
    per_state: Singles
    _known: dict[int, tuple[Halves, Singles]] = field(default_factory=dict, repr=False)
    _held: int = 0

    @classmethod
    def of(cls, states: Sequence[RowStates], tokens: Sequence[Ints], outcomes: Ints, head: Head) -> TokenTable:
        """The table of rows with their token ids; outcomes are sorted token ids."""
        place = np.full(head.output.shape[0], -1, dtype=np.int64)
        place[outcomes] = np.arange(outcomes.size)
        some = [one.hidden for one in states[:500] if one.hidden.size]
        square = float(np.mean([np.square(one, dtype=np.float32).mean() for one in some])) if some else 1.0
        output = np.ascontiguousarray(head.output[outcomes])
        scale = square**0.5 or 1.0
        per_state = output * np.float32(scale)
        return cls(states, [place[ids] for ids in tokens], output, head.bias[outcomes], scale, per_state)

    @property
    def sizes(self) -> Ints:
        """Tokens of each row."""
        return np.array([one.own.size for one in self.states], dtype=np.int64)

    @property
    def width(self) -> int:
        """Length of a hidden state."""
        return int(self.output.shape[1])

    @property
    def outcomes(self) -> int:
        """Number of tokens whose logits can change."""
        return int(self.output.shape[0])

    def frozen_loss(self, rows: Ints) -> Floats:
        """Summed surprisal of each row under the frozen model, in nats."""
        return np.array([-float(self.states[row].own.sum(dtype=np.float64)) for row in rows.tolist()])

    def batch(self, rows: Sequence[int]) -> TokenBatch:
        """The tokens of these rows."""
        known = [self._log_probabilities(row) for row in rows]
        hidden: Singles = np.concatenate([self.states[row].hidden for row in rows], dtype=np.float32)
        hidden /= np.float32(self.scale)
        return TokenBatch(
            hidden=hidden,
            known=np.concatenate([part for part, _ in known], dtype=np.float32),
            rest=np.concatenate([rest for _, rest in known]),
            code=np.concatenate([self.code[row] for row in rows]),
            own=np.concatenate([self.states[row].own for row in rows]),
        )

    def _log_probabilities(self, row: int) -> tuple[Halves, Singles]:
        """Frozen log-probabilities of the outcomes (t, K) in float16, and the probability of all others (t,)."""
        found = self._known.get(row)
        if found is not None:
            return found
        one = self.states[row]
        logits = one.hidden.astype(np.float32) @ self.output.T
        logits += self.bias
        logits -= one.total[:, None]
        rest = 1 - np.exp(logits).sum(axis=1, dtype=np.float64)
        known = np.clip(logits, -60_000, 0, out=logits).astype(np.float16)
        made = known, np.maximum(rest, LEAST_MASS).astype(np.float32)
        if self._held + known.nbytes <= MEMORY:
            self._held += known.nbytes
            self._known[row] = made
        return made


@dataclass(frozen=True, slots=True)
class Head:
    """Output layer of a model: matrix (V, d) and bias (V,)."""

    output: Singles
    bias: Singles


def outcomes_of(tokens: Sequence[Ints]) -> Ints:
    """Token ids that are outcomes of the softmax, sorted: all that occur, those of test rows too.

    A token outside trains the mass of all others, which cannot move, so that every outcome falls: 22% of the tokens
    outside turned Alpaca selections that change nothing into harm (docs/LOG.md, 2026-12-01).
    """
    return np.unique(np.concatenate(tokens)) if tokens else np.empty(0, dtype=np.int64)
