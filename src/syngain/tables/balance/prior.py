"""What variants of balancing gain on other tables: the prior with which a few rows choose.

With 8 rows of a class the held-out change of a variant has a standard error of .04 to .06 where variants differ by .01
to .1. The change of macro-F1 over real rows alone is taken as normal over tables, its mean linear in how much more
frequent the rare class is where variants are scored. All numbers are those of `python -m benchmarks.balance --draws 10
--repeats 2 --out FILE` and `--read FILE --prior`: 11 tables x 10 draws of 8 against 120 rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats


@dataclass(frozen=True, slots=True)
class VariantPrior:
    """Normal law of the changes of macro-F1 of variants over real rows alone (variants,), and of their estimates.

    Attributes:
        means: at equal class fractions, and per unit of shift (2, variants). covariance: around them, between tables
            and draws (variants, variants). correlation: of the errors of held-out estimates (variants, variants).
        farthest: the largest shift of the tables; a larger one counts as this one.
    """

    means: Floats
    covariance: Floats
    correlation: Floats
    farthest: float

    def posterior(self, change: Floats, error: Floats, shift: float) -> Floats:
        """Expected changes given estimates with standard errors (variants,).

        ``shift``: how much larger the log-odds of the rarest class are where variants are scored than among the rows.
        """
        mean = np.array([1.0, min(max(shift, 0.0), self.farthest)]) @ self.means
        noise = self.correlation * np.outer(error, error)
        weight = self.covariance @ np.linalg.pinv(self.covariance + noise)
        return np.asarray(mean + weight @ (change - mean))


MEASURED = VariantPrior(
    means=np.array([[0.0087, 0.008, 0.0198, 0.0065, -0.0027], [0.0187, 0.0192, 0.0211, 0.0471, 0.0393]]),
    covariance=np.array(
        [
            [0.00134, 0.00123, 0.00143, 0.00176, 0.00132],
            [0.00123, 0.00151, 0.0015, 0.00188, 0.00141],
            [0.00143, 0.0015, 0.00197, 0.00206, 0.00162],
            [0.00176, 0.00188, 0.00206, 0.00363, 0.00219],
            [0.00132, 0.00141, 0.00162, 0.00219, 0.00241],
        ]
    ),
    correlation=np.array(
        [
            [1.0, 0.43, 0.51, 0.37, 0.43],
            [0.43, 1.0, 0.53, 0.35, 0.41],
            [0.51, 0.53, 1.0, 0.38, 0.46],
            [0.37, 0.35, 0.38, 1.0, 0.56],
            [0.43, 0.41, 0.46, 0.56, 1.0],
        ]
    ),
    farthest=3.78,
)
