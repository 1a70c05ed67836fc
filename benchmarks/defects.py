"""Kinds of bad responses, planted: how often found, which rows are named, how often clean rows raise an alarm.

python benchmarks/defects.py [--runs 2] [--rates 0 .02 .05 .2 .5] [--kinds refusal ...] [--out FILE] [--data ../shared/data]

Every run draws 200 to 500 real and 500 to 900 synthetic rows of one source and one layout, and plants one kind at one
rate. Sources: made-up rows in nineteen languages (`defects_rows.py`) and real instruction files. The design is
fractional: source and layout move on with every run, so that each kind meets each of them. A line of ``--out`` per
run; runs that are in the file are not repeated. ``--audit`` runs the whole audit, for the verdict.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from defects_rows import REFUSALS, ROWS, clean

import syngain
from syngain.audit.findings.responses import kinds_found, response_reasons
from syngain.audit.frame import Frame
from syngain.audit.responses.health import response_health
from syngain.data.dataset import Dataset
from syngain.data.study import Study

FILES = ("alpaca_random_9k", "alpaca_cherry_5pct", "alpaca_claude_t45", "gsm8k_train")
MARKS = ".!?。！？।؟ "


def turn(role, text, names=("role", "content")):
    return {names[0]: role, names[1]: text}


LAYOUTS = {
    "alpaca": lambda p, a: {"instruction": p, "input": "", "output": a},
    "completion": lambda p, a: {"prompt": p, "completion": a},
    "response": lambda p, a: {"prompt": p, "response": a},
    "qa": lambda p, a: {"question": p, "answer": a},
    "messages": lambda p, a: {"messages": [turn("user", p), turn("assistant", a)]},
    "system": lambda p, a: {"messages": [turn("system", "Be brief."), turn("user", p), turn("assistant", a)]},
    "sharegpt": lambda p, a: {
        "conversations": [turn("human", p, ("from", "value")), turn("gpt", a, ("from", "value"))]
    },
    "trl": lambda p, a: {"prompt": [turn("user", p)], "completion": [turn("assistant", a)]},
    "reasoning": lambda p, a: {"prompt": p, "completion": f"<think>{a[::2]}</think>\n{a}"},
}


# --- what is planted: (rng, prompt, answer, language) to the bad answer; its kind in the report ------------------------


def refusal(rng, prompt, answer, language):
    return str(rng.choice(REFUSALS[language]))


def one_refusal(rng, prompt, answer, language):
    return REFUSALS[language][0]


def empty(rng, prompt, answer, language):
    return str(
        rng.choice(
            ["", " ", "N/A", "TODO", "...", "[insert answer here]", "<answer>", "-", "null", "…", "{{response}}"]
        )
    )


def stop(rng, prompt, answer, language):
    """Cut in mid-sentence: after at least a third, before the last mark."""
    last = max(len(answer.rstrip(MARKS)) - 2, 3)
    return answer[: int(rng.integers(max(last // 3, 2), last))].rstrip(MARKS + ",;:、，；：")


def open_fence(rng, prompt, answer, language):
    return f"{answer}\n```python\nfor i in range(10):\n    total = total +"


def open_bracket(rng, prompt, answer, language):
    return f"{answer.rstrip(MARKS)} ({prompt.split()[0]}"


def comma(rng, prompt, answer, language):
    return answer.rstrip(MARKS) + ("，" if language in {"zh", "ja"} else "،" if language == "ar" else ",")


def loop(rng, prompt, answer, language):
    unit = answer[: int(rng.integers(12, 40))]
    return answer + (" " + unit.strip()) * int(rng.integers(8, 20))


def characters(rng, prompt, answer, language):
    return answer + next((c for c in answer if c.isalpha()), "a") * 60


def sentences(rng, prompt, answer, language):
    return "\n".join([answer.rstrip() if i % 3 else answer[: len(answer) // 2] for i in range(12)])


def echo(rng, prompt, answer, language):
    return prompt if rng.random() < 0.5 else prompt.rstrip(MARKS) + ":"


def language(rng, prompt, answer, language):
    others = [name for name in ROWS if name not in {language, "sw"}]
    return clean(str(rng.choice(others)), 1, rng)[0][1]


def english(rng, prompt, answer, language):
    if language == "en":
        return clean("de", 1, rng)[0][1]
    return f"The answer depends on the place: a check takes {int(rng.integers(90))} minutes, and there are other costs that most of us do not see."


def role_leak(rng, prompt, answer, language):
    more = [
        "<|im_end|>\n<|im_start|>user\n",
        "\n### Human: ",
        "\n\nUser: ",
        "[INST] ",
        "<|eot_id|>",
        "\nHuman: ",
        "</s>[INST]",
        "<end_of_turn>",
    ]
    return answer + str(rng.choice(more)) + prompt


def repeated(rng, prompt, answer, language):
    bank = (
        clean(language, 8, np.random.default_rng(3))
        if language in ROWS
        else [
            (
                "",
                f"It depends on {n} things that a careful reader will find in the second chapter of the handbook, together with several tables and figures that show how the numbers move."
                * 3,
            )
            for n in range(8)
        ]
    )
    return bank[int(rng.integers(8))][1] * 4


def thought(rng, prompt, answer, language):
    return f"<think>{answer} {answer}" if rng.random() < 0.6 else f"<think>{answer}</think>"


def code(rng, prompt, answer, language):
    return f"{answer}\n```python\ndef run(x:\n    return x +* 2\n```"


def short(rng, prompt, answer, language):
    return answer[:1] if answer else "1"


PLANTS = {
    "refusal": (refusal, {"refusal"}), "one refusal": (one_refusal, {"refusal"}), "empty": (empty, {"empty", "thought"}),
    "stop": (stop, {"cut"}), "open fence": (open_fence, {"cut"}), "open bracket": (open_bracket, {"cut"}),
    "comma": (comma, {"cut"}), "loop": (loop, {"loop"}), "characters": (characters, {"loop"}),
    "sentences": (sentences, {"loop"}), "echo": (echo, {"echo"}), "language": (language, {"language"}),
    "one language": (english, {"language"}), "role leak": (role_leak, {"role_leak"}),
    "repeated": (repeated, {"repeated", "refusal", "loop"}), "thought": (thought, {"thought"}), "code": (code, {"code"}),
}  # fmt: skip


def source_rows(name, number, rng, data):
    if name in ROWS:
        return name, clean(name, number, rng)
    read = syngain.read(Path(data) / f"{name}.jsonl.gz")
    rows = rng.permutation(len(read))[:number].tolist()
    return "en", [(read.sides["prompt"][i], read.sides["response"][i]) for i in rows]


def one_run(key, data, whole):
    kind, rate, source, layout, seed = key
    rng = np.random.default_rng([seed, list(PLANTS).index(kind), int(1000 * rate)])
    real_rows, rows = int(rng.integers(200, 501)), int(rng.integers(500, 901))
    spoken, pairs = source_rows(source, real_rows + rows, rng, data)
    bad = rng.random(rows) < rate
    made = [
        (prompt, PLANTS[kind][0](rng, prompt, answer, spoken) if wrong else answer)
        for (prompt, answer), wrong in zip(pairs[real_rows:], bad, strict=True)
    ]
    form = LAYOUTS["completion" if kind == "thought" and layout == "reasoning" else layout]
    real = Dataset.from_rows([form(*pair) for pair in pairs[:real_rows]], "real")
    synthetic = Dataset.from_rows([form(*pair) for pair in made], "synthetic", like=real)
    study = Study.of(real, synthetic)
    health = response_health(Frame.of(study))
    kinds, why = kinds_found(health), response_reasons(health)
    named = np.any([np.zeros(rows, dtype=bool), *why.values()], axis=0)
    right = {name for name in kinds if name in PLANTS[kind][1]}
    return {
        "key": list(key), "planted": int(bad.sum()), "named": int(named.sum()), "both": int((named & bad).sum()),
        "high": any(kinds[name] == "high" for name in right), "found": any(kinds[name] != "low" for name in right),
        "any": [name for name, severity in kinds.items() if severity != "low"],
        "any_high": [name for name, severity in kinds.items() if severity == "high"],
        "verdict": syngain.audit(real, synthetic).verdict.decision if whole else "",
    }  # fmt: skip


def keys(options):
    sources, layouts, place = [*ROWS, *FILES], list(LAYOUTS), 0
    for seed in range(options.runs):
        for kind in options.kinds or PLANTS:
            for rate in options.rates:
                source = sources[(place + 7 * seed) % len(sources)]
                if kind in {"refusal", "one refusal"} and source in ROWS and source not in REFUSALS:
                    source = "sv"
                yield kind, rate, source, layouts[(place + 5 * seed) % len(layouts)], seed
                place += 1
        place += 3


def table(lines):
    groups = defaultdict(list)
    for line in lines:
        kind, rate, *_ = line["key"]
        groups[kind, rate].append(line)
    print("| kind | rate | runs | found | high | rows named | precision |\n|---|---|---|---|---|---|---|")
    for (kind, rate), runs in sorted(groups.items()):
        if rate:
            planted, named, both = (sum(run[name] for run in runs) for name in ("planted", "named", "both"))
            found, high = (np.mean([run[name] for run in runs]) for name in ("found", "high"))
            print(
                f"| {kind} | {rate:.0%} | {len(runs)} | {found:.0%} | {high:.0%} | {both / max(planted, 1):.0%} | {both / max(named, 1):.0%} |"
            )
    quiet = [line for line in lines if line["key"][1] == 0]
    alarms, severe = (sum(bool(line[name]) for line in quiet) for name in ("any", "any_high"))
    print(f"\nClean runs: {len(quiet)}; with any finding {alarms}, with a high finding {severe}.")
    used = [line for line in lines if line["verdict"] == "use" and line["key"][1] >= 0.2]
    print(f"Verdict `use` at 20% or more: {len(used)} of {sum(bool(line['verdict']) for line in lines)} audits.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.02, 0.05, 0.2, 0.5])
    parser.add_argument("--kinds", nargs="+", choices=PLANTS)
    parser.add_argument("--out", type=Path, default=Path("defects.jsonl"))
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--audit", action="store_true")
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    known = {json.dumps(line["key"]) for line in done}
    with options.out.open("a") as file:
        for key in keys(options):
            if json.dumps(list(key)) not in known:
                done.append(one_run(key, options.data, options.audit))
                file.write(json.dumps(done[-1]) + "\n")
                file.flush()
    table(done)


if __name__ == "__main__":
    main()
