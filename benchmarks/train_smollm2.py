"""Students on real rows: SmolLM2 with human instructions and Alpaca rows; labels of questionintimacy and GPT-4's rows.

Each part is the command `syngain train` as a user would type it. It is killed once (SIGKILL) after ``--kill`` seconds
and goes on with --resume; started again it goes on where it was. Needs `pip install 'syngain[train]'` and
`syngain models add smollm2`.

    python benchmarks/train_smollm2.py [--only instructions|labels] [--steps 120] [--seeds 3] [--kill 600] [-o FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from syngain.data import read, write_rows

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def instructions(folder):
    real = read(SHARED / "self_instruct_seed_tasks.jsonl.gz")
    alpaca = read(SHARED / "alpaca_random_9k.jsonl.gz", like=real)
    rows = np.random.default_rng(0).choice(len(alpaca), 1000, replace=False)
    synthetic = folder / "alpaca_1000.jsonl"
    write_rows(synthetic, alpaca, sorted(rows.tolist()))
    return [
        synthetic,
        "--anchor",
        SHARED / "self_instruct_seed_tasks.jsonl.gz",
        "--test",
        SHARED / "self_instruct_user252.jsonl.gz",
    ]


def labels(folder):
    source = SHARED / "parrot_questionintimacy.jsonl.gz"
    files = {}
    for split in ("anchor", "syn_gpt-4", "real_test"):
        files[split] = folder / f"{split}.jsonl"
        rows = read(source, where={"split": split})
        write_rows(files[split], rows, range(len(rows)))
    return [files["syn_gpt-4"], "--anchor", files["anchor"], "--test", files["real_test"], "--max-tokens", "96"]


PARTS = {"instructions": instructions, "labels": labels}


def run(name, options):
    folder = options.output / name
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "run"
    command = [sys.executable, "-m", "syngain", "train", *map(str, PARTS[name](folder))]
    command += ["--steps", str(options.steps), "--seeds", str(options.seeds), "-o", str(out), "--resume"]
    killed = folder / "killed"
    started = time.monotonic()
    process = subprocess.Popen(command)
    if not killed.exists():
        while process.poll() is None and time.monotonic() - started < options.kill:
            time.sleep(1)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed.write_text(f"after {time.monotonic() - started:.0f} s\n", encoding="utf-8")
            kept = len(list((folder / "run.work" / "work").glob("*.npz")))
            print(f"{name}: SIGKILL after {time.monotonic() - started:.0f} s, {kept} finished arms kept", flush=True)
            process = subprocess.Popen(command)
    code = process.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{name}: exit {code}, {(used.ru_utime + used.ru_stime) / 60:.1f} CPU minutes of all tries here", flush=True)
    if code == 0:
        shown(name, out)
    return code


def shown(name, out):
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for identifier, item in report["estimates"].items():
        low, high = item["intervals"]["0.90"]
        print(f"  {identifier:40s} {item['value']:+.4f} ({low:+.4f}, {high:+.4f}) {item['unit']}, n = {item['n']}")
    print(f"  {report['verdict']['sentence']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=tuple(PARTS))
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kill", type=float, default=600, help="seconds until the first try is killed")
    parser.add_argument("-o", "--output", type=Path, default=Path("train-smollm2"))
    options = parser.parse_args()
    names = [options.only] if options.only else list(PARTS)
    sys.exit(max(run(name, options) for name in names))


if __name__ == "__main__":
    main()
