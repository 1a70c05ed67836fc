"""What really happened: the gain on the test of the case, by two families of learners, and by syngain's own proxy.

The truth of a case is the mean over the two families of the paired gain: log-loss in nats for labeled rows, nats per
byte without labels; positive is better. The own proxy is kept beside it: its gain is what a forecast of syngain claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.value.families import Boosted, Labeled, Linear, bytes_model, words_model
from scipy import stats
from threadpoolctl import threadpool_limits

from syngain.core.rng import Streams
from syngain.data import match_sources
from syngain.data.study import joined
from syngain.data.text import near_duplicates
from syngain.gain.design.layout import GainLayout
from syngain.gain.on_test import measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.value.cases import Case
    from numpy.typing import NDArray

    from syngain.data.dataset import Dataset

    Floats = NDArray[np.float64]

LEVEL = 0.9
CLASSIFIERS = {"linear": Linear(), "boosted": Boosted()}
SPEAKERS = {"bytes": bytes_model, "words": words_model}


@dataclass(frozen=True)
class Gain:
    """A paired gain on t test rows with its 90 % interval (normal, rows independent)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, paired: Floats) -> Gain:
        """From one number per row whose mean is the gain, shape (t,)."""
        reach = stats.norm.ppf((1 + LEVEL) / 2) * paired.std(ddof=1) / np.sqrt(paired.size)
        return cls(float(paired.mean()), float(paired.mean() - reach), float(paired.mean() + reach))


@dataclass(frozen=True)
class Outcome:
    """Measured gains of a case.

    Attributes:
        mean: over the families. families: each. accuracy: mean gain in accuracy over the families, None without labels.
        own: of syngain's proxy; accuracy of the same in ``own_accuracy``.
    """

    mean: Gain
    families: Mapping[str, Gain]
    own: Gain
    accuracy: Gain | None = None
    own_accuracy: Gain | None = None


@dataclass
class Bench:
    """Measures case after case; what anchors alone score is kept while the anchors stay the same."""

    _alone: dict[str, Mapping[str, Floats]] = field(default_factory=dict)

    def outcome(self, case: Case) -> Outcome:
        """The measured gains of a case."""
        with threadpool_limits(1):
            return self._labeled(case) if case.anchors.labels is not None else self._unlabeled(case)

    def _labeled(self, case: Case) -> Outcome:
        label, sets, classes = _labels(case)
        anchors, made, test = sets
        rows = np.arange(label.size)
        losses, hits = {}, {}
        for name, family in CLASSIFIERS.items():
            alone = self._kept(
                case,
                name,
                classes,
                lambda f=family: f.log_probabilities(anchors, len(anchors.texts), test.texts, classes),
            )
            both = family.log_probabilities(anchors.joined(made), len(anchors.texts), test.texts, classes)
            losses[name] = both[rows, label] - alone[rows, label]
            hits[name] = (both.argmax(axis=1) == label).astype(float) - (alone.argmax(axis=1) == label)
        own = _own(case, ("log_loss", "accuracy"))
        return Outcome(
            mean=Gain.of(np.mean([*losses.values()], axis=0)),
            families={name: Gain.of(loss) for name, loss in losses.items()},
            own=own[0],
            accuracy=Gain.of(np.mean([*hits.values()], axis=0)),
            own_accuracy=own[1],
        )

    def _unlabeled(self, case: Case) -> Outcome:
        anchors, made, test = (spoken(item) for item in (case.anchors, case.synthetic, case.test))
        size = np.array([len(text.encode()) for text in test], dtype=float)
        gains = {}
        for name, model in SPEAKERS.items():
            alone = self._kept(case, name, 0, lambda m=model: np.array([*map(m(anchors), test)]))
            saved = alone - np.array([*map(model([*anchors, *made]), test)])
            ratio = saved.sum() / size.sum()
            gains[name] = ratio + (saved - ratio * size) / size.mean()  # influence of a row on a ratio of sums
        own = _own(case, ("nats_per_byte",))
        families = {name: Gain.of(gain) for name, gain in gains.items()}
        return Outcome(Gain.of(np.mean([*gains.values()], axis=0)), families, own[0])

    def _kept(self, case: Case, name: str, classes: int, score) -> Floats:
        key = f"{case.task}/{case.split}"
        kept = self._alone.get(key) or {}
        if f"{name} {classes}" not in kept:
            kept = {**kept, f"{name} {classes}": score()}
            self._alone = {key: kept}  # of one drawing at a time
        return kept[f"{name} {classes}"]


def spoken(rows: Dataset) -> list[str]:
    """What a language model is judged by: the response of a pair, else the text."""
    return list(rows.sides["response"] if "response" in rows.sides else rows.sides["text"])


def _labels(case: Case) -> tuple[NDArray[np.int64], tuple[Labeled, Labeled, Labeled], int]:
    """Codes of the test's labels; anchors, synthetic rows and test; the number of labels on any side."""
    sets = (case.anchors, case.synthetic, case.test)
    names = sorted({label for rows in sets for label in rows.labels or ()})
    code = {name: number for number, name in enumerate(names)}
    texts = [joined(rows) for rows in sets]
    same = near_duplicates.shared_codes(*texts)
    source, _ = match_sources(case.synthetic, case.anchors)
    known = np.full(len(case.synthetic), -1) if source is None else np.asarray(source)
    copied = np.where(np.isin(same[1], same[0]), same[1], -1)
    unit = (same[0], np.where(known >= 0, same[0][known], copied), same[2])
    labels = [np.array([code[label] for label in rows.labels or ()]) for rows in sets]
    made = tuple(Labeled(*parts) for parts in zip(texts, labels, unit, strict=True))
    return labels[2], made, len(names)


def _own(case: Case, metrics: tuple[str, ...]) -> list[Gain]:
    """What syngain's proxy measures on the test (:mod:`syngain.gain.on_test`)."""
    streams = Streams(case.split)
    ground = GainLayout.of(case.anchors, case.synthetic, test=case.test)
    task = ground.label_task(streams) if ground.labeled else ground.text_task()
    seen = measured(task, ground, streams)
    found = [seen.gain(metric) for metric in metrics]
    return [Gain(item.value, *item.interval(LEVEL)) for item in found]
