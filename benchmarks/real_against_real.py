"""Real against real: how often does anything differ from its null, and how often is any finding high?

Each split halves a random 2,000 of banking77's 10,003 pool rows; both halves are real, so every rejection is false.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/real_against_real.py [--splits 400] [--jobs 2]
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from syngain.audit.audit import audit_study
from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.study import Study

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def split(seed: int) -> dict[str, object]:
    rows = read(SHARED / "banking77_real.jsonl.gz", where={"split": "real_pool"})
    test = read(SHARED / "banking77_real.jsonl.gz", where={"split": "real_test"})
    order = np.random.default_rng([seed, 2000]).permutation(len(rows))[:2_000]
    first, second = rows.take(order[:1_000].tolist()), rows.take(order[1_000:].tolist())
    audited = audit_study(Study.of(first, second, test=test), streams=Streams(seed))
    return {
        "seed": seed,
        "p": {name: item.p for name, item in audited.found.estimates.items() if item.p is not None},
        "adjusted": [name for name, item in audited.found.estimates.items() if (item.adjusted_p or 1) < 0.05],
        "high": [finding.id for finding in audited.findings if finding.severity == "high"],
        "other": [f"{finding.id}:{finding.severity}" for finding in audited.findings if finding.severity != "high"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    results = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(split, range(arguments.splits)):
            results.append(result)
            if len(results) % 20 == 0:
                report(results)
            if arguments.out:
                arguments.out.write_text(json.dumps(results))
    report(results)


def report(results: list[dict]) -> None:
    n = len(results)
    print(f"--- {n} splits", flush=True)
    for name in sorted(results[0]["p"]):
        values = np.array([result["p"][name] for result in results if name in result["p"]])
        at5, at1 = np.mean(values < 0.05), np.mean(values < 0.01)
        print(f"{name:36s} differs (p < .05) in {at5:6.1%}, p < .01 in {at1:6.1%}")
    for key in ("adjusted", "high", "other"):
        names = Counter(name for result in results for name in result[key])
        print(f"any {key}: {sum(bool(result[key]) for result in results) / n:.2%} {dict(names)}", flush=True)


if __name__ == "__main__":
    main()
