"""The gain of preferences: an oracle world with a known law, antisymmetry, and the whole way on made-up rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from strategies import any_text, thorough
from syngain.core import InputError
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.encoders.comparisons import ComparisonEncoder, styles
from syngain.gain.design.cross_validation import Arm, Design, experiment, training
from syngain.gain.design.layout import GainLayout
from syngain.gain.design.lineage import Lineage
from syngain.gain.forecast import Forecaster
from syngain.gain.proxies.metrics import METRICS
from syngain.gain.proxies.preference import PreferenceTask
from syngain.gain.proxies.task import Training
from syngain.learners.bradley_terry import BradleyTerry
from syngain.workflows.evaluate.gain import GainSettings

REAL, ROWS, FRESH, FEATURES = 120, 360, 8_000, 8
DESIGN = Design(amounts=1, controls=False, balanced=False)


def pairs(count, weights, rng):
    """Differences of the preferred response by a law that is known: P(first is preferred) = logistic(x w)."""
    X = rng.normal(size=(count, weights.size))
    first = rng.random(count) < 1 / (1 + np.exp(-X @ weights))
    return np.where(first[:, None], X, -X)


def world(kind, seed):
    """Forecast, its 90% interval, and the true gain on fresh pairs."""
    rng = np.random.default_rng([seed, *kind.encode()])
    weights = rng.normal(size=FEATURES) * 0.6
    real, fresh, rows = (pairs(count, weights, rng) for count in (REAL, FRESH, ROWS))
    if kind == "swapped":
        rows = np.where(rng.random(ROWS)[:, None] < 0.4, -rows, rows)
    if kind == "exchanged":
        rows = -rows
    lineage = Lineage.of(np.full(ROWS, -1), np.arange(REAL + ROWS))
    unit = np.concatenate([lineage.group, REAL + ROWS + np.arange(FRESH)])
    task, streams = PreferenceTask(np.vstack([real, fresh]), rows, unit, lineage.unit), Streams(seed)
    label = np.zeros(REAL, dtype=np.int64)
    forecaster = Forecaster(experiment(task, lineage, streams, design=DESIGN), label, np.ones(REAL), ROWS)
    found = forecaster.estimate(forecaster.all_rows("pair_log_loss"), "pair_log_loss", "gain", fresh=False)
    losses = [
        task.judge(training(arm, np.arange(REAL), np.arange(ROWS), lineage), REAL + np.arange(FRESH), rng).loss.mean()
        for arm in (Arm("anchors"), Arm("both", 1.0, ROWS))
    ]
    return found.value, found.interval(0.9), float(losses[0] - losses[1])


@pytest.mark.parametrize("kind", ["fresh", "swapped", "exchanged"])
def test_sign_and_coverage_where_the_law_of_preferences_is_known(kind):
    found = [world(kind, seed) for seed in range(8)]
    truth = np.array([one[2] for one in found])
    value = np.array([one[0] for one in found])
    covered = sum(low <= true <= high for _, (low, high), true in found)
    assert covered >= 5  # of 8 at level 0.9: fewer has a probability of 0.005
    if kind == "fresh":
        assert (truth > 0).all()
        assert value.mean() > 0
    if kind == "exchanged":
        assert (truth < 0).all()
        assert sum(high < 0 for _, (_, high), _ in found) >= 6
    assert abs(value.mean() - truth.mean()) < 0.5 * np.abs(truth).mean() + 0.02


def test_the_order_of_the_columns_carries_nothing():
    rng = np.random.default_rng(0)
    X = pairs(80, np.ones(3), rng)
    fold, judged = np.arange(80) % 4, np.ones(80, dtype=bool)
    fitted = BradleyTerry().fit(X, fold, judged)
    other = BradleyTerry().fit(-X, fold, judged)
    np.testing.assert_allclose(fitted.weights, -other.weights, atol=1e-5)
    np.testing.assert_allclose(fitted.margins(-X), -fitted.margins(X))


def test_no_pair_is_impossible_and_no_pairs_are_a_guess():
    X = np.array([[100.0], [100.0]])
    fitted = BradleyTerry().fit_at(X, 1e-3)
    assert np.isfinite(fitted.losses(np.array([[-1e6]]))).all()
    np.testing.assert_allclose(BradleyTerry().fit_at(np.empty((0, 1)), 1.0).losses(X), np.log(2))


@thorough(30)
@given(st.lists(st.tuples(any_text, any_text, any_text), min_size=2, max_size=8))
def test_exchanged_responses_have_the_negative_features(rows):
    prompts, chosen, rejected = map(list, zip(*rows, strict=True))
    np.testing.assert_allclose(styles(prompts, chosen, rejected), -styles(prompts, rejected, chosen))
    encoder = ComparisonEncoder()
    forward, backward = encoder.of(prompts, chosen, rejected), encoder.of(prompts, rejected, chosen)
    first, second = (encoder.fit(one, np.random.default_rng(0)) for one in (forward, backward))
    np.testing.assert_allclose(first(forward), -first(backward), atol=1e-6)
    np.testing.assert_allclose(
        np.abs(first(forward) @ first(forward).T), np.abs(second(forward) @ second(forward).T), atol=1e-3
    )


TOPICS = "tides bread bridges bees maps chess brakes rivers steel glass".split()
GOOD, BAD = "measured carefully checked source example".split(), "maybe whatever guess unsure dunno".split()


def rows(count, seed, wrong=0.0):
    rng = np.random.default_rng(seed)
    out = []
    for i in range(count):
        topic = str(rng.choice(TOPICS))
        sides = [f"{topic}: " + " ".join(rng.choice(words, 4)) + f" {int(rng.integers(99))}" for words in (GOOD, BAD)]
        chosen, rejected = sides if rng.random() >= max(0.1, wrong) else sides[::-1]
        out.append({"prompt": f"About {topic}, case {seed}-{i}?", "chosen": chosen, "rejected": rejected})
    return out


def of(count, seed, wrong=0.0):
    return Dataset.from_rows(rows(count, seed, wrong), f"rows {seed}")


QUICK = GainSettings(quick=True)


def test_exchanged_pairs_harm_and_the_sentence_says_so():
    found = syngain.gain(of(80, 1), of(160, 2, wrong=0.9), settings=QUICK)
    assert found.verdict.decision == "do_not_use"
    assert "log-loss of pairs" in found.verdict.sentence
    assert found.estimates["gain.pair_log_loss"].unit == "nats"
    assert found.estimates["gain.pair_accuracy"].value < 0
    assert "Bradley-Terry" in dict(found.views.computed)["Proxy"]


def test_fresh_pairs_help_where_real_ones_are_few():
    found = syngain.gain(of(60, 3), of(300, 4), test=of(200, 5), settings=QUICK)
    assert found.estimates["gain.pair_log_loss.test"].value > 0


def test_pairs_of_one_prompt_leave_together():
    items = rows(30, 6)
    more = [{**item, "rejected": "something else entirely, said at length"} for item in items]
    ground = GainLayout.of(Dataset.from_rows([*items, *more]), of(40, 7))
    assert (ground.lineage.group[:30] == ground.lineage.group[30:]).all()


def test_one_prompt_of_all_rows_is_no_topic():
    same = [{**item, "prompt": "Which is better?"} for item in rows(40, 8)]
    ground = GainLayout.of(Dataset.from_rows(same), of(40, 9))
    assert np.unique(ground.lineage.group).size > 20


def test_pairs_without_a_rejected_response_are_refused():
    plain = Dataset.from_rows([{"prompt": f"p {i}", "completion": f"c {i}"} for i in range(40)], "plain")
    with pytest.raises(InputError, match="plain has one response per row"):
        syngain.gain(of(40, 1), plain)
    with pytest.raises(InputError, match="plain has one response per row"):
        syngain.audit(of(40, 1), plain, gain=False)


def test_equal_responses_are_a_guess():
    same = Dataset.from_rows([{**item, "rejected": item["chosen"]} for item in rows(40, 1)])
    task = GainLayout.of(of(40, 2), same).preference_task(Streams(0))
    none = np.empty(0, dtype=np.int64)
    rng = np.random.default_rng(0)
    with_them = task.judge(Training(np.arange(30), np.arange(40)), np.arange(30, 40), rng)
    without = task.judge(Training(np.arange(30), none), np.arange(30, 40), rng)
    assert abs(with_them.loss.mean() - without.loss.mean()) < 0.05
    assert METRICS["pair_accuracy"](without, np.zeros(10, dtype=np.int64), np.ones(10)).mean() > 0.5
