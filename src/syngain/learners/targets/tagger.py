"""Token tags: a log-linear tagger whose evidence is counted, with one learned weight for each kind of feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from scipy.special import logsumexp

from syngain.learners.targets.rows import Judgment, TargetRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints

STEPS = 15
PULL = 2.0  # how strongly the weights are drawn to their common start


@dataclass(frozen=True, slots=True)
class Tagger:
    """Scores of a tag: its log frequency, and the weighted evidence of word, affixes, shape and neighbors.

    The evidence of a feature is ``log p(tag | feature) / p(tag)`` from smoothed counts; the weights are chosen by the
    log-loss of tokens whose rows were not counted. Feature codes are columns of ``X``, tag codes ``y``.

    Attributes:
        values: number of codes of every feature. tags: names of the tags in the order of their codes.
        smoothing: tokens that every feature is taken to have seen before.
    """

    values: tuple[int, ...]
    tags: tuple[str, ...]
    smoothing: float = 1.0

    def fit(self, rows: TargetRows, fold: Ints, judged: Flags) -> FittedTagger:
        """Count, and choose the weights on rows that were not counted."""
        codes, y, row = rows.X.astype(np.int64), rows.y[:, 0].astype(np.int64), rows.row
        names = [int(name) for name in np.unique(fold[judged]) if name >= 0 and (fold != name).any()]
        evidence, own = [], []
        for name in names:
            away = fold[row] == name
            held = away & judged[row]
            counted = self._counted(codes[~away], y[~away])
            evidence.append(counted.evidence(codes[held]))
            own.append(y[held])
        weights = np.full(len(self.values), 2.0 / len(self.values))
        if own and sum(map(len, own)):
            weights = _weights(evidence, own, weights)
        whole = self._counted(codes, y)
        rates = self._counted(codes[judged[row]], y[judged[row]]).prior if judged.any() else whole.prior
        return FittedTagger(whole, weights, rates, self.tags, len(rows))

    def _counted(self, codes: Ints, y: Ints) -> _Counted:
        size = len(self.tags)
        prior = np.log((np.bincount(y, minlength=size) + 1) / (y.size + size))
        share = np.exp(prior) * self.smoothing
        tables = []
        for column, values in enumerate(self.values):
            counts = np.bincount(codes[:, column] * size + y, minlength=values * size).reshape(values, size)
            total = counts.sum(axis=1, keepdims=True)
            tables.append(np.log((counts + share) / (total + self.smoothing)) - prior)
        return _Counted(tuple(tables), prior)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Evidence of every code of every feature for each tag, and log frequencies of the tags."""

    tables: tuple[Floats, ...]
    prior: Floats

    def evidence(self, codes: Ints) -> tuple[Floats, Floats]:
        """Evidence (tokens, features, tags), and the log frequencies."""
        found = [table[codes[:, column]] for column, table in enumerate(self.tables)]
        return np.stack(found, axis=1) if found else np.zeros((len(codes), 0, self.prior.size)), self.prior


@dataclass(frozen=True, slots=True)
class FittedTagger:
    """A fitted tagger; ``rates`` are log frequencies of the tags among real rows."""

    counted: _Counted
    weights: Floats
    rates: Floats
    tags: tuple[str, ...]
    rows: int

    def log_probabilities(self, X: Floats) -> Floats:
        """Log-probabilities of the tags (tokens, tags), never minus infinity."""
        evidence, prior = self.counted.evidence(X.astype(np.int64))
        scores = _softmax(prior + np.einsum("nft,f->nt", evidence, self.weights))
        mixing = 1 / (self.rows + 2)
        return np.asarray(np.logaddexp(scores + np.log1p(-mixing), np.log(mixing / len(self.tags))))

    def judge(self, rows: TargetRows) -> Judgment:
        """Surprisal of the tags in nats, summed over the tokens of a row, and the entities that are hit."""
        scores, y = self.log_probabilities(rows.X), rows.y[:, 0].astype(np.int64)
        own = -scores[np.arange(y.size), y]
        guess = scores.argmax(axis=1)
        names = np.array(self.tags, dtype=object)
        counts = np.zeros((len(rows), 3))
        for row, (start, end) in enumerate(zip(rows.start[:-1], rows.start[1:], strict=True)):
            true, found = entities(names[y[start:end]].tolist()), entities(names[guess[start:end]].tolist())
            counts[row] = len(true & found), len(true), len(found)
        parts = {name: counts[:, [column]] for column, name in enumerate(("hits", "true", "guessed"))}
        return Judgment(rows.summed(own), rows.sizes.astype(float), rows.summed(-self.rates[y]), parts)


def entities(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """The entities of a row: first token, token after the last, type.

    BIO tags (also with E, S, L, U) name the parts of an entity; of integers, 0 is outside, an odd number the beginning
    and the even one after it the inside. Any other tag is an entity of one token.
    """
    out: set[tuple[int, int, str]] = set()
    begin, kind = -1, ""
    for place, tag in enumerate([*tags, "O"]):
        part, name = _part(str(tag))
        continues = begin >= 0 and part in {"I", "E", "L"} and name == kind
        if not continues:
            if begin >= 0:
                out.add((begin, place, kind))
            begin, kind = (-1, "") if part == "O" else (place, name)
    return out


def _part(tag: str) -> tuple[str, str]:
    if tag in {"O", "0", "o", "_"}:
        return "O", ""
    if tag.isdecimal():
        return ("B" if int(tag) % 2 else "I"), str((int(tag) + 1) // 2)
    part, dash, name = tag.partition("-")
    if dash and part.upper() in {"B", "I", "E", "S", "L", "U"}:
        return part.upper(), name
    return "B", tag


def _softmax(scores: Floats) -> Floats:
    return np.asarray(scores - logsumexp(scores, axis=1, keepdims=True))


def _weights(evidence: Sequence[tuple[Floats, Floats]], own: Sequence[Ints], start: Floats) -> Floats:
    """The weights (f,) of least log-loss, by Newton steps."""
    weights = start
    parts = [(found, prior, y) for (found, prior), y in zip(evidence, own, strict=True) if y.size]
    for _ in range(STEPS):
        down, curvature = PULL * (weights - start), PULL * np.eye(weights.size)
        for found, prior, y in parts:
            p = np.exp(_softmax(prior + np.einsum("nft,f->nt", found, weights)))
            mean = np.einsum("nft,nt->nf", found, p)
            down = down + mean.sum(axis=0) - found[np.arange(y.size), :, y].sum(axis=0)
            weighted = (found * p[:, None, :]).transpose(1, 0, 2).reshape(weights.size, -1)
            flat = found.transpose(1, 0, 2).reshape(weights.size, -1)
            curvature = curvature + weighted @ flat.T - mean.T @ mean
        step = np.clip(linalg.solve(curvature, down, assume_a="pos"), -0.5, 0.5)
        weights = weights - step
        if np.abs(step).max() < 1e-4:
            break
    return np.asarray(weights)
