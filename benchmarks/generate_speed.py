"""Requests per minute, memory over many rows and bytes per row of the store, against a fast local server.

Answers have 100 tokens with the top 20 log-probabilities of each, about 170 kB of JSON. The server runs in a process of
its own and repeats 64 prepared answers under changing ids, so that its own speed is not what is measured.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/generate_speed.py [--rows 5000] [--memory-rows 100000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from generating import anchors  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--memory-rows", type=int, default=0, help="A second run with small answers: 0 for none.")
    arguments = parser.parse_args()
    speed(arguments.rows, words=100, top=20)
    if arguments.memory_rows:
        speed(arguments.memory_rows, words=10, top=1)


def speed(rows: int, *, words: int, top: int) -> None:
    command = [sys.executable, ROOT / "tests" / "fake_server.py", "--port", "0", "--words", words, "--canned", "64"]
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        with tempfile.TemporaryDirectory() as place:
            measured(rows, Path(place), server.stdout.readline().strip(), words, top)
    finally:
        server.kill()


def measured(rows: int, folder: Path, url: str, words: int, top: int) -> None:
    real = folder / "real.jsonl"
    real.write_text("".join(json.dumps(row) + "\n" for row in anchors(300)))
    recipe = {
        "generator": {"kind": "openai", "model": "fake", "base_url": url},
        "strategies": [{"kind": "few_shot", "rows": rows}],
        "sampling": {"samples": 8, "max_tokens": words, "top_logprobs": top},
        "curate": [],
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    command = [
        sys.executable,
        "-m",
        "syngain",
        "generate",
        folder / "recipe.yaml",
        "--anchor",
        real,
        "-o",
        folder / "run",
    ]
    begin, before = time.time(), children()
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    stages: list[tuple[float, str]] = []
    reader = threading.Thread(target=lambda: stages.extend((time.time() - begin, line) for line in process.stderr))
    reader.start()
    memory = []
    while process.poll() is None:
        memory.append((time.time() - begin, resident(process.pid)))
        time.sleep(0.5)
    reader.join()
    total = time.time() - begin
    at = {name: next((when for when, line in stages if name in line), total) for name in ("generating", "curating")}
    asking = at["curating"] - at["generating"]
    used = [mib for when, mib in memory if at["generating"] < when < at["curating"]] or [0.0]
    store = (folder / "run" / "store.sqlite").stat().st_size
    print(
        f"{rows:,} requests of {words} tokens, top {top}: {60 * rows / asking:,.0f} per minute while asking "
        f"({asking:.0f} s), {total:.0f} s in all, {children() - before:.0f} CPU s of the client\n"
        f"memory: {used[len(used) // 10]:.0f} MiB after a tenth, {used[-1]:.0f} MiB at the end of asking, "
        f"{max(mib for _, mib in memory):.0f} MiB at most; store: {store / rows / 1000:.1f} kB per row"
    )
    print("".join(f"  {when:6.1f} {line}" for when, line in stages), flush=True)


def resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT / "src"))
    main()
