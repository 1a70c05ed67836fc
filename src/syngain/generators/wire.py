"""Messages of the OpenAI protocol: requests and answers. No network.

Every answer is validated. An empty list of choices, a missing text, or log-probabilities that do not fit the text are
retryable errors.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from syngain.generators.answers import ChatSteps
from syngain.generators.protocol import (
    CALLED,
    CUT,
    EMPTY,
    FILTERED,
    REFUSAL,
    Call,
    DeclinedError,
    FailedError,
    Mode,
    Reply,
    RetryableError,
    TopLogprobs,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Singles

Api = Literal["chat", "completions"]
MOST = 1 << 46  # tokens: a larger number is a broken server's
LEAST = 1e30  # nats: no log-probability is further from 0
NAMED = 200  # characters of an id or a model name
THINK, THINK_END = "<think>", "</think>"  # reasoning that a server leaves in the text
KEPT = ("id", "model", "system_fingerprint")


def body(call: Call, *, model: str, api: Api) -> dict[str, object]:
    """The JSON of a request for one output."""
    sampling = call.sampling
    content: dict[str, object] = {
        "model": model,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": call.seed,
    }
    if sampling.stop:
        content["stop"] = list(sampling.stop)
    if api == "chat":
        content["messages"] = [{"role": role, "content": text} for role, text in call.messages]
        if sampling.logprobs:
            content["logprobs"] = True
            content |= {"top_logprobs": sampling.top_logprobs} if sampling.top_logprobs else {}
        if call.schema is not None:
            shape = {"name": "row", "schema": dict(call.schema), "strict": True}
            content["response_format"] = {"type": "json_schema", "json_schema": shape}
    else:
        content["prompt"] = plain_prompt(call)
        if sampling.logprobs:
            content["logprobs"] = max(sampling.top_logprobs, 1)
    return content


def plain_prompt(call: Call) -> str:
    """The prompt of a completion: the messages, separated by empty lines."""
    return "\n\n".join(text for _, text in call.messages)


def reply(answer: object, *, api: Api, mode: Mode) -> Reply:
    """The reply in an answer.

    Raises:
        RetryableError: it violates the protocol, or has no text without a reason. DeclinedError: it is a refusal, or
            was filtered or cut before the text. All with the usage.
    """
    if not isinstance(answer, dict):
        raise _wrong("the answer is not an object")
    try:
        return _reply(answer, api=api, mode=mode)
    except FailedError as error:
        error.billed, error.usage = True, usage(answer)
        raise


def usage(answer: Mapping[str, Any]) -> Usage | None:
    """The usage in an answer, reasoning included; None without two numbers.

    Reasoning that a server does not count as completion is seen by its total, or by the reasoning tokens themselves.
    """
    billed = answer.get("usage")
    given: Mapping[str, Any] = billed if isinstance(billed, dict) else {}
    prompt = _count(given, "prompt_tokens", "input_tokens")
    completion = _count(given, "completion_tokens", "output_tokens")
    if prompt is None or completion is None:
        return None
    details = given.get("completion_tokens_details")
    thought = _count(details, "reasoning_tokens") if isinstance(details, dict) else None
    more = completion + thought if thought is not None and thought > completion else completion
    return Usage(prompt, max(completion, more, (_count(given, "total_tokens") or 0) - prompt))


def _reply(answer: Mapping[str, Any], *, api: Api, mode: Mode) -> Reply:
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _wrong("the answer has no choices")
    choice: dict[str, Any] = choices[0]
    text, reasoning = _texts(choice, api)
    billed, reported = usage(answer), answer.get("usage")
    said = _count(reported, "completion_tokens") if isinstance(reported, dict) else None
    given = choice.get("logprobs")
    tokens, logs, top = _logprobs(given, api) if given else (None, None, None)
    if tokens is not None:
        _check_fit(text, tokens, said)
    return Reply(
        text=text,
        finish="length" if choice.get("finish_reason") == "length" else "stop",
        tokens=tokens,
        logprobs=logs,
        top=top,
        end_included=bool(tokens) and _ended(text, tokens or ("",), choice),
        mode=None if tokens is None else mode,
        prompt_tokens=None if billed is None else billed.prompt,
        completion_tokens=None if billed is None else billed.completion,
        id=_printable(answer.get("id") or ""),
        extra={name: _printable(answer[name]) for name in KEPT if answer.get(name) is not None},
        reasoning=reasoning,
    )


def _ended(text: str, tokens: Sequence[str], choice: Mapping[str, Any]) -> bool:
    """Whether the last token is the end token, which llama.cpp writes as empty text."""
    return "".join(tokens[:-1]) == text and (bool(tokens[-1]) or choice.get("finish_reason") == "stop")


def _texts(choice: Mapping[str, Any], api: Api) -> tuple[str, str]:
    """The text of an answer and the reasoning before it.

    Raises:
        DeclinedError, RetryableError: there is no text.
    """
    finish = choice.get("finish_reason")
    if finish == "content_filter":
        raise DeclinedError(FILTERED)
    message = choice.get("message") if api == "chat" else choice
    if not isinstance(message, dict):
        raise _wrong(EMPTY)
    if api != "chat":
        if isinstance(message.get("text"), str):
            return message["text"], ""
        raise RetryableError(EMPTY, billed=True, declined=EMPTY)
    return read_message(message, cut=finish == "length")


def read_message(message: Mapping[str, Any], *, cut: bool) -> tuple[str, str]:
    """Text and reasoning of a message; ``cut``: it ends at the limit of the output.

    Raises:
        DeclinedError: it is a refusal, or was cut before the text. RetryableError: it has no text, for no reason.
    """
    content, thought = message.get("content"), _reasoning(message)
    if isinstance(content, list):
        content, thought = _joined(content, thought)
    if isinstance(content, str) and content.lstrip().startswith(THINK):
        inside, closed, rest = content.lstrip().removeprefix(THINK).partition(THINK_END)
        content, thought = (rest.lstrip() if closed else ""), thought or inside.strip()
        cut = cut or not closed
    if isinstance(content, str) and content:
        return content, thought
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        raise DeclinedError(REFUSAL)
    if cut:
        raise DeclinedError(CUT)
    if isinstance(content, str):
        return content, thought
    why = CALLED if message.get("tool_calls") else EMPTY
    raise RetryableError(why, billed=True, declined=why)


def _reasoning(message: Mapping[str, Any]) -> str:
    """The reasoning that stands next to a text, under the names that servers give it."""
    named = (message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
    return next((text.strip() for text in named if isinstance(text, str) and text.strip()), "")


def _joined(parts: Sequence[object], thought: str) -> tuple[str | None, str]:
    """Text and reasoning of a list of content parts; None where no part is a text."""
    texts, thoughts = [], [thought] if thought else []
    for part in parts:
        if not isinstance(part, dict):
            continue
        if part.get("type", "text") in {"text", "output_text"} and isinstance(part.get("text"), str):
            texts.append(part["text"])
        inner = part.get("thinking")
        if isinstance(inner, list):
            inner = "".join(str(item.get("text", "")) for item in inner if isinstance(item, dict))
        if isinstance(inner, str) and inner.strip():
            thoughts.append(inner.strip())
    return ("".join(texts) if texts else None), "\n\n".join(thoughts)


def _count(given: Mapping[str, Any], *names: str) -> int | None:
    """The first whole number at least 0 under one of these names."""
    for name in names:
        value = given.get(name)
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and 0 <= value <= MOST
            and value == int(value)
        ):
            return int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > MOST:
            return MOST
    return None


def _printable(value: object) -> str:
    """A short text of a field that names something; lone surrogates are replaced."""
    return str(value)[:NAMED].encode("utf-8", "replace").decode()


Steps = tuple[tuple[str, ...], "Singles", TopLogprobs | None]


def _logprobs(given: object, api: Api) -> Steps | tuple[None, None, None]:
    """Tokens and log-probabilities; none where the server sends empty fields."""
    try:
        steps = _typed_steps(given) if isinstance(given, ChatSteps) else _plain_steps(given, api)
        if steps is None:
            return None, None, None
        tokens, array, top = steps
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise _wrong("the log-probabilities do not follow the protocol") from error
    if len(array) != len(tokens) or bool(np.any(array > 1e-3)):
        raise _wrong("the log-probabilities are not one number at most 0 per token")
    return tokens, array, top


def _numbers(values: Sequence[object]) -> Floats:
    """Log-probabilities that float32 can have (n,).

    Raises:
        TypeError, ValueError, OverflowError: one is none.
    """
    if not set(map(type, values)) <= {float, int}:
        raise TypeError
    return _bounded(values)


def _bounded(values: Sequence[object]) -> Floats:
    array = np.array(values, dtype=np.float64)
    if not bool((np.abs(array) <= LEAST).all()):
        raise ValueError
    return array


def _typed_steps(given: ChatSteps) -> Steps:
    choices = [step.alternatives for step in given.content]
    flat = list(chain.from_iterable(choices))
    logs, others = (_bounded([item.logprob for item in items]) for items in (given.content, flat))
    top = _top(tuple(map(len, choices)), tuple([item.token for item in flat]), others)
    return tuple([step.token for step in given.content]), logs.astype(np.float32), top


def _plain_steps(given: object, api: Api) -> Steps | None:
    if not isinstance(given, dict):
        raise TypeError
    return _chat_steps(given) if api == "chat" or "content" in given else _completion_steps(given)


def _chat_steps(given: Mapping[str, Any]) -> Steps | None:
    content = given.get("content")
    if content is None:
        return None
    if not isinstance(content, list):
        raise TypeError
    logs = _logs(content)
    if not bool(np.isfinite(logs).all()):
        raise ValueError
    choices = [_alternatives(step) for step in content]
    flat = [item for some in choices for item in some]
    top = _top(tuple(map(len, choices)), _tokens(flat), _logs(flat))
    return _tokens(content), logs.astype(np.float32), top


def _tokens(items: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    tokens = tuple([item["token"] for item in items])
    if not set(map(type, tokens)) <= {str}:
        raise TypeError
    return tokens


def _alternatives(step: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return step.get("top_logprobs") or step.get("top_probs") or ()


def _logs(items: Sequence[Mapping[str, Any]]) -> Floats:
    """Log-probabilities (n,); llama.cpp's processed mode sends the probabilities themselves, 0 included."""
    if all("logprob" in item for item in items):
        return _numbers([item["logprob"] for item in items])
    given = [float(_numbers([item["logprob"]])[0]) if "logprob" in item else _log(item["prob"]) for item in items]
    return np.array(given, dtype=np.float64)


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def _completion_steps(given: Mapping[str, Any]) -> Steps | None:
    logs = given.get("token_logprobs")
    if given.get("tokens") is None or logs is None:
        return None
    known = [value for value in logs if value is not None]
    array = np.full(len(logs), math.nan)
    array[[value is not None for value in logs]] = _numbers(known)
    steps = [(step or {}) for step in given.get("top_logprobs") or ()]
    flat = [item for step in steps for item in step.items()]
    top = _top(tuple(map(len, steps)), tuple(str(token) for token, _ in flat), _numbers([value for _, value in flat]))
    return tuple(map(str, given["tokens"])), array.astype(np.float32), top


def _top(counts: tuple[int, ...], tokens: tuple[str, ...], logs: Floats) -> TopLogprobs | None:
    """The alternatives of each step; None where no step has any."""
    if not tokens:
        return None
    return TopLogprobs(counts=counts, tokens=tokens, logprobs=logs.astype(np.float32))


def _check_fit(text: str, tokens: Sequence[str], billed: int | None) -> None:
    """Check that tokens spell the text, or match the billed number.

    Tokens that the server removed (reasoning, a stop text, the end token) may precede or follow the text. Characters
    split over tokens appear as bytes; then the number of tokens is compared, less one where the end token is not
    listed.
    """
    spelled, shown = "".join(tokens).replace("\u2581", " ").strip(), text.strip()
    if spelled.startswith(shown) or spelled.endswith(shown) or billed == len(tokens):
        return
    split = any("\ufffd" in token or "\\x" in token or token.startswith("<0x") for token in tokens)
    if split and billed == len(tokens) + 1:
        return
    raise _wrong(f"log-probabilities do not fit the text: {len(tokens)} tokens, {billed} billed")


def _wrong(what: str) -> RetryableError:
    return RetryableError(what, billed=True)
