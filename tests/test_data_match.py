"""Sources find their anchors by id, by text, by a column that identifies rows, or not at all."""

from __future__ import annotations

from syngain.data import Dataset, RoleOptions, match_sources


def synthetic(*sources, name="source"):
    return Dataset.from_rows([{"text": "s", name: source} for source in sources], name="synthetic")


REAL = Dataset.from_rows([{"text": "One  Row"}, {"text": "two"}, {"text": "two"}], name="real")


def matched(synthetic_rows, real=REAL):
    rows, share = match_sources(synthetic_rows, real)
    return rows.tolist(), share


def test_rows_without_a_source_column_have_no_match():
    assert match_sources(REAL, REAL) == (None, 0.0)


def test_sources_match_ids_then_normalized_texts():
    assert matched(synthetic("real:2", "one row", " TWO\n", None, "three")) == ([1, 0, 1, -1, -1], 0.6)


def test_a_source_that_matches_nothing_has_share_zero():
    assert matched(synthetic("x", "y")) == ([-1, -1], 0.0)


def test_given_ids_match():
    real = Dataset.from_rows([{"text": "a", "key": 7}, {"text": "b", "key": 9}], roles=RoleOptions(id="key"))
    assert matched(synthetic(9, 7.0, "8", name="source_id"), real) == ([1, 0, -1], 2 / 3)


def test_columns_that_identify_anchors_match_and_others_do_not():
    real = Dataset.from_rows([{"text": "a", "id": "p", "source": "web"}, {"text": "b", "id": "q", "source": "web"}])
    assert matched(synthetic("q", "web"), real) == ([1, -1], 0.5)


def test_pairs_match_on_the_prompt_or_on_both():
    real = Dataset.from_rows([{"prompt": "p one", "completion": "c"}, {"prompt": "p two", "completion": "d"}])
    rows = [{"prompt": "x", "completion": "y", "source": source} for source in ("P one", "p two d", "d")]
    assert matched(Dataset.from_rows(rows), real) == ([0, 1, -1], 2 / 3)


def test_sources_of_tables_match_ids_only():
    real = Dataset.from_rows([{"x": 1}, {"x": 2}], name="real")
    made = Dataset.from_rows([{"x": 1, "source": "real:2"}, {"x": 1, "source": "1"}], like=real)
    assert matched(made, real) == ([1, -1], 0.5)


def test_sources_that_are_lists_or_objects_match_nothing_and_do_no_harm():
    assert matched(synthetic(["two"], {"a": 1}, True)) == ([-1, -1, -1], 0.0)
