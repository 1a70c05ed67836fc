"""The gain on a test set: variants trained on all rows, evaluated on test rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.gain.design.cross_validation import Arm, training
from syngain.gain.forecast import UNITS
from syngain.gain.proxies.metrics import METRICS
from syngain.inference.clusters import clustered_freedom, clustered_variance, satterthwaite
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.proxies.task import Outcome, Task


@dataclass(frozen=True)
class Measured:
    """Outcomes of variants on the same real rows, by seed.

    Attributes:
        outcomes: variant to one outcome per seed. label, weight, cluster: of the evaluated rows (t,).
        rows: synthetic rows in the full variant.
    """

    outcomes: Mapping[Arm, Sequence[Outcome]]
    label: Ints
    weight: Floats
    cluster: Ints
    rows: int

    def influence(self, metric: str, treated: Arm, control: Arm) -> Floats:
        """Paired differences per evaluated row and seed, shape (seeds, t)."""
        of = METRICS[metric]
        pairs = zip(self.outcomes[treated], self.outcomes[control], strict=True)
        return np.array([of(a, self.label, self.weight) - of(b, self.label, self.weight) for a, b in pairs])

    def gain(
        self,
        metric: str,
        treated: Arm | None = None,
        control: Arm | None = None,
        estimand: str = "gain on rows like those of the test set",
    ) -> Estimate:
        """The treated variant (default: all rows) over the control (default: real rows)."""
        paired = self.influence(metric, treated or self.both, control or Arm("anchors"))
        mean, values = paired.mean(axis=0), paired.mean(axis=1)
        test = clustered_variance(mean, self.cluster)
        seeds = float(values.var(ddof=1)) / values.size if values.size > 1 else 0.0
        freedom = satterthwaite((test, max(clustered_freedom(mean, self.cluster), 2.0)), (seeds, values.size - 1.0))
        value = float(mean.mean())
        return Estimate(
            value=value,
            intervals=normal_intervals(value, math.sqrt(test + seeds), freedom),
            n=self.label.size,
            clusters=int(np.unique(self.cluster).size),
            unit=UNITS[metric],
            method="variants trained on all rows, evaluated on the test set; paired, clustered by near-duplicates",
            estimand=estimand,
        )

    @property
    def both(self) -> Arm:
        """Real rows with all rows."""
        return Arm("both", 1.0, self.rows)


def measured(
    task: Task,
    ground: GainLayout,
    streams: Streams,
    *,
    arms: Sequence[Arm] = (),
    weight: Floats | None = None,
    most: int = 10_000,
) -> Measured:
    """Train on all real rows, evaluate on the test set.

    A convex proxy has no seed: one outcome per variant, unless synthetic rows have to be drawn from more than ``most``.
    """
    judged = ground.test
    count = len(ground.synthetic)
    size = min(count, most)
    wanted = list(dict.fromkeys([Arm("anchors"), Arm("both", 1.0, size), *arms]))
    outcomes: dict[Arm, list[Outcome]] = {arm: [] for arm in wanted}
    for seed in range(3 if count > most else 1):
        order = streams.stream("measured rows", str(seed)).permutation(count)
        bench = task.within(ground.anchors, np.sort(order[:size]))
        for arm in wanted:
            chosen = np.sort(order[: arm.amount])
            learned = training(arm, ground.anchors, chosen, ground.lineage)
            outcomes[arm].append(bench.judge(learned, judged, streams.stream("measured", str(seed))))
    ones = np.ones(judged.size) if weight is None else weight
    return Measured(outcomes, ground.label[judged], ones, ground.cluster[judged], size)
