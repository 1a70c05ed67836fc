"""Rows with log-probabilities, as arrays.

Columns are those of :mod:`syngain.data.generated_row`, and other common names for prompts and real rows.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data import generated_row
from syngain.data.columns.roles import Kind
from syngain.data.rows import show, type_name
from syngain.information.token_costs import Cost, cost, number, usual_list

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.data.dataset import Dataset

Messages = tuple[tuple[str, str], ...]  # role and text
PROMPT_KEYS = (generated_row.PROMPT_HASH, "prompt_id")
PROMPTS = (generated_row.PROMPT_MESSAGES, "generator_prompt", "prompt_text", "prompt")
ANCHORS = (generated_row.ANCHOR_IDS, "anchors")
CUT = frozenset({"length", "max_tokens"})
LISTS = ("ids", "texts", "strategies", "prompts", "asked", "anchors")
ARRAYS = ("own", "raw", "excess", "lower", "upper", "tokens", "bytes", "cut", "temperatures")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outputs:
    """Outputs of a generator, one entry per row.

    Attributes:
        ids, texts, strategies: of each row. prompts: the name of its prompt. asked: the prompt's content, None where
            only its name is known. ``anchors``: the real rows in the prompt, empty where unknown.
        own: log-probability of the output under its prompt (n,); NaN where the row has none.
        raw: ``own`` is not of the sampling distribution, and gives an upper bound (n,).
        excess: surprisal minus entropy of the steps (n,), NaN where the row has no distributions. lower, upper: ends of
            its summed next-token entropy.
        tokens, bytes: sizes (n,). cut: ended by a limit (n,). ended: whether the end token of the others is among the
            log-probabilities; None unknown.
        temperatures: of sampling (n,), NaN where unknown.
        meanings: the fixed meaning of each output, when there is one. labels: whether these are the labels of the rows.
    """

    ids: Sequence[str]
    texts: Sequence[str]
    strategies: Sequence[str]
    prompts: Sequence[str]
    asked: Sequence[Messages | None]
    anchors: Sequence[tuple[str, ...]]
    own: Floats
    raw: Flags
    excess: Floats
    lower: Floats
    upper: Floats
    tokens: Floats
    bytes: Floats
    cut: Flags
    ended: bool | None
    temperatures: Floats
    meanings: Sequence[str] | None = None
    labels: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def temperature(self) -> float | None:
        """The temperature of all outputs; None when it differs or is unknown."""
        found = np.unique(self.temperatures)
        return float(found[0]) if len(found) == 1 and np.isfinite(found[0]) else None

    def take(self, rows: Sequence[int]) -> Outputs:
        """The outputs of these rows."""
        at = np.asarray(rows, dtype=np.int64)

        def some(values: Sequence[object]) -> list[object]:
            return [values[int(row)] for row in at]

        lists = {name: some(getattr(self, name)) for name in LISTS}
        arrays = {name: getattr(self, name)[at] for name in ARRAYS}
        meanings = None if self.meanings is None else some(self.meanings)
        return replace(self, **lists, **arrays, meanings=meanings)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One parsed row."""

    cost: Cost | None
    text: str
    strategy: str
    asked: Messages | None
    prompt: str
    anchors: tuple[str, ...]
    temperature: float
    cut: bool
    ended: bool | None
    meaning: str | None


def outputs(data: Dataset, *, meaning: str | None = None, vocabulary: int | None = None) -> Outputs:
    """Read the log-probabilities of a dataset.

    Args:
        data: texts or pairs; of a pair, the response is the output.
        meaning: the column with the meaning of an output, else the labels if there are any.
        vocabulary: number of tokens the generator can choose from, for the upper end of top-k entropies.

    Raises:
        InputError: a table, invalid log-probabilities, or a strategy with log-probabilities in only some rows.
    """
    if data.kind is Kind.TABLE:
        raise InputError(
            f"{data.name} is a table of columns",
            expected="texts, or pairs of prompt and response",
            todo="name the text: --text COLUMN",
        )
    listed = usual_list(data.records)
    rows = [
        _read(data, index, record, cost(record, data.ids[index], listed, vocabulary), meaning)
        for index, record in enumerate(data.records)
    ]
    _check_complete(data, rows)
    if meaning is not None and all(row.meaning is None for row in rows):
        raise InputError(
            f"{data.name} has no column `{show(meaning)}`",
            expected="the column with the meaning of a row",
            todo="correct the name in --meaning",
        )

    def column(name: str) -> Floats:
        return np.array([math.nan if row.cost is None else getattr(row.cost, name) for row in rows], dtype=np.float64)

    ends = [row.ended for row in rows if row.ended is not None and not row.cut]
    labeled = meaning is None and data.labels is not None
    return Outputs(
        ids=list(data.ids),
        texts=[row.text for row in rows],
        strategies=[row.strategy for row in rows],
        prompts=[row.prompt for row in rows],
        asked=[row.asked for row in rows],
        anchors=[row.anchors for row in rows],
        own=column("own"),
        raw=np.array([row.cost is not None and row.cost.raw for row in rows]),
        excess=column("excess"),
        lower=column("lower"),
        upper=column("upper"),
        tokens=column("tokens"),
        bytes=np.array([len(row.text.encode("utf-8", "replace")) for row in rows], dtype=np.float64),
        cut=np.array([row.cut for row in rows]),
        ended=all(ends) if ends else None,
        temperatures=np.array([row.temperature for row in rows]),
        meanings=[str(row.meaning) for row in rows] if labeled or meaning is not None else None,
        labels=labeled,
    )


