"""The language-model proxy of gain: equal steps in all arms, a plan that fits, outcomes that survive a kill."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tiny_causal
from syngain.core import InputError, UnfinishedError, UsageError
from syngain.core.rng import Streams
from syngain.data import Dataset
from syngain.data.study import Study
from syngain.inference.intervals import normal_intervals
from syngain.inference.ratios import paired_ratio
from syngain.learners.causal import CausalModel, CausalProxy
from syngain.training.student import StudentSettings, language_gain
from syngain.training.student.narrative import plan_sentence
from syngain.training.student.run import slowing
from syngain.training.student.splits import Rows, seen
from syngain.training.student.time_budget import (
    ARMS,
    ESSENTIAL,
    BudgetRequest,
    Speed,
    StudentLimits,
    TimeBudget,
    choose,
)

RATES, FULL = 2, StudentLimits(reserve=0.0)


# The plan: arithmetic on seconds.


def speed(step=1.0, held=2.0, row=0.1):
    return Speed(step=dict.fromkeys(ARMS[1:], step), held=held, row=row)


def planned(seconds, *, limits=FULL, rows=250, **speeds):
    asked = BudgetRequest(rows=rows, shared=True, rates=RATES, batch=8)
    return choose(speed(**speeds), asked, seconds=seconds, limits=limits)


def given_up(plan):
    """How far a plan has come down, from nothing to everything, in the order in which things may be given up."""
    controls = [plan.race > 0, "synthetic" in plan.arms, "duplicated" in plan.arms]
    return (controls.count(False), plan.rows < plan.all_rows, -plan.seeds, -plan.steps)


def test_with_time_for_all_nothing_is_given_up():
    plan = planned(1e6)
    assert (plan.steps, plan.seeds, plan.rows, plan.arms) == (120, 3, 250, ARMS)
    assert plan.race == 30
    assert plan.marks == ()


def test_less_time_gives_up_steps_then_seeds_then_rows_then_controls():
    plans = [planned(seconds) for seconds in range(2400, 70, -7)]
    levels = [given_up(plan) for plan in plans]
    assert levels == sorted(levels)
    first = {
        "steps": next(i for i, plan in enumerate(plans) if plan.steps < 120),
        "seeds": next(i for i, plan in enumerate(plans) if plan.seeds < 3),
        "rows": next(i for i, plan in enumerate(plans) if plan.rows < 250),
        "race": next(i for i, plan in enumerate(plans) if not plan.race),
        "synthetic": next(i for i, plan in enumerate(plans) if "synthetic" not in plan.arms),
        "duplicated": next(i for i, plan in enumerate(plans) if "duplicated" not in plan.arms),
    }
    assert list(first.values()) == sorted(first.values())
    assert len(set(first.values())) == len(first)
    assert all(set(ESSENTIAL) <= set(plan.arms) for plan in plans)


def test_before_the_first_seed_goes_steps_are_as_few_as_they_may_be():
    fewest = min(plan.steps for plan in map(planned, range(400, 2400, 5)) if plan.seeds == 3)
    assert fewest == 20


@pytest.mark.parametrize("seconds", [90, 150, 300, 600, 1200])
def test_a_plan_fits_and_leaves_its_reserve(seconds):
    plan = planned(seconds, limits=StudentLimits(reserve=0.1))
    assert plan.seconds <= 0.9 * seconds


def test_the_seconds_of_a_plan_are_those_of_its_parts():
    plan = planned(1e6)
    tuned = 120 + 30 + (4 + 1) * 2.0 + 250 * 0.1  # steps, the losing rate, held-out anchors, test rows
    repeated = 120 + 250 * 0.1
    assert plan.arm_seconds("anchors") == pytest.approx(tuned)
    assert plan.arm_seconds("duplicated") == pytest.approx(repeated)
    assert plan.seconds == pytest.approx(3 * (2.0 + 3 * tuned + repeated) + 25)  # the untrained model once


def test_what_was_given_up_is_said():
    plan = planned(90, held=0.5, row=0.2)
    assert "no learning-rate search" in plan.marks
    assert f"{plan.rows} of 250 test rows" in plan.marks
    assert "one seed" in plan.marks
    assert "reduced to fit" in plan_sentence(plan)
    assert "20 steps of 8 rows, 1 seed" in plan_sentence(plan)


def test_too_few_minutes_are_refused_with_the_minutes_it_takes():
    with pytest.raises(UnfinishedError, match=r"needs about \d+ on this machine") as caught:
        planned(30)
    assert "--minutes" in caught.value.todo


def test_a_stored_plan_is_the_same_plan():
    plan = planned(500)
    assert TimeBudget.from_json(json.loads(json.dumps(plan.as_json()))) == plan


def test_impossible_limits_are_refused():
    with pytest.raises(UsageError):
        StudentLimits(steps=(10, 5))


# Rows: nobody is judged on what it has seen.


def pairs(count, name, *, start=0, sources=None):
    words = [f"{name} {i} {'abcdefghij'[i % 10] * 7} {(i * 7919) % 9973}" for i in range(start, start + count)]
    rows = [{"prompt": word, "completion": f"it is {word[::-1]}"} for word in words]
    if sources is not None:
        for row, source in zip(rows, sources, strict=True):
            row["source"] = source
    return Dataset.from_rows(rows, name=name)


def test_without_a_test_set_rounds_judge_different_quarters_and_drop_what_was_made_from_them():
    real = pairs(40, "anchor")
    synthetic = pairs(80, "made", sources=[real.sides["prompt"][i % 40] for i in range(80)])
    rows = Rows.of(real, synthetic, None)
    assert rows.forecast
    assert not rows.optimistic
    judged = []
    for index in range(4):
        own = rows.round(index, Streams(0))
        judged.append(set(own.judged.tolist()))
        out = judged[-1] | set(own.held.tolist())
        assert not out & set(own.anchors.tolist())
        assert set(range(40)) == out | set(own.anchors.tolist())
        assert not out & set(rows.source[own.synthetic].tolist())
        assert own.synthetic.size == 80 - 2 * len(out)
    assert set.union(*judged) == set(range(40))
    assert sum(map(len, judged)) == 40


def test_near_duplicates_leave_together_with_synthetic_copies():
    real = pairs(30, "anchor")
    twice = Dataset.from_rows([*real.records, *real.records], name="twice")
    rows = Rows.of(twice, Dataset.from_rows([*real.records], name="copies"), None)
    assert rows.optimistic  # nobody says what the copies were made from
    own = rows.round(0, Streams(1))
    out = {int(i) % 30 for i in (*own.judged, *own.held)}
    assert not out & {int(i) % 30 for i in own.anchors}
    assert not out & {int(i) for i in own.synthetic}


def test_a_test_set_is_judged_in_one_order_by_all_seeds_and_never_marks_optimistic():
    rows = Rows.of(pairs(40, "anchor"), pairs(10, "made"), pairs(20, "test"))
    first, second = (rows.round(index, Streams(0)) for index in (0, 1))
    np.testing.assert_array_equal(first.judged, second.judged)
    assert set(first.held.tolist()) != set(second.held.tolist())
    assert not rows.optimistic


def test_too_few_anchors_are_refused():
    with pytest.raises(InputError, match="at least 12"):
        Rows.of(pairs(5, "anchor"), pairs(5, "made"), None)


def test_rows_that_leave_an_arm_empty_are_refused():
    real = pairs(20, "anchor")
    with pytest.raises(InputError, match="no synthetic row is left"):
        Rows.of(real, pairs(3, "made", sources=[real.sides["prompt"][0]] * 3), None).every(4, Streams(0))
    alike = Dataset.from_rows([{"prompt": "the same question", "completion": "the same answer"}] * 20, name="alike")
    with pytest.raises(InputError, match="too similar"):
        Rows.of(alike, pairs(9, "made"), None).every(1, Streams(0))


def test_a_pool_is_seen_whole_before_it_is_seen_again():
    order = seen(5, 13, np.random.default_rng(0))
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert order.size == 13


# Estimates: ratios of sums with the doubt of rows and seeds.


def test_a_ratio_of_sums_is_paired_and_clustered():
    difference, size = np.array([1.0, 3.0, -1.0, 5.0]), np.array([2.0, 2.0, 4.0, 8.0])
    value, error, _ = paired_ratio([difference], [size], [np.arange(4)])
    assert value == pytest.approx(8 / 16)
    residual = difference - 0.5 * size
    assert error == pytest.approx(np.sqrt(4 / 3 * np.sum(residual**2)) / 16)
    _, together, _ = paired_ratio([difference], [size], [np.array([0, 0, 1, 1])])
    assert together == pytest.approx(np.sqrt(2 * (residual[:2].sum() ** 2 + residual[2:].sum() ** 2)) / 16)


def test_seeds_that_disagree_widen_the_interval():
    rng = np.random.default_rng(0)
    size, noise = np.full(200, 50.0), rng.normal(0, 5, 200)
    agree = paired_ratio([noise + 50, noise + 50], [size] * 2, [np.arange(200)] * 2)
    differ = paired_ratio([noise + 40, noise + 60], [size] * 2, [np.arange(200)] * 2)
    assert agree[0] == pytest.approx(differ[0])
    assert differ[1] > 3 * agree[1]
    assert differ[2] < 2 < agree[2]


def test_one_seed_learns_its_noise_from_arms_that_only_chance_tells_apart():
    difference, size = np.random.default_rng(0).normal(1, 1, 400), np.full(400, 10.0)
    value, error, freedom = paired_ratio([difference], [size], [np.arange(400)])
    same, wider, fewer = paired_ratio([difference], [size], [np.arange(400)], [0.05])
    assert same == value
    assert wider == pytest.approx(np.hypot(error, 0.05))
    assert fewer < 2 < freedom


@pytest.mark.parametrize(("count", "replicated"), [(1, True), (3, False), (3, True)])
def test_intervals_cover_over_rows_and_seeds(count, replicated):
    rng, hits = np.random.default_rng(1), 0
    for _ in range(400):
        size = rng.integers(5, 60, 100).astype(float)
        shared = rng.normal(0.02, 0.1, 100)

        def noise(size=size):
            return (rng.normal(0, 0.01) + rng.normal(0, 0.05, 100)) * size

        seeds = [shared * size + noise() for _ in range(count)]
        chance = [noise().sum() / size.sum() for _ in range(count)] if replicated else []
        value, error, freedom = paired_ratio(seeds, [size] * count, [np.arange(100)] * count, chance)
        low, high = normal_intervals(value, error, freedom)[0.9]
        hits += low <= 0.02 <= high
    assert 0.87 < hits / 400 < 0.99


# The whole, on a tiny model of letters.

FIXED = StudentLimits(steps=(12, 12), seeds=2, rows=8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[local]'")
    return tiny_causal.make(tmp_path_factory.mktemp("tiny"))


def worded(count, seed, alphabet, name):
    """Rows of one language: responses spell words over an alphabet."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        prompt, response = ("".join(rng.choice(list(letters), 9)) for letters in ("mnopqr", alphabet))
        rows.append({"prompt": prompt, "completion": response})
    return Dataset.from_rows(rows, name=name)


