"""Profiles of labeled rows, rows to drop, and the gain of dropping them."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sklearn.datasets import load_wine

import syngain
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.gain.cleaning.label_noise import NoiseFloor, normalized_margin
from syngain.gain.cleaning.methods import by_confident_learning, by_profile, cleaning_method
from syngain.gain.cleaning.nested_cleaning import CleaningTrial, hedge, mixed
from syngain.gain.cleaning.profile import LabelProfile, ProfileModel
from syngain.learners.boosting import Boosting

FAST = syngain.settings.CleanSettings(members=2, learner=Boosting((16,)), trial=CleaningTrial(folds=3, randoms=2))


def two_clouds(count, rng, distance=4.0, spread=6):
    """Rows of two normal classes in six dimensions, and the posterior of the second class."""
    right = rng.integers(0, 2, count)
    X = rng.normal(size=(count, spread))
    X[:, 0] += distance * (right - 0.5)
    return X, right, 1 / (1 + np.exp(-distance * X[:, 0]))


def flipped(right, rate, rng, classes=2):
    wrong = rng.random(right.size) < rate
    return np.where(wrong, (right + rng.integers(1, classes, right.size)) % classes, right), wrong


def dataset(X, label, name="real", like=None):
    rows = [{**{f"c{j}": float(v) for j, v in enumerate(x)}, "label": f"k{y}"} for x, y in zip(X, label, strict=True)]
    return syngain.Dataset.from_rows(rows, name, like=like)


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(5)
    X, right, second = two_clouds(400, rng)
    label, wrong = flipped(right, 0.2, rng)
    found = ProfileModel(members=2).profile(X, label, classes=2, rng=np.random.default_rng(0))
    return found, label, wrong, second


members = st.integers(1, 4).flatmap(
    lambda k: st.tuples(st.just(k), st.integers(2, 12), st.integers(2, 5), st.integers(0, 10_000))
)


def random_profile(k, n, classes, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(k, n, classes)) * rng.uniform(0.1, 5)
    members = values - np.log(np.exp(values).sum(axis=2, keepdims=True))
    return LabelProfile(members, rng.integers(0, classes, n), rng.random(n))


@given(members)
@budget(max_examples=60, deadline=None)
def test_both_kinds_of_variability_sum_to_that_of_the_mean(shape):
    found = random_profile(*shape)
    mean = found.confidence
    assert np.allclose(found.aleatoric + found.epistemic, mean * (1 - mean))
    assert found.aleatoric.max() <= 0.25 + 1e-12
    at_ends = np.array(found.groups) != "ambiguous"
    assert (found.aleatoric[at_ends] <= 3 / 16 + 1e-12).all()  # Jensen


@given(members)
@budget(max_examples=60, deadline=None)
def test_a_sound_score_of_a_label_is_within_its_range_and_agrees_with_the_margin(shape):
    found = random_profile(*shape)
    score = normalized_margin(found.mean, found.label)
    assert ((score >= 0) & (score <= 1)).all()
    first = found.mean.argmax(axis=1) == found.label
    assert (score[first] >= 0.5).all()
    assert (score[~first] <= 0.5).all()
    floor = NoiseFloor.of(found.mean, found.label)
    wrong = floor.wrong_label(floor.right(found.mean), found.label)
    assert ((wrong >= -1e-12) & (wrong <= 1 + 1e-12)).all()
    assert (floor.rates <= 0.45).all()


@given(members)
@budget(max_examples=60, deadline=None)
def test_no_method_drops_more_than_half_of_a_class(shape):
    found = random_profile(*shape)
    for method in (by_profile, by_confident_learning):
        drop = method(found).drop
        for code in np.unique(found.label):
            inside = found.label == code
            assert drop[inside].sum() <= inside.sum() // 2


def test_where_two_classes_are_flipped_at_one_rate_a_wrong_label_has_the_probability_of_bayes():
    rate, right = 0.2, np.array([0.02, 0.3, 0.7, 0.98])
    seen = right * (1 - rate) + (1 - right) * rate
    floor = NoiseFloor(np.array([rate, rate]), np.array([True]))
    for label in (0, 1):
        own = right if label else 1 - right
        expected = (1 - own) * rate / ((1 - own) * rate + own * (1 - rate))
        probability = floor.right(np.column_stack([1 - seen, seen]))
        assert np.allclose(probability[:, 1], right)
        assert np.allclose(floor.wrong_label(probability, np.full(4, label)), expected)


def test_without_a_wrong_label_among_the_sure_rows_no_row_is_dropped():
    rng = np.random.default_rng(1)
    X, right, _ = two_clouds(300, rng, distance=2.0)
    sure = np.abs(X[:, 0]) > 1.2
    found = ProfileModel(members=1).profile(X, np.where(sure, X[:, 0] > 0, right).astype(int), classes=2, rng=rng)
    assert by_profile(found).drop.sum() <= 3
    assert by_confident_learning(found).drop.sum() > 15  # overlap of classes counts as noise there


def test_the_noise_floor_is_the_planted_rate_whether_classes_overlap_or_not():
    for distance in (5.0, 2.0):
        for rate in (0.0, 0.1, 0.2):
            found = []
            for seed in range(2):
                rng = np.random.default_rng(seed)
                X, right, _ = two_clouds(600, rng, distance)
                label, _ = flipped(right, rate, rng)
                profile = ProfileModel(members=1, rounds=0, trees=30).profile(X, label, classes=2, rng=rng)
                found.append(NoiseFloor.of(profile.mean, profile.label).estimate())
            value = np.mean([one.value for one in found])
            assert abs(value - rate) < 0.06, (distance, rate, value)


def test_the_dropped_rows_are_the_flipped_ones_as_far_as_a_bayes_optimal_classifier_names_them(noisy):
    """Bayes: a label is wrong with more than one half where the posterior of its class is below the rate."""
    found, label, wrong, second = noisy
    own = np.where(label == 1, second, 1 - second)
    best = own < 0.2
    recall = {
        name: (drop & wrong).sum() / wrong.sum() for name, drop in (("bayes", best), ("ours", by_profile(found).drop))
    }
    ours = by_profile(found).drop
    assert recall["bayes"] > 0.8
    assert recall["ours"] >= recall["bayes"] - 0.15
    assert (ours & wrong).sum() / ours.sum() >= (best & wrong).sum() / best.sum() - 0.1


def test_profiles_call_flipped_rows_hard_and_others_easy(noisy):
    found, _, wrong, _ = noisy
    assert found.confidence[~wrong].mean() > found.confidence[wrong].mean() + 0.4
    assert found.margin[~wrong].mean() > 0 > found.margin[wrong].mean()
    groups = np.array(found.groups)
    assert (groups[wrong] == "hard").mean() > 0.4
    assert (groups[~wrong] == "hard").mean() < 0.05


def test_real_and_synthetic_rows_have_their_own_rates():
    rng = np.random.default_rng(9)
    X, right, _ = two_clouds(500, rng)
    side = np.repeat([0, 1], [200, 300])
    label, wrong = flipped(right, 0.25, rng)
    label[:200], wrong[:200] = right[:200], False
    model = ProfileModel(members=1, trees=30)
    found = model.profile(X, label, classes=2, rng=np.random.default_rng(0), side=side)
    drop = by_profile(found).drop
    assert drop[:200].sum() <= 4
    assert (drop & wrong).sum() / wrong.sum() > 0.6
    again = model.profile(X, label, classes=2, rng=np.random.default_rng(0), side=side)
    assert np.array_equal(found.wrong, again.wrong)


def test_no_row_helps_to_judge_its_own_group():
    """Each row is there twice with opposite labels: models that saw its copy would contradict every label."""
    rng = np.random.default_rng(2)
    X, right, _ = two_clouds(60, rng)
    both, label = np.vstack([X, X]), np.concatenate([right, 1 - right])
    alone = ProfileModel(members=1).profile(both, label, classes=2, rng=np.random.default_rng(0))
    together = ProfileModel(members=1).profile(
        both, label, classes=2, group=np.tile(np.arange(60), 2), rng=np.random.default_rng(0)
    )
    assert alone.confidence.mean() < together.confidence.mean()
    assert together.confidence.mean() == pytest.approx(0.5, abs=0.02)


def test_a_hedge_is_the_rate_of_wrong_labels_for_a_model_of_right_ones():
    rng = np.random.default_rng(3)
    right = 0.98  # what a good model gives the right one of two classes
    wrong = rng.random(4_000) < 0.2
    loss = -np.log(np.where(wrong, 1 - right, right))
    weight = hedge(loss, 2)
    assert weight == pytest.approx(0.38, abs=0.04)  # half of it is on the given label
    assert mixed(loss, 2, weight).mean() < loss.mean()
    assert hedge(-np.log(np.full(50, 0.9)), 2) < 1e-3


def test_wrong_settings_are_errors_in_three_parts():
    with pytest.raises(UsageError, match="unknown method 'best'"):
        cleaning_method("best")
    with pytest.raises(UsageError, match="members = 0"):
        ProfileModel(members=0)
    with pytest.raises(UsageError, match="at least two groups"):
        ProfileModel().profile(np.zeros((4, 1)), np.array([0, 1, 0, 1]), classes=2, group=np.zeros(4, int), rng=None)
    texts = syngain.Dataset.from_rows([{"text": f"row {i} of many"} for i in range(30)])
    with pytest.raises(InputError, match="has no labels"):
        syngain.clean(texts)


@pytest.mark.slow
def test_clean_rows_are_all_kept_and_noisy_ones_are_dropped_with_a_gain_on_right_labels():
    rng = np.random.default_rng(7)
    X, right, _ = two_clouds(260, rng)
    test_X, test_right, _ = two_clouds(400, rng)
    real = dataset(X, right)
    test = dataset(test_X, test_right, "test", like=real)
    kept = syngain.clean(real, test=test, settings=FAST)
    assert kept.verdict.decision == "cannot_tell"
    assert kept.verdict.sentence.startswith("Keep all 260 real rows:")
    assert len(kept.kept_rows) == 260
    assert not kept.dropped_rows
    label, wrong = flipped(right, 0.25, rng)
    found = syngain.clean(dataset(X, label), test=test, settings=FAST)
    assert found.verdict.decision == "use_subset"
    over = found.estimates["cleaning.log_loss.over_none@profile"]
    assert over.interval(0.9)[0] > 0
    rows = np.array(found.files["dropped.jsonl"].rows)
    assert wrong[rows].mean() > 0.85
    assert found.verdict.rows_to_use == 260 - rows.size
    assert set(found.kept_rows[0]) == {*(f"c{j}" for j in range(6)), "label"}
    assert {"syngain_id", "syngain_reason", "syngain_score"} < set(found.dropped_rows[0])
    assert next(one.row for one in found.dropped) in rows


@pytest.mark.slow
def test_synthetic_rows_are_cleaned_next_to_real_rows_that_stay(tmp_path):
    rng = np.random.default_rng(8)
    X, right, _ = two_clouds(80, rng)
    made_X, made_right, _ = two_clouds(300, rng)
    label, wrong = flipped(made_right, 0.3, rng)
    real = dataset(X, right)
    found = syngain.clean(real, dataset(made_X, label, "synthetic", like=real), settings=FAST)
    named = np.array(["profile" in row["named_by"] for row in found.files["profile.jsonl"].records])
    assert named.size == 300
    assert wrong[named].mean() > 0.85
    assert (named & wrong).sum() / wrong.sum() > 0.7
    assert found.estimates["cleaning.log_loss.over_none@profile"].value > 0
    assert found.inputs.keys() == {"real", "synthetic"}


@pytest.mark.slow
def test_the_command_on_a_real_table_end_to_end(tmp_path, monkeypatch, capsys):
    bunch, rng = load_wine(), np.random.default_rng(0)
    label, wrong = flipped(bunch.target, 0.2, rng, classes=3)
    lines = [",".join([*(f"c{j}" for j in range(13)), "kind"])]
    lines += [",".join([*map(str, x), f"k{y}"]) for x, y in zip(bunch.data, label, strict=True)]
    (tmp_path / "wine.csv").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean.yaml").write_text("members: 1\nfolds: 2\n")
    call = ["syngain", "clean", "wine.csv", "--label", "kind", "-c", "clean.yaml", "-o", "run"]
    for arguments in (call, [*call, "--resume"]):
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 0, capsys.readouterr().err
    shown = capsys.readouterr().out
    assert "wine.csv" not in shown
    profile = [json.loads(line) for line in (tmp_path / "run" / "profile.jsonl").read_text().splitlines()]
    assert len(profile) == 178
    named = np.array(["profile" in row["named_by"] for row in profile])
    assert wrong[named].mean() > 0.8
    assert (named & wrong).sum() / wrong.sum() > 0.6
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["command"] == "clean"
    assert report["estimates"]["profile.wrong_labels"]["value"] == pytest.approx(0.2, abs=0.1)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Profile of the rows" in page
    assert "variability, p (1 - p)" in page
