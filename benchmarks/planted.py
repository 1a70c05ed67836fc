"""Planted defects on banking77: is each found with the right id at high, and nothing else?

.venv/bin/python benchmarks/planted.py [--seeds 3]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from syngain.audit.audit import audit_study
from syngain.core.rng import Streams
from syngain.data import Dataset, read
from syngain.data.study import Study

Row = dict[str, object]
Plant = Callable[[list[Row], "Material", np.random.Generator], list[Row]]
SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
ROWS = 2_000
ALLOWED = {
    "label_independent": {"label_noise"},
    "memorized_anchors": {"duplicates"},
    "distribution_shift": {"missing_regions"},
    "template_collapse": {"distribution_shift"},
}


class Material:
    """Anchors, test rows and rows of another domain."""

    def __init__(self, rng: np.random.Generator) -> None:
        pool = [dict(row) for row in read(SHARED / "banking77_real.jsonl.gz", where={"split": "real_pool"}).records]
        order = rng.permutation(len(pool))
        self.anchors = [pool[i] for i in order[:ROWS]]
        self.fresh = [pool[i] for i in order[ROWS : 2 * ROWS]]
        test = read(SHARED / "banking77_real.jsonl.gz", where={"split": "real_test"})
        self.test = [dict(row) for row in test.records]
        self.other = [
            str(row["text"])
            for row in read(SHARED / "parrot_crowdflower.jsonl.gz", where={"split": "real_pool"}).records
        ]


def shuffled(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    chosen = rng.permutation(len(rows))[: round(0.3 * len(rows))]
    labels = [rows[i]["label"] for i in rng.permutation(chosen)]
    for i, label in zip(chosen, labels, strict=True):
        rows[i] = {**rows[i], "label": label}
    return rows


def independent(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    labels = [rows[i]["label"] for i in rng.permutation(len(rows))]
    return [{**row, "label": label} for row, label in zip(rows, labels, strict=True)]


def missing(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    names = sorted({str(row["label"]) for row in material.anchors})
    gone = set(rng.permutation(names)[: round(len(names) / 5)].tolist())
    return [row for row in rows if row["label"] not in gone]


def same_words(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    return [{**row, "text": f"As a valued customer I {row['text']}"} for row in rows]


def contaminated(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    count = round(0.2 * len(rows))
    chosen = rng.permutation(len(material.test))[:count]
    return rows[: len(rows) - count] + [material.test[i] for i in chosen]


def copied(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    count = round(0.4 * len(rows))
    return rows[: len(rows) - count] + [material.anchors[i] for i in rng.integers(len(material.anchors), size=count)]


def elsewhere(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    texts = rng.permutation(material.other)[: len(rows)].tolist()
    return [{**row, "text": text} for row, text in zip(rows, texts, strict=False)]


def partly_elsewhere(rows: list[Row], material: Material, rng: np.random.Generator) -> list[Row]:
    half = len(rows) // 2
    return elsewhere(rows[:half], material, rng) + rows[half:]


PLANTS: dict[str, tuple[str, Plant]] = {
    "30 % labels shuffled": ("label_noise", shuffled),
    "labels independent of text": ("label_independent", independent),
    "one intent in five missing": ("missing_regions", missing),
    "same five words": ("template_collapse", same_words),
    "20 % verbatim test rows": ("contamination", contaminated),
    "40 % copies of anchors": ("memorized_anchors", copied),
    "rows of another domain": ("distribution_shift", elsewhere),
    "half of the rows of another domain": ("distribution_shift", partly_elsewhere),
    "nothing": ("", lambda rows, material, rng: rows),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    failures = 0
    for seed in range(arguments.seeds):
        rng = np.random.default_rng([seed, 77])
        material = Material(rng)
        real = Dataset.from_rows(material.anchors, name="anchors")
        test = Dataset.from_rows(material.test, name="test")
        for name, (expected, plant) in PLANTS.items():
            if arguments.only not in name:
                continue
            rows = plant([dict(row) for row in material.fresh], material, rng)
            audited = audit_study(Study.of(real, Dataset.from_rows(rows, name=name), test=test), streams=Streams(seed))
            high = {finding.id for finding in audited.findings if finding.severity == "high"}
            right = (expected in high or not expected) and high <= {expected} | ALLOWED.get(expected, set())
            failures += not right
            lesser = [f for f in audited.findings if f.severity != "high"]
            others = [f"{f.id}:{f.severity}{list(f.explained_by) or ''}" for f in lesser]
            mark = "ok  " if right else "FAIL"
            print(f"seed {seed} {mark} {name:36s} high={sorted(high)} others={others}", flush=True)
    print(f"{failures} failures")


if __name__ == "__main__":
    main()
