"""Damaged, missing and foreign stores: a clear error, never a second bill, and what is readable is saved."""

import contextlib
import gzip
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fake_server import FakeServer
from generating import lines, server_recipe, toy_recipe
from syngain.core.errors import InputError, SyngainError, UnfinishedError, UsageError
from syngain.pipeline.store.pages import Pages
from syngain.pipeline.store.store import Store
from syngain.workflows.generate.generate import Limits, generate
from syngain.workflows.generate.recover import recover

STORE = "store.sqlite"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An unfinished run: its work folder with store and rows, and the server's count of requests."""
    folder = tmp_path_factory.mktemp("whole")
    real = folder / "real.jsonl"
    real.write_text(
        "".join(f'{{"text": "a row of the bank {i}", "label": "x"}}\n' for i in range(30)), encoding="utf-8"
    )
    with FakeServer() as server:
        recipe = server_recipe(server)
        with pytest.raises(UnfinishedError):
            generate(recipe, real, work=folder / "run.work", limits=Limits(max_tokens=3_000))
    return folder, recipe


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole[0] / "run.work", tmp_path / "run.work")
    return tmp_path / "run.work", whole[1], whole[0] / "real.jsonl"


def emptied(store):
    store.write_bytes(b"")


def removed(store):
    store.unlink()


def truncated(store):
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])


def short(store):
    store.write_bytes(store.read_bytes()[:50])


def text(store):
    store.write_text("not a store\n" * 400)


def header(store):
    content = bytearray(store.read_bytes())
    content[:100] = os.urandom(100)
    store.write_bytes(content)


def zeros(store):
    content = bytearray(store.read_bytes())
    content[4096:20480] = bytes(16384)
    store.write_bytes(content)


def foreign(store):
    store.unlink()
    with contextlib.closing(sqlite3.connect(store)) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
        other.commit()


def without_ledger(store):
    with contextlib.closing(sqlite3.connect(store)) as own:
        own.execute("DROP TABLE ledger")
        own.commit()


def without_rows(store):
    with contextlib.closing(sqlite3.connect(store)) as own:
        own.execute("DELETE FROM requests")
        own.execute("DELETE FROM responses")
        own.commit()


def folder(store):
    store.unlink()
    store.mkdir()


DAMAGES = [emptied, removed, truncated, short, text, header, zeros, foreign, without_ledger, without_rows, folder]


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_an_error_and_nothing_is_sent(damage, resume, run):
    work, recipe, real = run
    damage(work / STORE)
    before = (work / "rows.jsonl").read_bytes()
    with pytest.raises((InputError, UsageError)) as error:  # the server is gone: a request would be another error
        generate(recipe, real, work=work, resume=resume)
    assert "store.sqlite" in str(error.value) or "unfinished" in str(error.value)
    assert (work / "rows.jsonl").read_bytes() == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_all_exported_rows_are_saved_whatever_happened_to_the_store(damage, run, tmp_path):
    work = run[0]
    rows = {row["request"] for row in lines(work / "rows.jsonl")}
    damage(work / STORE)
    found = recover(work)
    assert {row["request"] for row in lines(tmp_path / "run.work.recovered" / "rows.jsonl")} == rows
    assert found.rows == len(rows)
    assert all(found.sentences())
    with pytest.raises(UsageError):
        recover(work)  # never over what was saved


def test_an_undamaged_store_is_saved_whole(run, tmp_path):
    work = run[0]
    before = lines(work / "rows.jsonl")
    with contextlib.closing(sqlite3.connect(work / STORE)) as store:
        entries = store.execute("SELECT count(*), sum(most_tokens) FROM ledger").fetchone()
    for name in ("rows", "kept", "dropped"):
        (work / f"{name}.jsonl").unlink()
    found = recover(tmp_path / "run", tmp_path / "saved")
    saved = lines(tmp_path / "saved" / "rows.jsonl")
    assert [{**row, "generator": ""} for row in before] == saved
    ledger = lines(tmp_path / "saved" / "ledger.jsonl")
    assert (len(ledger), sum(row["most_tokens"] for row in ledger)) == entries
    assert found.found.lost == found.found.broken == 0


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_lose_little_and_never_crash(seed, run, tmp_path):
    work, recipe, real = run
    draw, store = random.Random(seed), work / STORE
    content = bytearray(store.read_bytes())
    for _ in range(draw.choice([1, 8, 64])):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    store.write_bytes(content)
    rows = len(lines(work / "rows.jsonl"))
    for name in ("rows", "kept", "dropped"):
        (work / f"{name}.jsonl").unlink()
    found = recover(work, tmp_path / "saved")
    assert found.rows + found.answers >= rows * 0.3
    with contextlib.suppress(SyngainError):  # the server is gone
        generate(recipe, real, work=work, resume=True)


def test_answers_whose_requests_are_lost_are_saved_too(run, tmp_path):
    work = run[0]
    with contextlib.closing(sqlite3.connect(work / STORE)) as store:
        (answers,) = store.execute("SELECT count(*) FROM responses WHERE length(key) = 32").fetchone()
        store.execute("PRAGMA secure_delete = ON")
        store.execute("DELETE FROM requests")
        store.commit()
    for name in ("rows", "kept", "dropped"):
        (work / f"{name}.jsonl").unlink()
    assert recover(work, tmp_path / "saved").answers == answers
    assert len(lines(tmp_path / "saved" / "answers.jsonl")) == answers


