"""Copies of real rows in tables: false findings on clean rows, and power by rate of copies and size of the jitter.

Made tables of known distribution: clean rows are fresh draws. Copies are real rows whose numbers move by a fraction
of the standard deviation of their column; ids are new. With --real also halves of the public tables of SYNGAIN_DATA.

    .venv/bin/python benchmarks/table_copies.py [--clean 10] [--power 4] [--real]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

import syngain
from syngain.data import read
from syngain.data.dataset import Dataset

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
RATES, JITTERS = (0.1, 0.3, 1.0), (0.0, 0.01, 0.05, 0.2)


def numbers(columns: int, rows: int, g: np.random.Generator) -> dict[str, np.ndarray]:
    """Correlated normal columns, the last one lognormal."""
    X = g.normal(size=(rows, columns)) + g.normal(size=(rows, 1))
    X[:, -1] = np.exp(X[:, -1])
    return {f"x{i}": X[:, i].round(4) for i in range(columns)}


def mixed(rows: int, g: np.random.Generator) -> dict[str, np.ndarray]:
    """Five numbers, five categories that depend on them, and a label."""
    table = numbers(5, rows, g)
    for i in range(5):
        of = 3 + 4 * i
        table[f"k{i}"] = np.char.add(
            "v", (np.floor(table[f"x{i % 4}"] + g.normal(size=rows)) % of).astype(int).astype(str)
        )
    table["label"] = np.where(table["x0"] + g.normal(size=rows) > 0, "yes", "no")
    return table


def panel(rows: int, g: np.random.Generator) -> dict[str, np.ndarray]:
    """Shops by weeks with fixed area and type, and a small count."""
    shop, week = g.integers(12, size=rows), g.integers(6, size=rows)
    return {
        "row_no": np.array([f"r{x}" for x in g.permutation(10**6)[:rows]]),
        "shop": np.char.add("shop", shop.astype(str)),
        "week": week,
        "area": 50.0 + 10 * shop,
        "type": np.where(shop % 2, "a", "b"),
        "sold": g.poisson(3, rows),
    }


KINDS = {
    "2 numbers": lambda rows, g: numbers(2, rows, g),
    "10 numbers": lambda rows, g: numbers(10, rows, g),
    "60 numbers": lambda rows, g: numbers(60, rows, g),
    "5 numbers, 5 categories": mixed,
    "panel": panel,
    "5 small counts": lambda rows, g: {f"n{i}": g.binomial(4, 0.3, rows) for i in range(5)},
    "8 categories": lambda rows, g: {f"k{i}": np.char.add("v", g.binomial(3, 0.3, rows).astype(str)) for i in range(8)},
    "300 digits": lambda rows, g: {f"c{i}": g.integers(10, size=rows) for i in range(300)},
}
JITTERED = ("2 numbers", "10 numbers", "60 numbers", "5 numbers, 5 categories", "panel")


def copied(real: dict, fresh: dict, rate: float, jitter: float, g: np.random.Generator) -> tuple[dict, np.ndarray]:
    """Fresh rows of which a fraction is replaced by real rows with jitter, and which ones."""
    size = len(next(iter(fresh.values())))
    at = np.sort(g.permutation(size)[: round(rate * size)])
    source = g.integers(len(next(iter(real.values()))), size=at.size)
    out = {}
    for name, drawn in fresh.items():
        values = drawn.copy()
        if name != "row_no":
            moved = real[name][source]
            if moved.dtype.kind == "f" and jitter:
                moved = (moved + g.normal(0, jitter * real[name].std(), at.size)).round(4)
            values[at] = moved
        out[name] = values
    return out, np.isin(np.arange(size), at)


def dataset(table: dict, name: str, like: Dataset | None = None) -> Dataset:
    rows = [dict(zip(table, row, strict=True)) for row in zip(*(v.tolist() for v in table.values()), strict=True)]
    return Dataset.from_rows(rows, name, like=like)


def audit(real: dict, synthetic: dict):
    own = dataset(real, "real")
    return syngain.audit(own, dataset(synthetic, "synthetic", own), gain=False)


def clean(runs: int) -> None:
    high, total, other = 0, 0, Counter()
    for kind, make in KINDS.items():
        for rows in (60, 300, 1000):
            for seed in range(runs if rows < 1000 else max(runs // 3, 1)):
                g = np.random.default_rng([seed, rows, len(kind)])
                found = audit(make(rows, g), make(rows * (1 + seed % 2), g))
                total += 1
                high += any(item.severity == "high" for item in found.findings)
                other.update(f"{item.id} {item.severity} ({kind}, {rows})" for item in found.findings)
                if found.dropped:
                    other[f"rows dropped ({kind}, {rows})"] += 1
    print(f"clean: {total} runs, {high} with a high finding; {dict(other)}", flush=True)


def power(runs: int) -> None:
    print("| table | copies | jitter | found | high | rows named | precision |\n|---|---|---|---|---|---|---|")
    for kind in JITTERED:
        for rate in RATES:
            for jitter in JITTERS:
                got = defaultdict(list)
                for seed in range(runs):
                    g = np.random.default_rng([seed, 7, round(100 * rate), round(100 * jitter)])
                    real, fresh = KINDS[kind](300, g), KINDS[kind](450, g)
                    synthetic, planted = copied(real, fresh, rate, jitter, g)
                    found = {item.id: item for item in audit(real, synthetic).findings}
                    item = found.get("memorized_anchors")
                    got["found"].append(item is not None)
                    got["high"].append(item is not None and item.severity == "high")
                    if item is not None:
                        named = np.isin(np.arange(planted.size), item.flagged)
                        got["named"].append((named & planted).sum() / planted.sum())
                        got["precision"].append((named & planted).sum() / max(named.sum(), 1))
                shown = [
                    f"{100 * np.mean(got[key]):.0f}%" if got[key] else ""
                    for key in ("found", "high", "named", "precision")
                ]
                print(f"| {kind} | {rate:.0%} | {jitter} | " + " | ".join(shown) + " |", flush=True)


def real_halves() -> None:
    for name in ("adult.csv.gz", "nsl_kdd_train.csv.gz"):
        whole = read(SHARED / "tables" / name)
        for rows in (500, 5_000):
            order = np.random.default_rng(rows).permutation(len(whole))
            halves = [whole.take(order[:rows].tolist()), whole.take(order[rows : 3 * rows].tolist())]
            start = time.process_time()
            found = syngain.audit(*halves, gain=False)
            copies = found.estimates["novelty.copy_fraction"]
            print(
                f"{name}, {rows} and {2 * rows} rows: {[(f.id, f.severity) for f in found.findings]}, "
                f"{len(found.dropped)} dropped, copies {copies.value:.3f} (real rows {copies.references['real']:.3f}), "
                f"{time.process_time() - start:.1f} s CPU",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=int, default=10)
    parser.add_argument("--power", type=int, default=4)
    parser.add_argument("--real", action="store_true")
    chosen = parser.parse_args()
    if chosen.clean:
        clean(chosen.clean)
    if chosen.power:
        power(chosen.power)
    if chosen.real:
        real_halves()


if __name__ == "__main__":
    sys.exit(main())
