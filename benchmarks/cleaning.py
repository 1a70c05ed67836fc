"""Cleaning of labeled rows at planted label noise: which rows are dropped, and what that gains on right labels.

    python -m benchmarks.cleaning [--parts real,generated,text] [--seeds 5] [--data DATA] [-o cleaning.jsonl]
    python -m benchmarks.cleaning --summary -o cleaning.jsonl | --compare-cleanlab

real: tables with 0, 10 and 20% of the training labels replaced by another class at random. Rows are named among the
training rows alone; the proxy model of `syngain clean` trains without them, on all rows, and without as many random
rows. Test rows have right labels. Gains in nats (log-loss), macro-F1 and accuracy, + is better.
generated: the rows that are left are what `syngain generate --generator cells` learns from; boosted trees train on as
many generated rows as there were real ones, and are tested on real rows. Gains in macro-F1 and accuracy.
text: 10 intents of banking77, 200 real rows, 600 other real rows in place of synthetic ones, 120 of them with another
label. The 600 are cleaned with the real rows known; gains over the real rows alone.

One line of the output per table, rate and seed: a run that was stopped resumes. Intervals are t-intervals of the mean
over seeds (splits, flips). With cleanlab installed, --compare-cleanlab compares its scores and rows with ours.
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

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.stats import t as student
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, f1_score

import syngain
from syngain.core.rng import Streams
from syngain.data.study import Study
from syngain.gain.cleaning.label_noise import NoiseFloor, normalized_margin, off_diagonal
from syngain.gain.cleaning.methods import METHODS
from syngain.gain.cleaning.nested_cleaning import CleaningTrial
from syngain.gain.proxies.metrics import METRICS
from syngain.tables.cells.table import TableModel
from syngain.workflows.evaluate.clean import CleanSettings, _layout

SIZES = {
    "breast_cancer": (300, 269),
    "wine": (100, 78),
    "digits": (500, 1_000),
    "adult": (800, 4_000),
    "nsl_kdd": (800, 4_000),
}
FILES = {"adult": "adult", "nsl_kdd": "nsl_kdd_train"}
SETTINGS = CleanSettings()
RATES = (0.0, 0.1, 0.2)
SCORES = ("log_loss", "macro_f1", "accuracy")
VARIANTS = ("all", *METHODS, "random")


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


def table(name, data):
    """Columns by name, and the classes."""
    if name in FILES:
        with gzip.open(data / "tables" / f"{FILES[name]}.csv.gz") as packed:
            header, *rows = csv.reader(io.TextIOWrapper(packed))
        cells = [dict(zip(header[:-1], map(number, row[:-1]), strict=True)) for row in rows]
        return cells, np.array([row[-1] for row in rows])
    bunch = getattr(datasets, f"load_{name}")()
    names = [f"c{at}" for at in range(bunch.data.shape[1])]
    return [dict(zip(names, map(float, row), strict=True)) for row in bunch.data], bunch.target.astype(str)


def flip(right, rate, rng):
    """Labels with a fraction of them replaced by another class, each with equal probability."""
    names, codes = np.unique(right, return_inverse=True)
    wrong = rng.random(codes.size) < rate
    moved = (codes + rng.integers(1, names.size, codes.size)) % names.size
    return names[np.where(wrong, moved, codes)], wrong


def split(name, rate, seed, data):
    """Training rows with flipped labels, where they are flipped, and test rows with right labels."""
    cells, right = table(name, data)
    rng = np.random.default_rng([seed, round(100 * rate)])
    order = np.random.default_rng(seed).permutation(len(cells))
    n, tests = SIZES[name]
    train, test = order[:n], order[n : n + tests]
    given, wrong = flip(right[train], rate, rng)
    rows = [{**cells[i], "label": str(y)} for i, y in zip(train, given, strict=True)]
    return rows, wrong, [{**cells[i], "label": str(right[i])} for i in test]


def named_rows(layout, trial, streams):
    """The profile of the rows to clean, the training rows of every variant, and the rows each method names."""
    ground = layout.ground
    rows = layout.made_from(np.ones(ground.anchors.size, dtype=bool))
    task = layout.task.within(ground.anchors, rows)
    profile = layout.profile(task, ground.anchors, rows, streams)
    if layout.synthetic:
        profile = profile.take(np.arange(ground.anchors.size, ground.anchors.size + rows.size))
    variants = layout.trainings(task, ground.anchors, rows, trial, streams)
    return task, profile, variants, {name: METHODS[name](profile).drop for name in METHODS}


def scores(outcomes, label):
    """Every metric of every variant; random draws as their mean."""
    ones, out = np.ones(label.size), {}
    for metric in SCORES:
        for variant in VARIANTS:
            found = [o for name, o in outcomes.items() if name == variant or name.partition(" ")[0] == variant]
            out[f"{metric} {variant}"] = float(np.mean([METRICS[metric](o, label, ones).mean() for o in found]))
    return out


def hits(drop, wrong):
    return {"dropped": int(drop.sum()), "right": int((drop & wrong).sum()), "wrong": int(wrong.sum())}


def cleaned_real(name, rate, seed, data):
    rows, wrong, tests = split(name, rate, seed, data)
    real = syngain.Dataset.from_rows(rows, "real")
    test = syngain.Dataset.from_rows(tests, "test", like=real)
    streams = Streams(seed)
    study = Study.of(real, real.take([0]), test=test)
    layout = _layout(study, SETTINGS, "profile", streams, synthetic=False)
    task, profile, variants, drops = named_rows(layout, CleaningTrial(randoms=1), streams.child("clean test"))
    outcomes = variants.judge(task, layout.ground.test, streams)
    floor = NoiseFloor.of(profile.mean, profile.label).estimate()
    return {
        **scores(outcomes, layout.ground.label[layout.ground.test]),
        "noise": floor.value,
        **{name: hits(drop, wrong) for name, drop in drops.items()},
    }


def generated(name, rate, seed, data):
    rows, wrong, tests = split(name, rate, seed, data)
    rows, wrong = rows[:GENERATED], wrong[:GENERATED]
    real = syngain.Dataset.from_rows(rows, "real")
    streams = Streams(seed)
    layout = _layout(Study.of(real, real.take([0])), SETTINGS, "profile", streams, synthetic=False)
    _, _, variants, drops = named_rows(layout, CleaningTrial(randoms=1), streams.child("clean test"))
    out, known = {name: hits(drop, wrong) for name, drop in drops.items()}, {}
    for variant, training in variants.trainings.items():
        kept = training.real.tolist()
        if len(kept) not in known or variant.startswith("random"):
            known[len(kept)] = generated_scores([rows[i] for i in kept], len(rows), tests, seed)
        for metric, value in known[len(kept)].items():
            out[f"{metric} {variant.partition(' ')[0]}"] = value
    return out


GENERATED = 300  # rows that a generator learns from


def generated_scores(rows, count, tests, seed):
    """Boosted trees trained on generated rows, tested on real ones."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    drawn = TableModel.fit(columns, label="label", seed=seed).sample(count, seed).columns
    names = [name for name in drawn if name != "label"]
    both = {name: [*drawn[name], *(row.get(name) for row in tests)] for name in names}
    X = np.column_stack([numbers(both[name]) for name in names])
    y = [str(value) for value in drawn["label"]]
    truth = [row["label"] for row in tests]
    if len(set(y)) < 2:
        guess = np.array([y[0]] * len(truth))
    else:
        guess = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(X[:count], y).predict(X[count:])
    return {"macro_f1": f1_score(truth, guess, average="macro"), "accuracy": accuracy_score(truth, guess)}


