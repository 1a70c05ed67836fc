"""Send all planned requests in parallel within the budget; commit each answer.

A request ends in one of three ways: answered, refused (it always fails), exhausted (all retries failed).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syngain.core.errors import UnfinishedError
from syngain.core.progress import Progress, silent
from syngain.generators.protocol import RefusedError, Reply, RetryableError
from syngain.pipeline.store.request import Pending, Request
from syngain.pipeline.store.store import EXHAUSTED, PLANNED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.generators.pace import Pace
    from syngain.generators.protocol import Generator
    from syngain.pipeline.store.budget import Cost, Ledger
    from syngain.pipeline.store.store import Store

CHUNK = 256  # requests that are read from the store at once
Follow = Callable[[Pending, Reply], Request | None]
"""The request that follows from an answer: a repair turn, or none."""


@dataclass
class EngineCounts:
    """Counts of a run, for its report."""

    answered: int = 0
    refused: int = 0
    exhausted: int = 0
    retries: int = 0
    most_in_flight: int = 0
    stopped: str = ""
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class Engine:
    """One run over the store.

    Attributes:
        total: answers of the whole job, for the progress. limit: stop after so many answers of this run.
        until: ask up to this position of the plan.
    """

    store: Store
    generator: Generator
    ledger: Ledger
    pace: Pace
    follow: Follow = lambda _item, _reply: None
    progress: Progress = silent
    total: int = 1
    limit: int | None = None
    until: int | None = None
    counts: EngineCounts = field(default_factory=EngineCounts)
    _after: int = 0
    _queue: list[Pending] = field(default_factory=list)
    _flying: int = 0

    async def run(self) -> EngineCounts:
        """Send requests until none is left, the budget is reached, or too many fail.

        ``counts.stopped`` contains the cause; all answers are in the store.

        Raises:
            SyngainError: from the generator, when every request fails. Answers are kept.
        """
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                while not self.counts.stopped and self._flying < self.pace.room and (group := self._next()):
                    self._flying += len(group)
                    self.counts.most_in_flight = max(self.counts.most_in_flight, self._flying)
                    tasks.add(asyncio.create_task(self._ask(group)))
                if not tasks:
                    return self.counts
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if self.pace.hopeless and not self.counts.stopped:
                    self.counts.stopped = self.pace.hopeless
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _next(self) -> list[tuple[Pending, Cost]]:
        """The next requests for one call, reserved and marked as sent; may be empty."""
        group: list[tuple[Pending, Cost]] = []
        while len(group) < self.generator.batch and self._wanted(len(group)) and self._fill():
            cost = self.ledger.worst(self._queue[0].request)
            if not self.ledger.reserve(cost):
                if not self._flying and not group:
                    self.counts.stopped = "the budget is reached"
                break  # requests in flight may cost less than reserved
            group.append((self._queue.pop(0), cost))
        self.store.sent((item.key, *cost) for item, cost in group) if group else None
        return group

    def _wanted(self, ready: int) -> bool:
        return self.limit is None or self.counts.answered + self._flying + ready < self.limit

    def _fill(self) -> bool:
        if not self._queue:
            self._queue = self.store.pending(self._after, CHUNK, self.until)
            if self._queue:
                self._after = self._queue[-1].position
        return bool(self._queue)

    async def _ask(self, group: Sequence[tuple[Pending, Cost]]) -> None:
        try:
            await self._try(group)
        finally:
            self._flying -= len(group)

    async def _try(self, group: Sequence[tuple[Pending, Cost]]) -> None:
        """Retry until answered, refused or exhausted."""
        for attempt in range(self.pace.patience.attempts):
            await self.pace.turn()
            last = attempt + 1 == self.pace.patience.attempts
            try:
                replies = await self.generator.generate([item.request.call(item.key) for item, _ in group])
                self._check_replays(replies, last=last)
            except RefusedError as error:
                await self._refused(group, error)
                return
            except RetryableError as error:
                self.pace.bad(error)
                self.counts.stopped = self.counts.stopped or self.pace.hopeless
                if last or self.counts.stopped:
                    self._give_up(group, EXHAUSTED, error.reason, billed=error.billed)
                    return
                if not self._again(group, error):
                    return
                await asyncio.sleep(self.pace.delay(attempt, error))
            else:
                self._commit(group, replies)
                return

    async def _refused(self, group: Sequence[tuple[Pending, Cost]], error: RefusedError) -> None:
        """Send the requests of a refused batch one by one."""
        if len(group) == 1:
            self._give_up(group, REFUSED, error.reason, billed=False)
            return
        for one in group:
            await self._try([one])

    def _check_replays(self, replies: Sequence[Reply], *, last: bool) -> None:
        """Retry an answer already given to another request; accept it if it is repeated."""
        if not last and any(self.store.replayed(reply) for reply in replies):
            raise RetryableError("the server repeated an earlier answer", billed=True)

    def _commit(self, group: Sequence[tuple[Pending, Cost]], replies: Sequence[Reply]) -> None:
        for (item, held), reply in zip(group, replies, strict=True):
            actual = self.ledger.actual(held, reply)
            self.store.answered(item, reply, actual, self.follow(item, reply), self.generator.identity)
            self.ledger.settle(held, actual)
            self.counts.answered += 1
            self.pace.good()
        self.progress("generating", min(self.counts.answered / max(self.total, 1), 1.0))

    def _again(self, group: Sequence[tuple[Pending, Cost]], error: RetryableError) -> bool:
        """Prepare another try.

        A lost attempt that may have been billed counts as spent; the next one is reserved again.
        """
        self.counts.retries += 1
        name = error.reason.split(":")[0]
        self.counts.reasons[name] = self.counts.reasons.get(name, 0) + 1
        if not error.billed:
            return True
        for item, cost in group:
            self.store.lost(item.key, billed=True)
            self.ledger.settle(cost, cost)
        reserved: list[Cost] = []
        for _, cost in group:
            if not self.ledger.reserve(cost):
                for back in reserved:
                    self.ledger.settle(back, (0, 0.0))
                self.counts.stopped = self.counts.stopped or "the budget is reached"
                return False
            reserved.append(cost)
        self.store.sent((item.key, *cost) for item, cost in group)
        return True

    def _give_up(self, group: Sequence[tuple[Pending, Cost]], state: int, reason: str, *, billed: bool) -> None:
        for item, cost in group:
            stopped = state == EXHAUSTED and bool(self.counts.stopped)
            self.store.lost(item.key, billed=billed, state=PLANNED if stopped else state, reason=reason)
            self.ledger.settle(cost, cost if billed else (0, 0.0))
            if stopped:
                continue
            self.pace.given_up(reason)
            self.counts.refused += state == REFUSED
            self.counts.exhausted += state == EXHAUSTED


def unfinished(counts: EngineCounts, place: str) -> UnfinishedError:
    """The error of a run that stopped early; its answers are kept."""
    budget = "budget" in counts.stopped
    todo = "raise the budget" if budget else "remove this cause"
    return UnfinishedError(
        f"stopped after {counts.answered:,} answers: {counts.stopped}",
        expected="all requests answered",
        todo=f"{todo}, then continue with --resume; {place} keeps all answers",
    )
