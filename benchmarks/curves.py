"""Learning curves: forecasts on 33 real curves, verdicts on simulated ones, coverage of I10 against known laws.

python benchmarks/curves.py [--repeats 40] [--data ../shared/data]

The real curves (``syn2real_curves.csv``) are scores of networks pre-trained on n synthetic images, one seed a point.
The two largest amounts are left out and forecast. Nothing is tuned on them: the prior is the library's default.
"""

from __future__ import annotations

import argparse
import csv
import os
from dataclasses import replace

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from syngain.gain.curves.learning_curve import PowerLaw, learning_curve

VERDICTS = ("more_data", "change_the_generator", "undetermined", "refused")
AMOUNTS = 1000 * 2.0 ** np.arange(7)  # the range of the real curves: 64 times
MIN_GAIN = 0.01
KINDS = {  # alpha, fall from the smallest to the largest amount
    "saturated": (1.0, 0.06),
    "flat": (0.5, 0.0),
    "moderate-": (0.4, 0.05),  # I10 = .007: near min_gain, below it
    "moderate+": (0.3, 0.07),  # I10 = .014: near min_gain, above it
    "steep": (0.15, 0.08),  # I10 = .028
}


def real_curves(data):
    """(task, curve) to amounts and scores, ascending, without n = 0."""
    curves = defaultdict(list)
    with (Path(data) / "syn2real_curves.csv").open() as file:
        for row in csv.DictReader(file):
            name = tuple(value for key, value in row.items() if key not in {"n_synthetic", "score"})
            if float(row["n_synthetic"]) > 0:
                curves[row["fdata"], name].append((float(row["n_synthetic"]), float(row["score"])))
    return {key: np.array(sorted(points)).T for key, points in curves.items()}


