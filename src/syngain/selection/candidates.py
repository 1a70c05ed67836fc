"""Candidates, rankings, and the protocol of selection methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """m synthetic rows to select from, and the n real rows a method may use.

    Attributes:
        X, ``anchors``: embeddings (m, d) and (n, d) of unit length. unit, anchor_unit: codes (m,), (n,) on one
            numbering; rows with equal codes stay on one side of a fold.
        repeats: near-duplicate cluster of each row (m,).
        texts, anchor_texts: texts or responses. prompts, anchor_prompts: their prompts, None without sides.
        label, anchor_label: codes (m,), (n,) in ``range(classes)``; None without labels.
        logprob: log-probability each row came with (m,), in nats per token or as its file has it; None without.
    """

    X: Floats
    anchors: Floats
    unit: Ints
    anchor_unit: Ints
    repeats: Ints
    texts: Sequence[str]
    anchor_texts: Sequence[str]
    prompts: Sequence[str] | None = None
    anchor_prompts: Sequence[str] | None = None
    label: Ints | None = None
    anchor_label: Ints | None = None
    classes: int = 0
    logprob: Floats | None = None

    def __len__(self) -> int:
        return int(self.unit.size)


@dataclass(frozen=True, slots=True)
class Ranking:
    """All candidates from best to worst.

    Attributes:
        order: candidates (m,), best first; its first rows are a smaller selection. score: sort key (m,), by
            candidate. reasons: of the rank of each candidate, in words.
    """

    order: Ints
    score: Floats
    reasons: Sequence[str]

    @classmethod
    def by_score(cls, score: Floats, reasons: Sequence[str]) -> Ranking:
        """The highest score first, equal scores in the order of the file."""
        return cls(np.argsort(-score, kind="stable"), score, reasons)


class Method(Protocol):
    """Protocol of a selection method: hyper-parameters and a ranking."""

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:
        """Rank all candidates, knowing that the first ``rows`` will be kept.

        Raises:
            InputError: the rows lack what the method needs.
        """


@dataclass(frozen=True, slots=True)
class Random:
    """Random selection: the baseline of every method."""

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002
        """A random order."""
        order = rng.permutation(len(candidates))
        score = np.empty(order.size)
        score[order] = np.arange(order.size, 0, -1) / order.size
        return Ranking(order, score, ["drawn at random"] * order.size)


@dataclass(frozen=True, slots=True)
class RepeatsLast:
    """Another method's order, with near-duplicates ranked last.

    Of every near-duplicate cluster, the best row keeps its rank.
    """

    method: Method

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:
        """The order of the method with near-duplicates last."""
        found = self.method.rank(candidates, rows, rng)
        _, first = np.unique(candidates.repeats[found.order], return_index=True)
        leads = np.zeros(len(candidates), dtype=bool)
        leads[first] = True
        order = np.concatenate([found.order[leads], found.order[~leads]])
        head = dict(zip(candidates.repeats[found.order[first]].tolist(), found.order[first].tolist(), strict=True))
        reasons = list(found.reasons)
        for row in found.order[~leads].tolist():
            reasons[row] = f"repeats row {head[int(candidates.repeats[row])] + 1}, which ranks higher"
        return Ranking(order, found.score, reasons)


@dataclass(frozen=True, slots=True)
class Then:
    """Keep the first rows of one order, then order them by another method.

    Attributes:
        first: selects ``room`` times ``rows`` candidates. second: orders them.
    """

    first: Method
    second: Method
    room: float = 1.5

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:
        """The second method's order of the first rows, then the rest in the first order."""
        before = self.first.rank(candidates, rows, rng)
        front = np.sort(before.order[: max(round(self.room * rows), 1)])
        after = self.second.rank(part(candidates, front), min(rows, front.size), rng)
        rest = before.order[~np.isin(before.order, front)]
        score = before.score.copy()
        reasons = [f"{reason}; not among the first {self.room:g} times the rows to keep" for reason in before.reasons]
        for at, row in enumerate(front.tolist()):
            score[row] = after.score[at]
            reasons[row] = f"{before.reasons[row]}; {after.reasons[at]}"
        return Ranking(np.concatenate([front[after.order], rest]), score, reasons)


def part(candidates: Candidates, rows: Ints) -> Candidates:
    """The same real rows with these candidates only."""
    chosen = rows.tolist()
    return Candidates(
        X=candidates.X[rows],
        anchors=candidates.anchors,
        unit=candidates.unit[rows],
        anchor_unit=candidates.anchor_unit,
        repeats=candidates.repeats[rows],
        texts=[candidates.texts[row] for row in chosen],
        anchor_texts=candidates.anchor_texts,
        prompts=None if candidates.prompts is None else [candidates.prompts[row] for row in chosen],
        anchor_prompts=candidates.anchor_prompts,
        label=None if candidates.label is None else candidates.label[rows],
        anchor_label=candidates.anchor_label,
        classes=candidates.classes,
        logprob=None if candidates.logprob is None else candidates.logprob[rows],
    )


def labels_of(candidates: Candidates, method: str) -> tuple[Ints, Ints]:
    """Labels of candidates (m,) and real rows (n,).

    Raises:
        InputError: there are none.
    """
    if candidates.label is None or candidates.anchor_label is None:
        raise InputError(
            "the rows have no labels",
            expected=f"a label column, which {method} needs",
            todo="name the label column with --label, or choose another method",
        )
    return candidates.label, candidates.anchor_label
