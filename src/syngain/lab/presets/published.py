"""The published estimator, kept for comparison: a histogram ratio that is not a Kullback-Leibler divergence.

Two samples are binned each in its own range, so bins are compared that lie in different places (THEORY section 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats


def histogram_ratio(one: Floats, other: Floats, *, bins: int = 50, floor: float = 1e-10) -> float:
    """``sum_b p_b log(p_b / q_b)`` over histograms with their own edges, samples ``(n, d)``, in what it calls nats.

    Not invariant, not zero for equal laws, blind to shifts: two samples of one law read 5 to 10.
    """
    p, q = (np.histogramdd(sample, bins=bins)[0].ravel() for sample in (one, other))
    p = p / p.sum() + floor
    q = q / q.sum() + floor
    return float(np.sum(p * np.log(p / q)))


def published_gaps(truth: Floats, by_anchors: Floats, by_synthetic: Floats) -> Floats:
    """Gap of each replicate, model first as in the script; samples ``(R, d, n)`` of the three densities: ``(R,)``."""
    return np.array(
        [
            histogram_ratio(a.T, t.T) - histogram_ratio(s.T, t.T)
            for t, a, s in zip(truth, by_anchors, by_synthetic, strict=True)
        ]
    )
