"""The n-gram proxy: proper everywhere, equal to its definition, near the truth where the truth is known."""

from __future__ import annotations

import gzip
import json
import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.kneser_ney import KneserNey
from strategies import any_text, thorough
from syngain.core import UsageError
from syngain.generators import MarkovText
from syngain.learners.compact import symbols
from syngain.learners.grams import Grams
from syngain.learners.ngram import NgramModel

MODEL = NgramModel()
few_letters = st.text("ab\0é", max_size=9)
rows_of_letters = st.lists(st.tuples(few_letters, few_letters), max_size=8)
rows_of_anything = st.lists(st.tuples(any_text, any_text), max_size=6)
orders = st.integers(1, 7)


def fit(rows, model=MODEL):
    return model.fit([text for _, text in rows], [prompt for prompt, _ in rows])


def surprisal(fitted, rows):
    return fitted.surprisal([text for _, text in rows], [prompt for prompt, _ in rows])[0]


def as_bytes(text):
    return text.encode("utf-8", "surrogatepass")


@thorough(60)
@given(rows=rows_of_letters, asked=few_letters, said=few_letters, order=orders)
def test_probabilities_are_those_of_the_definition(rows, asked, said, order):
    fitted = fit(rows, NgramModel(order=order))
    twin = KneserNey(rows, order, fitted.discount, MODEL.power, MODEL.types)
    found = fitted.log_probabilities(as_bytes(said), as_bytes(asked))
    np.testing.assert_allclose(np.exp(found), twin.after(asked, said), rtol=1e-9)


@thorough(60)
@given(rows=rows_of_anything, asked=st.binary(max_size=9), said=st.binary(max_size=9), order=orders)
def test_every_law_sums_to_one_and_excludes_nothing(rows, asked, said, order):
    fitted = fit(rows, NgramModel(order=order))
    law = fitted.log_probabilities(said, asked)
    assert law.shape == (fitted.grams.alphabet,)
    assert np.isfinite(law).all()
    assert math.isclose(np.exp(law).sum(), 1, rel_tol=1e-12)


@thorough(60)
@given(rows=rows_of_anything, asked=any_text, said=any_text, order=orders)
def test_surprisal_is_the_sum_of_the_steps(rows, asked, said, order):
    fitted = fit(rows, NgramModel(order=order))
    compact = fitted.grams.alphabet > 257
    data, before = ([ord(one) for one in symbols(text, compact=compact)] for text in (said, asked))
    steps = [fitted.log_probabilities(data[:i], before)[symbol] for i, symbol in enumerate([*data, 256])]
    nats, size = fitted.surprisal([said], [asked])
    assert math.isclose(nats[0], -math.fsum(steps), rel_tol=1e-12)
    assert size.tolist() == [len(as_bytes(said))]


@thorough(60)
@given(rows=rows_of_anything, judged=rows_of_anything, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows, judged, seed):
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    np.testing.assert_array_equal(surprisal(fit(rows), judged), surprisal(fit(shuffled), judged))


@thorough(40)
@given(rows=rows_of_anything, others=rows_of_anything, times=st.integers(1, 5))
def test_a_weight_is_so_many_copies_and_no_weight_is_absence(rows, others, times):
    both = rows + others
    grams = Grams.of([text for _, text in both], [prompt for prompt, _ in both], order=7)
    weighted = MODEL.fit_grams(grams, np.repeat([float(times), 0.0], [len(rows), len(others)]))
    same = Grams.of(
        [text for _, text in rows * times],
        [prompt for prompt, _ in rows * times],
        order=7,
        compact=grams.alphabet > 257,
    )
    copied = MODEL.fit_grams(same, np.ones(same.rows))
    assert weighted.discount == copied.discount
    np.testing.assert_array_equal(weighted.row_surprisal(), surprisal(copied, both))


def test_without_rows_every_symbol_is_as_likely():
    nats, size = MODEL.fit([]).surprisal(["", "abc", "é"])
    np.testing.assert_allclose(nats, np.array([1, 4, 3]) * math.log(257))
    assert size.tolist() == [0, 3, 2]
    assert MODEL.fit(["x"]).surprisal([])[0].shape == (0,)


def test_of_a_prompt_nothing_is_learned_but_what_it_asks_for_is():
    fitted = fit([("up?", "yes"), ("down?", "no")] * 20)
    law = fitted.log_probabilities(b"")
    assert law[ord("u")] == law[ord("q")]
    right, wrong = surprisal(fitted, [("down?", "no"), ("up?", "no")])
    assert right < wrong


