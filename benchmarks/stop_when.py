"""Where ``--stop-when`` stops, over the right amount, and how often too early when the marginal stays at the threshold.

python benchmarks/stop_when.py [--runs 200] [--nulls 400] [--gains 40] [--counts 3000]
                               [--only texts|lessons|counts|null]

Texts: laws over texts with a known new share and new information. Lessons: a proxy whose gain of a doubling is known.
Null: the marginal is at the threshold at every look of the plan, the worst that can happen to repeated looks.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import time
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from syngain.core.rng import Streams
from syngain.gain.last_doubling import last_doubling
from syngain.inference.sequential import positions
from syngain.lab.worlds.stop_worlds import LessonTask, LessonWorld, TextWorld, right_amount
from syngain.pipeline.stopping import Watch, stop_rule
from syngain.pipeline.store.new_row_value import InterimEstimate, NewRowValue, ObservedRow
from syngain.workflows.generate.generate_stop import GainOfDoubling

SHARE, NATS, GAIN = "diversity.new_fraction", "information.marginal", "gain.log_loss@doubling"


@dataclass
class Lessons(GainOfDoubling):
    """The gain of the last doubling, with lessons for rows and anchors."""

    real: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    start: int = 200

    @property
    def first(self):
        return self.start  # where the marginal begins to fall: real rows teach nothing here

    def reading(self):
        rows = np.array([row["lesson"] for row in self._rows])
        task = LessonTask(self.real, rows)
        found = last_doubling(
            task, task.lineage, np.zeros(self.real.size, dtype=np.int64), metric="log_loss", streams=Streams(self.seed)
        )
        return InterimEstimate(
            value=found.value, error=found.error, freedom=found.freedom, n=rows.size, clusters=found.clusters
        )


def stopped(rule, total, rows_of, makers=None):
    """Rows when the rule stops, and whether it did before the end."""
    watch, before = Watch(rule, total, makers or {}), 0
    for position in watch.positions:
        if not watch.due(position):
            continue
        watch.see(rows_of(before, position))
        before = position
        if watch.look(position):
            return position, position < total
    return total, False


def texts_run(world, expression, total, samples, seed):
    rng = np.random.default_rng(seed)

    def rows_of(before, position):
        texts, nats = world.draw(position - before, before, rng)
        numbers = range(before, position)
        return [
            ObservedRow(prompt=str(i // samples), text=int(t).to_bytes(4, "little"), nats=float(x))
            for i, t, x in zip(numbers, texts, nats, strict=True)
        ]

    return stopped(stop_rule(expression), total, rows_of)


def lessons_run(world, threshold, total, anchors, seed, start=200):
    rng = np.random.default_rng(seed)
    real = world.real(anchors, rng)

    def rows_of(before, position):
        return [ObservedRow(prompt="", text=b"", row={"lesson": int(k)}) for k in world.draw(position - before, rng)]

    rule = stop_rule(f"{GAIN} < {threshold}", [GAIN])
    return stopped(rule, total, rows_of, {GAIN: lambda: Lessons(None, "log_loss", seed, real=real, start=start)})


def line(name, ratios, early, started):
    low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
    took = time.perf_counter() - started
    print(
        f"{name}: {middle:.2f} of the right amount (5-95 %: {low:.2f}-{high:.2f}), too early {early} of {len(ratios)}"
        f"  [{took:.0f} s]",
        flush=True,
    )


def texts(runs):
    amounts = np.unique(np.round(np.geomspace(20, 200_000, 4000)).astype(int))
    for kind, size, of, threshold, total, samples in (
        ("uniform", 2000, SHARE, 0.1, 20_000, 1),
        ("gamma", 2500, SHARE, 0.1, 20_000, 1),
        ("gamma", 2500, SHARE, 0.1, 20_000, 4),
        ("zipf", 20_000, SHARE, 0.3, 20_000, 1),
        ("zipf", 20_000, SHARE, 0.2, 60_000, 1),
        ("zipf", 1000, SHARE, 0.3, 6_000, 1),
        ("uniform", 2000, NATS, 0.76, 20_000, 1),
        ("gamma", 2500, NATS, 0.9, 20_000, 4),
        ("zipf", 20_000, NATS, 2.7, 20_000, 1),
    ):
        started, ratios, early = time.perf_counter(), [], 0
        for seed in range(runs):
            world = TextWorld.of(kind, size, np.random.default_rng([seed, 1]))
            truth = world.new_share if of == SHARE else world.new_nats
            if seed == 0 or kind == "gamma":
                right = right_amount(np.array([truth(int(n)) for n in amounts]), amounts, threshold)
            at, _ = texts_run(world, f"{of} < {threshold}", total, samples, [seed, 2])
            ratios.append(at / right)
            early += truth(at) >= threshold
        line(f"{of} < {threshold}, {kind} {size}, {samples} a prompt (right: {right:,})", ratios, early, started)


def lessons(runs):
    amounts = np.arange(100, 40_000, 10)
    for kind, size, threshold, anchors, total in (
        ("even", 300, 0.1, 1000, 8_000),
        ("even", 300, 0.05, 4000, 8_000),
        ("even", 2000, 0.1, 1000, 40_000),
        ("even", 2000, 0.1, 4000, 40_000),
        ("even", 2000, 0.05, 1000, 40_000),
        ("even", 2000, 0.05, 4000, 40_000),
    ):
        world, started = LessonWorld.of(kind, size), time.perf_counter()
        marginal = np.array([world.doubling(n) for n in amounts])
        peak = int(marginal.argmax())
        right = right_amount(marginal[peak:], amounts[peak:], threshold)
        found = [lessons_run(world, threshold, total, anchors, seed, int(amounts[peak]))[0] for seed in range(runs)]
        early = sum(at < right for at in found)
        name = f"{GAIN} < {threshold}, {kind} {size} lessons, {anchors} anchors (right: {right:,})"
        line(name, np.array(found) / right, early, started)


def nulls(runs, gains):
    for of, threshold, kind, total in (
        (SHARE, 0.5, "half", 5_000),
        (SHARE, 0.1, "rare", 5_000),
        (NATS, 6.0, "half", 5_000),
        (NATS, 1.2, "rare", 5_000),
    ):
        started = time.perf_counter()
        share = 0.5 if kind == "half" else 0.1
        world = TextWorld(np.array([1 - share]), share)
        early = sum(texts_run(world, f"{of} < {threshold}", total, 1, [s, 3])[1] for s in range(runs))
        both = f"{of} < {threshold} or {NATS if of == SHARE else SHARE} < {share if of == NATS else 12 * share}"
        either = sum(texts_run(world, both, total, 1, [s, 3])[1] for s in range(runs))
        said(f"{of} stays at {threshold}", early, runs, started)
        said(f"{both}, both at their thresholds", either, runs, started)
    for size, anchors, first, total in ((60, 1000, 300, 2000), (400, 1000, 600, 4000), (400, 300, 600, 4000)):
        started = time.perf_counter()
        world = LessonWorld.of("flat", size, commonest=0.05, octaves=10.0)
        inside = [world.doubling(n) for n in np.arange(0.95 * first, total, 25)]
        early = sum(lessons_run(world, min(inside), total, anchors, s, first)[1] for s in range(gains))
        name = f"{GAIN} stays between {min(inside):.4f}, the threshold, and {max(inside):.4f}"
        said(f"{name}, {size} lessons, {anchors} anchors", early, gains, started)


def counts(runs):
    """The share stays at the threshold: counts alone, so many runs cost little; margins and levels are ours."""
    rng = np.random.default_rng(0)
    for threshold in (0.5, 0.2, 0.1, 0.05, 0.02):
        for total in (5_000, 20_000):
            started, quantity, stops = time.perf_counter(), NewRowValue(), 0
            looks = positions(total, first=quantity.first, growth=quantity.growth)
            level = quantity.level(looks, 0.05)
            reach = stats.t.isf(level, np.array(looks) - 1)
            for _ in range(runs):
                new = np.cumsum(rng.binomial(np.diff([0, *looks]), threshold))
                for k, n, t in zip(new[:-1].tolist(), looks, reach, strict=False):
                    share = k / n
                    error = math.sqrt(share * (1 - share) / (n - 1))
                    reading = InterimEstimate(value=share, error=error, freedom=n - 1, n=n, clusters=n)
                    if share + t * quantity.margin(reading, threshold) < threshold:
                        stops += 1
                        break
            said(f"counts: the share stays at {threshold} for {total:,} rows, {len(looks)} looks", stops, runs, started)


def said(name, early, runs, started):
    error = math.sqrt(0.05 * 0.95 / runs)
    took = time.perf_counter() - started
    print(
        f"null: {name}: stopped {early} of {runs} ({early / runs:.3f}, error {error:.3f})  [{took:.0f} s]", flush=True
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--nulls", type=int, default=400)
    parser.add_argument("--gains", type=int, default=40)
    parser.add_argument("--counts", type=int, default=3000)
    parser.add_argument("--only", choices=("texts", "lessons", "null", "counts"))
    given = parser.parse_args()
    if given.only in {None, "texts"}:
        texts(given.runs)
    if given.only in {None, "lessons"}:
        lessons(given.gains)
    if given.only in {None, "counts"}:
        counts(given.counts)
    if given.only in {None, "null"}:
        nulls(given.nulls, given.gains)


if __name__ == "__main__":
    main()
