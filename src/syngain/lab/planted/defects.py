"""Defects of synthetic datasets, planted for the demonstration.

Each defect takes rows (dicts with ``text``, ``label``, ``id``, ``source`` ...) and returns new rows of the same number.
Defects are listed in the order in which they are applied: copies are made after texts and labels are final.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from syngain.lab.planted.rows import PlantedRow

OPENING = "Please note that in general"


@dataclass(frozen=True, slots=True)
class Scene:
    """Inputs of a defect: the real rows and the test rows."""

    anchors: Sequence[PlantedRow]
    test: Sequence[PlantedRow]


def plant(names: Sequence[str], rows: Sequence[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Apply the named defects to the rows, in the order of ``DEFECTS``."""
    planted = [row.copy() for row in rows]
    for name, (_, apply) in DEFECTS.items():
        if name in names:
            planted = apply(planted, scene, rng)
    return planted


def choose(rng: np.random.Generator, *, first: str) -> tuple[str, ...]:
    """Choose two or three compatible defects including ``first``.

    They are in the order of ``DEFECTS``.
    """
    wanted = int(rng.integers(2, 4))
    chosen = [first]
    for name in rng.permutation(list(DEFECTS)).tolist():
        fits = name not in chosen and not any(frozenset((name, other)) in CONTRADICTIONS for other in chosen)
        if fits and len(chosen) < wanted:
            chosen.append(name)
    return tuple(name for name in DEFECTS if name in chosen)


