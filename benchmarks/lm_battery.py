"""True gains of a fine-tuned language model: real rows alone, and with each of many synthetic sets.

    python benchmarks/lm_battery.py [-o lm_truths.jsonl] [--draws 6] [--only instructions,math,...] [--list]
    python benchmarks/lm_battery.py -o lm_truths.jsonl --show

A truth is one line of the file and is computed once: what the file holds is skipped, so the command can be stopped and
started at any time. A draw is a sample of real rows (of all topics or of one topic) with test rows and held-out rows; a
case is one synthetic set next to them. All cases of a draw share one arm of real rows alone, the adapter's initial
values, the order of real rows, held-out rows and test rows. Weights are averaged, the last third of the steps counts.
Each arm ends at the best of its checkpoints on the held-out rows and sees each row at least once. Gains are in nats per
scored token of the test rows, + is better; ``se`` is clustered by row and does not contain the noise of seeds, for
which there are lines with other seeds (``--seeds``). Needs `syngain models add smollm2` and `syngain[local]`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from syngain.data.columns.roles import Kind
from syngain.learners.causal import CausalProxy, paced

DATA = Path(os.environ.get("SYNGAIN_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
REFUSAL = "I'm sorry, but as an AI language model I cannot help with that request."
SIZES = (48, 96, 64, 120, 48, 96)  # real rows of the draws
TOPICS = (None, None, 0, 1, 0, 1)  # topic of the draws; None: of all topics
HELD, TEST, AMOUNT = 32, 80, 120
CHECKPOINTS = (8, 16, 24, 36, 48, 64, 88, 120, 160, 220)
TAIL = 3.0  # weights of the average grow with the step: about the last third counts
PATIENCE = 2
RATE = 5e-4
RULES = "1"  # of how truths are measured; a line of other rules is not mixed with these


@dataclass(frozen=True)
class Case:
    """A synthetic set next to the real rows of a draw."""

    task: str
    name: str
    pairs: list = field(repr=False)


def lines(name):
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@cache
def rows_of(name, split=None):
    """(prompt, response) of a file."""
    found = []
    for row in lines(name):
        if split is not None and row.get("split") != split:
            continue
        if "instances" in row:
            one = row["instances"][0]
            found.append((joined(row["instruction"], one["input"]), one["output"]))
        elif "instruction" in row:
            found.append((joined(row["instruction"], row["input"]), row["output"]))
        elif "answer" in row:
            found.append((row["question"], row["answer"].replace("####", "A:")))
        elif "solution" in row:
            found.append((row["question"], row["solution"]))
        else:
            found.append((f"{row.get('text') or row.get('sentence')}\nLabel:", str(row["label"])))
    return found


def joined(instruction, given):
    return f"{instruction}\n{given}" if given else instruction


def some(pairs, count, rng):
    return [pairs[i] for i in rng.permutation(len(pairs))[:count]]


def shuffled(pairs, rng):
    return [(asked, pairs[i][1]) for (asked, _), i in zip(pairs, rng.permutation(len(pairs)), strict=True)]


def refused(pairs, share):
    return [(asked, REFUSAL if i < share * len(pairs) else said) for i, (asked, said) in enumerate(pairs)]


def cut(pairs):
    return [(asked, said[: max(len(said) // 3, 1)]) for asked, said in pairs]


def by_length(pairs, count, longest):
    return sorted(pairs, key=lambda pair: len(pair[1]), reverse=longest)[:count]


def topics(pairs, count=2):
    """Topic of each row: k-means on words of the prompts."""
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    found = TfidfVectorizer(stop_words="english", sublinear_tf=True).fit_transform([asked for asked, _ in pairs])
    return KMeans(count, n_init=5, random_state=0).fit_predict(found)


def drawn(pairs, draw):
    """Real rows of a draw, held-out rows, and the rest; of one topic where the draw has one."""
    rng = np.random.default_rng([draw, 1])
    order, kind = rng.permutation(len(pairs)), TOPICS[draw % len(TOPICS)]
    first = order if kind is None else order[topics(pairs)[order] == kind]
    size = min(SIZES[draw % len(SIZES)], len(first))
    real = first[:size]
    others = order[~np.isin(order, real)]
    pick = [[pairs[i] for i in part] for part in (real, others[:HELD], others[HELD:])]
    return (*pick, rng)


def instructions(draw):
    real, held, rest, rng = drawn(rows_of("self_instruct_seed_tasks"), draw)
    test = some(rows_of("self_instruct_user252"), TEST, np.random.default_rng(99))
    pool = rows_of("alpaca_random_9k")
    random = some(pool, AMOUNT, rng)
    wide = some(pool, 2_000, rng)
    sets = {
        "random": random,
        "refused_half": refused(random, 0.5),
        "shuffled": shuffled(random, rng),
        "cherry": some(rows_of("alpaca_cherry_5pct"), AMOUNT, rng),
        "claude_t45": some(rows_of("alpaca_claude_t45"), AMOUNT, rng),
        "cut": cut(random),
        "gsm8k": some(rows_of("gsm8k_train"), AMOUNT, rng),
        "terse": by_length(wide, AMOUNT, longest=False),
        "verbose": by_length(wide, AMOUNT, longest=True),
        "real_kept_back": some(rest, AMOUNT, rng),
        "random_half": random[: AMOUNT // 2],
        "random_large": some(pool, 4 * AMOUNT, rng),
        "repeated": (real * (AMOUNT // len(real) + 1))[:AMOUNT],
    }
    return real, held, test, [Case("instructions", name, pairs) for name, pairs in sets.items()]


def mathematics(draw):
    real, held, rest, rng = drawn(rows_of("gsm8k_train")[:1_500], draw)
    test = some(rows_of("gsm8k_train")[3_000:], TEST, np.random.default_rng(99))
    solved = lines("gsm8k_model_solutions_even")
    sets = {}
    for name in sorted({row["generator"] for row in solved}):
        pairs = [(row["question"], row["solution"]) for row in solved if row["generator"] == name]
        sets[name] = some(pairs, AMOUNT, rng)
    for name, right in (("right", True), ("wrong", False)):
        pairs = [(row["question"], row["solution"]) for row in solved if bool(row["is_correct"]) is right]
        sets[name] = some(pairs, AMOUNT, rng)
    sets |= {
        "real_kept_back": some(rest, AMOUNT, rng),
        "shuffled": shuffled(sets["right"], rng),
        "refused_half": refused(sets["right"], 0.5),
        "cut": cut(sets["right"]),
        "alpaca": some(rows_of("alpaca_random_9k"), AMOUNT, rng),
    }
    return real, held, test, [Case("math", name, pairs) for name, pairs in sets.items()]


def labels(name, generators):
    def made(draw):
        file = f"parrot_{name}"
        real, held, _, rng = drawn(rows_of(file, "anchor"), draw)
        test = some(rows_of(file, "real_test"), 2 * TEST, np.random.default_rng(99))
        sets = {one: some(rows_of(file, f"syn_{one}"), 2 * AMOUNT, rng) for one in generators}
        sets["real_pool"] = some(rows_of(file, "real_pool"), 2 * AMOUNT, rng)
        sets["shuffled"] = shuffled(sets["real_pool"], rng)
        sets["one_label"] = [(asked, real[0][1]) for asked, _ in sets["real_pool"]]
        return real, held, test, [Case(name, one, pairs) for one, pairs in sets.items()]

    return made


GENERATORS = ("gpt-4", "llama-2-70b")
TASKS = {
    "instructions": instructions,
    "math": mathematics,
    **{name: labels(name, GENERATORS) for name in ("questionintimacy", "hypo-l", "crowdflower")},
}


@dataclass
class Student:
    """The model with its adapter, and how it is trained."""

    model: object
    reader: object
    seed: int

    def tokens(self, pairs):
        return [row for row in (self.reader.read(*pair) for pair in pairs) if row.scored]

    def score(self, rows):
        return self.model.score(rows), np.array([row.scored for row in rows], dtype=float)

    def trained(self, real, synthetic, held):
        """Averaged weights of the best checkpoint, its step, and the curve of held-out rows."""
        model, rows = self.model, [*real, *synthetic]
        model.reset(self.seed)
        optimizer, mean = model.optimizer(), [weight.detach().clone() for weight in model.weights()]
        best = (per_token(*self.score(held)), 0, [weight.clone() for weight in mean])
        curve, worse, step = [(0, best[0])], 0, 0
        batches = order(len(real), len(synthetic), CHECKPOINTS[-1], self.seed, model.proxy.batch)
        whole = -(-len(rows) // model.proxy.batch)  # steps until each row is seen
        for step in range(1, CHECKPOINTS[-1] + 1):
            model.learn([rows[i] for i in batches[step - 1]], optimizer, paced(RATE, step - 1))
            for old, new in zip(mean, model.weights(), strict=True):
                old.add_(new.detach() - old, alpha=(TAIL + 1) / (step + TAIL))
            if step not in CHECKPOINTS:
                continue
            now = [weight.detach().clone() for weight in model.weights()]
            put(model, mean)
            value = per_token(*self.score(held))
            curve.append((step, round(value, 5)))
            if step >= whole and (value < best[0] or best[1] == 0):  # no arm ends before each row is seen
                best, worse = (value, step, [weight.clone() for weight in mean]), 0
            elif step >= whole:
                worse += 1
            put(model, now)
            if worse >= PATIENCE:
                break
        put(model, best[2])
        return best[1], curve


def put(model, weights):
    for weight, value in zip(model.weights(), weights, strict=True):
        weight.data.copy_(value)


def per_token(nats, counts):
    return float(nats.sum() / counts.sum())


def order(real, synthetic, steps, seed, batch):
    """Rows of each step; every row comes before any comes again, and real rows come in the same order in all arms."""
    drawn_real, drawn_more = np.random.default_rng([seed, 2]), np.random.default_rng([seed, 3])
    found = []
    while len(found) < steps * batch:
        place = np.concatenate([drawn_real.random(real), drawn_more.random(synthetic)])
        found += np.argsort(place).tolist()
    return [found[i * batch : (i + 1) * batch] for i in range(steps)]


def line(place, case, student, arm, reference=None):
    """What is written of an arm: place is (task, draw), case (name, rows), arm what training gave."""
    (task, draw), (name, amount) = place, case
    steps, curve, nats, counts, seconds = arm
    out = {"rules": RULES, "task": task, "draw": draw, "seed": student.seed, "case": name, "rows": amount}
    out |= {"steps": steps, "curve": curve, "loss": round(per_token(nats, counts), 5), "cpu": round(seconds)}
    if reference is not None:
        gaps = np.array(reference["nats"]) - nats
        value = gaps.sum() / counts.sum()
        spread = np.sqrt(((gaps - value * counts) ** 2).sum()) / counts.sum()
        out |= {"gain": round(float(value), 5), "se": round(float(spread), 5)}
    else:
        out |= {"tokens": counts.astype(int).tolist()}
    return out | {"nats": [round(float(value), 3) for value in nats]}


def key(item):
    return tuple(item[name] for name in ("rules", "task", "draw", "seed", "case"))


def read_lines(path):
    """What the file holds; a line that a kill cut is left out."""
    found = {}
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            item = json.loads(text)
        except json.JSONDecodeError:
            print("a cut line is left out", flush=True)
            continue
        found[key(item)] = item
    return found


def run(student, task, draw, path):
    real, held, test, cases = TASKS[task](draw)
    done = read_lines(path)
    real, held, test = (student.tokens(part) for part in (real, held, test))
    for name, pairs in [("real alone", []), *((case.name, case.pairs) for case in cases)]:
        if (RULES, task, draw, student.seed, name) in done:
            continue
        begun = time.process_time()
        steps, curve = student.trained(real, student.tokens(pairs), held)
        arm = (steps, curve, *student.score(test), time.process_time() - begun)
        reference = done.get((RULES, task, draw, student.seed, "real alone"))
        item = line((task, draw), (name, len(pairs)), student, arm, reference)
        item["real"] = len(real)
        done[key(item)] = item
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(item) + "\n")
        print(
            *(f"{name}={item.get(name)}" for name in ("task", "draw", "case", "steps", "gain", "se", "cpu")), flush=True
        )


def show(path):
    """A table of all truths, and how many lie two standard errors from 0."""
    found = [item for item in read_lines(path).values() if "gain" in item]
    for item in sorted(found, key=lambda item: (item["task"], item["case"], item["draw"], item["seed"])):
        print(
            f"{item['task']:18s} {item['case']:18s} draw {item['draw']} seed {item['seed']} {item['real']:4d} + "
            f"{item['rows']:4d} rows, {item['steps']:3d} steps: {item['gain']:+.4f} ({item['se']:.4f})"
        )
    far = [item["gain"] / max(item["se"], 1e-9) for item in found]
    up, down = sum(value > 2 for value in far), sum(value < -2 for value in far)
    hours = sum(item["cpu"] for item in found) / 3600
    print(f"{len(found)} truths: {up} gains, {down} harms by two standard errors; {hours:.1f} CPU hours")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("lm_truths.jsonl"))
    parser.add_argument("--only", default=",".join(TASKS))
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--show", action="store_true", help="show the truths of the file and stop")
    args = parser.parse_args()
    if args.show:
        return show(args.output)
    plan = [
        (seed, draw, task) for seed in range(args.seeds) for draw in range(args.draws) for task in args.only.split(",")
    ]
    if args.list:
        for _, draw, task in plan:
            real, *_, cases = TASKS[task](draw)
            print(task, draw, len(real), ", ".join(f"{case.name} {len(case.pairs)}" for case in cases))
        return None
    model = CausalProxy(model=args.model, max_tokens=args.max_tokens).open()
    reader = model.reader(Kind.PAIR)
    for seed, draw, task in plan:
        run(Student(model, reader, seed), task, draw, args.output)
    return None


if __name__ == "__main__":
    main()
