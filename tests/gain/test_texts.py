"""The text task: an arm is judged as by a model fitted on its rows alone, in nats of real text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import any_text, thorough
from syngain.core import InputError, UsageError
from syngain.data import Dataset, read
from syngain.gain.design.layout import GainLayout
from syngain.gain.proxies.task import Training
from syngain.gain.proxies.texts import TextTask
from syngain.learners.compact import BYTES
from syngain.learners.grams import Grams
from syngain.learners.ngram import NgramModel

MODEL = NgramModel()
RNG = np.random.default_rng(0)
NONE = np.zeros(0, dtype=np.int64)


def texts(*values):
    return Dataset.from_rows([{"text": value} for value in values], "texts")


def pairs(*values):
    return Dataset.from_rows([{"prompt": prompt, "completion": response} for prompt, response in values], "pairs")


def rows(*numbers):
    return np.array(numbers, dtype=np.int64)


def mean(outcome):
    return outcome.loss.sum() / outcome.size.sum()


several = st.lists(any_text.filter(str.strip), min_size=1, max_size=4)


@thorough(40)
@given(real=several, synthetic=several, test=several, data=st.data())
def test_an_arm_is_judged_as_by_a_model_of_its_rows_alone(real, synthetic, test, data):
    task = TextTask.of(texts(*real), texts(*synthetic), test=texts(*test))
    ours = data.draw(st.lists(st.sampled_from(range(len(real))), unique=True))
    theirs = [] if ours else data.draw(st.lists(st.sampled_from(range(len(synthetic))), unique=True))
    judged = np.arange(len(real), len(real) + len(test))
    found = task.judge(Training(rows(*ours), rows(*theirs)), judged, RNG)
    alone = [real[i] for i in ours] + [synthetic[j] for j in theirs]
    grams = Grams.of(alone, order=MODEL.order, compact=task.grams.alphabet > BYTES)  # the code is that of all rows
    nats, size = MODEL.fit_grams(grams, np.ones(len(alone))).surprisal(test)
    np.testing.assert_allclose(found.loss, nats, rtol=1e-12)
    np.testing.assert_array_equal(found.size, size)
    assert np.isfinite(found.loss).all()
    assert found.guess is None


def test_copies_of_rows_count():
    task = TextTask.of(texts("aaab", "abba"), texts("bbbb"))
    both = task.judge(Training(rows(0, 1, 1), rows(0, 0)), rows(0, 1), RNG)
    once = task.judge(Training(rows(0, 1), rows(0)), rows(0, 1), RNG)
    assert not np.allclose(both.loss, once.loss)


def test_rows_are_judged_in_the_order_asked():
    task = TextTask.of(texts("one", "two", "three"), texts("four"))
    training = Training(rows(0, 1, 2), rows(0))
    there, back = task.judge(training, rows(0, 1, 2), RNG), task.judge(training, rows(2, 1, 0), RNG)
    np.testing.assert_array_equal(there.loss, back.loss[::-1])
    assert back.size.tolist() == [5, 3, 3]


def test_real_rows_are_anchors_then_pool_then_test():
    task = TextTask.of(texts("a"), texts("d"), pool=texts("bb", "bb"), test=texts("ccc"))
    assert task.real == 4
    assert task.judge(Training(NONE, NONE), np.arange(4), RNG).size.tolist() == [1, 2, 2, 3]


def test_an_arm_without_rows_knows_nothing():
    task = TextTask.of(texts("abc"), texts("d"))
    assert task.judge(Training(NONE, NONE), rows(0), RNG).loss[0] == pytest.approx(4 * math.log(257))


def test_of_pairs_only_the_response_is_scored():
    task = TextTask.of(pairs(("a long prompt", "yes"), ("another one", "")), pairs(("q", "yes")))
    found = task.judge(Training(rows(0, 1), rows(0)), rows(0, 1), RNG)
    assert found.size.tolist() == [3, 0]
    assert (found.loss > 0).all()


def test_balance_and_the_random_stream_change_nothing():
    task = TextTask.of(texts("aaab", "abba"), texts("bbbb"))
    plain = task.judge(Training(rows(0, 1), rows(0)), rows(0, 1), np.random.default_rng(1))
    other = task.judge(Training(rows(0, 1), rows(0), balanced=True), rows(0, 1), np.random.default_rng(2))
    np.testing.assert_array_equal(plain.loss, other.loss)


def test_nothing_is_learned_before_an_arm_is():
    task = TextTask.of(texts("aaab", "abba"), texts("bbbb"))
    assert task.within(rows(0), NONE) is task


def table():
    return Dataset.from_rows([{"x": 1.5, "y": 2.0}, {"x": 0.5, "y": 1.0}], "table")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: TextTask.of(table(), table()), "table of columns"),
        (lambda: TextTask.of(texts("a"), pairs(("q", "a"))), "texts has texts, pairs pairs"),
        (lambda: TextTask.of(texts("a"), texts("b"), test=pairs(("q", "a"))), "same kind"),
        (lambda: TextTask.of(pairs(("q", ""), ("q", "a")).take([0]), pairs(("q", "a"))), "no text to score"),
    ],
)
def test_rows_that_are_no_texts_are_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        wrong()


def test_units_must_match_the_rows():
    with pytest.raises(UsageError, match="2 units for 3 rows"):
        TextTask.of(texts("a", "b"), texts("c"), unit=rows(0, 1))


@pytest.fixture(scope="module")
def language():
    """Sentences over a small vocabulary, and a near copy of each."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 5)) for _ in range(300)]
    return [" ".join(rng.choice(words, 12)) for _ in range(80)], words


