"""Generated tables next to the real rows and to other generators: training value, separability, memorization, time.

    python -m benchmarks.tables [--seeds 5] [--sets adult,nsl_kdd,breast_cancer] [--methods real,order1,cells] [-o FILE]

Per seed: real rows to generate from, as many held-out real rows, test rows. F1: macro, boosted trees and logistic
regression trained on the synthetic rows, tested on real ones. AUC: boosted trees, held-out real against synthetic rows,
5 folds. NN: fraction of synthetic rows nearer to a row of the model than to a held-out row, ties half. Means over seeds
with t-intervals. Peers: `smote`, `copula`, `ctgan`, `tvae`, `arf`; they need imbalanced-learn, sdv < 2 or arfpy.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel

DATA = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "tables"
SIZES = {"adult": (2000, 10_000), "nsl_kdd": (2000, 10_000), "breast_cancer": (200, 169), "wine": (80, 18)}
FILES = {"adult": "adult", "nsl_kdd": "nsl_kdd_train"}
CODES = 50  # different whole numbers up to which they are categories of the logistic regression
ORDERS = {f"order{order}": CellSettings(orders=order, trees=0, gaussian=False, formulas=False) for order in range(4)}


def table(name):
    """Header and rows as text, the label last."""
    if name in FILES:
        with gzip.open(DATA / f"{FILES[name]}.csv.gz") as packed:
            header, *rows = csv.reader(io.TextIOWrapper(packed))
        return header, rows
    bunch = getattr(datasets, f"load_{name}")()
    return [*map(str, bunch.feature_names), "label"], [
        [*map(repr, map(float, row)), str(target)] for row, target in zip(bunch.data, bunch.target, strict=True)
    ]


def split(name, seed):
    """Header, then real, held-out and test rows."""
    header, rows = table(name)
    order = np.random.default_rng(seed).permutation(len(rows))
    n, tests = SIZES[name]
    parts = np.split(order, [n, 2 * n, 2 * n + tests])[:3]
    return header, [[rows[i] for i in part] for part in parts]


def cells(header, real, rows, seed, settings):
    """Rows of a cell model, CPU seconds of its fit, rows per second."""
    columns = {name: [row[at] for row in real] for at, name in enumerate(header)}
    start = time.process_time()
    model = TableModel.fit(columns, label=header[-1], settings=settings, seed=seed)
    fit = time.process_time() - start
    drawn = model.sample(rows, seed)
    start = time.process_time()
    model.sample(20_000, seed + 1)
    speed = 20_000 / (time.process_time() - start)
    return list(map(list, zip(*(drawn.columns[name] for name in header), strict=True))), fit, speed


def smote(header, real, rows, seed, settings):
    """SMOTE or SMOTENC as a generator of as many rows."""
    from imblearn.over_sampling import SMOTE, SMOTENC

    values, kinds = numeric(real)
    label = np.array([row[-1] for row in real])
    categories = [at for at, kind in enumerate(kinds[:-1]) if kind == "words"]
    start = time.process_time()
    classes, counts = np.unique(label, return_counts=True)
    wanted = {kind: int(2 * count) for kind, count in zip(classes, counts, strict=True)}
    kind = (
        SMOTENC(categories, sampling_strategy=wanted, random_state=seed)
        if categories
        else SMOTE(sampling_strategy=wanted, random_state=seed)
    )
    with_pad = np.vstack([values[:, :-1], values[:1, :-1].repeat(2 * counts.max(), axis=0)])
    padded = np.concatenate([label, np.repeat("\x00pad", 2 * counts.max())])
    made, kinds_of = kind.fit_resample(with_pad, padded)
    keep = np.flatnonzero((kinds_of != "\x00pad") & (np.arange(len(made)) >= len(padded)))[:rows]
    fit = time.process_time() - start
    words = [sorted({row[at] for row in real}) for at in range(len(header))]
    out = [
        [words[at][int(v)] if kinds[at] == "words" else repr(float(v)) for at, v in enumerate(row)]
        for row in made[keep]
    ]
    return [[*row, kind] for row, kind in zip(out, kinds_of[keep], strict=True)], fit, len(keep) / max(fit, 1e-9)


def sdv(kind):
    """A synthesizer of sdv."""

    def run(header, real, rows, seed, settings):
        from sdv import single_table
        from sdv.metadata import Metadata

        frame = framed(header, real)
        known = Metadata.detect_from_dataframe(frame)
        for name in header:  # detection takes numbers for ids and postcodes
            known.update_column(name, sdtype="numerical" if frame[name].dtype.kind in "if" else "categorical")
        start = time.process_time()
        model = getattr(single_table, kind)(known)
        model.fit(frame)
        fit = time.process_time() - start
        return as_text(frame, model.sample(rows)), fit, float("nan")

    return run


def framed(header, rows):
    """A pandas table: numbers, but words where they are few whole ones, as codes are."""
    import pandas as pd

    values, kinds = numeric(rows)
    out = {}
    for at, name in enumerate(header):
        known = np.unique(values[:, at])
        few = known.size <= CODES and (known == np.floor(known)).all()
        words = kinds[at] == "words" or few or name == header[-1]
        out[name] = [row[at] for row in rows] if words else values[:, at]
    return pd.DataFrame(out)


def as_text(frame, made):
    """Generated rows as text, numbers with the decimals of the real column."""
    out = []
    for name in frame:
        if frame[name].dtype.kind not in "if":
            out.append([str(cell) for cell in made[name]])
            continue
        places = max(len(repr(float(value)).partition(".")[2].rstrip("0")) for value in frame[name])
        out.append([repr(round(float(value), places)) for value in made[name]])
    return list(map(list, zip(*out, strict=True)))


def forest(header, real, rows, seed, settings):
    """Adversarial random forests (arfpy)."""
    from arfpy import arf

    vars(np).setdefault("in1d", np.isin)  # the name that arfpy calls, dropped by numpy 2.4
    frame = framed(header, real)
    names = {name: f"c{at}" for at, name in enumerate(header)}
    start = time.process_time()
    model = arf.arf(frame.rename(columns=names), random_state=seed, verbose=False)
    model.forde()
    fit = time.process_time() - start
    start = time.process_time()
    made = model.forge(rows)[list(names.values())]
    speed = rows / (time.process_time() - start)
    made.columns = header
    return as_text(frame, made), fit, speed


def real_rows(header, real, rows, seed, settings):
    """The real rows themselves."""
    return real, 0.0, float("nan")


METHODS = {
    "real": (real_rows, None),
    **{name: (cells, settings) for name, settings in ORDERS.items()},
    "cells": (cells, CellSettings()),
    "smote": (smote, None),
    "copula": (sdv("GaussianCopulaSynthesizer"), None),
    "ctgan": (sdv("CTGANSynthesizer"), None),
    "tvae": (sdv("TVAESynthesizer"), None),
    "arf": (forest, None),
}


def numeric(*sets):
    """Numbers, and words as codes; what each column is."""
    rows = [row for part in sets for row in part]
    out, kinds = [], []
    for column in zip(*rows, strict=True):
        try:
            out.append(np.array([float(cell) for cell in column]))
            kinds.append("numbers")
        except ValueError:
            out.append(np.unique(column, return_inverse=True)[1].astype(float))
            kinds.append("words")
    return np.stack(out, axis=1), kinds


def one_hot(values, kinds):
    """Words and whole numbers with few values as indicators."""
    out = []
    for column, kind in zip(values.T, kinds, strict=True):
        known = np.unique(column)
        few = 2 < known.size <= CODES and (known == np.floor(known)).all()
        out.append((column[:, None] == known).astype(float) if kind == "words" or few else column[:, None])
    return np.hstack(out)


def measures(sets, seed):
    """F1 of both classifiers, AUC and NN of synthetic rows; ``sets``: synthetic, held-out, test, real."""
    values, kinds = numeric(*sets)
    ends = np.cumsum([len(part) for part in sets])[:-1]
    coded, wide = np.split(values, ends), np.split(one_hot(values[:, :-1], kinds[:-1]), ends)
    labels = [part[:, -1] for part in coded]
    boosted = HistGradientBoostingClassifier(random_state=0).fit(coded[0][:, :-1], labels[0])
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(wide[0], labels[0])
    both = np.vstack([coded[1], coded[0]])
    synthetic = np.repeat([0, 1], [len(coded[1]), len(coded[0])])
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    shown = cross_val_predict(
        HistGradientBoostingClassifier(random_state=0), both, synthetic, cv=folds, method="predict_proba"
    )
    scale = StandardScaler().fit(wide[3])
    made, held, real = (scale.transform(wide[at]) for at in (0, 1, 3))
    to_real, to_held = (NearestNeighbors(n_neighbors=1).fit(part).kneighbors(made)[0][:, 0] for part in (real, held))
    return {
        "f1_boosted": f1_score(labels[2], boosted.predict(coded[2][:, :-1]), average="macro"),
        "f1_logistic": f1_score(labels[2], linear.predict(wide[2]), average="macro"),
        "auc": roc_auc_score(synthetic, shown[:, 1]),
        "nn": float(np.mean((to_real < to_held) + 0.5 * (to_real == to_held))),
    }


def measured(name, method, seeds):
    """The measures of a method over seeds: mean and half width of the 95% interval."""
    make, settings = METHODS[method]
    found = []
    for seed in range(seeds):
        header, (real, held, tests) = split(name, seed)
        rows, fit, speed = make(header, real, len(real), seed, settings)
        one = measures((rows, held, tests, real), seed) | {"fit_s": fit, "rows_per_s": speed}
        found.append({key: value for key, value in one.items() if not (method == "real" and key in {"auc", "nn"})})
    out = {}
    for key in found[0]:
        values = np.array([one[key] for one in found])
        half = student.ppf(0.975, max(len(values) - 1, 1)) * values.std(ddof=1) / np.sqrt(len(values))
        out[key] = (float(values.mean()), float(half))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", default="adult,nsl_kdd,breast_cancer")
    parser.add_argument("--methods", default="real,order0,order1,order2,cells")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    results = {}
    for name in chosen.sets.split(","):
        for method in chosen.methods.split(","):
            found = results[f"{name} {method}"] = measured(name, method, chosen.seeds)
            cells_ = " | ".join(f"{key} {mean:.3f} ± {half:.3f}" for key, (mean, half) in found.items())
            print(f"{name:14} {method:8} {cells_}", flush=True)
            if chosen.output:
                chosen.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
