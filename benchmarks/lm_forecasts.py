"""Forecasts of the gain of a language model next to the true gains of fine-tuning.

    python benchmarks/lm_forecasts.py [--truths lm_truths.jsonl] [-o lm_forecasts.jsonl] [--show]

For each draw of `lm_battery.py` that has truths: the gain on a frozen model (`--proxy frozen`) of the same real,
synthetic and test rows, and neighbors: the n-gram gain (nats per byte), minus the perplexity of the synthetic responses
under the untrained model, their instruction-following difficulty (surprisal with the prompt over that without it
[li2024]), minus the two-sample distance of n-grams, size, random. One line a case, computed once. ``--show`` prints the
table: Spearman's correlation within draws and the sign in the cases two standard errors from 0.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from lm_battery import TASKS, read_lines
from scipy.stats import spearmanr

from syngain.core.rng import Streams
from syngain.data.columns.roles import Kind
from syngain.data.dataset import Dataset
from syngain.gain.design.layout import GainLayout
from syngain.gain.on_test import measured
from syngain.gain.proxies.frozen import FrozenReader
from syngain.learners.causal import CausalProxy
from syngain.workflows.evaluate.frozen_forecasts import frozen_forecasts

NAMES = ("frozen", "ngram", "perplexity", "difficulty", "size", "random")


def dataset(pairs, name):
    return Dataset.from_rows([{"prompt": asked or "-", "response": said or "-"} for asked, said in pairs], name=name)


def per_token(model, rows):
    scored = sum(row.scored for row in rows)
    return float(model.score(rows).sum()) / max(scored, 1)


def neighbors(model, reader, pairs, rng):
    """Perplexity and difficulty of at most 60 synthetic rows under the untrained model."""
    some = [pairs[at] for at in rng.permutation(len(pairs))[:60]]
    given = per_token(model, [row for row in (reader.read(asked, said) for asked, said in some) if row.scored])
    alone = per_token(model, [row for row in (reader.read("", said) for _, said in some) if row.scored])
    return {"perplexity": -given, "difficulty": given / alone, "size": float(len(pairs)), "random": float(rng.random())}


def forecast(task, draw, wanted, tokens, path):
    """Write a line for each case of a draw."""
    real, _, test, cases = TASKS[task](draw)
    cases = [case for case in cases if case.name in wanted]
    ours, tested = dataset(real, "real"), dataset(test, "test")
    sets = {case.name: dataset(case.pairs, case.name) for case in cases}
    begun = time.process_time()
    found, cost = frozen_forecasts(ours, sets, tested, reader=FrozenReader(max_tokens=tokens), repeats=2, seed=draw)
    seconds = time.process_time() - begun
    print(task, draw, cost, f"{seconds:.0f} CPU s", flush=True)
    model = CausalProxy(max_tokens=tokens).open()
    model.reset(0)
    reader = model.reader(Kind.PAIR)
    for case in cases:
        rng = np.random.default_rng([draw, *case.name.encode()])
        streams = Streams(draw)
        layout = GainLayout.of(ours, sets[case.name], test=tested)
        ngram = measured(layout.task(streams), layout, streams).gain(layout.metrics[0])
        values = {"frozen": found[case.name].value, "ngram": ngram.value, **neighbors(model, reader, case.pairs, rng)}
        line = {"task": task, "draw": draw, "case": case.name, "cpu": round(seconds / len(cases)), **values}
        line["interval"] = list(found[case.name].interval(0.9))
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(task, draw, case.name, {name: round(values[name], 4) for name in NAMES}, flush=True)


def show(truths, path):
    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    known = {(item["task"], item["draw"], item["case"]): item for item in truths if "gain" in item}
    both = [(known[key], line) for line in lines if (key := (line["task"], line["draw"], line["case"])) in known]
    for truth, line in both:
        print(
            f"{truth['task']:18s} {truth['draw']} {truth['case']:16s} truth {truth['gain']:+.4f} ({truth['se']:.4f}) "
            + " ".join(f"{name} {line[name]:+.3f}" for name in NAMES)
        )
    draws = sorted({(truth["task"], truth["draw"]) for truth, _ in both})
    for name in NAMES:
        ranks = []
        for draw in draws:
            own = [(t["gain"], line[name]) for t, line in both if (t["task"], t["draw"]) == draw]
            if len(own) >= 4:
                ranks.append(spearmanr(*np.array(own).T).statistic)
        clear = [(t["gain"] > 0) == (line[name] > 0) for t, line in both if abs(t["gain"]) > 2 * t["se"]]
        print(f"{name:12s} rank {np.round(ranks, 2).tolist()} sign {sum(clear)} of {len(clear)}")
    inside = [line["interval"][0] <= t["gain"] <= line["interval"][1] for t, line in both]
    print(f"truth in the uncalibrated 90% interval: {sum(inside)} of {len(inside)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truths", type=Path, default=Path(__file__).with_name("lm_truths.jsonl"))
    parser.add_argument("-o", "--output", type=Path, default=Path("lm_forecasts.jsonl"))
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args()
    truths = [item for item in read_lines(chosen.truths).values() if item["seed"] == 0]
    if not chosen.show:
        done = {tuple(line[name] for name in ("task", "draw", "case")) for line in read_known(chosen.output)}
        for task, draw in sorted({(item["task"], item["draw"]) for item in truths}):
            wanted = {
                item["case"] for item in truths if (item["task"], item["draw"]) == (task, draw) and "gain" in item
            }
            wanted -= {case for known, at, case in done if (known, at) == (task, draw)}
            if wanted:
                forecast(task, draw, wanted, chosen.max_tokens, chosen.output)
    show(truths, chosen.output)


def read_known(path):
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
