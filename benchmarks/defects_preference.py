"""Kinds of bad preferences, planted: how often found, which rows are named, and swapped pairs next to an oracle.

python benchmarks/defects_preference.py [--runs 60] [--clean] [--power] [--data ../shared/data]

Made-up preferences in sixteen languages (`defects_rows.py`): two answers to a prompt differ in topic and remarks, each
remark has a utility, and the better answer is chosen with the probability of a Bradley-Terry model of known utilities.
The oracle knows them. Real rows: answers of Alpaca next to shortened, shuffled or foreign ones, some exchanged.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from defects_rows import ROWS
from scipy import stats
from scipy.special import expit

from syngain.audit.findings.preferences import kinds_found, preference_reasons
from syngain.audit.frame import Frame, near_clusters
from syngain.audit.preference.health import preference_health
from syngain.audit.preference.swaps import SwapSearch
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.study import Study

STRENGTH = 1.0  # of the true utilities: 1 makes the chosen answer the better one in about 85% of pairs


def turn(role, text, names=("role", "content")):
    return {names[0]: role, names[1]: text}


def chat(item, side):
    return [turn("user", asked(item, side)), turn("assistant", item[side])]


def asked(item, side):
    """The prompt of a side: the rejected one may answer another prompt."""
    return item.get("rejected_prompt", item["prompt"]) if side == "rejected" else item["prompt"]


def scored(item):
    return {"score_chosen": item["scores"][0], "score_rejected": item["scores"][1]} if "scores" in item else {}


def sharegpt(who, text):
    return turn(who, text, ("from", "value"))


LAYOUTS = {
    "flat": lambda i: {"prompt": i["prompt"], "chosen": i["chosen"], "rejected": i["rejected"], **scored(i)},
    "question": lambda i: {"question": i["prompt"], "chosen": i["chosen"], "rejected": i["rejected"], **scored(i)},
    "conversations": lambda i: {"chosen": chat(i, "chosen"), "rejected": chat(i, "rejected"), **scored(i)},
    "ultrafeedback": lambda i: {
        "prompt": i["prompt"], "chosen": chat(i, "chosen"), "rejected": chat(i, "rejected"), **scored(i),
    },
    "trl": lambda i: {
        "prompt": [turn("user", i["prompt"])], "chosen": [turn("assistant", i["chosen"])],
        "rejected": [turn("assistant", i["rejected"])], **scored(i),
    },
    "sharegpt": lambda i: {
        "conversations": [sharegpt("human", i["prompt"])], "chosen": sharegpt("gpt", i["chosen"]),
        "rejected": sharegpt("gpt", i["rejected"]), **scored(i),
    },
    "transcript": lambda i: {
        side: f"\n\nHuman: {asked(i, side)}\n\nAssistant: {i[side]}" for side in ("chosen", "rejected")
    } | scored(i),
    "openai": lambda i: {
        "input": {"messages": [turn("user", i["prompt"])]}, "preferred_output": [turn("assistant", i["chosen"])],
        "non_preferred_output": [turn("assistant", i["rejected"])],
    },
    "messages": lambda i: {
        "messages": [turn("user", i["prompt"])], "chosen": i["chosen"], "rejected": i["rejected"], **scored(i),
    },
}  # fmt: skip
WHOLE = ("conversations", "ultrafeedback", "transcript")  # can show that prompts differ
SCORED = tuple(name for name in LAYOUTS if name != "openai")


# --- clean rows ---------------------------------------------------------------------------------------------------------


def utilities(language):
    """The true utility of every remark of a language, and of an answer to the right topic."""
    rng = np.random.default_rng([11, *language.encode()])
    return rng.normal(0, 1.2, len(ROWS[language][2].split("|"))), 1.5


def clean_preferences(n, rng, language, *, strength=STRENGTH):
    """Items ``{prompt, chosen, rejected, scores, margin}``; ``margin`` is the true log-odds of this order."""
    questions, topics, remarks, joiner = ROWS[language]
    questions, topics, remarks = questions.split("|"), topics.split("|"), remarks.split("|")
    worth, on_topic = utilities(language)
    out = []
    for _ in range(n):
        topic = int(rng.integers(len(topics)))
        asked_for = f"{topics[topic]} ({int(rng.integers(1, 9999))})"
        sides = []
        for _ in range(2):
            own = topic if rng.random() < 0.8 else int(rng.integers(len(topics)))
            places = rng.choice(len(remarks), int(rng.integers(2, min(6, len(remarks)) + 1)), replace=False)
            mark = "：" if language in {"zh", "ja"} else ":"
            text = joiner.join([topics[own] + mark, *(remarks[j].format(int(rng.integers(2, 90))) for j in places)])
            sides.append((text, float(worth[places].sum() + on_topic * (own == topic) + 0.3 * len(places))))
        (first, a), (second, b) = sides
        if rng.random() >= expit(strength * (a - b)):
            (first, a), (second, b) = (second, b), (first, a)
        low = round(float(rng.uniform(1, 6)), 1)
        out.append(
            {
                "prompt": questions[int(rng.integers(len(questions)))].format(asked_for),
                "chosen": first, "rejected": second, "margin": strength * (a - b),
                "scores": (round(low + float(rng.uniform(0.5, 4)), 1), low),
            }
        )  # fmt: skip
    return out


def alpaca_preferences(n, rng, data):
    """Items from the answers of Alpaca: the rejected one is short, foreign, shuffled or broken off; 10% exchanged."""
    with gzip.open(Path(data) / "alpaca_claude_t45.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    out = []
    for i in rng.permutation(len(rows))[:n].tolist():
        good, other = rows[i]["output"], rows[int(rng.integers(len(rows)))]["output"]
        words = good.split()
        bad = (
            good.split(". ")[0] if ". " in good else good.upper(), other, " ".join(rng.permutation(words)),
            f"I think {good[: max(len(good) // 2, 5)]} and so on, maybe.",
        )[int(rng.integers(4))]  # fmt: skip
        good, bad = (bad, good) if rng.random() < 0.1 else (good, bad)
        given = rows[i]["input"]
        prompt = rows[i]["instruction"] + (f"\n{given}" if given else "")
        out.append({"prompt": prompt, "chosen": good, "rejected": bad, "scores": (8.0, 4.0)})
    return out


# --- what is planted: (rng, item) to the bad item; its kinds in the report ------------------------------------------------


def equal(rng, item):
    same = item["chosen"] if rng.random() < 0.7 else f" {item['chosen'].upper()}\n"
    return {**item, "rejected": same, "margin": 0.0}


def empty(rng, item):
    return {**item, "rejected": str(rng.choice(["", " ", "\n"]))}


def near_equal(rng, item):
    text = item["chosen"]
    if len(text) < 60:
        text = f"{text} {text}"  # an answer of some length, of which a word changes
    place = int(rng.integers(len(text)))
    return {**item, "chosen": text, "rejected": f"{text[:place]}{text[place + 2 :]}.", "margin": 0.0}


def swapped(rng, item):
    return {**item, "chosen": item["rejected"], "rejected": item["chosen"], "margin": -item.get("margin", 0.0)}


def prompts_differ(rng, item):
    return {**item, "rejected_prompt": f"{item['prompt'][: len(item['prompt']) // 2]} {int(rng.integers(10**6))}?"}


def contradicting_scores(rng, item):
    return {**item, "scores": item["scores"][::-1]}


PLANTS = {
    "equal": (equal, {"equal"}),
    "empty rejected": (empty, {"empty"}),
    "near equal": (near_equal, {"near_equal", "equal"}),
    "swapped": (swapped, {"swapped"}),
    "prompts differ": (prompts_differ, {"prompt"}),
    "contradicting scores": (contradicting_scores, {"score"}),
}
LAYOUTS_OF = {"prompts differ": WHOLE, "contradicting scores": SCORED}


def laid_out(items, layout, name, like=None):
    return Dataset.from_rows([LAYOUTS[layout](item) for item in items], name, like=like)


def health_of(real, synthetic, seed=0):
    frame = Frame.of(Study.of(real, synthetic))
    none = np.full(len(synthetic), -1)
    return preference_health(frame, SwapSearch(frame, near_clusters(frame), none, 2_000, Streams(seed)))


def one_run(plant, rate, language, layout, seed, *, sizes=(300, 600), data="", strength=STRENGTH):
    """One dataset with a kind planted at a rate: what is found, which rows are named, and the oracle's view."""
    rng = np.random.default_rng([seed, *language.encode(), int(1000 * rate)])
    n, m = sizes
    every = (
        alpaca_preferences(n + m, rng, data)
        if language == "alpaca"
        else clean_preferences(n + m, rng, language, strength=strength)
    )
    bad = rng.random(m) < rate
    items = [PLANTS[plant][0](rng, item) if wrong else item for item, wrong in zip(every[n:], bad, strict=True)]
    real = laid_out(every[:n], layout, "real")
    health = health_of(real, laid_out(items, layout, "synthetic", real))
    kinds, why = kinds_found(health), preference_reasons(health)
    named = np.any([np.zeros(m, dtype=bool), *why.values()], axis=0)
    right = {name for name in kinds if name in PLANTS[plant][1]}
    swap = health.estimates.get("preference.swapped")
    return {
        "planted": int(bad.sum()), "named": int(named.sum()), "both": int((named & bad).sum()),
        "high": any(kinds[name] == "high" for name in right), "found": any(kinds[name] != "low" for name in right),
        "any": [name for name, severity in kinds.items() if severity != "low"],
        "any_high": [name for name, severity in kinds.items() if severity == "high"],
        "fraction": None if swap is None else swap.value,
        "covers": None if swap is None else bool(swap.interval(0.95)[0] <= bad.mean() <= swap.interval(0.95)[1]),
        "accuracy": health.estimates["preference.accuracy"].value, "coherent": health.coherent,
        "oracle": oracle(items, bad) if "margin" in items[0] else None,
    }  # fmt: skip