def test_near_copies_of_what_is_held_out_must_not_choose_the_discount(language):
    sentences, _ = language
    copies = [f"{sentence}!" for sentence in sentences]
    count = len(sentences)
    tied = np.concatenate([np.arange(count), np.arange(count)])
    model = NgramModel(occurrences=(0.01, 0.03, 0.1, 0.3, 0.9, 1.5, 3.0))
    grams = TextTask.of(texts(*sentences), texts(*copies), model=model).grams
    judged, weight = np.arange(2 * count) < count, np.ones(2 * count)
    fooled = model.fit_grams(grams, weight, judged=judged).discount
    assert fooled < 0.5 < model.fit_grams(grams, weight, judged=judged, unit=tied).discount


def test_lineage_ties_rows_of_a_ground(language):
    sentences, words = language
    made = [{"text": sentence + " " + words[0], "source": sentence} for sentence in sentences[:40]]
    ground = GainLayout.of(texts(*sentences[:40]), Dataset.from_rows(made, "made"), test=texts(*sentences[40:]))
    task = ground.text_task()
    assert task.real == 80
    assert task.unit is not None
    np.testing.assert_array_equal(task.unit[:40], task.unit[80:])
    assert not set(task.unit[40:80]) & set(task.unit[:40])
    assert np.isfinite(task.judge(Training(ground.anchors, np.arange(40)), ground.test, RNG).loss).all()


def test_more_real_rows_help_and_copies_of_anchors_do_not(shared_data):
    real = read(shared_data / "self_instruct_seed_tasks.jsonl.gz")
    test = read(shared_data / "self_instruct_user252.jsonl.gz", like=real)
    alpaca = read(shared_data / "alpaca_random_9k.jsonl.gz", like=real).take(range(1000))
    task = TextTask.of(real, alpaca, test=test)
    anchors, tested = np.arange(len(real)), np.arange(len(real), len(real) + len(test))
    half, alone, doubled, both = (
        mean(task.judge(Training(ours, theirs), tested, RNG))
        for ours, theirs in (
            (anchors[::2], NONE),
            (anchors, NONE),
            (np.concatenate([anchors, np.resize(anchors, 1000)]), NONE),
            (anchors, np.arange(1000)),
        )
    )
    assert both < alone - 0.1
    assert alone < half - 0.02
    assert abs(doubled - alone) < 0.02
