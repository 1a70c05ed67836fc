"""Retention against lab language models that forget by construction: the change is found, and no winner's curse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from syngain.core import InputError
from syngain.core.result import Verdict
from syngain.training.repair.openings import template_of
from syngain.training.repair.pattern_metrics import State
from syngain.training.repair.retention import RowHalves, weighed
from syngain.training.repair.retention_words import forgetting, recommended
from syngain.training.repair.treatment import variants

SYMBOLS, TOKENS, ROWS, SEEDS, WORLDS = 8, 12, 40, 3, 100
TEMPLATE = template_of(["oh so it is so", "oh so it is so", "oh so it is so"])


class Forgetting:
    """A bigram language model that knows two kinds of text, and forgets one by construction.

    The model before is the source itself. A variant mixes a part of its distribution with the uniform one: that is
    what it forgets. ``change(part)`` is the exact rise of the loss per token, from the stationary distribution.
    """

    def __init__(self, rng):
        self.source = rng.dirichlet(np.full(SYMBOLS, 0.5), SYMBOLS) * 0.95 + 0.05 / SYMBOLS
        values, vectors = np.linalg.eig(self.source.T)
        law = np.real(vectors[:, np.argmax(np.real(values))])
        self.law = law / law.sum()

    def after(self, part):
        return (1 - part) * self.source + part / SYMBOLS

    def change(self, part):
        return float(np.sum(self.law[:, None] * self.source * np.log(self.source / self.after(part))))

    def rows(self, rng, count):
        """Texts (count, TOKENS + 1), every fifth a copy of the one before it."""
        out = np.zeros((count, TOKENS + 1), dtype=np.int64)
        out[:, 0] = rng.choice(SYMBOLS, count, p=self.law)
        for at in range(TOKENS):
            steps = self.source[out[:, at]].cumsum(axis=1)
            out[:, at + 1] = np.minimum((rng.random(count)[:, None] > steps).sum(axis=1), SYMBOLS - 1)
        cluster = np.arange(count) - (np.arange(count) % 5 == 4)
        return out[cluster], cluster

    def loss(self, texts, part):
        return -np.log(self.after(part)[texts[:, :-1], texts[:, 1:]]).sum(axis=1)


class World:
    """Two kinds of rows; every variant forgets the other kind by its part and learns the first by its own.

    A variant's part varies with the seed by a factor of mean 1 (on the change, so its truth is known).
    """

    def __init__(self, rng, parts, drift=0.1):
        self.real, self.other = Forgetting(rng), Forgetting(rng)
        (real, cluster), (other, far) = self.real.rows(rng, 2 * ROWS), self.other.rows(rng, 2 * ROWS)
        half = np.arange(2 * ROWS) % 10 < 5  # clusters are whole
        self.halves = RowHalves.same(cluster, half, SEEDS), RowHalves.same(far, half, SEEDS)
        self.truth = {arm: (-self.real.change(a), self.other.change(b)) for arm, (a, b) in parts.items()}
        factors = 1 + drift * rng.normal(size=(len(parts), SEEDS))
        self.states = {
            arm: [self._state(real, a, other, b, factor) for factor in factors[k]]
            for k, (arm, (a, b)) in enumerate(parts.items())
        }

    def _state(self, real, a, other, b, factor):
        tokens = np.full(2 * ROWS, TOKENS)
        sides = []
        for model, texts, part in ((self.real, real, a), (self.other, other, b)):
            before, after = model.loss(texts, 0.0), model.loss(texts, part)
            sides.append(State(before + factor * (after - before), tokens, ()))
        return replace(sides[0], other=sides[1])

    def weigh(self, price=1.0):
        return weighed(self.states, *self.halves, template=TEMPLATE, price=price)


def held(estimate, truth):
    low, high = estimate.interval(0.9)
    return low <= truth <= high


def test_what_a_language_model_forgets_by_construction_is_found_in_85_of_100_worlds():
    parts = {"untrained": (0.0, 0.0), "overfitted": (0.5, 0.3), "replay": (0.1, 0.05), "anchors": (0.0, 0.01)}
    found = {arm: [] for arm in ("overfitted", "replay", "anchors")}
    for number in range(WORLDS):
        world = World(np.random.default_rng([7, number]), parts)
        arms = world.weigh().arms
        for arm, hits in found.items():
            hits.append(held(arms[arm]["retain.change"], world.truth[arm][1]))
            assert arms[arm]["retain.change"].value == pytest.approx(
                arms[arm]["retain.loss"].value - arms["untrained"]["retain.loss"].value
            )
    counts = {arm: sum(hits) for arm, hits in found.items()}
    assert min(counts.values()) >= 85, counts
    gains = World(np.random.default_rng(1), parts).weigh().arms["overfitted"]
    assert gains["retain.gain"].value < 0 < gains["retain.change"].value


def test_the_variant_is_chosen_on_other_rows_than_those_reported_so_its_numbers_hold():
    """Ten equally good variants: the cost of the chosen one is right where it is reported, not where it was chosen."""
    arms = [arm for arm in variants(retaining=True) if arm not in {"untrained", "anchors"}]
    parts = {"untrained": (0.9, 0.0), "anchors": (0.2, 0.2)} | dict.fromkeys(arms, (0.2, 0.2))
    hits, outside, inside = [], [], []
    for number in range(WORLDS):
        rng = np.random.default_rng([8, number])
        world = World(rng, parts)
        for arm in arms:  # by chance, a variant suits some rows and not others
            luck = [rng.normal(0, 2.0, 2 * ROWS)[world.halves[0].clusters[0]] for _ in range(2)]
            world.states[arm] = [
                replace(state, loss=state.loss + luck[0], other=replace(state.other, loss=state.other.loss + luck[1]))
                for state in world.states[arm]
            ]
        found = world.weigh()
        flipped = tuple(RowHalves(own.clusters, tuple(~flags for flags in own.reported)) for own in world.halves)
        same = weighed(world.states, *flipped, template=TEMPLATE, price=1.0)
        truth = world.truth[found.chosen][1]
        hits.append(held(found.arms[found.chosen]["retain.change"], truth))
        outside.append(found.arms[found.chosen]["retain.change"].value - truth)
        inside.append(same.arms[found.chosen]["retain.change"].value - truth)
    assert sum(hits) >= 85
    errors = {name: np.mean(own) / (np.std(own) / 10) for name, own in (("outside", outside), ("inside", inside))}
    assert abs(errors["outside"]) < 3, errors
    assert errors["inside"] < -4, errors  # what was chosen for its rows looks better on them than it is


def test_a_price_of_0_ignores_what_is_forgotten_and_a_high_one_forbids_it():
    parts = {"untrained": (0.4, 0.0), "overfitted": (0.6, 0.4), "replay": (0.01, 0.3), "average": (0.2, 0.02)}
    world = World(np.random.default_rng(3), parts | {"anchors": (0.0, 0.0)}, drift=0.0)
    assert world.weigh(price=0.0).chosen == "replay"
    assert world.weigh(price=1.0).chosen == "average"
    assert world.weigh(price=1e6).chosen == "untrained"
    assert world.weigh().removed is None
    assert world.weigh().forgets


def test_the_words_name_the_variant_its_gain_and_its_cost():
    parts = {"untrained": (0.4, 0.0), "overfitted": (0.6, 0.4), "replay": (0.01, 0.01), "anchors": (0.0, 0.0)}
    world = World(np.random.default_rng(3), parts)
    alone = Verdict(decision="do_not_use", sentence="Do not use it alone.", action="Do not train on these rows alone.")
    found = world.weigh()
    verdict = recommended(found, alone)
    assert found.chosen == "replay"
    assert "Do not use it alone. Recommended: replay. Gain on real rows +" in verdict.sentence
    assert "; cost on other real rows +" in verdict.sentence
    assert "Replayed rows alone: gain on real rows +" in verdict.sentence
    assert verdict.action == "Do not train on these rows alone. Recommended: replay."
    (finding,) = forgetting(found)
    assert finding.message.startswith("Trained on this dataset alone, the loss on other real rows rises by +")


def test_halves_with_one_row_are_an_error():
    with pytest.raises(InputError, match="at least 2 in each half"):
        RowHalves((np.zeros(4, dtype=np.int64),), (np.arange(4) < 2,))
