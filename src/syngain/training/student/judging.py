"""Evaluate a trained language model: surprisal of responses or of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import logsumexp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion, TokenizedRows


@dataclass(frozen=True, slots=True)
class StudentLosses:
    """Outcomes of rows, each array of shape (t,).

    Attributes:
        loss: surprisal in nats. size: UTF-8 bytes of what is scored. tokens: that are scored.
        wrong: 1 where answer or label are wrong, else 0; None without answer or label.
    """

    loss: Floats
    size: Floats
    tokens: Ints
    wrong: Floats | None = None


class StudentScorer(Protocol):
    """How rows are scored, and by which measures variants are compared."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the measures, the deciding one first."""

    def as_json(self) -> dict[str, object]:
        """What outcomes depend on, in words; empty for the default."""

    def __call__(self, model: CausalModel, side: TokenizedRows, rows: Ints) -> StudentLosses:
        """Score these rows by the model as it is now."""


@dataclass(frozen=True, slots=True)
class Surprisal:
    """Surprisal of texts and responses; with ``exact`` also greedy exact match."""

    exact: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """The Kullback-Leibler (KL) gap in nats per token and per byte."""
        return ("kl_gap", "nats_per_byte", "exact_match") if self.exact else ("kl_gap", "nats_per_byte")

    def as_json(self) -> dict[str, object]:
        """Nothing without exact matches."""
        return {"judged by": "surprisal and exact match"} if self.exact else {}

    def __call__(self, model: CausalModel, side: TokenizedRows, rows: Ints) -> StudentLosses:
        """Score every row once."""
        read = side.take(rows)
        if not self.exact:
            return StudentLosses(model.score(read), _sizes(read), _tokens(read))
        loss, right = model.scorer.score_and_match(read)
        return StudentLosses(loss, _sizes(read), _tokens(read), (~right).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Labels:
    """Labeled rows: text as prompt, label as response, normalized over ``labels``."""

    labels: tuple[str, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Log-loss and accuracy."""
        return ("log_loss", "accuracy")

    def as_json(self) -> dict[str, object]:
        """The labels."""
        return {"judged by": list(self.labels)}

    def __call__(self, model: CausalModel, side: TokenizedRows, rows: Ints) -> StudentLosses:
        """Score every label after the text; normalize over all labels."""
        prompts, responses = (list(values) for values in side.rows.sides.values())
        asked = [side.reader.alternatives(prompts[row], self.labels) for row in rows]
        loss, wrong = np.zeros(len(rows)), np.zeros(len(rows))
        for i, nats in enumerate(model.scorer.score_alternatives(asked)):
            right = self.labels.index(responses[rows[i]])
            loss[i] = nats[right] + logsumexp(-nats)
            wrong[i] = float(int(np.argmin(nats)) != right)
        read = side.take(rows)
        return StudentLosses(loss, _sizes(read), _tokens(read), wrong)


def _sizes(read: Sequence[Completion]) -> Floats:
    return np.array([row.size for row in read], dtype=np.float64)


def _tokens(read: Sequence[Completion]) -> Ints:
    return np.array([row.scored for row in read], dtype=np.int64)
