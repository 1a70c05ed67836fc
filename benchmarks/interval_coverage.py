"""How often does each measure's 95 % interval contain the truth, over lab-like worlds that know it?

A family of worlds draws settings at random (fixed seeds); ``WORLDS_PER_SETTING`` worlds share a setting. The truth is
that of the estimand the estimate states: exact where there is a formula; for "these classifiers", "these anchors" the
same fitted objects on a large fresh sample; for "expected ... at this sample size" the mean over replicates.
In about half of the settings synthetic rows come in units (several rows of one anchor) that are alike.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/interval_coverage.py [--worlds 200] [--jobs 2] [--only ID ...]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from syngain.audit.measures import labels, novelty, uniformity
from syngain.audit.measures.diversity import Vendi, unit_rows, vendi
from syngain.audit.measures.duplicates import effective_size, repeated_fraction
from syngain.audit.measures.marginals import Marginals
from syngain.audit.measures.neighbors import Neighbors, coverage, density, distance_ratio
from syngain.audit.measures.regions import Regions
from syngain.audit.measures.relations import Relations
from syngain.audit.measures.two_sample import (
    ClassifierTwoSample,
    KernelTwoSample,
    Pooled,
    fit_discriminator,
    fit_ridge,
    js_terms,
    permuted_sides,
    squared_distances,
)
from syngain.audit.row_scores import Vectors, score_rows
from syngain.data.splits import folds, groups
from syngain.data.text import near_duplicates

WORLDS_PER_SETTING = 10
FRESH = 20_000  # rows on which fitted objects are evaluated again
REPLICATES = 300  # of a whole-sample statistic


# --- units -----------------------------------------------------------------------------------------------------------


def unit_codes(rng, n, size):
    """Units of geometric size with mean ``size``; 1: every row alone."""
    if size == 1:
        return np.arange(n)
    return np.repeat(np.arange(n), rng.geometric(1 / size, n))[:n]


def unit_size(rng):
    return int(rng.choice([1, 1, 2, 4]))


# --- Gaussian worlds -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gaussian:
    """Real rows N(0, S), synthetic rows N(shift, scale^2 S); synthetic rows of a unit share a part ``rho``.

    With ``linked`` the shared part is the residual of a real row, the anchor of the unit.
    """

    n: int
    spread: np.ndarray  # standard deviations, (d,)
    shift: np.ndarray
    scale: float
    size: int
    rho: float
    linked: bool

    @classmethod
    def of(cls, rng, n=(100, 400), d=(4, 30)):
        d = int(rng.integers(*d))
        spread = np.sort(rng.gamma(2, 0.5, d) + 0.1)[::-1]
        direction = rng.normal(size=d)
        shift = rng.choice([0, 0.3, 0.8, 2]) * direction / np.linalg.norm(direction) * spread
        return cls(
            int(rng.integers(*n)), spread, shift, float(rng.choice([0.6, 0.9, 1, 1, 1.3])), unit_size(rng),
            float(rng.uniform(0.1, 0.7)), bool(rng.random() < 0.5),
        )  # fmt: skip

    def real(self, rng, n):
        return rng.normal(size=(n, self.spread.size)) * self.spread

    def synthetic(self, rng, n):
        """Independent rows: the marginal law does not depend on units."""
        return self.shift + self.scale * self.real(rng, n)

    def pooled(self, rng):
        real = self.real(rng, self.n)
        unit = unit_codes(rng, self.n, self.size)
        shared = real if self.linked else self.real(rng, self.n)
        rho = self.rho if self.size > 1 or self.linked else 0.0
        residual = np.sqrt(rho) * shared[unit] + np.sqrt(1 - rho) * self.real(rng, self.n)
        X = np.vstack([real, self.shift + self.scale * residual])
        anchor = np.concatenate([np.arange(self.n) if self.linked else np.full(self.n, -1), unit])
        units = np.concatenate([-1 - np.arange(self.n), unit])
        kin = groups(anchor)
        return Pooled(X, np.arange(2 * self.n) < self.n, units, kin, kin)


def classifier_worlds(seed, worlds):
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        law = Gaussian.of(rng, (150, 500))
        pooled = law.pooled(rng)
        measure, state = ClassifierTwoSample(permutations=2), int(rng.integers(2**31))
        found = measure(pooled, np.random.default_rng(state))
        again = np.random.default_rng(state)  # the same folds and the same classifiers
        fold = folds(pooled.group, measure.folds, again, strata=pooled.real.astype(np.int64))
        for _ in range(measure.permutations):
            permuted_sides(pooled.unit, law.n, again)
        fresh = {True: law.real(rng, FRESH), False: law.synthetic(rng, FRESH)}
        tv, js, check = 0.0, np.log(2), np.log(2)
        for k in range(measure.folds):
            train, test = fold != k, fold == k
            center, weights = fit_ridge(pooled.X[train], pooled.real[train][:, None], measure.learner.shrinkage)
            discriminator = fit_discriminator(pooled, train, measure.learner, again)
            for side, sign in ((True, 1), (False, -1)):
                share = (test & (pooled.real == side)).sum() / law.n
                tv += sign * share * np.mean((fresh[side] - center) @ weights > 0)
                flags = np.full(FRESH, side)
                js += share * js_terms(discriminator(fresh[side]), flags).mean()
                rows = test & (pooled.real == side)
                check += js_terms(discriminator(pooled.X[rows]), pooled.real[rows]).sum() / law.n
        assert abs(check - found["divergence.js_lower"].value) < 1e-9  # noqa: S101  (the same objects, truly)
        yield "divergence.tv_lower", found["divergence.tv_lower"], tv
        yield "divergence.js_lower", found["divergence.js_lower"], js


def kernel_worlds(seed, worlds):
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        law = Gaussian.of(rng)
        pooled = law.pooled(rng)
        found = KernelTwoSample(permutations=2)(pooled, rng)["divergence.mmd2"]
        distance = squared_distances(pooled.X, pooled.X)
        bandwidth = float(np.median(distance[np.triu_indices_from(distance, 1)]))
        yield "divergence.mmd2", found, gaussian_mmd2(law, bandwidth)


def gaussian_mmd2(law, bandwidth):
    """Closed form of MMD^2 between two Gaussian laws, kernel exp(-|x - y|^2 / bandwidth)."""

    def mean_kernel(variance, shift):
        total = bandwidth + 2 * variance
        return np.exp(-np.sum(shift**2 / total) - 0.5 * np.sum(np.log(total / bandwidth)))

    a, b = law.spread**2, (law.scale * law.spread) ** 2
    return mean_kernel(2 * a, 0 * a) + mean_kernel(2 * b, 0 * b) - 2 * mean_kernel(a + b, law.shift)


def neighbor_worlds(seed, worlds):
    rng = np.random.default_rng([seed, 0])
    law = Gaussian.of(rng, (100, 300))

    def statistics(pooled):
        distance = squared_distances(pooled.X, pooled.X)
        np.fill_diagonal(distance, np.inf)
        return (
            density(distance, pooled.real, 5), coverage(distance, pooled.real, 5), distance_ratio(distance, pooled.real)
        )  # fmt: skip

    truth = np.mean([statistics(law.pooled(rng)) for _ in range(REPLICATES)], axis=0)
    names = ("fidelity.density", "fidelity.coverage", "novelty.distance_ratio")
    for _ in range(worlds):
        found = Neighbors(permutations=2)(law.pooled(rng), rng)
        for name, value in zip(names, truth, strict=True):
            yield name, found[name], value


def vendi_worlds(seed, worlds):
    rng = np.random.default_rng([seed, 0])
    law = Gaussian.of(rng, (100, 400), (5, 100))

    def value(pooled):
        return vendi(unit_rows(pooled.X)[~pooled.real])

    truth = float(np.mean([value(law.pooled(rng)) for _ in range(REPLICATES)]))
    for _ in range(worlds):
        yield "diversity.vendi", Vendi(permutations=2)(law.pooled(rng), rng)["diversity.vendi"], truth


def support_worlds(seed, worlds):
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        law = replace(Gaussian.of(rng, (200, 800)), linked=False)
        pooled = law.pooled(rng)
        real, synthetic = (pooled.X[side].astype(np.float32) for side in (pooled.real, ~pooled.real))
        centers = real[:2].astype(np.float64)
        scores = score_rows(Vectors(real, synthetic), centers)
        fresh = score_rows(Vectors(real, law.synthetic(rng, FRESH).astype(np.float32)), centers)
        yield "fidelity.off_support", scores.estimate(pooled.unit[~pooled.real]), fresh.outside.mean()


def region_worlds(seed, worlds):
    """Clusters of real rows, some of which the synthetic rows never, or seldom, reach."""
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        count, d, n, m = int(rng.integers(4, 12)), int(rng.integers(2, 10)), *rng.integers(300, 1_000, 2)
        centers = rng.normal(size=(count, d)) * rng.uniform(2, 5)
        share = rng.dirichlet(np.full(count, 3.0))
        reach = np.where(rng.random(count) < 0.35, rng.choice([0.0, 0.0, 0.1], count), 1.0)
        reach[:2] = 0, 1  # some are lost and some are not in every world
        law = share * reach / (share @ reach)

        def draw(rng, rows, share, centers=centers, d=d):
            code = rng.choice(share.size, rows, p=share)
            return code, (centers[code] + rng.normal(size=(rows, d))).astype(np.float32)

        names, real = draw(rng, n, share)
        ours, synthetic = draw(rng, m, law)
        code, middle = Regions().clusters(real, rng)
        nearest = squared_distances(synthetic, middle).argmin(axis=1)
        cells = Regions().compare(code, nearest, len(middle))
        fresh = squared_distances(draw(rng, FRESH, share)[1], middle).argmin(axis=1)
        truth = np.isin(fresh, cells.missing).mean()
        yield "fidelity.missing_mass", Regions().estimate(cells, np.arange(n)), truth
        classes = Regions().compare(names, ours, count)
        yield "labels.missing_mass", Regions().estimate(classes, np.arange(n)), share[classes.missing].sum()


def table_worlds(seed, worlds):
    """Columns of numbers and of categories; some marginals differ a little, one may differ much."""
    rng = np.random.default_rng([seed, 0])
    n, size, rho = int(rng.integers(150, 800)), unit_size(rng), float(rng.uniform(0.2, 0.8))
    numbers, kinds = int(rng.integers(1, 8)), [int(k) for k in rng.integers(2, 12, int(rng.integers(0, 4)))]
    shift = rng.choice([0, 0, 0.1, 0.4], numbers) + (np.arange(numbers) == 0) * rng.choice([0, 0.5, 1.5])
    laws = [(rng.dirichlet(np.full(k, 3.0)), rng.dirichlet(np.full(k, 3.0))) for k in kinds]
    laws = [(p, p + rng.choice([0, 0.3]) * (q - p)) for p, q in laws]

    def draw(rng):
        unit = unit_codes(rng, n, size)
        part = rho if size > 1 else 0.0
        X = np.sqrt(part) * rng.normal(size=(n, numbers))[unit] + np.sqrt(1 - part) * rng.normal(size=(n, numbers))
        X = np.vstack([rng.normal(size=(n, numbers)), shift + X])
        columns = {f"x{i}": X[:, i].tolist() for i in range(numbers)}
        for i, (p, q) in enumerate(laws):
            head = rng.choice(p.size, n, p=q)[unit]
            ours = np.where(rng.random(n) < part, head, rng.choice(p.size, n, p=q))
            columns[f"c{i}"] = [f"v{k}" for k in (*rng.choice(p.size, n, p=p), *ours)]
        return columns, np.arange(2 * n) < n, np.concatenate([-1 - np.arange(n), unit])

    cheap = Marginals(permutations=2, draws=2)
    truth = float(np.mean([cheap(*draw(rng), rng)["fidelity.marginals"].value for _ in range(REPLICATES)]))
    for _ in range(worlds):
        yield "fidelity.marginals", Marginals(permutations=2)(*draw(rng), rng)["fidelity.marginals"], truth


# --- labeled worlds --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Labeled:
    """Gaussian classes; synthetic rows are shifted, some of their labels are drawn anew."""

    n: int
    means: np.ndarray
    prior: np.ndarray
    shift: np.ndarray
    noise: float
    size: int
    rho: float

    @classmethod
    def of(cls, rng):
        classes, d = int(rng.integers(2, 7)), int(rng.integers(4, 25))
        means = rng.normal(size=(classes, d)) * rng.uniform(0.3, 1.2)
        shift = rng.normal(size=d) * rng.choice([0, 0.2, 0.5])
        noise = float(rng.choice([0, 0.1, 0.3, 1]))
        prior = rng.dirichlet(np.full(classes, 10.0))
        return cls(
            int(rng.integers(200, 700)), means, prior, shift, noise, unit_size(rng), float(rng.uniform(0.2, 0.8))
        )

    def real(self, rng, n):
        label = rng.choice(self.prior.size, n, p=self.prior)
        return self.means[label] + rng.normal(size=(n, self.means.shape[1])), label

    def synthetic(self, rng, n):
        X, label = self.real(rng, n)
        return X + self.shift, self.renamed(rng, label)

    def renamed(self, rng, label):
        return np.where(
            rng.random(label.size) < self.noise, rng.choice(self.prior.size, label.size, p=self.prior), label
        )

    def pooled(self, rng):
        """Synthetic rows are made from anchors: their label, and a part ``rho`` of their residual."""
        X, label = self.real(rng, self.n)
        source = unit_codes(rng, self.n, self.size)
        residual = (X - self.means[label])[source]
        fresh = rng.normal(size=X.shape)
        Y = self.means[label[source]] + self.shift + np.sqrt(self.rho) * residual + np.sqrt(1 - self.rho) * fresh
        unit = np.concatenate([-1 - np.arange(self.n), source])
        group = groups(np.concatenate([np.arange(self.n), source]))
        both = np.concatenate([label, self.renamed(rng, label[source])])
        return Pooled(np.vstack([X, Y]), np.arange(2 * self.n) < self.n, unit, group, group), both


def label_worlds(seed, worlds):
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        law = Labeled.of(rng)
        pooled, label = law.pooled(rng)
        classes, probe, state = law.prior.size, labels.LabelProbe(), int(rng.integers(2**31))
        found, _ = probe(pooled, label, classes, np.random.default_rng(state))
        fold = folds(pooled.group, probe.folds, np.random.default_rng(state), strata=label * 2 + pooled.real)
        teachers, students = (
            labels.fit_folds(pooled.X, label, side, fold, probe.learner, classes)
            for side in (pooled.real, ~pooled.real)
        )
        real_weight, weight = (
            np.bincount(fold[side], minlength=probe.folds) / law.n for side in (pooled.real, ~pooled.real)
        )
        (X, x), (Y, y) = law.real(rng, FRESH), law.synthetic(rng, FRESH)
        agreement = sum(w * np.mean(model.predict(Y) == y) for w, model in zip(weight, teachers, strict=True))
        recovery = sum(w * np.mean(model.predict(X) == x) for w, model in zip(real_weight, students, strict=True))
        hits = sum(w * np.mean(model.predict(Y) == y) for w, model in zip(weight, students, strict=True))
        guesses = (
            sum(w * np.bincount(model.predict(Y), minlength=classes) for w, model in zip(weight, students, strict=True))
            / FRESH
        )
        chance = guesses @ law.prior
        yield "labels.synthetic_agreement", found["labels.synthetic_agreement"], agreement
        yield "labels.real_recovery", found["labels.real_recovery"], recovery
        yield "labels.inner_signal", found["labels.inner_signal"], (hits - chance) / (1 - chance)


# --- worlds of words -------------------------------------------------------------------------------------------------

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def vocabulary(rng, size):
    return np.array(["".join(rng.choice(LETTERS, rng.integers(3, 9))) for _ in range(size)])


def zipf(size, power):
    weight = 1 / np.arange(1, size + 1) ** power
    return weight / weight.sum()


def sentences(rng, names, share, n, length=(5, 16)):
    lengths = rng.integers(*length, n)
    flat = names[rng.choice(names.size, lengths.sum(), p=share)]
    return [" ".join(part) for part in np.split(flat, np.cumsum(lengths)[:-1])]


def duplicate_worlds(seed, worlds):
    """Rows are drawn from a law with ties: some common rows beside a long tail; a unit repeats itself as well."""
    rng = np.random.default_rng([seed, 0])
    n, kinds = int(rng.integers(200, 1_000)), int(10 ** rng.uniform(2, 5))
    law, size = zipf(kinds, rng.choice([0.0, 0.5, 1.0])), unit_size(rng)
    new, sticky = float(rng.uniform(0, 0.95)), float(rng.uniform(0, 0.5))

    def draw(rng):
        unit = unit_codes(rng, n, size)
        code = np.where(rng.random(n) < new, kinds + np.arange(n), rng.choice(kinds, n, p=law))
        first = np.unique(unit, return_index=True)[1]
        head = first[np.unique(unit, return_inverse=True)[1]]  # the first row of the unit
        return np.where(rng.random(n) < sticky, code[head], code) if size > 1 else code, unit

    truth = float(np.mean([np.unique(draw(rng)[0]).size for _ in range(4 * REPLICATES)]))
    names = np.array(sentences(rng, vocabulary(rng, 5_000), zipf(5_000, 0.5), kinds + n, (12, 16)))
    for _ in range(worlds):
        code, unit = draw(rng)
        units = unit if size > 1 else None
        texts = [f"{names[i].upper()}!!"[: None if rng.random() < 0.5 else -1] for i in code]  # near, not equal
        near = near_duplicates.clusters(texts)
        yield "duplicates.exact_fraction", repeated_fraction(code, np.arange(n), kind="", units=units), 1 - truth / n
        yield "duplicates.near_fraction", repeated_fraction(near, np.arange(n), kind="", units=units), 1 - truth / n
        yield "size.effective", effective_size(near, units), truth


def copy_worlds(seed, worlds):
    """A unit copies its anchor with a rate of its own; a test set of which a part stands in the synthetic rows."""
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        names, share = vocabulary(rng, 2_000), zipf(2_000, 0.7)
        n, rate, size = int(rng.integers(200, 800)), float(rng.choice([0.02, 0.1, 0.3, 0.7])), unit_size(rng)
        anchors = sentences(rng, names, share, 200, (10, 16))
        unit = unit_codes(rng, n, size)
        strength = float(rng.choice([0.5, 5]))
        own = rng.beta(strength * rate, strength * (1 - rate), n)[unit] if size > 1 else np.full(n, rate)
        copied = rng.random(n) < own
        texts = sentences(rng, names, share, n, (10, 16))
        texts = [f"{anchors[u % 200]}." if hit else text for u, hit, text in zip(unit, copied, texts, strict=True)]
        synthetic = near_duplicates.sign(texts)
        found = near_duplicates.best_match(synthetic, near_duplicates.sign(anchors))[1] >= 0.8
        yield "novelty.copy_fraction", novelty.copy_fraction(found, np.zeros(200, bool), unit), rate
        population = sentences(rng, names, share, 400, (10, 16))
        weight = rng.dirichlet(np.full(400, 2.0))
        leaked = rng.random(400) < rng.choice([0.02, 0.1, 0.4])
        signed = near_duplicates.sign(texts + [text for text, out in zip(population, leaked, strict=True) if out])
        tests = near_duplicates.sign([population[i] for i in rng.choice(400, rng.integers(200, 800), p=weight)])
        hits, reverse = (near_duplicates.best_match(*pair)[1] >= 0.8 for pair in ((signed, tests), (tests, signed)))
        estimate = novelty.contamination(reverse, hits, np.zeros(200, bool))
        yield "contamination.test_fraction", estimate, weight[leaked].sum()


def leak_worlds(seed, worlds):
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        n, rate, size = int(rng.integers(200, 1_000)), float(rng.choice([0.01, 0.05, 0.3, 0.9])), unit_size(rng)
        unit, strength = unit_codes(rng, n, size), float(rng.choice([0.5, 5]))
        own = rng.beta(strength * rate, strength * (1 - rate), n)[unit] if size > 1 else np.full(n, rate)
        label = rng.choice(["travel_plans", "cooking", "not_music"], n)
        say = {"travel_plans": "travelling plan", "cooking": "Cooking", "not_music": "musical"}
        texts = [f"a row {say[name] if said else ''}" for name, said in zip(label, rng.random(n) < own, strict=True)]
        leaks = labels.leaking(texts, label.tolist())
        yield "labels.leak_fraction", labels.leak_fraction(leaks, np.zeros(n, bool), unit), rate


def code_law(rng):
    """Codes of openings or templates: a few favorites and a tail; units are faithful to a code with ``rho``."""
    kinds = int(10 ** rng.uniform(0.7, 3))
    share = zipf(kinds, rng.choice([0.0, 0.7, 1.3]))
    favorite = rng.choice([0, 0, 0.05, 0.3, 0.8])
    share = (1 - favorite) * share + favorite * (np.arange(kinds) == rng.integers(kinds))
    n, size, rho = int(rng.integers(150, 800)), unit_size(rng), float(rng.uniform(0.1, 0.6))

    def draw(rng):
        unit = unit_codes(rng, n, size)
        head = rng.choice(kinds, n, p=share)[unit]
        ours = np.where((rng.random(n) < rho) & (size > 1), head, rng.choice(kinds, n, p=share))
        code = np.concatenate([rng.choice(kinds, n, p=share), ours])
        units = np.concatenate([-1 - np.arange(n), unit])
        return uniformity.Sides(code=code, real=np.arange(2 * n) < n, unit=units)

    return share, draw


def opening_worlds(seed, worlds):
    for world in range(worlds):
        rng = np.random.default_rng([seed, world])
        share, draw = code_law(rng)
        sides, state = draw(rng), int(rng.integers(2**31))
        found = uniformity.opening_share(sides, np.random.default_rng(state), permutations=2)
        half = uniformity.halves(sides.unit, np.random.default_rng(state))[~sides.real]
        code = sides.code[~sides.real]
        truth = sum(share[np.bincount(code[~side]).argmax()] * side.mean() for side in (half, ~half) if side.any())
        yield "uniformity.opening_share", found, truth


def template_worlds(seed, worlds):
    rng = np.random.default_rng([seed, 0])
    _, draw = code_law(rng)
    truth = float(np.mean([uniformity.entropy(s.code[~s.real]) for s in (draw(rng) for _ in range(4 * REPLICATES))]))
    for _ in range(worlds):
        yield "uniformity.template_entropy", uniformity.template_entropy(draw(rng), rng, permutations=2), truth


def length_worlds(seed, worlds):
    rng = np.random.default_rng([seed, 0])
    n, size, rho = int(rng.integers(150, 800)), unit_size(rng), float(rng.uniform(0.2, 0.8))
    mean, width, change = rng.uniform(2, 4), rng.uniform(0.3, 0.8), rng.choice([0, 0, 0.2, 0.6, 1.5])
    narrow = rng.choice([1, 1, 0.5])

    def draw(rng):
        unit = unit_codes(rng, n, size)
        noise = (
            np.sqrt(rho) * rng.normal(size=n)[unit] + np.sqrt(1 - rho) * rng.normal(size=n)
            if size > 1
            else rng.normal(size=n)
        )
        logs = np.concatenate([mean + width * rng.normal(size=n), mean + change + width * narrow * noise])
        lengths = np.round(np.exp(logs)).astype(np.int64)
        return lengths, np.arange(2 * n) < n, np.concatenate([-1 - np.arange(n), unit])

    def value(rng):
        lengths, real, _ = draw(rng)
        rows, code = uniformity.length_bins(lengths, real, rng)
        return uniformity.overlap(code[rows], real[rows], int(code.max()) + 1)

    truth = float(np.mean([value(rng) for _ in range(4 * REPLICATES)]))
    for _ in range(worlds):
        yield "uniformity.length_overlap", uniformity.length_overlap(*draw(rng), rng, permutations=2), truth


def word_law(rng):
    """Anchors (fixed in a setting) and a law of synthetic rows: own vocabulary, splices of anchors, repeats."""
    kinds = int(10 ** rng.uniform(2, 3.3))
    names, n, size = vocabulary(rng, kinds), int(rng.integers(100, 400)), unit_size(rng)
    power = rng.uniform(0.4, 1.2)
    anchors = sentences(rng, names, zipf(kinds, power), n)
    other = vocabulary(rng, kinds) if rng.random() < 0.3 else rng.permutation(names) if rng.random() < 0.3 else names
    spliced, repeated = rng.choice([0, 0.3, 0.8]), rng.choice([0, 0, 0.3])
    heads = [a.split() for a in anchors]
    common = sentences(rng, other, zipf(kinds, power), 30)

    def draw(rng):
        unit = unit_codes(rng, n, size)
        texts = sentences(rng, other, zipf(kinds, power), n)
        for row in range(n):
            if rng.random() < spliced:
                words = heads[unit[row] % n] if size > 1 else heads[rng.integers(n)]
                texts[row] = " ".join(words[:4]) + " " + texts[row]
            if rng.random() < repeated:
                texts[row] = common[rng.integers(30)]
        return anchors + texts, np.concatenate([-1 - np.arange(n), unit])

    return n, draw


def compression_worlds(seed, worlds):
    rng = np.random.default_rng([seed, 0])
    n, draw = word_law(rng)
    real, state = np.arange(2 * n) < n, int(rng.integers(2**31))  # one state, one half of the anchors

    def value(measure):
        texts, unit = draw(rng)
        coded = [f"{text}\n".encode() for text in texts]
        return measure(coded, real, unit, np.random.default_rng(state))["information.compression_gain"]

    cheap = uniformity.Compression(permutations=2, draws=2)
    truth = float(np.mean([value(cheap).value for _ in range(REPLICATES // 2)]))
    for _ in range(worlds):
        yield "information.compression_gain", value(uniformity.Compression(permutations=2)), truth


def relation_worlds(seed, worlds):
    rng = np.random.default_rng([seed, 0])
    n, draw = word_law(rng)
    real, state = np.arange(2 * n) < n, int(rng.integers(2**31))  # one state, one set of held-out rows

    def value(measure):
        texts, unit = draw(rng)
        sides = Pooled(np.zeros((2 * n, 1)), real, unit, np.arange(2 * n))
        return measure(texts, sides, np.random.default_rng(state)).get("relations.recovered")

    cheap = Relations(permutations=2)
    truth = float(np.mean([value(cheap).value for _ in range(REPLICATES // 2)]))
    for _ in range(worlds):
        yield "relations.recovered", value(Relations(permutations=2)), truth


FAMILIES = {
    classifier_worlds: ("divergence.tv_lower", "divergence.js_lower"),
    kernel_worlds: ("divergence.mmd2",),
    neighbor_worlds: ("fidelity.density", "fidelity.coverage", "novelty.distance_ratio"),
    vendi_worlds: ("diversity.vendi",),
    support_worlds: ("fidelity.off_support",),
    region_worlds: ("fidelity.missing_mass", "labels.missing_mass"),
    table_worlds: ("fidelity.marginals",),
    label_worlds: ("labels.synthetic_agreement", "labels.real_recovery", "labels.inner_signal"),
    duplicate_worlds: ("duplicates.exact_fraction", "duplicates.near_fraction", "size.effective"),
    copy_worlds: ("novelty.copy_fraction", "contamination.test_fraction"),
    leak_worlds: ("labels.leak_fraction",),
    opening_worlds: ("uniformity.opening_share",),
    template_worlds: ("uniformity.template_entropy",),
    length_worlds: ("uniformity.length_overlap",),
    compression_worlds: ("information.compression_gain",),
    relation_worlds: ("relations.recovered",),
}


def run(job):
    family, seed, worlds = job
    start = time.process_time()
    with threadpool_limits(1):
        found = [
            (name, *estimate.interval(0.95), estimate.value, float(truth), seed)
            for name, estimate, truth in family(seed, worlds)
        ]
    return family.__name__, time.process_time() - start, found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=None, help="estimate ids")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--settings", action="store_true", help="print coverage and bias per setting as well")
    arguments = parser.parse_args()
    wanted = [family for family, ids in FAMILIES.items() if arguments.only is None or set(ids) & set(arguments.only)]
    jobs = [
        (family, arguments.first + seed, WORLDS_PER_SETTING)
        for family in wanted
        for seed in range(-(-arguments.worlds // WORLDS_PER_SETTING))
    ]
    rows, seconds = defaultdict(list), defaultdict(float)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for family, cost, found in pool.map(run, jobs):
            seconds[family] += cost
            for name, *rest in found:
                rows[name].append(rest)
    print(f"{'id':32s} coverage  below  above  mean width  spread/se  worlds")
    for name, values in rows.items():
        report(name, np.array(values))
        if arguments.settings:
            for seed in sorted({value[-1] for value in values}):
                report(f"  setting {seed}", np.array([value for value in values if value[-1] == seed]))
    print("CPU seconds:", {name: round(value, 1) for name, value in seconds.items()})


def report(name, values):
    """Below, above: share of worlds in which the truth lies beyond that end. Spread/se: root mean squared z."""
    low, high, value, truth = values[:, :4].T
    below, above = np.mean(truth < low - 1e-12), np.mean(truth > high + 1e-12)
    z = (value - truth) / np.maximum((high - low) / 3.92, 1e-12)
    print(
        f"{name:32s} {1 - below - above:8.1%} {below:6.1%} {above:6.1%} {np.mean(high - low):11.4f} "
        f"{np.sqrt(np.mean(z**2)):10.2f} {len(values):7d}",
        flush=True,
    )


if __name__ == "__main__":
    main()
