"""Balance of a table: variants compared on held-out folds, and the rows of the chosen one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.data.rows import show_names
from syngain.data.splits import folds
from syngain.tables.balance.coded import TableCodes
from syngain.tables.balance.contest import Repeat, contest
from syngain.tables.balance.copies import CopyDraws, copies
from syngain.tables.balance.scores import RowDraws, Score, chosen, prior_weights
from syngain.tables.balance.variants import DUPLICATION, PLAIN, VARIANTS, lacking, variants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.tables.balance.settings import BalanceSettings
    from syngain.tables.balance.variants import NewRows
    from syngain.tables.stress.task import ClassTask

COMPARED = 3_000  # real rows that variants are compared on
KEPT = 30  # rows of a class that stay where fewer real rows are compared


@dataclass(frozen=True)
class BalanceFound:
    """Variants of balancing on held-out folds, and the rows of the chosen one.

    Attributes:
        task: real rows with classes. codes: their cells as integers. compared: the rows that were compared.
        repeats: predictions in each partition into folds. draws: resamplings of the compared rows.
        copies: of the variants that make rows. choice: the chosen variant. made: its rows, None where it makes none.
    """

    task: ClassTask
    codes: TableCodes
    compared: Ints
    repeats: Sequence[Repeat]
    draws: RowDraws
    copies: Mapping[str, CopyDraws]
    choice: str
    made: NewRows | None

    @property
    def y(self) -> Ints:
        """The classes of the compared rows (n,)."""
        return self.task.y[self.compared]

    @cached_property
    def f1(self) -> Mapping[str, Score]:
        """Macro-F1 of each variant on outer folds, mean of the learners."""
        return {name: self.draws.score([one.predicted[at] for one in self.repeats]) for at, name in enumerate(VARIANTS)}

    @cached_property
    def of_learner(self) -> Mapping[str, Sequence[float]]:
        """Macro-F1 of each variant by each learner."""
        learners = range(self.repeats[0].predicted.shape[1])
        return {
            name: [self.draws.score([one.predicted[at, [place]] for one in self.repeats]).value for place in learners]
            for at, name in enumerate(VARIANTS)
        }

    @cached_property
    def loss(self) -> Mapping[str, Score]:
        """Log-loss of each variant on outer folds in nats, mean of the learners."""
        out = {}
        for at, name in enumerate(VARIANTS):
            rows = [one.loss[at].mean(axis=0) for one in self.repeats]
            parts = np.array([float(row.mean()) for row in rows])
            drawn = np.mean([self.draws.mean(row) for row in rows], axis=0)
            out[name] = Score(parts, drawn, self.draws.folds, self.draws.rarest)
        return out

    @cached_property
    def choices(self) -> Sequence[Ints]:
        """The variant that each outer fold's inner folds choose, for each partition (folds,)."""
        return [one.choices(self.draws) for one in self.repeats]

    @cached_property
    def nested(self) -> Score:
        """Macro-F1 on each outer fold of the variant that the other folds chose."""
        return self.draws.score([one.nested(choice) for one, choice in zip(self.repeats, self.choices, strict=True)])

    @property
    def over_plain(self) -> Score:
        """What choosing a variant gains over the real rows alone."""
        return self.nested.minus(self.f1[PLAIN])

    @property
    def over_duplication(self) -> Score:
        """What choosing a variant gains over duplication."""
        return self.nested.minus(self.f1[DUPLICATION])

    @cached_property
    def best_share(self) -> Mapping[str, float]:
        """The fraction of resamplings of the rows in which a variant is the best."""
        best = np.array([self.f1[name].draws for name in VARIANTS]).argmax(axis=0)
        return {name: float(np.mean(best == at)) for at, name in enumerate(VARIANTS)}

    @cached_property
    def picked(self) -> Mapping[str, int]:
        """How many outer folds chose each variant by their inner folds."""
        counts = np.bincount(np.concatenate(self.choices), minlength=len(VARIANTS))
        return dict(zip(VARIANTS, counts.tolist(), strict=True))


def balance_table(
    task: ClassTask, settings: BalanceSettings, *, seed: int = 0, progress: Progress = silent
) -> BalanceFound:
    """Compare variants on held-out folds, choose one, and make its rows from all real rows.

    Args:
        task: real rows with classes.
        settings: folds, repeats, learners, cell model.
        seed: of folds and variants.
        progress: called with stage and fraction done.

    Raises:
        InputError: all classes have the same number of rows. UsageError: class fractions that do not fit.
    """
    classes = len(task.classes)
    _fractions(settings.prior, task.y, task.classes)  # wrong ones are an error before any work
    if not lacking(task.y, classes).any():
        raise InputError(
            f"all {classes} classes of {task.label} have {int((task.y == 0).sum()):,} rows",
            expected="a class with fewer rows than another",
            todo="nothing to balance; name another column with --label",
        )
    streams = Streams(seed).child("balance")
    codes = TableCodes.of({name: task.cells[name] for name in task.features})
    compared = _compared(task.y, streams.stream("compared"))
    rows, y, group = codes.rows.take(compared), task.y[compared], task.group[compared]
    repeats = []
    for repeat in range(settings.repeats):
        progress(f"folds, repeat {repeat + 1} of {settings.repeats}", 0.05 + 0.8 * repeat / settings.repeats)
        own = streams.child(str(repeat))
        fold = folds(group, settings.folds, own.stream("folds"), strata=y)
        repeats.append(contest(rows, y, fold, settings, int(own.stream("seed").integers(2**31 - 1))))
    progress("copies", 0.85)
    makers = variants(settings.cells)
    copied = copies(rows, y, group, makers, streams.child("copies"))
    weight = prior_weights(y, _fractions(settings.prior, y, task.classes))
    draws = RowDraws.of(y, group, weight, settings.folds, streams.stream("resamplings"))
    found = BalanceFound(task, codes, compared, repeats, draws, copied, PLAIN, None)
    choice = VARIANTS[chosen([found.f1[name] for name in VARIANTS], draws.shift)]
    progress("rows of the chosen variant", 0.92)
    made = None
    if choice in makers:
        made = makers[choice].more(codes.rows, task.y, lacking(task.y, classes), streams.stream("made"))
    return replace(found, choice=choice, made=made)


def _compared(y: Ints, rng: np.random.Generator) -> Ints:
    """Rows that are compared: all, or random ones of each class in proportion, at least 30 where there are."""
    if y.size <= COMPARED:
        return np.arange(y.size)
    out = []
    for c in np.unique(y):
        own = np.flatnonzero(y == c)
        size = min(own.size, max(KEPT, round(own.size * COMPARED / y.size)))
        out.append(rng.permutation(own)[:size])
    return np.sort(np.concatenate(out))


def _fractions(prior: str | Mapping[str, float], y: Ints, classes: Sequence[str]) -> Floats:
    """The class fractions that variants are scored at (classes,)."""
    if prior == "real":
        return np.bincount(y, minlength=len(classes)) / y.size
    if isinstance(prior, str):
        return np.full(len(classes), 1 / len(classes))
    found = np.array([prior.get(name, 0.0) for name in classes])
    if set(prior) != set(classes) or found.min() <= 0:
        raise UsageError(
            f"class fractions of {show_names(list(prior))}",
            expected=f"a fraction above 0 for each of {show_names(list(classes))}",
            todo="name every class once, or use even",
        )
    return np.asarray(found / found.sum())