def _missing_regions(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Replace every row of one or two topics by rows of the other topics."""
    topics = sorted({row["label"] for row in scene.anchors})
    gone = set(rng.choice(topics, size=int(rng.integers(1, 3)), replace=False).tolist())
    kept = [row for row in rows if row["label"] not in gone]
    spare = [row for row in _spares(rows, scene) if row["label"] not in gone]
    return (kept + spare)[: len(rows)]


def _spares(rows: list[PlantedRow], scene: Scene) -> list[PlantedRow]:
    """Texts that replace removed rows.

    The first half of one row and the second half of the next of its topic.
    """
    known = {row["text"] for row in [*rows, *scene.anchors, *scene.test]}
    spares: list[PlantedRow] = []
    for topic in sorted({row["label"] for row in rows}):
        own = [row for row in rows if row["label"] == topic]
        for one, other in zip(own, own[1:] + own[:1], strict=True):
            words, tail = one["text"].split(), other["text"].split()
            text = " ".join(words[: (len(words) + 1) // 2] + tail[len(tail) // 2 :])
            if text not in known:
                known.add(text)
                spares.append({**one, "text": text, "id": f"{one['id']}b", "log_probability": None})
    return spares


def _label_noise(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    del scene
    size = round(float(rng.uniform(0.30, 0.40)) * len(rows))
    chosen = rng.choice(len(rows), size=size, replace=False)
    return _with_labels(rows, chosen.tolist(), rng)


def _label_independent(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    del scene
    return _with_labels(rows, list(range(len(rows))), rng)


def _with_labels(rows: list[PlantedRow], chosen: list[int], rng: np.random.Generator) -> list[PlantedRow]:
    """Shuffle the labels of the chosen rows; label frequencies do not change."""
    labels = [rows[i]["label"] for i in chosen]
    for i, k in zip(chosen, rng.permutation(len(labels)).tolist(), strict=True):
        rows[i]["label"] = labels[k]
    return rows


def _label_leak(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Write the label into 85 to 95% of the texts."""
    del scene
    share = float(rng.uniform(0.85, 0.95))
    for row in rows:
        if rng.random() < share:
            row["text"] = f"{row['text'].rstrip('.')}, a matter of {row['label']}."
    return rows


def _template_collapse(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Begin every text with the same five words."""
    del scene, rng
    return [{**row, "text": f"{OPENING} {row['text'][0].lower()}{row['text'][1:]}"} for row in rows]


def _contamination(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Replace 20% of the rows by exact copies of test rows."""
    return _replace_by(rows, scene.test, 0.20, rng)


def _memorized_anchors(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Replace 40% of the rows by copies of real rows, each at most once."""
    return _replace_by(rows, scene.anchors, 0.40, rng)


def _replace_by(
    rows: list[PlantedRow], originals: Sequence[PlantedRow], share: float, rng: np.random.Generator
) -> list[PlantedRow]:
    """Replace rows by copies that keep the id and source of the replaced row."""
    size = min(round(share * len(rows)), len(originals))
    places = rng.choice(len(rows), size=size, replace=False)
    picks = rng.choice(len(originals), size=size, replace=False)
    for place, pick in zip(places.tolist(), picks.tolist(), strict=True):
        row, copy = rows[int(place)], originals[int(pick)]
        row["text"], row["label"], row["log_probability"] = copy["text"], copy["label"], None
    return rows


def _duplicates(rows: list[PlantedRow], scene: Scene, rng: np.random.Generator) -> list[PlantedRow]:
    """Replace 25 to 40% of the rows by exact copies of the others."""
    del scene
    order = rng.permutation(len(rows)).tolist()
    size = round(float(rng.uniform(0.25, 0.40)) * len(rows))
    replaced, kept = order[:size], order[size:]
    for place, pick in zip(replaced, rng.choice(kept, size=size).tolist(), strict=True):
        row: PlantedRow = {**rows[int(pick)], "id": rows[int(place)]["id"]}
        rows[int(place)] = row
    return rows


DEFECTS: dict[str, tuple[str, Callable[[list[PlantedRow], Scene, np.random.Generator], list[PlantedRow]]]] = {
    "missing_regions": ("one or two topics of the real rows have no synthetic row", _missing_regions),
    "label_noise": ("the labels of 30 to 40% of the rows are shuffled", _label_noise),
    "label_independent": ("the labels of all rows are shuffled and independent of the text", _label_independent),
    "label_leak": ("the name of the label is written into most texts", _label_leak),
    "template_collapse": (f'every text starts with the same five words ("{OPENING}")', _template_collapse),
    "contamination": ("20% of the rows are exact copies of test rows", _contamination),
    "memorized_anchors": ("40% of the rows are copies of real rows", _memorized_anchors),
    "duplicates": ("25 to 40% of the rows are exact copies of other rows", _duplicates),
}

# Pairs that undo or imply each other: shuffled labels and labels written into the text, edited texts and verbatim
# copies, copies of rows whose topic must be missing.
CONTRADICTIONS = frozenset(
    frozenset(pair)
    for pair in (
        ("label_noise", "label_independent"),
        ("label_leak", "label_noise"),
        ("label_leak", "label_independent"),
        ("label_leak", "memorized_anchors"),
        ("label_independent", "memorized_anchors"),
        ("label_noise", "memorized_anchors"),  # copies of real rows have correct labels
        ("label_independent", "contamination"),
        ("template_collapse", "contamination"),
        ("template_collapse", "memorized_anchors"),
        ("missing_regions", "contamination"),
        ("missing_regions", "memorized_anchors"),
        ("contamination", "memorized_anchors"),
    )
)


def observed(names: Sequence[str], rows: Sequence[PlantedRow], scene: Scene) -> dict[str, str]:
    """The planted defects as sentences, with numbers counted on the rows."""
    test, anchors = ({row["text"] for row in side} for side in (scene.test, scene.anchors))
    counts = Counter(row["text"] for row in rows)
    gone = sorted({row["label"] for row in scene.anchors} - {row["label"] for row in rows})
    numbers = {
        "missing_regions": f"missing: {', '.join(gone)}",
        "contamination": f"{sum(row['text'] in test for row in rows)} of {len(rows)} rows",
        "memorized_anchors": f"{sum(row['text'] in anchors for row in rows)} of {len(rows)} rows",
        "duplicates": f"{len(rows) - len(counts)} of {len(rows)} rows",
    }
    return {name: DEFECTS[name][0] + (f" ({numbers[name]})" if name in numbers else "") for name in names}
