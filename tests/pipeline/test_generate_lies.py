"""Against a server that lies: the ceiling holds, the ledger bounds the truth, nothing crashes."""

import contextlib
import itertools
import sqlite3
import time

import pytest

from fake_server import FakeServer
from generating import server_recipe
from lying_server import KEYS, KINDS, LyingServer
from syngain.core.errors import UnfinishedError, UsageError
from syngain.pipeline.store.spending import spent
from syngain.workflows.generate.generate import Limits, generate

KEY = "sk-canary-Q7vT2mKx9LwPz4Rb8NcYd3Fg/J+s6"
SLOW = {"hang", "drip"}


def recipe(server, rows=40, **engine):
    made = server_recipe(server, rows)
    made["generator"]["timeout"] = 6.0
    made["engine"] |= {"concurrency": 16, "attempts": 20, "max_error_rate": 0.9, **engine}
    return made


def bounds(work):
    with contextlib.closing(sqlite3.connect(work / "store.sqlite")) as store:
        found = spent(store)
    return found.least[0], found.most[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_ceiling_holds_and_the_ledger_bounds_the_truth(kind, real, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with LyingServer(faults={kind: 0.3}, hang=8.0) as server:
        work = tmp_path / "run.work"
        stopped = ""
        try:
            generate(recipe(server, 12 if kind in SLOW else 40), real, work=work, limits=Limits(max_tokens=5_000))
        except UnfinishedError as error:
            stopped = str(error)
        truth = server.truth
    least, most = bounds(work)
    assert least <= truth <= most
    assert truth <= 5_000
    if most > 5_000:  # a report beyond the reservation is in the books, and ends the run
        assert "more tokens" in stopped


def test_a_usage_beyond_what_a_request_can_cost_ends_the_run_unless_it_is_distrusted(real, tmp_path):
    with LyingServer(faults={"usage_huge": 0.2}) as server:
        limits = Limits(max_tokens=200_000)
        with pytest.raises(UnfinishedError, match="--distrust-usage"):
            generate(recipe(server), real, work=tmp_path / "run.work", limits=limits)
        calm = Limits(max_tokens=200_000, distrust_usage=True)
        result = generate(recipe(server), real, work=tmp_path / "other.work", limits=calm)
    assert result.inputs["synthetic"].rows > 30
    assert "ceiling 200,000" in result.notes[-1]


def test_cleaning_never_lowers_the_ledger(real, tmp_path):
    with LyingServer(faults={"deep": 0.4}) as server:
        work, seen = tmp_path / "run.work", 0
        for _ in range(6):
            with contextlib.suppress(UnfinishedError):
                generate(recipe(server, attempts=2), real, work=work, limits=Limits(max_tokens=6_000), resume=True)
            least, most = bounds(work)
            assert seen <= most <= 6_000
            assert least <= server.truth <= most
            seen = most
    with contextlib.closing(sqlite3.connect(work / "store.sqlite")) as store:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.execute("DELETE FROM ledger")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.execute("UPDATE ledger SET most_tokens = 0")


def test_all_lies_together_cost_rows_of_refused_requests_only(real, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    never = {"usage_huge", "usage_1e30", "hang", "drip", "endless"}
    with LyingServer(faults=dict.fromkeys(set(KINDS) - never, 0.5 / len(KINDS))) as server:
        result = generate(recipe(server, 200), real, work=tmp_path / "run.work")
        injected = set(server.injected)
    assert len(injected) > 15
    assert len(result.files["rows.jsonl"].records) > 170
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content
            assert KEY[:12].encode() not in content
    assert KEY[:12] not in result.to_json()


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_in_no_answer_and_no_message(kind, real, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    work = tmp_path / "run.work"
    with LyingServer(faults={kind: 0.9}) as server:
        try:
            said = generate(recipe(server, 12, attempts=2), real, work=work).to_json()
        except (UnfinishedError, UsageError) as error:
            said = str(error)
    assert KEY[:12] not in said
    for path in (file for file in tmp_path.rglob("*") if file.is_file()):
        assert KEY[:12].encode() not in path.read_bytes()
    with contextlib.closing(sqlite3.connect(work / "store.sqlite")) as store:
        reasons = " ".join(str(row[0]) for row in store.execute("SELECT reason FROM requests"))
    assert "sk-canary" not in reasons


def test_an_output_limit_of_its_own_is_refused_under_a_ceiling(real, tmp_path):
    with FakeServer() as server:
        for name, value in {"max_completion_tokens": 4_000, "n": 4}.items():
            made = recipe(server)
            made["generator"]["extra"] = {name: value}
            with pytest.raises(UsageError, match="output limit"):
                generate(made, real, work=tmp_path / "run.work", limits=Limits(max_tokens=5_000))


def test_prices_of_the_recipe_carry_their_date(real, tmp_path):
    with FakeServer() as server:
        made = recipe(server)
        made["generator"]["prices"] = {"prompt": 2.0, "completion": 5.0, "date": "2026-11-01"}
        result = generate(made, real, work=tmp_path / "run.work", limits=Limits(max_usd=1.0))
    assert "prices of 2026-11-01" in result.notes[-1]
    assert "ceiling 1" in result.notes[-1]


def test_the_ledger_of_an_older_store_goes_on(tmp_path):
    import gzip
    from pathlib import Path

    from syngain.pipeline.store.store import Store

    path = tmp_path / "store.sqlite"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "store_0_1.sqlite.gz").read_bytes()))
    with contextlib.closing(sqlite3.connect(path)) as old:
        tokens = old.execute("SELECT sum(tokens) FROM responses").fetchone()[0]
    with Store.opened(path) as store:
        found = store.spent()
    assert found.least[0] == tokens
    assert found.most[0] >= tokens


def test_a_clock_that_jumps_by_days_changes_nothing(real, tmp_path, monkeypatch):
    with LyingServer(faults={"429_after": 0.2}, seed=1) as server:
        calm = generate(recipe(server), real, work=tmp_path / "calm.work")
        days = itertools.count()
        monkeypatch.setattr(time, "time", lambda: 1e9 + (-1) ** next(days) * 86_400.0 * next(days))
        with contextlib.suppress(UnfinishedError):
            generate(recipe(server), real, work=tmp_path / "run.work", limits=Limits(max_tokens=1_500))
        first = bounds(tmp_path / "run.work")
        result = generate(recipe(server), real, work=tmp_path / "run.work", resume=True)
    second = bounds(tmp_path / "run.work")
    assert first[1] <= 1_500
    assert second[0] >= first[0]
    assert result.inputs["synthetic"].rows == calm.inputs["synthetic"].rows