REAL = worded(16, 1, "aabc", "real")
TEST = worded(24, 2, "aabc", "test")
GOOD = worded(120, 3, "aabc", "good")
GARBAGE = worded(120, 4, "stuvwxyz", "garbage")


def proxy(folder):
    fixed = {"rank": 4, "rates": (0.01, 0.003), "batch": 4, "max_tokens": 32, "device": "cpu", "dtype": "float32"}
    return CausalProxy(model=str(folder), **fixed)


def measured(folder, model, synthetic=GOOD, **settings):
    how = {name: settings.pop(name) for name in ("minutes", "limits", "design") if name in settings}
    study = Study.of(REAL, synthetic, test=settings.pop("test", TEST))
    chosen = StudentSettings(**{"proxy": proxy(model), "minutes": 30, "limits": FIXED, **how})
    return language_gain(study, folder=folder, settings=chosen, **settings)


@pytest.fixture(scope="module")
def good(tiny, tmp_path_factory):
    said = []
    found = measured(tmp_path_factory.mktemp("good"), tiny, progress=lambda stage, done: said.append((stage, done)))
    return found, said


def test_the_plan_is_said_before_anything_else_and_progress_rises(good):
    found, said = good
    assert said[0] == (plan_sentence(found.plan), 0.0)
    assert plan_sentence(found.plan).startswith("plan: untrained, real rows, real + synthetic, oversampling control")
    shares = [done for _, done in said]
    assert shares == sorted(shares)
    assert said[-1] == ("done", 1.0)
    within = [done for stage, done in said if stage == "seed 1: real + synthetic"]
    assert len(set(within)) > 10  # the bar moves with every step, not only between arms


