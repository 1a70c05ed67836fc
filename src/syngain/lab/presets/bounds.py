"""Preset ``bounds``: failure rates of inequalities in random finite chains.

It also ranks quantities by their correlation with the true gain. GGMI is the generalization gain via mutual
information. Every number is computed from the joint distribution by enumeration; only the simulations are random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import gammaln, xlogy

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.lab.theory.chain import ChainQuantities, FiniteChain, quantities
from syngain.lab.theory.discrete import entropy, mutual_information, total_variation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.core.rng import Streams

ROUNDING = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of chain with M = h(e_p) + g(e_M).

    Attributes:
        merged_prompts: whether h maps several prompts to one meaning. random_curation: whether eps has an effect.
        random_training: whether W is random given S, or S itself.
    """

    merged_prompts: bool
    random_curation: bool
    random_training: bool

    @property
    def name(self) -> str:
        """The properties of the case, as a name."""
        parts = (
            "prompts merged" if self.merged_prompts else "prompts distinct",
            "random curation" if self.random_curation else "fixed curation",
            "random training" if self.random_training else "weights = data",
        )
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """Counts over the chains of one case.

    Attributes:
        chains: their number. valid_chain, identity: violations of proven statements (beyond 1e-10).
        published, corrected: violations of the published upper bound as recalled, and with the opposite sign of Delta
            I.
        ggmi_bound: violations of the recalled GGMI bound at alpha = 1. ggmi_flag_wrong: number of chains where the
            validity flag is wrong.
    """

    name: str
    chains: int
    valid_chain: int
    identity: int
    published: int
    corrected: int
    ggmi_bound: int
    ggmi_flag_wrong: int

    def as_json(self) -> dict[str, object]:
        """Counts by name."""
        return {field: getattr(self, field) for field in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRanking:
    """Spearman correlation of a quantity with the true risk gain, with its interval.

    The interval is a bootstrap over simulations.
    """

    quantity: str
    value: float
    interval: tuple[float, float]
    worlds: int

    def as_json(self) -> dict[str, object]:
        """The ranking as JSON types."""
        return {
            "quantity": self.quantity,
            "spearman": self.value,
            "interval_95": list(self.interval),
            "worlds": self.worlds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundsResult:
    """The result of the preset."""

    cases: Sequence[CaseResult]
    rankings: Sequence[GainRanking]
    worlds: Mapping[str, Sequence[float]]

    def as_json(self) -> dict[str, object]:
        """All counts, correlations and simulations."""
        return {
            "preset": "bounds",
            "cases": [case.as_json() for case in self.cases],
            "rankings": [ranking.as_json() for ranking in self.rankings],
            "worlds": {name: [round(value, 9) for value in values] for name, values in self.worlds.items()},
        }


def bounds(*, streams: Streams, chains: int = 10_000, worlds: int = 400, progress: Progress = silent) -> BoundsResult:
    """Enumerate ``chains`` random chains and ``worlds`` simulations.

    The simulations have exact risk gains.

    Raises:
        UsageError: fewer than 8 chains or 10 simulations.
    """
    if chains < 8 or worlds < 10:
        raise UsageError(
            f"{chains} chains and {worlds} simulations",
            expected="at least 8 chains and 10 simulations",
            todo="raise `chains` to 8 and `worlds` to 10",
        )
    cases = [
        Case(merged_prompts=a, random_curation=b, random_training=c) for a, b, c in product((False, True), repeat=3)
    ]
    results = []
    for position, case in enumerate(cases):
        progress(f"chains: {case.name}", 0.8 * position / len(cases))
        share = chains // len(cases) + (position < chains % len(cases))
        results.append(_count(case, share, streams.stream("chains", case.name)))
    progress("ranking the true gain", 0.8)
    table = _worlds(worlds, streams.stream("worlds"))
    names = [name for name in table if name != "true gain"]
    rankings = [_ranking(name, table, streams.stream("bootstrap", name)) for name in names]
    progress("done", 1.0)
    return BoundsResult(cases=results, rankings=rankings, worlds={k: v.tolist() for k, v in table.items()})


def _count(case: Case, chains: int, rng: np.random.Generator) -> CaseResult:
    counts = np.zeros(6, dtype=int)
    for _ in range(chains):
        chain, e_model = random_chain(case, rng)
        counts += _violations(quantities(chain), entropy(e_model))
    names = ("valid_chain", "identity", "published", "corrected", "ggmi_bound", "ggmi_flag_wrong")
    return CaseResult(name=case.name, chains=chains, **dict(zip(names, counts.tolist(), strict=True)))


def _violations(found: ChainQuantities, model_entropy: float) -> Flags:
    """Violations of each inequality in one chain.

    Valid chain, identity, published, corrected and GGMI bound, and a wrong flag on the last.
    """
    slack = found.published_ggmi_bound(1.0) - found.ggmi
    held = slack >= -ROUNDING
    return np.array(
        [
            any(low > high + ROUNDING for low, high in pairwise(found.valid_chain)),
            abs(found.ggmi - found.ggmi_by_identity) > ROUNDING,
            found.synthetic_information > found.published_bound(model_entropy) + ROUNDING,
            found.synthetic_information > found.published_bound(0.0, sign=+1) + ROUNDING,
            not held,
            held != found.ggmi_bound_is_valid(1.0) and abs(slack) > ROUNDING,  # at equality both answers are correct
        ]
    )


def random_chain(case: Case, rng: np.random.Generator) -> tuple[FiniteChain, Floats]:
    """A random chain of the case, and the distribution of e_M.

    The real rows are e_p; M = h(e_p) + g(e_M) on integers.
    """
    prompts, noises = rng.integers(2, 6, size=2)
    meanings = rng.integers(0, max(2, prompts // 2), size=prompts) if case.merged_prompts else np.arange(prompts)
    said = rng.integers(0, 4, size=noises)
    e_model = rng.dirichlet(np.full(noises, rng.choice([0.3, 1.0, 3.0])))
    outcomes = int(meanings.max() + said.max()) + 1
    generator = np.zeros((prompts, outcomes))
    for p in range(prompts):
        np.add.at(generator[p], meanings[p] + said, e_model)
    eps = int(rng.integers(2, 4)) if case.random_curation else 1
    kept = int(rng.integers(2, outcomes + 1)) if outcomes > 2 else 2
    curation = rng.integers(0, kept, size=(outcomes, eps))
    training = rng.dirichlet(np.full(kept, 0.5), size=kept) if case.random_training else np.eye(kept)
    own = rng.dirichlet(np.full(kept, 0.5), size=prompts) if case.random_training else np.eye(prompts)
    chain = FiniteChain(
        anchors=rng.dirichlet(np.full(prompts, rng.choice([0.3, 1.0, 3.0]))),
        prompt=np.eye(prompts),
        generator=generator,
        noise=rng.dirichlet(np.full(eps, 2.0)),
        curation=curation,
        training=training,
        training_on_anchors=own,
    )
    return chain, e_model


SYMBOLS, ANCHORS, ROWS, PROMPTS = 4, 4, 12, 3


def _worlds(count: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Simulations over four symbols, with enumerated risk of an add-one histogram.

    It is trained on real or on synthetic rows. The generator's conditional distributions mix the truth (sharpened or
    flattened by a temperature), a bias, and noise.
    """
    rows: list[tuple[float, ...]] = []
    tables = {n: _compositions(n) for n in (ANCHORS, ROWS)}
    for _ in range(count):
        truth = rng.dirichlet(np.full(SYMBOLS, rng.choice([0.5, 1.0, 3.0])))
        tempered = truth ** rng.uniform(0.2, 3.0)
        faithful, noise = rng.beta(1, 1), rng.beta(1, 3)
        laws = [
            (1 - noise) * (faithful * tempered / tempered.sum() + (1 - faithful) * rng.dirichlet(np.ones(SYMBOLS)))
            + noise / SYMBOLS
            for _ in range(PROMPTS)
        ]
        joint = np.array(laws) / PROMPTS
        generated = joint.sum(axis=0)
        information = mutual_information(joint)
        gain = _risk(truth, truth, tables[ANCHORS]) - _risk(truth, generated, tables[ROWS])
        divergence = total_variation(truth, generated)
        bound = divergence + math.sqrt(_entropy_of_counts(generated, tables[ROWS]) / (2 * ROWS))
        rows.append((gain, entropy(generated) - information, information, -divergence, -bound))
    names = ("true gain", "information gain", "prompt information", "minus divergence", "minus whole bound")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _compositions(total: int) -> Floats:
    """All count vectors of ``total`` rows over the symbols, shape (c, symbols)."""
    cells = [c for c in product(range(total + 1), repeat=SYMBOLS - 1) if sum(c) <= total]
    return np.array([[*c, total - sum(c)] for c in cells], dtype=float)


def _log_multinomial(law: Floats, counts: Floats) -> Floats:
    total = counts[0].sum()
    return np.asarray(gammaln(total + 1) - gammaln(counts + 1).sum(axis=1) + xlogy(counts, law).sum(axis=1))


def _risk(truth: Floats, source: Floats, counts: Floats) -> float:
    """Expected KL(truth || add-one histogram) of rows drawn from ``source``."""
    learned = (counts + 1) / (counts[0].sum() + SYMBOLS)
    risks = np.sum(xlogy(truth, truth)) - np.log(learned) @ truth
    return float(np.exp(_log_multinomial(source, counts)) @ risks)


def _entropy_of_counts(source: Floats, counts: Floats) -> float:
    """H(counts) = I(S; W), as weights and counts of the rows determine each other."""
    logs = _log_multinomial(source, counts)
    return float(-np.exp(logs) @ logs)


def _ranking(name: str, table: Mapping[str, Floats], rng: np.random.Generator, resamples: int = 400) -> GainRanking:
    x, gain = table[name], table["true gain"]
    draws = [_spearman(x[rows], gain[rows]) for rows in rng.integers(x.size, size=(resamples, x.size))]
    low, high = np.quantile(draws, (0.025, 0.975))
    return GainRanking(quantity=name, value=_spearman(x, gain), interval=(float(low), float(high)), worlds=x.size)


def _spearman(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])