def oracle(items, bad):
    """The same decisions by one who knows the true utilities: its power is what no classifier exceeds."""
    margin = np.array([item["margin"] for item in items])
    right = expit(np.abs(margin))
    weight, change = (2 * right - 1) / (right * (1 - right) + 0.02), 2 * right - 1
    total = float(weight @ change)
    value = float(weight @ ((margin < 0) - (1 - right))) / total
    error = float(np.sqrt(np.sum(weight**2 * right * (1 - right)))) / total
    swapped_rate = min(max(value, 0.0), 1.0)
    wrong = swapped_rate * expit(-margin)
    named = (margin < 0) & (wrong >= 0.8 * (wrong + (1 - swapped_rate) * expit(margin)))
    significant = stats.norm.sf(value / error) < 0.05
    return {
        "high": bool(significant and value - 1.96 * error > 0.02), "found": bool(significant and value >= 0.005),
        "named": int(named.sum()), "both": int((named & bad).sum()), "fraction": value,
    }  # fmt: skip


def power_of_swaps(rates, runs, languages=tuple(ROWS), *, sizes=(300, 600), strength=STRENGTH):
    """Rows ``rate, found, high, named, precision, error of the fraction, coverage`` of ours and of the oracle."""
    layouts = list(LAYOUTS)
    for rate in rates:
        lines = [
            one_run(
                "swapped",
                rate,
                languages[i % len(languages)],
                layouts[i % len(layouts)],
                i,
                sizes=sizes,
                strength=strength,
            )
            for i in range(runs)
        ]
        yield rate, _summary(lines), _summary([{**line, **line["oracle"]} for line in lines]), lines


