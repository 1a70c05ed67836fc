"""Forecasts of the gain of generated tables next to measured gains: the figures of `benchmarks/value` for tables.

    python -m benchmarks.value_tables [--draws 1] [--tables adult ...] [-o FILE] [--data DATA] [--show]

A draw of a table gives seven cases: rows of a cell model (as many as real rows, and 30% of them), of a model at
temperature 2, of independent columns (order 0), the first with shuffled labels, the real rows repeated, and more real
rows. The measured gain, on test rows, is the mean over logistic regression and boosted trees, tuned on real rows that
no generator has seen; the forecast is that of `syngain gain` from the real rows alone, in its quick setting. A line of
FILE is one answer and is computed once.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from benchmarks.balance import TABLES as RARE_TABLES
from benchmarks.value.page import page
from benchmarks.value.table import told
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import syngain
from syngain.data.columns.options import RoleOptions
from syngain.settings import GainSettings
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel

REAL, TEST = 160, 2_000
Z = 1.645
ZEROS = {"syngain": True, "plain cross-validation": True, "train synthetic, test real": False, "two-sample test": False,
         "set size": False, "random": False}  # fmt: skip


def of_sklearn(load):
    def table(_):
        found = load()
        return {f"x{at}": column.tolist() for at, column in enumerate(found.data.T)}, [f"c{y}" for y in found.target]

    return table


def of_balance(name):
    def table(data):
        columns, y = RARE_TABLES[name](data)
        return columns, [f"c{one}" for one in y]

    return table


TABLES = {
    "breast_cancer": of_sklearn(datasets.load_breast_cancer),
    "wine": of_sklearn(datasets.load_wine),
    "iris": of_sklearn(datasets.load_iris),
    **{name: of_balance(name) for name in ("adult", "nsl_kdd", "diabetes", "crossed", "words")},
}


def parts_of(columns, labels, seed):
    """Real rows, a pool of more, held-out rows that choose a setting, and test rows: positions."""
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    size = min(REAL, len(labels) // 4)
    return np.split(order, [size, 2 * size, 3 * size, 3 * size + TEST])[:4]


def rows(cells):
    names = list(cells)
    return [dict(zip(names, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def arms(real, pool, seed):
    """Synthetic rows by name."""
    rng, size = np.random.default_rng([seed, 2]), len(real["label"])
    model = TableModel.fit(real, label="label", seed=seed)
    apart = TableModel.fit(
        real, label="label", seed=seed, settings=CellSettings(orders=0, trees=0, gaussian=False, formulas=False)
    )
    drawn = rows(model.sample(size, seed).columns)
    labels = rng.permutation([row["label"] for row in drawn]).tolist()
    return {
        "cells 100%": drawn,
        "cells 30%": drawn[: round(0.3 * size)],
        "cells, temperature 2": rows(model.sample(size, seed + 1, temperature=2.0).columns),
        "independent columns": rows(apart.sample(size, seed).columns),
        "labels shuffled": [{**row, "label": label} for row, label in zip(drawn, labels, strict=True)],
        "repeated": rows(real),
        "more real rows": rows(pool),
    }


class Coding:
    """Numbers as they are, words as indicators, missing numbers as the mean; fitted on the real rows."""

    def __init__(self, known):
        self.kinds = {}
        for name in known[0]:
            cells = [row[name] for row in known]
            if name == "label":
                continue
            numbers = np.array([number(cell) for cell in cells])
            if np.isfinite(numbers).mean() > 0.5:
                mean, scale = np.nanmean(numbers), np.nanstd(numbers) or 1.0
                self.kinds[name] = (mean, scale)
            else:
                self.kinds[name] = sorted({str(cell) for cell in cells})
        self.classes = sorted({row["label"] for row in known})

    def __call__(self, given):
        out = []
        for name, kind in self.kinds.items():
            cells = [row[name] for row in given]
            if isinstance(kind, tuple):
                numbers = np.array([number(cell) for cell in cells])
                out.append(((np.where(np.isfinite(numbers), numbers, kind[0]) - kind[0]) / kind[1])[:, None])
            else:
                out.append(np.array([[str(cell) == word for word in kind] for cell in cells], dtype=float))
        y = np.array([self.classes.index(row["label"]) if row["label"] in self.classes else -1 for row in given])
        return np.clip(np.hstack(out), -8, 8), y


def number(cell):
    try:
        return float(cell)
    except (TypeError, ValueError):
        return np.nan


def losses(model, X, y, tested, truth, classes):
    """Log-loss of each test row in nats; a class that was not seen has probability 1e-3."""
    fitted = model.fit(X, y)
    p = np.full((len(tested), classes), 1e-3)
    p[:, fitted.classes_] = np.maximum(fitted.predict_proba(tested), 1e-3)
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(truth)), truth])


FAMILIES = {
    "linear": [lambda c=c: LogisticRegression(C=c, max_iter=400) for c in (0.01, 0.1, 1.0, 10.0)],
    "boosted": [
        lambda n=n: HistGradientBoostingClassifier(max_iter=n, early_stopping=False, min_samples_leaf=5, random_state=0)
        for n in (5, 15, 40, 100)
    ],
}


def tuned(family, sets, coding):
    """Losses of test rows; the setting of 4 is the best on held-out real rows that no generator has seen."""
    (X, y), (A, b), (H, held), (T, truth) = sets
    known = b >= 0
    train, classes = (np.vstack([X, A[known]]), np.r_[y, b[known]]), len(coding.classes)
    models = [make() for make in FAMILIES[family]]
    scores = [losses(model, *train, H, held, classes).mean() for model in models]
    return losses(FAMILIES[family][int(np.argmin(scores))](), *train, T, truth, classes)


def written(path, given):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(given[0]))
        writer.writeheader()
        writer.writerows(given)
    return path


def interval(gaps):
    value, half = gaps.mean(), Z * gaps.std(ddof=1) / np.sqrt(gaps.size)
    return [round(float(one), 6) for one in (value, value - half, value + half)]


def neighbors(real, more, coding, seed, arm):
    """What else is said beforehand."""
    (X, y), (A, b) = coding(real), coding(more)
    A, b = A[b >= 0], b[b >= 0]

    def model():
        return HistGradientBoostingClassifier(max_iter=40, early_stopping=False, min_samples_leaf=5, random_state=0)

    gains = []
    for a, h in StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y):
        alone = losses(model(), X[a], y[a], X[h], y[h], len(coding.classes))
        gains.append(alone - losses(model(), np.vstack([X[a], A]), np.r_[y[a], b], X[h], y[h], len(coding.classes)))
    both, side = np.vstack([X, A]), np.repeat([0, 1], [len(X), len(A)])
    shown = cross_val_predict(
        model(), both, side, cv=StratifiedKFold(4, shuffle=True, random_state=seed), method="predict_proba"
    )
    return {
        "plain cross-validation": float(np.concatenate(gains).mean()),
        "train synthetic, test real": float((model().fit(A, b).predict(X) == y).mean()) if len(set(b)) > 1 else 0.0,
        "two-sample test": -float(roc_auc_score(side, shown[:, 1])),
        "set size": float(len(more)),
        "random": float(np.random.default_rng([seed, *arm.encode()]).random()),
    }


def answer(place, sets, coding, alone):
    """All lines of one case: ``place`` is table, draw and arm, ``sets`` real, synthetic, held-out and test rows."""
    (task, split, arm), (real, more, _, test), coded = place, sets, [coding(part) for part in sets]
    about = {"task": task, "split": split, "arm": arm, "anchors": len(real), "rows": len(more), "test": len(test)}
    start, gaps = time.process_time(), {}
    for family, base in alone.items():
        gaps[family] = base - tuned(family, coded, coding)
    settings = GainSettings(quick=True, test_rows=len(test))
    with tempfile.TemporaryDirectory() as folder:
        paths = [written(Path(folder) / f"{name}.csv", part) for name, part in (("a", real), ("b", more), ("c", test))]
        known = syngain.read(paths[0], roles=RoleOptions(label="label"))
        others = [syngain.read(path, like=known) for path in paths[1:]]
        found = syngain.gain(known, others[0], test=others[1], settings=settings, seed=split).estimates
    forecast, own = found["gain.log_loss"], found["gain.log_loss.test"]
    outcome = {
        "mean": interval(np.mean(list(gaps.values()), axis=0)),
        "families": {family: interval(one) for family, one in gaps.items()},
        "own": [own.value, *own.interval(0.9)],
        "accuracy": None,
        "own_accuracy": None,
        "cpu": round(time.process_time() - start, 2),
    }
    low, high = forecast.interval(0.9)
    lines = [{"what": "outcome", **outcome}, {"what": "syngain", "value": forecast.value, "low": low, "high": high}]
    lines += [
        {"what": name, "value": value} for name, value in neighbors(real, more, coding, split, f"{task} {arm}").items()
    ]
    return [{**about, **line} for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("-o", "--output", type=Path, default=Path("value_tables.jsonl"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SYNGAIN_DATA", "../shared/data")))
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    done = [json.loads(line) for line in chosen.output.read_text().splitlines()] if chosen.output.exists() else []
    known = {(line["task"], line["split"], line["arm"]) for line in done}
    for split in range(0 if chosen.show else chosen.draws):
        for task in chosen.tables:
            columns, labels = TABLES[task](chosen.data)
            cells = {**{name: [str(cell) for cell in column] for name, column in columns.items()}, "label": labels}
            real, pool, held, test = (
                {name: [column[at] for at in part] for name, column in cells.items()}
                for part in parts_of(columns, labels, split)
            )
            ours = rows(real)
            coding, alone = Coding(ours), None
            kept, tested = ([row for row in rows(part) if row["label"] in coding.classes] for part in (held, test))
            for arm, more in arms(real, pool, split).items():
                if (task, split, arm) in known:
                    continue
                if alone is None:
                    coded = [coding(part) for part in (ours, ours[:1], kept, tested)]
                    coded[1] = (coded[1][0][:0], coded[1][1][:0])
                    alone = {family: tuned(family, coded, coding) for family in FAMILIES}
                lines = answer((task, split, arm), (ours, more, kept, tested), coding, alone)
                done += lines
                with chosen.output.open("a", encoding="utf-8") as file:
                    file.write("".join(json.dumps(line) + "\n" for line in lines))
                print(task, split, arm, lines[0]["mean"], lines[1]["value"], lines[0]["cpu"], flush=True)
    print(
        page(told(done), ZEROS, command="python -m benchmarks.value_tables", versions={"syngain": syngain.__version__})
    )


if __name__ == "__main__":
    main()
