"""Rows as ``syngain generate`` writes them, spoken by the exact toy generator."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def spoken(chain, labels, *, samples, rng, strategy="", prompts=1, **how):
    """``samples`` outputs of each of ``prompts`` prompts per label; prompts of a label differ in their anchor."""
    rows = []
    for label in labels:
        for number in range(prompts):
            prompt = f"{strategy} anchor {number}\nWrite one like it, of the kind: {label}"
            way = {
                "prompt_hash": hashlib.sha256(prompt.encode()).hexdigest()[:16],
                "prompt_messages": [{"role": "user", "content": prompt}],
                "strategy": strategy,
                "anchor_ids": [f"{label}-{number}"],
            }
            for sample in range(samples):
                request = {"request": f"{strategy}-{label}-{number}-{sample}"}
                rows.append({**_row(chain, label, rng, **how), **way, **request})
    return rows


def _row(chain, label, rng, *, temperature=1.0, top=0, mode="exact"):
    out = chain.sample(1, rng=rng, label=label, temperature=temperature)[0]
    logs = chain.steps(out.text, label)[0] if mode == "raw" else out.token_logprobs
    row = {
        "text": out.text,
        "label": label,
        "token_logprobs": [float(log) for log in logs],
        "tokens": [*out.text.split(), "</s>"],
        "logprob_mode": mode,
        "temperature": temperature,
        "top_p": 1.0,
        "end_included": True,
        "finish_reason": "stop",
    }
    if top:
        row["top_logprobs"] = _lists(chain, out.text, label, temperature if mode != "raw" else 1.0, top)
    return row


def _lists(chain, text, label, temperature, top):
    words = [chain.index[word] for word in text.split()]
    lists = []
    for step in range(len(words) + 1):
        law = chain.next_word(words[:step], label, temperature=temperature)
        best = [int(k) for k in np.argsort(-law, kind="stable")[:top] if law[k] > 0]
        lists.append({str(k): float(np.log(law[k])) for k in best})
    return lists


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
