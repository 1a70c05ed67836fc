"""A server with faults loses no row, is paid once per answer, and a kill changes nothing in what comes out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import syngain
from fake_server import FAULTS, FakeServer
from generating import exported, server_recipe
from syngain.core.errors import UnfinishedError, UsageError
from syngain.workflows.generate.generate import Limits, generate, work_folder

ROOT = Path(__file__).resolve().parents[2]


def undisturbed(real, folder, rows, **changes):
    with FakeServer() as server:
        syngain.generate(server_recipe(server, rows, **changes), real, folder=folder)
        return exported(folder)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_alone_costs_no_row(fault, real, tmp_path):
    with FakeServer(faults={fault: 0.25}, hang=6.0) as server:
        recipe = server_recipe(server, 48)
        recipe["generator"]["timeout"] = 4.0 if fault in {"hang", "drip"} else 30.0
        recipe["engine"]["concurrency"] = 16
        syngain.generate(recipe, real, folder=tmp_path / "run")
        assert server.injected[fault] > 3
    assert exported(tmp_path / "run") == undisturbed(real, tmp_path / "calm", 48)


@pytest.mark.slow
def test_all_faults_together_lose_nothing_and_pay_once(real, tmp_path):
    with FakeServer(faults=dict.fromkeys(FAULTS, 0.03), hang=4.0) as server:
        recipe = server_recipe(server, 400)
        recipe["generator"]["timeout"] = 2.0
        run = generate(recipe, real, work=tmp_path / "run.work")
        assert all(server.injected[fault] for fault in FAULTS)
        late = sum(int(n) for note in run.notes for n in re.findall(r"no answer within 2 s \((\d+)\)", note))
        twice = sum(server.served.values()) - len(server.served)  # whole answers that were given again
        assert twice <= late - server.injected["hang"] - server.injected["drip"]  # none, but on a starved machine
        asked = server.requests
        again = generate(recipe, real, work=tmp_path / "run.work", resume=True)
        assert server.requests == asked
    assert run.to_json() == again.to_json()
    assert run.inputs["synthetic"].rows > 300


def listening():
    """SIGINT as on a terminal: a shell that starts the tests in its background has them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def started(recipe_file, real, folder, *flags):
    command = [sys.executable, "-m", "syngain", "generate", recipe_file, "--anchor", real, "-o", folder, *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        list(map(str, command)),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,  # noqa: PLW1509  (no thread touches signals here)
    )


def killed_runs(server, recipe_file, real, folder, moments, rng):
    """Kill the run after so many more requests each, a moment later; then let it end. In-flight counts as printed."""
    flying, kills = 0, 0
    for more in [*moments, None]:
        process = started(recipe_file, real, folder, "--resume")
        target = None if more is None else server.requests + more
        while process.poll() is None and (target is None or server.requests < target):
            time.sleep(0.002)
        if process.poll() is None:
            time.sleep(float(rng.uniform(0, 0.02)))
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, err = process.communicate()
        flying += sum(int(line.split("resumed; ")[1].split()[0]) for line in err.splitlines() if "resumed; " in line)
        assert process.returncode in {0, -signal.SIGKILL}, err
    return flying, kills


@pytest.mark.slow
def test_killed_runs_resume_to_the_same_bytes_and_pay_only_for_what_was_in_flight(real, tmp_path):
    rows, rng = 400, np.random.default_rng(3)
    with FakeServer(delay=0.01) as server:
        recipe_file = tmp_path / "recipe.yaml"
        recipe_file.write_text(json.dumps(server_recipe(server, rows)))
        flying, kills = killed_runs(server, recipe_file, real, tmp_path / "run", [30, 80, 1, 90], rng)
        probes = 1
        extra = server.requests - rows - probes
    assert kills == 4
    assert 0 <= extra <= flying
    assert exported(tmp_path / "run") == undisturbed(real, tmp_path / "calm", rows)
    assert not work_folder(tmp_path / "run").exists()


