"""Who was right: rank correlation, sign, regret and coverage, each with an interval over tasks.

Arms of one drawing of anchors share their anchors and their test, and drawings of one task share most of theirs: only
tasks are independent. So every number is averaged within a task first, and its 90 % interval is Student's t over tasks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LEVEL = 0.9
FEWEST = 3  # arms that can be ranked
ALWAYS = "always positive"
NOTHING = 0.0  # gain of the decision to use no synthetic rows


@dataclass(frozen=True)
class Told:
    """A case with what was measured and what was predicted.

    Attributes:
        gain, low, high: measured, mean of the families, with its 90 % interval. own: the same of syngain's proxy.
        scores: predictor to its value. interval: of our forecast. accuracy: our forecast of the gain in accuracy with
            its interval, and what our proxy measured.
    """

    task: str
    split: int
    arm: str
    gain: float
    low: float
    high: float
    own: tuple[float, float, float]
    scores: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    accuracy: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    families: Mapping[str, float] = field(default_factory=dict)

    @property
    def clear(self) -> bool:
        """Whether the measured gain is told from 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Mean:
    """Mean over tasks with its 90 % interval; infinite with one task."""

    value: float
    low: float
    high: float
    tasks: int

    @classmethod
    def of(cls, by_task: Mapping[str, float]) -> Mean:
        """Student's t over tasks."""
        values = np.array([value for value in by_task.values() if math.isfinite(value)])
        if not values.size:
            return cls(math.nan, math.nan, math.nan, 0)
        value = float(values.mean())
        if values.size == 1:
            return cls(value, -math.inf, math.inf, 1)
        reach = stats.t.ppf((1 + LEVEL) / 2, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size)
        return cls(value, value - float(reach), value + float(reach), values.size)


def told(records: Iterable[Mapping[str, Any]]) -> list[Told]:
    """Cases from lines of results, in the order of their outcomes; a case without an outcome is left out."""
    lines: dict[tuple[str, int, str], dict[str, Mapping[str, Any]]] = {}
    for record in records:
        key = (record["task"], record["split"], record["arm"])
        lines.setdefault(key, {})[record["what"]] = record
    return [_told(key, found) for key, found in lines.items() if "outcome" in found]


def _told(key: tuple[str, int, str], found: Mapping[str, Mapping[str, Any]]) -> Told:
    outcome = found["outcome"]
    scores = {name: item["value"] for name, item in found.items() if name != "outcome" and item["value"] is not None}
    ours = found.get("syngain", {})
    accuracy = None
    if ours.get("accuracy") and outcome.get("own_accuracy"):
        accuracy = (tuple(ours["accuracy"]), tuple(outcome["own_accuracy"]))
    return Told(
        *key,
        *outcome["mean"],
        own=tuple(outcome["own"]),
        scores=scores,
        interval=(ours["low"], ours["high"]) if ours.get("low") is not None else None,
        accuracy=accuracy,
        families={name: gain[0] for name, gain in outcome["families"].items()},
    )


def rank_correlation(
    cases: Sequence[Told], name: str, truth: Callable[[Told], float] = lambda case: case.gain
) -> dict[str, float]:
    """Spearman's correlation of a predictor with the truth over the arms of a drawing, averaged over drawings, by task.

    Mean ranks for ties; a predictor that says the same of all arms gets 0.
    """
    out: dict[str, list[float]] = {}
    for (task, _), drawing in drawings(cases):
        known = [case for case in drawing if name in case.scores]
        if len(known) >= FEWEST:
            ranks = [stats.rankdata([of(case) for case in known]) for of in (lambda c: c.scores[name], truth)]
            flat = any(np.ptp(item) == 0 for item in ranks)
            out.setdefault(task, []).append(0.0 if flat else float(np.corrcoef(*ranks)[0, 1]))
    return {task: float(np.mean(values)) for task, values in out.items()}


def thresholds(cases: Sequence[Told], name: str, *, zero: bool) -> dict[str, float]:
    """By task, the score above which a predictor is read as "helps": 0 for a gain, else what served other tasks best.

    A score without a zero cannot say yes or no by itself; it gets the threshold with the most correct signs over the
    clear cases of all other tasks, the lowest of equals. That is more than its users have.
    """
    names = sorted({case.task for case in cases})
    return {task: 0.0 if zero else _best([c for c in cases if c.task != task], name) for task in names}


