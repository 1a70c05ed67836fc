"""Openings, templates, lengths, compression."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from strategies import thorough, unicode_text
from syngain.audit import pictures
from syngain.audit.measures.uniformity import (
    Compression,
    Sides,
    compressed,
    entropy,
    halves,
    length_bins,
    length_overlap,
    opening,
    opening_share,
    overlap,
    template,
    template_entropy,
)


def sides(code, n=None, unit=None):
    code = np.asarray(code)
    n = code.size // 2 if n is None else n
    return Sides(code=code, real=np.arange(code.size) < n, unit=np.arange(code.size) if unit is None else unit)


@thorough(100)
@given(unicode_text)
def test_openings_and_templates_of_any_text_are_short(text):
    assert len(opening(text).split(" ")) <= 5
    assert len(template(text).split()) <= 8
    assert opening(text.upper()).count(" ") == opening(text.lower()).count(" ")


def test_openings_and_templates_by_hand():
    assert opening("  What's the BEST way, to go there?") == "what's the best way to"
    assert template("Can you explain quantum field theory to me please") == "can you _ to me"
    assert opening("") == template("!!") == ""


@thorough(60)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_entropy_is_that_of_scipy_and_at_most_the_logarithm_of_the_rows(code):
    value = entropy(np.array(code))
    assert value == pytest.approx(stats.entropy(np.unique(code, return_counts=True)[1]), abs=1e-9)
    assert -1e-12 <= value <= math.log(len(code)) + 1e-12


@thorough(40)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=40), st.integers(0, 9))
def test_halves_never_split_a_unit(unit, seed):
    unit = np.array(unit)
    half = halves(unit, np.random.default_rng(seed))
    for name in np.unique(unit):
        assert np.unique(half[unit == name]).size == 1


def test_an_opening_of_one_unit_does_not_choose_for_itself():
    """Ten rows of one anchor open alike, the rest all differ: the other half never chooses that opening."""
    unit = np.concatenate([np.arange(100), 100 + np.repeat(np.arange(10), 10)])
    code = np.concatenate([np.arange(100), 200 + np.repeat(np.arange(10), 10)])
    item = opening_share(sides(code, unit=unit), np.random.default_rng(0), permutations=19)
    assert item.value == 0


def test_a_common_opening_is_found_with_its_share():
    rng = np.random.default_rng(1)
    code = np.concatenate([np.arange(300), np.where(rng.random(300) < 0.6, 999, 300 + np.arange(300))])
    item = opening_share(sides(code), rng)
    assert item.value == pytest.approx(0.6, abs=0.08)
    assert item.p < 1e-6
    assert item.references["real"] == 0


def test_the_same_openings_on_both_sides_differ_in_nothing():
    rng, rejected = np.random.default_rng(2), 0
    for _ in range(40):
        drawn = sides(rng.choice(20, 200, p=stats.geom.pmf(np.arange(1, 21), 0.3) / stats.geom.cdf(20, 0.3)))
        rejected += opening_share(drawn, rng, permutations=39).p <= 0.1
        rejected += template_entropy(drawn, rng, permutations=39, draws=5).p <= 0.1
    assert rejected <= 18  # binomial(80, .1), once in 1,000


def test_templates_of_one_kind_have_no_entropy():
    item = template_entropy(sides([*range(50), *([7] * 50)]), np.random.default_rng(3))
    assert item.value == 0
    assert item.p < 1e-6
    assert item.references["real"] == pytest.approx(math.log(50))


def test_lengths_of_one_law_overlap_as_their_null_and_moved_ones_do_not():
    rng = np.random.default_rng(4)
    lengths = rng.poisson(20, 800)
    real = np.arange(800) < 400
    same = length_overlap(lengths, real, np.arange(800), rng)
    assert same.p > 0.01
    assert 0.85 < same.value <= 1
    moved = length_overlap(lengths + 10 * ~real, real, np.arange(800), rng)
    assert moved.p < 1e-6
    assert moved.value < 0.4


@thorough(40)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=60), st.integers(0, 9))
def test_bins_are_fitted_on_rows_that_do_not_count(lengths, seed):
    lengths = np.array(lengths)
    real = np.arange(lengths.size) < lengths.size // 2
    counted, code = length_bins(lengths, real, np.random.default_rng(seed))
    assert np.all(np.isin(np.flatnonzero(~real), counted))
    assert real[counted].sum() == real.sum() - real.sum() // 2
    value = overlap(code[counted], real[counted], int(code.max()) + 1)
    assert -1e-12 <= value <= 1 + 1e-12


@pytest.mark.parametrize("value", [0, 17])
def test_equal_lengths_overlap_wholly(value):
    lengths, real = np.full(60, value), np.arange(60) < 30
    item = length_overlap(lengths, real, np.arange(60), np.random.default_rng(0), 9, 9)
    assert item.value == 1
    assert item.p == 1


def texts_of(rng, n, kinds=2_000):
    return [(" ".join(f"w{k}" for k in rng.integers(kinds, size=12)) + "\n").encode() for _ in range(n)]


def test_copies_of_known_rows_cost_less_than_fresh_ones():
    rng = np.random.default_rng(5)
    real = texts_of(rng, 80)
    for synthetic, near in ((real, True), (texts_of(rng, 80), False)):
        item = Compression(permutations=19, draws=5)(
            real + synthetic, np.arange(160) < 80, np.arange(160), np.random.default_rng(0)
        )["information.compression_gain"]
        ends = item.references
        assert ends["duplicates"] < 0.1 < ends["fresh_real"]
        assert (item.value < 0.8 * ends["fresh_real"]) == near


def test_empty_rows_and_two_rows_compress():
    for texts in ([b"\n"] * 4, [b"a\n", b"b\n"] * 2):
        item = Compression(permutations=3, draws=3)(
            texts, np.array([True, True, False, False]), np.arange(4), np.random.default_rng(0)
        )["information.compression_gain"]
        assert math.isfinite(item.value)


def test_the_window_of_the_compressor_is_longer_than_the_data():
    block = np.random.default_rng(6).bytes(60_000)
    assert compressed(block + block) < 1.02 * compressed(block)


def test_the_same_seed_gives_the_same_numbers():
    code = np.random.default_rng(7).integers(30, size=100)
    for measure in (opening_share, template_entropy):
        assert measure(sides(code), np.random.default_rng(1), 9) == measure(sides(code), np.random.default_rng(1), 9)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_bins_of_the_length_histogram_are_equally_wide_and_hold_all_rows(real, synthetic):
    """Uneven bins look like data. The last one is open."""
    sides = [SimpleNamespace(texts={"text": ["w " * n for n in lengths]}) for lengths in (real, synthetic)]
    shown = pictures._lengths(SimpleNamespace(real=sides[0], synthetic=sides[1], sides=("text",)), "text")
    ends = [name.split("-") for name in shown.categories[:-1]]
    widths = {int(end[-1]) - int(end[0]) for end in ends}
    assert len(widths) <= 1
    assert len(shown.categories) <= pictures.LENGTH_BINS
    assert sum(shown.real) == pytest.approx(1, abs=1e-3)
    assert sum(shown.synthetic) == pytest.approx(1, abs=1e-3)
