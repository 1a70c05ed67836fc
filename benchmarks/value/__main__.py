"""``python -m benchmarks.value``."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.value.run import main

if __name__ == "__main__":
    main()
