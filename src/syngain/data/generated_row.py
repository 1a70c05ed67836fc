"""A generated row with its provenance, and the keys of its file columns.

Writers create rows with :func:`to_record`; readers of such files take the keys from here. Where a content column has
the name of a key, the file contains the provenance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANCHOR_ID, ANCHOR_IDS, STRATEGY, GENERATOR = "anchor_id", "anchor_ids", "strategy", "generator"
REQUEST, SAMPLE, PROMPT_HASH, PROMPT_MESSAGES = "request", "sample", "prompt_hash", "prompt_messages"
FINISH_REASON, RAW_TEXT, REASONING = "finish_reason", "raw_text", "reasoning_content"
TEMPERATURE, TOP_P, MAX_TOKENS = "temperature", "top_p", "max_tokens"
LOGPROB_MODE, TOKENS, TOKEN_LOGPROBS, END_INCLUDED = "logprob_mode", "tokens", "token_logprobs", "end_included"
STEP_ENTROPIES, TOP_LOGPROBS = "step_entropies", "top_logprobs"
STEP, REASONS = "syngain_step", "syngain_reasons"

_ORIGIN_KEYS = frozenset({ANCHOR_ID, ANCHOR_IDS, STRATEGY, GENERATOR, REQUEST, SAMPLE, PROMPT_HASH, PROMPT_MESSAGES})
_OUTPUT_KEYS = frozenset({FINISH_REASON, RAW_TEXT, REASONING, TEMPERATURE, TOP_P, MAX_TOKENS})
_LOGPROB_KEYS = frozenset({LOGPROB_MODE, TOKENS, TOKEN_LOGPROBS, END_INCLUDED, STEP_ENTROPIES, TOP_LOGPROBS})
_DECISION_KEYS = frozenset({STEP, REASONS})

Decimals = tuple[float | None, ...]
"""The shortest decimals of float32 numbers; None for non-finite ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt: its hash, and its messages as pairs of role and text."""

    digest: str
    messages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprobs:
    """Log-probabilities of the tokens of an output, in nats.

    Attributes:
        mode: ``exact``, ``processed`` or ``raw``; None unknown. tokens, logprobs: of each step.
        end_included: whether the last token is the end token. entropies: of the next-token distributions.
        top: alternatives of every step, by token.
    """

    mode: str | None
    tokens: tuple[str, ...]
    logprobs: Decimals
    end_included: bool
    entropies: Decimals | None = None
    top: tuple[Mapping[str, float | None], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorOutput:
    """Generator output: sampling parameters, finish reason, log-probabilities.

    ``raw_text`` is the output where the content is not identical to it; ``reasoning`` stands before it. Temperature and
    top-p are None where the server's own apply and are not known.
    """

    finish_reason: str
    temperature: float | None
    top_p: float | None
    max_tokens: int
    raw_text: str | None = None
    reasoning: str | None = None
    logprobs: TokenLogprobs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """The curation step that dropped a row, and its reasons."""

    step: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedRow:
    """A generated row with its provenance.

    Attributes:
        content: its fields. ``anchors``: ids of the real rows in its prompt, the main one first.
        request: key of the request, in hexadecimal. sample: index among equal prompts.
        output: of the generator; None for templates and requests without an answer.
        rejection: the decision of curation; None for kept rows.
    """

    content: Mapping[str, object]
    anchors: tuple[str, ...]
    strategy: str
    generator: str
    request: str
    sample: int
    prompt: Prompt
    output: GeneratorOutput | None = None
    rejection: Rejection | None = None


def to_record(row: GeneratedRow) -> dict[str, object]:
    """The row as a record of a file."""
    record = with_anchor(row.content, row.anchors)
    record |= {
        ANCHOR_IDS: list(row.anchors),
        STRATEGY: row.strategy,
        GENERATOR: row.generator,
        REQUEST: row.request,
        SAMPLE: row.sample,
        PROMPT_HASH: row.prompt.digest,
        PROMPT_MESSAGES: [{"role": role, "content": text} for role, text in row.prompt.messages],
    }
    if row.output is not None:
        record |= _output_record(row.output)
    if row.rejection is not None:
        record |= {STEP: row.rejection.step, REASONS: list(row.rejection.reasons)}
    return record


def with_anchor(content: Mapping[str, object], anchors: Sequence[str]) -> dict[str, object]:
    """The content with the id of its main real row, under the source key."""
    return {**content, ANCHOR_ID: anchors[0] if anchors else None}


def from_record(record: Mapping[str, object]) -> GeneratedRow:
    """The row of a record from :func:`to_record`.

    Raises:
        InputError: a key is missing, or its value is invalid.
    """
    keys = set(_ORIGIN_KEYS)
    for present, more in (
        (FINISH_REASON, _OUTPUT_KEYS),
        (TOKEN_LOGPROBS, _LOGPROB_KEYS),
        (STEP, _DECISION_KEYS),
    ):
        keys |= more if present in record else set()
    try:
        return GeneratedRow(
            content={name: value for name, value in record.items() if name not in keys},
            anchors=tuple(map(str, _list(record[ANCHOR_IDS]))),
            strategy=str(record[STRATEGY]),
            generator=str(record[GENERATOR]),
            request=str(record[REQUEST]),
            sample=int(str(record[SAMPLE])),
            prompt=Prompt(digest=str(record[PROMPT_HASH]), messages=_messages(record[PROMPT_MESSAGES])),
            output=_output(record) if FINISH_REASON in record else None,
            rejection=Rejection(step=str(record[STEP]), reasons=tuple(map(str, _list(record[REASONS]))))
            if STEP in record
            else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"a row without the provenance columns of `syngain generate` ({error})",
            expected="a row with its provenance",
            todo="read the rows.jsonl of a run folder of `syngain generate`",
        ) from error


def _output_record(output: GeneratorOutput) -> dict[str, object]:
    record: dict[str, object] = {FINISH_REASON: output.finish_reason}
    if output.raw_text is not None:
        record[RAW_TEXT] = output.raw_text
    if output.reasoning is not None:
        record[REASONING] = output.reasoning
    record |= {TEMPERATURE: output.temperature, TOP_P: output.top_p, MAX_TOKENS: output.max_tokens}
    found = output.logprobs
    if found is None:
        return record
    record |= {
        LOGPROB_MODE: found.mode,
        TOKENS: list(found.tokens),
        TOKEN_LOGPROBS: list(found.logprobs),
        END_INCLUDED: found.end_included,
    }
    if found.entropies is not None:
        record[STEP_ENTROPIES] = list(found.entropies)
    if found.top is not None:
        record[TOP_LOGPROBS] = [dict(step) for step in found.top]
    return record


def _output(record: Mapping[str, object]) -> GeneratorOutput:
    raw, reasoning = record.get(RAW_TEXT), record.get(REASONING)
    return GeneratorOutput(
        finish_reason=str(record[FINISH_REASON]),
        raw_text=None if raw is None else str(raw),
        reasoning=None if reasoning is None else str(reasoning),
        temperature=_known(record[TEMPERATURE]),
        top_p=_known(record[TOP_P]),
        max_tokens=int(str(record[MAX_TOKENS])),
        logprobs=_logprobs(record) if TOKEN_LOGPROBS in record else None,
    )


def _logprobs(record: Mapping[str, object]) -> TokenLogprobs:
    mode, entropies, top = record[LOGPROB_MODE], record.get(STEP_ENTROPIES), record.get(TOP_LOGPROBS)
    return TokenLogprobs(
        mode=None if mode is None else str(mode),
        tokens=tuple(map(str, _list(record[TOKENS]))),
        logprobs=_decimals(record[TOKEN_LOGPROBS]),
        end_included=bool(record[END_INCLUDED]),
        entropies=None if entropies is None else _decimals(entropies),
        top=None
        if top is None
        else tuple(dict(zip(step, _decimals(list(step.values())), strict=True)) for step in map(_object, _list(top))),
    )


def _messages(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((str(item["role"]), str(item["content"])) for item in map(_object, _list(value)))


def _decimals(values: object) -> Decimals:
    return tuple(None if value is None else _number(value) for value in _list(values))


def _known(value: object) -> float | None:
    return None if value is None else _number(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{value!r} is not a list")
    return value


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value
