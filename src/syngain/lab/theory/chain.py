"""Information chain of synthetic data on finite alphabets: identities, bounds.

Bounds marked [paper, recalled] are from memory. GGMI is the generalization gain via mutual information. Real rows A ->
prompt p -> generated M -> curated S -> weights W; all randomness of curation is in eps; W' is trained on A. All
quantities are enumerated from the joint distribution: exact up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.lab.theory.discrete import conditional_entropy, entropy, mutual_information

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class FiniteChain:
    """Conditional distributions of a chain on finite alphabets; rows sum to one.

    Attributes:
        ``anchors``: distribution of A, shape (a,). prompt: p given A, (a, p). generator: M given p, (p, m).
        noise: distribution of eps, (e,). curation: S as a function of (M, eps), integers, shape (m, e).
        training: W given S, (s, w). training_on_anchors: W' given A, (a, w).
    """

    anchors: Floats
    prompt: Floats
    generator: Floats
    noise: Floats
    curation: Ints
    training: Floats
    training_on_anchors: Floats

    def __post_init__(self) -> None:
        for name in ("anchors", "prompt", "generator", "noise", "training", "training_on_anchors"):
            table = getattr(self, name)
            if np.any(table < 0) or not np.allclose(table.sum(axis=-1), 1, atol=1e-12):
                raise UsageError(
                    f"the table `{name}` does not contain probabilities",
                    expected="non-negative rows that sum to 1",
                    todo="normalize each row to sum 1",
                )
        if self.curation.min() < 0 or self.curation.max() >= self.training.shape[0]:
            raise UsageError(
                "a curation map with values outside the alphabet of S",
                expected=f"integers from 0 to {self.training.shape[0] - 1}",
                todo="correct the curation map",
            )

    def joint(self) -> Floats:
        """P(A, p, M, S, W), shape (a, p, m, s, w)."""
        kept = np.zeros((self.generator.shape[1], self.training.shape[0]))
        for m, outcomes in enumerate(self.curation):
            np.add.at(kept[m], outcomes, self.noise)
        return np.asarray(
            np.einsum(
                "a,ap,pm,ms,sw->apmsw", self.anchors, self.prompt, self.generator, kept, self.training, optimize=True
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainQuantities:
    """All entropies and mutual informations of a chain, in nats.

    Names are as on the theory page.
    """

    information_gain: float  # H(M) - I(p; M) = H(M | p)
    prompt_information: float  # I(p; M)
    generated_entropy: float  # H(M)
    anchor_entropy: float  # H(A)
    synthetic_entropy: float  # H(S)
    curation_entropy: float  # H(S | M)
    noise_entropy: float  # H(eps)
    synthetic_information: float  # I(S; W)
    anchor_information: float  # I(A; W')
    synthetic_given_weights: float  # H(S | W)
    anchor_given_weights: float  # H(A | W)
    anchor_given_own_weights: float  # H(A | W')

    @property
    def ggmi(self) -> float:
        """I(A; W') - I(S; W)."""
        return self.anchor_information - self.synthetic_information

    @property
    def ggmi_by_identity(self) -> float:
        """``ggmi`` as a sum of four terms, for every distribution.

        Delta H + H(S | W) - H(A | W) + eps_{W,p}.
        """
        return self.entropy_difference + self.synthetic_given_weights - self.anchor_given_weights + self.weight_error

    @property
    def entropy_difference(self) -> float:
        """Delta H = H(A) - H(S)."""
        return self.anchor_entropy - self.synthetic_entropy

    @property
    def weight_error(self) -> float:
        """eps_{W,p} = H(A | W) - H(A | W')."""
        return self.anchor_given_weights - self.anchor_given_own_weights

    @property
    def valid_chain(self) -> tuple[float, ...]:
        """I(S; W) <= H(S) <= H(M) + H(S | M) <= H(M) + H(eps), true for every chain."""
        return (
            self.synthetic_information,
            self.synthetic_entropy,
            self.generated_entropy + self.curation_entropy,
            self.generated_entropy + self.noise_entropy,
        )

    def published_bound(self, model_entropy: float, *, sign: int = -1) -> float:
        """-Delta I + B_syn + H(e_M) + delta [paper, recalled]; valid with ``sign=+1``."""
        return sign * self.information_gain + self.prompt_information + model_entropy + self.noise_entropy

    def published_ggmi_bound(self, alpha: float) -> float:
        """Published GGMI bound [paper, recalled].

        Delta I - (alpha + 1) H(A|W) + 2 Delta H + H(S|W) + eps_{W,p}.
        """
        return (
            self.information_gain
            - (alpha + 1) * self.anchor_given_weights
            + 2 * self.entropy_difference
            + self.synthetic_given_weights
            + self.weight_error
        )

    def ggmi_bound_is_valid(self, alpha: float) -> bool:
        """The published bound is valid if and only if Delta I + Delta H >= alpha H(A | W)."""
        return self.information_gain + self.entropy_difference >= alpha * self.anchor_given_weights


def quantities(chain: FiniteChain) -> ChainQuantities:
    """All quantities of a chain, enumerated from its joint distribution."""
    joint = chain.joint()
    prompts_generated = joint.sum(axis=(0, 3, 4))
    generated_synthetic = joint.sum(axis=(0, 1, 4))
    synthetic_weights = joint.sum(axis=(0, 1, 2))
    anchor_weights = joint.sum(axis=(1, 2, 3))
    own = chain.anchors[:, None] * chain.training_on_anchors
    generated = entropy(prompts_generated.sum(axis=0))
    prompt = mutual_information(prompts_generated)
    return ChainQuantities(
        information_gain=generated - prompt,
        prompt_information=prompt,
        generated_entropy=generated,
        anchor_entropy=entropy(chain.anchors),
        synthetic_entropy=entropy(synthetic_weights.sum(axis=1)),
        curation_entropy=conditional_entropy(generated_synthetic.T),
        noise_entropy=entropy(chain.noise),
        synthetic_information=mutual_information(synthetic_weights),
        anchor_information=mutual_information(own),
        synthetic_given_weights=conditional_entropy(synthetic_weights),
        anchor_given_weights=conditional_entropy(anchor_weights),
        anchor_given_own_weights=conditional_entropy(own),
    )