def test_nothing_to_save_is_an_error(tmp_path):
    with pytest.raises(InputError, match="neither"):
        recover(tmp_path / "none")


KILLED = """
import sys
from syngain.pipeline.store.store import Store
from pathlib import Path
with Store.opened(Path(sys.argv[1])) as store:
    for number in range(300):
        store.reserved(b"key %d" % number, (10, 0.0))
    print("ready", flush=True)
    sys.stdin.read()
"""


def killed(path):
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    return path.with_name(f"{path.name}-wal")


def test_a_removed_or_damaged_write_ahead_log_is_noticed(tmp_path):
    path = tmp_path / STORE
    log = killed(path)
    content, before = log.read_bytes(), path.read_bytes()
    for changed in (
        b"",
        content[:20],
        bytes(100) + content[100:],
        content[:9000] + b"\xff" + content[9001:],
        content[:16] + b"\xff" + content[17:],
    ):
        path.write_bytes(before)
        log.write_bytes(changed)
        with pytest.raises(InputError, match=STORE), Store.opened(path):
            pass
        assert log.read_bytes() == changed  # it is left for --recover
    path.write_bytes(before)
    log.unlink()
    with pytest.raises(InputError, match="last answers"), Store.opened(path):
        pass
    log.write_bytes(content)
    with Store.opened(path) as store:
        assert store.spent().most[0] == 3_000
    assert not log.exists()


def test_a_last_frame_that_the_kill_cut_is_no_damage(tmp_path):
    """The kernel may end a write of a killed process between two pages of memory."""
    path = tmp_path / STORE
    log = killed(path)
    content, before = log.read_bytes(), path.read_bytes()
    frame = 24 + 4096
    last = 32 + (len(content) - 32) // frame * frame - frame
    older = content[last : last + 8] + bytes(8) + content[last + 16 : last + frame]  # of the log before this one
    half = last + 24 + 1000
    for cut in (content[: last + 24], content[: last + 25], content[:half], content[:-1]):
        path.write_bytes(before)
        log.write_bytes(cut)
        with Store.opened(path) as store:
            assert store.spent().most[0] == 2_990  # the last entry was not committed
    path.write_bytes(before)
    log.write_bytes(content[:half] + bytes(frame - 1024) + older)
    with Store.opened(path) as store:
        assert store.spent().most[0] == 2_990
    path.write_bytes(before)
    log.write_bytes(content[: last - 1000] + b"\xff" + content[last - 999 : half])  # the frame before it is damaged
    with pytest.raises(InputError, match="damaged last answers"), Store.opened(path):
        pass


def test_a_store_killed_at_any_moment_opens(tmp_path):
    path = tmp_path / STORE
    script = KILLED.replace('print("ready", flush=True)', "pass").replace("300", "100000")
    for moment in (0.25, 0.3, 0.35, 0.4, 0.6):
        with subprocess.Popen([sys.executable, "-c", script, path]) as child:
            time.sleep(moment)
            child.kill()
        with Store.opened(path) as store:
            assert store.spent().most[0] % 10 == 0


def test_the_pages_of_a_store_of_version_0_1_are_read(tmp_path):
    path = tmp_path / "run.work" / STORE
    path.parent.mkdir()
    path.write_bytes(gzip.decompress((Path(__file__).parent / "store_0_1.sqlite.gz").read_bytes()))
    with contextlib.closing(sqlite3.connect(path)) as store:
        tables = [
            store.execute(what).fetchone()[0]
            for what in ("SELECT count(*) FROM requests", "SELECT count(*) FROM responses")
        ]
    assert len(list(Pages.of(path).records())) > sum(tables)
    found = recover(path.parent, tmp_path / "saved").found
    assert [found.requests, found.answers] == tables


def test_the_command_saves_a_run(run, tmp_path, capsys):
    from syngain.cli.app import main

    (run[0] / STORE).unlink()
    sys.argv = ["syngain", "generate", "--recover", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "rows.jsonl, " in capsys.readouterr().out


def test_a_toy_run_begins_next_to_nothing_and_ends_with_a_closed_store(real, tmp_path):
    generate(toy_recipe(), real, folder=tmp_path / "out")
    content = (tmp_path / "out" / STORE).read_bytes()
    assert content[60:64] == bytes(4)


def test_frames_that_an_earlier_log_left_behind_are_older_than_the_file(tmp_path):
    from syngain.pipeline.store.pages import Pages

    path = tmp_path / "some.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, state INTEGER)")
        store.executemany("INSERT INTO t VALUES (?, 0)", [(i,) for i in range(1, 2_000)])
        store.execute("UPDATE t SET state = 1")
        store.execute("PRAGMA wal_checkpoint(FULL)")
        store.execute("UPDATE t SET state = 2 WHERE id = 1")  # the log begins anew, over the first frames only
        seen = {row: values[-1] for row, values in Pages.of(path).records() if len(values) == 2}
    assert seen[1] == 2
    assert {seen[i] for i in range(2, 2_000)} == {1}