def test_the_bar_of_an_arm_that_takes_longer_than_planned_goes_on_rising():
    shown = [slowing(0.5 * i, 10.0) for i in range(2000)]
    assert shown[:17] == [0.5 * i for i in range(17)]
    assert all(after > before for before, after in itertools.pairwise(shown))
    assert shown[-1] < 10.0
    assert slowing(3.0, 0.0) == 0.0


def test_all_arms_are_measured_on_the_same_rows_in_all_seeds(good):
    found, _ = good
    assert set(found.outcomes) == set(ARMS)
    for arm in ARMS:
        assert len(found.outcomes[arm]) == 2
        for outcome, tokens in zip(found.outcomes[arm], found.tokens[arm], strict=True):
            assert outcome.loss.shape == (24,)
            np.testing.assert_array_equal(outcome.size, 9)
            np.testing.assert_array_equal(tokens, 10)
    assert found.steps["duplicated"] == found.steps["both"]
    assert found.rates["duplicated"] == found.rates["both"]
    assert max(max(found.steps[arm]) for arm in ARMS) <= found.plan.steps == 12
    assert found.notes == ("real + synthetic saw at most 48 of its 132 rows in each seed",)


def test_estimates_are_differences_of_losses_and_positive_is_better(good):
    found, _ = good
    gap = found.estimates["gain.kl_gap.test"]
    loss = {arm: sum(o.loss.sum() for o in found.outcomes[arm]) / (2 * 24 * 10) for arm in ARMS}
    assert gap.value == pytest.approx(loss["anchors"] - loss["both"])
    for arm in ARMS:
        level = found.estimates[f"student.loss@arm={arm}"]
        assert level.value == pytest.approx(loss[arm])
        assert level.interval(0.9)[0] < level.value < level.interval(0.9)[1]
    assert found.estimates["gain.kl_gap.duplication"].value == pytest.approx(loss["anchors"] - loss["duplicated"])
    assert found.estimates["gain.kl_gap.synthetic_only"].value == pytest.approx(loss["anchors"] - loss["synthetic"])
    over = found.estimates["gain.kl_gap@over_duplication_test"].value
    assert over == pytest.approx(loss["duplicated"] - loss["both"])
    per_byte = found.estimates["gain.nats_per_byte.test"]
    assert per_byte.value == pytest.approx(gap.value * 10 / 9)
    assert (gap.unit, per_byte.unit) == ("nats per token", "nats per byte")
    assert gap.interval(0.95)[0] < gap.interval(0.9)[0] < gap.value < gap.interval(0.9)[1]
    assert gap.n == 24
    assert gap.direction == "estimate"