def test_a_text_is_a_response_to_nothing():
    texts = ["one text", "another text"]
    np.testing.assert_array_equal(
        MODEL.fit(texts).surprisal(texts)[0], surprisal(fit([("", t) for t in texts]), [("", t) for t in texts])
    )


def test_nul_bytes_are_bytes_and_not_borders():
    fitted = MODEL.fit(["\0\0a"] * 9)
    first, inside = fitted.surprisal(["\0\0a", "a"])[0]
    assert first < inside
    assert fitted.log_probabilities(b"\0\0")[ord("a")] > fitted.log_probabilities(b"")[ord("a")]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: NgramModel(order=0),
        lambda: NgramModel(order=8),
        lambda: NgramModel(power=1.0),
        lambda: NgramModel(types=(0.5,)),
        lambda: NgramModel(types=(0.5, 0.5, 0.5, 0.5, 0.5, 1.5)),
        lambda: NgramModel(occurrences=()),
        lambda: NgramModel(occurrences=(1.0, 0.5)),
        lambda: NgramModel(folds=1),
        lambda: MODEL.fit(["a"], ["p", "q"]),
        lambda: MODEL.fit(["a"]).surprisal(["a"], []),
        lambda: Grams.of(["a"], order=8),
        lambda: MODEL.fit_grams(Grams.of(["a"], order=3), np.ones(1)),
    ],
)
def test_wrong_use_is_named(wrong):
    with pytest.raises(UsageError):
        wrong()


@pytest.fixture(scope="module")
def chain():
    """A chain of order 2 over one-letter words, so that six bytes hold more than all that matters."""
    rng = np.random.default_rng(0)
    law = rng.dirichlet(np.full(6, 0.3), size=(6, 6))
    texts = []
    for _ in range(400):
        words = [0, 1]
        while len(words) < 3 or (rng.random() < 0.94 and len(words) < 60):
            words.append(int(rng.choice(6, p=law[words[-2], words[-1]])))
        texts.append(" ".join("abcdef"[w] for w in words))
    return MarkovText.fit(texts)


def excess(chain, rows, seed, model=MODEL):
    """Nats per text above the exact ones, mean and standard error, and the exact mean: the mean estimates a KL."""
    rng = np.random.default_rng(seed)
    fitted = model.fit([sample.text for sample in chain.sample(rows, rng=rng)])
    test = chain.sample(400, rng=rng)
    exact = -np.array([sample.log_probability for sample in test])
    above = fitted.surprisal([sample.text for sample in test])[0] - exact
    return above.mean(), above.std(ddof=1) / math.sqrt(above.size), exact.mean()


def test_cross_entropy_falls_to_the_entropy_of_a_known_chain_and_not_below(chain):
    few, error, _ = excess(chain, 50, 1)
    many, small, entropy = excess(chain, 4000, 2)
    assert few > many > -3 * small
    assert few > 10 * error
    assert many < 0.05 * entropy


def test_a_model_that_is_too_short_stays_above_the_entropy(chain):
    above, error, entropy = excess(chain, 4000, 3, NgramModel(order=3))
    assert above > 0.1 * entropy + 3 * error


@pytest.fixture(scope="module")
def problems(shared_data):
    with gzip.open(shared_data / "gsm8k_train.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["question"] for line in lines]


def per_byte(train, test):
    nats, size = MODEL.fit(train).surprisal(test)
    return nats.sum() / size.sum()


def test_real_text_costs_less_than_a_compressor_needs(problems):
    test = problems[6000:6500]
    learned = per_byte(problems[:6000], test)
    before = "\n".join(problems[:100]).encode()  # 20 kB: as much as fits the compressor's window
    after = before + "\n".join(test[:20]).encode()
    packed = (len(zlib.compress(after, 9)) - len(zlib.compress(before, 9))) * 8 * math.log(2)
    assert learned < 1.25 < packed / (len(after) - len(before))


def test_copies_of_real_rows_neither_help_nor_harm(problems):
    train, test = problems[:300], problems[6000:6300]
    once = per_byte(train, test)
    for times in (3, 20):
        assert abs(per_byte(train * times, test) - once) < 0.01
    assert per_byte(problems[:600], test) < once - 0.05
