"""Log-probability of one row, its distribution, and bounds from its steps.

Columns: ``token_logprobs`` and, where there are any, ``top_logprobs``, ``step_entropies`` (exact), ``logprob_mode``,
``temperature``, ``top_p``. Log-probabilities are natural.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.data import generated_row
from syngain.data.rows import show, type_name
from syngain.information.estimators import token_entropy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syngain.core.arrays import Floats

SAMPLED_MODES = frozenset({"exact", "processed"})
RAW_MODES = frozenset({"raw"})
PLAIN = frozenset({float, int, type(None)})
ROUNDING = 1e-3  # float32 log-probabilities of certain tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Log-probability costs of one row, in nats.

    Attributes:
        own: log-probability of the output. raw: it is not of the sampling distribution.
        excess: surprisal minus entropy of the steps, NaN without distributions. lower, upper: ends of the summed
            entropy.
    """

    own: float
    raw: bool = False
    excess: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    tokens: int


def cost(record: Mapping[str, object], name: str, listed: int, vocabulary: int | None) -> Cost | None:
    """The cost of a row's log-probabilities; None when it has none."""
    logs = record.get(generated_row.TOKEN_LOGPROBS)
    logs = json.loads(logs) if isinstance(logs, str) and logs.startswith("[") else logs
    if logs is None or logs == "":
        return None
    chosen = _logs(logs, name)
    temperature, top_p = number(record, generated_row.TEMPERATURE, name), number(record, generated_row.TOP_P, name)
    mode = str(record.get(generated_row.LOGPROB_MODE) or "")
    if mode and mode not in SAMPLED_MODES | RAW_MODES:
        raise InputError(
            f"{name}: logprob_mode {show(mode)}", expected="raw, processed or exact", todo="correct `logprob_mode`"
        )
    top = _lists(record.get(generated_row.TOP_LOGPROBS), len(chosen), name, listed)
    untouched = temperature == 1.0 and top_p in {1.0, None}
    if mode in SAMPLED_MODES or untouched:
        return _of_sampled(chosen, top, _entropies(record, len(chosen), name), name, vocabulary)
    if top is not None and temperature is not None and np.all(1 - np.exp(top).sum(axis=1) < token_entropy.COMPLETE):
        laws = np.array([token_entropy.sampled_law(step, temperature, top_p or 1.0) for step in top])
        at = np.argmin(np.abs(top - chosen[:, None]), axis=1)
        return _of_sampled(laws[np.arange(len(laws)), at], laws, None, name, vocabulary)
    return Cost(own=float(chosen.sum()), raw=True, tokens=len(chosen))


def _of_sampled(
    chosen: Floats, top: Floats | None, entropies: Floats | None, name: str, vocabulary: int | None
) -> Cost:
    own = float(chosen.sum())
    if not math.isfinite(own):
        raise InputError(
            f"{name}: a sampled token with probability 0",
            expected="finite log-probabilities",
            todo="correct `token_logprobs`, or leave out this row",
        )
    if entropies is not None:
        total = float(entropies.sum())
        return Cost(own=own, excess=-own - total, lower=total, upper=total, tokens=len(chosen))
    if top is None:
        return Cost(own=own, tokens=len(chosen))
    try:
        found = token_entropy.steps(chosen, top, vocabulary=vocabulary)
    except UsageError as error:
        raise InputError(
            f"{name}: {error.came}", expected=error.expected, todo="correct `top_logprobs`, or remove this column"
        ) from error
    return Cost(own=own, excess=found.excess, lower=found.lower, upper=found.upper, tokens=len(chosen))


def _numbers(values: object, name: str, column: str) -> Floats:
    if not isinstance(values, (list, tuple)) or not values:
        raise InputError(
            f"{name}: `{column}` is {type_name(values)}",
            expected="a list with a number for every token",
            todo=f"correct `{column}`",
        )
    bad = [value for value in values if isinstance(value, bool) or not isinstance(value, (int, float))]
    if bad:
        raise InputError(
            f"{name}: `{column}` contains {type_name(bad[0])}",
            expected="a number for every token",
            todo=f"correct `{column}`",
        )
    found = np.array(values, dtype=np.float64)
    if not np.all(np.isfinite(found)):
        raise InputError(
            f"{name}: `{column}` contains {found[~np.isfinite(found)][0]:g}",
            expected="finite numbers",
            todo=f"correct `{column}`, or leave out this row",
        )
    return found


