"""The form of answers, corrected for chance: cases, the textbook's kappa, and coverage where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

import tiny_repair
from syngain.training.repair.answer_forms import FORMS, adherence, form, kappa, real_forms
from syngain.training.repair.pattern_metrics import State
from syngain.training.repair.sampling import SampledResponse

TEXTS = {"words": "yes", "number": "42 kg", "list": "- a\n- b", "line": "it rains in the north today"}


@pytest.mark.parametrize(
    ("text", "ended", "expected"),
    [
        ("", True, "empty"),
        (" \n", False, "empty"),
        ("```python\nx = 1", False, "code"),
        ("1. first\n2. second", True, "list"),
        ("1.5 liters", True, "number"),
        ('{"a": 1}', True, "object"),
        ("Paris", True, "words"),
        ("Paris", False, "text"),
        ("one two three four", True, "line"),
        ("one\ntwo", True, "text"),
    ],
)
def test_forms(text, ended, expected):
    assert form(text, ended=ended) == expected


def test_kappa_is_that_of_the_textbook_and_one_form_for_everything_has_none():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    other[:30] = one[:30]
    assert kappa(one, other) == pytest.approx(cohen_kappa_score(one, other))
    assert kappa(np.zeros(50, dtype=np.int64), other) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(kappa(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64)))


def answered(rng, forms, right):
    """Answers with the right form with probability ``right``, else a form drawn from the same law."""
    names = list(TEXTS)
    said = [own if rng.random() < right else names[rng.integers(4)] for own in forms]
    return State(np.zeros(len(forms)), np.ones(len(forms)), tuple(SampledResponse(TEXTS[n], True, False) for n in said))


def test_the_interval_holds_the_true_adherence():
    """With forms uniform, a right form with probability p and else one at random: kappa is p."""
    held = []
    for number in range(100):
        rng = np.random.default_rng([5, number])
        forms = [list(TEXTS)[k] for k in rng.integers(0, 4, 40)]
        found = adherence([answered(rng, forms, 0.6) for _ in range(3)], [np.arange(40)] * 3, forms)
        low, high = found.interval(0.9)
        held.append(low <= 0.6 <= high)
    assert sum(held) >= 85


def test_nothing_answered_or_one_form_alone_has_no_adherence():
    rows = [State(np.zeros(4), np.ones(4), ())]
    assert adherence(rows, [np.arange(4)], []) is None
    same = State(np.zeros(4), np.ones(4), (SampledResponse("yes", True, False),) * 4)
    assert adherence([same], [np.arange(4)], ["words"] * 4) is None
    assert set(TEXTS) <= set(FORMS)


def test_real_responses_are_read_as_far_as_answers(taught):
    reader = tiny_repair.proxy(taught).open().reader(tiny_repair.rows(1, 0).kind)
    rows = [reader.read("red", text) for text in ("sun", "red tea sun cat dog")]
    assert real_forms(reader, rows, 30) == ("words", "line")
    assert real_forms(reader, rows, 6) == ("words", "text")
