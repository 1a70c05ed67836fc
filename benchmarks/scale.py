"""CPU seconds and memory of `syngain audit --no-gain` from 10,000 to 1,000,000 synthetic rows by 5,000 real ones.

Synthetic rows are banking77 questions with three words replaced; each size runs in a process of its own.

    .venv/bin/python benchmarks/scale.py [--sizes 10000 100000 1000000]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from syngain.data import read

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def write_rows(folder: Path, sizes: list[int]) -> tuple[Path, dict[int, Path]]:
    pool = [dict(row) for row in read(SHARED / "banking77_real.jsonl.gz", where={"split": "real_pool"}).records]
    rng = random.Random(0)
    words = sorted({word for row in pool for word in row["text"].split()})

    def varied(row: dict) -> str:
        text = row["text"].split()
        for _ in range(3):
            text[rng.randrange(len(text))] = rng.choice(words)
        return json.dumps({"text": " ".join(text), "label": row["label"]})

    real = folder / "real.jsonl"
    real.write_text("\n".join(json.dumps({k: r[k] for k in ("text", "label")}) for r in rng.sample(pool, 5_000)))
    paths = {}
    for size in sizes:
        paths[size] = folder / f"synthetic-{size}.jsonl"
        with paths[size].open("w") as file:
            for _ in range(size):
                file.write(varied(rng.choice(pool)) + "\n")
    return real, paths


def measure(real: Path, synthetic: Path, folder: Path) -> tuple[float, float]:
    """CPU seconds (user and system) and peak resident MiB of one audit, start-up and report included."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "use = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(use.ru_utime + use.ru_stime, use.ru_maxrss / 1024)"
    )
    command = [sys.executable, "-m", "syngain", "audit", real, synthetic, "--no-gain", "-q", "-o", folder]
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], check=True, capture_output=True, text=True)
    cpu, memory = done.stdout.split()
    return float(cpu), float(memory)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 31_600, 100_000, 316_000, 1_000_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real, paths = write_rows(folder, arguments.sizes)
        results = []
        for size, path in paths.items():
            cpu, memory = measure(real, path, folder / f"run-{size}")
            results.append((size, cpu))
            print(f"{size:>9,} synthetic by 5,000 real: {cpu:7.1f} s of CPU, {memory:7.0f} MiB", flush=True)
    if len(results) > 1:
        sizes, seconds = (np.array(values, float) for values in zip(*results, strict=True))
        slope, fixed = np.polyfit(sizes, seconds, 1)
        exponent = np.polyfit(np.log(sizes), np.log(np.maximum(seconds - fixed, 1e-3)), 1)[0] if fixed > 0 else np.nan
        print(
            f"linear fit: {fixed:.1f} s + {slope * 1e6:.1f} microseconds per row; exponent of the rest {exponent:.2f}"
        )
        last = np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2])
        print(f"growth exponent of the last step: {last:.2f}")


if __name__ == "__main__":
    main()
