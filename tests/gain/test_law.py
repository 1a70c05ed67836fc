"""The learning curve: its law recovered, its intervals held, its verdict right or undecided."""

from __future__ import annotations

import csv
import math
import time
from collections import Counter, defaultdict
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syngain.core.errors import UsageError
from syngain.gain.curves.learning_curve import PowerLaw, learning_curve
from syngain.gain.curves.power_law import grid

AMOUNTS = 1000 * 2.0 ** np.arange(7)


def law(alpha, fall, n0=0.0, amounts=AMOUNTS, last=0.5):
    """Losses of a law that falls by ``fall`` over the amounts to ``last``; and its I10."""

    def power(n):
        return (n + n0) ** -alpha

    scale = fall / (power(amounts[0]) - power(amounts[-1]))
    losses = last + scale * (power(amounts) - power(amounts[-1]))
    return losses, scale * (power(amounts[-1]) - power(10 * amounts[-1]))


def fitted(losses, seed=0, **options):
    return learning_curve(AMOUNTS, losses, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.5, 1.0, 1.6])
@pytest.mark.parametrize("n0", [0.0, 500.0, 4000.0])
def test_a_law_without_noise_is_recovered(alpha, n0):
    losses, truth = law(alpha, 0.1, n0)
    curve = fitted(losses, method=PowerLaw(n0=n0))
    assert curve.improvement.value == pytest.approx(truth, rel=0.05, abs=1e-5)
    assert curve.predict(AMOUNTS).value == pytest.approx(losses, abs=2e-4)
    assert curve.falls > 0.99


def test_a_free_n0_is_recovered_without_noise():
    losses, truth = law(0.5, 0.1, 2000.0)
    assert fitted(losses).improvement.value == pytest.approx(truth, rel=0.1)


def test_shapes_run_from_one_to_zero_and_their_limit_is_finite():
    shapes = grid(AMOUNTS, (0.05, 2.0), None)
    at = shapes.at(np.array([AMOUNTS[0], AMOUNTS[-1], math.inf]))
    assert at[:, 0] == pytest.approx(1)
    assert at[:, 1] == pytest.approx(0)
    assert np.all(np.isfinite(at[:, 2]))
    assert np.all(at[:, 2] < 0)
    assert shapes.prior.sum() == pytest.approx(1)


def test_shapes_are_the_plain_formula():
    shapes = grid(AMOUNTS, (0.05, 2.0), 300.0)
    power = (np.append(AMOUNTS, 1e6)[None, :] + 300.0) ** -shapes.alpha[:, None]
    plain = (power - power[:, [-2]]) / (power[:, [0]] - power[:, [-2]])
    assert shapes.at(np.append(AMOUNTS, 1e6)) == pytest.approx(plain, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("alpha", "fall", "verdict"),
    [(0.15, 0.08, "more_data"), (1.0, 0.06, "change_the_generator"), (0.5, 0.0, "change_the_generator")],
)
@pytest.mark.parametrize("method", [PowerLaw(n0=0.0), PowerLaw()])
def test_verdicts_are_useful_and_hardly_ever_wrong(alpha, fall, verdict, method):
    losses, _ = law(alpha, fall)
    count = Counter()
    for seed in range(40):
        noise = 0.002 * np.random.default_rng([7, seed]).standard_normal(7)
        count[fitted(losses + noise, seed, method=method).verdict] += 1
    wrong = {"more_data": "change_the_generator", "change_the_generator": "more_data"}[verdict]
    assert count[wrong] == 0
    assert count[verdict] >= 30


@pytest.mark.parametrize(
    ("losses", "wrong"),
    [
        (0.5 - 0.01 * np.log(AMOUNTS), "change_the_generator"),
        (0.5 + 0.1 / (1 + (AMOUNTS / 30000) ** 1.5), "change_the_generator"),
        (0.5 + 0.06 * np.exp(-AMOUNTS / 5000), "more_data"),
    ],
)
def test_curves_outside_the_family_get_no_wrong_verdict(losses, wrong):
    for seed in range(20):
        noise = 0.002 * np.random.default_rng([9, seed]).standard_normal(7)
        assert fitted(losses + noise, seed, method=PowerLaw(n0=0.0)).verdict != wrong


