"""Defects planted in clean rows, whole audits: found, high, rows named, false alarms, verdicts, CPU seconds.

python benchmarks/defects.py [--runs 5] [--clean 8] [--rates .02 .05 .2 .5] [--kinds refusal ...] [--jobs 2] [--gain] [--out FILE]

Every run draws 200 to 500 real and 500 to 900 synthetic rows of one source in one layout, plants one kind at one rate
and audits them. Sources: made-up rows in nineteen languages (`defects_rows.py`), made-up tool calls and preferences,
real instruction files of ``--data``. The design is fractional: source and layout move on with every run, so that each
kind meets many of them and no pair of source and layout is tied to a kind or a rate. ``--clean`` runs of each kind
plant nothing. A line of ``--out`` per run; runs that are in the file are not repeated. ``--gain`` measures the gain as
well, for the verdict.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import defects_calls
import defects_preference
import defects_scripts
import numpy as np
from defects_rows import REFUSALS, ROWS, clean
from defects_texts import LAYOUTS, PLANTS
from scipy import stats

import syngain
from syngain.data.dataset import Dataset

FILES = ("alpaca_random_9k", "alpaca_cherry_5pct", "alpaca_claude_t45", "gsm8k_train")
WORDS = (("found", "all"), ("high", "severe"), ("named", "severe"), ("precision", "severe"))  # columns of the table
ROW, BETWEEN, CLASSIFIER = "that the row shows", "between rows", "that need a classifier"
BENCHMARK = "benchmark item"


@dataclass(frozen=True)
class Plant:
    """A kind: what makes an item bad, and the finding or estimate ids of which one is right.

    ``sources, layouts``: where it can be planted; ``seen``: by what it is seen.
    """

    family: str
    make: object
    right: frozenset
    sources: tuple
    layouts: tuple
    seen: str = ROW


# --- families: rows of a source, an item as a row of a layout --------------------------------------------------------


def text_items(source, number, rng, data):
    """Items ``{prompt, response, language}``; a source that begins with ``+`` holds code, sums and addresses as well."""
    if source in FILES:
        read = syngain.read(Path(data) / f"{source}.jsonl.gz")
        rows = rng.permutation(len(read))[:number].tolist()
        pairs = [(read.sides["prompt"][i], read.sides["response"][i]) for i in rows]
        return [{"prompt": p, "response": r, "language": "en"} for p, r in pairs]
    if source.startswith("+"):
        return [{**item, "language": source[1:]} for item in defects_calls.clean_texts(number, rng, source[1:])]
    return [{"prompt": p, "response": r, "language": source} for p, r in clean(source, number, rng)]


def items_of(plant, source, layout, number, rng, data):
    if plant.family == "calls":
        rows = defects_calls.clean_calls(number, rng, layout)  # they are numbered
        return [rows[i] for i in rng.permutation(number).tolist()]
    if plant.family == "preference":
        if source == "alpaca":
            return defects_preference.alpaca_preferences(number, rng, data)
        return defects_preference.clean_preferences(number, rng, source)
    return text_items(source, number, rng, data)


def row_of(plant, layout, item):
    if plant.family == "calls":
        return item
    if plant.family == "preference":
        return defects_preference.LAYOUTS[layout](item)
    return LAYOUTS[layout](item["prompt"], item["response"])


# --- kinds ---------------------------------------------------------------------------------------------------------------


def of_text(make, rng, item, context):
    return {**item, "response": make(rng, item["prompt"], item["response"], item["language"])}


def of_item(make, rng, item, context):
    return make(rng, item)


def of_rows(make, rng, item, context):
    """Plants that take other rows: an item with earlier and real rows."""
    rows = {name: [(one["prompt"], one["response"]) for one in context[name]] for name in ("earlier", "real")}
    made = make(rng, defects_scripts.Item(item["prompt"], item["response"], item["language"], **rows))
    return {**item, "prompt": made.prompt, "response": made.answer}


def elsewhere(rng, item, context):
    """A row of another domain: a worked problem among instructions, an instruction among problems."""
    return context["elsewhere"][int(rng.integers(len(context["elsewhere"])))]


def every_plant():
    texts, harmless = (*ROWS, *FILES), ("+de", "+fr", "+es", "+pl", "+ru")
    out = {}
    for name, (make, right) in PLANTS.items():
        spoken = tuple(s for s in texts if s not in ROWS or s in REFUSALS) if "refusal" in name else texts
        layouts = tuple(one for one in LAYOUTS if not (name == "thought" and one == "reasoning"))
        ids = frozenset(f"responses.{kind}" for kind in right)
        out[name] = Plant("text", partial(of_text, make), ids, spoken, layouts)
    for name, (make, right) in defects_calls.PLANTS.items():
        ids = frozenset(kind if kind == "contamination" else f"responses.{kind}" for kind in right)
        if name in defects_calls.CALLS:
            out[name] = Plant("calls", partial(of_item, make), ids, ("calls",), defects_calls.LAYOUTS)
        else:
            sources = harmless if name != BENCHMARK else (*harmless, *FILES[:3])
            out[name] = Plant("text", partial(of_item, make), ids, sources, tuple(LAYOUTS))
    for name, (make, right) in defects_scripts.PLANTS.items():  # made-up rows repeat themselves by nature
        sources = texts if name == "shared opening" else FILES
        out[name] = Plant("text", partial(of_rows, make), frozenset(right), sources, tuple(LAYOUTS), BETWEEN)
    for name, (make, right) in defects_preference.PLANTS.items():
        layouts = tuple(defects_preference.LAYOUTS_OF.get(name, defects_preference.LAYOUTS))
        ids = frozenset(f"preference.{kind}" for kind in right)
        sources, seen = (*ROWS, "alpaca"), CLASSIFIER if name == "swapped" else ROW
        out[f"{name} (preference)"] = Plant("preference", partial(of_item, make), ids, sources, layouts, seen)
    shift = frozenset({"distribution_shift"})
    out["another domain"] = Plant("text", elsewhere, shift, FILES, tuple(LAYOUTS), CLASSIFIER)
    return out


# --- one run ---------------------------------------------------------------------------------------------------------------


def drawn(key, plant, data):
    """Real rows, synthetic rows with the defect, and which of them have it."""
    kind, rate, source, layout, seed = key
    rng = np.random.default_rng([seed, *kind.encode(), int(1000 * rate)])
    real_rows, rows = int(rng.integers(200, 501)), int(rng.integers(500, 901))
    items = items_of(plant, source, layout, real_rows + rows, rng, data)
    real, good = items[:real_rows], items[real_rows:]
    rows = len(good)
    bad = rng.random(rows) < rate
    bad[:20] = False
    context = {"real": real, "earlier": []}
    if kind == "another domain":
        other = "gsm8k_train" if source != "gsm8k_train" else "alpaca_random_9k"
        context["elsewhere"] = text_items(other, rows, rng, data)
    made = []
    for item, wrong in zip(good, bad, strict=True):
        made.append(plant.make(rng, item, context) if wrong else item)
        context["earlier"] += [] if wrong else [item]
    form = partial(row_of, plant, layout)
    anchors = Dataset.from_rows([form(item) for item in real], "real")
    return anchors, Dataset.from_rows([form(item) for item in made], "synthetic", like=anchors), bad


def one_run(key, data, gain):
    kind = key[0]
    plant = every_plant()[kind]
    real, synthetic, bad = drawn(key, plant, data)
    start = time.process_time()
    with TemporaryDirectory() as folder:
        given = {"benchmarks": folder} if kind == BENCHMARK else {}
        questions = [json.dumps({"question": one, "answer": "12"}) for one in defects_calls.QUESTIONS]
        (Path(folder) / "depots.jsonl").write_text("\n".join(questions) + "\n", encoding="utf-8")
        result = syngain.audit(real, synthetic, gain=gain, **given)
    right = [one for one in result.findings if plant.right & {one.id, *(n.partition("@")[0] for n in one.estimates)}]
    named = np.zeros(bad.size, dtype=bool)
    named[[row for one in right for row in one.flagged]] = True
    severities = {one.id: one.severity for one in result.findings if not one.explained_by}
    return {
        "key": list(key), "seen": plant.seen, "rows": [len(real), len(synthetic)],
        "planted": int(bad.sum()), "named": int(named.sum()), "both": int((named & bad).sum()),
        "high": any(one.severity == "high" for one in right),
        "found": bool(right),
        "findings": severities,
        "kinds": sorted({n for one in result.findings if one.severity != "low" for n in one.estimates}),
        "verdict": result.verdict.decision if gain else "",
        "cpu": round(time.process_time() - start, 2),
    }  # fmt: skip


def keys(options):
    plants = every_plant()
    for place, kind in enumerate(options.kinds or plants):
        plant = plants[kind]
        turn = 7 * place
        for rate, runs in [(0.0, options.clean), *((rate, options.runs) for rate in options.rates)]:
            for seed in range(runs):
                source = plant.sources[turn % len(plant.sources)]
                layout = plant.layouts[(turn + seed) % len(plant.layouts)]
                yield kind, rate, source, layout, seed
                turn += 1


# --- the table -------------------------------------------------------------------------------------------------------------


def limit(hits, runs, level=0.95):
    """One-sided upper limit of a rate (Clopper and Pearson)."""
    return float(stats.beta.ppf(level, hits + 1, runs - hits)) if hits < runs else 1.0


def table(lines):
    groups = defaultdict(list)
    for line in lines:
        groups[line["key"][0], line["key"][1]].append(line)
    rates = sorted({line["key"][1] for line in lines} - {0})
    severe = [rate for rate in rates if rate >= 0.2]
    columns = [f"{word} at {rate:.0%}" for word, some in WORDS for rate in (rates if some == "all" else severe)]
    print(f"| planted | runs | {' | '.join(columns)} |\n|---{'|---' * (1 + len(columns))}|")
    for kind in dict.fromkeys(line["key"][0] for line in lines):
        cells = []
        for place, (_, some) in enumerate(WORDS):
            for rate in rates if some == "all" else severe:
                found = groups.get((kind, rate))
                cells.append(f"{summary(found)[place]:.0%}" if found else "")
        runs = "/".join(str(len(groups.get((kind, rate), ()))) for rate in rates)
        print(f"| {kind} | {runs} | {' | '.join(cells)} |")
    print()
    for seen in (ROW, BETWEEN, CLASSIFIER):
        for rate in rates:
            runs = [line for line in lines if line["seen"] == seen and line["key"][1] == rate]
            if runs:
                found, high, named, precision = summary(runs)
                print(
                    f"Defects {seen}, {rate:.0%} planted, {len(runs)} runs: found {found:.1%}, high {high:.1%}, "
                    f"rows named {named:.1%}, precision {precision:.1%}."
                )
    clean_lines([line for line in lines if line["key"][1] == 0])
    judged = [line for line in lines if line["verdict"] and line["key"][1] >= 0.2 and line["seen"] == ROW]
    used = [line for line in judged if line["verdict"] == "use"]
    print(f"Verdict `use` with at least 20% bad rows: {len(used)} of {len(judged)} audits with gain.")
    print(f"CPU seconds: {sum(line['cpu'] for line in lines):,.0f} in {len(lines)} audits.")


def clean_lines(quiet):
    """False alarms of the runs in which nothing is planted."""
    if not quiet:
        return
    any_, severe = (
        [line for line in quiet if any(one in levels for one in line["findings"].values())]
        for levels in ({"high", "medium", "low"}, {"high"})
    )
    print(
        f"Clean runs: {len(quiet)}; any finding {len(any_)} ({len(any_) / len(quiet):.1%}), high {len(severe)} "
        f"({len(severe) / len(quiet):.1%}, one-sided 95% limit {limit(len(severe), len(quiet)):.1%})."
    )
    for line in severe:
        print("  high in a clean run:", line["key"], line["findings"])


def summary(runs):
    planted, named, both = (sum(run[name] for run in runs) for name in ("planted", "named", "both"))
    found, high = (float(np.mean([run[name] for run in runs])) for name in ("found", "high"))
    return found, high, both / max(planted, 1), both / max(named, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clean", type=int, default=8)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.02, 0.05, 0.2, 0.5])
    parser.add_argument("--kinds", nargs="+", choices=every_plant())
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("defects.jsonl"))
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--gain", action="store_true")
    parser.add_argument("--table", action="store_true", help="only print the table of --out")
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    known = {json.dumps(line["key"]) for line in done}
    todo = [] if options.table else [key for key in keys(options) if json.dumps(list(key)) not in known]
    run = partial(one_run, data=options.data, gain=options.gain)
    with options.out.open("a") as file, ProcessPoolExecutor(options.jobs) as pool:
        for line in pool.map(run, todo):
            done.append(line)
            file.write(json.dumps(line) + "\n")
            file.flush()
    table(done)


if __name__ == "__main__":
    main()
