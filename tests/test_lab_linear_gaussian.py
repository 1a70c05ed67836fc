"""Linear-Gaussian chains: closed forms against regressions, and what units do to differential entropies."""

import math

import numpy as np
import pytest

from syngain.core import UsageError
from syngain.lab.worlds.linear_gaussian import LinearGaussianChain, random_linear_gaussian


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_information_shrinks_along_the_chain_and_does_not_depend_on_units(dimension):
    rng = np.random.default_rng(dimension)
    for _ in range(20):
        chain = random_linear_gaussian(dimension, rng)
        far, near = chain.mutual_information("p", "W"), chain.mutual_information("S", "W")
        assert 0 <= far <= min(near, chain.mutual_information("p", "S")) + 1e-10
        assert chain.in_units(7.0).mutual_information("S", "W") == pytest.approx(near, abs=1e-9)


def test_one_dimension_is_half_the_logarithm_of_the_signal_to_noise_ratio():
    one = np.ones((1, 1))
    chain = LinearGaussianChain(generation=2 * one, curation=one, training=one)
    assert chain.mutual_information("p", "M") == pytest.approx(0.5 * math.log(1 + 4))
    assert chain.mutual_information("S", "W") == pytest.approx(0.5 * math.log(1 + 6))


def test_the_covariance_is_that_of_samples():
    rng = np.random.default_rng(3)
    chain = random_linear_gaussian(2, rng)
    n = 200_000
    p, e, eps, noise = rng.standard_normal((4, n, 2))
    m = p @ chain.generation.T + chain.generation_noise * e
    s = m @ chain.curation.T + chain.curation_noise * eps
    w = s @ chain.training.T + chain.training_noise * noise
    sample = np.cov(np.hstack([p, m, s, w]).T)
    scale = np.sqrt(np.outer(np.diag(sample), np.diag(sample)))
    assert np.max(np.abs(sample - chain.covariance()) / scale) < 0.02


def test_the_published_bound_with_differential_entropies_fails_in_small_units():
    rng = np.random.default_rng(4)
    chains = [random_linear_gaussian(2, rng) for _ in range(50)]
    small = [chain.in_units(0.01) for chain in chains]
    assert all(chain.mutual_information("S", "W") > chain.published_bound() for chain in small)
    large = [chain.in_units(100.0) for chain in chains]
    assert all(chain.mutual_information("S", "W") < chain.published_bound() for chain in large)


def test_a_chain_without_noise_is_refused():
    with pytest.raises(UsageError, match="positive noises"):
        LinearGaussianChain(generation=np.eye(2), curation=np.eye(2), training=np.eye(2), training_noise=0.0)
