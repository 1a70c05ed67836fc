"""Choices of a hyper-parameter in repeats of one variant: the first ones decide for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

ENOUGH = 2  # fits that choose on their own


@dataclass(slots=True)
class Choices:
    """What the fits of one variant on other parts of the rows found when they chose.

    A variant is fitted once per fold, on nearly the same rows each time, and a choice by inner folds takes three times
    as long as the fit. The first two fits choose on their own; the others take the value with the smallest loss over
    both. More would add little: they evaluate nearly the same rows.
    """

    _losses: list[list[float]] = field(default_factory=list)

    def note(self, losses: Sequence[float]) -> None:
        """Add the losses of the first values, in their order; values beyond them are no better than the last one."""
        self._losses.append(list(losses))

    @property
    def settled(self) -> int | None:
        """The place of the value that need not be chosen again; None while fits choose on their own."""
        if len(self._losses) < ENOUGH:
            return None
        most = max(map(len, self._losses))
        whole = np.array([[*losses, *[losses[-1]] * (most - len(losses))] for losses in self._losses])
        return int(np.argmin(whole.sum(axis=0)))
