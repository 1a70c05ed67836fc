"""Read 10,000 broken files; each must be read or refused with an error in three parts.

python benchmarks/reading_fuzz.py [--files N] [--start SEED]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from reading_files import outcome


def main():
    """Print how many files were read and refused, and each traceback; exit code 1 if there is one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=10_000)
    given = parser.parse_args()
    warnings.simplefilter("error")
    counts, failed, start = {"read": 0, "refused": 0}, [], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.start, given.start + given.files):
            try:
                counts[outcome(Path(folder), seed)] += 1
            except Exception:  # noqa: BLE001  (what it is, is what this benchmark counts)
                failed.append(seed)
                if len(failed) < 6:
                    print(f"seed {seed}\n{traceback.format_exc()}")
    print(f"{given.files:,} files in {time.perf_counter() - start:.0f} s: {counts}, failed: {failed[:9]}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
