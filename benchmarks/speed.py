"""syngain beside the neighbors on the same arrays in one run: CPU seconds, ratios, peak memory, and the same values.

Neighbors are optional: `pip install vendi-score prdc mauve-text datasketch`; without one its rows say so. One thread
each, because vendi-score and prdc choose their own numbers of threads and the machine is shared.

    python benchmarks/speed.py [--sizes 1000,5000,20000] [--only vendi,prdc,mauve,datasketch,lab,audit]
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import contextlib
import importlib
import io
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from queue import Empty

import numpy as np

DIMENSIONS, NEIGHBORS = 384, 5
RESAMPLES = 200  # MAUVE has no interval of its own: what a bootstrap of it would take
SHORT = 1.0  # CPU seconds within which calls are repeated
NAIVE = 3  # replicates of the published protocol that are timed; the figure has 100
DEFAULT_MOST = 5_000  # the eigenvalues of an n x n matrix: beyond it is extrapolated by the cube


def rows(n, seed, shift=0.0):
    """Clustered vectors, as texts have, in float32."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(1).normal(size=(40, DIMENSIONS))
    return (centers[rng.integers(40, size=n)] + rng.normal(size=(n, DIMENSIONS)) + shift).astype(np.float32)


def _measured(work, queue):
    warnings.simplefilter("ignore")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    calls: list[float] = []
    with contextlib.redirect_stdout(io.StringIO()):
        while not calls or (sum(calls) < SHORT and len(calls) < 20):
            start = time.process_time()
            value = work()
            calls.append(time.process_time() - start)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    queue.put((min(calls), grown / 1024, value))


def measured(work):
    """CPU seconds (least of as many calls as fit into one second), growth of the peak in MiB, and value of a call.

    In a process of its own; data is made before.
    """
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_measured, args=(work, queue))
    process.start()
    while True:
        try:
            found = queue.get(timeout=1)
            break
        except Empty:
            if not process.is_alive():
                return None
    process.join()
    return found


def neighbor(name):
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError as error:
            print(f"| {name} | not here: {error} |")
            return None


def line(what, n, ours, theirs, note=""):
    if ours is None or theirs is None:
        print(f"| {what} | {n:,} | a process ended without an answer (memory?) |")
        return
    memory = f"{ours[1]:.0f} / {theirs[1]:.0f}" if theirs[1] else "-"
    print(
        f"| {what} | {n:,} | {ours[0]:.3f} | {theirs[0]:.3f} | **{theirs[0] / max(ours[0], 1e-9):.1f}** | {memory} | "
        f"{shown(ours[2])} / {shown(theirs[2])} | {note} |",
        flush=True,
    )


def shown(value):
    return ", ".join(f"{item:.6g}" for item in np.atleast_1d(np.asarray(value, dtype=float)))


def vendi_scores(sizes):
    from syngain.audit.measures.diversity import unit_rows, vendi

    module = neighbor("vendi_score.vendi")
    if module is None:
        return
    default = 0.0
    for n in sizes:
        X = rows(n, 0)
        ours = measured(lambda X=X: vendi(unit_rows(X.astype(np.float64))))
        if n <= DEFAULT_MOST:
            theirs = measured(lambda X=X: module.score_X(X.astype(np.float64)))
            default, at = theirs[0], n
            line("Vendi, default path", n, ours, theirs)
        else:
            guessed = (default * (n / at) ** 3, 0.0, np.nan)
            line("Vendi, default path", n, ours, guessed, f"theirs extrapolated from {at:,} by n^3")
        theirs = measured(lambda X=X: module.score_dual(X.astype(np.float64)))
        line("Vendi, dual form", n, ours, theirs)


def density_and_coverage(sizes):
    from syngain.audit.measures.manifold import density_coverage

    module = neighbor("prdc")
    if module is None:
        return

    def theirs(real, synthetic):
        found = module.compute_prdc(real, synthetic, NEIGHBORS)
        return found["density"], found["coverage"]

    for n in sizes:
        real, synthetic = rows(n, 0), rows(n, 1, shift=0.02)
        line(
            "density and coverage",
            n,
            measured(lambda r=real, s=synthetic: density_coverage(r, s, NEIGHBORS)),
            measured(lambda r=real, s=synthetic: theirs(r, s)),
            "prdc also gives precision and recall",
        )


def divergence(sizes):
    from syngain.audit.measures.two_sample import ClassifierTwoSample, Pooled

    module = neighbor("mauve")
    if module is None:
        return
    for n in (size for size in sizes if size <= DEFAULT_MOST):
        real, synthetic = rows(n, 0), rows(n, 1, shift=0.02)

        def ours(real=real, synthetic=synthetic):
            X = np.vstack([real, synthetic]).astype(np.float64)
            each = np.arange(len(X))
            pooled = Pooled(X, each < len(real), each, each)
            found = ClassifierTwoSample()(pooled, np.random.default_rng(0))
            low, high = found["divergence.js_lower"].interval(0.95)
            return found["divergence.js_lower"].value, low, high

        def theirs(real=real, synthetic=synthetic):
            return module.compute_mauve(p_features=real, q_features=synthetic, verbose=False).mauve

        mine, once = measured(ours), measured(theirs)
        line("divergence", n, mine, once, "JS in nats with its 95 % interval and null / MAUVE, no interval")
        many = None if once is None else (once[0] * RESAMPLES, once[1], once[2])
        line("divergence", n, mine, many, f"the same / MAUVE of {RESAMPLES} resamples, extrapolated")