@pytest.mark.parametrize("which", ["tokens", "usd"])
def test_ceilings_hold_under_concurrency_and_what_was_paid_is_kept(which, real, tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("fake: {prompt: 2.0, completion: 5.0}\n")
    ceiling = Limits(max_tokens=6000) if which == "tokens" else Limits(max_usd=0.012, prices=prices)
    with FakeServer(together=5, keep_bodies=True) as server:
        recipe = server_recipe(server, 200)
        with pytest.raises(UnfinishedError, match="budget"):
            generate(recipe, real, work=tmp_path / "run.work", limits=ceiling)
        answers = [server._content(body, "chat/completions")["usage"] for body in server.bodies[1:]]
        tokens = sum(usage["prompt_tokens"] + usage["completion_tokens"] for usage in answers)
        usd = sum(usage["prompt_tokens"] * 2.0 + usage["completion_tokens"] * 5.0 for usage in answers) / 1e6
        spent, limit = (tokens, 6000) if which == "tokens" else (usd, 0.012)
        assert 0.5 * limit < spent <= limit
        done = len(answers)
        assert server.most_flying > 4
        partial = (tmp_path / "run.work" / "rows.jsonl").read_text().splitlines()
        assert len(partial) == done
        syngain.generate(recipe, real, folder=tmp_path / "run", resume=True)
        assert server.requests == 200 + 1
    assert exported(tmp_path / "run") == undisturbed(real, tmp_path / "calm", 200)


def test_a_broken_server_stops_the_run_early(real, tmp_path):
    with FakeServer(faults={"500": 1.0}) as server:
        recipe = server_recipe(server, 500)
        with pytest.raises(UnfinishedError, match="500"):
            generate(recipe, real, work=tmp_path / "run.work")
        assert server.requests < 100


def test_a_server_that_breaks_during_the_run_stops_it_and_keeps_the_rest(real, tmp_path):
    with FakeServer(delay=0.002) as server:
        recipe = server_recipe(server, 300, engine={"backoff": 0.005, "attempts": 3})

        def fault(before=server._fault):
            return "500" if server.requests > 120 else before()

        server._fault = fault
        with pytest.raises(UnfinishedError, match="--resume"):
            generate(recipe, real, work=tmp_path / "run.work")
        assert server.requests < 400
        kept = len((tmp_path / "run.work" / "rows.jsonl").read_text().splitlines())
        assert 80 < kept <= 120
        server._fault = lambda: ""
        syngain.generate(recipe, real, folder=tmp_path / "run", resume=True)
    assert exported(tmp_path / "run") == undisturbed(real, tmp_path / "calm", 300)


def test_a_second_process_is_refused_and_another_recipe_too(real, tmp_path):
    with FakeServer() as server:
        recipe = server_recipe(server, 20)
        generate(recipe, real, work=tmp_path / "run.work")
        with pytest.raises(UsageError, match="unfinished run"):
            generate(recipe, real, work=tmp_path / "run.work")
        with pytest.raises(UsageError, match="another recipe"):
            generate(recipe | {"seed": 5}, real, work=tmp_path / "run.work", resume=True)
        from syngain.pipeline.store.store import Store

        with (
            Store.opened(tmp_path / "run.work" / "store.sqlite"),
            pytest.raises(UsageError, match="in use"),
        ):
            generate(recipe, real, work=tmp_path / "run.work", resume=True)


def test_an_interrupted_run_says_where_its_answers_are_and_goes_on(real, tmp_path):
    with FakeServer(delay=0.2) as server:
        recipe_file = tmp_path / "recipe.yaml"
        recipe_file.write_text(json.dumps(server_recipe(server, 200)))
        process = started(recipe_file, real, tmp_path / "run")
        while process.poll() is None and server.requests < 40:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130, err
        assert "run.work" in err.splitlines()[-1]
        assert "--resume" in err.splitlines()[-1]
        before = server.requests
        process = started(recipe_file, real, tmp_path / "run", "--resume")
        assert process.wait() == 0, process.communicate()[1]
        process.communicate()
        assert server.requests < 200 + 40
        assert before < 200
    assert exported(tmp_path / "run") == undisturbed(real, tmp_path / "calm", 200)
