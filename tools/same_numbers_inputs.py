"""The inputs of ``same_numbers.py``: small files made from the standard library alone, and slices of $SYNGAIN_DATA."""

from __future__ import annotations

import csv
import gzip
import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TOPICS = {
    "cooking": "stir the onion pan with butter salt pepper garlic soup oven bread slowly until brown sauce rice",
    "travel": "book a train flight hotel to Lisbon Rome island beach ticket passport early next week luggage map",
    "money": "send the bank transfer card fee account balance refund today because of a wrong charge invoice",
    "garden": "water the rose hedge with soil seed spade pot shade frost lawn apple tree in spring leaves",
}
COMMON = "please could you tell me how we can do this again tomorrow or maybe not at all for my friend".split()
Row = dict[str, object]

RECIPE = """\
generator: {kind: toy}
strategies:
  - {kind: few_shot, rows: 60}
  - {kind: paraphrase, rows: 40}
sampling: {samples: 4, temperature: 1.0, max_tokens: 30, top_logprobs: 5}
curate:
  - {step: finished}
  - {step: length, min_words: 3}
  - {step: dedup, near: 0.8}
"""
STEPS = """\
generator: {kind: toy, backoff: 0.3}
strategies:
  - {kind: self_instruct, rows: 24}
  - {kind: persona, rows: 24, personas: [a cook, a pilot]}
  - {kind: attributes, rows: 24, attributes: {tone: [short, long]}}
  - {kind: template, rows: 12, template: "{{ anchor.text }} once more"}
sampling: {samples: 2, temperature: 0.8, top_p: 0.95, max_tokens: 24, top_logprobs: 3}
curate:
  - {step: format, must: "[a-z]"}
  - {step: label, leaks: drop, teacher: drop, doubt: 0.1}
  - {step: rule, keep: "'hotel' not in text"}
  - {step: dedup}
seed: 4
"""
STOP = """\
generator: {kind: toy}
strategies:
  - {kind: few_shot, rows: 1200}
sampling: {samples: 4, max_tokens: 20, top_logprobs: 3}
curate: [{step: dedup}]
"""