def test_training_on_anchors_helps_and_rows_like_the_test_set_beat_garbage(good, tiny, tmp_path):
    found, _ = good
    loss = {arm: np.mean([o.loss for o in found.outcomes[arm]], axis=0) for arm in ARMS}
    assert np.mean(loss["anchors"] < loss["base"]) > 0.9
    harmful = measured(tmp_path, tiny, GARBAGE)
    spoiled = {arm: np.mean([o.loss for o in harmful.outcomes[arm]], axis=0) for arm in ARMS}
    np.testing.assert_allclose(spoiled["anchors"], loss["anchors"])  # the anchors' arm knows nothing of the set
    assert np.mean(spoiled["both"] > spoiled["anchors"]) > 0.9  # a sign test over rows
    assert harmful.estimates["gain.kl_gap.test"].value < min(0.0, found.estimates["gain.kl_gap.test"].value)
    assert found.estimates["gain.kl_gap.synthetic_only"].value > 0.2 + (
        harmful.estimates["gain.kl_gap.synthetic_only"].value
    )


def test_without_a_test_set_it_is_a_forecast_that_says_so(tiny, tmp_path):
    found = measured(tmp_path, tiny, test=None, limits=StudentLimits(steps=(6, 6), seeds=2, rows=4))
    gap = found.estimates["gain.kl_gap"]
    assert gap.direction == "forecast"
    assert "optimistic" in gap.marks
    assert gap.n == 8  # another quarter in every seed
    assert "gain.kl_gap.test" not in found.estimates