@pytest.mark.parametrize(("k", "seeds"), [(4, 1), (7, 1), (7, 3)])
@pytest.mark.parametrize("alpha", [0.3, 0.8])
def test_the_interval_of_the_improvement_covers_a_known_law(alpha, k, seeds):
    amounts = AMOUNTS[:k]
    losses, truth = law(alpha, 0.05, 200.0, amounts)
    hits, repeats = 0, 150
    for seed in range(repeats):
        rng = np.random.default_rng([alpha > 0.5, seed])
        noisy = losses[:, None] + 0.002 * rng.standard_normal((k, seeds))
        curve = learning_curve(amounts, noisy, rng=rng, method=PowerLaw(n0=200.0, refits=100))
        low, high = curve.improvement.interval(0.9)
        hits += low <= truth <= high
    assert 0.82 <= hits / repeats <= 0.99  # .90 +- 3 standard errors of 150, and a Bayesian margin above


def test_given_errors_cover_too():
    losses, truth = law(0.4, 0.05)
    hits, repeats = 0, 150
    for seed in range(repeats):
        rng = np.random.default_rng([5, seed])
        errors = np.linspace(0.004, 0.001, 7)
        curve = fitted(losses + errors * rng.standard_normal(7), seed, errors=errors, method=PowerLaw(n0=0.0))
        low, high = curve.improvement.interval(0.9)
        hits += low <= truth <= high
    assert 0.82 <= hits / repeats <= 0.99


def test_a_rising_curve_is_refused():
    curve = fitted(0.5 + 0.01 * np.arange(7) + 0.001 * np.array([1, -1, 1, 0, -1, 1, -1]))
    assert curve.verdict == "refused"
    assert "rises" in curve.sentence


def test_noise_that_hides_a_fall_that_matters_is_refused():
    curve = fitted(0.5 + 0.05 * np.array([0.3, -1, 1, -0.4, 0.8, -0.9, 0.2]))
    assert curve.verdict == "refused"
    assert "does not fall beyond its noise" in curve.sentence


def test_a_flat_curve_measured_precisely_says_change_the_generator():
    curve = fitted(0.5 + 0.001 * np.array([0.3, -1, 1, -0.4, 0.8, -0.9, 0.2]))
    assert curve.verdict == "change_the_generator"
    assert curve.improvement.interval(0.9)[1] < 0.01


def test_equal_losses_of_one_seed_say_nothing_about_their_noise():
    curve = fitted(np.full(7, 0.4))
    assert curve.verdict == "refused"
    assert curve.improvement.interval(0.9) == (-math.inf, math.inf)
    assert fitted(np.full(7, 0.4), errors=np.full(7, 0.001)).verdict == "change_the_generator"


def test_alpha_and_floor_are_printed_only_where_refits_keep_off_the_bounds():
    losses, _ = law(0.5, 0.2)
    clear = fitted(losses + 1e-4 * np.random.default_rng(0).standard_normal(7), method=PowerLaw(n0=0.0))
    low, high = clear.alpha.interval(0.95)
    assert low < 0.5 < high
    low, high = clear.floor.interval(0.95)
    assert low < losses[-1] - 0.2 / 7 < high  # C = last - fall x_inf: at alpha = 1/2 and 64 times, 1 / (8 - 1)
    flat = fitted(0.5 + 0.001 * np.random.default_rng(0).standard_normal(7))
    assert flat.bound > 0.1
    assert flat.alpha is None
    assert flat.floor is None


