"""The gain on a frozen model: order of known sets, nulls, and cost.

    python benchmarks/frozen_head.py --part order --rows 400 --repeats 2
    python benchmarks/frozen_head.py --part nulls --draws 10
    python benchmarks/frozen_head.py --part defects

``order``: Alpaca selections and worked mathematics added to 175 human instructions, on 252 expert instructions.
``nulls``: of 252 expert instructions some are real rows, some "synthetic", the rest the test: the gain of real rows;
the real rows repeated; random tokens. ``defects``: half refusals, empty answers, shuffled answers of one selection.
Gains in nats per token, + is better, with 90% intervals.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from syngain.data import read
from syngain.gain.proxies.frozen import FrozenReader
from syngain.learners.frozen.head import FrozenHead
from syngain.workflows.evaluate.frozen_forecasts import frozen_forecasts

DATA = Path(os.environ.get("SYNGAIN_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
SETS = {
    "cherry": "alpaca_cherry_5pct",
    "random": "alpaca_random_9k",
    "claude_t45": "alpaca_claude_t45",
    "gsm8k": "gsm8k_train",
}
REFUSAL = "I'm sorry, but as an AI language model I cannot help with that request."


def some(data, count, rng):
    return data.take(np.sort(rng.permutation(len(data))[:count]).tolist())


def answered(data, answers):
    return replace(data, sides={"prompt": list(data.sides["prompt"]), "response": list(answers)}, targets=None)


def shown(title, found, cost):
    print(title)
    for name, item in found.items():
        low, high = item.interval(0.9)
        print(f"  {name:12s} {item.value:+.4f} [{low:+.4f}, {high:+.4f}]", flush=True)
    print(" ", cost, flush=True)


def plain(name, like=None):
    data = read(DATA / f"{name}.jsonl.gz", like=like)
    return replace(data, name=name)


def order(args, reader, human, expert):
    rng = np.random.default_rng(args.seed)
    sets = {name: some(plain(file), args.rows, rng) for name, file in SETS.items() if name in args.sets.split(",")}
    test = expert if args.test >= len(expert) else some(expert, args.test, rng)
    shown("order", *frozen_forecasts(human, sets, test, reader=reader, repeats=args.repeats, seed=args.seed))


def nulls(args, reader, human, expert):
    found = {"pool": [], "repeated": [], "random": []}
    for draw in range(args.draws):
        rng = np.random.default_rng(args.seed + draw)
        rows = rng.permutation(len(expert))
        real, pool, test = (expert.take(np.sort(part).tolist()) for part in np.split(rows, [80, 160]))
        noise = answered(pool, ["".join(map(chr, rng.integers(33, 126, 80))) for _ in range(len(pool))])
        sets = {"pool": pool, "repeated": real, "random": noise}
        out, cost = frozen_forecasts(real, sets, test, reader=reader, repeats=1, seed=args.seed + draw)
        shown(f"draw {draw}", out, cost)
        for name, item in out.items():
            found[name].append((item.value, *item.interval(0.9)))
    for name, values in found.items():
        value, low, high = np.array(values).T
        harm, gain = int((high < 0).sum()), int((low > 0).sum())
        print(f"{name}: mean {value.mean():+.4f}, {gain} gains and {harm} harms in {len(values)} draws", flush=True)


def defects(args, reader, human, expert):
    rng = np.random.default_rng(args.seed)
    good = some(plain(SETS["random"]), args.rows, rng)
    answers, half = list(good.sides["response"]), len(good) // 2
    sets = {
        "as they are": good,
        "half refusal": answered(good, [REFUSAL] * half + answers[half:]),
        "half empty": answered(good, [""] * half + answers[half:]),
        "all empty": answered(good, [""] * len(good)),
        "shuffled": answered(good, [answers[i] for i in rng.permutation(len(good))]),
    }
    test = expert if args.test >= len(expert) else some(expert, args.test, rng)
    shown("defects", *frozen_forecasts(human, sets, test, reader=reader, repeats=args.repeats, seed=args.seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("order", "nulls", "defects"), default="order")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--test", type=int, default=252)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--rates", default="1e-3,3e-3")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    reader = FrozenReader(model=args.model, head=FrozenHead(rates=tuple(map(float, args.rates.split(",")))))
    human = plain("self_instruct_seed_tasks")
    expert = plain("self_instruct_user252", like=human)
    {"order": order, "nulls": nulls, "defects": defects}[args.part](args, reader, human, expert)


if __name__ == "__main__":
    main()
