"""The gain of targets that are no classes: known distributions, metrics against their definitions, cases, commands."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from strategies import thorough
from syngain.core import InputError
from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.dataset import Dataset, RoleOptions
from syngain.gain.design.cross_validation import Arm, Design
from syngain.gain.design.layout import GainLayout
from syngain.gain.on_test import measured
from syngain.gain.outcome.estimates import Setup, estimate_gain
from syngain.gain.proxies.metrics import METRICS
from syngain.gain.proxies.task import Outcome
from syngain.learners.targets.label_sets import LabelRegression
from syngain.learners.targets.numbers import GaussianRegression, OrdinalRegression
from syngain.learners.targets.rows import TargetRows
from syngain.learners.targets.tagger import entities
from syngain.workflows.evaluate.gain import GainSettings

CASES = Path(os.environ.get("SYNGAIN_DATA", "../shared/data")).parent / "cases"
cases = pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not on this machine")
DESIGN = Design(folds=10, repeats=1, amounts=1, most=2_000, controls=False, balanced=False, pairs=False)
SLOPES = np.array([2.0, -1.0, 0.5, 0.0])


def linear(n, rng, noise=1.0):
    X = rng.normal(size=(n, 4))
    y = X @ SLOPES + noise * rng.normal(size=n)
    return [
        {**{f"x{k}": float(v) for k, v in enumerate(row)}, "y": float(value)} for row, value in zip(X, y, strict=True)
    ]


def ends(n):
    fold = np.arange(n) % 3
    return fold, np.ones(n, dtype=bool)


def test_the_gaussian_learns_slopes_and_noise_of_a_known_distribution():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 4))
    rows = TargetRows.single(X, 3 + X @ SLOPES + 0.7 * rng.normal(size=4_000))
    fitted = GaussianRegression().fit(rows, *ends(4_000))
    assert fitted.scale == pytest.approx(0.7, rel=0.05)
    assert fitted.ridge.coefficients[:, 0] == pytest.approx(SLOPES, abs=0.06)
    best = 0.5 * np.log(2 * np.pi * np.e * 0.49)
    assert fitted.judge(rows).loss.mean() == pytest.approx(best, abs=0.03)


def test_probabilities_of_scores_and_labels_are_those_of_the_distribution():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6_000, 3))
    latent = X @ np.array([0.8, -0.5, 0]) + 3 + 0.6 * rng.normal(size=6_000)
    y = np.clip(np.round(latent), 1, 5)
    fitted = OrdinalRegression((1.0, 2.0, 3.0, 4.0, 5.0)).fit(TargetRows.single(X, y), *ends(6_000))
    found = fitted.judge(TargetRows.single(X, y))
    assert found.loss.mean() < found.chance.mean() - 0.4
    p = 1 / (1 + np.exp(-(X @ rng.normal(size=(3, 2)) - 0.5)))
    on = (rng.random(p.shape) < p).astype(float)
    labels = LabelRegression().fit(TargetRows.single(X, on), *ends(6_000))
    truth = -np.log(np.where(on > 0, p, 1 - p)).sum(axis=1).mean()
    assert labels.judge(TargetRows.single(X, on)).loss.mean() == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["B-PER", "I-PER", "O", "B-LOC"], {(0, 2, "PER"), (3, 4, "LOC")}),
        (["B-PER", "B-PER", "I-LOC"], {(0, 1, "PER"), (1, 2, "PER"), (2, 3, "LOC")}),
        (["1", "2", "0", "3"], {(0, 2, "1"), (3, 4, "2")}),
        (["NOUN", "VERB"], {(0, 1, "NOUN"), (1, 2, "VERB")}),
        ([], set()),
    ],
)
def test_entities_of_tags(tags, found):
    assert entities(tags) == found


@thorough(60)
@given(st.integers(3, 40), st.integers(0, 10_000))
def test_metrics_are_their_definitions_with_any_weights(n, seed):
    rng = np.random.default_rng(seed)
    weight, y, error = rng.integers(1, 4, n).astype(float), rng.normal(size=n), rng.random(n) + 0.01
    hits = (rng.random((n, 2)) < 0.4).astype(float)
    true, guessed = np.maximum(hits, rng.random((n, 2)) < 0.5), np.maximum(hits, rng.random((n, 2)) < 0.5)
    parts = {"error": error, "target": y, "hits": hits, "true": true, "guessed": guessed}
    outcome = Outcome(error, np.ones(n), parts=parts)
    none = np.zeros(n, dtype=np.int64)
    of = {name: METRICS[name](outcome, none, weight).mean() for name in ("rmse", "r2", "label_set_f1")}
    repeat = np.repeat(np.arange(n), weight.astype(int))
    assert of["rmse"] == pytest.approx(-np.sqrt(error[repeat].mean()))
    assert of["r2"] == pytest.approx(1 - error[repeat].mean() / y[repeat].var())
    sums = [part[repeat].sum(axis=0) for part in (hits, true, guessed)]
    f1 = [2 * h / (t + g) for h, t, g in zip(*sums, strict=True) if t > 0]
    assert of["label_set_f1"] == pytest.approx(np.mean(f1) if f1 else 0.0)


@thorough(60)
@given(st.integers(2, 30), st.integers(0, 10_000))
def test_influence_of_a_row_is_the_derivative_in_its_weight(n, seed):
    rng = np.random.default_rng(seed)
    weight, y, error = np.ones(n), rng.normal(size=n), rng.random(n) + 0.1
    outcome, none = Outcome(error, np.ones(n), parts={"error": error, "target": y}), np.zeros(n, dtype=np.int64)
    for name in ("rmse", "r2"):
        values, step = METRICS[name](outcome, none, weight), 1e-6
        more = weight.copy()
        more[0] += step
        slope = (METRICS[name](outcome, none, more).mean() - values.mean()) / step
        assert (values[0] - values.mean()) / n == pytest.approx(slope, abs=1e-3 * (1 + abs(slope)))


@pytest.mark.parametrize(("kind", "sign"), [("fresh", 1), ("shuffled", -1)])
def test_sign_and_coverage_where_the_distribution_of_numbers_is_known(kind, sign):
    inside, true = [], []
    for seed in range(8):
        rng = np.random.default_rng([seed, 25])
        real, rows, test = linear(60, rng), linear(120, rng), linear(3_000, rng)
        if kind == "shuffled":
            rows = [{**row, "y": rows[k]["y"]} for row, k in zip(rows, rng.permutation(120), strict=True)]
        first = Dataset.from_rows(real, "real", roles=RoleOptions(label="y"))
        others = [Dataset.from_rows(part, "other", roles=RoleOptions(label="y"), like=first) for part in (rows, test)]
        layout = GainLayout.of(first, others[0], test=others[1])
        seen = measured(layout.task(Streams(0)), layout, Streams(0))
        true.append(seen.influence("gaussian_log_loss", seen.both, Arm("anchors")).mean())
        alone = GainLayout.of(first, others[0])
        found = estimate_gain(alone.task(Streams(0)), alone, Streams(0), setup=Setup(design=DESIGN))
        inside.append(found.estimates["gain.gaussian_log_loss@expected"].interval(0.9))
    truth = float(np.mean(true))
    assert np.sign(truth) == sign
    assert sum(low <= truth <= high for low, high in inside) >= 5  # of 8; fewer has a probability of 0.5% at 90%
    assert not any(low > 0 if sign < 0 else high < 0 for low, high in inside)


@cases
@pytest.mark.parametrize(("name", "decision"), [("syn_good", "use"), ("syn_shuffled", "do_not_use")])
def test_the_case_of_numbers(name, decision):
    roles = RoleOptions(label="amount")
    real = read(CASES / "regression/real.csv", roles=roles)
    synthetic, test = (read(CASES / f"regression/{one}.csv", roles=roles, like=real) for one in (name, "test"))
    found = syngain.gain(real, synthetic, test=test)
    assert found.verdict.decision == decision
    assert {"gain.rmse.test", "gain.r2.test", "gain.gaussian_log_loss@expected"} <= set(found.estimates)
    assert found.estimates["gain.rmse.test"].unit == "units of the target"


@cases
def test_label_sets_have_figures_of_each_label_and_other_commands_run():
    real, synthetic = (CASES / f"multi_label/{side}.jsonl" for side in ("real", "syn"))
    found = syngain.gain(real, synthetic, settings=GainSettings(design=DESIGN))
    assert {"gain.label_set_f1@label=calm", "gain.label_set_log_loss@label=sad"} <= set(found.estimates)
    chosen = syngain.select(real, synthetic)
    assert "selection.label_set_log_loss.over_random" in chosen.estimates
    tokens = CASES / "token_labels"
    ranked = syngain.compare(tokens / "real.jsonl", {"one": tokens / "syn.jsonl", "two": tokens / "real.jsonl"})
    assert ranked.verdict is not None


def test_methods_of_classes_refuse_other_targets_before_any_work():
    rng = np.random.default_rng(0)
    real = Dataset.from_rows(linear(40, rng), "real", roles=RoleOptions(label="y"))
    with pytest.raises(InputError, match="method confidence with targets of the kind number"):
        syngain.select(real, real, method="confidence")


def test_oversampling_and_equal_rows_add_nothing_to_retrieval():
    rng = np.random.default_rng(0)
    words = "river stone paper window garden metal silver winter market coffee".split()

    def row():
        first, second = rng.choice(10, 2, replace=False)
        return {
            "query": f"{words[first]} q{rng.integers(999)}",
            "pos": [f"a {words[first]} b"],
            "neg": [f"c {words[second]} d"],
        }

    real = Dataset.from_rows([row() for _ in range(80)], "real")
    copies = real.take(list(range(80)) * 2)
    alone = GainLayout.of(real, copies)
    found = estimate_gain(alone.task(Streams(0)), alone, Streams(0), setup=Setup(design=DESIGN))
    low, high = found.estimates["gain.retrieval_log_loss@expected"].interval(0.9)
    assert low < 0.05
    assert high > -0.05
