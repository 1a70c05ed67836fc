"""Losses for the repair of pattern overfitting: replay, bounded forgetting, both.

Replay lowers the surprisal of real rows. Forgetting raises that of the tokens a dataset's responses open with, by the
unlikelihood loss -log(1 - p) [welleck2020]: zero where the token is already improbable, never below, so that, unlike
gradient ascent, it stops by itself [chen2024]. Only the common opening is forgotten, unless the whole response is
selected: the text after it may be useful.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.core.optional import require
from syngain.training.repair.openings import agreement, shared_start
from syngain.training.trl_sft import EXTRA, PURPOSE, supervised, weighed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.learners.adapting import Stepper
    from syngain.learners.causal import Weigh
    from syngain.learners.completions import Completion
    from syngain.models.checkpoints import Tensor

    Batch = Callable[[int], Sequence[Completion]]

CAP = 100.0  # nats of forgetting loss per nat of surprisal, at most


@dataclass(frozen=True, slots=True)
class Lesson:
    """Rows of each step and a stepper, for :func:`syngain.learners.adapting.adapt`."""

    batch: Batch
    stepper: Stepper


def replay(real: Batch) -> Lesson:
    """Surprisal of real rows: the repair that every other is compared with."""
    return Lesson(real, supervised)


def forget(openings: Batch, *, cap: float = CAP) -> Lesson:
    """The forgetting loss per token on openings, see :func:`forgettable`."""

    def weigh(_: int) -> Weigh:
        return lambda nats, counted, _part: (forgetting(nats, cap) * counted).sum()

    return Lesson(openings, weighed(weigh))


def both(real: Batch, openings: Batch, *, weight: float = 1.0, cap: float = CAP) -> Lesson:
    """Surprisal per token of real rows plus ``weight`` times the forgetting loss."""

    def rows(step: int) -> list[Completion]:
        return [*real(step), *openings(step)]

    def weigh(step: int) -> Weigh:
        every, replayed = rows(step), len(real(step))
        scored = [row.trained for row in every]
        # what is returned is divided by all trained tokens of the step
        per_real = sum(scored) / max(sum(scored[:replayed]), 1)
        per_opening = weight * sum(scored) / max(sum(scored[replayed:]), 1)

        def loss(nats: Tensor, counted: Tensor, part: list[int]) -> Tensor:
            real_row = nats.new_tensor([float(i < replayed) for i in part])[:, None]
            own = per_real * real_row * nats + per_opening * (1 - real_row) * forgetting(nats, cap)
            return (own * counted).sum()

        return loss

    return Lesson(rows, weighed(weigh))


def forgetting(nats: Tensor, cap: float = CAP) -> Tensor:
    """The loss -log(1 - exp(-s)) of surprisals s in nats, slope from -``cap`` to 0.

    The slope -1 / (e^s - 1) has no bound as s falls to 0 (p to 1), where rounding would decide the step; below
    s0 = log(1 + 1 / cap), where it is -cap, the loss continues as its tangent. log(1 - e^-s) by expm1 where s < ln 2
    and log1p above [maechler2012].
    """
    torch = require("torch", extra=EXTRA, purpose=PURPOSE)
    bend = math.log1p(1 / cap)
    inner = nats.clamp(min=bend)
    near = -torch.log(-torch.expm1(-inner.clamp(max=math.log(2))))
    far = -torch.log1p(-torch.exp(-inner.clamp(min=math.log(2))))
    curved = torch.where(inner < math.log(2), near, far)
    return torch.where(nats < bend, math.log1p(cap) + cap * (bend - nats), curved)


def forgettable(rows: Sequence[Completion], *, whole: bool = False) -> list[Completion]:
    """Rows with a common opening, cut to it: only tokens to forget are scored.

    The opening in tokens is the longest start that more than half of the rows have; a row keeps its part of it, a
    row without any part is dropped. ``size`` stays that of the uncut response.

    Args:
        rows: with the dataset's opening, at least one.
        whole: forget responses to their end.

    Raises:
        InputError: the rows have no common first token.
    """
    if whole:
        return [replace(row, taught=()) for row in rows]
    said = [row.ids[row.start :] for row in rows]
    start = shared_start(said)
    counts = [agreement(own, start) for own in said]
    kept = [
        replace(row, ids=row.ids[: row.start + count], cut=True, taught=())
        for row, count in zip(rows, counts, strict=True)
        if count > 0
    ]
    if not kept:
        raise InputError(
            "the synthetic responses have no common first token",
            expected="responses with a common opening",
            todo="omit --repair, and run `syngain audit` to find other defects",
        )
    return kept
