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
from syngain.generators.pace import TEXT_TRIES
from syngain.generators.protocol import DeclinedError, FailedError, RefusedError, Reply, RetryableError
from syngain.generators.servers.statuses import remedy
from syngain.pipeline.store.budget import DISTRUST, OVERRUN, Output, usage_of
from syngain.pipeline.store.request import Pending, Request
from syngain.pipeline.store.spending import Charge
from syngain.pipeline.store.store import EXHAUSTED, PLANNED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.generators.pace import Pace
    from syngain.generators.protocol import Generator
    from syngain.pipeline.store.budget import Ledger
    from syngain.pipeline.store.spending import Cost
    from syngain.pipeline.store.store import Store

REACHED = "the budget is reached"
FEW, WASTED = 6, 0.1  # attempts, part of the ceiling: a run that so far gave no answer at all ends there
CHUNK = 256  # requests that are read from the store at once
Follow = Callable[[Pending, Reply], Request | None]
"""The request that follows from an answer: a repair turn, or none."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request in flight, with its reservation: the maximal cost and the entry of the ledger."""

    item: Pending
    held: Cost
    entry: int


@dataclass
class EngineCounts:
    """Counts of a run, for its report.

    Attributes:
        needed: most tokens of the request that the budget does not cover.
        failed, wasted, last: attempts without an answer, what they may have cost, and the reason of the last one.
    """

    answered: int = 0
    refused: int = 0
    declined: int = 0
    exhausted: int = 0
    retries: int = 0
    most_in_flight: int = 0
    needed: int = 0
    failed: int = 0
    wasted: Cost = (0, 0.0)
    last: str = ""
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

    def _next(self) -> list[_Sent]:
        """The next requests for one call, reserved and marked as sent; may be empty."""
        group: list[tuple[Pending, Cost]] = []
        while len(group) < self.generator.batch and self._wanted(len(group)) and self._fill():
            cost = self.ledger.worst(self._queue[0].request)
            if not self.ledger.reserve(cost):
                if not self._flying and not group:
                    self.counts.stopped, self.counts.needed = REACHED, cost[0]
                break  # requests in flight may cost less than reserved
            group.append((self._queue.pop(0), cost))
        return self._sent(group) if group else []

    def _sent(self, group: Sequence[tuple[Pending, Cost]]) -> list[_Sent]:
        entries = self.store.sent((item.key, cost) for item, cost in group)
        return [_Sent(item, cost, entry) for (item, cost), entry in zip(group, entries, strict=True)]

    def _wanted(self, ready: int) -> bool:
        return self.limit is None or self.counts.answered + self._flying + ready < self.limit

    def _fill(self) -> bool:
        if not self._queue:
            self._queue = self.store.pending(self._after, CHUNK, self.until)
            if self._queue:
                self._after = self._queue[-1].position
        return bool(self._queue)

    async def _ask(self, group: Sequence[_Sent]) -> None:
        try:
            await self._try(group)
        finally:
            self._flying -= len(group)

    async def _try(self, group: Sequence[_Sent]) -> None:
        """Retry until answered, refused or exhausted."""
        for attempt in range(self.pace.patience.attempts):
            await self.pace.turn()
            last = attempt + 1 == self.pace.patience.attempts
            try:
                replies = await self.generator.generate([one.item.request.call(one.item.key) for one in group])
                self._check_replays(replies, last=last)
            except RefusedError as error:
                self._note(error)
                await self._refused(group, error)
                return
            except RetryableError as error:
                self.pace.bad(error)
                self._note(error)
                if error.declined and attempt + 1 >= TEXT_TRIES:
                    await self._refused(group, DeclinedError(error.declined, billed=True, usage=error.usage))
                    return
                self.counts.stopped = self.counts.stopped or self.pace.hopeless
                if last or self.counts.stopped:
                    self._give_up(group, EXHAUSTED, error)
                    return
                if not (group := self._again(group, error)):
                    return
                await asyncio.sleep(self.pace.delay(attempt, error))
            else:
                self._commit(group, replies)
                return

    async def _refused(self, group: Sequence[_Sent], error: RefusedError) -> None:
        """Send the requests of a refused batch one by one."""
        if len(group) == 1:
            self._give_up(group, REFUSED, error)
            return
        for one in group:
            await self._try([one])

    def _check_replays(self, replies: Sequence[Reply], *, last: bool) -> None:
        """Retry an answer already given to another request; accept it if it is repeated."""
        if not last and any(self.store.replayed(reply) for reply in replies):
            raise RetryableError("the server repeated an earlier answer", billed=True)

    def _commit(self, group: Sequence[_Sent], replies: Sequence[Reply]) -> None:
        for one, reply in zip(group, replies, strict=True):
            charge = self.ledger.charge(one.item.request, one.held, usage_of(reply), Output.of(reply))
            follow = self.follow(one.item, reply)
            self.store.answered(one.item, reply, (one.entry, charge), follow, self.generator.identity)
            self._settle(one, charge)
            self.counts.answered += 1
            self.pace.good()
        self.progress("generating", min(self.counts.answered / max(self.total, 1), 1.0))

    def _again(self, group: Sequence[_Sent], error: RetryableError) -> Sequence[_Sent]:
        """The requests of another try; none when the budget is reached.

        A lost attempt that may have been billed counts as spent; the next one is reserved again.
        """
        self.counts.retries += 1
        name = error.reason.split(":")[0]
        self.counts.reasons[name] = self.counts.reasons.get(name, 0) + 1
        if not error.billed:
            return group
        for one in group:
            charge = self._lost(one, error)
            self.store.lost(one.item.key, one.entry, charge)
            self._settle(one, charge)
        reserved: list[tuple[Pending, Cost]] = []
        for one in group:
            if self.counts.stopped or not self.ledger.reserve(one.held):
                for _, back in reserved:
                    self.ledger.settle(back, Charge())
                self.counts.stopped = self.counts.stopped or REACHED
                return []
            reserved.append((one.item, one.held))
        return self._sent(reserved)

    def _note(self, error: FailedError) -> None:
        """Count an attempt without an answer; end a run that spends on nothing else."""
        counts = self.counts
        if counts.stopped:
            return  # what is still in flight changes no cause
        counts.failed += 1
        counts.last = error.declined or error.reason
        mute = not counts.answered and counts.failed >= FEW
        if mute and self.ledger.part(counts.wasted) > WASTED:
            counts.stopped = f"none of the first {counts.failed} attempts gave an answer, the last one: {counts.last}"

    def _give_up(self, group: Sequence[_Sent], state: int, error: FailedError) -> None:
        for one in group:
            stopped = state == EXHAUSTED and bool(self.counts.stopped)
            charge = self._lost(one, error)
            self.store.lost(one.item.key, one.entry, charge, state=PLANNED if stopped else state, reason=error.reason)
            self._settle(one, charge)
            if stopped:
                continue
            if isinstance(error, DeclinedError):
                self.pace.declined(error.reason)
                self.counts.declined += 1
                continue
            self.pace.given_up(error.reason)
            self.counts.refused += state == REFUSED
            self.counts.exhausted += state == EXHAUSTED

    def _lost(self, one: _Sent, error: FailedError) -> Charge:
        """What a failed attempt may have cost; nothing where it certainly did no work."""
        if not error.billed:
            return Charge()
        charge = self.ledger.charge(one.item.request, one.held, error.usage, None)
        tokens, usd = self.counts.wasted
        self.counts.wasted = (tokens + charge.most[0], usd + charge.most[1])
        return charge

    def _settle(self, one: _Sent, charge: Charge) -> None:
        self.ledger.settle(one.held, charge)
        if charge.overrun and self.ledger.has_ceiling:
            self.counts.stopped = self.counts.stopped or OVERRUN


def unfinished(counts: EngineCounts, place: str, ledger: Ledger) -> UnfinishedError:
    """The error of a run that stopped early; its answers are kept."""
    why, todo = counts.stopped, "remove this cause"
    if why == REACHED:
        todo = ledger.raise_it
        if counts.failed > counts.answered:
            why += f"; {counts.failed:,} attempts gave no answer, the last one: {counts.last}"
            todo = f"{remedy(counts.last)}; {todo}"
        elif not counts.answered:
            why = f"nothing was sent, a request may cost {counts.needed:,} tokens and the budget has less left"
    elif why == OVERRUN:
        todo = DISTRUST
    elif counts.last:
        todo = remedy(counts.last)
    return UnfinishedError(
        f"stopped after {counts.answered:,} new answers: {why} ({ledger.sentence()})",
        expected="all requests answered",
        todo=f"{todo}, then continue with --resume; {place} keeps all answers",
    )
