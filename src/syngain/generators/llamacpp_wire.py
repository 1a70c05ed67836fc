"""Requests and responses of llama.cpp's completion API. Loads nothing.

Every sampler but temperature and top-p is switched off: with llama.cpp's defaults (top-k 40, min-p .05, top-p before
temperature) an output would come from an unrecorded distribution. The server lists no log-probabilities for tokens
that end inside a character, so those that it lists must be aligned with the tokens it drew.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import log_softmax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.generators.protocol import Call

Step = dict[str, Any]
FORCE = 1e4  # added to a logit: no other token can be drawn
SAMPLERS = ("temperature", "top_p")  # in this order, as in `laws`
FIELDS = ("content", "tokens", "completion_probabilities", "stop_type", "tokens_evaluated")
SEEDS = 2**32 - 1  # that very number means a random seed


def settings(library: Any, path: str, *, batch: int, context: int, threads: int) -> Any:  # noqa: ANN401  (untyped)
    """Server parameters: no output on the terminal, and completions only."""
    found = library.CommonParams()
    found.model.path = path
    found.n_parallel, found.n_ctx = batch, batch * context
    found.cpuparams.n_threads = found.cpuparams_batch.n_threads = threads
    found.cpuparams.poll = found.cpuparams_batch.poll = 0  # spinning threads would block cores of a busy machine
    found.cache_ram_mib = 0  # finished prompts are not cached
    found.verbosity = -1
    found.warmup = found.ui = found.endpoint_slots = False
    found.offline = True
    return found


def body(prompt: Sequence[int], call: Call, *, mode: Literal["processed", "raw"]) -> dict[str, object]:
    """The request for one output."""
    sampling = call.sampling
    content: dict[str, object] = {
        **_common(prompt, sampling.max_tokens),
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": call.seed % SEEDS,
        "stop": list(sampling.stop),
    }
    if sampling.logprobs:
        content |= {"n_probs": max(sampling.top_logprobs, 1), "post_sampling_probs": mode == "processed"}
    if call.schema is not None:
        content["json_schema"] = dict(call.schema)
    return content


def forced(prompt: Sequence[int], token: int, *, top: int, slot: int = -1) -> dict[str, object]:
    """The request that forces one token, with raw log-probabilities (before the bias)."""
    certain = {"temperature": 0.0, "logit_bias": [[token, FORCE]], "n_probs": top, "id_slot": slot}
    return _common(prompt, 1) | certain


def _common(prompt: Sequence[int], tokens: int) -> dict[str, object]:
    return {
        "prompt": list(prompt),
        "n_predict": tokens,
        "samplers": list(SAMPLERS),
        "top_k": 0,
        "min_p": 0.0,
        "return_tokens": True,
        "response_fields": list(FIELDS),
    }


def as_protocol(answer: Mapping[str, Any], steps: Sequence[Step] | None) -> dict[str, object]:
    """Convert an answer to the OpenAI protocol."""
    choice = {
        "text": answer["content"],
        "finish_reason": "length" if answer["stop_type"] == "limit" else "stop",
        "logprobs": None if steps is None else {"content": list(steps)},
    }
    usage = {"prompt_tokens": answer["tokens_evaluated"], "completion_tokens": len(answer["tokens"])}
    return {"choices": [choice], "usage": usage}


def aligned(tokens: Sequence[int], listed: Sequence[int]) -> list[int | None]:
    """For each drawn token, its step among the listed ones.

    None where it has none, or where the step may be another token's. Matched from the left and from the right: where
    one of several equal adjacent tokens is not listed, the two disagree.
    """
    left = _greedy(tokens, listed)
    right = _greedy(tokens[::-1], listed[::-1])[::-1]
    last = len(listed) - 1
    return [a if b is not None and a == last - b else None for a, b in zip(left, right, strict=True)]


def _greedy(tokens: Sequence[int], listed: Sequence[int]) -> list[int | None]:
    found: list[int | None] = []
    at = 0
    for token in tokens:
        here = at < len(listed) and listed[at] == token
        found.append(at if here else None)
        at += here
    return found


def chosen_only(given: Step) -> Step:
    """A step without its alternatives, which the server always sends."""
    return {key: value for key, value in given.items() if key not in {"top_logprobs", "top_probs"}}


def step(token: int, law: Floats, names: Mapping[int, str], *, top: int) -> Step:
    """The listed step of a token that ends inside a character.

    It comes from the full distribution.
    """
    best = [int(k) for k in np.argsort(-law, kind="stable")[:top] if np.isfinite(law[k])]
    return {
        "id": token,
        "token": names.get(token, "\ufffd"),
        "logprob": float(law[token]),
        "top_logprobs": [{"token": names[k], "logprob": float(law[k])} for k in best],
    }


def warped(raw: Floats, *, temperature: float, top_p: float) -> Floats:
    """The sampling distribution from raw log-probabilities (n,).

    Temperature first, then top-p, as in ``laws``.
    """
    if temperature == 0:
        greedy = np.full(len(raw), -np.inf)
        greedy[int(raw.argmax())] = 0.0
        return greedy
    logs: Floats = np.asarray(log_softmax(raw / temperature), dtype=np.float64)
    if top_p < 1:
        order = np.argsort(-logs, kind="stable")
        mass = np.exp(logs[order])
        logs[order[mass.cumsum() - mass >= top_p]] = -np.inf  # the mass before a token reaches p already
        logs = np.asarray(log_softmax(logs), dtype=np.float64)
    return logs


def complaint(text: str) -> str:
    """The server's error message, in one short line."""
    try:
        error = json.loads(text)["error"]
        said = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        said = text
    return " ".join(said.split())[:200]
