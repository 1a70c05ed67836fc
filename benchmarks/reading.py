"""CPU time and memory of reading, next to another checkout.

    python benchmarks/reading.py [OTHER_CHECKOUT] [--rows N] [--runs N]

Each file is read in a fresh process, this checkout and the other one in turn; the smallest CPU time of the runs counts.
Memory is the growth of the resident set while the dataset is held, per row.
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

HERE = Path(__file__).resolve().parent.parent
CHILD = """
import gc, resource, sys, time
from syngain.data import Dataset, read
import pyarrow, pyarrow.parquet
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
gc.collect()
before, start = held(), time.process_time()
data = read(sys.argv[1])
seconds = time.process_time() - start
print(seconds, (held() - before) / len(data), len(data), data.fingerprint)
"""
WORDS = "tides follow the moon and the sun: a slow, regular change of level that ports write down every day".split()


def text(draw, words):
    """A sentence, with a colon now and then."""
    return " ".join(draw.choice(WORDS) for _ in range(words))


def files(folder, rows):
    """The files that are read, by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = random.Random(7)
    labeled = [{"text": text(draw, 25), "label": draw.choice("abc"), "id": i} for i in range(rows)]
    chats = [
        {
            "messages": [
                {"role": "system", "content": "Answer briefly."},
                {"role": "user", "content": text(draw, 20)},
                {"role": "assistant", "content": text(draw, 60)},
            ]
        }
        for _ in range(rows)
    ]
    pairs = [{"instruction": text(draw, 15), "input": "", "output": text(draw, 50)} for _ in range(rows)]
    better = [{"prompt": text(draw, 15), "chosen": text(draw, 40), "rejected": text(draw, 40)} for _ in range(rows)]
    for name, content in (("texts", labeled), ("chats", chats), ("pairs", pairs), ("preferences", better)):
        lines = "".join(json.dumps(row) + "\n" for row in content)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "pairs.json").write_text(json.dumps(pairs, indent=1), encoding="utf-8")
    table = "text,label\n" + "".join(f'"{row["text"]}",{row["label"]}\n' for row in labeled)
    (folder / "texts.csv").write_text(table, encoding="utf-8")
    numbers = "".join(f"{draw.gauss(0, 1):.4f},{draw.gauss(0, 1):.4f},{draw.choice('abc')}\n" for _ in range(rows))
    (folder / "numbers.csv").write_text("x,y,label\n" + numbers, encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(labeled), folder / "texts.parquet")
    return sorted(folder.iterdir())


def measured(checkout, file):
    """Seconds, bytes per row, rows and fingerprint of one reading."""
    env = {**os.environ, "PYTHONPATH": str(Path(checkout) / "src")}
    done = subprocess.run([sys.executable, "-c", CHILD, file], capture_output=True, text=True, check=True, env=env)
    seconds, size, rows, fingerprint = done.stdout.split()
    return float(seconds), float(size), int(rows), fingerprint


def main():
    """Print one line per file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("other", nargs="?")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    checkouts = [HERE, *filter(None, [given.other])]
    with tempfile.TemporaryDirectory() as folder:
        for file in files(Path(folder), given.rows):
            runs = [[measured(checkout, file) for checkout in checkouts] for _ in range(given.runs)]
            best = [min(run[i][0] for run in runs) for i in range(len(checkouts))]
            sizes = [min(run[i][1] for run in runs) for i in range(len(checkouts))]
            same = len({run[i][2:] for run in runs for i in range(len(checkouts))}) == 1
            line = f"{file.name:<18} {best[0]:7.3f} s {sizes[0]:7.0f} B/row"
            if given.other:
                line += f"   other {best[1]:7.3f} s {sizes[1]:7.0f} B/row   ratio {best[0] / best[1]:.2f}"
                line += f" {sizes[0] / sizes[1]:.2f}   {'same rows' if same else 'OTHER ROWS'}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
