"""Estimators of information against worlds that know their truth; the full run is benchmarks/information_worlds.py."""

import math

import numpy as np
import pytest

from syngain.lab.information_trials import BRACKETS, trial
from syngain.lab.worlds.information_worlds import SpokenWorld, enumerate_laws, score, speak

WORLDS = 100


@pytest.fixture(scope="module")
def trials():
    return [trial(("fixed", "ending")[seed % 2], 7_000 + seed) for seed in range(WORLDS)]


@pytest.mark.parametrize("kind", ["fixed", "ending"])
def test_closed_forms_of_the_population_agree_with_enumeration_of_many_prompts(kind):
    rng = np.random.default_rng(3)
    world = SpokenWorld.draw(kind, rng)
    tables = world.prompts(4000, rng)
    laws = enumerate_laws(tables)
    each = -np.sum(laws.probability * np.log(np.maximum(laws.probability, 1e-300)), axis=1)
    assert laws.probability.sum(axis=1) == pytest.approx(1)
    assert abs(each.mean() - world.gain) < 4 * each.std() / math.sqrt(4000)
    assert laws.entropy == pytest.approx(world.entropy, abs=0.05)
    first = tables[:, 0, 0, :4]
    words = -np.sum(first * np.log(np.maximum(first, 1e-300)), axis=1)
    assert abs(words.mean() - world.first_word_entropy) < 4 * words.std() / math.sqrt(4000)


@pytest.mark.parametrize("kind", ["fixed", "ending"])
def test_what_is_said_is_scored_as_it_was_said_and_follows_the_enumerated_law(kind):
    rng = np.random.default_rng(4)
    world = SpokenWorld.draw(kind, rng)
    tables = world.prompts(2, rng)
    prompt = np.repeat([0, 1], 6000)
    said = speak(tables, prompt, rng)
    logs = score(tables, said.words)[np.arange(12_000), prompt]
    assert logs == pytest.approx(said.chosen.sum(axis=1))
    laws = enumerate_laws(tables)
    for k in (0, 1):
        p = laws.probability[k][laws.probability[k] > 0]
        own = logs[prompt == k]
        assert abs(own.mean() - np.sum(p * np.log(p))) < 4 * own.std() / math.sqrt(6000)
        entropies = said.entropies[prompt == k]
        assert abs(entropies.mean() + np.sum(p * np.log(p))) < 4 * entropies.std() / math.sqrt(6000)
    assert said.bytes.mean() == pytest.approx(world.bytes, rel=0.5)


def test_every_unbiased_estimator_has_its_error_and_covers(trials):
    """Limits at 100 worlds: 3.5 standard errors of a mean, of a standard deviation and of a coverage of .95."""
    for name in trials[0].unbiased:
        z = np.array([item.unbiased[name].z for item in trials])
        covered = np.mean([item.unbiased[name].covers for item in trials])
        assert abs(z.mean()) < 3.5 / math.sqrt(WORLDS), name
        assert abs(z.std(ddof=1) - 1) < 3.5 / math.sqrt(2 * WORLDS), name
        assert covered > 0.95 - 3.5 * math.sqrt(0.95 * 0.05 / WORLDS), name


def test_one_sided_bounds_hold_the_truth_at_their_level(trials):
    for name in trials[0].bounds:
        assert np.mean([item.bounds[name] for item in trials]) > 0.9, name
    for count in BRACKETS:
        some = [item.brackets[count] for item in trials]
        assert np.mean([item.low <= item.truth <= item.high for item in some]) > 0.9


def test_entropies_lower_the_variance_and_the_combination_is_never_much_worse_than_the_better(trials):
    fixed, ending = (np.array([[v.plain, v.rao_blackwell, v.combined] for v in
                               (item.variances for item in trials[start::2])]) for start in (0, 1))  # fmt: skip
    assert np.median(fixed[:, 0] / fixed[:, 1]) >= 4
    assert np.median(ending[:, 0] / ending[:, 1]) < 4
    for table in (fixed, ending):
        assert np.mean(table[:, 2] / table[:, :2].min(axis=1)) < 1.05
        assert np.mean(table[:, 2] / table[:, :2].min(axis=1) > 1.05) < 0.05


def test_brackets_shrink_with_prompts_and_say_when_they_are_saturated(trials):
    widths = [np.median([item.brackets[k].high - item.brackets[k].low for item in trials]) for k in BRACKETS]
    assert widths[0] > widths[1] > widths[2]
    deep = [item.brackets[16] for item in trials if item.brackets[16].truth > math.log(16)]
    assert len(deep) > 5
    assert all(item.saturated for item in deep)
    assert not any(item.brackets[256].saturated for item in trials if item.brackets[256].truth < 4)


def test_leaving_out_rows_instead_of_prompts_is_no_upper_bound(trials):
    for count in BRACKETS:
        some = [item.brackets[count] for item in trials]
        over = np.array([item.upper - item.truth for item in some])
        mistaken = np.array([item.rows_left_out - item.truth for item in some])
        assert over.mean() > 0
        assert mistaken.mean() < -2 * mistaken.std(ddof=1) / math.sqrt(len(mistaken))
