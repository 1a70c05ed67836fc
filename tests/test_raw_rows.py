"""Raw rows beyond a size wait in a temporary file: they read the same, in every order, and nothing is left behind."""

import json
import multiprocessing
import os
import pickle
import tempfile
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.data import read, write_records
from syngain.data.files import formats
from syngain.data.files.jsonrows import JsonCodec
from syngain.data.raw_rows import RawRows, Spilled

SMALL = 100  # bytes that stay in memory


def made(rows, room=SMALL):
    kept = RawRows(JsonCodec(), _room=room)
    for number, row in enumerate(rows, 1):
        kept.append(json.dumps(row).encode(), number)
    return kept


@thorough(100)
@given(
    st.lists(st.text(max_size=200), min_size=1, max_size=40),
    st.lists(st.integers(0, 39), max_size=60),
    st.integers(0, 39),
    st.integers(0, 39),
)
def test_rows_read_the_same_in_every_order(texts, order, first, last):
    rows = [{"text": text} for text in texts]
    kept = made(rows)
    assert [cells[0] for cells in kept.values(["text"])] == texts
    for place in order:
        if place < len(rows):
            assert kept.record(place) == rows[place]
    some = slice(min(first, last, len(rows)), min(max(first, last), len(rows)))
    assert [cells[0] for cells in kept.values(["text"], some)] == texts[some]


def test_few_bytes_stay_in_memory_and_no_file_has_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = made([{"text": "x" * 50}] * 1000)
    assert kept.spilled is not None
    assert len(kept.held) + kept.spilled.size == kept.ends[-1]
    assert list(tmp_path.iterdir()) == []
    assert made([{"text": "x"}]).spilled is None


def test_a_pickled_copy_needs_no_file():
    kept = made([{"text": str(i) * 30} for i in range(50)])
    copy = pickle.loads(pickle.dumps(kept))
    assert copy.spilled is None
    assert [copy.record(i) for i in range(50)] == [kept.record(i) for i in range(50)]


def _numbers(kept, places):
    return [kept.record(place)["n"] for place in places]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked on this system")
def test_forked_processes_read_at_their_own_places():
    global FORKED  # noqa: PLW0603  (what a forked process inherits)
    FORKED = made([{"n": n, "text": "y" * 40} for n in range(300)])
    with multiprocessing.get_context("fork").Pool(2) as pool:
        parts = pool.map(_inherited, [range(0, 300, 2), range(299, -1, -1)] * 4)
    assert parts == [list(range(0, 300, 2)), list(range(299, -1, -1))] * 4


FORKED = None


def _inherited(places):
    return _numbers(FORKED, places)


def test_a_full_disk_leaves_the_rows_in_memory(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    rows = [{"text": str(i) * 30} for i in range(60)]
    monkeypatch.setattr(os, "pwrite", full)
    kept = made(rows)
    assert len(kept.held) == kept.ends[-1]
    assert [kept.record(i) for i in range(60)] == rows


def test_a_file_that_was_cut_is_an_error():
    spilled = Spilled()
    spilled.write(bytearray(b"abc"))
    assert spilled.read(1, 3) == b"bc"
    with pytest.raises(OSError, match="ends at byte 3, not 9"):
        spilled.read(2, 9)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.json", "rows.csv", "rows.tsv"])
def test_a_file_reads_the_same_with_its_rows_on_disk(tmp_path, monkeypatch, name):
    rows = [{"text": f"row {i} é", "label": "ab"[i % 2], "id": str(i)} for i in range(200)]
    write_records(tmp_path / name, rows)
    usual = read(tmp_path / name)
    monkeypatch.setattr(formats, "RawRows", partial(RawRows, _room=SMALL))
    spilled = read(tmp_path / name)
    assert spilled.fingerprint == usual.fingerprint
    assert spilled.records_fingerprint == usual.records_fingerprint
    assert list(spilled.records) == list(usual.records)
    assert [spilled.records[i] for i in (199, 0, 77, 78, 5)] == [usual.records[i] for i in (199, 0, 77, 78, 5)]
    assert list(spilled.take([150, 3, 9]).records) == list(usual.take([150, 3, 9]).records)
