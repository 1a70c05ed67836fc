"""Near copies between sets of rows; equal rows of tables, which have no n-grams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.measures import novelty
from syngain.data.text import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.frame import Frame
    from syngain.core.arrays import Flags, Ints
    from syngain.core.estimate import Estimate


@dataclass(frozen=True)
class Copies:
    """Synthetic rows next to the real rows that they were made from.

    Attributes:
        source: nearest real row of a near copy (m,), -1 none. found: copies (m,). background: real rows that copy
            another one (n,).
    """

    frame: Frame
    synthetic: near_duplicates.Signatures
    anchors: near_duplicates.Signatures
    source: Ints
    found: Flags
    background: Flags

    @classmethod
    def of(cls, frame: Frame) -> Copies:
        """The copies of a frame."""
        synthetic, anchors = near_duplicates.sign(frame.synthetic.joined), near_duplicates.sign(frame.anchors)
        threshold = cls._threshold(frame)
        source, similarity = near_duplicates.best_match(synthetic, anchors)
        other, within = near_duplicates.best_match(anchors, anchors, exclude_self=True)
        near, background = similarity >= threshold, within >= threshold
        labels, own = frame.anchor_labels, frame.synthetic.labels
        copies = near
        if labels is not None and own is not None:  # a near copy with another label says something new
            codes = np.unique([*labels, *own], return_inverse=True)[1]
            theirs, ours = codes[: len(labels)], codes[len(labels) :]
            copies = near & ((theirs[source] == ours) | (similarity == 1))
            background &= theirs[other] == theirs
        return cls(frame, synthetic, anchors, np.where(near, source, -1), copies, background)

    @staticmethod
    def _threshold(frame: Frame) -> float:
        return near_duplicates.MinHash().threshold if frame.sides else 1.0

    def contamination(self, test: Sequence[str]) -> tuple[Estimate, Flags]:
        """The fraction of test rows among the synthetic rows, and which synthetic rows they are (m,)."""
        tests, threshold = near_duplicates.sign(test), self._threshold(self.frame)
        hits, background, reverse = (
            near_duplicates.best_match(first, second)[1] >= threshold
            for first, second in ((self.synthetic, tests), (self.anchors, tests), (tests, self.synthetic))
        )
        return novelty.contamination(reverse, hits, background), hits
