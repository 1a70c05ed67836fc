"""The preset temperature: exact accounting on tiny languages, and estimators from log-probabilities against it."""

import math

import numpy as np
import pytest

from reference import languages as slow
from syngain.core import UsageError
from syngain.information.estimators import information_gain
from syngain.information.estimators.clustered_prompts import ClusteredPrompts
from syngain.lab import run
from syngain.lab.presets.temperature import TemperatureProtocol
from syngain.lab.theory.discrete import entropy
from syngain.lab.worlds import language
from syngain.lab.worlds.language import TOPICS, account, expected_risk, language_world

WORLD = language_world(np.random.default_rng(0))


def test_laws_are_proper_and_cover_all_texts():
    assert len(WORLD.texts) == len(set(WORLD.texts)) == 340
    said = WORLD.said(0.7)
    assert said.shape == (len(TOPICS), 340)
    assert said.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    for row, topic in zip(said, TOPICS, strict=True):
        by_chain = [math.exp(WORLD.generator.log_probability(text, topic, temperature=0.7)) for text in WORLD.texts]
        assert row == pytest.approx(np.array(by_chain), abs=1e-12)


def test_the_accounting_adds_up():
    said = WORLD.said(1.3)
    found = account(WORLD, said, (0.5, 0.3, 0.2), np.ones(340))
    by_hand = 0.5 * entropy(said[0]) + 0.3 * entropy(said[1]) + 0.2 * entropy(said[2])
    assert found.information_gain == pytest.approx(by_hand, abs=1e-10)
    assert found.information_gain + found.prompt_information == pytest.approx(found.generated_entropy, abs=1e-10)
    assert found.generation_divergence == pytest.approx(0.0, abs=1e-12)
    one = account(WORLD, said, (1.0, 0.0, 0.0), np.ones(340))
    assert one.prompt_information == pytest.approx(0.0, abs=1e-10)


def test_the_expected_risk_is_the_sum_over_all_counts(monkeypatch):
    monkeypatch.setattr(language, "ANCHORS", 3)
    monkeypatch.setattr(language, "SYNTHETIC", 4)
    truth, synthetic = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    assert expected_risk(truth, synthetic) == pytest.approx(
        slow.expected_risk(truth, synthetic, 3, 4, language.SMOOTHING), abs=1e-12
    )
    assert expected_risk(truth, None) == pytest.approx(
        slow.expected_risk(truth, synthetic, 3, 0, language.SMOOTHING), abs=1e-12
    )


def test_true_rows_always_help_and_noise_helps_less():
    flat = np.full(340, 1 / 340)
    alone = expected_risk(WORLD.truth, None)
    assert expected_risk(WORLD.truth, WORLD.truth) < alone
    assert expected_risk(WORLD.truth, WORLD.truth) < expected_risk(WORLD.truth, flat)


def test_both_estimators_of_information_gain_are_unbiased_and_entropies_lower_the_variance():
    """Over 60 repeated samples the mean is within four errors of the exact value."""
    exact = account(WORLD, WORLD.said(1.0), (1 / 3,) * 3, np.ones(340)).information_gain
    rng, plain, combined = np.random.default_rng(1), [], []
    for _ in range(60):
        outs = [WORLD.generator.sample(12, rng=rng, label=topic) for topic in TOPICS]
        own = np.array([out.log_probability for row in outs for out in row])
        steps = np.array([math.fsum(out.entropies) for row in outs for out in row])
        plain.append(information_gain.plain(own, ClusteredPrompts.balanced(3, 12)).value)
        combined.append(information_gain.combined(own, -own - steps, ClusteredPrompts.balanced(3, 12)).value)
    for values in (plain, combined):
        assert abs(np.mean(values) - exact) < 4 * np.std(values) / math.sqrt(60)
    assert np.std(combined) < 0.8 * np.std(plain)


@pytest.fixture(scope="module")
def heated():
    return run("temperature", quick=True)


def test_estimates_are_within_the_bonferroni_limit_of_the_exact_values(heated):
    assert len(heated.checks) == 27
    assert all(check.passed for check in heated.checks)


def test_information_gain_rises_with_temperature_while_the_gain_falls(heated):
    curves = {panel.title: panel.curves[0] for panel in heated.panels}
    assert np.all(np.diff(curves["information gain"].y) > 0)
    gain = list(curves["true gain"].y)
    assert gain.index(max(gain)) == 1  # temperature 1
    assert gain[-1] < max(gain) - 0.1


def test_divergence_orders_the_gain_and_information_gain_does_not(heated):
    rows = {(row[0], row[1]): row[2:] for row in heated.tables[0].rows}
    assert rows["all configurations", "minus TV(truth, kept)"][1] > 0.7
    assert rows["all configurations", "information gain"][2] < 0.6
    shares = dict(heated.tables[2].rows)
    assert shares["information gain"] > 0.3 > shares["minus TV(truth, kept)"]


@pytest.mark.parametrize("wrong", [{"worlds": 1}, {"outputs": 1}, {"temperatures": (0.0, 1.0)}])
def test_wrong_sizes_are_named(wrong):
    with pytest.raises(UsageError, match="Expected"):
        TemperatureProtocol(**wrong)
