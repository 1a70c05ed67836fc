"""Cross-validation behind a forecast: variants, folds, training sizes.

Folds leave whole groups of real rows out together with every synthetic row made from them. In each fold the variants
see a fraction of the remaining real rows and, of the synthetic rows those real rows could have made, a number of rows
that is the same in all folds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.gain.design.fold_pairs import Pairs, leave_pairs
from syngain.gain.design.lineage import Lineage, drawn
from syngain.gain.proxies.task import Outcome, Training
from syngain.learners.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.proxies.task import Task

Kind = Literal["anchors", "both", "synthetic", "duplicated"]


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """Training rows: a fraction of real rows and an amount of synthetic rows."""

    kind: Kind
    share: float = 1.0
    amount: int = 0
    balanced: bool = False


@dataclass(frozen=True, slots=True)
class Design:
    """Size of an experiment.

    Attributes:
        folds: outer folds. ``shares``: parts of a fold's training real rows, ascending, the last is 1.
        repeats: how often folds and subsamples are drawn again. amounts: log-spaced amounts of synthetic rows.
        most: most synthetic rows in a variant. controls: whether duplication and synthetic-only run.
        balanced: whether the variants with class weights run.
        pairs: whether pairs of folds are left out to see how much common training rows add to the variance.
    """

    folds: int = 10
    shares: tuple[float, ...] = (0.5, 0.7, 1.0)
    repeats: int = 1
    amounts: int = 5
    most: int = 10_000
    controls: bool = True
    balanced: bool = True
    pairs: bool = True


@dataclass(frozen=True)
class Trial:
    """One draw of folds: out-of-fold outcomes of every variant, by real row.

    Attributes:
        fold: fold of each real row (n,). sizes: mean number of training real rows at each training size.
        least: synthetic rows of the smallest training size in every fold. most: those of the whole training part.
        outcomes: variant to its outcome on all real rows. pairs: the same without pairs of folds, in the first trial
            only.
    """

    fold: Ints
    sizes: tuple[float, ...]
    least: int
    most: int
    levels: tuple[int, ...]
    outcomes: Mapping[Arm, Outcome]
    pairs: Pairs | None = None


@dataclass(frozen=True)
class Experiment:
    """All trials of a design."""

    design: Design
    lineage: Lineage
    trials: Sequence[Trial]


def experiment(
    task: Task,
    lineage: Lineage,
    streams: Streams,
    *,
    design: Design,
    progress: Progress = silent,
) -> Experiment:
    """Run every variant of the design by cross-validation.

    Real rows are rows 0 .. n - 1 of the task's numbering.

    Folds are not stratified by label: with the labels of training and held-out real rows tied to one class
    distribution, real rows alone look better than on fresh rows and the gain too small.

    Raises:
        InputError: all synthetic rows are held out with a fold of real rows.
    """
    trials = []
    choices: dict[Arm, Choices] = defaultdict(Choices)  # of a variant, over its folds and draws
    for repeat in range(design.repeats):
        named = streams.child(f"trial {repeat}")
        plan = _Plan.of(lineage, design, named)
        _check(plan)
        done: dict[Arm, list[tuple[Ints, Outcome]]] = {arm: [] for arm in plan.arms}
        total = design.repeats * plan.folds
        for index, fold in enumerate(range(plan.folds)):
            progress("gain", (repeat * plan.folds + index) / total)
            held = np.flatnonzero(plan.fold == fold)
            part = plan.parts[fold][-1]
            inside = task.within(np.flatnonzero(part), plan.available(part))
            for arm, training in plan.trainings(fold):
                learned = replace(training, choices=choices[arm])
                done[arm].append((held, inside.judge(learned, held, named.stream("inner", str(fold)))))
        outcomes = {arm: pooled(parts, lineage.anchors) for arm, parts in done.items()}
        pairs = None
        if design.pairs and repeat == 0:
            progress("pairs of folds", plan.folds / total)
            pairs = leave_pairs(task, lineage, plan.fold, plan.order, plan.most, named)
        trials.append(Trial(plan.fold, plan.sizes, plan.least, plan.most, plan.levels, outcomes, pairs))
    return Experiment(design, lineage, trials)


def _check(plan: _Plan) -> None:
    if plan.most < 1:
        raise InputError(
            "all synthetic rows were made from one group of real rows",
            expected="rows made from several real rows: those made from a held-out real row are held out too",
            todo="generate rows from more real rows",
        )


@dataclass(frozen=True)
class _Plan:
    """The rows of every variant in every fold of one trial."""

    lineage: Lineage
    design: Design
    fold: Ints
    parts: Sequence[Sequence[Flags]]  # fold, share: real rows that train
    order: Ints
    least: int
    most: int

    @classmethod
    def of(cls, lineage: Lineage, design: Design, streams: Streams) -> _Plan:
        rng = streams.stream("folds")
        fold = lineage.folds(design.folds, rng)
        parts = [
            [lineage.shares(fold != f, share, streams.stream("share", str(f))) for share in design.shares]
            for f in range(int(fold.max()) + 1)
        ]
        counts = np.array([[lineage.made_from(part).sum() for part in row] for row in parts])
        order = streams.stream("rows").permutation(lineage.source.size)
        least, most = (min(int(counts[:, i].min()), design.most) for i in (0, -1))
        return cls(lineage, design, fold, parts, order, least, most)

    @property
    def folds(self) -> int:
        return len(self.parts)

    def available(self, part: Flags) -> Ints:
        """Synthetic rows that variants may draw when these real rows train."""
        return drawn(self.lineage.made_from(part), self.most, self.order)

    @property
    def sizes(self) -> tuple[float, ...]:
        return tuple(float(np.mean([row[i].sum() for row in self.parts])) for i in range(len(self.design.shares)))

    @property
    def levels(self) -> tuple[int, ...]:
        """Amounts that double up to the most that every fold has."""
        return tuple(sorted({max(round(self.most / 2**k), 1) for k in range(self.design.amounts)}))

    @property
    def arms(self) -> list[Arm]:
        shares = self.design.shares
        arms = [Arm("anchors", share) for share in shares]
        arms += [Arm("both", share, self.least) for share in shares]
        arms += [Arm("both", 1.0, level) for level in (*self.levels, self.most)]
        if self.design.controls:
            arms += [Arm("synthetic", 1.0, self.most), Arm("duplicated", 1.0, self.most)]
        if self.design.balanced:
            arms += [Arm("anchors", balanced=True), Arm("both", 1.0, self.most, balanced=True)]
        return list(dict.fromkeys(arms))

    def trainings(self, fold: int) -> Iterator[tuple[Arm, Training]]:
        for arm in self.arms:
            part = self.parts[fold][self.design.shares.index(arm.share)]
            rows = drawn(self.lineage.made_from(part), arm.amount, self.order)
            yield arm, training(arm, np.flatnonzero(part), rows, self.lineage)


def training(arm: Arm, anchors: Ints, rows: Ints, lineage: Lineage) -> Training:
    """The training rows of a variant, or of its oversampling control.

    Duplication is matched in size and lineage: every synthetic row is replaced by the real row it was made from; rows
    of unknown source are replaced by the real rows in turn.
    """
    none = np.empty(0, dtype=np.int64)
    if arm.kind == "duplicated":
        made_from = lineage.source[rows].copy()
        unknown = np.flatnonzero(made_from < 0)
        made_from[unknown] = anchors[np.arange(unknown.size) % anchors.size]
        return Training(np.concatenate([anchors, made_from]), none, arm.balanced)
    real = none if arm.kind == "synthetic" else anchors
    return Training(real, none if arm.kind == "anchors" else rows, arm.balanced)


def pooled(parts: Sequence[tuple[Ints, Outcome]], count: int) -> Outcome:
    """Outcomes of parts of ``count`` rows as one."""
    loss, size = np.zeros(count), np.zeros(count)
    guess = None if parts[0][1].guess is None else np.zeros(count, dtype=np.int64)
    for rows, outcome in parts:
        loss[rows], size[rows] = outcome.loss, outcome.size
        if guess is not None and outcome.guess is not None:
            guess[rows] = outcome.guess
    return Outcome(loss, size, guess, all(outcome.converged for _, outcome in parts), _pooled_parts(parts, count))


def _pooled_parts(parts: Sequence[tuple[Ints, Outcome]], count: int) -> dict[str, Floats]:
    out = {name: np.zeros((count, *values.shape[1:])) for name, values in parts[0][1].parts.items()}
    for rows, outcome in parts:
        for name, values in outcome.parts.items():
            out[name][rows] = values
    return out
