"""What the tests of generation share: a few real-looking rows, and recipes on the toy and on a server."""

from __future__ import annotations

import json

TOPICS = {
    "cooking": "stir the onion with butter salt pepper garlic and bake the bread until brown",
    "travel": "book a train a hotel and a ticket to the island beach early next week",
    "money": "send the bank a transfer for the card fee on my account balance today",
}


def anchors(count=30):
    out = []
    for i in range(count):
        label = list(TOPICS)[i % 3]
        words = TOPICS[label].split()
        out.append({"text": f"{' '.join(words[i % 4 :])} {i}", "label": label})
    return out


def toy_recipe(**changes):
    return {
        "generator": {"kind": "toy"},
        "strategies": [{"kind": "few_shot", "rows": 40}, {"kind": "paraphrase", "rows": 20}],
        "sampling": {"samples": 4, "max_tokens": 30, "top_logprobs": 3},
        **changes,
    }


def server_recipe(server, rows=60, **changes):
    return {
        "generator": {"kind": "openai", "model": "fake", "base_url": server.url, "timeout": 30.0},
        "strategies": [{"kind": "few_shot", "rows": rows}],
        "sampling": {"samples": 4, "max_tokens": 8, "top_logprobs": 3},
        "engine": {"backoff": 0.01, "attempts": 12},
        "curate": [{"step": "dedup"}],
        **changes,
    }


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def exported(folder):
    return {name: (folder / f"{name}.jsonl").read_bytes() for name in ("rows", "kept", "dropped")}
