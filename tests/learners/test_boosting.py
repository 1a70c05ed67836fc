"""The boosted proxy: scikit-learn's trees, rounds chosen as by a full search, on fewer trees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from syngain.learners import boosting
from syngain.learners.boosted import trees
from syngain.learners.boosted.trees import TreeShape
from syngain.learners.boosting import Boosting
from syngain.learners.choices import ENOUGH, Choices
from syngain.learners.logistic import Examples


def rows(count, classes, seed=0, columns=8):
    """Bins of numbers, of rare and frequent flags and of one value, with a label that follows two of them."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 64, (count, columns)).astype(np.uint8)
    codes[:, 1] = rng.random(count) < 0.3
    codes[:, 2] = rng.random(count) < 0.02
    codes[:, 3] = 7
    codes[:, 4] = rng.choice([3, 4, 60], count)
    score = codes[:, 0] / 16 + 2 * codes[:, 1] + rng.normal(size=count)
    y = np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]))
    return codes, y.astype(np.int64), rng.uniform(0.2, 2, count)


def examples(count=150, classes=2, seed=0, folds=3):
    codes, y, _ = rows(count, classes, seed)
    fold = np.random.default_rng(seed).integers(0, folds, count)
    return Examples(codes.astype(float), y, classes, np.ones(count), fold, np.ones(count, dtype=bool))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("count", [40, 150, 700])
