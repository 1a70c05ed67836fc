"""The presets whose truth is enumerated or in closed form: bounds, loops; information from log-probabilities."""

import json
import math

import numpy as np
import pytest

from syngain.core import UsageError
from syngain.core.rng import Streams
from syngain.information.estimators.clustered_prompts import ClusteredPrompts
from syngain.information.estimators.prompt_information import bracket, population_lower, population_upper
from syngain.lab.presets.bounds import bounds
from syngain.lab.presets.loops import GOLDEN, loops, steady_error


@pytest.fixture(scope="module")
def chains():
    return bounds(streams=Streams(0), chains=10_000, worlds=400)


def test_what_is_proved_holds_in_every_one_of_ten_thousand_chains(chains):
    assert sum(case.chains for case in chains.cases) == 10_000
    for case in chains.cases:
        assert (case.valid_chain, case.identity, case.corrected, case.ggmi_flag_wrong) == (0, 0, 0, 0), case.name


def test_the_published_bound_is_violated_in_many_chains(chains):
    rates = {case.name: case.published / case.chains for case in chains.cases}
    assert max(rates.values()) > 0.3
    assert sum(rate > 0.05 for rate in rates.values()) >= 5


def test_information_gain_does_not_rank_the_gain_and_divergence_does(chains):
    rank = {item.quantity: item for item in chains.rankings}
    assert rank["information gain"].interval[1] < 0
    assert rank["minus divergence"].interval[0] > 0.7
    assert rank["minus whole bound"].interval[0] > 0.7


@pytest.fixture(scope="module")
def looped():
    return loops(streams=Streams(0), replicates=2_000)


def test_loops_follow_their_laws_within_three_standard_errors(looped):
    assert len(looped.checks) == 101
    assert max(looped.checks) < looped.threshold
    assert sum(value > 3 for value in looped.checks) == 0


def test_the_optimal_weight_on_fresh_rows_is_the_inverse_golden_ratio(looped):
    assert looped.optimal_weight_law == pytest.approx(GOLDEN, abs=1e-5)
    assert abs(looped.optimal_weight - GOLDEN) < 3 * looped.optimal_weight_error < 0.06
    assert steady_error(GOLDEN, 50, 50) < steady_error(0.5, 50, 50)


def test_kernel_density_rises_and_then_falls_as_synthetic_data_grows(looped):
    curve = next(curve for curve in looped.curves if curve.name.startswith("kernel"))
    peak = int(np.argmax(curve.mean))
    assert 0 < peak < len(curve.mean) - 1
    for end in (0, -1):
        assert curve.mean[peak] - curve.mean[end] > 3 * math.hypot(curve.error[peak], curve.error[end])


def test_prompt_information_brackets_the_population_and_never_exceeds_ln_k():
    rng = np.random.default_rng(2)
    laws = rng.dirichlet(np.full(6, 0.5), size=40)  # prompts drawn from a population
    population = rng.dirichlet(np.full(6, 0.5), size=20_000)
    truth = float(np.mean(np.sum(population * np.log(population / population.mean(axis=0) + 1e-300), axis=1)))
    drawn = np.array([rng.choice(6, size=200, p=law) for law in laws])
    scored, design = np.log(laws[:, drawn.ravel()]).T, ClusteredPrompts.balanced(40, 200)
    found = bracket(scored, design)
    assert found.low <= truth <= found.high
    assert not found.saturated
    assert population_lower(scored, design).value <= math.log(40)
    assert population_lower(scored, design).value < population_upper(scored, design).value


@pytest.mark.parametrize("preset", [
    lambda seed: bounds(streams=Streams(seed), chains=80, worlds=20),
    lambda seed: loops(streams=Streams(seed), replicates=40, generations=3),
])  # fmt: skip
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(preset):
    texts = [json.dumps(preset(seed).as_json(), allow_nan=False) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("call", [
    lambda: bounds(streams=Streams(0), chains=0),
    lambda: loops(streams=Streams(0), replicates=1),
])  # fmt: skip
def test_wrong_parameters_get_a_clear_error(call):
    with pytest.raises(UsageError, match="Expected"):
        call()
