"""Log-probabilities of given texts by ``prompt_logprobs`` (vLLM) or ``echo``.

The start of the text is found from the end: the last tokens whose concatenation is the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from syngain.generators.protocol import Messages, Scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.generators.wire import Api

Way = Literal["prompt_logprobs", "echo"]


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """A request that may give the log-probabilities of a text."""

    way: Way
    path: str
    body: Mapping[str, object]


def requests_for(messages: Messages, text: str, *, model: str, api: Api) -> Sequence[ScoreRequest]:
    """Requests to try, the most exact one first."""
    common = {"model": model, "max_tokens": 1, "temperature": 1.0}
    if api == "chat":
        turns = [{"role": role, "content": content} for role, content in messages]
        turns.append({"role": "assistant", "content": text})
        unfinished = {"add_generation_prompt": False, "continue_final_message": True, "prompt_logprobs": 0}
        return [ScoreRequest("prompt_logprobs", "chat/completions", {**common, **unfinished, "messages": turns})]
    whole = "\n\n".join(content for _, content in messages) + text
    return [
        ScoreRequest("prompt_logprobs", "completions", {**common, "prompt": whole, "prompt_logprobs": 0}),
        ScoreRequest("echo", "completions", {**common, "prompt": whole, "echo": True, "logprobs": 1, "max_tokens": 0}),
    ]


def read_scores(answer: object, request: ScoreRequest, text: str) -> Scored | None:
    """The scores of the text, None where the answer has none."""
    try:
        steps = _vllm(answer) if request.way == "prompt_logprobs" else _echo(answer)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    if not steps:
        return None
    spelled, first = "", len(steps)
    while first and len(spelled) < len(text):
        first -= 1
        spelled = steps[first][0] + spelled
    if spelled != text or any(value is None for _, value in steps[first:]):
        return None
    logs = np.array([value for _, value in steps[first:]], dtype=np.float32)
    return Scored(tokens=tuple(t for t, _ in steps[first:]), logprobs=logs, end_included=False, mode="raw")


def _vllm(answer: Any) -> list[tuple[str, float | None]]:  # noqa: ANN401  (JSON)
    """Scores from ``prompt_logprobs``.

    This is a list with, per token, a mapping of token ids; the first entry is the given token.
    """
    given = answer.get("prompt_logprobs") or answer["choices"][0]["prompt_logprobs"]
    steps: list[tuple[str, float | None]] = []
    for step in given:
        if step is None:
            steps.append(("", None))
            continue
        first = next(iter(step.values()))
        steps.append((str(first["decoded_token"]), float(first["logprob"])))
    return steps


def _echo(answer: Any) -> list[tuple[str, float | None]]:  # noqa: ANN401  (JSON)
    logs = answer["choices"][0]["logprobs"]
    values = [None if value is None else float(value) for value in logs["token_logprobs"]]
    return list(zip(map(str, logs["tokens"]), values, strict=True))