def make(folder: Path, data: Path | None) -> None:
    """Write every input file into the folder. ``data`` is the folder of public data, if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    _texts(folder)
    _pairs(folder)
    _tables(folder)
    _mixtures(folder)
    for name, text in (("recipe", RECIPE), ("steps", STEPS), ("stop", STOP)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "audit.yaml").write_text("seed: 3\nsample: 200\nno_gain: true\n", encoding="utf-8")
    if data is not None:
        _public(folder, data)


def _texts(folder: Path) -> None:
    """Labeled texts with planted duplicates, copies, label noise and leaks."""
    real, test, pool = _labeled(120, 1), _labeled(150, 2), _labeled(200, 3)
    _jsonl(folder / "real.jsonl", real)
    _jsonl(folder / "test.jsonl", test)
    _jsonl(folder / "pool.jsonl", pool)
    for name, seed, count in (("synthetic", 4, 300), ("second", 5, 260), ("third", 6, 240)):
        rng = random.Random(seed)
        rows = _labeled(count, seed, words=4)
        for index, row in enumerate(rows):
            row["source_text"] = real[rng.randrange(len(real))]["text"]
            row["score"] = round(-rng.random() * 3, 4)
            row["writer"] = ("one", "two")[index % 2]
        _plant(rows, real, test, rng, noise=0.3 if name == "second" else 0.1)
        _jsonl(folder / f"{name}.jsonl", rows)
    _jsonl(folder / "bare.jsonl", ({"text": row["text"]} for row in _labeled(200, 7, words=4)))


def _labeled(count: int, seed: int, *, words: int = 3) -> list[Row]:
    """Short texts, a few of whose words belong to their topic."""
    rng = random.Random(seed)
    rows: list[Row] = []
    for index in range(count):
        label = list(TOPICS)[index % len(TOPICS)]
        text = [*rng.choices(TOPICS[label].split(), k=words), *rng.choices(COMMON, k=5)]
        rng.shuffle(text)
        rows.append({"text": " ".join(text), "label": label, "place": ("north", "south", "east")[rng.randrange(3)]})
    return rows


def _plant(rows: list[Row], real: list[Row], test: list[Row], rng: random.Random, *, noise: float) -> None:
    """Defects at known shares: a tenth of the rows each repeats, copies, contaminates, leaks, opens alike."""
    tenth = len(rows) // 10
    for index in range(tenth):
        rows[index] = {**rows[index], "text": rows[-1 - index % 7]["text"], "label": rows[-1 - index % 7]["label"]}
        rows[tenth + index].update(text=real[index]["text"], label=real[index]["label"])
        rows[2 * tenth + index].update(text=test[index]["text"], label=test[index]["label"])
        row = rows[3 * tenth + index]
        row["text"] = f"{row['text']} this is about {row['label']}"
        row = rows[4 * tenth + index]
        row["text"] = f"Sure, here is an example: {row['text']}"
    for row in rows:
        if rng.random() < noise:
            row["label"] = rng.choice(list(TOPICS))


def _pairs(folder: Path) -> None:
    """Questions and answers, in two layouts, with repeated answers."""
    for name, seed, count in (("pairs", 11, 90), ("pairs_synthetic", 12, 200)):
        rng = random.Random(seed)
        rows: list[Row] = []
        for row in _labeled(count, seed, words=4):
            topic = str(row["label"])
            answer = " ".join(rng.choices(TOPICS[topic].split(), k=8))
            rows.append({"prompt": f"How do I {row['text']}?", "completion": f"You {answer}."})
        for index in range(count // 8):
            rows[index]["completion"] = "I cannot help with that."
        _jsonl(folder / f"{name}.jsonl", rows)


def _tables(folder: Path) -> None:
    """Two tables of numbers and categories with a label; the synthetic one breaks a relation and a range."""
    for name, seed, count in (("table", 21, 160), ("table_test", 22, 200), ("table_synthetic", 23, 320)):
        rng = random.Random(seed)
        broken = name == "table_synthetic"
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["age", "income", "hours", "city", "married", "label"])
            for _ in range(count):
                age = rng.randrange(18, 90 if broken else 70)
                hours = rng.gauss(40 if age < 60 else 25, 6)
                income = (900 if broken else 1200) + 30 * age + 20 * hours + rng.gauss(0, 300)
                city = rng.choices(["Rome", "Oslo", "Lima", "Kyiv"], weights=[5, 3, 2, 0.5 if broken else 1])[0]
                yes = income + (400 if city == "Oslo" else 0) + rng.gauss(0, 400) > 3300
                if broken and rng.random() < 0.15:
                    yes = not yes
                married = ("yes", "no")[rng.randrange(2)]
                out.writerow([age, f"{income:.1f}", f"{hours:.2f}", city, married, "rich" if yes else "poor"])


def _mixtures(folder: Path) -> None:
    """Mixtures of four sources and a loss with a known optimum."""
    for name, seed, count in (("runs", 31, 90), ("runs_test", 32, 40)):
        rng = random.Random(seed)
        rows, losses = [], []
        for _ in range(count):
            parts = [rng.gammavariate(0.7, 1.0) for _ in range(4)]
            mixture = [part / sum(parts) for part in parts]
            best = (0.5, 0.3, 0.2, 0.0)
            rows.append([f"{part:.6f}" for part in mixture])
            loss = 2 + sum((part - goal) ** 2 for part, goal in zip(mixture, best, strict=True))
            losses.append([f"{loss + rng.gauss(0, 0.01):.6f}"])
        _csv(folder / f"{name}.csv", ["books", "code", "forum", "web"], rows)
        _csv(folder / f"{name}_loss.csv", ["loss"], losses)


def _public(folder: Path, data: Path) -> None:
    """The first rows of each part of public files, as many as a command of a few seconds takes."""
    parrot = list(_read(data / "parrot_hypo-l.jsonl.gz"))
    parts: dict[str, list[Row]] = {}
    for row in parrot:
        parts.setdefault(str(row["split"]), []).append(row)
    synthetic = [rows for name, rows in sorted(parts.items()) if name.startswith("syn_")]
    _jsonl(folder / "parrot_real.jsonl", parts["anchor"][:140])
    _jsonl(folder / "parrot_test.jsonl", parts["real_test"][:200])
    for name, rows in zip(("parrot_a", "parrot_b"), synthetic, strict=False):
        _jsonl(folder / f"{name}.jsonl", rows[:400])
    _jsonl(folder / "alpaca_real.jsonl", list(_read(data / "alpaca_claude_t45.jsonl.gz"))[:120])
    _jsonl(folder / "alpaca_synthetic.jsonl", list(_read(data / "alpaca_random_9k.jsonl.gz"))[:240])
    for name, start, stop in (("kdd_real", 0, 100), ("kdd_synthetic", 100, 300)):
        with gzip.open(data / "tables" / "nsl_kdd_train.csv.gz", "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
        text = "\n".join([lines[0], *lines[1 + start : 1 + stop]]) + "\n"
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def _read(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _jsonl(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _csv(path: Path, names: list[str], rows: Iterable[list[str]]) -> None:
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n", encoding="utf-8")
