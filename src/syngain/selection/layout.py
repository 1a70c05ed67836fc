"""Datasets laid out for selection: candidates and the rows a method may use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data.dataset import Kind
from syngain.data.encoders.vectors import HashedNgrams, TableEncoder, fitted_on
from syngain.gain.design.layout import GainLayout
from syngain.selection.candidates import Candidates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.data.study import Study
    from syngain.gain.proxies.frozen import FrozenReader
    from syngain.gain.proxies.labels import Classifier
    from syngain.gain.proxies.task import Task

LOGPROBS = ("token_logprobs", "logprob", "log_probability", "score")  # the first that a row has


@dataclass(frozen=True)
class SelectionLayout:
    """Real rows and candidates with a task to measure on.

    A method sees nothing that was learned from held-out rows.

    Attributes:
        ground: all rows. task: the proxy. repeats: near-duplicate cluster of every candidate (m,).
        logprob: as the rows came with it (m,), None without. streams: of every random choice.
        encoder: of texts, None for the default.
    """

    ground: GainLayout
    task: Task
    repeats: Ints
    logprob: Floats | None
    streams: Streams
    encoder: TextEncoder | None = None

    @classmethod
    def of(
        cls,
        study: Study,
        *,
        streams: Streams,
        encoder: TextEncoder | None = None,
        logprob: str | None = None,
        learner: Classifier | None = None,
        reader: FrozenReader | None = None,
    ) -> SelectionLayout:
        """Lay out a study.

        Raises:
            InputError: no gain can be measured on them, or the column of log-probabilities is not there.
        """
        ground = GainLayout.of_study(study, reader)
        task = ground.task(streams, encoder=encoder, learner=learner)
        known = log_probabilities(study.synthetic, logprob)
        return cls(ground, task, study.clusters("synthetic"), known, streams, encoder)

    def candidates(self, anchors: Ints, rows: Ints) -> Candidates:
        """Those rows to choose from, knowing these real rows only."""
        ground, real, synthetic = self.ground, self.ground.real[0], self.ground.synthetic
        ours, theirs = self._vectors(anchors, rows)
        pair = synthetic.kind is Kind.PAIR
        study, side = ground.study, "response" if pair else ""
        told, known = study.texts("synthetic", side), study.texts("real", side)
        return Candidates(
            X=theirs,
            anchors=ours,
            unit=ground.lineage.unit[rows],
            anchor_unit=ground.lineage.group[anchors],
            repeats=self.repeats[rows],
            texts=_at(told, rows),
            anchor_texts=_at(known, anchors),
            prompts=_at(synthetic.sides["prompt"], rows) if pair else None,
            anchor_prompts=_at(real.sides["prompt"], anchors) if pair else None,
            label=ground.synthetic_label[rows] if ground.labeled else None,
            anchor_label=ground.anchor_labels[anchors] if ground.labeled else None,
            classes=len(ground.names) if ground.labeled else 0,
            logprob=None if self.logprob is None else self.logprob[rows],
        )

    def _vectors(self, anchors: Ints, rows: Ints) -> tuple[Floats, Floats]:
        """Unit embeddings by an encoder fitted on these real and synthetic rows only."""
        real, synthetic = self.ground.real[0].take(anchors.tolist()), self.ground.synthetic.take(rows.tolist())
        if not real.sides:
            known = {name: [*real.columns[name], *synthetic.columns[name]] for name in real.columns}
            table = TableEncoder().fit(known)
            return _unit(table(real.columns)), _unit(table(synthetic.columns))
        part = self.ground.study.take(real=anchors.tolist(), synthetic=rows.tolist())
        ours, theirs = part.texts("real"), part.texts("synthetic")
        fitted = fitted_on(self.encoder or HashedNgrams(), [ours, theirs], self.streams.stream("encoder"))
        return _unit(fitted(ours)), _unit(fitted(theirs))


def log_probabilities(dataset: Dataset, column: str | None = None) -> Floats | None:
    """The log-probability of each row (m,): a number, the mean of a list, or NaN.

    Args:
        dataset: rows with their records.
        column: its name; None for the first of ``LOGPROBS`` that is there.

    Raises:
        InputError: no row has the column that was named.
    """
    names = [column] if column is not None else list(LOGPROBS)
    for name in names:
        found = np.array([_number(record, name) for record in dataset.records])
        if np.isfinite(found).any():
            return found
    if column is not None:
        raise InputError(
            f"{dataset.name} has no numbers in `{column}`",
            expected="a column of log-probabilities",
            todo="name the column with --logprob",
        )
    return None


def _number(record: Mapping[str, object], name: str) -> float:
    value = record.get(name)
    if isinstance(value, (list, tuple)):
        numbers = [float(one) for one in value if isinstance(one, (int, float)) and not isinstance(one, bool)]
        return float(np.mean(numbers)) if numbers else math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    return float(value)


def _unit(X: Floats) -> Floats:
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    return np.asarray(np.divide(X, norms, out=np.zeros(X.shape), where=norms > 0))


def _at(values: Sequence[str], rows: Ints) -> list[str]:
    return [values[row] for row in rows.tolist()]
