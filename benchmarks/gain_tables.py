"""CPU seconds of `syngain gain` on tables of many kinds, and its numbers next to those of another checkout.

    python benchmarks/gain_tables.py [NAME ...] [--seeds 1] [--against OTHER/src] [--few] [--same-rows] [--data DATA]

Every run is a command of its own. With --against, all estimates of both checkouts at one seed are compared: their
difference over the standard error that the estimate's own 90% interval implies. With --same-rows the rows stay and
the seed changes folds and inner draws alone: the spread over seeds is the Monte Carlo error, and the last line of a
table gives the mean difference of the main gain over the error of that mean.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn import datasets

OWN = Path(__file__).parent.parent / "src"


def bundled(name, real, synthetic, rng):
    """Disjoint rows of a data set of scikit-learn."""
    found = getattr(datasets, f"load_{name}")()
    order = rng.permutation(len(found.target))[: real + synthetic]
    names = [f"x{place}" for place in range(found.data.shape[1])]
    rows = [{**dict(zip(names, map(repr, X.tolist()), strict=True)), "label": str(y)}
            for X, y in zip(found.data[order], found.target[order].tolist(), strict=True)]  # fmt: skip
    return rows[:real], rows[real:], "label"


def shared(path, real, synthetic, rng, label):
    """Disjoint rows of a table of the shared data."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    chosen = [rows[row] for row in rng.permutation(len(rows))[: real + synthetic].tolist()]
    return chosen[:real], chosen[real:], label


