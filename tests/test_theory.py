"""Exact expressions: definitions, inequalities, closed forms."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, stats

from syngain.core import UsageError
from syngain.lab.theory import discrete, gaussians
from syngain.lab.theory.chain import FiniteChain, quantities


def laws(size):
    raw = arrays(np.float64, size, elements=st.floats(0, 1).map(lambda x: 0.0 if x < 0.05 else x))
    return raw.filter(lambda x: x.sum() > 0.1).map(lambda x: x / x.sum())


@given(laws(5), laws(5))
def test_divergences_keep_their_order(p, q):
    tv, js, kl = discrete.total_variation(p, q), discrete.jensen_shannon(p, q), discrete.kl(p, q)
    assert 0 <= tv <= 1 + 1e-12
    assert -1e-12 <= js <= math.log(2) + 1e-12
    assert kl >= 2 * tv**2 - 1e-9  # Pinsker
    assert js <= tv * math.log(2) + 1e-9


def test_kl_is_infinite_off_the_support():
    assert discrete.kl(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == math.inf
    assert discrete.kl(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == pytest.approx(math.log(2))


@given(laws(6), laws(6), arrays(np.int64, 6, elements=st.integers(0, 2)))
def test_processing_loses_divergence(p, q, merged):
    def pushed(law):
        return np.bincount(merged, weights=law, minlength=3)

    assert discrete.total_variation(pushed(p), pushed(q)) <= discrete.total_variation(p, q) + 1e-12
    if math.isfinite(discrete.kl(p, q)):
        assert discrete.kl(pushed(p), pushed(q)) <= discrete.kl(p, q) + 1e-9


@given(laws((3, 4)))
def test_mutual_information_is_symmetric_and_at_most_an_entropy(joint):
    value = discrete.mutual_information(joint)
    assert value == pytest.approx(discrete.mutual_information(joint.T), abs=1e-12)
    assert -1e-12 <= value <= min(discrete.entropy(joint.sum(axis=0)), discrete.entropy(joint.sum(axis=1))) + 1e-9
    assert discrete.conditional_entropy(joint) == pytest.approx(discrete.entropy(joint.sum(axis=1)) - value, abs=1e-9)


@given(laws(6), arrays(np.bool_, 6))
def test_a_deterministic_filter_moves_exactly_the_rejected_mass(p, kept):
    acceptance = kept.astype(float)
    if (p * acceptance).sum() == 0:
        with pytest.raises(UsageError, match="accepts no outcome"):
            discrete.accepted(p, acceptance)
        return
    divergence = discrete.acceptance_divergence(p, acceptance)
    assert divergence == pytest.approx(1 - (p * acceptance).sum(), abs=1e-9)
    assert divergence == pytest.approx(discrete.total_variation(p, discrete.accepted(p, acceptance)), abs=1e-9)


@given(laws(6), arrays(np.float64, 6, elements=st.floats(0.05, 1)))
def test_a_random_filter_moves_at_most_the_rejected_mass(p, acceptance):
    divergence = discrete.acceptance_divergence(p, acceptance)
    assert divergence == pytest.approx(discrete.total_variation(p, discrete.accepted(p, acceptance)), abs=1e-9)
    assert divergence <= 1 - (p * acceptance).sum() + 1e-9


def test_probabilities_that_do_not_sum_to_one_are_refused():
    with pytest.raises(UsageError, match="sum to 1"):
        discrete.entropy(np.array([0.5, 0.6]))
    with pytest.raises(UsageError, match="equal shapes"):
        discrete.kl(np.array([1.0]), np.array([0.5, 0.5]))


def random_covariance(rng, d):
    a = rng.normal(size=(d, d))
    return a @ a.T + 0.3 * np.eye(d)


def test_gaussian_entropy_is_that_of_scipy():
    covariance = random_covariance(np.random.default_rng(0), 4)
    assert gaussians.entropy(covariance) == pytest.approx(stats.multivariate_normal(np.zeros(4), covariance).entropy())


def test_gaussian_kl_by_monte_carlo_within_four_standard_errors():
    rng = np.random.default_rng(1)
    p = stats.multivariate_normal(rng.normal(size=3), random_covariance(rng, 3))
    q = stats.multivariate_normal(rng.normal(size=3), random_covariance(rng, 3))
    x = p.rvs(100_000, random_state=rng)
    draws = p.logpdf(x) - q.logpdf(x)
    exact = gaussians.kl(p.mean, p.cov, q.mean, q.cov)
    assert abs(draws.mean() - exact) < 4 * draws.std() / math.sqrt(draws.size)


def test_total_variation_of_a_shift_by_quadrature():
    exact = gaussians.total_variation_of_shift(np.zeros(1), np.array([1.3]), np.array([[0.7]]))
    p, q = stats.norm(0, math.sqrt(0.7)), stats.norm(1.3, math.sqrt(0.7))
    area, _ = integrate.quad(lambda x: abs(p.pdf(x) - q.pdf(x)) / 2, -8, 10, limit=200)
    assert exact == pytest.approx(area, abs=1e-7)


def test_gaussian_information_does_not_depend_on_units_and_entropy_does():
    rng = np.random.default_rng(2)
    joint, scale = random_covariance(rng, 5), np.diag([10.0, 1, 1, 1, 0.1])
    assert gaussians.mutual_information(scale @ joint @ scale, 2) == pytest.approx(
        gaussians.mutual_information(joint, 2)
    )
    assert gaussians.entropy(scale @ joint @ scale) == pytest.approx(gaussians.entropy(joint))  # 10 * 0.1 cancel
    assert gaussians.entropy(4 * joint) == pytest.approx(gaussians.entropy(joint) + 5 * math.log(2))


def test_gaussian_mmd_by_monte_carlo():
    rng = np.random.default_rng(3)
    shift, v, h = np.array([0.5, -0.2]), 0.8, 1.7
    x, y = rng.normal(0, math.sqrt(v), (4_000, 2)), shift + rng.normal(0, math.sqrt(v), (4_000, 2))

    def kernel(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=2) / h)

    n = len(x)
    estimate = (
        (kernel(x, x).sum() - n) / (n * (n - 1)) + (kernel(y, y).sum() - n) / (n * (n - 1)) - 2 * kernel(x, y).mean()
    )
    assert gaussians.mmd2(np.zeros(2), shift, v, h) == pytest.approx(estimate, abs=0.01)


def random_chain(rng):
    a, p, m, e, s, w = rng.integers(2, 5, size=6)
    alpha = rng.choice([0.2, 1.0, 3.0])

    def table(*shape):
        return rng.dirichlet(np.full(shape[-1], alpha), size=shape[:-1])

    return FiniteChain(
        anchors=table(a), prompt=table(a, p), generator=table(p, m), noise=table(e),
        curation=rng.integers(0, s, size=(m, e)), training=table(s, w), training_on_anchors=table(a, w),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(50))
def test_the_valid_chain_and_the_ggmi_identity_hold_in_every_world(seed):
    found = quantities(random_chain(np.random.default_rng(seed)))
    chain = found.valid_chain
    assert all(low <= high + 1e-10 for low, high in pairwise(chain))
    assert found.ggmi == pytest.approx(found.ggmi_by_identity, abs=1e-10)
    for alpha in (0.0, 0.5, 2.0):
        if found.ggmi_bound_is_valid(alpha):
            assert found.ggmi <= found.published_ggmi_bound(alpha) + 1e-10
        else:
            assert found.ggmi > found.published_ggmi_bound(alpha) - 1e-10


def test_deterministic_curation_adds_no_entropy():
    chain = random_chain(np.random.default_rng(4))
    fixed = FiniteChain(
        **{
            **{f: getattr(chain, f) for f in chain.__slots__},
            "curation": np.repeat(chain.curation[:, :1], chain.noise.size, axis=1),
        }
    )
    assert quantities(fixed).curation_entropy == pytest.approx(0, abs=1e-12)


def test_a_chain_that_holds_no_probabilities_is_refused():
    chain = random_chain(np.random.default_rng(5))
    with pytest.raises(UsageError, match="prompt"):
        FiniteChain(**{**{f: getattr(chain, f) for f in chain.__slots__}, "prompt": chain.prompt * 2})