def numbers(cells):
    try:
        return np.array([np.nan if cell in {None, ""} else float(cell) for cell in cells])
    except (TypeError, ValueError):
        return np.unique([str(cell) for cell in cells], return_inverse=True)[1].astype(float)


def text(name, rate, seed, data):
    """Real rows of ten intents in place of synthetic ones, some with another label."""
    every = {
        part: syngain.read(data / "banking77_real.jsonl.gz", where={"split": part})
        for part in ("real_pool", "real_test")
    }
    rng = np.random.default_rng(seed)
    intents = set(rng.choice(sorted(set(every["real_test"].labels)), 10, replace=False).tolist())
    rows = {
        part: [{"text": t, "label": y} for t, y in zip(d.sides["text"], d.labels, strict=True) if y in intents]
        for part, d in every.items()
    }
    pool = [rows["real_pool"][i] for i in rng.permutation(len(rows["real_pool"]))]
    made, wrong = pool[200:800], np.zeros(600, dtype=bool)
    wrong[rng.permutation(600)[:120]] = True
    moved, _ = flip(np.array([row["label"] for row in made]), 1.0, rng)
    made = [{**row, "label": str(moved[i]) if wrong[i] else row["label"]} for i, row in enumerate(made)]
    real = syngain.Dataset.from_rows(pool[:200], "real")
    synthetic = syngain.Dataset.from_rows(made, "synthetic", like=real)
    test = syngain.Dataset.from_rows(rows["real_test"], "test", like=real)
    streams = Streams(seed)
    layout = _layout(Study.of(real, synthetic, test=test), CleanSettings(), "profile", streams, synthetic=True)
    task, _, variants, drops = named_rows(layout, CleaningTrial(randoms=1), streams.child("clean test"))
    none = type(next(iter(variants.trainings.values())))(layout.ground.anchors, np.empty(0, dtype=np.int64))
    outcomes = variants.judge(task, layout.ground.test, streams)
    outcomes["real"] = task.judge(none, layout.ground.test, streams.stream("inner"))
    label = layout.ground.label[layout.ground.test]
    out = scores(outcomes, label)
    for metric in SCORES:
        out[f"{metric} real"] = float(METRICS[metric](outcomes["real"], label, np.ones(label.size)).mean())
    return {**out, **{name: hits(drop, wrong) for name, drop in drops.items()}}


