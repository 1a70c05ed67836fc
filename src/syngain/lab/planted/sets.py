"""Datasets of ``syngain demo``: real rows, test rows, synthetic rows with defects."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from syngain.core.rng import Streams
from syngain.generators.toy import MarkovText
from syngain.lab.planted.defects import DEFECTS, Scene, choose, observed, plant
from syngain.lab.planted.rows import real_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats
    from syngain.lab.planted.rows import PlantedRow

ANCHORS, TEST, SYNTHETIC = 720, 400, 1_800
NEAR = 0.6  # word-set Jaccard similarity above which two real rows count as the same, or a variant as a copy
ON_TOPIC = 0.6  # share of rows written by the chain of their topic
CANDIDATES = 8  # spans drawn for each gap; one is chosen by how well the text goes on after it


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSets:
    """Rows for the demonstration.

    Attributes:
        real: real rows (``text, label, id``). test: held-out real rows, the same columns.
        synthetic: rows with ``text, label, id, source`` (id of the real row), ``generator`` and ``log_probability``
            (nats, of the text under the Markov chain; missing for other rows).
        planted: finding id -> sentence on the defect.
    """

    real: list[PlantedRow]
    synthetic: list[PlantedRow]
    test: list[PlantedRow]
    planted: dict[str, str]


def demo_sets(seed: int, *, defects: Sequence[str] | None = None, pretrained: bool = False) -> DemoSets:
    """Real, test and synthetic rows for the demonstration.

    The seed draws ``defects`` unless they are named (``()``: none).

    The generator is fitted on the real rows. ``pretrained=True`` fits it also on the remaining sentences, like the
    pretraining data of a language model. The synthetic rows then add information.
    """
    streams = Streams(seed, ("demo",))
    anchors, test, pool = _split(real_rows(), streams.stream("split"))
    base = _variants(anchors, pool if pretrained else [], test, rng=streams.stream("variants"))
    if defects is None:
        names = choose(streams.stream("choose"), first=list(DEFECTS)[seed % len(DEFECTS)])
    else:
        names = tuple(name for name in DEFECTS if name in defects)
    scene = Scene(anchors, test)
    synthetic = plant(names, base, scene, streams.stream("plant"))
    return DemoSets(real=anchors, synthetic=synthetic, test=test, planted=observed(names, synthetic, scene))


def _split(
    rows: list[PlantedRow], rng: np.random.Generator
) -> tuple[list[PlantedRow], list[PlantedRow], list[PlantedRow]]:
    """Split into real, test and remaining rows, without near duplicates between real and test.

    A small library gives proportionally fewer rows.
    """
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    wanted = round(1.3 * (ANCHORS + TEST))
    head, pool = shuffled[:wanted], shuffled[wanted:]
    similar = np.triu(_similarity([row["text"] for row in head], [row["text"] for row in head]), k=1) >= NEAR
    kept = [row for row, near in zip(head, np.any(similar, axis=0).tolist(), strict=True) if not near]
    cut = min(ANCHORS, len(kept) * ANCHORS // (ANCHORS + TEST))
    return kept[:cut], kept[cut : cut + TEST], pool


def _variants(
    anchors: list[PlantedRow], pool: list[PlantedRow], test: list[PlantedRow], *, rng: np.random.Generator
) -> list[PlantedRow]:
    """``SYNTHETIC`` different rows near the real distribution, but near no single real row."""
    fitted = [*anchors, *pool]
    chain = MarkovText.fit([row["text"] for row in fitted], [row["label"] for row in fitted], backoff=0.02)
    real = [row["text"] for row in [*anchors, *test]]
    rows: list[PlantedRow] = []
    seen = set(real)
    while len(rows) < SYNTHETIC:
        batch = [
            (anchor, _variant(anchor, chain, rng)) for anchor in (anchors[i] for i in rng.permutation(len(anchors)))
        ]
        close = _similarity([text for _, text in batch], real).max(axis=1) >= NEAR
        for (anchor, text), near in zip(batch, close.tolist(), strict=True):
            if not near and text not in seen and 4 <= len(text.split()) <= 40:
                seen.add(text)
                rows.append(_row(text, anchor, chain, len(rows)))
    return rows[:SYNTHETIC]


def _row(text: str, anchor: PlantedRow, chain: MarkovText, number: int) -> PlantedRow:
    log_probability = chain.log_probability(text, anchor["label"])
    return {
        "text": text,
        "label": anchor["label"],
        "id": f"syn-{number + 1:04d}",
        "source": anchor["id"],
        "generator": "toy-markov",
        "log_probability": round(log_probability, 6) if math.isfinite(log_probability) else None,
    }


def _variant(anchor: PlantedRow, chain: MarkovText, rng: np.random.Generator) -> str:
    """A real row with some words resampled by the Markov chain: its tail, or a span.

    The Markov chains of the topic and of all topics alternate. The first alone generates rows more typical of their
    topic than real rows; the second alone adds words of other topics.
    """
    label = anchor["label"] if rng.random() < ON_TOPIC else None
    words: list[str] = anchor["text"].split()
    start = int(rng.integers(1, max(2, len(words) - 2)))
    if rng.random() < 0.5:
        return " ".join(_continued(words[:start], chain, label, rng))
    stop = min(len(words), start + int(rng.integers(2, 5)))
    return " ".join(_bridged(words[:start], words[stop:], chain, label, rng))


def _continued(
    left: list[str], chain: MarkovText, label: str | None, rng: np.random.Generator, most: int = 99
) -> list[str]:
    """``left`` and a sampled continuation, until its end token or ``most`` words."""
    coded = [chain.index[word] for word in left]
    for _ in range(most):
        symbol = chain.draw(coded, label, rng=rng)
        if symbol == 0:
            break
        coded.append(symbol)
    return [chain.vocabulary[k - 1] for k in coded]


def _bridged(
    left: list[str], right: list[str], chain: MarkovText, label: str | None, rng: np.random.Generator
) -> list[str]:
    """One of several spans after ``left``, drawn by the probability of ``right`` after it."""
    spans = [_continued(left, chain, label, rng, most=int(rng.integers(1, 5))) for _ in range(CANDIDATES)]
    if not right:
        return spans[0]
    target = chain.index[right[0]]
    weights = np.array([chain.probability([chain.index[w] for w in span], target, label) for span in spans])
    return spans[int(rng.choice(CANDIDATES, p=weights / weights.sum()))] + right


def _similarity(one: list[str], other: list[str]) -> Floats:
    """Jaccard similarity of the word sets of all pairs, shape ``(len(one), len(other))``."""
    bags = [set(re.findall(r"[a-z]+", text.lower())) for text in [*one, *other]]
    index = {word: k for k, word in enumerate(sorted(set().union(*bags)))}
    columns = [index[word] for bag in bags for word in sorted(bag)]
    pointers = np.cumsum([0, *map(len, bags)])
    matrix = sparse.csr_matrix((np.ones(len(columns)), columns, pointers), shape=(len(bags), len(index)))
    a, b = matrix[: len(one)], matrix[len(one) :]
    shared = (a @ b.T).toarray()
    sizes = np.asarray(a.sum(axis=1)) + np.asarray(b.sum(axis=1)).T
    return np.asarray(shared / np.maximum(sizes - shared, 1.0))
