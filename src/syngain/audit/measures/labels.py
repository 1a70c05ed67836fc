"""Labels: do both sides mean the same by them, does the label depend on the row, is it written into the text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_softmax

from syngain.audit.measures.crossfit import Swaps, density_at_zero, margins
from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.data.blocks import row_values
from syngain.data.splits import folds
from syngain.data.text.words import beginning, pattern, runs, words
from syngain.inference.clusters import clustered_variance, shared_training
from syngain.inference.intervals import error_intervals, normal_intervals, share_intervals, wilson
from syngain.inference.resampling import difference_p
from syngain.learners.linear import Discriminant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.measures.two_sample import Pooled
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Interval
    from syngain.learners.linear import FittedDiscriminant

CELLS = 20_000_000  # log-probabilities at a time
EMPTY = "a an and as at be by for from in is it no non not of on or other none the to with un vs"
EMPTY_RUNS = "其他 其它 その他 はい いいえ なし อื่นๆ อื่น ใช่ ไม่ใช่"
EMPTY_WORDS = frozenset([*EMPTY.split(), *EMPTY_RUNS.split()])


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """What the probe saw, for findings: rates on both sides, and how suspect each synthetic label is.

    Attributes:
        expected_agreement: of classifiers with good synthetic labels, by their confidence. chance: of blind guesses.
        real_signal: the inner signal of the real rows with its error, same measure as ``labels.inner_signal``.
        noise: fraction of synthetic labels that the classifier would need to be wrong, (value, low, high).
        threshold: 2 % of real rows have a label that the classifier finds less probable (log-probability).
        teachers: classifiers, one per fold, trained on the other folds. real_fold: fold of each pooled real row.
    """

    expected_agreement: float
    chance: float
    real_signal: float
    real_signal_error: float
    noise: tuple[float, float, float]
    threshold: float
    teachers: Sequence[FittedDiscriminant]
    real_fold: Ints


@dataclass(frozen=True, slots=True)
class LabelProbe:
    """Classifier and student on the same leak-free folds, closed-form discriminants [fisher1936].

    Attributes:
        folds: outer folds; a real row, the rows made from it and their near duplicates share one.
    """

    folds: int = 5
    learner: Discriminant = field(default_factory=Discriminant)

    def __call__(
        self, pooled: Pooled, label: Ints, classes: int, rng: np.random.Generator
    ) -> tuple[dict[str, Estimate], LabelEvidence]:
        """``labels.synthetic_agreement``, ``labels.real_recovery``, ``labels.inner_signal`` and their evidence.

        ``label`` (N,) in ``range(classes)`` for the pooled rows.
        """
        fold = folds(pooled.group, self.folds, rng, strata=label * 2 + pooled.real)
        teachers = fit_folds(pooled.X, label, pooled.real, fold, self.learner, classes)
        students = fit_folds(pooled.X, label, ~pooled.real, fold, self.learner, classes)
        by_teacher, by_student = predict_folds(teachers, pooled.X, fold), predict_folds(students, pooled.X, fold)
        agreement = Agreement.of(pooled, by_teacher == label, confidence(teachers, pooled.X, fold), self._inflation())
        estimates = {
            "labels.synthetic_agreement": agreement.estimate(pooled),
            "labels.real_recovery": self._recovery(pooled, label, by_teacher, by_student),
            "labels.inner_signal": self._inner(pooled, label, by_teacher, by_student, fold),
        }
        return estimates, self._evidence(pooled, label, by_teacher, agreement, teachers, fold)

    def can_judge(self, pooled: Pooled) -> bool:
        """Whether both sides have rows in as many groups as there are folds, so that every fold leaves some of each."""
        return all(np.unique(pooled.group[side]).size >= self.folds for side in (pooled.real, ~pooled.real))

    def _inflation(self) -> float:
        """Of standard errors: training sets of folds overlap, so rows alone understate them."""
        return math.sqrt(shared_training(self.folds))

    def _recovery(self, pooled: Pooled, label: Ints, by_teacher: Ints, by_student: Ints) -> Estimate:
        real = pooled.real
        hits, reference = (by_student == label)[real], (by_teacher == label)[real]
        difference = hits.astype(float) - reference
        error = math.sqrt(clustered_variance(difference, pooled.unit[real])) * self._inflation()
        return _rate(
            hits,
            pooled.unit[real],
            against=(float(reference.mean()), error),
            method="discriminant trained on synthetic rows, scored on real rows of another fold; null: trained on as "
            "many real rows",
            estimand="accuracy on fresh real rows of proxies trained on these synthetic rows",
        )

    def _with_swaps(self, pooled: Pooled, side: Flags, label: Ints, predicted: Ints, fold: Ints, error: float) -> float:
        """The error of kappa with what cross-fitting adds; see :mod:`syngain.audit.measures.crossfit`."""
        X, own, fold = pooled.X[side], label[side], fold[side]
        counts = np.bincount(own, minlength=int(label.max()) + 1)
        chance = float(counts @ np.bincount(predicted[side], minlength=counts.size)) / own.size**2
        if not math.isfinite(error) or np.count_nonzero(counts) < 2:
            return error
        own = np.unique(own, return_inverse=True)[1]  # classes of these rows alone: there may be many others
        margin, rival = margins(X, own, fold, self.learner)
        swaps = Swaps(X=X, label=own, fold=fold, kin=pooled.unit[side], rival=rival, shrinkage=self.learner.shrinkage)
        weight = np.full(own.size, 1 / (own.size * (1 - chance)))
        added = swaps.variances(weight, [density_at_zero(margin, own)])[0]
        return math.sqrt(max(error**2 + added, 0.0))

    def _inner(self, pooled: Pooled, label: Ints, by_teacher: Ints, by_student: Ints, fold: Ints) -> Estimate:
        real = pooled.real
        ours, our_error = kappa(label[~real], by_student[~real], pooled.unit[~real])
        our_error = self._with_swaps(pooled, ~real, label, by_student, fold, our_error)
        theirs, their_error = kappa(label[real], by_teacher[real], pooled.unit[real])
        error = math.hypot(our_error, their_error) * self._inflation()
        return Estimate(
            value=ours,
            unit="kappa",
            method="cross-fitted inside the synthetic rows; Cohen's kappa: 0 when labels are permuted, 1 when certain",
            estimand="kappa of these fold models on fresh synthetic rows",
            intervals=kappa_intervals(label[~real], by_student[~real], our_error),
            null=normal_intervals(theirs, error)[0.95],
            p=difference_p(ours - theirs, error, "both"),
            n=int((~real).sum()),
            clusters=int(np.unique(pooled.unit[~real]).size),
            references={"real": theirs, "independent": 0.0},
        )

    def _evidence(
        self,
        pooled: Pooled,
        label: Ints,
        by_teacher: Ints,
        agreement: Agreement,
        teachers: Sequence[FittedDiscriminant],
        fold: Ints,
    ) -> LabelEvidence:
        real = pooled.real
        own, _ = judge(teachers, pooled.X[real], label[real], fold[real])
        signal, error = kappa(label[real], by_teacher[real], pooled.unit[real])
        frequency = np.bincount(label[~real]) / (~real).sum()
        chance = float(frequency @ frequency)
        return LabelEvidence(
            expected_agreement=agreement.expected,
            chance=chance,
            real_signal=signal,
            real_signal_error=error * self._inflation(),
            noise=agreement.noise(pooled, chance),
            threshold=float(np.quantile(own, 0.02)),
            teachers=teachers,
            real_fold=fold[real],
        )


def fit_folds(
    X: Floats, label: Ints, side: Flags, fold: Ints, learner: Discriminant, classes: int
) -> list[FittedDiscriminant]:
    """For each fold a model trained on the rows of ``side`` outside it."""
    models = []
    for k in range(int(fold.max()) + 1):
        train = side & (fold != k)
        models.append(learner.fit(X[train], label[train], classes))
    return models


def predict_folds(models: Sequence[FittedDiscriminant], X: Floats, fold: Ints) -> Ints:
    """Predictions for every row from the model of its fold, shape (N,)."""
    out = np.zeros(X.shape[0], dtype=np.int64)
    for k, model in enumerate(models):
        out[fold == k] = model.predict(X[fold == k])
    return out


def judge(teachers: Sequence[FittedDiscriminant], X: Floats, label: Ints, fold: Ints) -> tuple[Floats, Flags]:
    """Log-probability of each row's own label, and whether it is the classifier's first choice; shapes (n,)."""
    own, first = np.zeros(X.shape[0]), np.zeros(X.shape[0], dtype=bool)
    for k, model in enumerate(teachers):
        for rows in _parts(np.flatnonzero(fold == k), model.present.size):
            table = log_softmax(model.scores(X[rows]), axis=1)  # of the classes seen, which may be few of all
            place = np.minimum(np.searchsorted(model.present, label[rows]), model.present.size - 1)
            seen = model.present[place] == label[rows]
            own[rows] = np.where(seen, table[np.arange(rows.size), place], -np.inf)
            first[rows] = model.present[table.argmax(axis=1)] == label[rows]
    return np.maximum(own, -700.0), first  # a class the teacher never saw has log-probability -inf


def confidence(models: Sequence[FittedDiscriminant], X: Floats, fold: Ints) -> Floats:
    """Log-probability of the first choice of each row's model, shape (N,)."""
    out = np.zeros(X.shape[0])
    for k, model in enumerate(models):
        for rows in _parts(np.flatnonzero(fold == k), model.present.size):
            out[rows] = log_softmax(model.scores(X[rows]), axis=1).max(axis=1)
    return out


