"""Information from log-probabilities: identities, limits and refusals of the pure estimators."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from syngain.core.errors import UsageError
from syngain.information.estimators import (
    generation_divergence,
    information_gain,
    prompt_information,
    semantic,
    token_entropy,
)
from syngain.information.estimators.clustered_prompts import ClusteredPrompts, mean, ratio


def two_by_two():
    return ClusteredPrompts.of(["a", "a", "b", "b"])


def test_prompts_weigh_the_same_however_many_outputs_they_have():
    design = ClusteredPrompts.of(["a", "b", "b", "b"])
    assert mean(np.array([0.0, 3.0, 3.0, 3.0]), design).value == 1.5


def test_clusters_widen_the_interval_when_prompts_of_an_anchor_agree():
    values = np.repeat([0.0, 0.0, 1.0, 1.0, 2.0, 2.0], 2)
    names = [f"p{k}" for k in range(6) for _ in range(2)]
    alone = mean(values, ClusteredPrompts.of(names))
    kin = mean(values, ClusteredPrompts.of(names, {f"p{k}": f"anchor {k // 2}" for k in range(6)}))
    assert kin.value == alone.value
    assert kin.error > 1.4 * alone.error
    assert kin.freedom == 2


def test_the_error_over_prompts_is_the_textbook_one():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    found = mean(values, ClusteredPrompts.balanced(4, 1))
    assert found.error == pytest.approx(values.std(ddof=1) / 2)


def test_with_single_outputs_the_error_over_these_prompts_is_not_known():
    found = mean(np.array([1.0, 2.0, 4.0]), ClusteredPrompts.of(["a", "b", "b"]), "these")
    assert math.isnan(found.error)
    estimate = information_gain.plain(np.array([-1.0, -2.0, -4.0]), ClusteredPrompts.of(["a", "b", "b"]), "these")
    assert estimate.intervals == {}


def test_a_ratio_of_proportional_sums_has_no_error():
    found = ratio(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]), ClusteredPrompts.balanced(3, 1))
    assert found.value == pytest.approx(2)
    assert found.error == pytest.approx(0, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (12, 4), elements=st.floats(-30, 0)))
@example(np.full((12, 4), -2.31078853e-76))  # variances whose squares are no longer numbers
def test_prompt_information_of_these_prompts_is_at_most_ln_k_and_adds_up_with_the_gain(L):
    design = ClusteredPrompts.balanced(4, 3)
    lower = prompt_information.population_lower(L, design)
    assert lower.value <= math.log(4) + 1e-9
    entropy, _ = prompt_information.mixture_entropy(L, design)
    own = information_gain.plain(L[np.arange(12), design.prompt], design)
    assert entropy.value == pytest.approx(own.value + lower.value, abs=1e-8)


def test_equal_prompts_carry_nothing_and_disjoint_ones_all_of_ln_k():
    design = ClusteredPrompts.balanced(5, 2)
    assert prompt_information.these_prompts(np.full((10, 5), -3.0), design).value == pytest.approx(0)
    apart = np.where(np.arange(5) == design.prompt[:, None], -3.0, -np.inf)
    assert prompt_information.these_prompts(apart, design).value == pytest.approx(math.log(5))
    assert math.isinf(prompt_information.population_upper(apart, design).value)
    assert prompt_information.bracket(apart, design).saturated


def test_prompts_of_the_same_anchor_are_left_out_together():
    """Twins of one anchor hide information from each other: only the mixture of strangers gives an upper bound."""
    rng = np.random.default_rng(0)
    L = np.log(rng.dirichlet(np.ones(3), size=(16, 8)))[:, :, 0]
    L[:, 1::2] = L[:, ::2]
    names = [f"p{k}" for k in range(8) for _ in range(2)]
    kin = ClusteredPrompts.of(names, {f"p{k}": f"a{k // 2}" for k in range(8)})
    strangers = ClusteredPrompts.of(names)
    by_hand = []
    for row, own in zip(L, strangers.prompt, strict=True):
        others = [np.exp(row[j]) for j in range(8) if j // 2 != own // 2]
        by_hand.append(row[own] - np.log(np.mean(others)))
    assert prompt_information.population_upper(L, kin).value == pytest.approx(np.mean(by_hand))
    assert prompt_information.population_upper(L, strangers).value != pytest.approx(np.mean(by_hand))


def test_the_error_of_the_bracket_is_that_of_redrawn_prompts():
    """The infinitesimal jackknife against the spread over 400 redrawn sets of 24 prompts."""
    rng = np.random.default_rng(5)
    design = ClusteredPrompts.balanced(24, 3)
    values, errors = [], []
    for _ in range(400):
        laws = rng.dirichlet(np.full(6, 0.7), size=24)
        said = np.array([rng.choice(6, p=laws[k]) for k in design.prompt])
        found = prompt_information.population_upper(np.log(laws[:, said]).T, design)
        values.append(found.value)
        low, high = found.interval(0.95)
        errors.append((high - low) / 2 / 2.069)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_all_outputs_of_a_prompt_together_tell_more_but_never_above_ln_k():
    rng = np.random.default_rng(1)
    laws = rng.dirichlet(np.full(5, 2.0), size=6)
    design = ClusteredPrompts.balanced(6, 20)
    L = np.log(laws[:, [rng.choice(5, p=laws[k]) for k in design.prompt]]).T
    one, whole = prompt_information.population_lower(L, design).value, prompt_information.whole_prompts(L, design).value
    assert one < whole <= math.log(6)


def test_control_variates_from_whole_laws_are_plain_minus_rao_blackwell():
    laws = np.log([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
    chosen = np.array([laws[0, 1], laws[1, 0]])
    found = token_entropy.steps(chosen, laws)
    entropy = -np.sum(np.exp(laws) * laws)
    assert found.complete
    assert found.lower == found.upper == pytest.approx(entropy)
    assert found.excess == pytest.approx(-chosen.sum() - entropy)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_top_k_ends_enclose_the_entropy_and_the_control_has_mean_zero(seed, k):
    rng = np.random.default_rng(seed)
    law = np.sort(rng.dirichlet(np.full(8, 0.4)))[::-1]
    top = np.tile(np.log(law[:k]), (8, 1))
    excess, lower, upper = token_entropy.each_step(np.log(law), top, vocabulary=8)
    entropy = -np.sum(law * np.log(law))
    assert lower[0] - 2e-5 <= entropy <= upper[0] + 2e-5
    assert float(law @ excess) == pytest.approx(0, abs=2e-5)


def test_lists_that_are_no_law_are_refused():
    with pytest.raises(UsageError, match="sum to a probability"):
        token_entropy.steps(np.array([-0.1]), np.array([[-0.1, -0.2]]))
    with pytest.raises(UsageError, match="sum to 1"):
        token_entropy.steps(np.array([-9.0]), np.log([[0.5, 0.5]]))


def test_raw_laws_become_the_one_sampled_from():
    raw = np.log([0.5, 0.3, 0.2])
    assert token_entropy.sampled_law(raw, 1.0) == pytest.approx(raw)
    cold = np.exp(token_entropy.sampled_law(raw, 0.5))
    assert cold == pytest.approx(np.array([0.25, 0.09, 0.04]) / 0.38)
    assert np.exp(token_entropy.sampled_law(raw, 1.0, 0.7)) == pytest.approx([0.625, 0.375, 0])
    assert np.exp(token_entropy.sampled_law(raw, 1.0, 0.5)) == pytest.approx([1, 0, 0])
    assert np.exp(token_entropy.sampled_law(raw, 0.0)) == pytest.approx([1, 0, 0])


def test_raw_log_probabilities_at_another_temperature_are_an_upper_bound():
    rng = np.random.default_rng(2)
    raw = np.log(rng.dirichlet(np.ones(6), size=40))
    cold = np.array([token_entropy.sampled_law(row, 0.5) for row in raw])
    said = np.array([rng.choice(6, size=50, p=np.exp(row)) for row in cold])
    design = ClusteredPrompts.balanced(40, 50)
    given_raw = information_gain.cross_entropy(np.take_along_axis(raw, said, axis=1).ravel(), design)
    true = information_gain.plain(np.take_along_axis(cold, said, axis=1).ravel(), design)
    assert given_raw.direction == "upper"
    assert given_raw.value > true.interval()[1]


def test_counts_of_meanings_are_below_the_truth_and_probabilities_of_wordings_above():
    rng = np.random.default_rng(3)
    law = np.array([0.4, 0.2, 0.25, 0.1, 0.05])  # wordings; the first two mean the same
    meaning = np.array([0, 0, 1, 2, 2])
    truth = -np.sum([m * math.log(m) for m in (0.6, 0.25, 0.15)])
    lower, upper = [], []
    design = ClusteredPrompts.balanced(30, 8)
    for _ in range(30):
        said = rng.choice(5, size=240, p=law)
        lower.append(semantic.meaning_entropy(meaning[said].tolist(), design).value)
        upper.append(
            semantic.meaning_entropy_upper(
                np.log(law)[said], meaning[said].tolist(), list(map(str, said)), design
            ).value
        )
    assert np.mean(lower) < truth < np.mean(upper)
    assert semantic.meaning_entropy([0] * 240, design).references["ceiling"] == pytest.approx(math.log(8))


def test_weights_of_the_texts_that_came_are_no_lower_bound():
    """Why counts are used: a common meaning of 30 wordings, a rare one of a single wording, 8 samples [kuhn2023]."""
    rng = np.random.default_rng(4)
    law = np.append(np.full(30, 0.03), 0.1)
    truth = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    weighted = []
    for _ in range(4000):
        came = np.unique(rng.choice(31, size=8, p=law))
        rare = law[30] * (30 in came) / law[came].sum()
        weighted.append(-sum(w * math.log(w) for w in (rare, 1 - rare) if w > 0))
    assert np.mean(weighted) - 3 * np.std(weighted) / math.sqrt(4000) > truth


def test_few_samples_of_a_prompt_allow_no_semantic_split():
    with pytest.raises(UsageError, match="7 samples"):
        semantic.meaning_entropy([0] * 14, ClusteredPrompts.balanced(2, 7))


def test_a_filter_moves_the_set_by_what_it_rejects():
    gone = np.array([True, False, False, False] * 25)
    found = generation_divergence.generation_divergence(gone, np.repeat(np.arange(25), 4))
    assert found.value == 0.25
    alike = generation_divergence.generation_divergence(
        np.repeat([True, False, False, False], 25), np.repeat(np.arange(25), 4)
    )
    assert alike.interval()[1] - alike.interval()[0] > 1.5 * (found.interval()[1] - found.interval()[0])


def test_a_filter_that_rejects_nothing_may_still_reject_some_next_time():
    found = generation_divergence.generation_divergence(np.zeros(40, dtype=bool), np.repeat(np.arange(10), 4))
    assert found.value == 0
    assert found.interval()[0] == 0
    assert found.interval()[1] == pytest.approx(1 - 0.025 ** (1 / 10))


def test_steps_on_the_whole_set_are_marked_as_no_divergence():
    found = generation_divergence.generation_divergence(np.array([True, False]), np.array([0, 1]), of_rows=False)
    assert found.marks == ("not a divergence",)


def test_bits_per_byte_is_a_ratio_of_sums():
    found = information_gain.bits_per_byte(
        np.log([0.5, 0.25, 0.125, 0.5]), np.array([1.0, 2.0, 3.0, 1.0]), two_by_two()
    )
    assert found.value == pytest.approx(1.0)


@pytest.mark.parametrize("call", [
    lambda: ClusteredPrompts.of([]),
    lambda: prompt_information.these_prompts(np.zeros((2, 1)), ClusteredPrompts.of(["a", "a"])),
    lambda: ClusteredPrompts(np.array([0, 2]), np.array([0, 1, 2])),
    lambda: information_gain.plain(np.array([0.5, -1, -1, -1]), two_by_two()),
    lambda: information_gain.plain(np.array([-np.inf, -1, -1, -1]), two_by_two()),
    lambda: information_gain.combined(np.full(4, -1.0), np.ones(3), two_by_two()),
    lambda: information_gain.top_k_bounds(np.ones(4), np.full(4, np.inf), two_by_two()),
    lambda: prompt_information.these_prompts(np.zeros((4, 3)), two_by_two()),
    lambda: prompt_information.these_prompts(np.ones((4, 2)), two_by_two()),
    lambda: prompt_information.these_prompts(np.full((4, 2), -np.inf), two_by_two()),
    lambda: generation_divergence.generation_divergence(np.ones(3, dtype=bool), np.arange(3)),
    lambda: token_entropy.sampled_law(np.zeros(1), -1.0),
])  # fmt: skip
def test_wrong_arrays_get_a_clear_error(call):
    with pytest.raises(UsageError, match="Expected"):
        call()
