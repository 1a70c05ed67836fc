"""Tables and the defects that are planted in them; without syngain, so that neighbors read the same rows.

Eight tables: Adult, NSL-KDD, five of scikit-learn and made-up orders with known rules.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass

import numpy as np
from sklearn import datasets

REAL, SYNTHETIC = 300, 400
SKLEARN = ("breast_cancer", "wine", "iris", "diabetes", "digits")
LABELS = {"adult": "income", "nsl_kdd": "label", **dict.fromkeys(("breast_cancer", "wine", "iris", "digits"), "target")}
VISIBLE, CLASSIFIER = "that cells show", "that need a classifier"


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
    return cell if cell == "" else f"{change(float(cell)):.10g}"


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


# kinds of whole rows, and the findings that are right
OF_ROWS = {
    "repeated row": ("duplicates",),
    "copy of a real row": ("memorized_anchors",),
    "wrong label": ("label_noise",),
    "cells of different rows": ("distribution_shift", "changed_relations", "broken_rules"),
}
KINDS = (*OF_ORDERS, *OF_ANY, *OF_ROWS)
NEED_CLASSIFIER = ("wrong label", "cells of different rows")


@dataclass(frozen=True)
class Case:
    """Columns of text by name, real and synthetic, and the synthetic rows that have the defect."""

    real: dict
    synthetic: dict
    bad: frozenset


def right(kind):
    """The findings that are right for a kind."""
    return set(OF_ROWS[kind]) if kind in OF_ROWS else {"broken_rules", "wrong_tails"}


def fitting(table, kind, label, rng):
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
        if {"number": wide, "whole": whole, "word": words, "any": full}[kind] and name not in {"order", label}:
            names.append(name)
    return names[rng.integers(len(names))] if names else None


def case(tables, kind, rate, name, seed):
    """Disjoint rows of a table, with a defect of a kind in a fraction of the synthetic ones; None where none fits.

    Rows are changed among those in which the defect changes something; in all of these where they are fewer.
    """
    table, label = tables[name], LABELS.get(name, "")
    rng = np.random.default_rng([seed, *kind.encode(), *name.encode(), round(1000 * rate)])
    real, synthetic = drawn(table, rng)
    if not rate:
        return Case(real, synthetic, frozenset())
    if kind in OF_ROWS:
        return _of_rows(kind, real, synthetic, label, (rate, rng))
    aim, change = {**OF_ORDERS, **OF_ANY}[kind]
    column = aim if kind in OF_ORDERS else fitting(real, aim, label, rng)
    if column is None or column not in real:
        return None
    if kind == "far beyond":
        low, high = np.quantile([float(cell) for cell in real[column]], (0.01, 0.99))
        if high == low:
            return None
        change = lambda cell, r: f"{high + (5 + r.exponential()) * (high - low):.10g}"  # noqa: E731
    cells = synthetic[column]
    made = [change(cell, rng) for cell in cells]
    able = np.flatnonzero([one != cell for one, cell in zip(made, cells, strict=True)])
    bad = set(rng.permutation(able)[: max(1, round(rate * len(cells)))].tolist())
    changed = [made[row] if row in bad else cell for row, cell in enumerate(cells)]
    return Case(real, {**synthetic, column: changed}, frozenset(bad)) if bad else None


def _of_rows(kind, real, synthetic, label, draw):
    rate, rng = draw
    size = len(next(iter(synthetic.values())))
    bad = np.sort(rng.permutation(size)[: max(1, round(rate * size))]).tolist()
    good = [row for row in range(size) if row not in set(bad)]
    made = {name: list(cells) for name, cells in synthetic.items()}
    if kind == "wrong label":
        classes = sorted(set(real.get(label, ())))
        if len(classes) < 2:
            return None
        for row in bad:
            made[label][row] = rng.choice([one for one in classes if one != made[label][row]])
        return Case(real, made, frozenset(bad))
    for row in bad:
        for name, cells in made.items():
            if kind == "repeated row":
                cells[row] = cells[good[row % 5]]
            elif kind == "copy of a real row":
                cells[row] = real[name][row % len(real[name])]
            else:
                cells[row] = synthetic[name][rng.integers(size)]
    return Case(real, made, frozenset(bad))


def drawn(table, rng):
    """Disjoint rows of a table: real and synthetic."""
    size = len(next(iter(table.values())))
    order = rng.permutation(size)
    real = order[: min(REAL, size // 2)]
    synthetic = order[real.size : real.size + SYNTHETIC]
    return [
        {name: [cells[row] for row in rows.tolist()] for name, cells in table.items()} for rows in (real, synthetic)
    ]


def keys(runs, rates, clean):
    """One key per run: kind, rate, table, seed; clean runs have rate 0."""
    for kind in KINDS:
        tables = ("orders",) if kind in OF_ORDERS else ("adult", "nsl_kdd", *SKLEARN, "orders")
        for rate in rates:
            for name in tables:
                for seed in range(runs * (4 if kind in OF_ORDERS else 1)):
                    yield kind, rate, name, seed
    for name in ("adult", "nsl_kdd", *SKLEARN, "orders"):
        for seed in range(clean):
            yield "clean", 0.0, name, seed


def written(columns, path):
    """A table as a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path
