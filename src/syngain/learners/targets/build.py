"""Datasets as rows with targets: codes of labels, tags and scores, features of tokens and candidates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.columns.targets import Target, pair
from syngain.data.encoders.candidates import CandidateEncoder
from syngain.data.encoders.tokens import TokenCodes
from syngain.learners.targets.label_sets import LabelRegression
from syngain.learners.targets.numbers import GaussianRegression, OrdinalRegression
from syngain.learners.targets.ranking import CandidateRanking
from syngain.learners.targets.rows import TargetRows
from syngain.learners.targets.tagger import Tagger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats
    from syngain.data.columns.targets import Targets
    from syngain.learners.targets.rows import TargetLearner

MOST_LABELS = 200  # the most frequent among the real rows
WAVES = 128  # radial features of a table


@dataclass(frozen=True)
class TargetDesign:
    """Rows of several sets on common codes.

    Attributes:
        kind: of the targets. rows: those of every set. names: labels, tags or scores in the order of their codes.
        learner: that of the kind. encoded: whether the features are embeddings, to be replaced by others.
    """

    kind: Target
    rows: Sequence[TargetRows]
    names: tuple[str, ...]
    learner: TargetLearner
    encoded: bool


def target_design(
    targets: Sequence[Targets], features: Sequence[Floats] | None, queries: Sequence[Sequence[str]], real: int
) -> TargetDesign:
    """The rows of sets of one kind of target, the first ``real`` sets being real rows.

    Args:
        targets: of each set.
        features: embeddings of each set; not used for tokens and candidates.
        queries: the queries of each set of candidates.
        real: number of sets of real rows. The encoder of candidates learns from the first and the last set.
    """
    kind = targets[0].kind
    if kind is Target.TAGS:
        return _tagged(targets)
    if kind is Target.TRIPLETS:
        encoder = CandidateEncoder()
        sets = [encoder.of(asked, one.values) for asked, one in zip(queries, targets, strict=True)]
        fitted = encoder.fit([sets[0], sets[-1]])
        rows = [TargetRows(fitted(one), one.positive[:, None].astype(float), one.start) for one in sets]
        return TargetDesign(kind, rows, (), CandidateRanking(), encoded=False)
    assert features is not None  # noqa: S101  (the caller encodes all other kinds)
    if kind is Target.LABELS:
        counts = Counter(
            label for one in targets[:real] for value in one.values for label in value if isinstance(label, str)
        )
        names = tuple(sorted(name for name, _ in counts.most_common(MOST_LABELS)))
        coded = [presence(one, names) for one in targets]
        learner: TargetLearner = LabelRegression()
    else:
        coded = [np.array(one.numbers) for one in targets]
        levels = tuple(np.unique(np.concatenate(coded)).tolist())
        names = tuple(f"{level:g}" for level in levels) if kind is Target.ORDINAL else ()
        learner = OrdinalRegression(levels) if kind is Target.ORDINAL else GaussianRegression()
    rows = [TargetRows.single(X, y) for X, y in zip(features, coded, strict=True)]
    return TargetDesign(kind, rows, names, learner, encoded=True)


def presence(targets: Targets, names: Sequence[str]) -> Floats:
    """Whether each row has each label (n, k)."""
    place = {name: code for code, name in enumerate(names)}
    out = np.zeros((len(targets.values), len(names)))
    for row, value in enumerate(targets.values):
        for label in value:
            if isinstance(label, str) and label in place:
                out[row, place[label]] = 1
    return out


def _tagged(targets: Sequence[Targets]) -> TargetDesign:
    tags = tuple(sorted({tag for one in targets for value in one.values for tag in pair(value)[1]}))
    place = {tag: code for code, tag in enumerate(tags)}
    codes = TokenCodes()
    rows = []
    for one in targets:
        X = codes.of([pair(value)[0] for value in one.values])
        y = np.array([place[tag] for value in one.values for tag in pair(value)[1]], dtype=float)
        sizes = [len(pair(value)[0]) for value in one.values]
        rows.append(TargetRows(X, y[:, None], np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)))
    return TargetDesign(Target.TAGS, rows, tags, Tagger(codes.values, tags), encoded=False)


def with_waves(X: Floats) -> Floats:
    """Features of a table with radial ones: random waves of a Gaussian kernel [rahimi2007], the same in every call."""
    rng = np.random.default_rng(25)
    width = max(X.shape[1], 1) ** 0.5
    turns, shifts = rng.normal(size=(X.shape[1], WAVES)) / width, rng.uniform(0, 2 * np.pi, WAVES)
    return np.hstack([X, np.sqrt(2 / WAVES) * np.cos(np.clip(X, -6, 6) @ turns + shifts)])