def _best(cases: Sequence[Told], name: str) -> float:
    known = [(case.scores[name], case.gain > 0) for case in cases if case.clear and name in case.scores]
    if not known:
        return -math.inf
    values = sorted({score for score, _ in known})
    cuts = [-math.inf, *((a + b) / 2 for a, b in pairwise(values)), math.inf]
    right = [sum((score > cut) == helps for score, helps in known) for cut in cuts]
    return cuts[int(np.argmax(right))]


def sign_accuracy(cases: Sequence[Told], name: str, *, zero: bool) -> dict[str, float]:
    """Share of the clear cases of a task whose sign was said right; ``always positive`` says yes to all."""
    at = thresholds(cases, name, zero=zero)
    out: dict[str, list[bool]] = {}
    for case in cases:
        if case.clear and (name == ALWAYS or name in case.scores):
            yes = name == ALWAYS or case.scores[name] > at[case.task]
            out.setdefault(case.task, []).append(yes == (case.gain > 0))
    return {task: float(np.mean(values)) for task, values in out.items()}


def regret(cases: Sequence[Told], name: str, *, zero: bool) -> dict[str, float]:
    """What the decision of a predictor loses, by task: 0 the best choice of a drawing, 1 the worst.

    It takes the arm with the largest score, or no synthetic rows (gain 0) when that score is not above its threshold.
    The gain lost against the best choice is divided by the range of all choices, for units differ between tasks.
    """
    at = thresholds(cases, name, zero=zero)
    out: dict[str, list[float]] = {}
    for (task, _), drawing in drawings(cases):
        known = [case for case in drawing if name in case.scores]
        if not known:
            continue
        choices = [NOTHING, *(case.gain for case in known)]
        best = max(known, key=lambda case: case.scores[name])
        taken = best.gain if best.scores[name] > at[task] else NOTHING
        width = max(choices) - min(choices)
        out.setdefault(task, []).append((max(choices) - taken) / width if width else 0.0)
    return {task: float(np.mean(values)) for task, values in out.items()}


@dataclass(frozen=True)
class Coverage:
    """How often 90 % intervals of the forecast held the truth.

    Attributes:
        share: over all cases, with an interval clustered by task. width: median of the intervals'. ratio: median of
            their width over the width of the measured interval. cases: how many.
    """

    share: Mean
    width: float
    ratio: float
    cases: int


def coverage(triples: Iterable[tuple[str, tuple[float, float], tuple[float, float, float]]]) -> Coverage:
    """From (task, forecast interval, measured value with its interval)."""
    items = list(triples)
    held = [(task, float(low <= value <= high)) for task, (low, high), (value, _, _) in items]
    widths = np.array([high - low for _, (low, high), _ in items])
    measured = np.array([high - low for _, _, (_, low, high) in items])
    ratio = widths[measured > 0] / measured[measured > 0]
    medians = [float(np.median(item)) if item.size else math.nan for item in (widths, ratio)]
    return Coverage(clustered(held), *medians, len(items))


def clustered(values: Sequence[tuple[str, float]]) -> Mean:
    """The pooled mean of all values with a t interval whose variance is clustered by task."""
    if not values:
        return Mean(math.nan, math.nan, math.nan, 0)
    mean = float(np.mean([value for _, value in values]))
    sums: dict[str, float] = {}
    for task, value in values:
        sums[task] = sums.get(task, 0.0) + value - mean
    count = len(sums)
    if count == 1:
        return Mean(mean, -math.inf, math.inf, 1)
    error = math.sqrt(count / (count - 1) * sum(total**2 for total in sums.values())) / len(values)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * error
    return Mean(mean, mean - reach, mean + reach, count)


def difference(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Mean:
    """Ours minus theirs over the tasks that both have: paired by task."""
    return Mean.of({task: ours[task] - theirs[task] for task in ours if task in theirs})


def drawings(cases: Sequence[Told]) -> list[tuple[tuple[str, int], list[Told]]]:
    """Cases by task and drawing."""
    ordered = sorted(cases, key=lambda case: (case.task, case.split))
    return [(key, list(group)) for key, group in groupby(ordered, key=lambda case: (case.task, case.split))]
