"""Settings of a repair: its variants, their steps, rates and mixtures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from syngain.core.errors import UsageError
from syngain.training.repair.format_jitter import Jitter
from syngain.training.repair.losses import CAP

REPAIRS, PREVENTIONS = ("replay", "forget", "both"), ("mix", "jitter")
RETAINING_REPAIRS, RETAINING_PREVENTIONS = ("rehearse", "average"), ("early", "slow")
NAMES = {
    "untrained": "untrained",
    "overfitted": "synthetic only",
    "replay": "replay",
    "forget": "forgetting loss",
    "both": "replay + forgetting loss",
    "rehearse": "replay with other rows",
    "average": "averaged with untrained",
    "anchors": "replayed rows alone",
    "mix": "real rows mixed in",
    "jitter": "format jitter",
    "early": "early stop",
    "slow": "lower rate",
}
"""Names of the variants in reports."""


def variants(*, retaining: bool) -> tuple[str, ...]:
    """The variants of a run, in the order in which they run.

    Args:
        retaining: whether rows of other kinds are given, which adds four variants.
    """
    repairs, preventions = (RETAINING_REPAIRS, RETAINING_PREVENTIONS) if retaining else ((), ())
    return ("untrained", "overfitted", *REPAIRS, *repairs, "anchors", *PREVENTIONS, *preventions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How the dataset is trained on and repaired.

    Attributes:
        steps: of the overfitted model and of the prevention variants. repair_steps: of every repair. seeds: of
            everything.
        weight: of the forgetting loss next to replay. cap: of its slope, see :func:`..losses.forgetting`.
        forget: what is forgotten, the shared ``opening`` or the whole ``response``.
        mix: fraction of real rows in each batch of the prevention by mixing. jitter: the prevention by format jitter.
        rows: held-out rows evaluated at most, and rows of other kinds in each part. prompts: of them that are
            answered. tokens: of an answer, at most.
        rehearsed: fraction of rows of other kinds in each batch of replay with other rows. kept: fraction of the
            adapter that averaging with the untrained model keeps. slower: factor of the lower rate. checks:
            evaluations on held-out real rows among which early stop chooses.
        price: nats per token on real rows that a nat per token on rows of other kinds is worth, for the choice.
    """

    steps: int = 40
    repair_steps: int = 20
    seeds: int = 3
    weight: float = 1.0
    cap: float = CAP
    forget: Literal["opening", "response"] = "opening"
    mix: float = 0.25
    jitter: Jitter = field(default_factory=Jitter)
    rows: int = 128
    prompts: int = 64
    tokens: int = 24
    rehearsed: float = 0.5
    kept: float = 0.5
    slower: float = 0.25
    checks: int = 8
    price: float = 1.0

    def __post_init__(self) -> None:
        for name in ("steps", "repair_steps", "seeds", "rows", "prompts", "tokens", "checks"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"{name} = {getattr(self, name)}", expected="at least 1", todo=f"set {name} to 1 or more"
                )
        for name, value in (("weight", self.weight), ("cap", self.cap)):
            if not 0 < value < math.inf:
                raise UsageError(
                    f"{name} of the forgetting loss = {value}",
                    expected="a positive number",
                    todo=f"set {name}, or omit it for the default",
                )
        for name, value in (("mix", self.mix), ("rehearsed", self.rehearsed), ("kept", self.kept)):
            if not 0 < value < 1:
                raise UsageError(
                    f"{name} = {value}", expected="a fraction between 0 and 1", todo=f"set {name}, for example to 0.5"
                )
        if not 0 < self.slower < 1:
            raise UsageError(
                f"slower = {self.slower}", expected="a factor between 0 and 1", todo="set slower, for example to 0.25"
            )
        if not 0 <= self.price < math.inf:
            raise UsageError(
                f"price = {self.price}", expected="a number of at least 0", todo="set price, for example to 1"
            )
        if self.forget not in {"opening", "response"}:
            raise UsageError(
                f"forget = {self.forget!r}", expected="opening or response", todo="set forget to one of them"
            )

    def length(self, variant: str) -> int:
        """Optimizer steps of a variant."""
        if variant in {"untrained", "average"}:
            return 0
        started = {"overfitted", *PREVENTIONS, *RETAINING_PREVENTIONS}
        return self.steps if variant in started else self.repair_steps
