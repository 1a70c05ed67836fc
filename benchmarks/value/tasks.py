"""The built-in tasks, read from the folder of shared data. Sizes are chosen for the time they take, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from benchmarks.value.cases import Task, rows_of

from syngain.data import RoleOptions, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.value.cases import Row

INTENTS = 12  # of banking77's 77, the first by name
LONG = 600  # rows of long texts in an arm


def parrot(data: Path, name: str) -> Task:
    """Anchors rewritten by GPT-4 and by Llama-2-70B; every row knows its anchor."""
    path = data / f"parrot_{name}.jsonl.gz"
    anchors = read(path, where={"split": "anchor"})
    splits = {"gpt-4": "syn_gpt-4", "llama-2-70b": "syn_llama-2-70b", "pool": "real_pool", "test": "real_test"}
    parts = {part: rows_of(read(path, where={"split": split}, like=anchors)) for part, split in splits.items()}
    pool, test = parts.pop("pool"), parts.pop("test")
    about = "anchors rewritten by two models, anchors known"
    return Task(name=name, anchors=rows_of(anchors), sets=parts, test=test, pool=pool, about=about)


def sst2(data: Path) -> Task:
    """Reviews that SuperGen wrote without any anchor; the real rows are one file, cut here."""
    path = data / "supergen_sst2.jsonl.gz"
    real = read(path, where={"split": "real_test"}, roles=RoleOptions(text="sentence"))
    made = read(path, where={"split": "syn_supergen"}, roles=RoleOptions(text="text"), like=real)
    rows = _shuffled(rows_of(real))
    return Task(
        name="sst2",
        anchors=rows[:150],
        pool=rows[150:400],
        test=rows[400:],
        sets={"supergen": rows_of(made)},
        about="reviews by SuperGen, zero-shot: no row was made from an anchor",
    )


def banking77(data: Path) -> Task:
    """Real rows as a source of arms: anchors edited at random [wei2019], real rows of which 30 % have wrong labels."""
    path = data / "banking77_real.jsonl.gz"
    pool = read(path, where={"split": "real_pool"})
    names = sorted(set(pool.labels or ()))[:INTENTS]
    rows = _shuffled([row for row in rows_of(pool) if row["label"] in names])
    test = [row for row in rows_of(read(path, where={"split": "real_test"}, like=pool)) if row["label"] in names]
    rng = np.random.default_rng(77)
    noisy = [row | {"label": str(rng.choice(names))} if rng.random() < 0.3 else row for row in rows[600:]]
    return Task(
        name="banking77",
        anchors=rows[:300],
        pool=rows[300:600],
        test=test,
        sets={"edited": edited(rows[:300], 5, rng), "noisy labels": noisy},
        about=f"{INTENTS} intents; anchors edited at random, and real rows with 30 % of the labels drawn anew",
    )


def reviews(data: Path) -> Task:
    """Film reviews, and reviews that people revised until their label turned."""
    path = data / "cad_imdb.jsonl.gz"
    real = read(path, where={"split": "anchor_or_real_train"})
    rows = _shuffled(rows_of(real))
    made, test = (
        rows_of(read(path, where={"split": split}, like=real))
        for split in ("human_revised_train", "anchor_or_real_test")
    )
    return Task(
        name="reviews",
        anchors=rows[:200],
        pool=rows[200:],
        test=test,
        sets={"revised": made},
        most=LONG,
        about="human counterfactual revisions; their originals are not told",
    )


def gsm8k(data: Path) -> Task:
    """Worked answers, and the solutions of four models to other problems. No labels: language models only."""
    real = read(data / "gsm8k_train.jsonl.gz")
    solutions = read(data / "gsm8k_model_solutions_even.jsonl.gz", like=real)
    rows = _shuffled(rows_of(real))
    sets: dict[str, list[Row]] = {}
    for row, generator in zip(rows_of(solutions), solutions.generators or (), strict=True):
        sets.setdefault(str(generator), []).append(row)
    return Task(
        name="gsm8k",
        anchors=rows[:250],
        pool=rows[250:600],
        test=rows[600:1100],
        sets=sets,
        most=LONG,
        about="solutions of four models to other problems; unlabeled",
    )


def instructions(data: Path) -> Task:
    """Human seed instructions; Alpaca's rows as they are and in two selections; tested on expert-written ones."""
    real = read(data / "self_instruct_seed_tasks.jsonl.gz")
    test = rows_of(read(data / "self_instruct_user252.jsonl.gz", like=real))
    files = {"random": "alpaca_random_9k", "claude": "alpaca_claude_t45", "cherry": "alpaca_cherry_5pct"}
    sets = {name: rows_of(read(data / f"{file}.jsonl.gz", like=real)) for name, file in files.items()}
    rows = _shuffled(rows_of(real))
    about = "Alpaca in three selections; unlabeled, tested on rows of another origin than the anchors"
    return Task(name="instructions", anchors=rows[:130], pool=rows[130:], test=test, sets=sets, most=LONG, about=about)


TASKS: Mapping[str, Callable[[Path], Task]] = {
    "hypo-l": lambda data: parrot(data, "hypo-l"),
    "questionintimacy": lambda data: parrot(data, "questionintimacy"),
    "crowdflower": lambda data: parrot(data, "crowdflower"),
    "sst2": sst2,
    "banking77": banking77,
    "reviews": reviews,
    "gsm8k": gsm8k,
    "instructions": instructions,
}


def edited(rows: Sequence[Row], times: int, rng: np.random.Generator) -> list[Row]:
    """Each row so many times with a tenth of its words (at least one) swapped with another and a tenth left out."""
    return [row | {"text": _edit(row["text"], rng), "source": row["text"]} for row in rows for _ in range(times)]


def _edit(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    for _ in range(max(1, len(words) // 10)):
        left, right = rng.integers(len(words), size=2)
        words[left], words[right] = words[right], words[left]
    kept = [word for word in words if rng.random() >= 0.1]
    return " ".join(kept or words)


def _shuffled(rows: Sequence[Row]) -> list[Row]:
    """The rows in an order that is the same in every run: which are anchors is no choice of ours."""
    return [rows[i] for i in np.random.default_rng(8).permutation(len(rows))]
