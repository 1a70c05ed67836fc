"""Classifier trained on real rows, which rejects improbable labels.

It is the closed-form proxy of the audit. A label is rejected when it is not the predicted class and its probability is
below a threshold. The threshold is a quantile over held-out real rows, so at most about that fraction of correct rows
is lost. It uses one row and fixed real rows, so this curation step is a filter with an exact divergence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.rng import Streams
from syngain.data.encoders.vectors import HashedNgrams
from syngain.data.splits import folds
from syngain.data.text import near_duplicates
from syngain.learners.linear import Discriminant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.data.encoders.vectors import FittedEncoder
    from syngain.learners.linear import FittedDiscriminant

FEWEST = 20  # real rows
FOLDS = 5


@dataclass(frozen=True)
class Teacher:
    """A classifier of ``texts`` (n,) with ``labels`` (n,).

    ``doubt``: fraction of held-out real labels that it also rejects.

    Raises:
        InputError: fewer than 20 texts, or fewer than two labels.
    """

    texts: Sequence[str]
    labels: Sequence[str]
    doubt: float
    seed: int

    def __post_init__(self) -> None:
        if len(self.texts) < FEWEST or len(set(self.labels)) < 2:
            raise InputError(
                f"{len(self.texts)} labeled real rows with {len(set(self.labels))} labels",
                expected=f"at least {FEWEST} labeled real rows and two labels",
                todo="add labeled real rows, or leave out `teacher: drop`",
            )

    def doubts(self, text: str, label: str) -> bool:
        """Whether it rejects the label of a text.

        Labels without real rows are always rejected.
        """
        if label not in self._codes:
            return True
        encoder, model, threshold = self._learned
        logs = model.log_probabilities(encoder([text]))[0]
        own = float(logs[self._codes[label]])
        return own < threshold and own < float(logs.max())

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(sorted(set(self.labels)))}

    @cached_property
    def _learned(self) -> tuple[FittedEncoder, FittedDiscriminant, float]:
        """Encoder and model of all real rows, and the threshold from held-out ones.

        The threshold is cross-fitted.
        """
        streams = Streams(self.seed).child("teacher")
        y = np.array([self._codes[label] for label in self.labels], dtype=np.int64)
        fold = folds(near_duplicates.clusters(list(self.texts)), FOLDS, streams.stream("folds"), y)
        own = np.zeros(y.size)
        for part in np.unique(fold).tolist():
            train, held = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
            encoder, model = self._fit(train, y, streams)
            logs = model.log_probabilities(encoder([self.texts[i] for i in held.tolist()]))
            own[held] = logs[np.arange(held.size), y[held]]
        own = np.maximum(own, -700.0)  # a label without real rows outside the fold
        encoder, model = self._fit(np.arange(y.size), y, streams)
        return encoder, model, float(np.quantile(own, self.doubt))

    def _fit(self, rows: Ints, y: Ints, streams: Streams) -> tuple[FittedEncoder, FittedDiscriminant]:
        texts = [self.texts[i] for i in rows.tolist()]
        encoder = HashedNgrams().fit(texts, streams.stream("encoder"))
        return encoder, Discriminant().fit(encoder(texts), y[rows], len(self._codes))
