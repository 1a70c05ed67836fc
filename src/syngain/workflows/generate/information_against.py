"""What stands beside information and never comes from it: surprisal under a proxy of real rows, divergence, gain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.information.estimators.clustered_prompts import ratio
from syngain.information.measures import design_of
from syngain.learners.ngram import NgramModel
from syngain.workflows.evaluate.audit import audit

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.information.outputs import Outputs

FOLDS = 5
FEWEST = 20  # real rows, below which a proxy is not worth asking


def novelty(rows: Dataset, real: Dataset, said: Outputs) -> dict[str, Estimate]:
    """``novelty.surprisal``: nats per byte of the rows under an n-gram model of the real ones.

    Beside it, as a reference, that of real rows the model did not learn from. Pairs count their response.
    """
    if len(real) < FEWEST or rows.kind is not real.kind:
        return {}
    side = "response" if "response" in real.sides else "text"
    texts = list(real.sides[side])
    nats, sizes = NgramModel().fit(texts).surprisal(list(rows.sides[side]))
    design, _ = design_of(said)
    found = ratio(nats, sizes.astype(np.float64) + 1.0, design)  # the end counts as one symbol
    fold = np.arange(len(texts)) % FOLDS
    held, length = 0.0, 0.0
    for part in range(FOLDS):
        model = NgramModel().fit([text for text, own in zip(texts, fold, strict=True) if own != part])
        own_nats, own_sizes = model.surprisal([text for text, own in zip(texts, fold, strict=True) if own == part])
        held, length = held + float(own_nats.sum()), length + float(own_sizes.sum() + len(own_sizes))
    estimate = found.estimate(
        design,
        method="byte n-gram model fitted on the real rows; ratio of means over prompts, prompts resampled",
        estimand="surprisal of outputs, per byte and end, under a proxy that learned the real rows",
        unit="nats per byte",
        references={"held-out real rows": held / length},
    )
    return {"novelty.surprisal": estimate}


def against_real(rows: Dataset, real: Dataset, *, seed: int) -> tuple[dict[str, Estimate], str]:
    """Task divergence and measured gain of the rows as ``syngain audit`` gives them; why not, where it refuses."""
    try:
        result = audit(real, rows, seed=seed)
    except InputError as error:
        return {}, error.came
    wanted = ("divergence.tv_lower", "gain.log_loss", "gain.nats_per_byte")
    found = {name: replace(result.estimates[name]) for name in wanted if name in result.estimates}
    return found, ""
