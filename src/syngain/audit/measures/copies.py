"""Near copies between sets of texts, and the choice of the search for texts or tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.measures import novelty
from syngain.audit.measures.table_copies import TableCopies
from syngain.data.text import near_duplicates

if TYPE_CHECKING:
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
        threshold = near_duplicates.MinHash().threshold
        synthetic, anchors = near_duplicates.sign(frame.synthetic.joined), near_duplicates.sign(frame.anchors)
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

    def fraction(self) -> Estimate:
        """``novelty.copy_fraction``."""
        return novelty.copy_fraction(self.found, self.background, self.frame.unit)

    def contamination(self) -> tuple[Estimate, Flags]:
        """The fraction of test rows among the synthetic rows, and which synthetic rows they are (m,)."""
        assert self.frame.test is not None  # noqa: S101  (asked for where there are test rows)
        tests, threshold = near_duplicates.sign(self.frame.test), self.synthetic.method.threshold
        hits, background, reverse = (
            near_duplicates.best_match(first, second)[1] >= threshold
            for first, second in ((self.synthetic, tests), (self.anchors, tests), (tests, self.synthetic))
        )
        return novelty.contamination(reverse, hits, background), hits


def copies_of(frame: Frame) -> Copies | TableCopies:
    """The copies of real rows in a frame."""
    return Copies.of(frame) if frame.sides else TableCopies.of(frame)
