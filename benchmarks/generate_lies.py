"""Ceilings against a lying server: every kind of fault, many small runs, and all kinds mixed.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/generate_lies.py [--runs 100] [--jobs 2] --out FILE

Every run generates 40 rows (12 where a fault hangs) under a ceiling of 5,000 tokens, with 30% of the attempts broken,
at concurrency 16 and 64 in turn. Counted: runs in which the server billed more than the ceiling, runs in which the
ledger's bounds do not hold what the server billed, errors that are none of syngain's, and the peak memory of a client
in a process of its own per kind. A line of FILE per kind; kinds that are in it are not run again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from generating import anchors, server_recipe  # noqa: E402
from lying_server import KINDS, LyingServer  # noqa: E402
from syngain.core.errors import SyngainError  # noqa: E402
from syngain.pipeline.store.spending import spent  # noqa: E402
from syngain.workflows.generate.generate import Limits, generate  # noqa: E402

CEILING, RATE, SLOW = 5_000, 0.3, ("hang", "drip")
MIXED = "mixed"
NEVER_MIXED = ("usage_huge", "usage_1e30", "hang", "drip", "endless")  # each would end or stall every mixed run


def one_run(kind: str, run: int, real: Path, folder: Path) -> dict[str, object]:
    """Tokens that the server billed, and the bounds of the ledger."""
    faults = {kind: RATE}
    if kind == MIXED:
        chosen = [name for name in KINDS if name not in NEVER_MIXED]
        faults = dict.fromkeys(chosen, RATE / len(chosen))
    out: dict[str, object] = {"stopped": "", "traceback": ""}
    with LyingServer(faults=faults, hang=8.0, seed=run) as server:
        recipe = server_recipe(server, 12 if kind in SLOW else 40)
        recipe["seed"] = run
        recipe["generator"]["timeout"] = 6.0
        recipe["engine"] |= {"concurrency": (16, 64)[run % 2], "attempts": 20, "max_error_rate": 0.9}
        try:
            generate(recipe, real, work=folder, limits=Limits(max_tokens=CEILING))
        except SyngainError as error:
            out["stopped"] = str(error)[:200]
        except Exception:  # noqa: BLE001  (what this benchmark looks for)
            out["traceback"] = traceback.format_exc()[-2_000:]
        truth, broken = server.truth, sum(server.injected.values())
    with contextlib.closing(sqlite3.connect(folder / "store.sqlite")) as store:
        found = spent(store)
    return out | {"truth": truth, "least": found.least[0], "most": found.most[0], "broken": broken}


def client_memory(kind: str) -> int:
    """Peak MiB of a client in a process of its own, 64 requests at a time."""
    with tempfile.TemporaryDirectory() as place, LyingServer(faults={kind: RATE}, hang=8.0, seed=0) as server:
        folder = Path(place)
        (folder / "real.jsonl").write_text("".join(json.dumps(row) + "\n" for row in anchors(30)))
        recipe = server_recipe(server, 12 if kind in SLOW else 120)
        recipe["generator"]["timeout"] = 6.0
        recipe["engine"] |= {"concurrency": 64, "attempts": 20, "max_error_rate": 0.9}
        (folder / "recipe.json").write_text(json.dumps(recipe))
        command = ["-m", "syngain", "generate", "recipe.json", "--real", "real.jsonl", "-o", "out", "--quiet"]
        peak = 0
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([sys.executable, *command], cwd=folder, **quiet) as child:
            while child.poll() is None:  # the usage that wait() tells begins with the memory of this process
                with contextlib.suppress(OSError):
                    status = Path(f"/proc/{child.pid}/status").read_text()
                    peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)])
                time.sleep(0.02)
    return peak // 1024


def of_kind(kind: str, runs: int) -> dict[str, object]:
    """The counts of a kind."""
    begin, found = time.process_time(), []
    with tempfile.TemporaryDirectory() as place:
        real = Path(place) / "real.jsonl"
        real.write_text("".join(json.dumps(row) + "\n" for row in anchors(30)))
        found = [one_run(kind, run, real, Path(place) / f"run{run}.work") for run in range(runs)]
    return {
        "kind": kind,
        "runs": runs,
        "broken": sum(int(str(one["broken"])) for one in found),
        "over": sum(one["truth"] > CEILING for one in found),
        "outside": sum(not one["least"] <= one["truth"] <= one["most"] for one in found),
        "tracebacks": [one["traceback"] for one in found if one["traceback"]],
        "stopped": sum(bool(one["stopped"]) for one in found),
        "memory": client_memory(kind) if kind != MIXED else 0,
        "cpu": round(time.process_time() - begin, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=[*KINDS, MIXED])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", help="Run one kind in this process and print its line.")
    parser.add_argument("--memory", action="store_true", help="Print only the peak memory of each kind.")
    options = parser.parse_args()
    if options.memory:
        found = {kind: client_memory(kind) for kind in options.kinds if kind != MIXED}
        print(json.dumps(found), f"\nat most {max(found.values())} MiB")
        return
    if options.one:
        print(json.dumps(of_kind(options.one, options.runs)))
        return
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    todo = [kind for kind in options.kinds if kind not in {line["kind"] for line in done}]

    def work(kind: str) -> str:
        command = [sys.executable, __file__, "--one", kind, "--runs", str(options.runs)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout

    with options.out.open("a") as file, ThreadPoolExecutor(options.jobs) as pool:
        for line in pool.map(work, todo):
            file.write(line)
            file.flush()
            done.append(json.loads(line))
    print("| fault | runs | attempts broken | over the ceiling | outside the bounds | tracebacks | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for line in done:
        cells = (line[name] for name in ("kind", "runs", "broken", "over", "outside"))
        print("| " + " | ".join(map(str, [*cells, len(line["tracebacks"]), line["memory"]])) + " |")
    total = sum(line["runs"] for line in done)
    sums = {name: sum(line[name] for line in done) for name in ("over", "outside")}
    print(
        f"\n{total:,} runs of {len(done)} kinds: over the ceiling {sums['over']}, "
        f"outside the bounds {sums['outside']}, tracebacks {sum(len(line['tracebacks']) for line in done)}, at most "
        f"{max(line['memory'] for line in done)} MiB, {sum(line['cpu'] for line in done):,.0f} CPU s with the server."
    )


if __name__ == "__main__":
    main()
