"""The published experiment: exact divergences, its trends, the published estimator's flaws, the same bytes."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from reference import mixtures as slow
from syngain.core import UsageError
from syngain.inference.intervals import median_interval
from syngain.inference.ranks import average_ranks, spearman, spearman_of_sweep
from syngain.lab import PaperProtocol, World, paper_protocol, run
from syngain.lab.presets.published import histogram_ratio
from syngain.lab.theory import gaussians
from syngain.lab.worlds.gaussian_mixtures import Mixtures
from syngain.lab.worlds.gmm_world import DIVERGENCES, divergences, draw, random_mixtures, reestimated


def gaussian(mean, covariance, replicates=1):
    d = len(mean)
    return Mixtures.of(
        np.ones((replicates, 1)),
        np.broadcast_to(np.asarray(mean, dtype=float), (replicates, 1, d)),
        np.broadcast_to(np.asarray(covariance, dtype=float), (replicates, 1, d, d)).copy(),
    )


def test_divergences_of_gaussians_are_the_closed_forms_within_their_errors():
    covariance = np.array([[1.0, 0.3], [0.3, 0.5]])
    p, q = gaussian([0, 0], covariance, 200), gaussian([1, 0.5], covariance, 200)
    values, errors = divergences(p, (q,), 512, np.random.default_rng(0))
    truth = {
        "tv": gaussians.total_variation_of_shift(np.zeros(2), np.array([1, 0.5]), covariance),
        "kl": gaussians.kl(np.zeros(2), covariance, np.array([1, 0.5]), covariance),
        "reverse_kl": gaussians.kl(np.array([1, 0.5]), covariance, np.zeros(2), covariance),
    }
    for name, exact in truth.items():
        m = DIVERGENCES.index(name)
        z = (values[0, m] - exact) / errors[0, m]
        assert abs(z.mean()) < 4 / np.sqrt(200)
        assert 0.85 < z.std() < 1.15  # the printed error is the real one


def test_divergences_of_mixtures_agree_with_a_grid():
    rng = np.random.default_rng(1)
    world = World(k=3, covariance="wishart")
    p, q = (random_mixtures(world, 3, 1, rng) for _ in range(2))
    values, errors = divergences(p, (q,), 20_000, rng)
    by_grid = slow.divergences_on_grid(
        lambda x: np.exp(p.log_density(x.T[None])[0]), lambda x: np.exp(q.log_density(x.T[None])[0]), -8, 18, 700
    )
    assert np.all(np.abs(values[0, :, 0] - by_grid) < 4 * errors[0, :, 0] + 1e-3)


def test_anchors_come_from_the_first_components_and_re_estimates_find_them():
    world = World(k=3, j=2, l=1, anchors_per_component=4_000, covariance="wishart")
    drawn = draw(world, 2, np.random.default_rng(2))
    found = reestimated(drawn.anchors, 3)
    assert found.means == pytest.approx(drawn.truth.means[:, :3], abs=0.15)
    assert found.covariances == pytest.approx(drawn.truth.covariances[:, :3], abs=0.3)
    assert drawn.generator.weights.shape == (2, 6)
    assert np.array_equal(drawn.generator.means[:, 3:5], drawn.truth.means[:, 3:])


def test_the_published_estimator_reads_five_nats_between_samples_of_one_law_and_is_blind_to_shifts():
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((2, 1_000, 2))
    assert histogram_ratio(one, other) > 5
    assert histogram_ratio(one, other + 1_000.0) == pytest.approx(histogram_ratio(one, other), abs=0.5)


def test_rank_correlations_are_those_of_scipy_and_their_interval_holds_the_value():
    rng = np.random.default_rng(4)
    x, y = rng.integers(0, 5, 60), rng.standard_normal(60)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert average_ranks([3, 1, 1, 2]).tolist() == [4.0, 1.5, 1.5, 3.0]
    outcomes = np.arange(6)[:, None] + 2 * rng.standard_normal((6, 50))
    ranked = spearman_of_sweep(range(6), outcomes, rng=rng)
    assert ranked.lower < ranked.value < ranked.upper
    assert ranked.value == pytest.approx(spearman(np.repeat(np.arange(6), 50), outcomes.ravel()))


def test_the_interval_of_a_median_covers_it():
    draws = np.random.default_rng(5).exponential(size=(2_000, 100))
    _, low, high = median_interval(draws)
    assert 0.93 < np.mean((low <= np.log(2)) & (np.log(2) <= high)) < 0.975


def test_the_protocol_has_the_published_sizes():
    protocol = PaperProtocol()
    assert len(protocol.settings()) == 42
    assert protocol.replicates * 42 == 4_200
    assert protocol.points == 1_024
    assert (protocol.world.anchors_per_component, protocol.world.synthetic, protocol.world.dimension) == (50, 200, 2)


def test_the_bytes_do_not_depend_on_the_number_of_threads():
    code = "from syngain.lab import run; print(*(run(p, quick=True).to_json() for p in ('paper', 'paper-highdim')))"
    digests = set()
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
        digests.add(hashlib.sha256(done.stdout).hexdigest())
    assert len(digests) == 1


def test_settings_gaps_and_correlations_are_in_the_json():
    result = run("paper", quick=True, estimator="both").as_json()
    settings = result["data"]["settings"]
    assert len(settings) == 12
    assert set(settings[0]["gaps"]) == {*DIVERGENCES, "published"}
    assert {len(gaps) for gaps in settings[0]["gaps"].values()} == {25}
    table = result["tables"][0]
    assert len(table["rows"]) == 15
    assert table["columns"][2:5] == ["correlation", "low", "high"]


def test_progress_names_every_setting_and_grows():
    seen = []
    run("paper", quick=True, progress=lambda stage, done: seen.append((stage, done)))
    assert [stage for stage, _ in seen][:4] == ["K = 2", "K = 4", "K = 8", "K = 15"]
    assert [done for _, done in seen] == sorted(done for _, done in seen)
    assert seen[-1][1] == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: World(k=0),
        lambda: World(j=-1),
        lambda: World(l=-2),
        lambda: World(dimension=-1),
        lambda: World(dimension=0),
        lambda: World(synthetic=5),
        lambda: World(anchors_per_component=1),
        lambda: paper_protocol(World(synthetic=12)),  # K = 15 has 19 components
        lambda: paper_protocol(replicates=1),
        lambda: paper_protocol(points=0),
        lambda: run("papper"),
        lambda: run("paper", estimator="approximate"),
        lambda: run("loops", estimator="both"),
        lambda: run("loops", protocol=PaperProtocol()),
    ],
)
def test_wrong_parameters_are_named_before_anything_runs(wrong):
    with pytest.raises(UsageError, match="Expected"):
        wrong()


@pytest.mark.slow
def test_the_trends_of_the_corrected_figure():
    """Signs of THEORY section 8, with intervals over 100 replicates; covariances A A', A uniform in [0, 1]."""
    table = run("paper", estimator="both").tables[0]
    found = {(row[0], row[1]): tuple(map(float, row[2:5])) for row in table.rows}
    tv, kl, reverse, published = "TV", "KL(truth || model)", "KL(model || truth)", "published histogram 'KL'"
    for key, sign, size in (
        ((tv, "K"), -1, 0.7),
        ((tv, "J"), +1, 0.5),
        ((tv, "L"), -1, 0.7),
        ((kl, "K"), -1, 0.7),
        ((kl, "J"), +1, 0.05),
        ((reverse, "K"), +1, 0.35),
        ((published, "K"), -1, 0.0),
        ((published, "J"), +1, 0.0),
        ((published, "L"), -1, 0.0),
    ):
        nearest = min(sign * found[key][1], sign * found[key][2])
        assert nearest > size, key
    low, high = found[kl, "L"][1:]
    assert max(abs(low), abs(high)) < 0.15