def test_paired_seeds_take_their_common_shift_out_of_the_improvement():
    losses, _ = law(0.3, 0.05)
    rng = np.random.default_rng(3)
    runs = losses[:, None] + 0.05 * rng.standard_normal((1, 5)) + 0.001 * rng.standard_normal((7, 5))
    paired, alone = fitted(runs, paired=True), fitted(runs)

    def width(interval):
        return interval[1] - interval[0]

    assert width(paired.improvement.interval(0.9)) < width(alone.improvement.interval(0.9)) / 2
    band = paired.predict(AMOUNTS[-1:])
    assert band.high[0] - band.low[0] > 0.03  # but the level is known no better than the seeds agree


def test_a_covariance_with_a_shared_part_leaves_the_improvement_alone():
    losses, _ = law(0.3, 0.05)
    noisy = losses + 0.001 * np.random.default_rng(0).standard_normal(7)
    own = np.diag(np.full(7, 0.001**2))
    one, shared = fitted(noisy, errors=own), fitted(noisy, errors=own + 0.02**2)
    assert shared.improvement.interval(0.9) == pytest.approx(one.improvement.interval(0.9), rel=1e-3)
    assert fitted(noisy, errors=np.full(7, 0.001)).improvement.value == pytest.approx(one.improvement.value)


def test_errors_too_small_for_the_misfit_are_widened():
    losses, _ = law(0.3, 0.05)
    noisy = losses + 0.004 * np.random.default_rng(2).standard_normal(7)
    small, right = (fitted(noisy, errors=np.full(7, e)).improvement.interval(0.9) for e in (0.0004, 0.004))
    assert small[1] - small[0] > (right[1] - right[0]) / 3


def test_the_order_of_amounts_does_not_matter():
    losses, _ = law(0.3, 0.05)
    noisy = losses + 0.002 * np.random.default_rng(0).standard_normal(7)
    turned = learning_curve(AMOUNTS[::-1], noisy[::-1], rng=np.random.default_rng(0))
    assert turned.improvement == fitted(noisy).improvement


def test_the_anchors_alone_are_the_amount_zero():
    amounts = np.array([0.0, 200, 400, 800, 1600])
    losses, truth = law(0.5, 0.1, 300.0, amounts)
    for method in (PowerLaw(n0=300.0), PowerLaw()):
        curve = learning_curve(amounts, losses, rng=np.random.default_rng(0), method=method)
        assert curve.improvement.value == pytest.approx(truth, rel=0.2)
        assert math.isfinite(curve.predict(np.array([0.0])).value[0])


@pytest.mark.parametrize(
    ("amounts", "losses", "options"),
    [
        ([1, 2, 3], [3, 2, 1], {}),
        ([1, 2, 3, 3], [3, 2, 1, 1], {}),
        ([1, 2, 3, -4], [3, 2, 1, 1], {}),
        ([1, 2, 3, 4], [3, 2, 1, math.nan], {}),
        ([1, 2, 3, 4], [3, 2, 1], {}),
        ([1, 2, 3, 4], [3, 2, 1, 1], {"errors": np.zeros(4)}),
        ([1, 2, 3, 4], [3, 2, 1, 1], {"errors": -np.ones(4)}),
        ([1, 2, 3, 4], [3, 2, 1, 1], {"errors": np.ones(3)}),
        ([1, 2, 3, 4], [3, 2, 1, 1], {"errors": np.ones((4, 4))}),
        ([0, 2, 3, 4], [3, 2, 1, 1], {"method": PowerLaw(n0=0.0)}),
    ],
)
def test_wrong_input_is_said(amounts, losses, options):
    with pytest.raises(UsageError):
        learning_curve(np.array(amounts, float), np.array(losses, float), rng=np.random.default_rng(0), **options)


def test_wrong_bounds_and_amounts_to_predict_are_said():
    for wrong in ({"n0": -1.0}, {"alphas": (0.0, 1.0)}, {"alphas": (1.0, 0.5)}, {"draws": 10}, {"min_gain": 0.0}):
        with pytest.raises(UsageError):
            PowerLaw(**wrong)
    curve = fitted(law(0.3, 0.05)[0])
    for amounts in ([-1.0], [math.nan], [0.0]):
        with pytest.raises(UsageError):
            curve.predict(np.array(amounts))


