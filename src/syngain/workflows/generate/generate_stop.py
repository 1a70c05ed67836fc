"""The ``--stop-when`` rule, with the gain among its quantities."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from syngain.core.errors import InputError
from syngain.core.estimate import Estimate
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.gain.design.layout import GainLayout, check
from syngain.gain.forecast import UNITS
from syngain.gain.last_doubling import FOLDS, doubling_ids, last_doubling
from syngain.inference.sequential import COARSE, level_of_shares
from syngain.pipeline.stopping import stop_rule
from syngain.pipeline.store.new_row_value import FIRST, InterimEstimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syngain.gain.last_doubling import Doubling
    from syngain.gain.proxies.task import Task
    from syngain.pipeline.stopping import Quantity, Rule
    from syngain.pipeline.store.new_row_value import ObservedRow

FASTEST = 2.0  # rows at most double between interim checks


@dataclass
class GainOfDoubling:
    """``gain.<metric>@doubling`` of the rows so far, on the real rows."""

    anchors: Dataset
    metric: str
    seed: int
    growth: float = COARSE
    _rows: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def first(self) -> int:
        """Rows before the first interim check.

        With fewer synthetic than real rows, a doubling hardly changes the training rows: with a loss
        that falls like one over all rows, n real rows and s rows, the gain of a doubling rises until s = sqrt(2) n.
        """
        return max(FIRST, math.ceil(math.sqrt(2) * len(self.anchors)))

    def see(self, rows: Iterable[ObservedRow]) -> None:
        """Add rows."""
        self._rows += [row.row for row in rows]

    def reading(self) -> InterimEstimate:
        """The gain on all rows so far; unknown while a held-out fold leaves too few rows.

        Raises:
            InputError: the rows cannot be compared with the real rows: another kind, no labels, none in common.
        """
        unknown = InterimEstimate(value=math.inf, error=math.inf, freedom=1.0, n=len(self._rows), clusters=1)
        if not self._rows:
            return unknown
        rows = Dataset.from_rows(self._rows, "the rows so far", like=self.anchors)
        with threadpool_limits(1):
            ground = GainLayout.of(self.anchors, rows)
            try:
                found = self._measured(ground)
            except InputError:
                return unknown
        return InterimEstimate(
            value=found.value, error=found.error, freedom=found.freedom, n=len(rows), clusters=found.clusters
        )

    def _measured(self, ground: GainLayout) -> Doubling:
        streams = Streams(self.seed).child("doubling")
        if ground.labeled:
            task: Task = ground.label_task(streams)
        else:
            task = ground.text_task()
        return last_doubling(task, ground.lineage, ground.anchor_labels, metric=self.metric, streams=streams)

    def margin(self, reading: InterimEstimate, _threshold: float, /) -> float:
        """Its standard error: that of a mean."""
        return reading.error

    def level(self, looks: Sequence[int], alpha: float) -> float:
        """The error level of one interim check: an equal part of the total.

        The checks use the same real rows, and their dependence is not known.
        """
        return level_of_shares(looks, alpha)

    def rest(self, upper: float, threshold: float) -> float:
        """Rows before the upper limit can pass: a doubling gains at most like 1 / rows."""
        if not math.isfinite(upper) or threshold <= 0:
            return 1.0
        return min(max(math.sqrt(max(upper, 0.0) / threshold), 1.0), FASTEST)

    def estimate(self, reading: InterimEstimate, intervals: Mapping[float, tuple[float, float]]) -> Estimate:
        """As an estimate of the report."""
        return Estimate(
            value=reading.value,
            unit=UNITS[self.metric],
            method=f"all rows versus halves of them, {FOLDS}-fold cross-validation on the real rows, paired; error of "
            "real rows and of the draw of synthetic rows",
            estimand="gain of the last doubling of the synthetic rows on the distribution of the real rows",
            intervals=dict(intervals),
            n=reading.n,
            clusters=reading.clusters,
        )


def rule_and_quantities(
    expression: str, anchors: Dataset, *, seed: int
) -> tuple[Rule, Mapping[str, Callable[[], Quantity]]]:
    """The rule of an expression, and the gains it may use.

    Raises:
        UsageError: it is not a rule. InputError: it needs a gain that cannot be measured on the real rows.
    """
    ids = doubling_ids(labeled=anchors.labels is not None)
    rule = stop_rule(expression, ids)
    makers = {name: _maker(anchors, name, seed) for name in ids}
    if any(name in makers for name in rule.ids):
        check(anchors, anchors, [anchors])
    return rule, makers


def _maker(anchors: Dataset, name: str, seed: int) -> Callable[[], Quantity]:
    metric = name.removeprefix("gain.").removesuffix("@doubling")
    return lambda: GainOfDoubling(anchors, metric, seed)
