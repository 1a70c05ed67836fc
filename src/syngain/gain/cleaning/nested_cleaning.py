"""The gain of dropping rows, on real rows that took no part in naming them.

Every variant trains the same proxy model: on all rows, without the named rows, and without as many random rows. Without
a test set, real rows are held out in turn and rows are named again among the others.

Labels of held-out rows may be wrong as well. A model of right labels is then punished without limit for being sure, and
a model of wrong labels is not. So each variant may hedge: its probabilities are mixed with the uniform distribution, at
the weight that fits the held-out rows of the other folds best. On rows without wrong labels the weight is near 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from syngain.core.progress import Progress, silent
from syngain.data.splits import folds
from syngain.gain.cleaning.methods import cleaning_method
from syngain.gain.design.cross_validation import pooled
from syngain.gain.nested_gains import NestedGains
from syngain.gain.proxies.task import Outcome, Training
from syngain.inference.clusters import shared_training

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.cleaning.profile import LabelProfile, ProfileModel
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.proxies.labels import LabelTask

KEEP_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningTrial:
    """Settings: outer ``folds`` of the real rows, ``randoms`` random drops, ``most`` real rows that are measured on."""

    folds: int = 5
    randoms: int = 2
    most: int = 2_000


@dataclass(frozen=True)
class CleaningLayout:
    """Rows, the proxy model that measures, and the models that profile rows.

    Attributes:
        ground: all rows. task: their proxy model. model: of profiles. methods: names of those to measure; as many
            random rows as the first one names are dropped for comparison.
        synthetic: whether synthetic rows are cleaned; else real rows are, and synthetic rows never train.
        streams: of every random choice.
    """

    ground: GainLayout
    task: LabelTask
    model: ProfileModel
    methods: Sequence[str]
    synthetic: bool
    streams: Streams

    @property
    def side(self) -> str:
        """The rows that are cleaned: ``real`` or ``synthetic``."""
        return "synthetic" if self.synthetic else "real"

    def made_from(self, real: Flags) -> Ints:
        """Synthetic rows that train next to these real rows: none where real rows are cleaned."""
        if not self.synthetic:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.ground.lineage.made_from(real))

    def profile(self, task: LabelTask, real: Ints, rows: Ints, streams: Streams) -> LabelProfile:
        """The profile of these real rows, then of these synthetic rows, fitted on both out of fold."""
        X = np.vstack([task.real[real], task.synthetic[rows]])
        label = np.concatenate([task.label[real], task.synthetic_label[rows]])
        group = np.concatenate([self.ground.lineage.group[real], self.ground.lineage.unit[rows]])
        side = np.repeat([0, 1], [real.size, rows.size])
        rng = streams.stream("profile")
        return self.model.profile(X, label, classes=task.classes, rng=rng, group=group, side=side)

    def trainings(self, task: LabelTask, real: Ints, rows: Ints, trial: CleaningTrial, streams: Streams) -> _Variants:
        """The training rows of every variant."""
        profile = self.profile(task, real, rows, streams)
        cleaned = profile.take(np.arange(real.size, real.size + rows.size) if self.synthetic else np.arange(real.size))
        found = {KEEP_ALL: Training(real, rows)}
        dropped: dict[str, Flags] = {}
        for name in self.methods:
            dropped[name] = cleaning_method(name)(cleaned).drop
            found[name] = self._without(real, rows, dropped[name])
        for draw in range(trial.randoms):
            order = streams.stream("random", str(draw)).permutation(cleaned.label.size)
            gone = np.zeros(order.size, dtype=bool)
            gone[order[: int(dropped[self.methods[0]].sum())]] = True
            found[f"random {draw}"] = self._without(real, rows, gone)
        return _Variants(found, {name: int(gone.sum()) for name, gone in dropped.items()})

    def _without(self, real: Ints, rows: Ints, gone: Flags) -> Training:
        return Training(real, rows[~gone]) if self.synthetic else Training(real[~gone], rows)


@dataclass(frozen=True, slots=True)
class _Variants:
    trainings: Mapping[str, Training]
    dropped: Mapping[str, int]

    def judge(self, task: LabelTask, held: Ints, streams: Streams) -> dict[str, Outcome]:
        """Train each variant and score the held-out rows; variants without a dropped row are the one of all rows."""
        out: dict[str, Outcome] = {}
        whole = self.trainings[KEEP_ALL]
        for name, training in self.trainings.items():
            same = training.real.size == whole.real.size and training.synthetic.size == whole.synthetic.size
            known = out.get(KEEP_ALL) if same else None
            out[name] = known or task.judge(training, held, streams.stream("inner"))
        return out


@dataclass(frozen=True)
class CleaningGains:
    """Gains of dropping rows.

    Attributes:
        gains: outcomes of every variant, with the hedge. dropped: rows that each method dropped, mean over the folds.
        hedge: weight of the uniform distribution in each variant, mean over the folds.
    """

    gains: NestedGains
    dropped: Mapping[str, float]
    hedge: Mapping[str, float]


def cross_validated(layout: CleaningLayout, trial: CleaningTrial, progress: Progress = silent) -> CleaningGains:
    """Rows are named on all folds of the real rows but one, and the gain is measured on that one, in turn."""
    ground, streams = layout.ground, layout.streams
    fold = ground.lineage.folds(trial.folds, streams.stream("clean folds"))
    count = int(fold.max()) + 1
    found: dict[str, list[tuple[Ints, Outcome]]] = {}
    dropped: dict[str, list[int]] = {name: [] for name in layout.methods}
    for f in range(count):
        progress(f"cleaning and evaluating, fold {f + 1}", f / count)
        real, held = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
        rows, own = layout.made_from(fold != f), streams.child(f"clean fold {f}")
        task = layout.task.within(real, rows)
        variants = layout.trainings(task, real, rows, trial, own)
        for name, outcome in variants.judge(task, held, own).items():
            found.setdefault(name, []).append((held, outcome))
        for name, number in variants.dropped.items():
            dropped[name].append(number)
    outcomes = {name: pooled(parts, ground.anchors.size) for name, parts in found.items()}
    means = {name: float(np.mean(numbers)) for name, numbers in dropped.items()}
    where = (
        f"rows named on {count - 1} of {count} folds of the real rows, gain on the other; units: real rows, "
        "variance inflated for shared training rows [nadeau2003]"
    )
    hedged = _hedged(outcomes, len(ground.names), fold)
    left = float(np.mean([np.sum(fold != f) for f in range(count)]))
    gains = NestedGains(
        {name: outcome for name, (outcome, _) in hedged.items()},
        ground.anchor_labels,
        ground.lineage.group,
        shared_training(count),
        left,
        where,
    )
    return CleaningGains(gains, means, {name: weight for name, (_, weight) in hedged.items()})


def on_test_rows(layout: CleaningLayout, trial: CleaningTrial) -> CleaningGains:
    """Rows are named among all rows, and the gain is measured on the test set."""
    ground, streams = layout.ground, layout.streams.child("clean test")
    rows = layout.made_from(np.ones(ground.anchors.size, dtype=bool))
    task = layout.task.within(ground.anchors, rows)
    variants = layout.trainings(task, ground.anchors, rows, trial, streams)
    outcomes = variants.judge(task, ground.test, streams)
    cluster = ground.cluster[ground.test]
    count = min(trial.folds, np.unique(cluster).size)
    hedged = _hedged(outcomes, len(ground.names), folds(cluster, count, streams.stream("hedge")))
    gains = NestedGains(
        {name: outcome for name, (outcome, _) in hedged.items()},
        ground.label[ground.test],
        cluster,
        1.0,
        float(ground.anchors.size),
        "rows named among all rows, gain on the test set; paired, clustered by near-duplicates",
    )
    counts = {name: float(number) for name, number in variants.dropped.items()}
    return CleaningGains(gains, counts, {name: weight for name, (_, weight) in hedged.items()})


def _hedged(outcomes: Mapping[str, Outcome], classes: int, fold: Ints) -> dict[str, tuple[Outcome, float]]:
    """Each outcome mixed with the uniform distribution, and the weight of it."""
    out = {}
    for name, outcome in outcomes.items():
        loss, weights = outcome.loss.copy(), []
        for f in np.unique(fold):
            inside = fold == f
            weight = hedge(outcome.loss[~inside], classes) if not inside.all() else 0.0
            loss[inside] = mixed(outcome.loss[inside], classes, weight)
            weights.append(weight)
        out[name] = (replace(outcome, loss=loss), float(np.mean(weights)))
    return out


def hedge(loss: Floats, classes: int) -> float:
    """The weight of the uniform distribution over ``classes`` that fits rows best.

    ``loss``: minus the log-probability of each label (n,), in nats. Convex, so the optimum is unique.
    """
    found = optimize.minimize_scalar(
        lambda weight: float(mixed(loss, classes, weight).mean()), bounds=(0.0, 1.0), method="bounded"
    )
    return float(found.x)


def mixed(loss: Floats, classes: int, weight: float) -> Floats:
    """Loss of each label (n,), in nats, with this weight of the uniform distribution."""
    return np.asarray(-np.log((1 - weight) * np.exp(-loss) + weight / classes))
