"""How often an audit with gain looks at each row, and its CPU seconds; for this checkout or an older one.

    PYTHONPATH=CHECKOUT/src .venv/bin/python benchmarks/study_sharing.py [--rows 1500] [--encoder minilm]

Rows that near-duplicate search and the n-gram encoder hash are counted where their bytes are laid out; rows of a
sentence encoder where it encodes them.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

WORDS = [
    f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "su", "to", "ra", "vi") for b in ("n", "r", "s", "t", "l", "da", "po")
]


def first_of(*names):
    """The first module that this checkout has."""
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    raise SystemExit(f"none of {names}")


def rows(count, seed):
    draw = random.Random(seed)
    out = []
    for i in range(count):
        label = i % 3
        own = WORDS[label * 12 : label * 12 + 18]
        out.append({"text": " ".join(draw.choices(own, k=14)) + f" {seed}{i}", "label": f"topic {label}"})
    return out


def watched(module, name, tally, key, size=len):
    inner = getattr(module, name)

    def counting(first, *rest, **more):
        tally[key] += size(first)
        return inner(first, *rest, **more)

    setattr(module, name, counting)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--encoder", default="ngrams")
    options = parser.parse_args()
    hashing = first_of("syngain.data.text.hashed_ngrams", "syngain.data.hashing")
    tally = {"hashed": 0, "encoded": 0}
    watched(hashing, "lay_out", tally, "hashed")
    settings = first_of("syngain.audit.measure", "syngain.audit.examine").Settings
    encoder = None
    if options.encoder != "ngrams":
        sentences = first_of("syngain.data.encoders.sentences", "syngain.data.sentences")
        inner = sentences.FittedSentences._unique

        def unique(self, texts):
            tally["encoded"] += len(texts)
            return inner(self, texts)

        sentences.FittedSentences._unique = unique
        encoder = sentences.SentenceEncoder(options.encoder)
    from syngain import audit

    real, made = rows(400, 1), rows(options.rows, 2)
    made[:300] = [dict(row) for row in real[:300]]
    with TemporaryDirectory() as folder:
        for name, content in (("real", real), ("made", made)):
            Path(folder, f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))
        start = time.process_time()
        result = audit(f"{folder}/real.jsonl", f"{folder}/made.jsonl", settings=settings(encoder=encoder))
        spent = time.process_time() - start
    print(
        f"{len(real) + len(made):,} rows: {tally['hashed']:,} hashed, {tally['encoded']:,} encoded; {spent:.1f} CPU s"
    )
    print(result.verdict.sentence)


if __name__ == "__main__":
    main()