def _parts(rows: Ints, columns: int) -> list[Ints]:
    """The rows in parts of at most so many cells that they fit into memory."""
    return np.array_split(rows, max(1, -(-rows.size * columns // CELLS)))


def kappa(label: Ints, predicted: Ints, units: Ints) -> tuple[float, float]:
    """Cohen's kappa [cohen1960] of predictions with labels, and its error by linearization over units."""
    n, classes = label.size, int(max(label.max(), predicted.max())) + 1
    p, q = np.bincount(label, minlength=classes) / n, np.bincount(predicted, minlength=classes) / n
    agreement, expected = float((label == predicted).mean()), float(p @ q)
    if expected >= 1:
        return 0.0, math.inf
    value = (agreement - expected) / (1 - expected)
    hits = (label == predicted) - agreement
    margins = q[label] + p[predicted] - 2 * expected
    influence = hits / (1 - expected) - margins * (1 - agreement) / (1 - expected) ** 2
    return value, math.sqrt(clustered_variance(influence, units))


def kappa_intervals(label: Ints, predicted: Ints, error: float) -> dict[float, Interval]:
    """Intervals of Cohen's kappa: Wilson's for the agreement, carried over with the chance agreement held.

    The agreement's number of trials is that of the error of kappa, so margins and units are in it. A symmetric interval
    has no width at perfect agreement, and too little below it.
    """
    n, classes = label.size, int(max(label.max(), predicted.max())) + 1
    chance = float(np.bincount(label, minlength=classes) @ np.bincount(predicted, minlength=classes)) / n**2
    if chance >= 1:
        return normal_intervals(0.0, math.inf)
    of_agreement = error_intervals(float((label == predicted).mean()), error * (1 - chance), n)
    return {level: ((a - chance) / (1 - chance), (b - chance) / (1 - chance)) for level, (a, b) in of_agreement.items()}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often classifiers agree with labels, and how often their confidence says they should.

    Attributes:
        hits, confidence: per pooled row (N,), whether the first choice is the label; its log-probability.
        expected: agreement expected on the synthetic rows. error: standard error of observed minus expected.
    """

    hits: Flags
    confidence: Floats
    expected: float
    error: float

    @classmethod
    def of(cls, pooled: Pooled, hits: Flags, confidence: Floats, inflation: float) -> Agreement:
        """Calibrate on the real rows: accuracy by bins of confidence, applied to the confidence on synthetic rows.

        ``inflation`` of the error on the real side is that of overlapping training folds.

        Synthetic rows that are easier than real ones (spliced from real rows, say) or harder (another style) would
        otherwise hide or fake label noise.
        """
        real = pooled.real
        bins = int(np.clip(real.sum() // 30, 2, 10))
        edges = np.unique(np.quantile(confidence[real], np.linspace(0, 1, bins + 1)[1:-1]))
        code = np.searchsorted(edges, confidence)
        counts = np.bincount(code[real], minlength=edges.size + 1).astype(float)
        right = np.bincount(code[real], weights=hits[real], minlength=edges.size + 1)
        accuracy = np.divide(right, counts, out=np.full(counts.size, float(hits[real].mean())), where=counts > 0)
        share = np.bincount(code[~real], minlength=edges.size + 1) / (~real).sum()
        of_bins = float(np.sum(share**2 * accuracy * (1 - accuracy) / np.maximum(counts, 1)))
        residual = hits[~real] - accuracy[code[~real]]
        error = math.sqrt(inflation**2 * of_bins + clustered_variance(residual, pooled.unit[~real]))
        return cls(hits, confidence, float(share @ accuracy), error)

    def estimate(self, pooled: Pooled) -> Estimate:
        """``labels.synthetic_agreement``."""
        real = pooled.real
        return _rate(
            self.hits[~real],
            pooled.unit[~real],
            against=(self.expected, self.error),
            method="classifiers trained on real rows of other folds, scored on synthetic rows; null: what their "
            "confidence promises, calibrated on real rows",
            estimand="accuracy of these classifiers on fresh synthetic rows",
            others={"real_rows": float(self.hits[real].mean())},
        )

    def noise(self, pooled: Pooled, chance: float) -> tuple[float, float, float]:
        """Fraction of labels that must be wrong to explain the lost agreement, with its 95 % interval.

        A classifier that is right with probability r agrees with a wrong label only where it errs, and then with
        probability ``chance`` over the wrong labels: s = (1 - w) r + w (1 - r) chance / (1 - chance), with ``chance``
        the probability that two labels of the set are equal. So w = (r - s) / (r - (1 - r) chance / (1 - chance)).
        """
        room = self.expected - (1 - self.expected) * chance / max(1 - chance, 1e-9)
        if room <= 0.05:
            return 0.0, -math.inf, math.inf
        value = (self.expected - float(self.hits[~pooled.real].mean())) / room
        return value, value - 1.96 * self.error / room, value + 1.96 * self.error / room


def _rate(
    hits: Flags,
    units: Ints,
    *,
    against: tuple[float, float],
    method: str,
    estimand: str,
    others: Mapping[str, float] | None = None,
) -> Estimate:
    """A rate with what it is expected to be, and the standard error of that."""
    value, (reference, error) = float(hits.mean()), against
    return Estimate(
        value=value,
        unit="share",
        method=method,
        estimand=estimand,
        intervals=share_intervals(hits, units),
        null=normal_intervals(reference, error)[0.95],
        p=difference_p(value - reference, error, "both"),
        n=hits.size,
        clusters=int(np.unique(units).size),
        references={"real": reference, **(others or {})},
    )


def leaking(texts: Sequence[str], labels: Sequence[str]) -> Flags:
    """Whether every content word of a row's own label is written in the row, by word stems; shape (n,)."""
    if len(texts) != len(labels):
        raise UsageError(
            f"{len(texts):,} texts and {len(labels):,} labels",
            expected="one label per text",
            todo="pass the labels of these texts",
        )
    return row_values(lambda part: _leaking(texts[part], labels[part]), len(texts), np.bool_)


def _leaking(texts: Sequence[str], labels: Sequence[str]) -> list[bool]:
    stems = {
        label: [re.compile(beginning(stem), re.IGNORECASE) for stem in label_stems(label)] for label in set(labels)
    }
    return [
        bool(stems[label]) and all(pattern.search(text) for pattern in stems[label])
        for text, label in zip(texts, labels, strict=True)
    ]


def label_stems(label: str) -> list[str]:
    """Stems of the content words of a label name: ``not hyperbole`` gives ``hyperbol``; ``0`` gives none.

    In scripts without spaces every run of two characters and more.
    """
    unspaced, rest = runs(label)
    whole = [run for run in unspaced if run not in EMPTY_WORDS and len(pattern("character").findall(run)) > 1]
    content = [w for w in words(re.sub(r"(?<=[a-z])(?=[A-Z])|[_\W]+", " ", rest)) if w.isalpha()]
    stems = [word[: max(4, len(word) - 2)] if len(word) > 4 else word for word in content if word not in EMPTY_WORDS]
    return [*stems, *whole]


def leak_fraction(synthetic: Flags, real: Flags, units: Ints) -> Estimate:
    """``labels.leak_fraction``: fraction of rows that say their own label; null: the fraction of the real rows."""
    value, reference = float(synthetic.mean()), float(real.mean())
    pooled_rate = (synthetic.sum() + real.sum()) / (synthetic.size + real.size)
    simple = pooled_rate * (1 - pooled_rate)
    clustered = clustered_variance(synthetic.astype(float), units)
    error = math.sqrt(max(simple / synthetic.size, clustered) + simple / real.size)
    return Estimate(
        value=value,
        unit="share",
        method="all content words of the row's own label occur in the row, compared by stems",
        estimand="fraction of synthetic rows that contain their own label's words",
        intervals=share_intervals(synthetic, units),
        null=wilson(reference, real.size, 0.95),
        p=difference_p(value - reference, error, "both"),
        n=synthetic.size,
        clusters=int(np.unique(units).size),
        references={"real": reference},
    )