def test_five_hundred_refits_and_two_thousand_draws_take_little_time():
    losses, _ = law(0.3, 0.05)
    started = time.process_time()
    fitted(losses + 0.002 * np.random.default_rng(0).standard_normal(7))
    assert time.process_time() - started < 2


curves = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).filter(lambda losses: np.ptp(losses) > 1e-3)


@given(curves)
@settings(max_examples=60, deadline=None)
def test_the_band_falls_and_is_finite_and_ordered(losses):
    curve = fitted(np.array(losses), method=PowerLaw(draws=300, refits=100))
    band = curve.predict(np.geomspace(1000, 1e7, 30))
    for line in (band.value, band.low, band.high):
        assert np.all(np.isfinite(line))
        assert np.all(np.diff(line) <= 1e-12)
    assert np.all(np.array(band.low) <= band.value)
    assert np.all(np.array(band.value) <= band.high)
    low, high = curve.improvement.interval(0.9)
    assert 0 <= low <= curve.improvement.value <= high < math.inf
    assert 0 <= curve.falls <= 1
    assert str(curve.verdict) in {"change_the_generator", "more_data", "undetermined", "refused"}


@given(curves, st.floats(-10, 10), st.floats(0.01, 100))
@settings(max_examples=60, deadline=None)
def test_shifting_the_losses_or_changing_their_unit_changes_nothing(losses, shift, scale):
    law_of = partial(PowerLaw, draws=300, refits=100)
    before = fitted(np.array(losses), method=law_of(min_gain=0.01))
    after = fitted(shift + scale * np.array(losses), method=law_of(min_gain=0.01 * scale))
    width = scale * np.ptp(before.improvement.interval(0.95)) + scale * 1e-6
    assert after.improvement.value == pytest.approx(scale * before.improvement.value, abs=0.03 * width)
    assert after.falls == pytest.approx(before.falls, abs=1e-6)
    limits = np.array([*before.improvement.interval(0.9), before.falls, -before.draws.drop_free])
    if np.min(np.abs(limits - [0.01, 0.01, 0.95, 0.01])) > 1e-3 and abs(before.falls - 0.05) > 1e-3:
        assert after.verdict == before.verdict


@given(curves, st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_the_same_curve(losses, seed):
    options = {"method": PowerLaw(draws=200, refits=100)}
    one, two = (fitted(np.array(losses), seed, **options) for _ in range(2))
    assert (one.improvement, one.sentence, one.bound) == (two.improvement, two.sentence, two.bound)


def test_on_real_curves_the_forecast_beats_the_last_value(shared_data):
    path = shared_data / "syn2real_curves.csv"
    if not path.exists():
        pytest.skip("no learning curves")
    points = defaultdict(list)
    with path.open() as file:
        for row in csv.DictReader(file):
            name = tuple(value for key, value in row.items() if key not in {"n_synthetic", "score"})
            if float(row["n_synthetic"]) > 0:
                points[name].append((float(row["n_synthetic"]), float(row["score"])))
    ours, last, covered = [], [], []
    for curve_points in points.values():
        amounts, score = np.array(sorted(curve_points)).T
        rng = np.random.default_rng(0)
        curve = learning_curve(amounts[:-2], -score[:-2], rng=rng, method=PowerLaw(unit="score"))
        ours.append(np.abs(np.array(curve.predict(amounts[-2:]).value) + score[-2:]).mean())
        last.append(np.abs(score[-3] - score[-2:]).mean())
        draws = curve.draws.losses(amounts[-2:])
        seen = draws + curve.draws.sigma[:, None] * rng.standard_normal(draws.shape)
        low, high = np.quantile(seen, (0.05, 0.95), axis=0)
        covered.append((low <= -score[-2:]) & (-score[-2:] <= high))
    assert len(points) == 33
    assert np.mean(last) == pytest.approx(0.00293, abs=1e-5)
    assert np.mean(ours) < 0.0025
    assert 0.82 <= np.mean(covered) <= 0.98