def made(real, synthetic, rng, *, columns=20, classes=2, values=0, noise=1.0):
    """Rows whose label follows some columns; ``values`` makes all columns categories of so many values."""
    count = real + synthetic
    X = rng.normal(size=(count, columns))
    score = X[:, : max(3, columns // 10)] @ rng.normal(size=(max(3, columns // 10), classes))
    label = (score + noise * rng.gumbel(size=(count, classes))).argmax(axis=1)
    if values:
        ranks = X.argsort(axis=0).argsort(axis=0) * values // count
        cells = [[f"v{rank}" for rank in row] for row in ranks.tolist()]
    else:
        cells = [[f"{x:.4f}" for x in row] for row in X.tolist()]
    rows = [{**{f"x{place}": cell for place, cell in enumerate(row)}, "label": f"c{code}"}
            for row, code in zip(cells, label.tolist(), strict=True)]  # fmt: skip
    return rows[:real], rows[real:], "label"


def noisy(part, share, rng):
    """The table with so many wrong labels among the synthetic rows."""
    real, synthetic, label = part
    known = sorted({row[label] for row in real})
    for row in rng.permutation(len(synthetic))[: int(share * len(synthetic))].tolist():
        synthetic[row] = {**synthetic[row], label: str(rng.choice(known))}
    return real, synthetic, label


TABLES = {
    "cancer": lambda rng, _: bundled("breast_cancer", 120, 400, rng),
    "cancer_noisy": lambda rng, _: noisy(bundled("breast_cancer", 120, 400, rng), 0.4, rng),
    "nsl": lambda rng, data: shared(data / "tables/nsl_kdd_train.csv.gz", 2_000, 2_000, rng, "label"),
    "nsl_small": lambda rng, data: shared(data / "tables/nsl_kdd_train.csv.gz", 120, 400, rng, "label"),
    "adult": lambda rng, data: shared(data / "tables/adult.csv.gz", 300, 600, rng, "income"),
    "adult_noisy": lambda rng, data: noisy(
        shared(data / "tables/adult.csv.gz", 300, 600, rng, "income"), 0.3, rng
    ),
    "wine": lambda rng, _: bundled("wine", 60, 118, rng),
    "digits": lambda rng, _: bundled("digits", 120, 400, rng),
    "many_classes": lambda rng, _: made(200, 400, rng, columns=30, classes=30),
    "diabetes": lambda rng, _: bundled("diabetes", 120, 322, rng),
    "wide": lambda rng, _: made(120, 400, rng, columns=250),
    "categories": lambda rng, _: made(120, 400, rng, columns=30, values=25),
    "keys": lambda rng, _: made(120, 400, rng, columns=30, values=400),
}  # fmt: skip


def numeric(part):
    """The table with its first column as a numeric target."""
    real, synthetic, _ = part
    return real, synthetic, "x0"


TABLES["number_wide"] = lambda rng, _: numeric(made(120, 400, rng, columns=250))
TABLES["number_keys"] = lambda rng, _: numeric_label(made(120, 400, rng, columns=30, values=400), rng)


def numeric_label(part, rng):
    """The table with noise around its class as a numeric target."""
    real, synthetic, label = part
    for rows in (real, synthetic):
        for row in rows:
            row[label] = f"{float(row[label][1:]) + rng.normal():.4f}"
    return real, synthetic, label


def write(path, rows):
    """Rows as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


FEW = """
import json, sys
from pathlib import Path
import syngain
from syngain.data import read
from syngain.data.columns.options import RoleOptions
from syngain.gain.design.cross_validation import Design
from syngain.workflows.evaluate.gain import GainSettings
label, seed, out = sys.argv[1:]
real = read("real.csv", roles=RoleOptions(label=label))
few = Design(folds=10, repeats=1, amounts=2, shares=(1.0,), controls=False, balanced=False, pairs=False)
settings = GainSettings(quick=True, design=few)
found = syngain.gain(real, read("synthetic.csv", like=real), seed=int(seed), settings=settings)
known = {name: {"value": one.value, "intervals": {str(k): v for k, v in one.intervals.items()}}
         for name, one in found.estimates.items()}
Path(out).mkdir()
(Path(out) / "report.json").write_text(json.dumps({"estimates": known}))
"""


def run(source, folder, label, seed, given):
    """CPU seconds of a gain, and its report; None where it takes longer than the limit."""
    out = folder / f"out-{len(list(folder.iterdir()))}"
    command = ["-m", "syngain", "gain", "real.csv", "synthetic.csv", "--label", label, "--seed", str(seed)]
    command += ["-q", "-o", str(out)]
    if given.few:
        command = ["-c", FEW, label, str(seed), str(out)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(
        ["bash", "-c", f'ulimit -t {given.limit}; exec "$@"', "-", sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, said = child.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if child.returncode != 0:
        print(said.decode()[-300:].strip() or f"stopped after {cpu:.0f} CPU s", flush=True)
        return cpu, None
    return cpu, json.loads((out / "report.json").read_text())


def differences(ours, theirs):
    """Differences of all estimates over the standard errors of theirs, by id."""
    out = {}
    for name, one in theirs["estimates"].items():
        other, bounds = ours["estimates"].get(name), one["intervals"].get("0.9")
        values = (one["value"], other and other["value"], *(bounds or ()))
        if len(values) < 4 or any(not isinstance(value, int | float) or not np.isfinite(value) for value in values):
            continue
        error = (bounds[1] - bounds[0]) / 2 / 1.645
        if error > 0:
            out[name] = (other["value"] - one["value"]) / error
    return out


def compared(found, report, other):
    """Adds the differences of two reports to ``found``, and says them."""
    found["z"] = differences(report, other)
    found["values"] = {
        name: (report["estimates"][name]["value"], other["estimates"][name]["value"]) for name in found["z"]
    }
    z = np.abs(list(found["z"].values()))
    primary = next(name for name in found["z"] if "@" not in name and name.count(".") == 1)
    ours, theirs = found["values"][primary]
    found["primary"] = primary
    return (
        f"; {primary} {ours:+.4f} and {theirs:+.4f}, {found['z'][primary]:+.2f} of its error; {z.size} estimates: "
        f"difference over error median {np.median(z):.3f}, 95% {np.quantile(z, 0.95):.3f}, largest {z.max():.2f}"
    )


def monte_carlo(runs):
    """The mean difference of the main gain between both ways over the Monte Carlo error of the mean."""
    pairs = np.array([one["values"][one["primary"]] for one in runs if one.get("primary")])
    if len(pairs) < 3:
        return "too few seeds with both answers for a Monte Carlo error"
    errors = pairs.std(axis=0, ddof=1)
    mean, error = (pairs[:, 0] - pairs[:, 1]).mean(), np.sqrt((errors**2).sum() / len(pairs))
    return (
        f"  {runs[0]['table']}: Monte Carlo error of one run {errors[0]:.4f} and {errors[1]:.4f}; mean difference over "
        f"{len(pairs)} seeds {mean:+.4f} ({mean / error:+.2f} of its Monte Carlo error)"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--against", default=None)
    parser.add_argument("--few", action="store_true", help="three variants only, each on ten folds, at most 64 rounds")
    parser.add_argument("--same-rows", action="store_true", help="seeds change folds and draws, not the rows")
    parser.add_argument("--limit", type=int, default=220, help="CPU seconds of a run")
    parser.add_argument("--out", default=None)
    given = parser.parse_args()
    every = []
    for name in given.names or TABLES:
        for seed in range(given.seeds):
            rng = np.random.default_rng([0 if given.same_rows else seed, sum(map(ord, name))])
            real, synthetic, label = TABLES[name](rng, Path(given.data))
            found = {"table": name, "seed": seed, "rows": [len(real), len(synthetic), len(real[0]) - 1]}
            with tempfile.TemporaryDirectory() as where:
                folder = Path(where)
                write(folder / "real.csv", real)
                write(folder / "synthetic.csv", synthetic)
                found["cpu"], report = run(OWN, folder, label, seed, given)
                said = f"{name} {len(real)} + {len(synthetic)} x {len(real[0]) - 1}, seed {seed}: "
                said += f"{found['cpu']:.1f} CPU s"
                if given.against:
                    found["other"], other = run(Path(given.against), folder, label, seed, given)
                    said += f", the other {found['other']:.1f}"
                    said += compared(found, report, other) if report and other else ""
            print(said, flush=True)
            every.append(found)
            if given.out:
                Path(given.out).write_text(json.dumps(every))
        if given.same_rows and given.against:
            print(monte_carlo([one for one in every if one["table"] == name]), flush=True)


if __name__ == "__main__":
    main()