def test_texts_are_measured_too(tiny, tmp_path):
    def texts(rows):
        return Dataset.from_rows([{"text": text} for text in rows.sides["response"]], name=rows.name)

    small = StudentLimits(steps=(4, 4), seeds=1, rows=8)
    found = language_gain(
        Study.of(texts(REAL), texts(GOOD), test=texts(TEST)),
        folder=tmp_path,
        settings=StudentSettings(proxy=proxy(tiny), minutes=30, limits=small),
    )
    assert "one seed" in found.estimates["gain.kl_gap.test"].marks
    np.testing.assert_array_equal(found.tokens["both"][0], 10)


def test_resuming_a_finished_run_measures_nothing_again(good, tiny, tmp_path):
    first = measured(tmp_path, tiny, limits=StudentLimits(steps=(4, 4), seeds=1, rows=8))
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "work").glob("*.npz")}
    again = measured(tmp_path, tiny, limits=StudentLimits(steps=(4, 4), seeds=1, rows=8), resume=True)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "work").glob("*.npz")} == before
    assert again.estimates == first.estimates
    assert again.plan == first.plan
    assert again.seconds > first.seconds  # what was spent counts


def test_another_job_is_not_resumed_and_what_changed_is_named(tiny, tmp_path):
    measured(tmp_path, tiny, limits=StudentLimits(steps=(2, 2), seeds=1, rows=8))
    with pytest.raises(UsageError, match=r"was made with seed = 0, now it is 1"):
        measured(tmp_path, tiny, limits=StudentLimits(steps=(2, 2), seeds=1, rows=8), resume=True, seed=1)
    with pytest.raises(UsageError, match="synthetic rows"):
        measured(tmp_path, tiny, GARBAGE, limits=StudentLimits(steps=(2, 2), seeds=1, rows=8), resume=True)


def test_a_plan_that_cannot_be_read_is_not_resumed(tiny, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "plan.json").write_text('{"settings": {}}')
    with pytest.raises(UsageError, match="not the plan of a run of this version"):
        measured(tmp_path, tiny, resume=True)


def test_a_second_run_that_does_not_resume_starts_anew(tiny, tmp_path):
    small = StudentLimits(steps=(2, 2), seeds=1, rows=8)
    measured(tmp_path, tiny, limits=small)
    measured(tmp_path, tiny, limits=small, seed=3)
    assert len(list((tmp_path / "work").glob("*.npz"))) == len(ARMS)


def test_too_few_minutes_are_refused_before_the_first_arm(tiny, tmp_path):
    with pytest.raises(UnfinishedError, match="smallest comparison"):
        measured(tmp_path, tiny, limits=StudentLimits(steps=(10**6, 10**6)), minutes=0.5)
    assert not list((tmp_path / "work").glob("*.npz"))
    with pytest.raises(UsageError, match="minutes"):
        measured(tmp_path, tiny, minutes=0)


