"""Simulations of tiny languages, with exact quantities by enumeration.

A simulation has topics (the prompts), a true Markov chain of words per topic, and a generator fitted on true texts
mixed with foreign ones. The learner is a smoothed histogram of texts, whose expected risk is a sum of binomials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.generators.toy import MarkovText
from syngain.lab.theory.discrete import accepted, entropy, jensen_shannon, kl, mutual_information, total_variation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats

WORDS = ("a", "b", "c", "d")
LONGEST = 4
TOPICS = ("p", "q", "r")
TEXTS = 60  # true texts per topic in the generator's training texts
ANCHORS, SYNTHETIC = 20, 100
SMOOTHING = 10.0  # pseudo-rows of the learner, spread evenly over all texts


@dataclass(frozen=True, slots=True)
class LanguageWorld:
    """The truth and the generator of a simulation.

    Attributes:
        truth: distribution of real texts, shape ``(X,)``. by_topic: the same per topic, ``(topics, X)``.
        texts: the X texts. generator: Markov chains per topic. foreign: fraction of foreign texts in its training
            texts.
    """

    texts: tuple[str, ...]
    truth: Floats
    by_topic: Floats
    generator: MarkovText
    foreign: float

    def said(self, temperature: float) -> Floats:
        """Distribution of texts per topic at a temperature, shape ``(topics, X)``."""
        return np.array([_law(self.generator, topic, self.texts, temperature) for topic in TOPICS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """Exact quantities of one generation setting, nats per text.

    ``gain`` is the decrease of the learner's expected risk.
    """

    information_gain: float
    prompt_information: float
    generated_entropy: float
    tv: float
    kl: float
    js: float
    generation_divergence: float
    gain: float


def language_world(rng: np.random.Generator) -> LanguageWorld:
    """A random simulation with sparse true chains.

    The generator is fitted on true texts and a random fraction of foreign ones.
    """
    truth = _random_chains(rng)
    foreign = float(rng.uniform(0.0, 0.6))
    strange = _random_chains(rng)
    count = round(TEXTS * foreign)
    texts, labels = [], []
    for topic in TOPICS:
        own = truth.sample(TEXTS - count, rng=rng, label=topic) + strange.sample(count, rng=rng, label=topic)
        texts += [sample.text for sample in own]
        labels += [topic] * len(own)
    generator = MarkovText.fit(texts, labels, max_words=LONGEST)
    everything = tuple(sorted(_all_texts()))
    by_topic = np.array([_law(truth, topic, everything, 1.0) for topic in TOPICS])
    return LanguageWorld(everything, by_topic.mean(axis=0), by_topic, generator, foreign)


def account(world: LanguageWorld, said: Floats, prompts: Sequence[float], acceptance: Floats) -> Accounting:
    """Exact quantities of one generation setting.

    Topics have probabilities ``prompts``, texts ``acceptance``.
    """
    joint = np.asarray(prompts)[:, None] * said
    generated = joint.sum(axis=0)
    kept = accepted(generated, acceptance)
    information = mutual_information(joint)
    total = entropy(generated)
    return Accounting(
        information_gain=total - information,
        prompt_information=information,
        generated_entropy=total,
        tv=total_variation(world.truth, kept),
        kl=kl(world.truth, kept),
        js=jensen_shannon(world.truth, kept),
        generation_divergence=total_variation(generated, kept),
        gain=expected_risk(world.truth, None) - expected_risk(world.truth, kept),
    )


def expected_risk(truth: Floats, synthetic: Floats | None) -> float:
    """Expected ``KL(truth || learned)`` of the histogram learner.

    Trained on real rows, and on synthetic rows if there are any. Real rows are drawn from ``truth``, synthetic rows
    from ``synthetic``, all independently; the count of one text is a sum of two binomials, so the expectation of each
    log-probability is a double sum: exact.
    """
    extra = 0 if synthetic is None else SYNTHETIC
    spread = SMOOTHING / len(truth)
    a, s = np.arange(ANCHORS + 1), np.arange(extra + 1)
    logs = np.log((a[:, None] + s + spread) / (ANCHORS + extra + SMOOTHING))
    from_anchors = stats.binom.pmf(a, ANCHORS, truth[:, None])
    expected = from_anchors @ logs
    if synthetic is not None:
        from_synthetic = stats.binom.pmf(s, SYNTHETIC, synthetic[:, None])
        expected = expected * from_synthetic
    return float(-entropy(truth) - np.sum(truth * expected.sum(axis=1)))


def _random_chains(rng: np.random.Generator) -> MarkovText:
    """Sparse Markov chains per topic, fitted on random texts."""
    texts, labels = [], []
    for topic in TOPICS:
        after = rng.dirichlet(np.full(len(WORDS) + 1, 0.4), size=len(WORDS) + 1)
        for _ in range(TEXTS):
            texts.append(" ".join(_random_text(after, rng)))
            labels.append(topic)
    return MarkovText.fit(texts, labels, max_words=LONGEST)


def _random_text(after: Floats, rng: np.random.Generator) -> list[str]:
    words: list[str] = []
    last = len(WORDS)
    while len(words) < LONGEST:
        last = int(rng.choice(len(WORDS) + 1, p=after[last]))
        if last == len(WORDS):
            if words:
                break
            continue
        words.append(WORDS[last])
    return words or [WORDS[0]]


def _law(chain: MarkovText, topic: str, texts: Sequence[str], temperature: float) -> Floats:
    world = chain.enumerate(topic, temperature=temperature)
    law = np.array([world.get(text, 0.0) for text in texts])
    return np.asarray(law / law.sum())


def _all_texts() -> list[str]:
    texts: list[list[str]] = [[word] for word in WORDS]
    level = texts
    for _ in range(LONGEST - 1):
        level = [[*text, word] for text in level for word in WORDS]
        texts = texts + level
    return [" ".join(text) for text in texts]
