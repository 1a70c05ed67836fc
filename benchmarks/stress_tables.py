"""Stress tests of real tables: the first regime on rows the search did not see, and what rows of the tails add.

    python benchmarks/stress_tables.py [--rows 4000] [--splits 5] [--seed 0] [--data DATA] [--tables adult ...]

At most so many random real rows of Adult, NSL-KDD, and three tables of scikit-learn. Changes are those of macro-F1 on
held-out real rows, with the 90% interval over the splits.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from defects_table_kinds import loaded, stored

import syngain
from syngain.settings import StressSettings
from syngain.tables.cells.source import TableSource

TABLES = {
    "adult": ("adult.csv.gz", "income"),
    "nsl_kdd": ("nsl_kdd_train.csv.gz", "label"),
    "breast_cancer": (None, "target"),
    "wine": (None, "target"),
    "digits": (None, "target"),
}


def source(name, most, data, seed):
    """Some rows of a table."""
    file, label = TABLES[name]
    table = loaded(name) if file is None else stored(data / "tables" / file)
    label = label if label in table else list(table)[-1]
    size = len(table[label])
    rows = np.sort(np.random.default_rng(seed).permutation(size)[:most]).tolist()
    return TableSource(name, {one: [cells[row] for row in rows] for one, cells in table.items()}), label


def shown(estimate):
    low, high = estimate.interval(0.9)
    return f"{100 * estimate.value:+.1f} ({100 * low:+.1f}, {100 * high:+.1f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    options = parser.parse_args()
    print("| table | rows | first rule | errors there | elsewhere | p | confirmed | tails, pp | typical, pp | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in options.tables:
        table, label = source(name, options.rows, options.data, options.seed)
        start = time.process_time()
        found = syngain.stress(
            table, label, seed=options.seed, settings=StressSettings(rows=200, splits=options.splits)
        )
        seconds = time.process_time() - start
        regimes = found.files["regimes.jsonl"].records
        first = found.estimates.get("stress.regime@1")
        words = ["", "", "", ""] if first is None else [
            first.marks[0],
            f"{first.value:.1%} ({', '.join(f'{end:.1%}' for end in first.interval(0.95))})",
            f"{first.references['elsewhere']:.1%}",
            f"{first.adjusted_p:.2g}",
        ]  # fmt: skip
        changes = (
            [shown(found.estimates[f"stress.{one}"]) for one in ("gain", "typical_gain")] if options.splits else []
        )
        confirmed = f"{sum(one['confirmed'] for one in regimes)} of {len(regimes)}"
        print(f"| {name} | {table.rows} | {' | '.join([*words, confirmed, *changes])} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