@pytest.fixture
def slower(monkeypatch):
    """After the speed was measured every step takes five seconds more, by the clock."""
    usual, clock, calls = CausalModel.learn, time.monotonic, []

    def learn(self, rows, optimizer, rate):
        calls.append(rate)
        return usual(self, rows, optimizer, rate)

    with monkeypatch.context() as patched:
        patched.setattr(CausalModel, "learn", learn)
        patched.setattr(time, "monotonic", lambda: clock() + 5 * max(len(calls) - 3, 0))
        yield patched


def test_a_machine_that_becomes_slower_gives_up_seeds_and_keeps_to_the_minutes(tiny, tmp_path, slower):
    found = measured(tmp_path, tiny, limits=StudentLimits(steps=(12, 12), seeds=3, rows=8), minutes=10)
    assert found.plan.seeds == 3
    assert 1 <= len(found.outcomes["both"]) < 3
    assert any("slower" in note for note in found.notes)
    assert found.seconds < 10 * 60 * 1.1
    assert found.estimates["gain.kl_gap.test"].n == 24


def test_a_machine_that_becomes_slower_gives_up_controls_of_the_only_seed(tiny, tmp_path, slower):
    found = measured(tmp_path, tiny, limits=StudentLimits(steps=(12, 12), seeds=1, rows=8), minutes=3.2)
    assert "synthetic" not in {arm for arm, outcomes in found.outcomes.items() if outcomes}
    assert "gain.kl_gap.synthetic_only" not in found.estimates
    assert any("synthetic only not run in seed 1" in note for note in found.notes)
    assert found.seconds < 3.2 * 60 * 1.1


def test_a_machine_too_slow_for_two_arms_is_an_unfinished_job_that_can_be_resumed(tiny, tmp_path, slower):
    only = StudentLimits(steps=(12, 12), seeds=1, rows=8)
    with pytest.raises(UnfinishedError, match="became slower") as caught:
        measured(tmp_path, tiny, limits=only, minutes=1)
    assert "--resume" in caught.value.todo
    assert list((tmp_path / "work").glob("*.state"))
    slower.undo()
    found = measured(tmp_path, tiny, limits=only, minutes=10, resume=True)
    assert len(found.outcomes["both"]) == 1
    assert found.seconds > 60  # what was spent before counts


KILLED = """
import sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}, {here!r}]
import test_student as t
from syngain.learners import adapting
from syngain.learners.causal import CausalModel
adapting.SAVE_SECONDS = 0.0
usual = CausalModel.learn
def slower(self, rows, optimizer, rate):
    time.sleep(0.03)
    return usual(self, rows, optimizer, rate)
CausalModel.learn = slower
t.measured(Path({folder!r}), {model!r})
"""


@pytest.mark.parametrize("finished", [1, 3])
def test_a_killed_run_resumes_to_the_outcomes_of_one_that_was_not(good, tiny, tmp_path, finished):
    whole, _ = good
    here = Path(__file__).resolve().parent
    code = KILLED.format(tests=str(here.parent), here=str(here), folder=str(tmp_path), model=str(tiny))
    work = tmp_path / "work"
    with subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ), stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            if len(list(work.glob("*.npz"))) >= finished and list(work.glob("*.state")):
                break
            time.sleep(0.01)
        assert process.poll() is None, process.stderr.read().decode()
        os.kill(process.pid, signal.SIGKILL)
    before = {path.name for path in work.glob("*.npz")}
    assert finished <= len(before) < 9
    found = measured(tmp_path, tiny, resume=True)
    assert found.estimates == whole.estimates
    for arm in ARMS:
        for mine, other in zip(found.outcomes[arm], whole.outcomes[arm], strict=True):
            np.testing.assert_array_equal(mine.loss, other.loss)
    assert not list(work.glob("*.state"))
