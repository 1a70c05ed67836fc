"""SmolLM2 on real anchors at two temperatures: information accounted from what it said, scored by itself.

python benchmarks/information_lm.py --data FOLDER [--prompts 16] [--samples 4] [--tokens 40]

FOLDER holds parrot_questionintimacy.jsonl.gz; the model is added by `syngain models add smollm2`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads wait for each other on a busy machine

import argparse
import time
from pathlib import Path

import numpy as np
from scipy import stats

import syngain
from syngain.generators.local import LocalGenerator
from syngain.generators.protocol import Call, Sampling
from syngain.generators.waiting import wait_for
from syngain.workflows.information import InformationSettings
from syngain.workflows.information_scores import ByGenerator

ASK = "Here is a question:\n{}\n\nWrite one new question of the same kind. Answer with the question only."
TOP = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--temperatures", default="0.7,1.3")
    given = parser.parse_args()
    anchors = syngain.read(given.data / "parrot_questionintimacy.jsonl.gz", where={"split": "anchor"})
    chosen = np.random.default_rng(0).choice(len(anchors), size=given.prompts, replace=False)
    texts = [anchors.sides["text"][int(i)] for i in chosen]
    model = LocalGenerator.load(given.model, device="cpu")
    gains = {}
    for temperature in map(float, given.temperatures.split(",")):
        started = time.perf_counter()
        rows = generate(model, texts, given, temperature)
        said = time.perf_counter() - started
        scorer = ByGenerator(model, temperature)
        settings = InformationSettings(prompts=given.prompts, samples=given.samples, gain=False, vocabulary=49_152)
        made = syngain.Dataset.from_rows(rows, "rows")
        started = time.perf_counter()
        result = syngain.information(made, real=anchors, scorer=scorer, settings=settings)
        print(
            f"T = {temperature}: {len(rows)} rows in {said:.0f} s, accounted in {time.perf_counter() - started:.0f} s"
        )
        report(result)
        own = [-sum(row["token_logprobs"]) for row in rows]
        gains[temperature] = np.array(own).reshape(given.prompts, given.samples).mean(axis=1)
    cold, hot = gains.values()
    difference = hot - cold
    half = stats.t.isf(0.025, given.prompts - 1) * difference.std(ddof=1) / np.sqrt(given.prompts)
    print(f"gain at the higher minus the lower temperature, paired: {difference.mean():.1f} +- {half:.1f} nats per row")


def report(result):
    for name, item in result.estimates.items():
        low, high = item.interval()
        print(
            f"  {name} {item.value:.3f} [{low:.3f}, {high:.3f}] {item.unit} ({item.direction}) {dict(item.references)}"
        )
    print(f"  {result.verdict.sentence}")
    for finding in result.findings:
        print(f"  {finding.severity}: {finding.message}")
    for name, text in result.views.computed:
        if name in {"Notes", "Left out"}:
            print(f"  {name}: {text}")


def generate(model, texts, given, temperature):
    """Rows with the log-probabilities of the law sampled from, after the temperature."""
    sampling = Sampling(temperature=temperature, max_tokens=given.tokens, top_logprobs=TOP)
    rows = []
    for k, text in enumerate(texts):
        prompt = ASK.format(text)
        calls = [
            Call(key="", messages=(("user", prompt),), sampling=sampling, seed=round(1000 * temperature) + 1000 * k + s)
            for s in range(given.samples)
        ]
        for reply in wait_for(model.generate(calls)):
            logs = np.split(reply.top.logprobs, np.cumsum(reply.top.counts)[:-1])
            rows.append({
                "text": reply.text,
                "prompt_messages": [{"role": "user", "content": prompt}],
                "anchor_ids": [f"anchor {k}"],
                "token_logprobs": reply.logprobs.tolist(),
                "top_logprobs": [step.tolist() for step in logs],
                "logprob_mode": "processed",
                "temperature": temperature,
                "top_p": 1.0,
                "end_included": reply.end_included,
                "finish_reason": reply.finish,
            })  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
