"""Strength of relations on eight tables: false alarms without a defect, and cells of different rows.

    python benchmarks/table_relations.py [--clean 100] [--draws 10] [--first 0] --data DATA

A line per table: p below 5% and 1% of the strength and of the pairs, adjusted p below 1%, coverage of the 95%
interval of the strength without a defect; then, for each rate of rows with cells of different rows, the fraction found
and the mean strength.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from defects_table_kinds import SKLEARN, all_tables, case

from syngain.audit.tables.pairs import pair_relations
from syngain.audit.tables.typed_frame import TypedStudy
from syngain.tables.rules.single import keys_of
from syngain.tables.typed import typed_tables

RATES = (0.05, 0.1, 0.2, 0.5)


def measured(made):
    """Both estimates of a case."""
    real, synthetic = typed_tables(made.real, made.synthetic)
    units = (np.arange(real.size), np.arange(synthetic.size))
    found = pair_relations(TypedStudy(real, synthetic, None), keys_of(real), units, np.random.default_rng(0))
    return None if found is None else [found.estimates[f"relations.{name}"] for name in ("strength", "changed")]


def fraction(values, below):
    return f"{np.mean(np.array(values) < below):.1%}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clean", type=int, default=100)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    tables, alarms, runs = all_tables(chosen.data), 0, 0
    print("| table | strength p < 5%, 1% | pairs p < 5%, 1% | adjusted p < 1% | coverage |", end="")
    print(" | ".join(f" {rate:.0%} of rows" for rate in RATES), "|\n" + "|---" * (5 + len(RATES)) + "|")
    for name in ("adult", "nsl_kdd", *SKLEARN, "orders"):
        seeds = range(chosen.first, chosen.first + chosen.clean)
        clean = [one for one in (measured(case(tables, "clean", 0.0, name, seed)) for seed in seeds) if one]
        adjusted = [min(one.adjusted_p for one in pair) for pair in clean]
        alarms, runs = alarms + sum(p < 0.01 for p in adjusted), runs + len(adjusted)
        held = np.mean([one.interval(0.95)[0] <= 1 <= one.interval(0.95)[1] for one, _ in clean])
        cells = [", ".join(fraction([pair[at].p for pair in clean], level) for level in (0.05, 0.01)) for at in (0, 1)]
        for rate in RATES:
            made = [measured(case(tables, "cells of different rows", rate, name, seed)) for seed in range(chosen.draws)]
            found = [min(one.adjusted_p for one in pair) for pair in made if pair]
            cells.append(f"{fraction(found, 0.01)}, {np.mean([pair[0].value for pair in made if pair]):.2f}")
        line = [name, *cells[:2], fraction(adjusted, 0.01), f"{held:.0%}", *cells[2:]]
        print(f"| {' | '.join(line)} |", flush=True)
    print(f"\nadjusted p below 1% in {alarms} of {runs} draws without a defect")


if __name__ == "__main__":
    main()
