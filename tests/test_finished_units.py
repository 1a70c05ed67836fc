"""Finished units of work: kept as they come, used on resume, refused for another run."""

from __future__ import annotations

import numpy as np
import pytest

from syngain.core.documents.warned import collected, tally, warn
from syngain.core.errors import UsageError
from syngain.core.folders.finished_units import FinishedUnits

IDENTITY = {"command": "mix", "numbers": 1, "seed": 0, "inputs": {"real": "ab"}, "settings": {"share": 0.5}}


def counting(calls, value):
    def compute():
        calls.append(value)
        return {"loss": np.arange(3.0) + value}

    return compute


def test_a_unit_is_computed_once_and_comes_back_to_the_last_bit(tmp_path):
    calls = []
    units = FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=False)
    first = units.unit("fold 0", counting(calls, 1 / 3))
    again = FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=True)
    np.testing.assert_array_equal(again.unit("fold 0", counting(calls, 9.0))["loss"], first["loss"])
    again.unit("fold 1", counting(calls, 2.0))
    assert calls == [1 / 3, 2.0]
    again.forget()
    assert not (tmp_path / "work").exists()


def test_without_a_folder_nothing_is_kept():
    calls = []
    units = FinishedUnits.opened(None, IDENTITY, resume=True)
    for _ in range(2):
        units.unit("a", counting(calls, 1.0))
    assert len(calls) == 2


def test_an_unfinished_run_is_not_begun_anew_unasked(tmp_path):
    FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=False)
    with pytest.raises(UsageError, match="contains an unfinished run"):
        FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=False)


def test_another_run_is_refused_with_what_differs(tmp_path):
    FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=False)
    other = {**IDENTITY, "seed": 3, "settings": {"share": 0.3, "fresh": True}}
    with pytest.raises(UsageError) as refused:
        FinishedUnits.opened(tmp_path / "work", other, resume=True)
    for clause in (
        "seed: 0 before, 3 now",
        "settings.share: 0.5 before, 0.3 now",
        "settings.fresh: null before, true now",
    ):
        assert clause in refused.value.came


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more", b"something else"])
def test_a_damaged_unit_is_computed_again(damage, tmp_path):
    units = FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=False)
    calls = []
    units.unit("a", counting(calls, 1.0))
    (file,) = (tmp_path / "work").glob("*.npz")
    file.write_bytes(damage)
    np.testing.assert_array_equal(units.unit("a", counting(calls, 1.0))["loss"], np.arange(3.0) + 1)
    assert calls == [1.0, 1.0]


def test_a_half_written_unit_is_not_there(tmp_path, monkeypatch):
    units = FinishedUnits.opened(tmp_path / "work", IDENTITY, resume=False)

    def broken():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        units.unit("a", broken)
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["identity.json"]


def test_a_resumed_run_says_the_warnings_of_units_that_were_finished_before(tmp_path):
    def compute():
        warn("half of the rows are empty")
        tally("{:,} of {:,} texts were cut", 2, 5)
        return {"a": np.arange(3)}

    seen = []
    for resume in (False, True, True):
        with collected() as said:
            units = FinishedUnits.opened(tmp_path / "w", {"a": 1}, resume=resume)
            assert list(units.unit("one", compute)) == ["a"]
        seen.append(said.all())
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 2
    with collected() as said:
        quiet = FinishedUnits.opened(tmp_path / "q", {"a": 1}, resume=False)
        quiet.unit("one", lambda: {"a": np.arange(3)})
        quiet.unit("one", compute)
    assert not said.all()
