"""Estimates, errors, streams, fingerprints, optional dependencies."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syngain.core import Estimate, InputError, MissingDependencyError, UsageError, holm
from syngain.core.fingerprint import fingerprint, fingerprint_lines
from syngain.core.optional import require
from syngain.core.rng import Streams


def estimate(**changes):
    return Estimate(**{"value": 0.5, "unit": "share", "method": "counted", "estimand": "a share", **changes})


def test_an_interval_upside_down_is_refused():
    with pytest.raises(UsageError, match="low at most high"):
        estimate(intervals={0.95: (0.6, 0.4)})
    with pytest.raises(UsageError, match="between 0 and 1"):
        estimate(intervals={95: (0.4, 0.6)})


def test_an_estimate_without_an_interval_says_so_by_infinity():
    assert estimate().interval(0.95) == (-math.inf, math.inf)


def test_json_holds_null_for_what_is_not_a_number():
    content = estimate(value=math.nan, intervals={0.95: (-math.inf, 1.0)}, p=None).as_json()
    assert content["value"] is None
    assert content["intervals"] == {"0.95": [None, 1.0]}
    assert content["p"] is None


def test_values_outside_the_unit_interval_are_not_clipped():
    assert estimate(value=1.03, intervals={0.95: (0.98, 1.08)}).as_json()["value"] == 1.03


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=1))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= adjusted[name] <= 1 for name, p in p_values.items())
    ordered = sorted(p_values, key=p_values.__getitem__)
    assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(ordered))


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def test_errors_have_three_parts_and_survive_other_processes():
    error = InputError("row 3 is empty", expected="a text", todo="fill it")
    assert str(error) == "row 3 is empty. Expected: a text. Fix: fill it."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert error.exit_code == 2


def test_streams_are_the_same_by_name_and_different_by_name_seed_and_path():
    def first(streams, *names):
        return streams.stream(*names).random()

    assert first(Streams(1), "a") == first(Streams(1), "a")
    values = [first(Streams(1), "a"), first(Streams(1), "b"), first(Streams(2), "a"), first(Streams(1).child("x"), "a")]
    assert len(set(values)) == 4
    assert first(Streams(1).child("x"), "a") == first(Streams(1, ("x",)), "a")


def test_streams_look_independent():
    draws = np.array([Streams(7).stream("measure", str(i)).random() for i in range(2_000)])
    assert abs(draws.mean() - 0.5) < 4 * math.sqrt(1 / 12 / draws.size)


@given(st.lists(st.text()), st.lists(st.text()))
def test_fingerprints_differ_when_lines_do(first, second):
    assert (fingerprint_lines(first) == fingerprint_lines(second)) == (first == second)


def test_fingerprints_ignore_the_order_of_keys():
    assert fingerprint({"a": 1, "b": [2, None]}) == fingerprint({"b": [2, None], "a": 1})


def test_a_missing_part_names_the_line_that_installs_it():
    with pytest.raises(MissingDependencyError, match=r"pip install 'syngain\[encoder\]'"):
        require("no_such_module_anywhere", extra="encoder", purpose="the sentence encoder")
    assert require("json", extra="x", purpose="y").dumps({}) == "{}"