def _logs(values: object, name: str) -> Floats:
    """Log-probabilities of the tokens of a row; rounding above zero becomes 0."""
    found = _numbers(values, name, generated_row.TOKEN_LOGPROBS)
    if np.any(found > ROUNDING):
        raise InputError(
            f"{name}: `token_logprobs` contains {float(found.max()):g}",
            expected="natural logarithms of probabilities, at most 0",
            todo="correct `token_logprobs`",
        )
    return np.minimum(found, 0.0)


def number(record: Mapping[str, object], column: str, name: str) -> float | None:
    """A number of a row, None where missing; ``name`` is the row's in an error."""
    value = record.get(column)
    if value is None or value == "":
        return None
    try:
        return float(str(value))
    except ValueError:
        raise InputError(
            f"{name}: `{column}` is {show(value)}", expected="a number", todo=f"correct `{column}`"
        ) from None


def _entropies(record: Mapping[str, object], length: int, name: str) -> Floats | None:
    value = record.get(generated_row.STEP_ENTROPIES)
    if value is None:
        return None
    found = _numbers(value, name, generated_row.STEP_ENTROPIES)
    if len(found) != length:
        raise InputError(
            f"{name}: {len(found)} `step_entropies`",
            expected=f"{length}, one per token",
            todo="correct `step_entropies`, or remove this column",
        )
    return found


def usual_list(records: Iterable[Mapping[str, object]]) -> int:
    """The usual length of the lists.

    Servers add the chosen token where it is not among the most probable.
    """
    lengths = Counter(
        len(step)
        for record in records
        if isinstance(lists := record.get(generated_row.TOP_LOGPROBS), list)
        for step in lists
        if isinstance(step, (list, dict))
    )
    return lengths.most_common(1)[0][0] if lengths else 0


def _lists(value: object, length: int, name: str, listed: int) -> Floats | None:
    """Log-probabilities of the most probable tokens of every step, or None.

    Padded with minus infinity.
    """
    value = json.loads(value) if isinstance(value, str) and value.startswith("[") else value
    if not isinstance(value, list) or not listed:
        return None
    if len(value) != length:
        raise InputError(
            f"{name}: {len(value)} steps in `top_logprobs`",
            expected=f"{length}, one per token",
            todo="correct `top_logprobs`, or remove this column",
        )
    found = np.full((length, listed), -np.inf)
    for step, entries in enumerate(value):
        logs = sorted(_step(entries, name), reverse=True)[:listed]
        if not logs:
            return None
        found[step, : len(logs)] = logs
    return found


def _step(entries: object, name: str) -> list[float]:
    """Parse a step of ``top_logprobs``.

    A mapping, or a list of numbers, of pairs, or of ``{"token": .., "logprob": ..}``; null is no entry.
    """
    listed = list(entries.values()) if isinstance(entries, dict) else entries
    if not isinstance(listed, list):
        return []
    values = listed if {type(entry) for entry in listed} <= PLAIN else [_value(entry) for entry in listed]
    logs: list[float] = []
    for value in values:
        if isinstance(value, float) and not math.isnan(value):
            logs.append(min(value, 0.0))
        elif isinstance(value, int) and not isinstance(value, bool):
            logs.append(min(float(value), 0.0))
        elif value is not None:
            raise InputError(
                f"{name}: `top_logprobs` contains {show(value)}",
                expected="a number for every token",
                todo="correct `top_logprobs`, or remove this column",
            )
    return logs


def _value(entry: object) -> object:
    """The log-probability of one entry."""
    value = entry.get("logprob") if isinstance(entry, dict) else entry
    return value[-1] if isinstance(value, list) and value else value