def unnamed_outputs(own: Floats) -> Outputs:
    """Rows of one prompt that is not known as text, with their log-probabilities (n,)."""
    n = len(own)
    nothing, names = np.full(n, np.nan), [f"row {row + 1}" for row in range(n)]
    return Outputs(
        ids=names,
        texts=[""] * n,
        strategies=[""] * n,
        prompts=[""] * n,
        asked=[None] * n,
        anchors=[()] * n,
        own=own,
        raw=np.zeros(n, dtype=bool),
        excess=nothing,
        lower=nothing,
        upper=nothing,
        tokens=np.ones(n),
        bytes=np.zeros(n),
        cut=np.zeros(n, dtype=bool),
        ended=None,
        temperatures=nothing,
    )


def _read(data: Dataset, index: int, record: Mapping[str, object], spent: Cost | None, meaning: str | None) -> _Row:
    name = data.ids[index]
    pair = data.kind is Kind.PAIR
    asked = _asked(record, data.sides["prompt"][index] if pair else None, name)
    degree = number(record, generated_row.TEMPERATURE, name)
    ended = record.get(generated_row.END_INCLUDED)
    label = data.labels[index] if data.labels is not None else None
    told = record.get(meaning) if meaning is not None else label
    return _Row(
        cost=spent,
        text=str(record.get(generated_row.RAW_TEXT) or data.sides["response" if pair else "text"][index]),
        strategy=str(record.get(generated_row.STRATEGY) or ""),
        asked=asked,
        prompt=_prompt_name(record, asked, name),
        anchors=_anchors(record, data.sources[index] if data.sources is not None else None),
        temperature=math.nan if degree is None else degree,
        cut=str(record.get(generated_row.FINISH_REASON) or "") in CUT,
        ended=ended if isinstance(ended, bool) else None,
        meaning=None if told is None else str(told),
    )


def _check_complete(data: Dataset, rows: Sequence[_Row]) -> None:
    """Refuse a strategy with log-probabilities in only some rows."""
    for strategy in dict.fromkeys(row.strategy for row in rows):
        own = [index for index, row in enumerate(rows) if row.strategy == strategy]
        without = [index for index in own if rows[index].cost is None]
        if without and len(without) < len(own):
            of = f" of the strategy {strategy}" if strategy else ""
            raise InputError(
                f"{data.ids[without[0]]}: no `token_logprobs`, as {len(without)} of {len(own)} rows{of}",
                expected="log-probabilities in every row of a strategy",
                todo="generate the other rows again, or remove them from the file",
            )


def _asked(record: Mapping[str, object], side: str | None, name: str) -> Messages | None:
    """The prompt of a row: a user text, or messages."""
    found = next((record[column] for column in PROMPTS if record.get(column)), side)
    found = json.loads(found) if isinstance(found, str) and found.startswith("[{") else found
    if found is None or isinstance(found, str):
        return None if found is None else (("user", found),)
    pairs = [
        (str(item.get("role", "user")), str(item.get("content", "")))
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, dict)
    ]
    if not pairs:
        raise InputError(
            f"{name}: the prompt is {type_name(found)}",
            expected="text, or a list of messages",
            todo="correct the prompt of this row",
        )
    return tuple(pairs)


def _prompt_name(record: Mapping[str, object], asked: Messages | None, name: str) -> str:
    """The hash of the prompt, else the prompt."""
    named = next((record[key] for key in PROMPT_KEYS if record.get(key)), None)
    if named is None and asked is None:
        raise InputError(
            f"{name}: the row does not name its prompt",
            expected="a column `prompt_hash`, or the prompt itself in `prompt_messages` or `prompt`",
            todo="add one of these columns; rows of one prompt are not independent",
        )
    return str(named) if named is not None else json.dumps(asked, ensure_ascii=False)


def _anchors(record: Mapping[str, object], source: str | None) -> tuple[str, ...]:
    found = next((record[name] for name in ANCHORS if record.get(name)), None)
    if isinstance(found, list):
        return tuple(str(item) for item in found)
    if found is not None:
        return (str(found),)
    return (source,) if source else ()
