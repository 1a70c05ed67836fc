"""Regret of choosing a variant of balancing: over tables and draws, next to always taking one variant.

    python -m benchmarks.balance [--draws 10] [--tables breast_cancer ...] [--repeats 2] [--data DATA] [--out FILE]

Each draw has 8 random rows of the rare class and 120 of the others. The tool chooses a variant from these rows alone.
The truth is the macro-F1, mean of boosted trees and logistic regression trained on rows of the variant, on the other
rows of the table, once weighted to the class fractions of the draw (``real``), once with the classes as frequent as in
the table (``table``), where the tool is told so. The choice is made again from the stored scores, with
a prior fitted without the tables of the same source. Regret: the score of the variant that is the best on the mean over
the draws of the table, minus that of the chosen one. ``--out`` appends one line of JSON per draw; with
``--read FILE`` the table is printed from such lines, with ``--prior`` also the constants of `tables/balance/prior.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn import datasets

from syngain.data.files.formats import load
from syngain.tables.balance.balance import balance_table
from syngain.tables.balance.coded import TableCodes
from syngain.tables.balance.learners import RowFeatures, fitted_log_probabilities
from syngain.tables.balance.prior import VariantPrior
from syngain.tables.balance.scores import RowDraws, chosen, macro_f1, prior_weights
from syngain.tables.balance.settings import LEARNERS, BalanceSettings
from syngain.tables.balance.variants import VARIANTS, WEIGHTS, lacking, variants, weights_of
from syngain.tables.stress.task import ClassTask

RARE, COMMON = 8, 120
TESTED = 3_000
TRUTHS = 2  # times the rows of a variant are made for the truth


def of_sklearn(load_table, rare):
    """A table of scikit-learn: whether the class is one of ``rare``."""

    def table(_):
        found = load_table()
        columns = {f"x{at}": column.tolist() for at, column in enumerate(found.data.T)}
        return columns, np.isin(found.target, rare).astype(int)

    return table


def high_diabetes(_):
    found = datasets.load_diabetes()
    columns = {f"x{at}": column.tolist() for at, column in enumerate(found.data.T)}
    return columns, (found.target > np.quantile(found.target, 0.75)).astype(int)


def stored(file, label, rare, most=8_000):
    """Random rows of a file in the data folder."""

    def table(data):
        loaded = load(data / "tables" / file, file, {}, None)
        names = list(loaded.fields)
        columns = dict(zip(names, zip(*loaded.values(names), strict=True), strict=True))
        at = np.random.default_rng(0).permutation(len(columns[label]))[:most].tolist()
        y = np.array([str(columns[label][row]) in rare for row in at]).astype(int)
        drop = {label, "difficulty"}
        return {name: [cells[row] for row in at] for name, cells in columns.items() if name not in drop}, y

    return table


def world(shift, noise, *, words=False):
    """Six normal numbers, the rare class shifted in two of them; or words that depend on the class."""

    def table(_):
        rng = np.random.default_rng(7)
        y = (rng.random(6_000) < 0.3).astype(int)
        X = rng.normal(size=(6_000, 6)) + shift * y[:, None] * (np.arange(6) < 2)
        X[:, 2] = X[:, 0] * X[:, 1] * noise + X[:, 2]
        columns = {f"x{at}": np.round(column, 3).tolist() for at, column in enumerate(X.T)}
        if words:
            columns |= {
                f"w{at}": [
                    "abcde"[min(4, int(g))] for g in rng.geometric(0.3 + 0.3 * y) - 1
                ] for at in range(4)
            }  # fmt: skip
        return columns, y

    return table


TABLES = {
    "breast_cancer": of_sklearn(datasets.load_breast_cancer, [0]),
    "breast_benign": of_sklearn(datasets.load_breast_cancer, [1]),
    "digits_47": of_sklearn(datasets.load_digits, [4, 7]),
    "digits_8": of_sklearn(datasets.load_digits, [8]),
    "digits_odd": of_sklearn(datasets.load_digits, [1, 3, 5, 7, 9]),
    "diabetes": high_diabetes,
    "adult": stored("adult.csv.gz", "income", {"1"}),
    "nsl_kdd": stored("nsl_kdd_train.csv.gz", "label", {"attack"}),
    "normal": world(1.5, 0.0),
    "crossed": world(1.0, 1.0),
    "words": world(0.5, 0.0, words=True),
}


def truths(codes, y, drawn, held, settings, seed):
    """Macro-F1 of each variant and learner on held-out rows."""
    known, own = codes.rows.take(drawn), y[drawn]
    features = RowFeatures.of(known)
    X, tested = features(known), features(codes.rows.take(held))
    weights = {"real": prior_weights(y[held], np.bincount(own, minlength=2) / own.size), "table": np.ones(held.size)}
    makers, out = variants(settings.cells), {}
    for name in VARIANTS:
        scores = []
        for draw in range(TRUTHS if name in makers else 1):
            train = (X, own, weights_of(own, 2) if name == WEIGHTS else np.ones(own.size))
            if name in makers:
                made = makers[name].more(known, own, lacking(own, 2), np.random.default_rng([seed, draw]))
                both = np.concatenate([own, made.y])
                train = (np.concatenate([X, features(made.rows)]), both, np.ones(both.size))
            found = [fitted_log_probabilities(one, train, tested, 2).argmax(axis=1) for one in LEARNERS]
            scores.append([[macro_f1(y[held], one, weight) for one in found] for weight in weights.values()])
        out[name] = dict(zip(weights, np.mean(scores, axis=0).tolist(), strict=True))
    return out


def one_draw(table, columns, y, seed, settings):
    """The choice of the tool on one draw, and the truth of every variant."""
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.flatnonzero(y == c)) for c in (1, 0)]
    common = min(COMMON, parts[1].size // 2)
    drawn = np.sort(np.concatenate([parts[0][:RARE], parts[1][:common]]))
    held = rng.permutation(np.setdiff1d(np.arange(y.size), drawn))[:TESTED]
    cells = {name: [column[row] for row in drawn] for name, column in columns.items()}
    task = ClassTask.of({**cells, "class": [f"c{c}" for c in y[drawn]]}, "class", rng)
    start = time.process_time()
    found = balance_table(task, settings, seed=seed)
    seconds = time.process_time() - start
    codes = TableCodes.of({name: columns[name] for name in task.features})
    truth = truths(codes, y, drawn, held, settings, seed)
    out = {"table": table, "seed": seed, "seconds": seconds, "truth": truth, "loss": {}, "scored": {}, "shift": {}}
    out["loss"] = {name: score.value for name, score in found.loss.items()}
    own, group = found.y, task.group[found.compared]
    for prior in ("real", "table"):
        weight = np.ones(own.size)
        if prior == "table":
            weight = prior_weights(own, np.bincount(y[held], minlength=2) / held.size)
        draws = RowDraws.of(own, group, weight, settings.folds, np.random.default_rng(seed))
        out["shift"][prior] = draws.shift
        scored = replace(found, draws=draws)
        scores = [scored.f1[name] for name in VARIANTS]
        changes = [score.minus(scores[0]) for score in scores]
        out["scored"][prior] = {
            "choice": VARIANTS[chosen(scores, draws.shift)],
            "outer": dict(zip(VARIANTS, [[score.value, score.error] for score in scores], strict=True)),
            "change": dict(zip(VARIANTS, [[one.value, one.error] for one in changes], strict=True)),
            "picked": dict(scored.picked),
            "over_plain": [scored.over_plain.value, *scored.over_plain.intervals[0.9]],
        }
    return out


SOURCES = {"breast_benign": "breast", "breast_cancer": "breast", "crossed": "normal"}
KINDS = ("real", "table")


def source(line):
    """Tables of one source are left out of a prior together."""
    name = line["table"]
    return SOURCES.get(name, "digits" if name.startswith("digits") else name)


def true_changes(line, kind):
    """True changes of the variants over real rows alone (5,)."""
    truth = [np.mean(line["truth"][name][kind]) for name in VARIANTS]
    return np.array(truth[1:]) - truth[0]


def estimates(line, kind):
    """Held-out changes of the variants and their standard errors (2, 5)."""
    return np.array([line["scored"][kind]["change"][name] for name in VARIANTS[1:]]).T


def fitted_prior(lines):
    """The law of true changes and of the errors of their estimates."""
    pairs = [(line, kind) for line in lines for kind in KINDS]
    X = np.array([[1.0, line["shift"][kind]] for line, kind in pairs])
    Y = np.array([true_changes(*pair) for pair in pairs])
    means = np.linalg.lstsq(X, Y, rcond=None)[0]
    rest, errors = Y - X @ means, []
    for truth, pair in zip(Y, pairs, strict=True):
        value, error = estimates(*pair)
        if error.min() > 1e-6:
            errors.append(np.clip((value - truth) / error, -4, 4))
    return VariantPrior(means, rest.T @ rest / len(rest), np.corrcoef(np.array(errors).T), float(X[:, 1].max()))


def again(lines):
    """Choose again in every draw, with a prior that has not seen tables of its source."""
    for name in {source(line) for line in lines}:
        others = [line for line in lines if source(line) != name]
        prior = fitted_prior(others) if others else None
        for line in lines if prior else ():
            for kind in KINDS if source(line) == name else ():
                expected = prior.posterior(*estimates(line, kind), line["shift"][kind])
                line["scored"][kind]["choice"] = VARIANTS[int(np.argmax([0.0, *expected]))]


def print_prior(prior):
    for name, places in (("means", 4), ("covariance", 5), ("correlation", 2)):
        rows = ", ".join(str([round(float(one), places) for one in row]) for row in getattr(prior, name))
        print(f"    {name}=np.array([{rows}]),")
    print(f"    farthest={prior.farthest:.2f},")


def summary(lines, prior):
    """Regret of the choice and of every single variant; the mean over tables, and its standard error."""
    tables = list(dict.fromkeys(line["table"] for line in lines))
    regrets = {name: [] for name in ("chosen", *VARIANTS)}
    print(f"\nClass fractions: {prior}\n\n| table | draws | {' | '.join(VARIANTS)} | chosen | regret |")
    print("|---|---|" + "---|" * (len(VARIANTS) + 2))
    for table in tables:
        own = [line for line in lines if line["table"] == table]
        truth = {name: np.array([np.mean(line["truth"][name][prior]) for line in own]) for name in VARIANTS}
        best = max(truth.values(), key=np.mean)
        taken = np.array([np.mean(line["truth"][line["scored"][prior]["choice"]][prior]) for line in own])
        for name in VARIANTS:
            regrets[name].append(best - truth[name])
        regrets["chosen"].append(best - taken)
        cells = [f"{truth[name].mean():.3f}" for name in VARIANTS]
        print(f"| {table} | {len(own)} | {' | '.join(cells)} | {taken.mean():.3f} | {(best - taken).mean():+.3f} |")
    print("\n| always | mean regret | standard error over tables |\n|---|---|---|")
    for name, parts in regrets.items():
        means = np.array([part.mean() for part in parts])
        error = means.std(ddof=1) / np.sqrt(means.size) if means.size > 1 else float("nan")
        print(f"| {name} | {means.mean():+.4f} | {error:.4f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SYNGAIN_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path)
    parser.add_argument("--prior", action="store_true")
    options = parser.parse_args()
    if options.read:
        lines = [json.loads(line) for line in options.read.read_text().splitlines()]
        again(lines)
        for kind in KINDS:
            summary(lines, kind)
        if options.prior:
            print_prior(fitted_prior(lines))
        return
    settings, lines = BalanceSettings(repeats=options.repeats), []
    for seed in range(options.first, options.first + options.draws):
        for name in options.tables:
            lines.append(one_draw(name, *TABLES[name](options.data), seed, settings))
            if options.out:
                with options.out.open("a") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
    again(lines)
    for kind in KINDS:
        summary(lines, kind)


if __name__ == "__main__":
    main()
