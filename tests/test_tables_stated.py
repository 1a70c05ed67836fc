"""Rules that users state: read in the language of gate, checked on rows with missing cells, wrong ones refused."""

import numpy as np
import pytest

import syngain
from syngain.core.errors import InputError
from syngain.tables.rules.stated import StatedRule, read_rules
from syngain.tables.typed import typed_tables

ROWS = {
    "start": ["2025-01-01", "2025-02-01", "2025-03-01", ""],
    "end": ["2025-01-05", "2025-01-05", "2025-03-01", "2025-01-05"],
    "net": ["1", "20", "", "4"],
    "kind": ["a", "b", "", "a"],
    "other": ["a", "a", "a", "b"],
    "unit price": ["1.5", "2.5", "3.5", "-1"],
}


def checked(expression):
    (table,) = typed_tables(ROWS)
    applies, broken = StatedRule.of(expression, table).check(table)
    return np.flatnonzero(applies).tolist(), np.flatnonzero(broken).tolist()


@pytest.mark.parametrize(
    ("expression", "applies", "broken"),
    [
        ("start <= end", [0, 1, 2], [1]),
        ('start >= "2025-02-01"', [0, 1, 2], [0]),
        ("net < 10", [0, 1, 3], [1]),
        ("kind == 'a'", [0, 1, 3], [1]),
        ("kind == other", [0, 1, 3], [1, 3]),
        ("net:missing", [0, 1, 2, 3], [0, 1, 3]),
        ("not net:missing", [0, 1, 2, 3], [2]),
        ("net < 10 or kind == 'b'", [0, 1, 3], []),
        ("net < 10 or net:missing", [0, 1, 2, 3], [1]),
        ("net < 10 and kind == 'b'", [0, 1, 3], [0, 1, 3]),
        ('"unit price":value > 0', [0, 1, 2, 3], [3]),
        ("not (kind == 'a' and net > 3)", [0, 1, 3], [3]),
    ],
)
def test_rules_are_checked_where_missing_cells_leave_them_known(expression, applies, broken):
    assert checked(expression) == (applies, broken)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("strat <= end", "'strat'"),
        ("start <=", "cannot be read"),
        ("net", "not compared"),
        ("1 < 2", "two constants"),
        ("net < 'a'", "is a word"),
        ("net < kind", "numbers and `kind` words"),
        ("kind < 'b'", "compared by"),
        ("start > 'soon'", "no date"),
        ("net:lower90 < 1", "unknown field"),
    ],
)
def test_wrong_rules_are_refused_with_their_cause(expression, words):
    with pytest.raises(InputError, match=words):
        checked(expression)


@pytest.mark.parametrize("content", ["", "rules: 3", "- 1\n- 2", "a: [", "- net <\n"])
def test_files_without_rules_are_refused(tmp_path, content):
    path = tmp_path / "rules.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError):
        read_rules(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_rules(tmp_path / "absent.yaml")


def test_an_audit_names_the_rows_that_break_a_stated_rule():
    rng = np.random.default_rng(0)
    rows = lambda count: [{"a": float(v), "b": float(w)} for v, w in rng.normal(size=(count, 2)).round(2)]  # noqa: E731
    real, synthetic = rows(60), rows(90)
    for row in real + synthetic:
        row["a"] = min(row["a"], 1.0)
    synthetic[7]["a"] = synthetic[11]["a"] = 1.2
    own = syngain.Dataset.from_rows(real, "real")
    other = syngain.Dataset.from_rows(synthetic, "synthetic", like=own)
    found = syngain.audit(own, other, gain=False, rules=["a <= 1"])
    (finding,) = [item for item in found.findings if item.id == "broken_rules"]
    assert "a <= 1" in finding.message
    assert set(finding.flagged) == {7, 11}
    assert {row.row for row in found.dropped} >= {7, 11}
    texts = syngain.Dataset.from_rows([{"text": f"a text {n}"} for n in range(30)], "texts")
    with pytest.raises(InputError, match="rules of columns next to texts"):
        syngain.audit(texts, texts, gain=False, rules=["a <= 1"])
