"""SmolLM2 on real anchors: three strategies at two temperatures, through `syngain.generate` and `syngain.information`.

python benchmarks/information_smollm2.py --data FOLDER -o DIR [--rows 200] [--tokens 64] [--temperatures 0.7,1.3]

FOLDER holds self_instruct_seed_tasks.jsonl.gz and parrot_questionintimacy.jsonl.gz; the model is added by
`syngain models add smollm2`. One run per anchors and temperature, the same prompts at both. Every run is a folder under
DIR, and so is its account: a call that was stopped goes on where it was. Generation and scoring are in the same number
format, else the law that scores would not be the law that spoke.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes of one thread do more than one of two

import argparse
import itertools
import json
import multiprocessing
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from scipy import stats

STRATEGIES = ("few_shot", "paraphrase", "self_instruct")
ANCHORS = {
    "self_instruct": ("self_instruct_seed_tasks.jsonl.gz", {"text": "instruction"}, None),
    "questionintimacy": ("parrot_questionintimacy.jsonl.gz", {}, {"split": "anchor"}),
}
SHOWN = (
    "information.gain", "information.prompt_lower", "information.prompt_upper", "information.entropy",
    "divergence.tv_lower", "novelty.surprisal", "gain.nats_per_byte", "gain.log_loss",
)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--dtype", default="bf16", choices=("bf16", "float32"))
    parser.add_argument("--anchors", default=",".join(ANCHORS))
    parser.add_argument("--temperatures", default="0.7,1.3")
    parser.add_argument("--rows", type=int, default=200, help="of each strategy, at each temperature")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--samples", type=int, default=4, help="outputs of a prompt")
    parser.add_argument("--prompts", type=int, default=16, help="prompts that are scored against each other")
    parser.add_argument("--scored", type=int, default=4, help="outputs of a prompt that are scored under all of them")
    parser.add_argument("--no-gain", action="store_true", help="no measured gain and no divergence beside")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    names, degrees = given.anchors.split(","), sorted(map(float, given.temperatures.split(",")))
    cells = [(name, degree) for degree in reversed(degrees) for name in names]  # hot outputs are long: they go first
    given.output.mkdir(parents=True, exist_ok=True)
    started, spent = time.perf_counter(), 0.0
    with ProcessPoolExecutor(given.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run, given, *cell) for cell in cells]):
            words, seconds = done.result()
            spent += seconds
            print(words, flush=True)
    print(f"all runs: {(time.perf_counter() - started) / 60:.1f} min, {spent / 60:.1f} CPU min, this call alone")
    for name in names:
        report(given, name, degrees)


def run(given, name, degree):
    """One run and its account, as far as they are not there yet: what each stage took, and seconds of CPU."""
    import syngain
    from syngain.data import RoleOptions
    from syngain.report import write
    from syngain.workflows.generate.generate import work_folder
    from syngain.workflows.generate.information import InformationSettings

    file, roles, where = ANCHORS[name]
    anchors = syngain.read(given.data / file, where=where, roles=RoleOptions(**roles))
    folder = place(given, name, degree)
    clock = Clock()
    if not (folder / "report.json").exists():
        syngain.generate(recipe(given, degree), anchors, folder=folder, resume=work_folder(folder).exists())
        clock.lap("generated")
    account = folder.with_name(f"{folder.name}-account")
    if not (account / "report.json").exists():
        scorer = Timed(scoring(str(folder / "recipe.yaml")))
        settings = InformationSettings(
            prompts=given.prompts, samples=given.scored, vocabulary=49_152, gain=not given.no_gain
        )
        result = syngain.information(folder, real=anchors, scorer=scorer.at, settings=settings)
        write(result, account)
        clock.words.append(f"{scorer.texts} outputs scored under a prompt ({scorer.cpu:.0f} CPU s)")
        clock.lap("accounted", less=scorer.cpu)
    return f"{folder.name}: {'; '.join(clock.words) or 'was there'}", clock.cpu


LOADED = []  # all recipes of a call name the same model: it is loaded once in a process


def scoring(path):
    """Who scores: the generator of a recipe, as `syngain information --generator recipe.yaml` loads it."""
    from syngain.workflows.generate.scorers import scorer_of

    if not LOADED:
        LOADED.append(scorer_of(path))
    return LOADED[0]


def recipe(given, degree):
    return {
        "generator": {
            "kind": "transformers", "model": given.model, "dtype": given.dtype, "device": "cpu", "batch": 64,
        },
        "strategies": [{"kind": kind, "rows": given.rows} for kind in STRATEGIES],
        "sampling": {"temperature": degree, "max_tokens": given.tokens, "samples": given.samples},
    }  # fmt: skip


def place(given, name, degree):
    return given.output / f"{name}-{degree:g}"


class Clock:
    """Wall and CPU seconds by stage."""

    def __init__(self):
        self.words, self.cpu = [], 0.0
        self.wall, self.used = time.perf_counter(), time.process_time()

    def lap(self, name, less=0.0):
        wall, used = time.perf_counter(), time.process_time()
        self.words.append(
            f"{name} in {wall - self.wall:.0f} s ({used - self.used - less:.0f} CPU s{' besides' if less else ''})"
        )
        self.cpu += used - self.used
        self.wall, self.used = wall, used


class Timed:
    """A scorer that counts its seconds and the outputs it was given."""

    def __init__(self, make):
        self.make, self.scorer, self.cpu, self.texts = make, None, 0.0, 0

    def at(self, said):
        self.scorer = self.make(said)
        self.name = self.scorer.name
        return self

    def score(self, prompt, texts, ended):
        before = time.process_time()
        found = self.scorer.score(prompt, texts, ended)
        self.cpu += time.process_time() - before
        self.texts += len(texts)
        return found


def report(given, name, degrees):
    print(f"\n{name}")
    accounts = [json.loads((place(given, name, d).with_name(f"{place(given, name, d).name}-account") / "report.json")
                           .read_text()) for d in degrees]  # fmt: skip
    said = [surprisals(place(given, name, d) / "rows.jsonl") for d in degrees]
    for strategy in STRATEGIES:
        print(f"  {strategy}")
        for degree, account in zip(degrees, accounts, strict=True):
            for estimate in SHOWN:
                found = account["estimates"].get(f"{estimate}@{strategy}")
                if found is not None:
                    low, high = (None if end is None else round(end, 3) for end in found["intervals"]["0.95"])
                    print(f"    T = {degree:g}  {estimate} {found['value']:.3f} [{low}, {high}] {found['unit']}")
        for (cold, low), (hot, high) in itertools.pairwise(zip(degrees, said, strict=True)):
            for unit, place_of in (("nats per row", 0), ("nats per token", 1)):
                pairs = [(high[strategy][key][place_of], mine[place_of]) for key, mine in low[strategy].items()]
                line = paired([mine - theirs for mine, theirs in pairs])
                print(f"    gain at {hot:g} minus {cold:g}, paired over {len(pairs)} prompts: {line} {unit}")
    for degree, account in zip(degrees, accounts, strict=True):
        print(f"  T = {degree:g}: {account['verdict']['sentence']}")
        for finding in account["findings"]:
            print(f"    {finding['severity']}: {finding['message']}")


def surprisals(path):
    """By strategy and prompt: mean surprisal of its outputs, per row, and per token as a ratio of sums."""
    nats, tokens, rows = (defaultdict(lambda: defaultdict(float)) for _ in range(3))
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            strategy, prompt = row["strategy"], row["prompt_hash"]
            nats[strategy][prompt] -= sum(row["token_logprobs"])
            tokens[strategy][prompt] += len(row["token_logprobs"])
            rows[strategy][prompt] += 1
    return {
        strategy: {key: (total / rows[strategy][key], total / tokens[strategy][key]) for key, total in own.items()}
        for strategy, own in nats.items()
    }


def paired(differences):
    middle = np.mean(differences)
    if len(differences) < 2:
        return f"{middle:+.2f} (one prompt: no interval)"
    half = stats.t.isf(0.025, len(differences) - 1) * np.std(differences, ddof=1) / np.sqrt(len(differences))
    return f"{middle:+.2f} [{middle - half:+.2f}, {middle + half:+.2f}]"


if __name__ == "__main__":
    main()
