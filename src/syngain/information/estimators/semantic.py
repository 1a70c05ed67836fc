"""Split of entropy into meaning and wording, in nats.

H(y | p) = H(cluster(y) | p) + H(y | cluster, p). Only the first part is diversity. The clusters must be fixed before
the outputs are known. Counts give a lower bound of H(cluster | p), capped at the logarithm of the samples per prompt;
known probabilities of the distinct texts give an upper one. Weights proportional to the probabilities of the sampled
texts [kuhn2023] give neither: with many improbable wordings of a common meaning they overstate the rare one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import entr

from syngain.core.errors import UsageError
from syngain.information.estimators.clustered_prompts import ClusteredPrompts, mean, of_influence
from syngain.information.estimators.information_gain import check_logs

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate

FEWEST = 8  # samples per prompt below which the cap dominates the estimate


def meaning_entropy(meanings: Sequence[Hashable], design: ClusteredPrompts) -> Estimate:
    """``information.semantic``: a lower bound of H(cluster(y) | p).

    ``ceiling`` is in its references. The entropy of the counts of each prompt, averaged over prompts: below the truth
    in expectation because entropy is concave.

    Raises:
        UsageError: fewer than 8 samples of a prompt.
    """
    samples = design.samples
    if samples.min() < FEWEST:
        raise UsageError(
            f"a prompt with {int(samples.min())} samples",
            expected=f"at least {FEWEST} samples of every prompt for a semantic split",
            todo="generate more samples per prompt",
        )
    per_prompt = _count_entropies(meanings, design)
    found = of_influence(float(per_prompt.mean()), per_prompt - per_prompt.mean(), design)
    return found.estimate(
        design,
        method="entropy of the counts of meanings within each prompt; prompts resampled",
        estimand="entropy of the meaning of an output given its prompt; at most ln(samples per prompt) is observable",
        direction="lower",
        references={"ceiling": float(np.mean(np.log(samples)))},
    )


def meaning_entropy_upper(
    own: Floats, meanings: Sequence[Hashable], texts: Sequence[str], design: ClusteredPrompts
) -> Estimate:
    """An upper bound of H(cluster(y) | p), in expectation.

    ``own`` (n,) are log-probabilities, summed by meaning.

    A meaning is at least as probable as its sampled wordings. Useful where a few wordings have most of its probability.
    """
    check_logs(own, design)
    first: dict[tuple[int, str], float] = {}
    mass: dict[tuple[int, Hashable], float] = {}
    for prompt, text, meaning, log in zip(design.prompt, texts, meanings, own, strict=True):
        key = (int(prompt), text)
        if key not in first:
            first[key] = float(log)
            place = (int(prompt), meaning)
            mass[place] = mass.get(place, 0.0) + math.exp(log)
    values = [-math.log(min(mass[int(p), m], 1.0)) for p, m in zip(design.prompt, meanings, strict=True)]
    return mean(np.array(values), design).estimate(
        design,
        method="minus the logarithm of the summed probabilities of the generated wordings of a meaning",
        estimand="upper bound, in expectation, of the entropy of the meaning of an output given its prompt",
        direction="upper",
    )


def _count_entropies(meanings: Sequence[Hashable], design: ClusteredPrompts) -> Floats:
    number = {meaning: k for k, meaning in enumerate(dict.fromkeys(meanings))}
    table = np.zeros((design.prompts, len(number)))
    np.add.at(table, (design.prompt, np.array([number[meaning] for meaning in meanings], dtype=np.int64)), 1.0)
    return np.asarray(entr(table / design.samples[:, None]).sum(axis=1))
