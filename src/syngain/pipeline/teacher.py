"""A teacher that learned the anchors' labels and doubts those of generated rows: the closed-form proxy of the audit.

A label is doubted when it is not the teacher's first choice and is less probable to it than nearly all labels of real
rows are: the threshold is a quantile over anchors that were held out, so that about that share of good rows is lost at
most. It looks at one row and at fixed anchors, so as a step of curation it is a filter, with an exact divergence.
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

FEWEST = 20  # anchors
FOLDS = 5


@dataclass(frozen=True)
class Teacher:
    """A teacher of ``texts`` (n,) with their ``labels`` (n,); ``doubt``: share of held-out real labels it doubts too.

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
        """Whether it doubts the label of a text; labels of no anchor are always doubted."""
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
        """Encoder and model of all anchors, and the threshold from anchors that were held out from both."""
        streams = Streams(self.seed).child("teacher")
        y = np.array([self._codes[label] for label in self.labels], dtype=np.int64)
        fold = folds(near_duplicates.clusters(list(self.texts)), FOLDS, streams.stream("folds"), y)
        own = np.zeros(y.size)
        for part in np.unique(fold).tolist():
            train, held = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
            encoder, model = self._fit(train, y, streams)
            logs = model.log_probabilities(encoder([self.texts[i] for i in held.tolist()]))
            own[held] = logs[np.arange(held.size), y[held]]
        own = np.maximum(own, -700.0)  # a label that no anchor outside the fold has
        encoder, model = self._fit(np.arange(y.size), y, streams)
        return encoder, model, float(np.quantile(own, self.doubt))

    def _fit(self, rows: Ints, y: Ints, streams: Streams) -> tuple[FittedEncoder, FittedDiscriminant]:
        texts = [self.texts[i] for i in rows.tolist()]
        encoder = HashedNgrams().fit(texts, streams.stream("encoder"))
        return encoder, Discriminant().fit(encoder(texts), y[rows], len(self._codes))
