"""Batch files: the same rows and the same ledger as with requests on the network."""

import contextlib
import json
import sqlite3
import sys

import pytest

import syngain
from fake_server import FakeServer
from generating import exported, lines, server_recipe
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.pipeline.store.spending import spent
from syngain.workflows.generate.batch import forget_batch, read_batch, write_batch
from syngain.workflows.generate.generate import Limits, generate

ROWS = 24


def recipe(server, rows=ROWS):
    made = server_recipe(server, rows)
    made["generator"]["logprob_mode"] = "raw"
    return made


def answered(server, path, *, broken=()):
    """The output file of a batch, as the service writes it; ``broken``: what happens to the first lines."""
    out = []
    for number, line in enumerate(lines(path)):
        assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
        assert line["body"]["max_tokens"] == 8
        body = json.loads(server._good(line["body"], line["url"]))
        response = {"status_code": 200, "request_id": f"r{number}", "body": body}
        told = {"id": f"b{number}", "custom_id": line["custom_id"], "response": response, "error": None}
        out.append(told | broken[number] if number < len(broken) else told)
    file = path.with_name(f"out-{path.name}")
    file.write_text("".join(json.dumps(one) + "\n" for one in out), encoding="utf-8")
    return file


def sums(work):
    with contextlib.closing(sqlite3.connect(work / "store.sqlite")) as store:
        return spent(store)


def test_a_run_by_files_gives_the_rows_of_a_run_on_the_network(real, tmp_path):
    with FakeServer() as server:
        syngain.generate(recipe(server), real, folder=tmp_path / "live")
        work = tmp_path / "run.work"
        before = server.requests
        path, written = write_batch(recipe(server), real, work=work, limits=Limits(max_tokens=90_000))
        assert (written.requests, written.left) == (ROWS, 0)
        held = sums(work)
        assert held.least[0] == 0
        output = answered(server, path)
        found = read_batch(recipe(server), real, [output], work=work)
        assert (found.answered, found.failed, found.out) == (ROWS, 0, 0)
        paid = sums(work)
        assert 0 < paid.least[0] <= paid.most[0] < held.most[0]
        again = read_batch(recipe(server), real, [output], work=work)
        assert (again.answered, sums(work)) == (0, paid)
        result = generate(recipe(server), real, work=work, resume=True)
        assert server.requests == before  # not a request, not a probe
    syngain.report.write(result, tmp_path / "run")
    assert exported(tmp_path / "run") == exported(tmp_path / "live")


def test_a_ceiling_ends_a_file_and_a_run_with_a_file_out_does_not_resume(real, tmp_path):
    with FakeServer() as server:
        work = tmp_path / "run.work"
        path, written = write_batch(recipe(server), real, work=work, limits=Limits(max_tokens=6_000))
        assert 0 < written.requests < ROWS
        assert written.why == "the budget is reached"
        assert sums(work).most[0] <= 6_000
        with pytest.raises(UsageError, match="in a batch file"):
            generate(recipe(server), real, work=work, resume=True)
        with pytest.raises(UsageError, match="in a batch file"):
            write_batch(recipe(server), real, work=work, resume=True)
        read_batch(recipe(server), real, [answered(server, path)], work=work)
        _, more = write_batch(recipe(server), real, work=work, limits=Limits(max_tokens=90_000), resume=True)
        assert more.requests == ROWS - written.requests
        assert forget_batch(recipe(server), real, work=work) == more.requests
        assert sums(work).most[0] > 6_000  # what a lost file may have cost stays counted


def test_failed_lines_are_planned_again_and_refusals_are_rows_without_a_text(real, tmp_path):
    refusal = {"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 60, "completion_tokens": 3}
    unsupported = {"error": {"message": "'seed' is not supported", "param": "seed"}}
    broken = [
        {"response": None, "error": {"code": "batch_expired", "message": "This request could not be executed."}},
        {"response": {"status_code": 500, "body": {}}},
        {"response": {"status_code": 400, "body": {"error": {"message": "this prompt is not allowed here"}}}},
        {"response": {"status_code": 200, "body": {"id": "x", "choices": [refusal], "usage": usage}}},
        {"response": {"status_code": 400, "body": unsupported}},
        {"response": {"status_code": 400, "body": unsupported}},
    ]
    with FakeServer() as server:
        work = tmp_path / "run.work"
        path, _ = write_batch(recipe(server), real, work=work)
        found = read_batch(recipe(server), real, [answered(server, path, broken=broken)], work=work)
        assert (found.answered, found.declined, found.failed, found.out) == (ROWS - 6, 2, 4, 0)
        path, written = write_batch(recipe(server), real, work=work, resume=True)
        assert written.requests == 4
        assert not any("seed" in line["body"] for line in lines(path))  # learned from the file
        read_batch(recipe(server), real, [answered(server, path)], work=work)
        result = generate(recipe(server), real, work=work, resume=True)
    assert any("the model refused to answer" in warning for warning in result.warnings)


@pytest.mark.parametrize("text", ["no JSON\n", "{}\n", '{"custom_id": "zz", "response": null, "error": {}}\n', "[1]\n"])
def test_a_file_of_another_kind_or_run_is_an_error_with_its_line(text, real, tmp_path):
    with FakeServer() as server:
        work = tmp_path / "run.work"
        write_batch(recipe(server), real, work=work)
        (tmp_path / "o.jsonl").write_text(text)
        with pytest.raises(InputError, match="line 1"):
            read_batch(recipe(server), real, [tmp_path / "o.jsonl"], work=work)


def test_the_command_line_writes_and_reads(real, tmp_path, monkeypatch, capsys):
    def run(*flags):
        arguments = ["syngain", "generate", tmp_path / "r.yaml", "--real", real, "-o", tmp_path / "run", "-q", *flags]
        monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr().out

    with FakeServer() as server:
        (tmp_path / "r.yaml").write_text(json.dumps(recipe(server)))
        code, out = run("--batch", "write")
        assert code == 0
        path = tmp_path / "run.work" / "batch-1.jsonl"
        assert f"{ROWS} requests are in {path}" in out
        assert run("--batch", "read")[0] == 2
        code, out = run("--batch", "read", "--batch-file", answered(server, path))
        assert code == 0
        assert f"{ROWS} answers" in out
        assert run("--resume")[0] == 0
    assert len(lines(tmp_path / "run" / "rows.jsonl")) == ROWS


def test_without_a_run_there_is_nothing_to_read_or_to_forget(real, tmp_path):
    work = tmp_path / "none.work"
    with FakeServer() as server:
        with pytest.raises(UsageError, match="there is no"):
            read_batch(recipe(server), real, [], work=work)
        with pytest.raises(UsageError, match="there is no"):
            forget_batch(recipe(server), real, work=work)
    assert not work.exists()
