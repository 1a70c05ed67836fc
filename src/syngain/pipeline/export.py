"""Rows out of the store, in the order of their keys: the same store, the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from syngain.core.fingerprint import fingerprint_lines
from syngain.data import write_records
from syngain.generators.protocol import Reply, canonical, prompt_hash
from syngain.pipeline.prompts.content import Candidate, candidates

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.core.arrays import Singles
    from syngain.pipeline.store.store import Store

Which = Literal["all", "kept", "dropped"]
Row = dict[str, object]


@dataclass(frozen=True)
class StoredRows(Sequence[Row]):
    """Rows of a store, made one by one as they are read; only iteration is cheap."""

    store: Store
    which: Which
    generator: str
    size: int

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Row]:
        for candidate in candidates(self.store):
            dropped = self.store.dropped(candidate.key)
            if self.which == "dropped":
                if dropped is not None:
                    yield {
                        **row_of(candidate, self.generator),
                        "syngain_step": dropped[0],
                        "syngain_reasons": [dropped[1]],
                    }
            elif (dropped is None) if self.which == "kept" else bool(candidate.content):
                yield row_of(candidate, self.generator, top=self.which == "all")

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        rows = list(self)
        return rows[index]


def rows(store: Store, which: Which, generator: str) -> StoredRows:
    """The rows of a store: all that hold content, the kept ones, or the dropped ones with their reasons."""
    held, kept, dropped = store.sizes()
    return StoredRows(store, which, generator, {"all": held, "kept": kept, "dropped": dropped}[which])


def export(store: Store, folder: Path, generator: str) -> None:
    """Write ``rows.jsonl`` (all that was said), ``kept.jsonl`` (the set) and ``dropped.jsonl`` (with reasons)."""
    write_records(folder / "rows.jsonl", rows(store, "all", generator))
    write_records(folder / "kept.jsonl", rows(store, "kept", generator))
    write_records(folder / "dropped.jsonl", rows(store, "dropped", generator))


def content_fingerprint(store: Store) -> tuple[int, str]:
    """How many rows are kept, and the fingerprint of their contents."""
    contents = (row.content for row in candidates(store) if store.dropped(row.key) is None)
    name = fingerprint_lines(canonical(dict(content)).decode() for content in contents)
    return store.sizes()[1], name


def row_of(candidate: Candidate, generator: str, *, top: bool = False) -> Row:
    """A row: its content, its way along the chain, its log-probabilities where the generator gave them."""
    request, reply = candidate.request, candidate.reply
    slot, anchors = request.slot, request.slot["anchors"]
    row: Row = dict(candidate.content)
    row |= {
        "anchor_id": anchors[0] if isinstance(anchors, list) and anchors else None,
        "anchor_ids": anchors,
        "strategy": slot["strategy"],
        "generator": "template" if request.stage == "template" else generator,
        "request": candidate.key.hex(),
        "sample": request.sample,
        "prompt_hash": prompt_hash(request.messages),
        "prompt_messages": [{"role": role, "content": text} for role, text in request.messages],
    }
    if reply is not None and request.stage != "template":
        row |= {"finish_reason": reply.finish, **_raw(candidate, reply)}
        row |= {name: getattr(request.sampling, name) for name in ("temperature", "top_p", "max_tokens")}
        row |= _numbers(reply, top=top)
    return row


def _raw(candidate: Candidate, reply: Reply) -> Mapping[str, object]:
    """What was said, where the content does not hold it as it is."""
    return {} if reply.text in candidate.content.values() else {"raw_text": reply.text}


def _numbers(reply: Reply, *, top: bool) -> Mapping[str, object]:
    if reply.tokens is None or reply.logprobs is None:
        return {}
    row: Row = {
        "logprob_mode": reply.mode,
        "tokens": list(reply.tokens),
        "token_logprobs": _decimals(reply.logprobs),
        "end_included": reply.end_included,
    }
    if reply.entropies is not None:
        row["step_entropies"] = _decimals(reply.entropies)
    if top and reply.top is not None:
        row["top_logprobs"] = _steps(reply)
    return row


def _steps(reply: Reply) -> list[dict[str, float | None]]:
    """Per step the alternatives by token."""
    if reply.top is None:
        return []
    values, start, steps = _decimals(reply.top.logprobs), 0, []
    for count in reply.top.counts:
        part = slice(start, start + count)
        steps.append(dict(zip(reply.top.tokens[part], values[part], strict=True)))
        start += count
    return steps


def _decimals(values: Singles) -> list[float | None]:
    """The shortest decimals that name these float32 numbers; null where there is no finite one."""
    return [float(str(value)) if np.isfinite(value) else None for value in values]
