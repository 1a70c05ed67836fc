"""Settings of the comparison of strategies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syngain.core.errors import UsageError

DRAWN = 20  # fewest real rows of a draw


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySettings:
    """Settings of the comparison.

    Attributes:
        draws: random draws of real rows that prompts are made from; intervals resample them.
        anchors: real rows in a draw; None: all with one draw, else half.
        prompts, samples: prompts of a cell that are cross-scored, and outputs of each; below 2 prompts none.
        pairs, masks: pairs and masks of a supersample for memorization; 0 pairs: not measured.
        proxy: ``auto`` is the proxy of the rows' kind, ``frozen`` a correction on the frozen ``model``.
        students: strategies whose rows ``model`` is fine-tuned on as well, spread evenly over the order of the measured
            gains; 0: none.
        exact: also the rank correlations of exactly solved simulations.
    """

    draws: int = 1
    anchors: int | None = None
    prompts: int = 8
    samples: int = 2
    pairs: int = 20
    masks: int = 6
    proxy: Literal["auto", "frozen"] = "auto"
    model: str = "smollm2"
    students: int = 0
    exact: bool = False

    def __post_init__(self) -> None:
        if self.draws < 1 or (self.anchors is not None and self.anchors < DRAWN):
            raise UsageError(
                f"{self.draws} draws of {self.anchors} real rows",
                expected=f"at least 1 draw of at least {DRAWN} real rows",
                todo=f"set `draws` to 1 or more and `anchors` to {DRAWN} or more",
            )
