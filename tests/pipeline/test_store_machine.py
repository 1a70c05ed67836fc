"""A state machine of the store: the ledger never falls, no row appears twice, rows.jsonl is what the store says."""

import json
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syngain.generators.protocol import Reply, Sampling
from syngain.pipeline.export import export
from syngain.pipeline.store.budget import Ledger, Output, usage_of
from syngain.pipeline.store.request import Request, RowSpec
from syngain.pipeline.store.spending import Charge
from syngain.pipeline.store.store import EXHAUSTED, PLANNED, REFUSED, Store

IDENTITY = {"model": "m"}
CEILING = 12_000


def request(text):
    row = RowSpec(strategy="s", anchors=("1",), label=None, output="text", into="text", fixed={})
    return Request(messages=(("user", text),), sampling=Sampling(max_tokens=8), sample=0, run_seed=0, purpose=row)


class StoreMachine(RuleBasedStateMachine):
    """A run against a server that answers, lies, fails and bills what it likes within the limit it is sent."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.sqlite"
        self.truth, self.seen, self.flying, self.answers = 0, 0, [], 0
        self._open()
        self.store.plan([request(f"prompt {n % 5}") for n in range(12)], IDENTITY)

    def _open(self):
        self.context = Store.opened(self.path)
        self.store = self.context.__enter__()
        self.ledger = Ledger(max_tokens=CEILING)
        self.ledger.begin(self.store.spent())

    def teardown(self):
        if hasattr(self, "context"):
            self.context.__exit__(None, None, None)
            self.folder.cleanup()

    @rule(count=st.integers(1, 4))
    def send(self, count):
        """Reserve and send the next requests, as far as the ceiling allows."""
        for item in self.store.pending(0, count):
            cost = self.ledger.worst(item.request)
            if self.ledger.reserve(cost):
                (entry,) = self.store.sent([(item.key, cost)])
                self.flying.append((item, cost, entry))

    @precondition(lambda self: self.flying)
    @rule(
        draw=st.data(),
        prompt=st.sampled_from([0, 1, 3, 20, 10**9]),
        completion=st.integers(0, 8),
        billed=st.integers(0, 8),
    )
    def answer(self, draw, prompt, completion, billed):
        """An answer; its usage may be a lie, its bill is what prompt and output cost."""
        item, cost, entry = self.flying.pop(draw.draw(st.integers(0, len(self.flying) - 1)))
        self.truth += 3 + 4 + billed
        self.answers += 1
        reply = Reply(
            text="word " * billed or "w",
            finish="stop",
            prompt_tokens=prompt,
            completion_tokens=completion,
            id=f"r{entry}",
        )
        charge = self.ledger.charge(item.request, cost, usage_of(reply), Output.of(reply))
        self.store.answered(item, reply, (entry, charge), None, IDENTITY)
        self.ledger.settle(cost, charge)

    @precondition(lambda self: self.flying)
    @rule(worked=st.booleans(), state=st.sampled_from([PLANNED, REFUSED, EXHAUSTED]))
    def fail(self, worked, state):
        """A failed attempt, billed in full or certainly not."""
        item, cost, entry = self.flying.pop()
        self.truth += cost[0] * worked
        charge = self.ledger.charge(item.request, cost, None, None) if worked else Charge()
        self.store.lost(item.key, entry, charge, state=state, reason="fault")
        self.ledger.settle(cost, charge)

    @rule()
    def crash(self):
        """The process ends; what is in flight may be billed; another process resumes."""
        self.truth += sum(cost[0] for _, cost, _ in self.flying)
        self.flying.clear()
        self.context.__exit__(None, None, None)
        self._open()
        self.store.recover()
        self.ledger.begin(self.store.spent())

    @rule()
    def clean(self):
        """Decisions are made anew: nothing of the ledger goes."""
        self.store.forget_decisions()
        done = self.store.connection.execute("SELECT key FROM responses").fetchall()
        self.store.decide([(key, 0, "parse", None) for (key,) in done] + [(key, -1, "all", None) for (key,) in done])

    @invariant()
    def the_ledger_never_falls_and_holds_the_truth(self):
        if not hasattr(self, "store"):
            return
        spent = self.store.spent()
        assert spent.most[0] >= self.truth
        settled = self.store.connection.execute(
            "SELECT total(most_tokens) FROM ledger WHERE settles IS NOT NULL"
        ).fetchone()[0]
        assert settled >= self.seen
        self.seen = settled
        assert self.ledger.most[0] + self.ledger.held_tokens == spent.most[0]

    @invariant()
    def rows_are_what_the_store_says(self):
        if not hasattr(self, "store"):
            return
        self.clean()
        export(self.store, Path(self.folder.name), "m")
        lines = (Path(self.folder.name) / "rows.jsonl").read_text().splitlines()
        keys = [json.loads(line)["request"] for line in lines]
        assert len(keys) == len(set(keys)) == self.answers


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestStoreMachine = StoreMachine.TestCase
