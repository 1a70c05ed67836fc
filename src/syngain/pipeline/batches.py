"""Requests of a store that leave in a file and come back in one: OpenAI's batch format, with the same ledger.

A request in a file is reserved and marked as sent, like one on the network. Its answer settles it; reading a file twice
changes nothing. https://platform.openai.com/docs/guides/batch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syngain.core.errors import InputError
from syngain.generators.protocol import FailedError, RefusedError
from syngain.generators.servers.dialect import Dialect
from syngain.pipeline.prompts.content import repair
from syngain.pipeline.store import spending
from syngain.pipeline.store.budget import Output, usage_of
from syngain.pipeline.store.request import Pending
from syngain.pipeline.store.spending import Charge
from syngain.pipeline.store.store import PLANNED, REFUSED, SENT, request_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from syngain.generators.openai import OpenAIGenerator
    from syngain.pipeline.store.budget import Ledger
    from syngain.pipeline.store.spending import Cost
    from syngain.pipeline.store.store import Store

OUT = "batch"  # in the store: number of requests in files
MOST_REQUESTS, MOST_BYTES = 50_000, 190 << 20  # of a file: 50,000 and 200 MB
CHUNK = 256
Told = tuple[Mapping[str, Any], Dialect]
"""A line of an output file, and the dialect in which its request was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """Requests in a file, and those that are left in the plan; ``why`` they are not in the file."""

    requests: int
    left: int
    why: str


@dataclass(frozen=True, slots=True)
class BatchRead:
    """Answers of files: with a row or without, failed ones that are planned again, and requests still out."""

    answered: int
    declined: int
    failed: int
    out: int


def out_of(store: Store) -> int:
    """Requests that are in files."""
    return int(store.meta(OUT) or 0)


def write(store: Store, generator: OpenAIGenerator, ledger: Ledger, path: Path) -> Written:
    """Write the planned requests that the budget covers, and mark them as sent."""
    reserved: list[tuple[bytes, Cost]] = []
    why = ""
    partial = path.with_name(f"{path.name}.part")
    with partial.open("w", encoding="utf-8") as file:
        for item in _planned(store):
            line = json.dumps(
                {
                    "custom_id": item.key.hex(),
                    "method": "POST",
                    "url": generator.batch_path,
                    "body": generator.request(item.request.call(item.key)),
                }
            )
            cost = ledger.worst(item.request)
            full = len(reserved) >= MOST_REQUESTS or file.tell() + len(line) > MOST_BYTES
            if full or not ledger.reserve(cost):
                why = "the file is full" if full else "the budget is reached"
                break
            file.write(f"{line}\n")
            reserved.append((item.key, cost))
    store.sent(reserved)
    store.set_meta(OUT, str(len(reserved)))
    partial.replace(path)
    return Written(len(reserved), store.counts().get(PLANNED, 0), why)


def _planned(store: Store) -> Iterator[Pending]:
    after = 0
    while items := store.pending(after, CHUNK):
        after = items[-1].position
        yield from items


def read(store: Store, generator: OpenAIGenerator, ledger: Ledger, lines: Iterable[tuple[str, bytes]]) -> BatchRead:
    """Settle every request that has an answer, an error or a refusal in these lines.

    Raises:
        InputError: a line is not of a batch, or its request is not of this run.
    """
    dialect, counts = generator.learner.dialect, {"answered": 0, "declined": 0, "failed": 0}
    for place, content in lines:
        found = _line(place, content, generator)
        sent = _sent(store, place, str(found["custom_id"]))
        if sent is not None:
            counts[_settled(store, generator, ledger, sent, (found, dialect))] += 1
    left = store.counts().get(SENT, 0)
    store.set_meta(OUT, str(left))
    return BatchRead(**counts, out=left)


@dataclass(frozen=True, slots=True)
class _InFile:
    """A request in a file, with its reservation."""

    item: Pending
    entry: int
    held: Cost


def _line(place: str, content: bytes, generator: OpenAIGenerator) -> dict[str, Any]:
    try:
        found = generator.loaded(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or "custom_id" not in found or not ({"response", "error"} & found.keys()):
        raise InputError(
            f"{place} is not a line of a batch",
            expected='the output file of a batch: {"custom_id": ..., "response": {...}, "error": null}',
            todo="download the output file and the error file of the batch, and pass both with --batch-file",
        )
    return found


def _sent(store: Store, place: str, name: str) -> _InFile | None:
    """The request of a line; None where it was read before."""
    try:
        key = bytes.fromhex(name)
    except ValueError:
        key = b""
    row = store.connection.execute(
        "SELECT position, state, stage, parent, body FROM requests WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        raise InputError(
            f"{place} answers a request that is not of this run",
            expected="the answers of the file that `--batch write` made for this recipe and these real rows",
            todo="pass the output file of that batch",
        )
    held = spending.unsettled(store.connection, key)
    if row[1] != SENT or held is None:
        return None
    return _InFile(Pending(row[0], key, request_of(*row[2:])), *held)


def _settled(store: Store, generator: OpenAIGenerator, ledger: Ledger, sent: _InFile, told: Told) -> str:
    """Write the answer of a request and its cost: which count it enters."""
    item = sent.item
    try:
        reply = generator.batch_reply(told[0], item.request.call(item.key), told[1])
    except FailedError as error:
        charge = ledger.charge(item.request, sent.held, error.usage, None) if error.billed else Charge()
        declined = isinstance(error, RefusedError)
        state = REFUSED if declined else PLANNED
        store.lost(item.key, sent.entry, charge, state=state, reason=error.reason)
        return "declined" if declined else "failed"
    charge = ledger.charge(item.request, sent.held, usage_of(reply), Output.of(reply))
    store.answered(item, reply, (sent.entry, charge), repair(item, reply), generator.identity)
    return "answered"