def paired(difference, cluster, rng, draws=10_000):
    """Mean and 90 % interval of a paired difference, whole clusters resampled."""
    groups = [difference[cluster == name] for name in np.unique(cluster)]
    sums, sizes = np.array([g.sum() for g in groups]), np.array([g.size for g in groups])
    chosen = rng.integers(len(groups), size=(draws, len(groups)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    return difference.mean(), *np.quantile(means, (0.05, 0.95))


def real(data):
    curves = real_curves(data)
    for title, method in (("n0 = 0 (trained from scratch)", PowerLaw(n0=0.0)), ("n0 free (default)", PowerLaw())):
        ours, shown, last, covered, noise, verdicts = [], [], [], [], [], Counter()
        for amounts, score in curves.values():
            rng = np.random.default_rng(0)
            curve = learning_curve(amounts[:-2], -score[:-2], rng=rng, method=replace(method, unit="score"))
            forecast = -np.array(curve.predict(amounts[-2:]).value)
            ours.append(np.abs(forecast - score[-2:]).mean())
            last.append(np.abs(score[-3] - score[-2:]).mean())
            draws = -curve.draws.losses(amounts[-2:])
            seen = draws + curve.draws.sigma[:, None] * rng.standard_normal(draws.shape)  # a new point has noise too
            low, high = np.quantile(seen, (0.05, 0.95), axis=0)
            covered.append((low <= score[-2:]) & (score[-2:] <= high))
            whole = learning_curve(amounts, -score, rng=rng, method=replace(method, unit="score"))
            verdicts[whole.verdict] += 1
            shown.append(whole.alpha is not None)
            noise.append(whole.noise)
        ours, last = np.array(ours), np.array(last)
        print(f"\n{title}: {len(ours)} curves, the two largest amounts left out")
        print(f"  mean absolute error: forecast {ours.mean():.5f}, last value {last.mean():.5f}")
        clusters = {
            "curve": np.arange(len(ours)),
            "network and task": np.array(["/".join(np.array(name)[[2, 4, 5, 6]]) for _, name in curves]),
            "fine-tuning data": np.array([task for task, _ in curves]),
        }
        for name, cluster in clusters.items():
            mean, low, high = paired(ours - last, cluster, np.random.default_rng(1))
            count = np.unique(cluster).size
            print(f"  forecast - last, clustered by {name} ({count}): {mean:+.5f} [{low:+.5f}, {high:+.5f}] (90 %)")
        print(f"  better on {np.sum(ours < last)}; 90 % interval covers {np.mean(covered):.3f} of left-out points")
        print(f"  whole curves, min_gain {MIN_GAIN}: {dict(verdicts)}; alpha printed for {sum(shown)}")
        print(f"  noise of a point, quartiles over curves: {np.round(np.quantile(noise, (0.25, 0.5, 0.75)), 4)}")


def law(alpha, fall, n0=0.0, amounts=AMOUNTS):
    """The losses of a law and its I10."""
    power = lambda n: (n + n0) ** -alpha  # noqa: E731
    scale = fall / (power(amounts[0]) - power(amounts[-1]))
    return 0.5 + scale * power(amounts), scale * (power(amounts[-1]) - power(10 * amounts[-1]))


def designs(noise):
    """How the noise is known: one seed; three seeds; its standard error given."""
    return {
        "1 seed": lambda L, rng: {"losses": L + noise * rng.standard_normal(L.size)},
        "3 seeds": lambda L, rng: {"losses": L[:, None] + noise * rng.standard_normal((L.size, 3))},
        "error given": lambda L, rng: {
            "losses": L + noise * rng.standard_normal(L.size),
            "errors": np.full(L.size, noise),
        },
    }


def simulated(repeats):
    for n0 in (0.0, None):
        print(
            f"\nverdicts on {repeats} simulated curves a row, min_gain {MIN_GAIN}, 7 amounts 1,000 to 64,000, n0",
            end=" ",
        )
        print("known (0)" if n0 == 0 else "free")
        print(f"{'noise':6} {'known by':12} {'kind':10} {'I10':>6}  " + "  ".join(VERDICTS) + "  right or undecided")
        for noise in (0.001, 0.002, 0.004):
            for how, measure in designs(noise).items():
                for kind, (alpha, fall) in KINDS.items():
                    losses, truth = law(alpha, fall)
                    count = Counter()
                    for repeat in range(repeats):
                        rng = np.random.default_rng([repeat, round(1e6 * noise), len(kind)])
                        found = learning_curve(AMOUNTS, **measure(losses, rng), rng=rng, method=PowerLaw(n0=n0))
                        count[found.verdict] += 1
                    wrong = count["change_the_generator" if truth > MIN_GAIN else "more_data"]
                    row = "  ".join(f"{count[v]:{len(v)}}" for v in VERDICTS)
                    print(f"{noise:<6} {how:12} {kind:10} {truth:6.4f}  {row}  {repeats - wrong}/{repeats}")


def coverage(repeats):
    print(f"\ncoverage of the 90 % interval of I10, {repeats} curves a cell; k amounts doubling from 1,000; fall .05")
    print("k  noise  alpha   n0: fitted with n0 known, free")
    for k in (4, 5, 7):
        amounts = 1000 * 2.0 ** np.arange(k)
        for noise in (0.001, 0.004):
            for alpha, n0 in ((0.1, 0), (0.3, 0), (0.5, 0), (1.0, 0), (1.5, 0), (0.5, 2000), (1.0, 4000)):
                losses, truth = law(alpha, 0.05, n0, amounts)
                shares = []
                for fixed in (float(n0), None):
                    hits = 0
                    for repeat in range(repeats):
                        rng = np.random.default_rng([repeat, k])
                        noisy = losses + noise * rng.standard_normal(k)
                        found = learning_curve(amounts, noisy, rng=rng, method=PowerLaw(n0=fixed))
                        low, high = found.improvement.interval(0.9)
                        hits += low <= truth <= high
                    shares.append(hits / repeats)
                print(f"{k}  {noise:<5}  {alpha:<5} {n0:>4}: {shares[0]:.2f} {shares[1]:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--data", default=str(Path(__file__).resolve().parents[2] / "shared" / "data"))
    options = parser.parse_args()
    started = time.process_time()
    real(options.data)
    simulated(options.repeats)
    coverage(5 * options.repeats)
    print(f"\n{time.process_time() - started:.0f} s of processor time")


if __name__ == "__main__":
    main()
