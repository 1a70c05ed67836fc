"""Request pacing: more after successes, half on overload, none during pauses.

Additive increase, multiplicative decrease [chiu1989]; until the first overload the number in flight grows with every
answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from syngain.generators.protocol import RetryableError

COOLDOWN = 1.0  # seconds in which several overload errors count as one
RECENT, ENOUGH = 50, 20
TEXT_TRIES = 3  # of a request whose answers have no text
DEAD = 24  # consecutive failures after which the server counts as unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Number of tries, delays between them, and concurrency.

    Attributes:
        attempts: of one request. backoff: seconds before the second try; doubles, up to ``longest``.
        concurrency: most requests in flight. max_error_rate: fraction of failed requests among the last 50 at which the
            run stops.
    """

    attempts: int = 8
    backoff: float = 0.5
    longest: float = 60.0
    concurrency: int = 32
    max_error_rate: float = 0.2


@dataclass
class Pace:
    """The pacing state during a run."""

    patience: Patience
    rng: np.random.Generator
    limit: float = 4.0
    growing: bool = True
    resume_at: float = 0.0
    halved_at: float = -1e9
    finals: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    tries: deque[bool] = field(default_factory=lambda: deque(maxlen=DEAD))
    texts: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    spoke: bool = False
    last: str = ""

    @property
    def room(self) -> int:
        """Number of requests that may be in flight now."""
        return max(1, int(min(self.limit, self.patience.concurrency)))

    def good(self) -> None:
        """Record an answer."""
        self.tries.append(True)
        self.finals.append(True)
        self.texts.append(True)
        self.spoke = True
        self.limit = min(self.limit + (1.0 if self.growing else 1.0 / self.limit), float(self.patience.concurrency))

    def bad(self, error: RetryableError) -> None:
        """Record a failed attempt, with the delay that the server asked for."""
        if error.billed or not error.throttled:  # a delay is not a failure
            self.tries.append(bool(error.declined))
        self.last = error.reason
        now = time.monotonic()
        if error.throttled and now - self.halved_at > COOLDOWN:
            self.limit, self.growing, self.halved_at = max(self.room / 2, 1.0), False, now
        if error.after is not None:
            self.resume_at = max(self.resume_at, now + min(error.after, self.patience.longest))

    def declined(self, reason: str) -> None:
        """Record an answer without a text: the server works, and so may the next request."""
        self.tries.append(True)
        self.texts.append(False)
        self.last = reason

    def given_up(self, reason: str) -> None:
        """Record a request without an answer."""
        self.finals.append(False)
        self.last = reason

    @property
    def hopeless(self) -> str:
        """Why to stop; empty to continue."""
        failed = self.finals.count(False)
        if len(self.finals) >= ENOUGH and failed > self.patience.max_error_rate * len(self.finals):
            return f"{failed} of the last {len(self.finals)} requests failed, the last one with: {self.last}"
        if len(self.tries) >= DEAD and not any(self.tries):
            return f"the last {len(self.tries)} attempts all failed, the last one with: {self.last}"
        if len(self.texts) >= (RECENT if self.spoke else DEAD) and not any(self.texts):
            return f"none of the last {len(self.texts)} answers has a text, the last one: {self.last}"
        return ""

    async def turn(self) -> None:
        """Wait while the server asks for a pause."""
        while (wait := self.resume_at - time.monotonic()) > 0:  # noqa: ASYNC110  (a time that others move)
            await asyncio.sleep(wait)

    def delay(self, attempt: int, error: RetryableError) -> float:
        """Seconds before the next try: exponential with jitter.

        At least the server's delay.
        """
        doubled = min(self.patience.backoff * 2.0**attempt, self.patience.longest)
        return max(doubled * float(self.rng.uniform(0.5, 1.0)), min(error.after or 0.0, self.patience.longest))
