"""Information estimators in worlds that know their truth: bias, errors, coverage, variances, brackets.

python benchmarks/information_worlds.py [--worlds 1000] [--workers 2]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import math
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from syngain.lab.information_trials import BRACKETS, trial

KINDS = ("fixed", "ending")


def one(seed):
    return trial(KINDS[seed % 2], seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    started = time.process_time()
    with ProcessPoolExecutor(given.workers) as pool:
        found = list(pool.map(one, range(given.worlds), chunksize=10))
    unbiased(found)
    variances(found)
    brackets(found)
    print(f"{given.worlds} worlds; CPU of the parent {time.process_time() - started:.0f} s")


def unbiased(found):
    limit = 3 / math.sqrt(len(found))
    print(f"z mean within {limit:.3f}, sd in [.9, 1.1], coverage in [.93, .97]:")
    for name in found[0].unbiased:
        z = np.array([item.unbiased[name].z for item in found])
        held = np.mean([item.unbiased[name].covers for item in found])
        right = abs(z.mean()) <= limit and 0.9 <= z.std(ddof=1) <= 1.1 and 0.93 <= held <= 0.97
        print(f"  {name}: mean {z.mean():+.3f} sd {z.std(ddof=1):.3f} covers {held:.3f}{'' if right else '  MISSED'}")
    for name in found[0].bounds:
        print(f"  {name}: holds the truth in {np.mean([item.bounds[name] for item in found]):.3f}")


def variances(found):
    for kind in KINDS:
        some = [item.variances for item in found[KINDS.index(kind) :: 2]]
        ratio = np.array([v.plain / v.rao_blackwell for v in some])
        worse = np.array([v.combined / min(v.plain, v.rao_blackwell) for v in some])
        print(
            f"{kind}: plain / Rao-Blackwell median {np.median(ratio):.2f} (5 to 95 %: {np.quantile(ratio, 0.05):.2f} "
            f"to {np.quantile(ratio, 0.95):.2f}); combined / better of the two: median {np.median(worse):.3f}, mean "
            f"{worse.mean():.3f}, largest {worse.max():.3f}, above 1.05 in {np.mean(worse > 1.05):.3f}"
        )


def brackets(found):
    for count in BRACKETS:
        some = [item.brackets[count] for item in found]
        low = np.mean([item.low <= item.truth for item in some])
        high = np.mean([item.truth <= item.high for item in some])
        both = np.mean([item.low <= item.truth <= item.high for item in some])
        width = np.median([item.high - item.low for item in some])
        saturated = [item for item in some if item.saturated]
        deep = [item for item in some if item.truth > math.log(count)]
        over = np.array([item.upper - item.truth for item in some])
        mistake = np.array([item.rows_left_out - item.truth for item in some])
        print(
            f"K = {count}: low end holds {low:.3f}, high end {high:.3f}, both {both:.3f}; median width {width:.3f}; "
            f"saturated {len(saturated)}, of {len(deep)} with I > ln K said {sum(item.saturated for item in deep)}; "
            f"upper minus truth {over.mean():+.3f}, with rows left out {mistake.mean():+.3f} "
            f"(below the truth in {np.mean(mistake < 0):.2f} of worlds)"
        )


if __name__ == "__main__":
    main()
