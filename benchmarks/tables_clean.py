"""Rules, tails and SDMetrics' score of tables that are as they should be, and tails that are planted.

    python benchmarks/tables_clean.py [--seeds 10] [--start 0] [--only-tails] [--data ../shared/data]

The tables of defects_tables.py. Real and synthetic rows are disjoint random rows of one table: 60, 200 or 1,000 real
rows and up to twice as many synthetic ones. A planted tail lies five spans of the real 1 to 99% quantiles or farther
beyond, in 5% of the rows of one column. The score is that of 4,000 rows of Adult against 4,000 others, as they are
and with every column shuffled by itself.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from defects_table_kinds import all_tables, fitting

from syngain.audit.tables.quality import quality
from syngain.audit.tables.tails import table_tails
from syngain.audit.tables.typed_frame import TypedStudy
from syngain.tables.rules.learned import check_rules, learn_rules
from syngain.tables.rules.single import keys_of
from syngain.tables.typed import typed_tables

SIZES, RATE, SCORED = (60, 200, 1_000), 0.05, 4_000


def halves(table, size, rng):
    """So many real rows, and up to twice as many others; None where the table is too small."""
    count = len(next(iter(table.values())))
    if 2 * size > count:
        return None
    order = rng.permutation(count)
    parts = (order[:size], order[size : size + min(count - size, 2 * size)])
    return [{name: [cells[row] for row in rows.tolist()] for name, cells in table.items()} for rows in parts]


def names_a_rule(real, synthetic, rng):
    """Whether a rule of the real rows is called broken."""
    own, other = typed_tables(real, synthetic)
    return any(one.found for one in check_rules(learn_rules(own, rng), other, rng))


def tails(real, synthetic):
    """The tails of every column."""
    own, other = typed_tables(real, synthetic)
    return table_tails(TypedStudy(own, other, None), np.arange(other.size))


def planted(real, synthetic, rng):
    """Whether a planted tail is found, and whether all its rows are; None where no column holds one."""
    name = fitting(real, "number", "", rng)
    if name is None:
        return None
    low, high = np.quantile([float(cell) for cell in real[name]], (0.01, 0.99))
    cells = list(synthetic[name])
    rows = rng.permutation(len(cells))[: max(1, round(RATE * len(cells)))].tolist()
    if high == low:
        return None
    for row in rows:
        cells[row] = repr(float(high + (5 + rng.exponential()) * (high - low)))
    found = [one for one in tails(real, {**synthetic, name: cells}).found("invented") if one.column.name == name]
    return bool(found), bool(found) and set(rows) <= set(np.flatnonzero(found[0].rows).tolist())


def scores(adult, rng):
    """SDMetrics' score of other rows, and of the same with shuffled columns."""
    order = rng.permutation(len(adult["age"]))[: 2 * SCORED]
    sides = [
        {name: [cells[row] for row in part.tolist()] for name, cells in adult.items()} for part in np.split(order, 2)
    ]
    mixed = {name: [cells[row] for row in rng.permutation(SCORED).tolist()] for name, cells in sides[1].items()}
    out = []
    for synthetic in (sides[1], mixed):
        own, other = typed_tables(sides[0], synthetic)
        out.append(quality(own, other, keys_of(own))["fidelity.sdmetrics_quality"].value)
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only-tails", action="store_true")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    tables = all_tables(options.data)
    total = np.zeros(6, dtype=int)
    print("| table | draws | with a broken rule | with a tail | tails planted | found | all rows |")
    print("|---|---|---|---|---|---|---|")
    for name, table in tables.items():
        counts = np.zeros(6, dtype=int)
        for seed in range(options.start, options.start + options.seeds):
            for size in SIZES:
                rng = np.random.default_rng([seed, size])
                sides = halves(table, size, rng)
                if sides is None:
                    continue
                tail = any(one.found for one in tails(*sides).tails)
                hit = planted(*sides, rng)
                counts += [
                    1,
                    not options.only_tails and names_a_rule(*sides, rng),
                    tail,
                    hit is not None,
                    *(hit or (False, False)),
                ]
        print(f"| {name} | {' | '.join(map(str, counts))} |", flush=True)
        total += counts
    print(f"| all | {' | '.join(map(str, total))} |")
    if options.only_tails:
        return
    like, shuffled = scores(tables["adult"], np.random.default_rng(0))
    print(f"\nSDMetrics' score on Adult: {like:.3f}; every column shuffled by itself: {shuffled:.3f}")


if __name__ == "__main__":
    main()
