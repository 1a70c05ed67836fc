"""SIGINT and SIGTERM at several moments of long commands: the code, one last line, nothing half-written."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

from lying_server import LyingServer

ROWS = 400
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
RECIPE = """
generator: {kind: openai, model: fake, base_url: "URL", timeout: 30}
strategies: [{kind: few_shot, rows: 400}]
sampling: {samples: 4, max_tokens: 8}
engine: {concurrency: 8}
"""
COMMANDS = {
    "audit": ["audit", "real.jsonl", "synthetic.jsonl"],
    "gain": ["gain", "real.jsonl", "synthetic.jsonl"],
    "mix": ["mix", "real.jsonl", "a=synthetic.jsonl", "b=more.jsonl"],
    "select": ["select", "real.jsonl", "synthetic.jsonl"],
    "generate": ["generate", "recipe.yaml", "--real", "real.jsonl"],
}
MOMENTS = {"begin": None, "reading": "reading", "working": "working"}


@pytest.fixture(autouse=True)
def interruptions_are_not_ignored():
    """A suite that runs as a background job would hand on that SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def files(tmp_path):
    for name in ("real", "synthetic", "more"):
        draw = random.Random(name)
        words = [f"{draw.choice('bcdfgklmnprst')}{draw.choice('aeiou')}{draw.choice('bdgklmnrst')}" for _ in range(400)]
        rows = (
            {"text": " ".join(draw.choices(words[k * 130 : k * 130 + 150], k=20)), "label": "ab"[k]}
            for k in (i % 2 for i in range(ROWS))
        )
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_signal_ends_a_command_cleanly(command, number, moment, files):
    with LyingServer(faults={"hang": 0.3}, hang=20.0) as server:
        (files / "recipe.yaml").write_text(RECIPE.replace("URL", server.url))
        before = {path.name for path in files.iterdir()}
        call = [sys.executable, "-m", "syngain", *COMMANDS[command], "-o", "out"]
        with subprocess.Popen(call, cwd=files, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            said = wait(child, moment)
            child.send_signal(number)
            begin = time.monotonic()
            out, rest = child.communicate(timeout=60)
            took = time.monotonic() - begin
    said += rest
    if child.returncode == 0:  # it was done before the signal came
        assert (files / "out" / "report.json").exists()
        return
    assert child.returncode == SIGNALS[number], said
    assert "Traceback" not in said + out
    assert "never" not in said
    assert said.rstrip().splitlines()[-1].startswith("interrupted; ")
    left = {path.name for path in files.iterdir()} - before
    assert left <= {"out.work"}, left
    assert took < 30


@pytest.mark.parametrize("command", ["audit", "mix", "generate"])
def test_a_background_job_that_ignores_interruptions_can_be_terminated(command, files):
    with LyingServer(faults={"hang": 0.3}, hang=20.0) as server:
        (files / "recipe.yaml").write_text(RECIPE.replace("URL", server.url))
        call = [sys.executable, "-m", "syngain", *COMMANDS[command], "-o", "out"]
        background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *call]
        with subprocess.Popen(background, cwd=files, stderr=subprocess.PIPE, text=True) as child:
            said = wait(child, "working")
            child.send_signal(signal.SIGINT)
            time.sleep(0.5)
            going = child.poll() is None
            child.send_signal(signal.SIGTERM)
            said += child.communicate(timeout=60)[1]
    if not going:  # it was done before the signals came
        assert child.returncode == 0, said
        return
    assert child.returncode == 143, said
    assert "Traceback" not in said
    assert said.rstrip().splitlines()[-1].startswith("interrupted; ")


def wait(child, moment):
    """Read what the command says until the moment of the signal."""
    if moment == "begin":
        time.sleep(0.6)
        return ""
    said = ""
    while line := child.stderr.readline():
        said += line
        if moment == "reading" or "reading" not in line:
            break
    if moment == "working":
        time.sleep(0.7)
    return said
