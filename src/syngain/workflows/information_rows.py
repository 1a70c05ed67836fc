"""Rows that carry log-probabilities, as arrays: what each output cost under its own prompt, and of which law that is.

Columns: ``token_logprobs`` and, where there are any, ``top_logprobs``, ``step_entropies`` (exact), ``logprob_mode``,
``temperature``, ``top_p``, ``end_included``, ``finish_reason``, ``raw_text``; ``prompt_hash`` or the prompt itself,
``strategy``, and the anchors. Log-probabilities are natural.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.data.roles import Kind
from syngain.data.rows import show, type_name
from syngain.information import steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from syngain.data.dataset import Dataset

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Law = Literal["sampled", "raw"]
Messages = tuple[tuple[str, str], ...]  # role and what it says
PROMPT_KEYS = ("prompt_hash", "prompt_id")
PROMPTS = ("prompt_messages", "generator_prompt", "prompt_text", "prompt")
ANCHORS = ("anchor_ids", "anchors")
CUT = frozenset({"length", "max_tokens"})
LISTS = ("ids", "texts", "strategies", "prompts", "asked", "anchors")
ARRAYS = ("own", "raw", "excess", "lower", "upper", "tokens", "bytes", "cut", "temperatures")
SAMPLED_MODES = frozenset({"exact", "processed"})
RAW_MODES = frozenset({"raw"})
ROUNDING = 1e-3  # float32 log-probabilities of certain tokens


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outputs:
    """Outputs of a generator, one entry per row.

    Attributes:
        ids, texts, strategies: of each row. prompts: the name of its prompt. asked: the prompt as it was given, None
            where only its name is known. anchors: what the prompt was made from, empty where unknown.
        own: log-probability of the output under its prompt (n,); NaN where the row has none.
        raw: ``own`` is of another law than the one sampled from, and gives an upper bound (n,).
        excess: surprisal minus entropy of the steps (n,), NaN where the row tells no laws. lower, upper: ends of its
            summed next-token entropy.
        tokens, bytes: sizes (n,). cut: ended by a limit (n,). ended: whether the end token is among the
            log-probabilities; None unknown.
        temperatures: of sampling (n,), NaN where it is not told.
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
        """The temperature of all outputs; None when it differs or is not told."""
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
class _Cost:
    """What one row says of its cost."""

    own: float
    law: Law
    excess: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    tokens: int


def outputs(data: Dataset, *, meaning: str | None = None, vocabulary: int | None = None) -> Outputs:
    """Read the log-probabilities of a dataset.

    Args:
        data: texts or pairs; of a pair the response is what the generator said.
        meaning: the column that says what an output means, else the labels when there are any.
        vocabulary: number of tokens the generator can choose from, for the upper end of top-k entropies.

    Raises:
        InputError: a table, log-probabilities that are none, or rows of one strategy of which only some have any.
    """
    if data.kind is Kind.TABLE:
        raise InputError(
            f"{data.name} is a table of columns",
            expected="texts, or pairs of prompt and response",
            todo="name the text: --text COLUMN",
        )
    records = [dict(record) for record in data.records]
    listed = _usual_list(records)
    costs = [_cost(record, data.ids[row], listed, vocabulary) for row, record in enumerate(records)]
    strategies = [str(record.get("strategy") or "") for record in records]
    _check_complete(data, strategies, costs)
    sides = data.sides["response" if data.kind is Kind.PAIR else "text"]
    texts = [str(record.get("raw_text") or side) for record, side in zip(records, sides, strict=True)]
    prompts = data.sides["prompt"] if data.kind is Kind.PAIR else [None] * len(records)
    asked = [_asked(record, side, name) for record, side, name in zip(records, prompts, data.ids, strict=True)]

    def column(name: str) -> Floats:
        return np.array([math.nan if cost is None else getattr(cost, name) for cost in costs], dtype=np.float64)

    return Outputs(
        ids=list(data.ids),
        texts=texts,
        strategies=strategies,
        prompts=[_prompt_name(*item) for item in zip(records, asked, data.ids, strict=True)],
        asked=asked,
        anchors=[_anchors(record, data, row) for row, record in enumerate(records)],
        own=column("own"),
        raw=np.array([cost is not None and cost.law == "raw" for cost in costs]),
        excess=column("excess"),
        lower=column("lower"),
        upper=column("upper"),
        tokens=column("tokens"),
        bytes=np.array([len(text.encode("utf-8", "replace")) for text in texts], dtype=np.float64),
        cut=np.array([str(record.get("finish_reason") or "") in CUT for record in records]),
        ended=_ended(records),
        meanings=_meanings(data, records, meaning),
        temperatures=_temperatures(records, data.ids),
        labels=meaning is None,
    )


