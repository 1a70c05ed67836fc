"""Export rows of the store, ordered by key; equal stores give equal bytes."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from syngain.core.fingerprint import fingerprint_lines
from syngain.data import write_records
from syngain.data.files.write import TextFile
from syngain.data.generated_row import GeneratedRow, GeneratorOutput, Prompt, Rejection, TokenLogprobs, to_record
from syngain.generators.protocol import canonical, prompt_hash
from syngain.generators.wire import THINK, THINK_END
from syngain.pipeline.prompts.content import Candidate, candidates
from syngain.pipeline.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from syngain.core.arrays import Singles
    from syngain.core.result import RunFile
    from syngain.data.generated_row import Decimals
    from syngain.generators.protocol import Reply, Sampling
    from syngain.pipeline.recipe import Recipe

Which = Literal["all", "kept", "dropped"]
Record = dict[str, object]
STORE = "store.sqlite"
KEEP_REASONING = "keep_reasoning"  # in the store
FILES: dict[str, Which] = {"rows.jsonl": "all", "kept.jsonl": "kept", "dropped.jsonl": "dropped"}


@dataclass(frozen=True)
class StoredRows(Sequence[Record]):
    """Records of the rows of a store, computed on demand; only iteration is fast.

    Attributes:
        opened: opens the store for one reading. which: all rows with content, the kept ones, or the dropped ones with
            their reasons.
    """

    opened: Callable[[], AbstractContextManager[Store]]
    which: Which
    generator: str
    size: int

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Record]:
        with self.opened() as store:
            yield from map(to_record, generated_rows(store, self.which, self.generator))

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return list(self)[index]


@dataclass(frozen=True)
class StoredRowFile:
    """Rows of a store as a run file; the store is closed between readings."""

    store: Path
    which: Which
    generator: str
    size: int

    @property
    def records(self) -> StoredRows:
        """The records."""
        return StoredRows(partial(Store.reading, self.store), self.which, self.generator, self.size)

    def write(self, path: Path) -> None:
        """Write the rows; see :func:`syngain.data.write_records`."""
        write_records(path, self.records)


@dataclass(frozen=True)
class StoreFile:
    """A store as a run file; :meth:`opened` reads it."""

    store: Path

    @property
    def records(self) -> Sequence[Record]:
        """None: rows are in the other files."""
        return ()

    def opened(self) -> AbstractContextManager[Store]:
        """The store, to be read."""
        return Store.reading(self.store)

    def write(self, path: Path) -> None:
        """Link the store, or copy it where links are not possible.

        Raises:
            UsageError: the store no longer exists.
        """
        with self.opened():  # it is there and can be read
            try:
                os.link(self.store, path)
            except OSError:
                shutil.copyfile(self.store, path)


def stored_rows(store: Store, which: Which, generator: str) -> StoredRows:
    """The rows of an open store."""
    return StoredRows(lambda: nullcontext(store), which, generator, _size(store, which))


def run_files(store: Store, path: Path, recipe: Recipe, generator: str) -> dict[str, RunFile]:
    """Run files other than the report: rows, recipe, and the store at ``path``."""
    return {
        **{name: StoredRowFile(path, which, generator, _size(store, which)) for name, which in FILES.items()},
        "recipe.yaml": TextFile(recipe.yaml()),
        STORE: StoreFile(path),
    }


def moved(files: Mapping[str, RunFile], path: Path) -> dict[str, RunFile]:
    """The run files, with the store at a new ``path``."""
    return {
        name: replace(file, store=path) if isinstance(file, (StoredRowFile, StoreFile)) else file
        for name, file in files.items()
    }


def export(store: Store, folder: Path, generator: str) -> None:
    """Write ``rows.jsonl`` (all), ``kept.jsonl`` and ``dropped.jsonl`` (with reasons)."""
    for name, which in FILES.items():
        write_records(folder / name, stored_rows(store, which, generator))


def _size(store: Store, which: Which) -> int:
    held, kept, dropped = store.sizes()
    return {"all": held, "kept": kept, "dropped": dropped}[which]


def content_fingerprint(store: Store) -> tuple[int, str]:
    """The number of kept rows, and the fingerprint of their contents."""
    contents = (row.content for row in candidates(store) if store.dropped(row.key) is None)
    name = fingerprint_lines(canonical(dict(content)).decode() for content in contents)
    return store.sizes()[1], name


def generated_rows(store: Store, which: Which, generator: str) -> Iterator[GeneratedRow]:
    """The rows of a store, ordered by key.

    Only the complete export has the alternatives of tokens.
    """
    keep = store.meta(KEEP_REASONING) or "field"
    for found in candidates(store):
        dropped, candidate = store.dropped(found.key), _thought(found, keep)
        if which == "dropped":
            if dropped is not None:
                step, reason = dropped
                yield replace(row_of(candidate, generator), rejection=Rejection(step=step, reasons=(reason,)))
        elif (dropped is None) if which == "kept" else bool(candidate.content):
            yield row_of(candidate, generator, top=which == "all")


def _thought(candidate: Candidate, keep: str) -> Candidate:
    """A row with its reasoning where it is kept: next to the text, in it, or not at all."""
    reply, row = candidate.reply, candidate.request.row
    if reply is None or not reply.reasoning or keep == "field":
        return candidate
    place = {"text": row.into, "pair": "completion"}.get(row.output, "")
    if keep == "think" and place not in candidate.content:
        return candidate  # a row of JSON has no place in its text
    without = replace(reply, reasoning="")
    if keep == "no":
        return replace(candidate, reply=without)
    text = f"{THINK}\n{reply.reasoning}\n{THINK_END}\n\n{candidate.content[place]}"
    return replace(candidate, reply=without, content={**candidate.content, place: text})


def row_of(candidate: Candidate, generator: str, *, top: bool = False) -> GeneratedRow:
    """A row: content, provenance, and log-probabilities if available."""
    request, reply = candidate.request, candidate.reply
    templated = request.stage == "template"
    return GeneratedRow(
        content=candidate.content,
        anchors=request.row.anchors,
        strategy=request.row.strategy,
        generator="template" if templated else generator,
        request=candidate.key.hex(),
        sample=request.sample,
        prompt=Prompt(digest=prompt_hash(request.messages), messages=request.messages),
        output=None if reply is None or templated else _output(candidate.content, reply, request.sampling, top=top),
    )


def _output(content: Mapping[str, object], reply: Reply, sampling: Sampling, *, top: bool) -> GeneratorOutput:
    applied = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    unset = reply.extra.get("sampled")  # the server's own, in place of what was asked for
    applied |= unset if isinstance(unset, dict) else {}
    return GeneratorOutput(
        finish_reason=reply.finish,
        raw_text=None if reply.text in content.values() else reply.text,
        reasoning=reply.reasoning or None,
        temperature=applied["temperature"],
        top_p=applied["top_p"],
        max_tokens=sampling.max_tokens,
        logprobs=_logprobs(reply, top=top),
    )


def _logprobs(reply: Reply, *, top: bool) -> TokenLogprobs | None:
    if reply.tokens is None or reply.logprobs is None:
        return None
    return TokenLogprobs(
        mode=reply.mode,
        tokens=reply.tokens,
        logprobs=_decimals(reply.logprobs),
        end_included=reply.end_included,
        entropies=None if reply.entropies is None else _decimals(reply.entropies),
        top=_steps(reply) if top and reply.top is not None else None,
    )


def _steps(reply: Reply) -> tuple[dict[str, float | None], ...]:
    """The alternatives of each step, by token."""
    if reply.top is None:
        return ()
    values, start, steps = _decimals(reply.top.logprobs), 0, []
    for count in reply.top.counts:
        part = slice(start, start + count)
        steps.append(dict(zip(reply.top.tokens[part], values[part], strict=True)))
        start += count
    return tuple(steps)


def _decimals(values: Singles) -> Decimals:
    """Shortest decimals of float32 numbers; None for non-finite ones.

    All numbers at a time: the fewest decimals that give the number again, as ``str`` finds them one by one. ``str``
    is asked where powers of ten are not exact, and at powers of two, whose neighbors have unequal distances.
    """
    with np.errstate(invalid="ignore"):  # a NaN of a damaged store
        exact = values.astype(np.float64)
    size = np.abs(exact)
    usual = (size > 1e-9) & (size < 1e9) & (np.frexp(exact)[0] != np.copysign(0.5, exact))
    found = np.where(usual, math.nan, exact)
    rows = np.flatnonzero(usual)
    places = -np.floor(np.log10(size[rows])).astype(np.int64) - 1
    while rows.size:
        scale = 10.0 ** np.abs(places)
        down = places < 0
        whole = np.rint(np.where(down, exact[rows] / scale, exact[rows] * scale))
        near = np.where(down, whole * scale, whole / scale)
        done = near.astype(np.float32) == values[rows]
        found[rows[done]] = near[done]
        rows, places = rows[~done], places[~done] + 1
    for row in np.flatnonzero(~usual & np.isfinite(exact)):
        found[row] = float(str(values[row]))
    return tuple([value if math.isfinite(value) else None for value in found.tolist()])
