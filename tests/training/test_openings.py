"""The template of a set, what its rows share, and how jitter breaks it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syngain.core import InputError, UsageError
from syngain.data import Dataset
from syngain.training.repair.format_jitter import Jitter
from syngain.training.repair.openings import agreement, pieces, shared_start, template_of

SEQUENCES = st.lists(st.lists(st.integers(0, 2), max_size=6), min_size=1, max_size=12)
LEAD = "Sure! I would be glad to help. "


def test_the_template_is_the_most_common_opening_of_five_words():
    found = template_of([LEAD + "Yes.", "No.", LEAD.upper() + "it is", "Sure! I would be sorry.", LEAD + "No."])
    assert found.opening == "sure i would be glad"
    assert found.rows == (0, 2, 4)
    assert found.share == pytest.approx(0.6)
    assert found.opens("SURE, I would be glad indeed")
    assert not found.opens("Sure, I would be")


def test_a_set_without_words_has_no_template_and_nothing_opens_with_it():
    assert template_of(["one", "two"]).opening == ""
    found = template_of(["", "..."])
    assert (found.opening, found.rows, found.share) == ("", (), 0.0)
    assert not found.opens("")
    assert not found.opens("anything")


def test_a_template_of_fewer_than_five_words_is_what_more_than_half_share():
    found = template_of(["Of course: " + word for word in ("one two three", "four", "five", "six")] + ["no", "never"])
    assert (found.opening, found.rows) == ("of course", (0, 1, 2, 3))
    assert template_of(["the one", "the two", "the one", "a b"]).opening == "the one"


def test_a_short_template_is_found_in_longer_texts():
    assert template_of(["yes", "yes", "no"]).opens("Yes, of course")


@given(SEQUENCES)
def test_the_shared_start_is_the_longest_that_more_than_half_have(rows):
    start = list(shared_start(rows))
    assert sum(row[: len(start)] == start for row in rows) * 2 > len(rows)
    for item in range(3):
        longer = [*start, item]
        assert sum(row[: len(longer)] == longer for row in rows) * 2 <= len(rows)


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_agreement_is_the_length_of_the_common_start(row, start):
    count = agreement(row, start)
    assert row[:count] == start[:count]
    assert row[: count + 1] != start[: count + 1] or count == min(len(row), len(start))


@given(st.text())
def test_the_pieces_of_a_text_make_it_again(text):
    assert "".join(pieces(text)) == text.lstrip()


def dataset(responses):
    return Dataset.from_rows([{"instruction": f"q{i}", "output": text} for i, text in enumerate(responses)], "rows")


def test_jitter_strips_the_opening_of_the_share_and_touches_nothing_else():
    before = dataset([LEAD + f"{i} it is." for i in range(20)] + ["Something else.", LEAD.strip()])
    after = Jitter(share=0.5)(before, np.random.default_rng(0))
    changed = [i for i in range(22) if after.sides["response"][i] != before.sides["response"][i]]
    assert len(changed) == 10
    assert all(after.sides["response"][i] == f"{i} it is." for i in changed)
    assert not {20, 21} & set(changed)
    assert (after.ids, after.sides["prompt"], after.records) == (before.ids, before.sides["prompt"], before.records)


def test_jitter_varies_among_the_openings_that_are_given_and_stripping():
    rows = dataset([LEAD + f"{i} it is." for i in range(60)])
    after = Jitter(share=1.0, openings=("Well:", "So,"))(rows, np.random.default_rng(1))
    leads = {text.rstrip("0123456789 its.") for text in after.sides["response"]}
    assert leads == {"", "Well:", "So,"}


def test_jitter_is_the_same_for_the_same_seed_and_lowers_the_template_share():
    rows = dataset([LEAD + f"{i} it is." for i in range(40)])
    one, two = (Jitter(share=0.75)(rows, np.random.default_rng(5)).sides["response"] for _ in range(2))
    assert list(one) == list(two)
    assert (template_of(one).share, template_of(rows.sides["response"]).share) == (0.25, 1.0)


def test_jitter_leaves_a_set_without_a_shared_opening_as_it_is():
    rows = dataset(["a b", "c d", "e f"])
    after = Jitter(share=1.0)(rows, np.random.default_rng(0))
    assert sum(a != b for a, b in zip(after.sides["response"], rows.sides["response"], strict=True)) == 0


def test_jitter_refuses_texts_and_shares_that_are_none():
    with pytest.raises(InputError, match="pairs of prompt and response"):
        Jitter()(Dataset.from_rows([{"text": "a"}], "t"), np.random.default_rng(0))
    with pytest.raises(UsageError, match="fraction of 0"):
        Jitter(share=0.0)