@pytest.mark.parametrize("smallest", [2, 20])
def test_the_trees_are_scikit_learns(classes, count, smallest):
    codes, y, weight = rows(count, classes)
    seen, new = slice(0, count * 3 // 4), slice(count * 3 // 4, None)
    ours = trees._Direct.of(codes[seen], y[seen], weight[seen], TreeShape(0.1, 15, smallest))
    ours.grow(30)
    theirs = HistGradientBoostingClassifier(
        max_iter=30, max_leaf_nodes=15, min_samples_leaf=smallest, early_stopping=False, random_state=0
    ).fit(codes[seen].astype(float), y[seen], sample_weight=weight[seen])
    for part in (codes[seen], codes[new]):  # of the second, some bins have no training row
        np.testing.assert_allclose(ours.shares(part), theirs.predict_proba(part.astype(float)), rtol=0, atol=1e-9)


def test_trees_that_grow_on_are_those_grown_at_once():
    codes, y, weight = rows(200, 3)
    once, again = (trees.growing(codes, y, weight, TreeShape(0.1, 15, 5)) for _ in range(2))
    followed = again.follow(codes[:50])
    once.grow(40)
    for rounds in (8, 20, 40):
        again.grow(rounds)
        followed.shares()
    np.testing.assert_array_equal(once.shares(codes[:50]), followed.shares())
    np.testing.assert_array_equal(once.shares(codes), again.shares(codes))


def test_rows_without_a_split_keep_the_class_fractions():
    codes, y, weight = np.full((30, 2), 5, dtype=np.uint8), np.arange(30) % 3, np.ones(30)
    fitted = trees.growing(codes, y, weight, TreeShape(0.1, 15, 2))
    fitted.grow(50)
    np.testing.assert_allclose(fitted.shares(codes), 1 / 3)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_public_way_gives_the_same_fit(monkeypatch, classes):
    given = examples(classes=classes)
    direct = Boosting(rounds=(8, 16, 32)).fit(given).log_probabilities(given.X)
    monkeypatch.setattr(trees, "_usable", lambda: False)
    public = Boosting(rounds=(8, 16, 32)).fit(given).log_probabilities(given.X)
    np.testing.assert_allclose(direct, public, rtol=0, atol=1e-8)


@pytest.mark.parametrize("error", [ImportError, TypeError, AttributeError])
def test_a_scikit_learn_without_these_parts_is_used_through_its_public_face(monkeypatch, error):
    def missing(*_):
        raise error

    codes, y, weight = rows(60, 2)
    assert isinstance(trees.growing(codes, y, weight, TreeShape(0.1, 15, 5)), trees._Direct)
    trees._usable.cache_clear()
    monkeypatch.setattr(trees._Grower, "grown", missing)
    assert isinstance(trees.growing(codes, y, weight, TreeShape(0.1, 15, 5)), trees._Public)
    trees._usable.cache_clear()


def test_other_trees_are_not_used(monkeypatch):
    trees._usable.cache_clear()
    monkeypatch.setattr(trees, "LEAST_CURVATURE", 3.0)
    assert not trees._usable()
    trees._usable.cache_clear()


def full_search(given, rounds):
    """The number of rounds with the smallest loss, all of them tried on all inner folds, by scikit-learn alone."""
    codes = boosting._coded(given.X, boosting._edges(given.X)).astype(float)
    total = np.zeros(len(rounds))
    for fold in np.unique(given.fold):
        away = given.fold == fold
        model = HistGradientBoostingClassifier(
            max_iter=rounds[-1],
            max_leaf_nodes=15,
            min_samples_leaf=min(20, max(2, int((~away).sum()) // 20)),
            early_stopping=False,
            random_state=0,
        ).fit(codes[~away], given.y[~away])
        mixing = 1 / ((~away).sum() + 1)
        for done, shares in enumerate(model.staged_predict_proba(codes[away]), 1):
            if done in rounds:
                own = shares[np.arange(away.sum()), given.y[away]]
                total[rounds.index(done)] -= np.log(mixing / given.classes + (1 - mixing) * own).sum()
    return rounds[int(np.argmin(total))]


def test_the_rounds_are_those_of_a_full_search():
    learner = Boosting(rounds=(4, 8, 16, 32))
    pairs = []
    for seed in range(12):
        given = examples(seed=seed)
        codes = boosting._coded(given.X, boosting._edges(given.X))
        pairs.append((learner.choose(given, codes), full_search(given, learner.rounds)))
    assert len({full for _, full in pairs}) > 1
    assert sum(ours == full for ours, full in pairs) >= 11


def test_one_inner_fold_chooses_only_where_its_choice_is_clear(monkeypatch):
    fitted = []
    grow = trees._Direct.grow
    monkeypatch.setattr(trees._Direct, "grow", lambda self, rounds: (fitted.append(id(self)), grow(self, rounds))[1])
    learner = Boosting(rounds=(2, 4, 16))
    clear, noise = examples(900), examples(900)
    noise = replace(noise, y=np.random.default_rng(1).integers(0, 2, 900))
    for given, folds in ((clear, 1), (noise, 3)):
        fitted.clear()
        codes = boosting._coded(given.X, boosting._edges(given.X))
        assert learner.choose(given, codes) == full_search(given, learner.rounds)
        assert len(set(fitted)) == folds


def test_the_first_fits_of_a_variant_choose_for_all():
    learner, choices, chosen, alone = Boosting(rounds=(4, 8, 16, 32)), Choices(), [], []
    for seed in range(6):
        given = examples(seed=seed)
        codes = boosting._coded(given.X, boosting._edges(given.X))
        assert (choices.settled is None) == (seed < ENOUGH)
        chosen.append(learner.choose(replace(given, choices=choices), codes))
        alone.append(learner.choose(given, codes))
    assert chosen[:ENOUGH] == alone[:ENOUGH]
    assert len(set(chosen[ENOUGH:])) == 1
    assert chosen[ENOUGH] in chosen[:ENOUGH]
    assert len(set(alone)) > 1


def test_a_value_that_was_not_tried_is_no_better_than_the_last_one_that_was():
    choices = Choices()
    for losses in ([0.7, 0.5, 0.6], [0.7, 0.6, 0.58, 0.55]):
        assert choices.settled is None
        choices.note(losses)
    assert choices.settled == 1  # 1.1 against 1.15 and 1.18
