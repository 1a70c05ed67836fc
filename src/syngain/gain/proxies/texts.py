"""Unlabeled texts as a task: n-gram language model, surprisal of real texts.

All n-grams of all rows are indexed once; a variant is a weight per row, so that a hundred variants cost little more
than one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.data.dataset import Kind
from syngain.gain.proxies.task import Outcome, Training
from syngain.learners.grams import Grams
from syngain.learners.ngram import NgramModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.data.dataset import Dataset


@dataclass(frozen=True)
class TextTask:
    """Real rows, then synthetic rows, as n-grams; of a pair the response is scored.

    Attributes:
        grams: real rows (training, pool, test), then synthetic rows. real: number of real rows.
        unit: clusters of all rows (n + m,) that must not be on both sides when a row is held out to choose the
            discount; None: only equal rows.
        model: the proxy.
    """

    grams: Grams
    real: int
    unit: Ints | None = None
    model: NgramModel = field(default_factory=NgramModel)

    @classmethod
    def of(
        cls,
        real: Dataset,
        synthetic: Dataset,
        *,
        pool: Dataset | None = None,
        test: Dataset | None = None,
        unit: Ints | None = None,
        model: NgramModel | None = None,
    ) -> TextTask:
        """Index datasets of texts or pairs; about 60 bytes of memory per byte.

        Raises:
            InputError: a table, texts next to pairs, or real rows without a single byte to score.
            UsageError: not one unit per row.
        """
        sets = [item for item in (real, pool, test) if item is not None]
        return cls.of_sets(sets, synthetic, unit=unit, model=model)

    @classmethod
    def of_sets(
        cls,
        real: Sequence[Dataset],
        synthetic: Dataset,
        *,
        unit: Ints | None = None,
        model: NgramModel | None = None,
    ) -> TextTask:
        """Index real datasets, one after another, and the synthetic one.

        Raises:
            InputError: as :meth:`of`.
        """
        return _indexed(real, synthetic, unit, model)

    def within(self, real: Ints, synthetic: Ints) -> TextTask:  # noqa: ARG002  (the index learns nothing)
        """The task itself: the index learns nothing."""
        return self

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:  # noqa: ARG002  (no seed)
        """Fit on the training rows and score real rows.

        ``loss`` is the surprisal of the scored text and its end; ``size`` its UTF-8 bytes without the end, as for
        causal language models, so that the proxies' nats per byte compare. The discount is chosen on held-out real
        rows wherever there are any. There are no classes: ``balanced`` changes nothing. Deterministic.
        """
        total = self.grams.rows
        weight = np.bincount(np.concatenate([training.real, self.real + training.synthetic]), minlength=total)
        judged = np.arange(total) < self.real if training.real.size else np.ones(total, dtype=bool)
        fitted = self.model.fit_grams(self.grams, weight.astype(float), judged=judged, unit=self.unit)
        return Outcome(fitted.row_surprisal()[rows], self.grams.size[rows].astype(float))


def _indexed(real: Sequence[Dataset], synthetic: Dataset, unit: Ints | None, model: NgramModel | None) -> TextTask:
    sets = [*real, synthetic]
    _check(sets)
    model = model or NgramModel()
    pairs = synthetic.kind is Kind.PAIR
    texts = [text for item in sets for text in item.sides["response" if pairs else "text"]]
    prompts = [text for item in sets for text in item.sides["prompt"]] if pairs else None
    count = sum(map(len, real))
    if unit is not None and unit.size != len(texts):
        raise UsageError(
            f"{unit.size} units for {len(texts)} rows",
            expected="one unit per real and synthetic row",
            todo="pass one code per row, real rows first",
        )
    grams = Grams.of(texts, prompts, order=model.order)
    if not grams.size[:count].any():
        raise InputError(
            "the real rows have no text to score",
            expected="at least one response or text that is not empty",
            todo="name the fields: --text prompt+response",
        )
    return TextTask(grams, count, unit, model)


def _check(sets: Sequence[Dataset]) -> None:
    for item in sets:
        if item.kind is Kind.TABLE:
            raise InputError(
                f"{item.name} is a table of columns",
                expected="texts, or pairs of prompt and response, for a language model",
                todo="name the fields: --text prompt+response",
            )
    kinds = {item.kind: item.name for item in sets}
    if len(kinds) > 1:
        texts, pairs = kinds[Kind.TEXT], kinds[Kind.PAIR]
        raise InputError(
            f"{texts} has texts, {pairs} pairs of prompt and response",
            expected="the same kind of rows on all sides",
            todo="name the fields with --text",
        )
