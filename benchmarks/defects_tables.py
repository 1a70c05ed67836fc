"""Kinds of table defects, planted: how often found and high, which rows are named, false alarms on clean rows.

python benchmarks/defects_tables.py [--runs 2] [--rates 0.05 0.2] [--clean 10] [--data ../shared/data]

Eight tables: Adult, NSL-KDD, five of scikit-learn and made-up orders with known rules. Real and synthetic rows are
disjoint random rows of one table (at most 300 and 400); a defect changes a fraction of the synthetic ones. Only the
checks of columns run (rules, tails), as in an audit.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import time
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn import datasets

from syngain.audit.findings.broken_rules import broken_rules
from syngain.audit.findings.rules import Context
from syngain.audit.findings.tails import wrong_tails
from syngain.audit.frame import Frame, near_clusters
from syngain.audit.measure import Measurements
from syngain.audit.tables.checks import table_checks
from syngain.core.rng import Streams
from syngain.data.columns.options import RoleOptions
from syngain.data.dataset import Dataset
from syngain.data.study import Study

REAL, SYNTHETIC = 300, 400
SKLEARN = ("breast_cancer", "wine", "iris", "diabetes", "digits")


def stored(path):
    with gzip.open(path, "rt") as file:
        head, *rows = csv.reader(file)
    return {name: [row[place] for row in rows] for place, name in enumerate(head)}


def loaded(name):
    data = getattr(datasets, f"load_{name}")()
    names = [str(one).replace(" ", "_") for one in getattr(data, "feature_names", range(data.data.shape[1]))]
    table = {one: [f"{value:.6g}" for value in data.data[:, place]] for place, one in enumerate(names)}
    return {**table, "target": [str(value) for value in data.target]}


def orders(count=2_000, seed=7):
    rng = np.random.default_rng(seed)
    start = np.datetime64("2024-01-01") + 7 * rng.integers(0, 100, count) + rng.integers(0, 5, count)
    days, number, shop = rng.integers(1, 30, count), rng.integers(1, 9, count), rng.integers(0, 12, count)
    price = np.round(rng.gamma(3, 40, count), 2)
    low = np.round(rng.normal(0, 3, count), 1)
    return {
        "order": [str(value) for value in rng.permutation(count) + 500],
        "start": [str(value) for value in start],
        "end": [str(value) for value in start + days],
        "days": [str(value) for value in days],
        "shop": [f"S{value:02d}" for value in shop],
        "region": [("north", "south", "east", "west")[value % 4] for value in shop],
        "price": [f"{value:.2f}" for value in price],
        "tax": [f"{value:.2f}" for value in price * 0.19],
        "number": [str(value) for value in number],
        "total": [f"{value:.2f}" for value in price * number],
        "paid": ["" if s % 4 == 3 else f"{p * n:.2f}" for s, p, n in zip(shop, price, number, strict=True)],
        "low": [f"{value:.1f}" for value in low],
        "high": [f"{value:.1f}" for value in low + rng.gamma(1, 2, count)],
    }


def all_tables(data):
    """The eight tables, columns of text by name."""
    return {
        "adult": stored(data / "tables" / "adult.csv.gz"),
        "nsl_kdd": stored(data / "tables" / "nsl_kdd_train.csv.gz"),
        **{name: loaded(name) for name in SKLEARN},
        "orders": orders(),
    }


def day(cell, days):
    return str(np.datetime64(cell) + int(days))


def number(cell, change):
    return cell if cell == "" else f"{change(float(cell)):.6g}"


# defect to what it changes: a column of the orders, or a kind of column of any table; and how
OF_ORDERS = {
    "date before its start": ("end", lambda cell, r: day(cell, -40 - r.integers(9))),
    "date off by some days": ("end", lambda cell, r: day(cell, 1 + r.integers(3))),
    "date on a weekend": ("start", lambda cell, r: day(cell, 5 - (np.datetime64(cell).astype(int) + 3) % 7)),
    "date in another format": ("start", lambda cell, r: f"{cell[8:]}.{cell[5:7]}.{cell[:4]}"),
    "wrong percentage": ("tax", lambda cell, r: number(cell, lambda v: v * r.uniform(0.3, 0.9))),
    "wrong product": ("total", lambda cell, r: number(cell, lambda v: v * r.uniform(1.1, 1.9))),
    "wrong region of a shop": ("region", lambda cell, r: "east" if cell == "north" else "north"),
    "filled against its rule": ("paid", lambda cell, r: cell or "25.00"),
    "missing against its rule": ("paid", lambda cell, r: ""),
    "repeated key": ("order", lambda cell, r: str(3000 + r.integers(3))),
    "smaller above larger": ("low", lambda cell, r: number(cell, lambda v: v + 15)),
}
OF_ANY = {
    "30 times as large": ("number", lambda cell, r: number(cell, lambda v: (v or 1) * 30)),
    "far beyond": ("number", lambda cell, r: None),  # five spans of the real rows, filled in below
    "code for missing (-999)": ("number", lambda cell, r: "-999"),
    "empty cells": ("any", lambda cell, r: ""),
    "unseen word": ("word", lambda cell, r: f"new{r.integers(20)}"),
    "other spelling": ("word", lambda cell, r: cell.upper() if cell.upper() != cell else cell.lower() + "_"),
    "half a unit": ("whole", lambda cell, r: number(cell, lambda v: v + 0.5)),
}


def fitting(table, kind, rng):
    """A column of a kind; None where there is none. Numbers with more than 20 different values."""
    names = []
    for name, cells in table.items():
        try:
            values = np.array([float(cell) for cell in cells])
        except ValueError:
            values = None
        wide = values is not None and np.unique(values).size > 20
        whole = wide and bool((values == np.round(values)).all())
        words = values is None and "" not in cells and 2 <= len(set(cells)) <= 50
        full = "" not in cells
        if {"number": wide, "whole": whole, "word": words, "any": full}[kind] and name not in {"order", "target"}:
            names.append(name)
    return names[rng.integers(len(names))] if names else None


def planted(real, synthetic, defect, rate, rng):
    """The synthetic columns with a defect in some rows, and these rows; None where no column fits."""
    kind, change = {**OF_ORDERS, **OF_ANY}[defect]
    column = kind if defect in OF_ORDERS else fitting(real, kind, rng)
    if column is None or column not in real:
        return None
    size = len(synthetic[column])
    rows = np.sort(rng.permutation(size)[: max(1, round(rate * size))])
    cells = list(synthetic[column])
    if defect == "far beyond":
        own = np.array([float(cell) for cell in real[column]])
        low, high = np.quantile(own, (0.01, 0.99))
        if high == low:
            return None
        change = lambda cell, r: f"{high + (5 + r.exponential()) * (high - low):.6g}"  # noqa: E731
    for row in rows.tolist():
        cells[row] = change(cells[row], rng)
    changed = {row for row in rows.tolist() if cells[row] != synthetic[column][row]}
    return {**synthetic, column: cells}, changed


def looked(real, synthetic, seed):
    """Severities by finding, and the rows that they name."""
    text = lambda table: [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]  # noqa: E731
    own = Dataset.from_rows(_typed(text(real)), "real", roles=RoleOptions(text="", label=""))
    other = Dataset.from_rows(_typed(text(synthetic)), "synthetic", roles=RoleOptions(text="", label=""), like=own)
    frame = Frame.of(Study.of(own, other))
    table = table_checks(frame, near_clusters(frame), Streams(seed))
    none = np.zeros(frame.synthetic.size, dtype=bool)
    found = Measurements(
        estimates=table.estimates,
        repeats=none,
        near_repeats=none,
        near=near_clusters(frame),
        copies=none,
        copied_from=none.astype(int),
        table=table,
    )
    context = Context(frame, found, other.ids)
    return [finding for rule in (broken_rules, wrong_tails) for finding in rule(context)]


def _typed(rows):
    """Cells as numbers where a whole column is, as a CSV file is read."""
    names = list(rows[0])
    numeric = set()
    for name in names:
        try:
            for row in rows:
                if row[name] != "":
                    float(row[name])
            numeric.add(name)
        except ValueError:
            continue
    return [
        {name: (None if cell == "" else float(cell)) if name in numeric else cell for name, cell in row.items()}
        for row in rows
    ]


def drawn(table, rng):
    """Disjoint rows of a table: real and synthetic."""
    size = len(next(iter(table.values())))
    order = rng.permutation(size)
    real = order[: min(REAL, size // 2)]
    synthetic = order[real.size : real.size + SYNTHETIC]
    return [
        {name: [cells[row] for row in rows.tolist()] for name, cells in table.items()} for rows in (real, synthetic)
    ]


def report(name, cells):
    found, high, recall, precision = (float(np.mean([cell[place] for cell in cells])) for place in range(4))
    print(f"| {name} | {len(cells)} | {found:.0%} | {high:.0%} | {recall:.0%} | {precision:.0%} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="*", default=[0.05, 0.2])
    parser.add_argument("--clean", type=int, default=10)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    tables = all_tables(options.data)
    start, checks = time.process_time(), 0
    for rate in options.rates:
        print(
            f"\nrate {rate:.0%}\n| defect | runs | found | high | rows named | precision |\n|---|---|---|---|---|---|"
        )
        every = []
        for defect in (*OF_ORDERS, *OF_ANY):
            cells = []
            for name, table in tables.items():
                if defect in OF_ORDERS and name != "orders":
                    continue
                for run in range(options.runs * (4 if defect in OF_ORDERS else 1)):
                    rng = np.random.default_rng([run, len(cells), round(1000 * rate)])
                    real, synthetic = drawn(table, rng)
                    made = planted(real, synthetic, defect, rate, rng)
                    if made is None or not made[1]:
                        continue
                    findings, checks = looked(real, made[0], run), checks + 1
                    named = {row for one in findings for row in one.flagged}
                    hits = len(named & made[1])
                    severe = [one.severity for one in findings]
                    cells.append((bool(hits), "high" in severe, hits / len(made[1]), hits / max(len(named), 1)))
            report(defect, cells)
            every += cells
        report("all", every)
    alarms = defaultdict(list)
    for name, table in tables.items():
        for run in range(options.clean):
            real, synthetic = drawn(table, np.random.default_rng(run + 10_000))
            alarms[name].append([one.severity for one in looked(real, synthetic, run)])
    total = [one for runs in alarms.values() for one in runs]
    any_finding, high = sum(bool(one) for one in total), sum("high" in one for one in total)
    print(f"\nClean runs: {len(total)}; with any finding {any_finding}; high {high}.")
    print(f"CPU per check: {(time.process_time() - start) / max(checks + len(total), 1):.2f} s")


if __name__ == "__main__":
    main()
