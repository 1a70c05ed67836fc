"""Conditions over a report: what holds, what is looked up, and what is refused."""

import math
import operator
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.core.expressions import FIELDS, check, parse


def estimate(value=0.1, intervals=None, null=None):
    made = Estimate(
        value=value,
        unit="share",
        method="m",
        estimand="e",
        n=50,
        intervals={0.9: (0.02, 0.2), 0.95: (-0.01, 0.3)} if intervals is None else intervals,
        null=null,
    )
    return made.as_json()


REPORT = {
    "estimates": {
        "gain.macro_f1": estimate(),
        "gain.macro_f1.test": estimate(-0.5, null=(-0.1, 0.1)),
        "gain.log_loss@class=card arrival": estimate(0.7),
        "gain.log_loss@class=lost-card": estimate(0.8),
        "gain.rows_worth": estimate(math.inf, intervals={0.9: (10.0, math.inf)}),
    },
    "findings": [{"severity": "high"}, {"severity": "low"}, {"severity": "high"}],
    "verdict": {"decision": "use_subset", "sentence": "s", "rows_to_use": 3},
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("gain.macro_f1.lower90 <= 0", False),
        ("gain.macro_f1:lower95 <= 0", True),
        ("gain.macro_f1 > 0.05 and gain.macro_f1:n == 50", True),
        ("gain.macro_f1.test:value < gain.macro_f1.test:null_low", True),
        ("gain.macro_f1.test < -0.4", True),
        ('"gain.log_loss@class=card arrival":upper90 > .1', True),
        ("gain.log_loss@class=lost-card>=0.8", True),
        ("gain.log_loss@class=lost-card.lower90==0.02", True),
        ("findings.high > 1", True),
        ("findings.high and not findings.medium", True),
        ("findings.high == 2 or findings.low == 7", True),
        ("verdict == 'use'", False),
        ('not (verdict == "use" or verdict == "use_subset")', False),
        ("not not findings.low", True),
        ("1e2 > 99.5", True),
        ("findings.medium or findings.medium and findings.high", False),
        ("gain.rows_worth:lower90 == 10", True),
    ],
)
def test_conditions_hold_as_they_read(expression, holds):
    assert check(expression, REPORT).holds is holds