PARTS = {
    "real": (cleaned_real, tuple(SIZES), RATES),
    "generated": (generated, tuple(SIZES), RATES),
    "text": (text, ("banking77",), (0.2,)),
}


def interval(values):
    """Mean and half width of the 95% t-interval."""
    values = np.asarray(values, dtype=float)
    if values.size < 2:
        return float(values.mean()), float("nan")
    return float(values.mean()), float(student.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))


def shown(found, metric, one, other):
    mean, half = interval([line[f"{metric} {one}"] - line[f"{metric} {other}"] for line in found])
    mark = "+" if mean - half > 0 else "-" if mean + half < 0 else " "
    return f"{mean:+.3f} ± {half:.3f}{mark}"


def summary(lines):
    """A line per table and rate: rows named, and gains with intervals."""
    for part in dict.fromkeys(line["part"] for line in lines):
        metrics = [m for m in SCORES if any(f"{m} all" in line for line in lines if line["part"] == part)]
        for name, rate in dict.fromkeys((line["table"], line["rate"]) for line in lines if line["part"] == part):
            found = [line for line in lines if (line["part"], line["table"], line["rate"]) == (part, name, rate)]
            print(
                f"\n{part} {name} {rate:.0%}, {len(found)} seeds, CPU {np.mean([f['cpu'] for f in found]):.0f} s each"
            )
            if "noise" in found[0]:
                mean, half = interval([line["noise"] for line in found])
                print(f"  noise floor {mean:.3f} ± {half:.3f}")
            for method in METHODS:
                total = {key: sum(line[method][key] for line in found) for key in ("dropped", "right", "wrong")}
                print(
                    f"  {method}: {total['right']} of {total['dropped']} dropped rows wrong, of {total['wrong']} wrong"
                )
                for metric in metrics:
                    none, random = (shown(found, metric, method, other) for other in ("all", "random"))
                    print(f"    {metric:9} over all {none}  over random {random}")
            if "accuracy real" in found[0]:
                for variant in (*VARIANTS,):
                    print(f"  accuracy over real alone, {variant}: {shown(found, 'accuracy', variant, 'real')}")


def against_cleanlab(data, tables, asked):
    """Largest difference of scores, and rows that only one of both names."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_normalized_margin_for_each_label

    for name in tables:
        for rate in asked:
            rows, _, _ = split(name, rate, 0, data)
            real = syngain.Dataset.from_rows(rows, "real")
            layout = _layout(
                Study.of(real, real.take([0])), CleanSettings(members=1), "profile", Streams(0), synthetic=False
            )
            _, profile, _, _ = named_rows(layout, CleaningTrial(randoms=0), Streams(0))
            p, y = profile.mean, profile.label
            theirs = find_label_issues(y, p, filter_by="confident_learning")
            score = get_normalized_margin_for_each_label(y, p)
            ours = off_diagonal(p, y)
            print(
                f"{name} {rate:.0%}: largest difference of scores {np.abs(score - normalized_margin(p, y)).max():.1e}; "
                f"named {ours.sum()} and {theirs.sum()}, by one only {(ours != theirs).sum()}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="real,generated,text")
    parser.add_argument("--tables", default="")
    parser.add_argument("--rates", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SYNGAIN_DATA", "../shared/data")))
    parser.add_argument("-o", "--output", type=Path, default=Path("cleaning.jsonl"))
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--compare-cleanlab", action="store_true")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    if given.compare_cleanlab:
        asked = tuple(map(float, given.rates.split(","))) if given.rates else RATES
        against_cleanlab(given.data, given.tables.split(",") if given.tables else tuple(SIZES), asked)
        return
    lines = [json.loads(line) for line in given.output.read_text().splitlines()] if given.output.exists() else []
    done = {(line["part"], line["table"], line["rate"], line["seed"]) for line in lines}
    for part in () if given.summary else given.parts.split(","):
        run, tables, rates = PARTS[part]
        asked = [rate for rate in rates if not given.rates or rate in map(float, given.rates.split(","))]
        wanted = [name for name in tables if not given.tables or name in given.tables.split(",")]
        for key in [(part, name, rate, seed) for seed in range(given.seeds) for name in wanted for rate in asked]:
            if key in done:
                continue
            started = time.process_time()
            found = run(*key[1:], given.data)
            line = dict(zip(("part", "table", "rate", "seed"), key, strict=True)) | found
            line["cpu"] = round(time.process_time() - started, 1)
            lines.append(line)
            with given.output.open("a") as out:
                out.write(json.dumps(line) + "\n")
    summary(lines)


if __name__ == "__main__":
    main()
