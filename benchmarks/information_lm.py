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
from syngain.data import Kind
from syngain.learners.causal import CausalProxy
from syngain.workflows.information import InformationSettings
from syngain.workflows.information_scores import ByCausal

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
    model = CausalProxy(model=given.model, max_tokens=512, dtype="float32", device="cpu").open()
    reader = model.reader(Kind.PAIR)
    gains = {}
    for temperature in map(float, given.temperatures.split(",")):
        started = time.perf_counter()
        rows = generate(model, reader, texts, given, temperature)
        said = time.perf_counter() - started
        scorer = ByCausal(model, reader, temperature)
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


def generate(model, reader, texts, given, temperature):
    """Rows with the log-probabilities of the law sampled from, after the temperature."""
    import torch

    torch.manual_seed(round(1000 * temperature))
    ends, rows = set(reader.layout.end), []
    for k, text in enumerate(texts):
        prompt = ASK.format(text)
        context = torch.tensor([reader.context(prompt)])
        with torch.inference_mode():
            out = model.network.generate(
                input_ids=context, attention_mask=torch.ones_like(context), do_sample=True, temperature=temperature,
                top_k=0, top_p=1.0, max_new_tokens=given.tokens, num_return_sequences=given.samples, output_scores=True,
                return_dict_in_generate=True, pad_token_id=0,
            )  # fmt: skip
        said = out.sequences[:, context.shape[1] :]
        laws = torch.stack([torch.log_softmax(step.float(), dim=1) for step in out.scores], dim=1)
        for s in range(given.samples):
            ids = said[s].tolist()
            stop = next((i for i, token in enumerate(ids) if token in ends), None)
            length = len(ids) if stop is None else stop + 1
            own = laws[s, torch.arange(length), said[s, :length]]
            top = torch.topk(laws[s, :length], TOP, dim=1)
            rows.append({
                "text": model.tokenizer.decode(ids[: length - (stop is not None)]),
                "prompt_messages": [{"role": "user", "content": prompt}],
                "anchor_ids": [f"anchor {k}"],
                "token_logprobs": own.tolist(),
                "top_logprobs": [dict(zip(map(str, i), v, strict=True)) for i, v in
                                 zip(top.indices.tolist(), top.values.tolist(), strict=True)],
                "logprob_mode": "processed",
                "temperature": temperature,
                "top_p": 1.0,
                "end_included": stop is not None,
                "finish_reason": "length" if stop is None else "stop",
            })  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
