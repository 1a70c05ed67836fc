"""The forecast: linear in arms, exact where the law it extrapolates holds, honest about what it cannot see."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from syngain.core.errors import InputError
from syngain.core.rng import Streams
from syngain.gain.design.cross_validation import Arm, Design, experiment
from syngain.gain.design.lineage import Lineage
from syngain.gain.forecast import Contrast, Forecaster
from syngain.gain.proxies.task import Outcome
from syngain.gain.rows_to_use import choose


@dataclass
class Lawful:
    """A proxy whose loss is a law of what it was trained on, plus what belongs to the judged row."""

    gain: float = 0.3
    per_anchor: float = 20.0
    rise: float = 0.0
    seen: list = field(default_factory=list)

    def within(self, real, synthetic):
        return self

    def judge(self, training, rows, rng):
        self.seen.append((training, rows))
        loss = 2.0 + np.sin(rows)
        if training.synthetic.size:
            loss = loss - self.gain - self.per_anchor / max(training.real.size, 1)
            loss = loss - self.rise * math.log(training.synthetic.size)
        return Outcome(loss, np.ones(rows.size), rows % 2)


def found(task, *, anchors=100, rows=400, source=None, **design):
    made_from = np.arange(rows) % anchors if source is None else source
    lineage = Lineage.of(made_from, np.arange(anchors + rows))
    chosen = Design(**{"controls": False, "balanced": False, "amounts": 1, **design})
    run = experiment(task, lineage, Streams(0), design=chosen)
    return Forecaster(run, np.arange(anchors) % 2, np.ones(anchors), rows)


def test_a_gain_of_the_form_a_plus_b_over_m_is_forecast_exactly():
    forecaster = found(Lawful())
    assert forecaster.all_rows("log_loss").value == pytest.approx(0.3 + 20 / 100, abs=1e-9)
    assert forecaster.raw("log_loss").value == pytest.approx(0.3 + 20 / 90, abs=1e-9)


def test_a_rise_in_the_logarithm_of_the_amount_is_extrapolated_to_all_rows():
    forecaster = found(Lawful(per_anchor=0.0, rise=0.05), amounts=6)
    assert forecaster.all_rows("log_loss").value == pytest.approx(0.3 + 0.05 * math.log(400), abs=1e-9)


def test_no_arm_ever_saw_the_judged_rows_or_what_was_made_from_them():
    task = Lawful()
    found(task, controls=True, balanced=True, amounts=3, repeats=2)
    source = np.arange(400) % 100
    assert len(task.seen) > 200
    for training, rows in task.seen:
        assert not np.isin(training.real, rows).any()
        assert not np.isin(source[training.synthetic], rows).any()


def test_synthetic_amounts_are_equal_in_all_folds():
    task = Lawful()
    forecaster = found(task, amounts=4, pairs=False, source=np.random.default_rng(0).integers(0, 100, 400))
    sizes = {training.synthetic.size for training, _ in task.seen}
    trial = forecaster.experiment.trials[0]
    assert sizes == {0, trial.least, *trial.levels}


def test_duplication_repeats_the_anchors_that_the_rows_were_made_from():
    task = Lawful()
    found(task, controls=True, source=np.arange(400) % 50)
    only = {tuple(rows): training.synthetic for training, rows in task.seen if not training.real.size}
    repeated = [(training.real, rows) for training, rows in task.seen if training.real.size > 100]
    assert len(repeated) == len(only) == 10
    for real, rows in repeated:
        made = np.bincount(only[tuple(rows)] % 50, minlength=100)
        assert (np.bincount(real, minlength=100) - made).tolist() == np.isin(np.arange(100), real).astype(int).tolist()


def test_rows_that_all_come_from_one_anchor_are_refused():
    with pytest.raises(InputError, match="one group of real rows"):
        found(Lawful(), source=np.full(400, 7))


def test_the_interval_of_a_fresh_test_is_wider_than_that_of_the_expectation_and_shrinks_with_the_test():
    from dataclasses import replace

    forecaster = found(Noisy())
    contrast = forecaster.all_rows("log_loss")
    widths = [
        np.ptp(replace(forecaster, test_rows=rows).estimate(contrast, "log_loss", "").interval(0.9))
        for rows in (50, 500, 50_000)
    ]
    expected = np.ptp(forecaster.estimate(contrast, "log_loss", "", fresh=False).interval(0.9))
    assert widths[0] > widths[1] > widths[2] >= expected


class Noisy(Lawful):
    """Rows differ in what they gain."""

    def judge(self, training, rows, rng):
        outcome = super().judge(training, rows, rng)
        own = np.random.default_rng(5).normal(size=1000)[rows] * (training.synthetic.size > 0)
        return Outcome(outcome.loss + own, outcome.size, outcome.guess)


def test_duplicate_anchors_count_once_in_the_error():
    lineage = Lineage.of(np.full(300, -1), np.concatenate([np.arange(100) // 4, 1000 + np.arange(300)]))
    run = experiment(Clustered(), lineage, Streams(0), design=Design(controls=False, balanced=False, amounts=1))
    forecaster = Forecaster(run, np.arange(100) % 2, np.ones(100), 300)
    contrast = forecaster.raw("log_loss")
    naive = contrast.influence.std(ddof=1) / 10
    assert forecaster.error(contrast) > 1.8 * naive  # 25 clusters of 4: twice the naive error, and the inflation
    assert forecaster.estimate(contrast, "log_loss", "").clusters == 25


class Clustered(Noisy):
    """Rows of a cluster gain alike."""

    def judge(self, training, rows, rng):
        outcome = Lawful.judge(self, training, rows, rng)
        own = np.random.default_rng(5).normal(size=25)[rows // 4] * (training.synthetic.size > 0)
        return Outcome(outcome.loss + own, outcome.size, outcome.guess)


def test_more_anchors_are_needed_for_smaller_gains():
    forecaster = found(Noisy())
    contrast = forecaster.all_rows("log_loss")
    needed = [forecaster.anchors_needed(contrast, effect) for effect in (0.5, 0.1, 0.01)]
    assert needed[0] < needed[1] < needed[2]
    error, n = forecaster.error(contrast), 100
    assert needed[2] == pytest.approx(((1.6449 + 0.8416) * error / 0.01) ** 2 * n - n, rel=1e-3)


def test_the_chosen_amount_is_the_smallest_within_the_gain_that_matters():
    forecaster = found(Saturating(), amounts=6)
    choice = choose(forecaster, "log_loss", 0.01)
    best = max(gain.value for gain in choice.gains)
    at = choice.amounts.index(choice.rows)
    assert choice.gains[at].value >= best - 0.01
    assert all(gain.value < best - 0.01 for gain in choice.gains[:at])
    assert choice.rows < 400


class Saturating(Lawful):
    """Nothing more to gain beyond 100 rows."""

    def judge(self, training, rows, rng):
        loss = np.full(rows.size, 1.0) - 0.1 * min(training.synthetic.size, 100) / 100
        return Outcome(loss, np.ones(rows.size), rows % 2)


def test_choosing_among_amounts_of_pure_noise_reports_no_gain():
    values = []
    for seed in range(40):
        forecaster = found(Fluke(seed), amounts=6)
        choice = choose(forecaster, "log_loss", 0.001)
        values.append((choice.gain.value, max(0.0, *(gain.value for gain in choice.gains))))
    outside, best = np.mean(values, axis=0)
    error = np.std([value for value, _ in values], ddof=1) / math.sqrt(40)
    assert best > 0.02  # the winner's curse is there
    assert abs(outside) < 3 * error  # and is not reported


@dataclass
class Fluke:
    """Each amount's gain on each row is noise of its own."""

    seed: int

    def within(self, real, synthetic):
        return self

    def judge(self, training, rows, rng):
        noise = np.random.default_rng([self.seed, training.synthetic.size]).normal(size=1000)[rows]
        return Outcome(2 + 0.3 * noise * (training.synthetic.size > 0), np.ones(rows.size), rows % 2)


def test_one_trial_shows_no_variance_of_seeds_and_two_do():
    assert Contrast(np.array([[1.0, 3.0]]), 1.0, 1.0).seeds == 0
    assert Contrast(np.array([[1.0, 3.0], [2.0, 6.0]]), 1.0, 1.0).seeds == pytest.approx(2.0 / 2)


def test_arms_can_be_told_apart_and_ordered():
    assert sorted([Arm("both", 1.0, 5), Arm("anchors")]) == [Arm("anchors"), Arm("both", 1.0, 5)]
