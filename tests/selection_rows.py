"""Short labeled rows with a planted share of wrong labels, for selections and comparisons."""

import json

import numpy as np

TOPICS = {
    "cooking": "stir the onion pan with butter salt pepper garlic soup oven bread slowly until brown",
    "travel": "book a train flight hotel to Lisbon Rome island beach ticket passport early next week",
    "money": "send the bank transfer card fee account balance refund today because of a wrong charge",
}


def rows(count, seed, wrong=0.0, source=None):
    rng = np.random.default_rng(seed)
    names, out = list(TOPICS), []
    for i in range(count):
        label = names[i % 3]
        text = " ".join(rng.choice(TOPICS[label].split(), size=rng.integers(6, 11)))
        told = names[(i + 1 + int(rng.integers(2))) % 3] if rng.random() < wrong else label
        out.append({"text": text, "label": told, "right": told == label})
        if source is not None:
            out[-1]["source_text"] = source[int(rng.integers(len(source)))]["text"]
    return out


def jsonl(path, content):
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path
