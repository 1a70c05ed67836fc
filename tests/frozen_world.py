"""A tiny world of frozen states whose best correction is known, and tables made from it."""

from __future__ import annotations

import numpy as np

from syngain.learners.frozen.model import log_mass
from syngain.learners.frozen.state_cache import RowStates
from syngain.learners.frozen.token_table import Head, TokenTable, outcomes_of


def head_of(vocabulary=30, width=12, seed=0):
    rng = np.random.default_rng(seed)
    output = rng.standard_normal((vocabulary, width)).astype(np.float32)
    return Head(output, np.zeros(vocabulary, np.float32))


def rows_of(head, rows, tokens, *, moved=None, bias=None, seed=1):
    """Rows whose tokens follow the head at h + h @ moved, with a bias per token; states and token ids."""
    rng = np.random.default_rng(seed)
    width = head.output.shape[1]
    out, ids = [], []
    for _ in range(rows):
        hidden = rng.standard_normal((tokens, width)).astype(np.float16)
        true = hidden.astype(np.float64) @ (np.eye(width) + (0 if moved is None else moved))
        logits = true @ head.output.T.astype(np.float64) + (0 if bias is None else bias)
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        target = np.array([rng.choice(p.shape[1], p=row) for row in p])
        total, own = log_mass(hidden, head.output, head.bias, target)
        out.append(RowStates(hidden, total, own))
        ids.append(target)
    return out, ids


def entropy_of(head, states, *, moved=None, bias=None):
    """Lowest surprisal per token that any model can have on these states, in nats."""
    width, sums, count = head.output.shape[1], 0.0, 0
    for row in states:
        true = row.hidden.astype(np.float64) @ (np.eye(width) + (0 if moved is None else moved))
        logits = true @ head.output.T.astype(np.float64) + (0 if bias is None else bias)
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        sums -= float((p * np.log(p)).sum())
        count += p.shape[0]
    return sums / count


def table_of(head, states, ids, outcomes=None):
    return TokenTable.of(states, ids, outcomes_of(ids) if outcomes is None else outcomes, head)
