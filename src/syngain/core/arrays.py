"""Names for the arrays of this package: one per element type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Halves = NDArray[np.float16] | NDArray[np.float32]
"""Numbers kept in half precision wherever they fit."""
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Unsigned = NDArray[np.uint64]
Probabilities = NDArray[np.float64]
"""Entries of at least 0 that sum to 1."""
