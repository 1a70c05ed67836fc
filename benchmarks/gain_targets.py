"""Coverage, sign and rank of the gain of targets that are no classes, next to naive baselines.

    python gain_targets.py --draws 8 --truth 16 --jobs 2 --out FILE [--table]

Thirteen tasks (numbers, scores, label sets, token tags, triplets), of scikit-learn or of made worlds with known
distributions, times three kinds of synthetic rows: fresh rows of the distribution (help), copies of the real rows (do
nothing), rows with the targets of other rows (harm). The true gain is that of the same proxy on a large held-out
sample, averaged over further draws of real and synthetic rows. FILE holds one line for each draw; a second call goes
on.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from syngain.core.rng import Streams
from syngain.data.dataset import Dataset, RoleOptions
from syngain.gain.design.cross_validation import Arm, Design
from syngain.gain.design.layout import GainLayout
from syngain.gain.on_test import measured
from syngain.gain.outcome.estimates import Setup, estimate_gain
from syngain.gain.proxies.metrics import metrics_of

DESIGN = Design(folds=10, repeats=1, amounts=2, most=2_000, controls=False, balanced=False)
KINDS = {"fresh": 200, "copies": 120, "shuffled": 160}  # kind of synthetic rows to their number
REAL, TEST = 120, 3_000
WORDS = "river stone paper window garden metal silver winter market coffee bridge letter engine summer forest".split()


def _table(X, y, label="y"):
    names = [f"x{place}" for place in range(X.shape[1])]
    return [{**dict(zip(names, row, strict=True)), label: value} for row, value in zip(X.tolist(), y, strict=True)]


def linear(n, rng):
    X = rng.normal(size=(n, 6))
    return _table(X, (X @ np.array([2.0, -1, 0.5, 0, 0, 1]) + rng.normal(size=n) * 1.5).tolist())


def heavy(n, rng):
    X = rng.normal(size=(n, 4))
    return _table(X, (50 + 8 * X[:, 0] - 5 * X[:, 1] + 6 * rng.standard_t(5, size=n)).tolist())


def friedman(n, rng):
    from sklearn.datasets import make_friedman1

    return _table(*make_friedman1(n, noise=1.0, random_state=int(rng.integers(2**31))))


def wide(n, rng):
    X, slopes = rng.normal(size=(n, 25)), np.random.default_rng(1).normal(size=25)
    return _table(X, (X @ slopes + 4 * rng.normal(size=n)).tolist())


def diabetes(n, rng):
    from sklearn.datasets import load_diabetes

    found = load_diabetes()
    rows = rng.permutation(len(found.target))[:n]
    return _table(found.data[rows] * 20, found.target[rows].tolist())


def prices(n, rng):
    value = np.random.default_rng(2).normal(size=len(WORDS)) * 10
    chosen = rng.integers(0, len(WORDS), size=(n, 6))
    noise = rng.normal(size=n) * 8
    return [
        {
            "text": " ".join(WORDS[k] for k in row) + f" lot {rng.integers(10**6)}",
            "y": float(100 + value[row].sum() + e),
        }
        for row, e in zip(chosen, noise, strict=True)
    ]


def digits(n, rng):
    from sklearn.datasets import load_digits

    found = load_digits()
    rows = rng.permutation(len(found.target))[:n]
    return _table(found.data[rows][:, ::3] / 8, [int(value) for value in found.target[rows]], "score")


def stars(n, rng):
    X = rng.normal(size=(n, 5))
    y = np.clip(np.round(3 + 0.8 * X[:, 0] - 0.6 * X[:, 1] + 0.7 * rng.normal(size=n)), 1, 5)
    return _table(X, [int(value) for value in y], "stars")


def bernoulli(n, rng):
    X, slopes = rng.normal(size=(n, 6)), np.random.default_rng(3).normal(size=(6, 5)) * 1.2
    on = rng.random((n, 5)) < 1 / (1 + np.exp(-(X @ slopes - 0.7)))
    return _table(X, [[f"l{place}" for place in np.flatnonzero(row)] for row in on], "labels")


def multilabel(n, rng):
    from sklearn.datasets import make_multilabel_classification

    X, Y = make_multilabel_classification(6_000, n_features=12, n_classes=4, n_labels=2, random_state=4)
    rows = rng.permutation(len(X))[:n]
    return _table(np.sqrt(X[rows]), [[f"l{place}" for place in np.flatnonzero(row)] for row in Y[rows]], "labels")


def moods(n, rng):
    rows = []
    for _ in range(n):
        on = rng.random(4) < 0.35
        said = [
            WORDS[3 * k + rng.integers(3)] if rng.random() < 0.8 else WORDS[12 + rng.integers(3)]
            for k in np.flatnonzero(on)
        ]
        more = [WORDS[rng.integers(len(WORDS))] for _ in range(3)]
        rows.append(
            {
                "text": " ".join([*said, *more, f"n{rng.integers(10**6)}"]),
                "labels": [f"m{k}" for k in np.flatnonzero(on)],
            }
        )
    return rows


def tagger(n, rng):
    """A hidden Markov chain of O, PER and LOC; each state writes words of its own, some of them in common."""
    move = np.array([[0.7, 0.15, 0.15], [0.6, 0.3, 0.1], [0.8, 0.1, 0.1]])
    names = ["O", "PER", "LOC"]
    rows = []
    for _ in range(n):
        state, tokens, tags = 0, [], []
        for _ in range(rng.integers(6, 14)):
            previous, state = state, int(rng.choice(3, p=move[state]))
            word = f"{'wpl'[state]}{rng.integers(60)}" if rng.random() < 0.75 else f"c{rng.integers(20)}"
            tokens.append(word if state == 0 else word.capitalize() if rng.random() < 0.6 else word)
            inside = state and previous == state and tags and tags[-1] != "O"
            tags.append("O" if not state else f"{'I' if inside else 'B'}-{names[state]}")
        rows.append({"tokens": tokens, "ner_tags": tags})
    return rows


def topics(n, rng):
    """Queries of one topic; the positive passage shares it, the negative ones share words of style only."""
    rows = []
    for _ in range(n):
        first, second = rng.choice(len(WORDS), 2, replace=False)

        def passage(topic):
            own = [WORDS[topic] if rng.random() < 0.45 else WORDS[rng.integers(len(WORDS))] for _ in range(5)]
            return " ".join([*own, f"s{rng.integers(50)}"])

        query = " ".join([WORDS[first], WORDS[rng.integers(len(WORDS))], f"q{rng.integers(10**6)}"])
        rows.append(
            {"query": query, "positive": passage(first), "negative": [passage(second), passage(rng.integers(15))]}
        )
    return rows


TASKS = {
    "linear": (linear, "y"),
    "heavy_tails": (heavy, "y"),
    "friedman": (friedman, "y"),
    "wide": (wide, "y"),
    "diabetes": (diabetes, "y"),
    "prices_text": (prices, "y"),
    "digits_ordinal": (digits, "score"),
    "stars": (stars, "stars"),
    "bernoulli_labels": (bernoulli, "labels"),
    "sklearn_labels": (multilabel, "labels"),
    "moods_text": (moods, "labels"),
    "hmm_tags": (tagger, "ner_tags"),
    "triplets": (topics, None),
}


def shuffled(rows, label, rng):
    """The same rows with the targets of others: of tokens, those of other tokens; of triplets, a negative candidate."""
    if label is None:
        return [
            {**row, "positive": row["negative"][0], "negative": [row["positive"], *row["negative"][1:]]} for row in rows
        ]
    if label == "ner_tags":
        return [{**row, label: [row[label][k] for k in rng.permutation(len(row[label]))]} for row in rows]
    order = rng.permutation(len(rows))
    return [{**row, label: rows[k][label]} for row, k in zip(rows, order, strict=True)]


def sets(task, kind, draw):
    make, label = TASKS[task]
    rng = np.random.default_rng([25, zlib.crc32(task.encode()), draw])
    most = {"diabetes": 442, "digits_ordinal": 1_797}.get(task, REAL + 200 + TEST)
    rows = make(most, rng)
    real, pool = rows[:REAL], rows[REAL : REAL + 200]
    test = rows[REAL + 200 :]
    count = min(KINDS[kind], len(pool))
    other = [real[k % REAL] for k in range(count)] if kind == "copies" else pool[:count]
    synthetic = shuffled(other, label, rng) if kind == "shuffled" else other
    target = {"y": "number", "score": "ordinal", "stars": "ordinal"}.get(label)
    roles = RoleOptions(label=label, target=target, text=None if "text" in task or label in {None, "ner_tags"} else "")
    first = Dataset.from_rows(real, "real", roles=roles)
    others = [
        Dataset.from_rows(part, name, roles=roles, like=first) for part, name in ((synthetic, "syn"), (test, "test"))
    ]
    return first, *others


def distance(layout, task):
    """Distance of the mean features of synthetic and real rows, in standard deviations of the real rows."""
    real, synthetic = task.real[layout.anchors].X, task.synthetic.X
    spread = np.where(real.std(axis=0) > 1e-6, real.std(axis=0), np.inf)
    return float(np.linalg.norm((real.mean(axis=0) - synthetic.mean(axis=0)) / spread) / np.sqrt(real.shape[1]))


def one(job):
    task_name, kind, draw, forecast = job
    with threadpool_limits(1):
        real, synthetic, test = sets(task_name, kind, draw)
        streams = Streams(draw)
        layout = GainLayout.of(real, synthetic, test=test)
        task = layout.task(streams)
        metric = metrics_of(synthetic)[0]
        seen = measured(task, layout, streams)
        paired = seen.influence(metric, seen.both, Arm("anchors")).mean()
        out = {"task": task_name, "kind": kind, "draw": draw, "metric": metric, "true": float(paired)}
        if forecast:
            alone = GainLayout.of(real, synthetic)
            found = estimate_gain(alone.task(streams), alone, streams, setup=Setup(design=DESIGN))
            item = found.estimates[f"gain.{metric}@expected"]
            fresh = found.estimates[f"gain.{metric}"]
            out |= {"value": item.value, "interval": item.interval(0.9), "fresh": fresh.interval(0.9)}
            out |= {"rows": len(synthetic), "distance": distance(alone, alone.task(streams))}
    return out


def table(lines):
    """Coverage by kind, sign, and rank next to the baselines."""
    truth, own = defaultdict(list), defaultdict(list)
    for line in lines:
        if "value" not in line:  # a forecast is not judged by its own draw
            truth[line["task"], line["kind"]].append(line["true"])
        else:
            own[line["task"], line["kind"]].append(line)
    true = {key: float(np.mean(values)) for key, values in truth.items()}
    out = [
        "| task | " + " | ".join(f"{kind}: true, forecast, covered" for kind in KINDS) + " |",
        "|---" * (len(KINDS) + 1) + "|",
    ]
    covered, wrong, signed = defaultdict(list), 0, []
    for task in TASKS:
        cells = []
        for kind in KINDS:
            found = own[task, kind]
            if not found:
                continue
            hits = [line["interval"][0] <= true[task, kind] <= line["interval"][1] for line in found]
            covered[task] += hits
            wrong += sum(
                (line["interval"][0] > 0) & (true[task, kind] < 0) | (line["interval"][1] < 0) & (true[task, kind] > 0)
                for line in found
            )
            if abs(true[task, kind]) > 0.01:
                signed += [np.sign(line["value"]) == np.sign(true[task, kind]) for line in found]
            mean = np.mean([line["value"] for line in found])
            cells.append(f"{true[task, kind]:+.3f}, {mean:+.3f}, {sum(hits)} of {len(hits)}")
        out.append(f"| {task} | " + " | ".join(cells) + " |")
    means = np.array([np.mean(hits) for hits in covered.values()])
    half = stats.t.ppf(0.975, means.size - 1) * means.std(ddof=1) / np.sqrt(means.size)
    total = sum(map(len, covered.values()))
    out.append(
        f"\nCoverage of the 90% intervals: {means.mean():.3f}, 95% interval over {means.size} tasks "
        f"[{means.mean() - half:.3f}, {means.mean() + half:.3f}], {total} forecasts of {len(own)} cases."
    )
    out.append(
        f"Right sign where the true gain is above .01 in size: {np.mean(signed):.3f}. "
        f"Significant wrong signs: {wrong} of {total}."
    )
    ranks = defaultdict(list)
    for task in TASKS:
        for draw in sorted({line["draw"] for kind in KINDS for line in own[task, kind]}):
            some = [line for kind in KINDS for line in own[task, kind] if line["draw"] == draw]
            if len(some) < len(KINDS):
                continue
            want = [true[task, line["kind"]] for line in some]
            for name, values in (
                ("gain", [line["value"] for line in some]),
                ("size", [line["rows"] for line in some]),
                ("distance", [-line["distance"] for line in some]),
            ):
                ranks[name].append(stats.kendalltau(want, values).statistic)
    out.append(
        "Kendall's tau with the true order: "
        + ", ".join(f"{name} {np.nanmean(values):.2f}" for name, values in ranks.items())
        + "."
    )
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--truth", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    if not options.table:
        done = {(line["task"], line["kind"], line["draw"]) for line in lines}
        jobs = [
            (task, kind, draw, draw < options.draws)
            for draw in range(options.draws + options.truth)
            for task in TASKS
            for kind in KINDS
        ]
        todo = [job for job in jobs if job[:3] not in done]
        with options.out.open("a") as file, ProcessPoolExecutor(options.jobs) as pool:
            for line in pool.map(one, todo):
                lines.append(line)
                print(json.dumps(line), file=file, flush=True)
    print(table(lines))


if __name__ == "__main__":
    main()
