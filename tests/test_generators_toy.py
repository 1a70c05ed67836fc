"""The toy generator says exactly how probable everything it says is."""

import math
from collections import Counter

import numpy as np
import pytest

from syngain.core import UsageError
from syngain.generators import MarkovText

TEXTS = ["a b", "a b a", "b a", "a", "b b a", "a a b"]
LABELS = ["x", "x", "y", "y", "x", "y"]
TINY = MarkovText.fit(TEXTS, LABELS, max_words=5)


@pytest.mark.parametrize("label", [None, "x", "y"])
@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 2.5])
def test_probabilities_of_all_texts_sum_to_one(label, temperature):
    world = TINY.enumerate(label, temperature=temperature)
    assert math.fsum(world.values()) == pytest.approx(1.0, abs=1e-12)
    assert "" not in world


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_log_probability_agrees_with_enumeration(temperature):
    world = TINY.enumerate("x", temperature=temperature)
    for text, probability in world.items():
        assert TINY.log_probability(text, "x", temperature=temperature) == pytest.approx(math.log(probability))


@pytest.mark.parametrize("temperature", [0.6, 1.0])
def test_sampled_frequencies_are_the_probabilities(temperature):
    n = 4_000
    samples = TINY.sample(n, rng=np.random.default_rng(0), label="y", temperature=temperature)
    counts = Counter(sample.text for sample in samples)
    world = {text: p for text, p in TINY.enumerate("y", temperature=temperature).items() if n * p >= 5}
    assert len(world) > 5
    for text, p in world.items():
        assert abs(counts[text] / n - p) < 4.5 * math.sqrt(p * (1 - p) / n)
    for sample in samples[:50]:
        assert sample.log_probability == pytest.approx(
            TINY.log_probability(sample.text, "y", temperature=temperature), abs=1e-12
        )


def test_step_entropies_add_up_to_the_entropy_of_the_text():
    world = TINY.enumerate("x")
    entropy = -sum(p * math.log(p) for p in world.values())
    chained = sum(p * float(np.sum(TINY.steps(text, "x")[1])) for text, p in world.items())
    assert chained == pytest.approx(entropy, rel=1e-12)


def test_sample_entropies_are_those_of_its_steps():
    (sample,) = TINY.sample(1, rng=np.random.default_rng(3), label="x", temperature=0.7)
    _, entropies = TINY.steps(sample.text, "x", temperature=0.7)
    assert sample.entropies == pytest.approx(entropies.tolist())


def test_temperature_near_zero_is_greedy():
    greedy = TINY.sample(3, rng=np.random.default_rng(0), label="x", temperature=0.0)
    assert len({sample.text for sample in greedy}) == 1
    assert TINY.log_probability(greedy[0].text, "x", temperature=1e-3) == pytest.approx(0.0, abs=1e-9)


def test_low_order_draws_have_the_law_of_the_dense_vector():
    rng = np.random.default_rng(5)
    for words in ([], [1], [2, 1]):
        n = 20_000
        counts = np.bincount([TINY.draw(words, "x", rng=rng) for _ in range(n)], minlength=3)
        law = TINY.next_word(words, "x")
        assert np.all(np.abs(counts / n - law) < 4.5 * np.sqrt(law * (1 - law) / n) + 1e-12)
        assert [TINY.probability(words, k, "x") for k in range(3)] == pytest.approx(law.tolist())


def test_words_never_seen_have_probability_zero():
    logs, entropies = TINY.steps("a zebra b", "x")
    assert logs[1:].tolist() == [-math.inf] * 3
    assert np.isnan(entropies[1:]).all()
    assert TINY.log_probability("a zebra b", "x") == -math.inf


def test_a_text_longer_than_the_chain_allows_has_probability_zero():
    assert TINY.log_probability("a a a a a a a", "x") == -math.inf


def test_same_seed_same_samples():
    one, two = (TINY.sample(20, rng=np.random.default_rng(9)) for _ in range(2))
    assert one == two


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: MarkovText.fit([]),
        lambda: MarkovText.fit(["a b c"], max_words=2),
        lambda: MarkovText.fit(["a"], ["x", "y"]),
        lambda: MarkovText.fit(["a"], backoff=-1.0),
        lambda: TINY.next_word([], "unknown"),
        lambda: TINY.next_word([], "x", temperature=-1.0),
    ],
)
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(UsageError, match="Expected"):
        wrong()
