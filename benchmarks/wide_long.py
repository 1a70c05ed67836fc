"""CPU seconds and peak memory of the commands on wide tables, many labels, long cells and long documents.

Every command runs in a process of its own, with a limit of CPU seconds and of memory.

    .venv/bin/python benchmarks/wide_long.py [--only NAME ...] [--commands audit gain ...] [--limit 150]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

WORDS = [f"w{i:04d}" for i in range(3_000)]
MEMORY = 9 << 30


def table(path: Path, rows: int, columns: int, seed: int) -> Path:
    """Independent normal columns; the label depends on the first one."""
    g = np.random.default_rng(seed)
    X = g.normal(size=(rows, columns)).round(4)
    labels = np.where(X[:, 0] + g.normal(size=rows) > 0, "yes", "no")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"c{i}" for i in range(columns)), "label"])
        writer.writerows([*row, label] for row, label in zip(X.tolist(), labels.tolist(), strict=True))
    return path


def texts(path: Path, rows: int, seed: int, *, words: int = 12, labels: int = 2, long: int = 0) -> Path:
    """Texts of random words, labels in turn; row 5 has ``long`` words, if any."""
    g = random.Random(seed)
    with path.open("w") as file:
        for i in range(rows):
            text = " ".join(g.choices(WORDS, k=long if long and i == 5 else words))
            file.write(json.dumps({"text": text, "label": f"c{i % labels}"}) + "\n")
    return path


def pair(folder: Path, make, rows: tuple[int, int], *more, **named) -> list[Path]:
    """The real file and two synthetic ones."""
    suffix = ".csv" if make is table else ".jsonl"
    sizes = (rows[0], rows[1], rows[1])
    return [make(folder / f"{seed}{suffix}", size, *more, seed=seed, **named) for seed, size in enumerate(sizes)]


CASES = {
    "300 x 3,000 columns": lambda f: pair(f, table, (300, 600), 3_000),
    "100 x 20,000 columns": lambda f: pair(f, table, (100, 100), 20_000),
    "100,000 labels, 2,000 real rows": lambda f: pair(f, texts, (2_000, 100_000), labels=100_000),
    "100,000 labels, 100,000 real rows": lambda f: pair(f, texts, (100_000, 100_000), labels=100_000),
    "a cell of 10 MB": lambda f: pair(f, texts, (100, 100), long=1_700_000, labels=3),
    "documents of 200,000 characters": lambda f: pair(f, texts, (60, 200), words=33_000),
}
COMMANDS = {
    "audit": lambda real, first, _: ["audit", real, first, "--no-gain"],
    "gain": lambda real, first, _: ["gain", real, first],
    "select": lambda real, first, _: ["select", real, first],
    "compare": lambda real, first, second: ["compare", real, first, second],
    "mix": lambda real, first, second: ["mix", real, first, second],
}
RUN = """
import resource, subprocess, sys
limit, memory = int(sys.argv[1]), int(sys.argv[2])
def limits():
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
done = subprocess.run(sys.argv[3:], preexec_fn=limits, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
use = resource.getrusage(resource.RUSAGE_CHILDREN)
error = done.stderr[-300:].replace(chr(10), " ")
print(use.ru_utime + use.ru_stime, use.ru_maxrss / 1024, done.returncode, error, sep="\\t")
"""


def measure(arguments: list[str], folder: Path, limit: int) -> str:
    command = [sys.executable, "-m", "syngain", *map(str, arguments), "-q", "-o", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(limit), str(MEMORY), *command],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    cpu, memory, code, error = done.stdout.rstrip("\n").split("\t")
    outcome = "" if code in {"0", "1"} else f" (exit {code}: {error.strip()})"
    return f"{float(cpu):.1f} s, {float(memory):,.0f} MiB{outcome}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--commands", nargs="*", default=list(COMMANDS))
    parser.add_argument("--limit", type=int, default=150)
    chosen = parser.parse_args()
    for name in chosen.only:
        with tempfile.TemporaryDirectory() as folder:
            paths = CASES[name](Path(folder))
            for command in chosen.commands:
                shown = measure(COMMANDS[command](*paths), Path(folder) / command, chosen.limit)
                print(f"| {name} | {command} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
