"""One run of a recipe over its store: plan, generate, curate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.fingerprint import fingerprint
from syngain.core.progress import Progress, silent
from syngain.data.generated_row import with_anchor
from syngain.generators.pace import Pace, Patience
from syngain.generators.protocol import Reply, prompt_hash
from syngain.pipeline.batches import out_of
from syngain.pipeline.curate import curate, text_digest
from syngain.pipeline.engine import Engine, EngineCounts, unfinished
from syngain.pipeline.prompts.content import candidate_of, repair
from syngain.pipeline.stopping import Watch
from syngain.pipeline.store.new_row_value import ObservedRow
from syngain.pipeline.store.store import DONE, Store
from syngain.pipeline.strategies import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from syngain.generators.protocol import Generator
    from syngain.pipeline.prompts.anchors import Anchors
    from syngain.pipeline.prompts.content import Candidate
    from syngain.pipeline.recipe import Recipe
    from syngain.pipeline.stopping import Quantity, Rule
    from syngain.pipeline.store.budget import Ledger
    from syngain.pipeline.store.request import Request

FINGERPRINT = "fingerprint"


@dataclass
class Run:
    """A recipe with its real rows, generator and store.

    Attributes:
        place: name of the store in messages. stop: the stop rule. quantities: constructors of its quantities other than
            texts, by id.
    """

    recipe: Recipe
    anchors: Anchors
    anchors_fingerprint: str
    generator: Generator
    store: Store
    ledger: Ledger
    place: str
    progress: Progress = silent
    counts: EngineCounts = field(default_factory=EngineCounts)
    in_flight: int = 0
    stop: Rule | None = None
    quantities: Mapping[str, Callable[[], Quantity]] = field(default_factory=dict)
    watch: Watch | None = None

    @property
    def fingerprint(self) -> str:
        """Fingerprint of runs with common answers.

        It covers generator, strategies, sampling, seed and real rows.
        """
        planned = self.recipe.planned()
        return fingerprint([planned, dict(self.generator.identity), self.anchors_fingerprint])

    def prepare(self, *, resume: bool) -> None:
        """Plan new requests, count those in flight at a kill, and start the ledger.

        Raises:
            UsageError: the store is of another run, or there is one without ``resume``.
        """
        if out := out_of(self.store):
            raise UsageError(
                f"{out:,} requests of {self.place} are in a batch file",
                expected="their answers",
                todo="pass the output file with --batch read --batch-file FILE, or give it up with --batch forget",
            )
        found = self.check_same(resume=resume)
        if found is None:
            self.progress("planning", 0.0)
            self.store.plan(requests(self.recipe, self.anchors), self.generator.identity)
            self.store.set_meta(FINGERPRINT, self.fingerprint)
            self._fill_templates()
        self.in_flight = self.store.recover()
        self.ledger.begin(self.store.spent())

    def check_same(self, *, resume: bool) -> str | None:
        """The fingerprint of the run in the store, None where there is none.

        Raises:
            UsageError: it is another run, or there is one without ``resume``.
        """
        found = self.store.meta(FINGERPRINT)
        if found is not None and not resume:
            raise UsageError(
                f"{self.place} contains an unfinished run",
                expected="a new run",
                todo="continue it with --resume, or discard its answers with --force",
            )
        if found is not None and found != self.fingerprint:
            raise UsageError(
                f"{self.place} contains an unfinished run with another recipe, other real rows or another model",
                expected="the same generator, strategies, sampling, seed and real rows for --resume",
                todo="restore them, name another folder with -o DIR, or discard its answers with --force",
            )
        self._check_rule()
        return found

    def _check_rule(self) -> None:
        """Refuse to resume a run under another stop rule."""
        rule = "" if self.stop is None else str(self.stop)
        if self.store.meta("cut") is not None and self.store.meta("rule") != rule:
            raise UsageError(
                f"{self.place} contains a run with another --stop-when",
                expected="the same rule for --resume",
                todo="name another folder with -o DIR, or discard its answers with --force",
            )
        self.store.set_meta("rule", rule)

    async def generate(self, *, limit: int | None = None) -> None:
        """Send all planned requests, or until the stop rule holds.

        ``limit`` stops after this number of answers.

        Raises:
            UnfinishedError: the budget is reached, or too many requests fail. Answers are kept.
        """
        if self.stop is None or limit is not None:
            await self._until(None, limit)
            return
        total = sum(strategy.rows for strategy in self.recipe.strategies)  # also after a cut
        watch, before = Watch(self.stop, total, self.quantities), 0
        for position in filter(watch.due, watch.positions):
            await self._until(position, None)
            watch.see(self._seen(before, position))
            before, self.watch = position, watch
            self.progress("checking the stop rule", 0.05 + 0.85 * position / total)
            if watch.look(position) and position < total:
                self.store.cut(position)
                break

    async def _until(self, position: int | None, limit: int | None) -> None:
        """Send requests up to a position of the plan, and add up the counts."""
        engine = self._engine(limit, position)
        engine.counts = self.counts
        await engine.run()
        if self.counts.stopped:
            raise unfinished(self.counts, self.place, self.ledger)

    def _seen(self, after: int, until: int) -> Iterator[ObservedRow]:
        """The rows with content at these positions."""
        for key, request in self.store.asked(after, until):
            row = candidate_of(self.store, key, request)
            if row.content:
                nats, sampled = _surprisal(row)
                yield ObservedRow(
                    prompt=prompt_hash(request.messages),
                    text=text_digest(row.content),
                    nats=nats,
                    sampled=sampled,
                    row=with_anchor(row.content, request.row.anchors),
                )

    async def curate(self) -> None:
        """Decide about every row.

        Raises:
            UnfinishedError: the budget is reached by verifier requests.
        """
        self.progress("curating", 0.9)
        await curate(self.store, self.recipe, self.anchors, self._ask)

    async def curate_offline(self) -> None:
        """Decide about the existing rows without requests.

        Verifier steps then have no judgment.
        """

        async def nobody(questions: Sequence[Request]) -> Sequence[str | None]:
            return [None] * len(questions)

        await curate(self.store, self.recipe, self.anchors, nobody)

    async def _ask(self, questions: Sequence[Request]) -> Sequence[str | None]:
        keys = [self.store.add(question, self.generator.identity) for question in questions]
        counts = await self._engine(None, None).run()
        if counts.stopped:
            raise unfinished(counts, self.place, self.ledger)
        replies = (self.store.reply(key) for key in keys)
        return [None if reply is None else reply.text for reply in replies]

    def _engine(self, limit: int | None, until: int | None) -> Engine:
        spec = self.recipe.engine
        patience = Patience(
            attempts=spec.attempts,
            backoff=spec.backoff,
            concurrency=spec.concurrency,
            max_error_rate=spec.max_error_rate,
        )
        counts = self.store.counts()
        return Engine(
            store=self.store,
            generator=self.generator,
            ledger=self.ledger,
            pace=Pace(patience, np.random.default_rng(self.recipe.seed)),
            follow=repair,
            progress=lambda stage, done: self.progress(stage, 0.05 + 0.85 * done),
            total=sum(counts.values()) - counts.get(DONE, 0),
            limit=limit,
            until=until,
        )

    def _fill_templates(self) -> None:
        """Fill rows of templates without a generator: the rendered template is the answer."""
        after = 0
        while items := self.store.pending(after, 256):
            after = items[-1].position
            for item in items:
                if item.request.stage == "template":
                    reply = Reply(text=item.request.messages[-1][1], finish="stop")
                    self.store.answered(item, reply, None, None, self.generator.identity)


def _surprisal(row: Candidate) -> tuple[float | None, bool]:
    """Minus the log-probability of the output in nats, and its distribution.

    The flag is true for the sampling distribution.
    """
    reply, sampling = row.reply, row.request.sampling
    if row.request.stage == "template":
        return 0.0, True
    if reply is None or reply.logprobs is None or not np.all(np.isfinite(reply.logprobs)):
        return None, True
    untouched = sampling.temperature == 1 and sampling.top_p == 1
    return -float(np.sum(reply.logprobs, dtype=np.float64)), untouched or reply.mode in {"exact", "processed"}
