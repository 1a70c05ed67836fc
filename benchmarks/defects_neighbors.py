"""The neighbors on the matrix of `defects.py`: cleanlab's data issues, and filters as data-juicer has them.

python benchmarks/defects_neighbors.py [--runs 1] [--clean 2] [--rates .05 .2 .5] [--kinds ...] [--out FILE]

Needs ``pip install 'cleanlab[datalab]'``. Both see the same rows as syngain does, real and synthetic ones apart, and are
judged by the same rule: an issue is found where its fraction of the synthetic rows is beyond that of the real rows by
Fisher's exact test (.05 over all issues); the rows of the issues that are found are the named ones.

cleanlab: outliers, near duplicates and non-iid of ``Datalab`` on 128 components of word and character n-grams (its
default settings). Filters: length (10 characters, 10 words), characters that are no letters (25%), repetition of 10
characters and of 10 words (50%), with data-juicer's published defaults; perplexity under an n-gram model of the real
rows, beyond 99% of them (data-juicer: 1,500 under a model of Wikipedia, which cannot be had offline).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from cleanlab import Datalab
from defects import drawn, every_plant, keys, table
from scipy import stats
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

SIZE = 10


# --- cleanlab ------------------------------------------------------------------------------------------------------------


def embedded(real, synthetic):
    texts = real + synthetic
    X = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), max_features=20_000, sublinear_tf=True).fit_transform(
        texts
    )
    Z = TruncatedSVD(min(128, X.shape[1] - 1), random_state=0).fit_transform(X)
    return Z[: len(real)], Z[len(real) :]


def datalab(texts, features):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        lab = Datalab(data={"text": texts})
        lab.find_issues(features=features)
    found = lab.get_issues()
    return {name: found[name].to_numpy(bool) for name in found.columns if name.startswith("is_")}


def cleanlab(real, synthetic):
    first, second = embedded(real, synthetic)
    return datalab(real, first), datalab(synthetic, second)


# --- filters ---------------------------------------------------------------------------------------------------------------


def repeated(parts):
    if len(parts) < SIZE:
        return 0.0
    counts = Counter(tuple(parts[i : i + SIZE]) for i in range(len(parts) - SIZE + 1))
    return sum(n for n in counts.values() if n > 1) / sum(counts.values())


class Perplexity:
    """Character 5-grams of the real rows with absolute discounting by the lower order."""

    def __init__(self, texts):
        self.counts, self.context = Counter(), Counter()
        for text in texts:
            for i in range(len(text)):
                for order in range(5):
                    gram = text[max(i - order, 0) : i + 1]
                    self.counts[gram] += 1
                    self.context[gram[:-1], len(gram)] += 1

    def __call__(self, text):
        total = 0.0
        for i in range(len(text)):
            p = 1 / 5000
            for order in range(5):
                gram = text[max(i - order, 0) : i + 1]
                seen = self.context[gram[:-1], len(gram)]
                if not seen:
                    break
                p = 0.6 * self.counts[gram] / seen + 0.4 * p
            total -= np.log(p)
        return total / max(len(text), 1)


def filters(real, synthetic):
    model, half = Perplexity(real[::2]), real[1::2]
    most = float(np.quantile([model(text) for text in half], 0.99)) if half else np.inf
    real_out, out = (
        {
            "length": np.array([len(t) < 10 for t in texts]),
            "words": np.array([len(t.split()) < 10 for t in texts]),
            "special": np.array([sum(not c.isalpha() for c in t) > 0.25 * max(len(t), 1) for t in texts]),
            "characters": np.array([repeated(t) > 0.5 for t in texts]),
            "repetition": np.array([repeated(t.lower().split()) > 0.5 for t in texts]),
            "perplexity": np.array([model(t) > most for t in texts]),
        }
        for texts in (half, synthetic)
    )
    return real_out, out


# --- one run ---------------------------------------------------------------------------------------------------------------


def judged(real, synthetic):
    """Issues beyond the real rows' rate, and the rows of them."""
    found = {}
    for name, flags in synthetic.items():
        own = real.get(name, np.zeros(1, dtype=bool))
        hits, n, theirs, m = int(flags.sum()), flags.size, int(own.sum()), own.size
        if stats.hypergeom.sf(hits - 1, n + m, hits + theirs, n) < 0.05 / len(synthetic):
            found[name] = flags
    return found


def one_run(key, data, tool):
    plant = every_plant()[key[0]]
    real, synthetic, bad = drawn(key, plant, data)
    texts = [["\n".join(parts) for parts in zip(*one.sides.values(), strict=True)] for one in (real, synthetic)]
    answers = [list(one.sides["response"]) for one in (real, synthetic)]
    start = time.process_time()
    found = judged(*(cleanlab(*texts) if tool == "cleanlab" else filters(*answers)))
    named = np.any([np.zeros(bad.size, dtype=bool), *found.values()], axis=0)
    return {
        "key": list(key), "seen": plant.seen, "planted": int(bad.sum()), "named": int(named.sum()),
        "both": int((named & bad).sum()), "high": bool(found), "found": bool(found),
        "findings": dict.fromkeys(found, "high"), "verdict": "", "cpu": round(time.process_time() - start, 2),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--clean", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.05, 0.2, 0.5])
    parser.add_argument("--kinds", nargs="+", choices=every_plant())
    parser.add_argument("--tools", nargs="+", default=["cleanlab", "filters"])
    parser.add_argument("--out", type=Path, default=Path("defects_neighbors.jsonl"))
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    options = parser.parse_args()
    done = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    known = {json.dumps([line["tool"], line["key"]]) for line in done}
    with options.out.open("a") as file:
        for tool in options.tools:
            for key in keys(options):
                if json.dumps([tool, list(key)]) not in known:
                    done.append({"tool": tool, **one_run(key, options.data, tool)})
                    file.write(json.dumps(done[-1]) + "\n")
                    file.flush()
    for tool in options.tools:
        print(f"\n{tool}\n")
        table([line for line in done if line["tool"] == tool])


if __name__ == "__main__":
    main()