def test_readings_name_what_was_looked_up():
    readings = check("gain.macro_f1.lower90 <= 0 or findings.high > 0 or verdict == 'use'", REPORT).readings
    assert readings == (("gain.macro_f1:lower90", 0.02), ("findings.high", 2.0), ("verdict", "use_subset"))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "ends"),
        ("   ", "ends"),
        ("gain.makro_f1:lower90 <= 0", "gain.macro_f1"),
        ("findings.high > 0 or gain.nothing > 0", "no estimate"),
        ("gain.macro_f1:null_low <= 0", "has no null_low"),
        ("gain.rows_worth:lower95 > 0", "has no lower95"),
        ("gain.rows_worth:upper90 > 0", "has no upper90"),
        ("gain.rows_worth > 0", "has no value"),
        ("gain.macro_f1:p > 0", "unknown field"),
        ("gain.macro_f1: > 0", "unknown field"),
        ("gain.macro_f1", "is not compared"),
        ("1", "is not compared"),
        ("'use'", "is not compared"),
        ("findings.terrible > 0", "unknown count findings.terrible"),
        ("findings.high:value > 0", "unknown count findings.high:value"),
        ("verdict == 'us'", "unknown verdict"),
        ("verdict == 1", "cannot compare"),
        ("verdict < 'use'", "words compared by"),
        ("0 < gain.macro_f1 < 1", "one comparison at a time"),
        ("(findings.high > 0", "closing"),
        ("findings.high > 0)", "unexpected ')'"),
        ("(findings.high > 0) == 1", "next to a condition"),
        ("__import__('os').system('true')", "'.' at column 17"),
        ("exec('1')", "unexpected '('"),
        ("gain.macro_f1 > 0; import os", "is not valid in a condition"),
        ("[x for x in ()]", "is not valid in a condition"),
        ("lambda: 0", "unexpected '0'"),
        ("gain.macro_f1 > 1.2.3", "is not valid in a condition"),
        ("gain.macro_f1 > 1e999", "overflows"),
        ("gain.macro_f1 = 0", "is not valid in a condition"),
        ("(" * 400 + "1 < 2" + ")" * 400, "nested parentheses"),
        ("not " * 900 + "1 < 2", "nested parentheses"),
        ("1 < 2 or " * 1000 + "1 < 2", "at most"),
        ("and", "unexpected 'and'"),
        ("gain.macro_f1 > 0 gain.macro_f1 > 0", "at column"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_sentence(expression, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        check(expression, REPORT)


def test_a_wrong_name_is_found_whatever_the_other_side_says():
    for expression in ("findings.high > 0 or no.such > 1", "findings.medium > 0 and no.such > 1"):
        with pytest.raises(UsageError, match=r"no estimate 'no\.such'"):
            check(expression, REPORT)


def test_an_estimate_whose_name_ends_like_a_field_wins_over_the_dotted_form():
    report = REPORT | {"estimates": {"size.n": estimate(3.0), "size": estimate(9.0)}}
    assert check("size.n == 3", report).holds
    assert check("size:n == 50", report).holds


def test_a_report_of_another_kind_is_refused():
    for report in ({"schema": 1}, REPORT | {"estimates": None}, REPORT | {"verdict": "use"}):
        with pytest.raises(UsageError, match="the report has no"):
            check("findings.high > 0", report)
    bare = REPORT | {"estimates": {"a.b": {"value": 1.0}}}
    with pytest.raises(UsageError, match="has no lower90"):
        check("a.b:lower90 > 0", bare)


SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
ATOMS = st.tuples(NUMBERS, st.sampled_from(list(SIGNS)), NUMBERS).map(
    lambda t: (f"{t[0]!r} {t[1]} {t[2]!r}", bool(SIGNS[t[1]](t[0], t[2])))
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda a: (f"not ({a[0]})", not a[1])),
        st.tuples(inner, inner).map(lambda ab: (f"({ab[0][0]}) and ({ab[1][0]})", ab[0][1] and ab[1][1])),
        st.tuples(inner, inner).map(lambda ab: (f"({ab[0][0]}) or ({ab[1][0]})", ab[0][1] or ab[1][1])),
    ),
    max_leaves=8,
)


@given(CONDITIONS)
def test_random_conditions_have_the_truth_they_were_built_with(built):
    text, truth = built
    assert check(text, REPORT).holds is truth


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["and", "or"])), min_size=1, max_size=6))
def test_and_binds_tighter_than_or(parts):
    words = " ".join(f"{joint} {'1 < 2' if truth else '2 < 1'}" for truth, joint in parts).split(" ", 1)[1]
    groups, current = [], [parts[0][0]]
    for truth, joint in parts[1:]:
        if joint == "or":
            groups.append(all(current))
            current = []
        current.append(truth)
    assert check(words, REPORT).holds is any([*groups, all(current)])


def refusal(call):
    try:
        call()
    except UsageError as error:
        return error.came
    return None


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_an_error_with_three_parts(text):
    came = refusal(lambda: check(text, REPORT))
    assert came is None or came


@given(st.text(alphabet="gain.mcrof1@:lwe90 <>=!()'\"andot%5;[]", max_size=40))
def test_texts_that_look_like_conditions_never_crash(text):
    came = refusal(lambda: parse(text))
    assert came is None or came


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_read(field):
    report = REPORT | {"estimates": {"a.b": estimate(null=(0.0, 1.0))}}
    assert check(f"a.b:{field} >= -10", report).readings[0][0] == f"a.b:{field}"