def near_duplicates(count):
    from syngain.data.text import near_duplicates

    module = neighbor("datasketch")
    if module is None:
        return
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"w{i}" for i in range(5_000)])
    texts = [" ".join(rng.choice(vocabulary, size=20)) for _ in range(count * 9 // 10)]
    planted = rng.choice(len(texts), count - len(texts), replace=False)
    for row in planted:
        words = texts[row].split()
        words[int(rng.integers(20))] = "other"
        texts.append(" ".join(words))
    pairs = {(int(row), len(texts) - len(planted) + i) for i, row in enumerate(planted)}

    def ours():
        found = near_duplicates.clusters(texts)
        return sum(found[a] == found[b] for a, b in pairs) / len(pairs)

    def theirs():
        lsh, hit = module.MinHashLSH(threshold=0.7, num_perm=128), 0
        for i, text in enumerate(texts):
            sketch = module.MinHash(num_perm=128)
            words = text.split()
            sketch.update_batch([" ".join(words[j : j + 3]).encode() for j in range(len(words) - 2)])
            hit += sum((int(key), i) in pairs for key in lsh.query(sketch))
            lsh.insert(str(i), sketch)
        return hit / len(pairs)

    line("near duplicates (recall)", count, measured(ours), measured(theirs), "one word of 20 changed in a tenth")


def audit_growth(sizes):
    command = [sys.executable, str(Path(__file__).with_name("scale.py")), "--sizes", *map(str, sizes)]
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def lab():
    """The whole `paper` figure against the published script's way: one replicate, one fit, one density at a time."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "syngain", "lab", "paper", "-q", "-o", f"{folder}/out"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds, _, gap = measured(lambda: naive_figure(NAIVE))
    theirs = (seconds * 100 / NAIVE, 0.0, gap)
    note = f"42 settings x 100 replicates, start-up and report included / {NAIVE} replicates timed and scaled; mean gap"
    line("lab paper", 4_200, (ours, 0.0, np.nan), theirs, note)


def naive_figure(replicates):
    """Mean gap in total variation over the 42 settings, by scikit-learn's mixtures and scipy's densities."""
    from scipy.stats import multivariate_normal
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(0)

    def component():
        root = rng.random((2, 2))
        return rng.uniform(0, 10, 2), root @ root.T + 1e-6 * np.eye(2)

    def sampled(parts, count):
        return np.array([rng.multivariate_normal(*parts[rng.integers(len(parts))]) for _ in range(count)])

    def density(parts, points):
        return sum(multivariate_normal(mean, cov, allow_singular=True).pdf(points) for mean, cov in parts) / len(parts)

    gaps = []
    for letter in "KJL":
        for value in range(2, 16):
            k, j, l = (value if letter == name else 2 for name in "KJL")
            for _ in range(replicates):
                truth = [component() for _ in range(k + j)]
                anchors = [rng.multivariate_normal(*part, size=50) for part in truth[:k]]
                generator = [(rows.mean(axis=0), np.cov(rows.T)) for rows in anchors]
                generator += truth[k:] + [component() for _ in range(l)]
                by_anchors = GaussianMixture(k).fit(np.vstack(anchors))
                by_synthetic = GaussianMixture(k + j + l).fit(sampled(generator, 200))
                points = sampled(truth, 1_024)
                p = density(truth, points)
                q = [np.exp(model.score_samples(points)) for model in (by_anchors, by_synthetic)]
                far = [float(np.maximum(1 - each / p, 0).mean()) for each in q]  # total variation
                gaps.append(far[0] - far[1])
    return float(np.mean(gaps))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,5000,20000")
    parser.add_argument("--only", default="vendi,prdc,mauve,datasketch,lab,audit")
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--audits", default="10000,100000,1000000")
    options = parser.parse_args()
    sizes, only = [int(size) for size in options.sizes.split(",")], set(options.only.split(","))
    started = time.time()
    print("| what | n | ours, s CPU | theirs, s CPU | ratio | memory, MiB, ours / theirs | values | |")
    print("|---|---|---|---|---|---|---|---|")
    if "vendi" in only:
        vendi_scores(sizes)
    if "prdc" in only:
        density_and_coverage(sizes)
    if "mauve" in only:
        divergence(sizes)
    if "datasketch" in only:
        near_duplicates(options.texts)
    if "lab" in only:
        lab()
    if "audit" in only:
        audit_growth([int(size) for size in options.audits.split(",")])
    print(f"\n{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
