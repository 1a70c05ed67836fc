"""CPU of the whole `paper` figure, its bytes for several numbers of threads, and its fits beside scikit-learn's.

python benchmarks/bench_lab_paper.py [--fits]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from syngain.lab.em import MixtureFit
from syngain.lab.worlds.gmm_world import World, random_mixtures

CALL = (
    "import sys, typer\nfrom syngain.cli.research.lab import lab\napp = typer.Typer()\napp.command()(lab)\n"
    "app(sys.argv[1:], standalone_mode=False)\n"
)
NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def whole_figure(threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        environment = {**os.environ, **dict.fromkeys(NAMES, str(threads))}
        subprocess.run([sys.executable, "-c", CALL, "paper", "-q", "-o", str(out)], check=True, env=environment)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        digests = {
            name: hashlib.sha256((out / name).read_bytes()).hexdigest()[:12] for name in ("report.json", "figure.svg")
        }
    print(f"{threads} thread(s): {cpu:.2f} s CPU, {wall:.2f} s wall with start-up, sha256 {digests}")


def fits(true: int, points: int, fitted: int, replicates: int) -> None:
    rng = np.random.default_rng(7)
    sample = random_mixtures(World(), true, replicates, rng).sample(points, rng)
    start = time.process_time()
    ours = MixtureFit(components=fitted).fit(sample, rng=rng).log_density(sample).mean(axis=1)
    middle = time.process_time()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        theirs = [
            GaussianMixture(fitted, random_state=r).fit(sample[r].T).score(sample[r].T) for r in range(replicates)
        ]
    gap = ours - np.array(theirs)
    reach = 1.96 * gap.std(ddof=1) / replicates**0.5
    print(
        f"{true} true, {points} points, {fitted} fitted, {replicates} replicates: ours {middle - start:.2f} s, "
        f"scikit-learn {time.process_time() - middle:.2f} s; difference {gap.mean():+.4f} +- {reach:.4f} nats per point"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fits", action="store_true", help="compare training log-likelihoods with scikit-learn's")
    arguments = parser.parse_args()
    for threads in (1, 2):
        whole_figure(threads)
    if arguments.fits:
        for case in ((4, 200, 6, 1_000), (8, 400, 8, 500), (17, 200, 19, 1_500), (2, 100, 2, 1_000)):
            fits(*case)
