"""What no report of syngain claims."""

from __future__ import annotations

NOT_CLAIMED = (
    "A certified bound on how a language model generalizes.",
    "That a divergence between embeddings bounds the true divergence from above: it can only be a lower bound.",
    "That a positive information gain or a positive GGMI means improvement: noise has plenty of both.",
    "Mutual information above the logarithm of the number of prompts.",
    "An absolute meaning of diversity or density numbers: read them next to real rows of the same number.",
    "That a ranking by a small proxy transfers to your model without a calibration record.",
    "A best mixture that holds in every setting.",
    "Information from nowhere: it enters through the generator's pre-training, a verifier or people.",
)