def _summary(lines):
    planted, named, both = (sum(line[name] for line in lines) for name in ("planted", "named", "both"))
    known = [line["fraction"] for line in lines if line["fraction"] is not None]
    covers = [line["covers"] for line in lines if line["covers"] is not None]
    return {
        "found": float(np.mean([line["found"] for line in lines])), "high": float(np.mean([line["high"] for line in lines])),
        "named": both / max(planted, 1), "precision": both / max(named, 1),
        "fraction": float(np.mean(known)) if known else float("nan"), "covers": float(np.mean(covers)) if covers else float("nan"),
    }  # fmt: skip


def print_clean(runs, data):
    """False alarms: real and synthetic rows from one source."""
    sources = [*ROWS, "alpaca", "alpaca"] if data else list(ROWS)
    layouts, alarms, severe = list(LAYOUTS), [], []
    for i in range(runs):
        size = (int(200 + 37 * i % 300), int(500 + 53 * i % 400))
        line = one_run(
            "swapped", 0, sources[i % len(sources)], layouts[i % len(layouts)], 1000 + i, sizes=size, data=data
        )
        alarms += [(i, line["any"])] if line["any"] else []
        severe += [(i, line["any_high"])] if line["any_high"] else []
    print(f"Clean runs: {runs}; any finding {len(alarms)} {alarms}; high {len(severe)} {severe}")


def print_plants(runs, data):
    layouts, languages = list(LAYOUTS), [*ROWS, *(["alpaca"] if data else [])]
    print("| planted | rate | found | high | named | precision |\n|---|---|---|---|---|---|")
    for place, plant in enumerate(PLANTS):
        for rate in (0.05, 0.2, 0.5):
            fits = LAYOUTS_OF.get(plant, layouts)
            lines = [
                one_run(plant, rate, languages[(i + 3 * place) % len(languages)], fits[i % len(fits)], i, data=data)
                for i in range(runs)
            ]
            found = _summary(lines)
            print(f"| {plant} | {rate:.0%} | " + " | ".join(f"{found[n]:.0%}" for n in ("found", "high", "named", "precision")) + " |", flush=True)  # fmt: skip


def print_power(runs):
    print("| rate | found | high | named | precision | fraction | covered | oracle found | high | named | precision |")
    print("|" + "---|" * 11)
    for rate, ours, best, _ in power_of_swaps((0.02, 0.05, 0.1, 0.2, 0.3, 0.5), runs):
        cells = [ours[n] for n in ("found", "high", "named", "precision", "fraction", "covers")]
        cells += [best[n] for n in ("found", "high", "named", "precision")]
        print(f"| {rate:.0%} | " + " | ".join(f"{cell:.0%}" for cell in cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--clean", action="store_true")
    parser.add_argument("--plants", action="store_true")
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    options = parser.parse_args()
    data = options.data if Path(options.data).exists() else ""
    if options.clean:
        print_clean(options.runs, data)
    if options.plants:
        print_plants(options.runs, data)
    if options.power:
        print_power(options.runs)


if __name__ == "__main__":
    main()