def _cost(record: Mapping[str, object], name: str, listed: int, vocabulary: int | None) -> _Cost | None:
    """What a row's log-probabilities say; None when it has none."""
    logs = record.get("token_logprobs")
    logs = json.loads(logs) if isinstance(logs, str) and logs.startswith("[") else logs
    if logs is None or logs == "":
        return None
    chosen = _logs(logs, name)
    temperature, top_p = _number(record, "temperature", name), _number(record, "top_p", name)
    mode = str(record.get("logprob_mode") or "")
    if mode and mode not in SAMPLED_MODES | RAW_MODES:
        raise InputError(f"{name}: logprob_mode {show(mode)}", expected="raw, processed or exact")
    top = _lists(record.get("top_logprobs"), len(chosen), name, listed)
    untouched = temperature == 1.0 and top_p in {1.0, None}
    if mode in SAMPLED_MODES or untouched:
        return _of_sampled(chosen, top, _entropies(record, len(chosen), name), name, vocabulary)
    if top is not None and temperature is not None and np.all(1 - np.exp(top).sum(axis=1) < steps.COMPLETE):
        laws = np.array([steps.sampled_law(step, temperature, top_p or 1.0) for step in top])
        at = np.argmin(np.abs(top - chosen[:, None]), axis=1)
        return _of_sampled(laws[np.arange(len(laws)), at], laws, None, name, vocabulary)
    return _Cost(own=float(chosen.sum()), law="raw", tokens=len(chosen))


def _of_sampled(
    chosen: Floats, top: Floats | None, entropies: Floats | None, name: str, vocabulary: int | None
) -> _Cost:
    own = float(chosen.sum())
    if not math.isfinite(own):
        raise InputError(f"{name}: a token that its own law cannot say", expected="finite log-probabilities")
    if entropies is not None:
        total = float(entropies.sum())
        return _Cost(own=own, law="sampled", excess=-own - total, lower=total, upper=total, tokens=len(chosen))
    if top is None:
        return _Cost(own=own, law="sampled", tokens=len(chosen))
    try:
        found = steps.steps(chosen, top, vocabulary=vocabulary)
    except UsageError as error:
        raise InputError(f"{name}: {error.came}", expected=error.expected, todo="check `top_logprobs`") from error
    return _Cost(own=own, law="sampled", excess=found.excess, lower=found.lower, upper=found.upper, tokens=len(chosen))


def _numbers(values: object, name: str, column: str) -> Floats:
    if not isinstance(values, (list, tuple)) or not values:
        raise InputError(f"{name}: `{column}` is {type_name(values)}", expected="a list with a number for every token")
    bad = [value for value in values if isinstance(value, bool) or not isinstance(value, (int, float))]
    if bad:
        raise InputError(f"{name}: `{column}` holds {type_name(bad[0])}", expected="a number for every token")
    found = np.array(values, dtype=np.float64)
    if not np.all(np.isfinite(found)):
        raise InputError(f"{name}: `{column}` holds {found[~np.isfinite(found)][0]:g}", expected="finite numbers")
    return found


def _logs(values: object, name: str) -> Floats:
    """Log-probabilities of the tokens of a row; rounding above zero is mended."""
    found = _numbers(values, name, "token_logprobs")
    if np.any(found > ROUNDING):
        raise InputError(
            f"{name}: `token_logprobs` holds {float(found.max()):g}", expected="natural logarithms of probabilities"
        )
    return np.minimum(found, 0.0)


def _number(record: Mapping[str, object], column: str, name: str) -> float | None:
    value = record.get(column)
    if value is None or value == "":
        return None
    try:
        return float(str(value))
    except ValueError:
        raise InputError(f"{name}: `{column}` is {show(value)}", expected="a number") from None


def _temperatures(records: Sequence[Mapping[str, object]], ids: Sequence[str]) -> Floats:
    found = [_number(record, "temperature", name) for record, name in zip(records, ids, strict=True)]
    return np.array([math.nan if value is None else value for value in found])


