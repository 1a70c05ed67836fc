"""Compare datasets at equal size with paired differences.

Every dataset is drawn from several times, so that a larger dataset does not depend on one draw. Without a test set,
variants are evaluated on real rows that were held out together with all rows made from them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.errors import InputError
from syngain.core.estimate import Estimate, holm
from syngain.core.progress import Progress, silent
from syngain.gain.design.cross_validation import pooled
from syngain.gain.forecast import UNITS
from syngain.gain.proxies.metrics import METRICS
from syngain.gain.proxies.task import Outcome, Training
from syngain.inference.clusters import clustered_freedom, clustered_variance, satterthwaite, shared_training
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.proxies.task import Task

FEWEST = 10  # rows of each dataset that can be drawn
STRATA = 5
LEVEL = 0.05  # of Holm's test over all pairs
ANCHORS = -1  # the variant without synthetic rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """How datasets are compared.

    Attributes:
        folds: of the real rows, without a test set. draws: from every dataset. most: rows of a variant.
        lengths: whether the rows that are drawn are equally long in all datasets, by fifths of all lengths.
    """

    folds: int = 5
    draws: int = 3
    most: int = 5_000
    lengths: bool = False


@dataclass(frozen=True)
class Standing:
    """Outcomes of all datasets on the same rows.

    Attributes:
        names: of the datasets. outcomes: (set, balanced) to one outcome per draw; set -1 is the real rows alone.
        label, cluster: of the evaluated rows (t,). inflation: of a variance over them. size: rows drawn from every
            dataset.
        where: on which rows, in words.
    """

    names: Sequence[str]
    outcomes: Mapping[tuple[int, bool], Sequence[Outcome]]
    label: Ints
    cluster: Ints
    inflation: float
    size: int
    where: str

    def over(self, metric: str, treated: int, control: int, *, balanced: bool) -> Estimate:
        """One dataset over another, or over the real rows alone (-1), with its p-value."""
        a, b = self._scores(metric, treated, balanced=balanced), self._scores(metric, control, balanced=balanced)
        paired = a.mean(axis=0) - b.mean(axis=0)
        rows = clustered_variance(paired, self.cluster) * self.inflation
        draws = sum(float(side.mean(axis=1).var(ddof=1)) / len(side) for side in (a, b) if len(side) > 1)
        freedom = satterthwaite(
            (rows, max(clustered_freedom(paired, self.cluster), 2.0)), (draws, max(len(a) - 1.0, 1.0))
        )
        value, error = float(paired.mean()), math.sqrt(rows + draws)
        weights = ", synthetic rows weighted to the class distribution of the real rows" if balanced else ""
        against = "the real rows alone" if control == ANCHORS else self.names[control]
        return Estimate(
            value=value,
            intervals=normal_intervals(value, error, freedom),
            p=float(2 * stats.t.sf(abs(value) / error, freedom)) if error > 0 else 1.0,
            n=self.label.size,
            clusters=int(np.unique(self.cluster).size),
            unit=UNITS[metric],
            method=self.where,
            estimand=f"{self.size:,} rows of {self.names[treated]} added to the real rows, over {against}{weights}",
        )

    def _scores(self, metric: str, of: int, *, balanced: bool) -> Floats:
        ones = np.ones(self.label.size)
        return np.array([METRICS[metric](outcome, self.label, ones) for outcome in self.outcomes[of, balanced]])


@dataclass(frozen=True)
class MatchedSets:
    """Datasets with the same real rows, test rows and random draws.

    Attributes:
        ground: real rows, test and the rows of all datasets. member: dataset of each synthetic row (m,). names: of the
            datasets.
        task: the proxy. streams: of every draw, the same for all datasets.
    """

    ground: GainLayout
    member: Ints
    names: Sequence[str]
    task: Task
    streams: Streams

    def on_anchors(self, contest: Contest, *, progress: Progress = silent) -> Standing:
        """Evaluated on held-out real rows.

        Raises:
            InputError: a dataset has too few rows that could have been made without the held-out real rows.
        """
        ground = self.ground
        fold = ground.lineage.folds(contest.folds, self.streams.stream("compare folds"))
        count = int(fold.max()) + 1
        allowed = [np.flatnonzero(ground.lineage.made_from(fold != f)) for f in range(count)]
        quota = self._quota(allowed, contest)
        found: dict[tuple[int, bool], list[list[tuple[Ints, Outcome]]]] = {}
        for f in range(count):
            progress(f"datasets on fold {f + 1} of {count}", f / count)
            held, anchors = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
            bench = self.task.within(anchors, allowed[f])
            for key, trainings in self._trainings(anchors, allowed[f], quota, contest).items():
                parts = found.setdefault(key, [[] for _ in trainings])
                for part, training in zip(parts, trainings, strict=True):
                    part.append((held, bench.judge(training, held, self.streams.stream("inner", str(f)))))
        return Standing(
            names=self.names,
            outcomes={key: [pooled(part, ground.anchors.size) for part in parts] for key, parts in found.items()},
            label=ground.anchor_labels,
            cluster=ground.lineage.group,
            inflation=shared_training(count),
            size=int(quota.sum()),
            where=f"{count}-fold cross-validation; variance inflated for shared training rows [nadeau2003]",
        )

    def on_test(self, contest: Contest, *, progress: Progress = silent) -> Standing:
        """Evaluated on the test set, all real rows learned from.

        Raises:
            InputError: a dataset has too few rows.
        """
        ground = self.ground
        progress("datasets on the test set", 0.0)
        every = np.arange(self.member.size)
        quota = self._quota([every], contest)
        bench = self.task.within(ground.anchors, every)
        trainings = self._trainings(ground.anchors, every, quota, contest)
        rng = self.streams.child("test")
        outcomes = {
            key: [bench.judge(training, ground.test, rng.stream("inner")) for training in several]
            for key, several in trainings.items()
        }
        return Standing(
            names=self.names,
            outcomes=outcomes,
            label=ground.label[ground.test],
            cluster=ground.cluster[ground.test],
            inflation=1.0,
            size=int(quota.sum()),
            where="evaluated on the test set; paired, clustered by near-duplicates",
        )

    def _strata(self, contest: Contest) -> Ints:
        """Stratum of every row (m,): all the same, or a fifth of all lengths."""
        if not contest.lengths:
            return np.zeros(self.member.size, dtype=np.int64)
        length = np.array([len(text) for text in self.ground.study.texts("synthetic")])
        edges = np.quantile(length, np.arange(1, STRATA) / STRATA)
        return np.asarray(np.searchsorted(edges, length, side="left"), dtype=np.int64)

    def _quota(self, allowed: Sequence[Ints], contest: Contest) -> Ints:
        """Rows to draw from every stratum: the minimum over datasets and folds."""
        strata = self._strata(contest)
        cells = self.member * STRATA + strata
        counts = [np.bincount(cells[rows], minlength=len(self.names) * STRATA) for rows in allowed]
        table = np.min(counts, axis=0).reshape(len(self.names), STRATA)
        quota = table.min(axis=0)
        if quota.sum() < FEWEST:
            poor = int(np.argmin(table.sum(axis=1)))
            raise InputError(
                f"{quota.sum()} rows of every dataset can be compared ({self.names[poor]} has {table[poor].sum()})",
                expected=f"at least {FEWEST} rows of every dataset, not made from a held-out fold of real rows",
                todo="add rows to it" + (", or omit --match-lengths" if contest.lengths else ""),
            )
        if quota.sum() > contest.most:
            quota = np.floor(quota * contest.most / quota.sum()).astype(np.int64)
        return np.asarray(quota, dtype=np.int64)

    def _trainings(
        self, anchors: Ints, allowed: Ints, quota: Ints, contest: Contest
    ) -> dict[tuple[int, bool], list[Training]]:
        none = np.empty(0, dtype=np.int64)
        strata = self._strata(contest)
        out: dict[tuple[int, bool], list[Training]] = {}
        for balanced in (False, True) if self.ground.labeled else (False,):
            out[ANCHORS, balanced] = [Training(anchors, none, balanced)]
            for code in range(len(self.names)):
                rows = allowed[self.member[allowed] == code]
                draws = [self._draw(rows, strata, quota, draw) for draw in range(contest.draws)]
                out[code, balanced] = [Training(anchors, drawn, balanced) for drawn in draws]
        return out

    def _draw(self, rows: Ints, strata: Ints, quota: Ints, draw: int) -> Ints:
        order = rows[self.streams.stream("compare rows", str(draw)).permutation(rows.size)]
        return np.sort(np.concatenate([order[strata[order] == code][:count] for code, count in enumerate(quota)]))


@dataclass(frozen=True)
class RankedPair:
    """Two datasets, the better first; ``told`` if significant by Holm at 5%."""

    ahead: str
    behind: str
    estimate: Estimate
    told: bool


def ranked_pairs(standing: Standing, metric: str, *, balanced: bool) -> list[RankedPair]:
    """All pairs, the better first; significance by Holm over all pairs."""
    found: dict[tuple[int, int], Estimate] = {}
    for a, b in combinations(range(len(standing.names)), 2):
        over = standing.over(metric, a, b, balanced=balanced)
        if over.value < 0:
            a, b, over = b, a, standing.over(metric, b, a, balanced=balanced)  # noqa: PLW2901  (turned around)
        found[a, b] = over
    adjusted = holm({f"{a} {b}": item.p if item.p is not None else 1.0 for (a, b), item in found.items()})
    return [
        RankedPair(
            standing.names[a], standing.names[b], item.adjusted(adjusted[f"{a} {b}"]), adjusted[f"{a} {b}"] < LEVEL
        )
        for (a, b), item in found.items()
    ]


def ranks_of(names: Sequence[str], pairs: Sequence[RankedPair]) -> dict[str, Estimate]:
    """Rank of each dataset by mean, interval from significant pairs [mogstad2024]."""
    out = {}
    for name in names:
        better = sum(pair.told for pair in pairs if pair.behind == name)
        worse = sum(pair.told for pair in pairs if pair.ahead == name)
        bounds = (1.0 + better, float(len(names) - worse))
        out[name] = Estimate(
            value=1.0 + sum(pair.behind == name for pair in pairs),
            intervals={0.95: bounds},
            n=len(names),
            unit="rank",
            method="1 + datasets ahead; the interval contains the ranks not excluded by Holm's test at 5%",
            estimand="rank of the dataset among those compared",
        )
    return out


def ordered(ranks: Mapping[str, Estimate]) -> list[str]:
    """Names by rank, the best first."""
    return sorted(ranks, key=lambda name: ranks[name].value)
