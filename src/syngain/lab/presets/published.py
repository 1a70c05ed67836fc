"""The published estimator, for comparison: a histogram ratio, not a KL divergence.

Two samples are binned each in its own range, so different bins are compared (THEORY section 8). KL: Kullback-Leibler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats


def histogram_ratio(one: Floats, other: Floats, *, bins: int = 50, floor: float = 1e-10) -> float:
    """``sum_b p_b log(p_b / q_b)`` over histograms with their own edges.

    Samples are ``(n, d)``; the published unit is nats. It is not invariant, not zero for equal distributions, and
    insensitive to shifts: two samples of one distribution give 5 to 10.
    """
    p, q = (np.histogramdd(sample, bins=bins)[0].ravel() for sample in (one, other))
    p = p / p.sum() + floor
    q = q / q.sum() + floor
    return float(np.sum(p * np.log(p / q)))


def published_gaps(truth: Floats, by_anchors: Floats, by_synthetic: Floats) -> Floats:
    """Gap of each replicate ``(R,)``, model first as in the published script.

    Samples ``(R, d, n)`` of the three densities.
    """
    return np.array(
        [
            histogram_ratio(a.T, t.T) - histogram_ratio(s.T, t.T)
            for t, a, s in zip(truth, by_anchors, by_synthetic, strict=True)
        ]
    )
