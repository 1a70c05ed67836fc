"""Kinds of table defects in whole audits: found, high, rows named, false alarms, CPU seconds; SDMetrics beside.

    python benchmarks/defects_tables.py [--runs 2] [--rates .05 .2 .5] [--clean 20] [--out FILE] [--data ../shared/data]
    NEIGHBORS/bin/python benchmarks/defects_tables_neighbors.py  the same options, in an environment with sdmetrics
    python benchmarks/defects_tables.py --table OUT [NEIGHBORS_OUT]

Real and synthetic rows are disjoint random rows of one table (at most 300 and 400), written as CSV files and audited
without a gain; a defect changes a fraction of the synthetic ones (`defects_table_kinds.py`). A line of ``--out`` per
run; runs that are in the file are not repeated. SDMetrics names no rows; a score of its quality and diagnostic reports
"finds" a defect where it lies below that of every clean run of the same table.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from defects_table_kinds import KINDS, LABELS, NEED_CLASSIFIER, all_tables, case, keys, right, written
from scipy import stats

SCORES = ("quality", "diagnosis")
WORDS = ("found", "high", "rows named", "precision")


def one_run(key, tables):
    import syngain
    from syngain.data.columns.options import RoleOptions

    kind, _, name, seed = key
    made = case(tables, *key)
    if made is None:
        return {"key": list(key), "none": True}
    with TemporaryDirectory() as folder:
        paths = [
            written(columns, Path(folder) / f"{side}.csv")
            for side, columns in (("real", made.real), ("synthetic", made.synthetic))
        ]
        start = time.process_time()
        roles = RoleOptions(label=LABELS.get(name, ""))
        real = syngain.read(paths[0], roles=roles)
        synthetic = syngain.read(paths[1], roles=roles, like=real)
        result = syngain.audit(real, synthetic, gain=False, seed=seed)
    severities = {one.id: one.severity for one in result.findings}
    out = {"key": list(key), "findings": severities, "cpu": round(time.process_time() - start, 2)}
    if kind == "clean":
        return out
    own = [one for one in result.findings if one.id in right(kind)]
    named = {row for one in own for row in one.flagged}
    both = len(named & made.bad)
    scores = {"found": bool(own), "high": any(one.severity == "high" for one in own), "bad": len(made.bad)}
    return {**out, **scores, "named": len(named), "both": both}


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="*", default=[0.05, 0.2, 0.5])
    parser.add_argument("--clean", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("defects-tables.jsonl"))
    parser.add_argument("--table", type=Path, nargs="*")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    return parser.parse_args()


def resumed(run, chosen):
    """Each key that is not in the file yet, in an order that covers all kinds early; a line per run."""
    done = {tuple(json.loads(line)["key"]) for line in chosen.out.open()} if chosen.out.exists() else set()
    tables = all_tables(chosen.data)
    every = sorted(keys(chosen.runs, chosen.rates, chosen.clean), key=lambda key: key[3])
    for key in every:
        if key not in done:
            with chosen.out.open("a") as file:
                file.write(json.dumps(run(key, tables)) + "\n")


def read(path):
    lines = [json.loads(line) for line in path.open()]
    return [line for line in lines if not line.get("none")]


def at_most(hits, runs):
    """The upper limit of the 95% interval of a fraction (Clopper-Pearson, one side)."""
    return 1.0 if hits == runs else float(stats.beta.ppf(0.95, hits + 1, runs - hits))


def row(name, runs, neighbor):
    rows = [len(runs), *(np.mean([run[word] for run in runs]) for word in ("found", "high"))]
    bad, named, both = (sum(run[word] for run in runs) for word in ("bad", "named", "both"))
    rows += [both / bad, both / max(named, 1), *neighbor]
    print(f"| {name} | {rows[0]} | " + " | ".join(f"{value:.0%}" for value in rows[1:]) + " |")


def table(ours, theirs):
    rates = sorted({run["key"][1] for run in ours} - {0.0})
    for rate in rates:
        more = " | quality found | diagnosis found" if theirs else ""
        print(f"\nrate {rate:.0%}\n| defect | runs | {' | '.join(WORDS)}{more} |")
        print("|---|---|---|---|---|---|" + ("---|---|" if theirs else ""))
        mine = {kind: [run for run in ours if run["key"][:2] == [kind, rate]] for kind in KINDS}
        for kind, runs in mine.items():
            if runs:
                row(kind, runs, beside(runs, theirs))
        visible = [run for kind, runs in mine.items() if kind not in NEED_CLASSIFIER for run in runs]
        row("all that cells show", visible, beside(visible, theirs))
    clean = [run for run in ours if run["key"][0] == "clean"]
    high, any_ = (
        sum(bool(run["findings"]) if word == "any" else "high" in run["findings"].values() for run in clean)
        for word in ("high", "any")
    )
    print(
        f"\nClean: {len(clean)} runs, high in {high} (at most {at_most(high, len(clean)):.1%}), any finding in {any_}."
    )
    print(f"CPU s per audit: {np.mean([run['cpu'] for run in ours]):.2f}")
    if theirs:
        print(f"CPU s per report of SDMetrics: {np.mean([run['cpu'] for run in theirs.values()]):.2f}")


def beside(runs, theirs):
    """How often the scores of both reports of SDMetrics lie below those of every clean run of the table."""
    if not theirs:
        return []
    lowest = {}
    for (kind, _, name, _), run in theirs.items():
        for score in SCORES if kind == "clean" else ():
            lowest[name, score] = min(run[score], lowest.get((name, score), 1.0))
    own = [theirs[tuple(run["key"])] for run in runs]
    return [np.mean([run[score] < lowest[run["key"][2], score] for run in own]) for score in SCORES]


def main():
    chosen = options()
    if chosen.table:
        ours, *rest = map(read, chosen.table)
        table(ours, {tuple(run["key"]): run for run in rest[0]} if rest else {})
    else:
        resumed(one_run, chosen)


if __name__ == "__main__":
    main()