def _entropies(record: Mapping[str, object], length: int, name: str) -> Floats | None:
    value = record.get("step_entropies")
    if value is None:
        return None
    found = _numbers(value, name, "step_entropies")
    if len(found) != length:
        raise InputError(f"{name}: {len(found)} `step_entropies`", expected=f"{length}, one per token")
    return found


def _usual_list(records: Sequence[Mapping[str, object]]) -> int:
    """The usual length of the lists: servers add the chosen token to it where it is not among the most probable."""
    lengths = Counter(
        len(step)
        for record in records
        if isinstance(lists := record.get("top_logprobs"), list)
        for step in lists
        if isinstance(step, (list, dict))
    )
    return lengths.most_common(1)[0][0] if lengths else 0


def _lists(value: object, length: int, name: str, listed: int) -> Floats | None:
    """Log-probabilities of the most probable tokens of every step, padded with minus infinity; None without them."""
    value = json.loads(value) if isinstance(value, str) and value.startswith("[") else value
    if not isinstance(value, list) or not listed:
        return None
    if len(value) != length:
        raise InputError(f"{name}: {len(value)} steps in `top_logprobs`", expected=f"{length}, one per token")
    found = np.full((length, listed), -np.inf)
    for step, entries in enumerate(value):
        logs = sorted(_step(entries, name), reverse=True)[:listed]
        if not logs:
            return None
        found[step, : len(logs)] = logs
    return found


def _step(entries: object, name: str) -> list[float]:
    """A step as a mapping, or a list of numbers, of pairs, or of ``{"token": .., "logprob": ..}``."""
    listed = list(entries.values()) if isinstance(entries, dict) else entries
    if not isinstance(listed, list):
        return []
    logs: list[float] = []
    for entry in listed:
        value = entry.get("logprob") if isinstance(entry, dict) else entry
        value = value[-1] if isinstance(value, list) and value else value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            raise InputError(f"{name}: `top_logprobs` holds {type_name(value)}", expected="a number for every token")
        logs.append(min(float(value), 0.0))
    return logs


def _check_complete(data: Dataset, strategies: Sequence[str], costs: Sequence[_Cost | None]) -> None:
    """Some rows of a strategy without log-probabilities would make its mean that of the others."""
    for name in dict.fromkeys(strategies):
        rows = [row for row, own in enumerate(strategies) if own == name]
        without = [row for row in rows if costs[row] is None]
        if without and len(without) < len(rows):
            of = f" of the strategy {name}" if name else ""
            raise InputError(
                f"{data.ids[without[0]]}: no `token_logprobs`, as {len(without)} of {len(rows)} rows{of}",
                expected="log-probabilities in every row of a strategy",
                todo="generate the others again, or take them out of the file",
            )


def _asked(record: Mapping[str, object], side: str | None, name: str) -> Messages | None:
    """What the generator was asked: a text of the user, or messages."""
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
        raise InputError(f"{name}: a prompt that is {type_name(found)}", expected="text, or a list of messages")
    return tuple(pairs)


def _prompt_name(record: Mapping[str, object], asked: Messages | None, name: str) -> str:
    """The hash of the prompt, else the prompt."""
    named = next((record[key] for key in PROMPT_KEYS if record.get(key)), None)
    if named is None and asked is None:
        raise InputError(
            f"{name}: nothing says which prompt the row came from",
            expected="a column `prompt_hash`, or the prompt itself in `prompt_messages` or `prompt`",
            todo="write it beside the rows: rows of one prompt are no independent rows",
        )
    return str(named) if named is not None else json.dumps(asked, ensure_ascii=False)


def _anchors(record: Mapping[str, object], data: Dataset, row: int) -> tuple[str, ...]:
    found = next((record[name] for name in ANCHORS if record.get(name)), None)
    if isinstance(found, list):
        return tuple(str(item) for item in found)
    if found is not None:
        return (str(found),)
    source = data.sources[row] if data.sources is not None else None
    return (source,) if source else ()


def _ended(records: Sequence[Mapping[str, object]]) -> bool | None:
    told = [record["end_included"] for record in records if isinstance(record.get("end_included"), bool)]
    return all(told) if told else None


def _meanings(data: Dataset, records: Sequence[Mapping[str, object]], column: str | None) -> Sequence[str] | None:
    if column is None:
        return None if data.labels is None else list(data.labels)
    if not any(column in record for record in records):
        raise InputError(f"{data.name} has no column `{show(column)}`", expected="the column with the meaning of a row")
    return [str(record.get(column)) for record in records]
