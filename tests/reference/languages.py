"""The expected risk of a histogram learner, by all multinomial counts of anchors and synthetic rows."""

from __future__ import annotations

import itertools
import math


def compositions(total, cells):
    for cuts in itertools.combinations(range(total + cells - 1), cells - 1):
        edges = (-1, *cuts, total + cells - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(edges))


def multinomial(counts, law):
    chance = math.factorial(sum(counts))
    for count, p in zip(counts, law, strict=True):
        chance *= p**count / math.factorial(count)
    return chance


def expected_risk(truth, synthetic, anchors, rows, smoothing):
    total = 0.0
    for a in compositions(anchors, len(truth)):
        for s in compositions(rows, len(truth)):
            chance = multinomial(a, truth) * multinomial(s, synthetic)
            for x, p in enumerate(truth):
                learned = (a[x] + s[x] + smoothing / len(truth)) / (anchors + rows + smoothing)
                total += chance * p * math.log(p / learned) if p > 0 else 0.0
    return total
