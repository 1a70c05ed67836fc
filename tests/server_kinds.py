"""Twelve kinds of servers, from their documentation: what each takes, how it refuses, and what its answers look like.

Every kind answers with the chain of `fake_server.py`. ``source`` names the page or the thread that shows the behavior.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field

from fake_server import FakeServer

THOUGHT = "I think about it for a while, step by step, before I answer"  # 12 tokens


@dataclass(frozen=True)
class Kind:
    source: str
    recipe: dict = field(default_factory=dict)
    refuses: object = lambda asked: None  # (body) -> (status, JSON) or None
    reasoning: str = ""  # the field of a message
    inline: bool = False  # the reasoning stands in the content
    learns: tuple = ()  # words of the notes of a run
    prefix: str = "/v1"
    structured: str = "json_schema"


def _error(message, status=400, **fields):
    return status, {"error": {"message": message, "type": "invalid_request_error", "param": None, **fields}}


def _openai(asked):
    if "max_tokens" in asked:
        return _error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead.", param="max_tokens", code="unsupported_parameter",
        )  # fmt: skip
    if asked.get("logprobs"):
        return _error("You are not allowed to request logprobs from this model", 403, code=None)
    if asked.get("temperature") != 1:
        return _error(
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is "
            "supported.", param="temperature", code="unsupported_value",
        )  # fmt: skip
    return None


def _azure(asked):
    if "seed" in asked:
        return 400, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not "
                                 "permitted", "input": 123}]}  # fmt: skip
    return None


def _vllm(asked):
    most = 5
    if (asked.get("top_logprobs") or 0) > most:
        said = f"Requested sample logprobs of {asked['top_logprobs']}, which is greater than max allowed: {most}"
        return 400, {"object": "error", "message": said, "type": "BadRequestError", "param": None, "code": 400}
    return None


def _has_system(asked):
    return any(message["role"] == "system" for message in asked["messages"])


def _sglang(asked):
    return (500, b"Internal Server Error") if _has_system(asked) else None


def _llamacpp(asked):
    said = "Jinja Exception: System role not supported"
    return (500, {"error": {"code": 500, "message": said, "type": "server_error"}}) if _has_system(asked) else None


def _lmstudio(asked):
    form = asked.get("response_format")
    if form and form["type"] == "json_schema" and "name" not in form["json_schema"]:
        return 400, {"error": "'response_format.json_schema.name' is required"}
    if form and form["type"] == "json_object":
        return 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}
    return (400, {"error": "'logprobs' is not supported"}) if asked.get("logprobs") else None


def _openrouter(asked):
    raw = _openai({**asked, "temperature": 1, "logprobs": None})
    if raw is None:
        return None
    metadata = {"raw": json.dumps(raw[1]), "provider_name": "OpenAI"}
    return 400, {"error": {"message": "Provider returned error", "code": 400, "metadata": metadata}, "user_id": "u"}


def _litellm(asked):
    names = [name for name in ("logprobs", "top_logprobs", "seed") if name in asked]
    if names:
        return _error(
            f"litellm.UnsupportedParamsError: bedrock does not support parameters: {names}, for model=m. To drop "
            "these, set `litellm.drop_params=True` or for proxy: `litellm_settings: drop_params: true`",
            code="400",
        )
    if asked.get("temperature", 1) != 1:
        return _error(
            "litellm.UnsupportedParamsError: m doesn't support temperature=0.7 while reasoning is active. Only "
            "temperature=1 is supported unless reasoning_effort resolves to 'none'", code="400",
        )  # fmt: skip
    return None


def _mistral(asked):
    names = [name for name in ("seed", "logprobs", "top_logprobs", "max_completion_tokens") if name in asked]
    if not names:
        return None
    wrong = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted",
              "input": asked[name]} for name in names]  # fmt: skip
    return 422, {"object": "error", "message": {"detail": wrong}, "type": "invalid_request_error", "param": None}


def _together(asked):
    asks = asked.get("top_logprobs") or 0
    return (
        _error(f"{asks} is greater than the maximum of 1 - 'top_logprobs'", param="top_logprobs") if asks > 1 else None
    )


def _deepseek(asked):
    form = asked.get("response_format")
    if form and form["type"] == "json_schema":
        return _error("This response_format type is unavailable now", code="invalid_request_error")
    if form and "json" not in json.dumps(asked["messages"]).lower():
        return _error(
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        )
    return None


SERVERS = {
    "openai": Kind(
        "https://github.com/owndev/Open-WebUI-Functions/issues/136 and platform.openai.com/docs/guides/reasoning",
        refuses=_openai, reasoning="hidden",
        learns=("`max_tokens` is sent as `max_completion_tokens`", "`temperature` is always 1"),
    ),
    "azure": Kind(
        "https://github.com/langchain-ai/langchain-azure/issues/82 and learn.microsoft.com/azure/ai-foundry/openai",
        {"headers": {"api-key": "${AZURE_OPENAI_API_KEY}"}}, _azure, learns=("`seed` is left out",),
        prefix="/openai/v1",
    ),
    "vllm": Kind(
        "https://docs.vllm.ai/en/v0.8.3/features/reasoning_outputs.html", refuses=_vllm, reasoning="reasoning_content",
        learns=("`top_logprobs` is at most 5",),
    ),
    "sglang": Kind(
        "https://docs.sglang.io/docs/advanced_features/separate_reasoning and "
        "https://github.com/sgl-project/sglang/issues/892", refuses=_sglang, reasoning="reasoning_content",
        learns=("system messages are put",),
    ),
    "llama.cpp": Kind(
        "https://github.com/ggml-org/llama.cpp/issues/11866", refuses=_llamacpp, learns=("system messages are put",),
    ),
    "ollama": Kind("https://docs.ollama.com/api/openai-compatibility", reasoning="reasoning"),
    "lmstudio": Kind(
        "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/189", refuses=_lmstudio, inline=True,
        learns=("`logprobs` is left out",),
    ),
    "openrouter": Kind(
        "https://github.com/reVrost/go-openrouter/pull/21", refuses=_openrouter, reasoning="reasoning",
        learns=("`max_tokens` is sent as",),
    ),
    "litellm": Kind(
        "https://github.com/BerriAI/litellm/issues/6724 and https://github.com/BerriAI/litellm/pull/33738",
        refuses=_litellm, learns=("`seed` is left out", "`temperature` is always 1"),
    ),
    "mistral": Kind(
        "https://github.com/mistralai/platform-docs-public/issues/7 and https://github.com/simonw/llm-mistral/issues/2",
        {"rename": {"seed": "random_seed"}}, _mistral, reasoning="parts", learns=("`seed` is sent as `random_seed`",),
    ),
    "together": Kind(
        "https://github.com/stanford-crfm/helm/pull/2325", refuses=_together, learns=("`top_logprobs` is at most 1",),
    ),
    "deepseek": Kind(
        "https://github.com/llm-exe/llm-exe/issues/662 and https://api-docs.deepseek.com/guides/json_mode",
        refuses=_deepseek, reasoning="reasoning_content", structured="json_object",
        learns=("JSON is asked for by `response_format: json_object`",),
    ),
}  # fmt: skip


@dataclass
class KindServer(FakeServer):
    """A server of one kind. ``truth``: tokens billed; ``refusals``: requests refused; ``lost``: refusals and cuts."""

    kind: Kind = field(default_factory=lambda: Kind(""))
    truth: int = 0
    refused: int = 0
    declines: float = 0.0
    lost: Counter = field(default_factory=Counter)
    paths: set = field(default_factory=set)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.kind.prefix}"

    async def _answer(self, writer, method, path, headers, body):
        self.paths.add(path)
        if method == "POST":
            asked = json.loads(body)
            no = self.kind.refuses(asked)
            if no is not None:
                self.refused += 1
                return await self._send(writer, *no)
            limit = asked.get("max_tokens", asked.get("max_completion_tokens"))
            if not isinstance(limit, int):
                return await self._send(writer, 500, {"error": {"message": "a request without a limit"}})
            drawn = asked.get("seed", asked.get("random_seed", self.requests + 1_000_000))
            body = json.dumps({**asked, "max_tokens": limit, "seed": drawn}).encode()
        return await super()._answer(writer, method, path, headers, body)

    def _good(self, asked, path):
        data = json.loads(super()._good(asked, path))
        self.truth += data["usage"]["prompt_tokens"] + data["usage"]["completion_tokens"]
        return json.dumps(data).encode()

    def _content(self, asked, path):
        thinks = len(THOUGHT.split()) if self.kind.reasoning or self.kind.inline else 0
        form, limit = asked.get("response_format"), asked["max_tokens"]
        declined = "animal" not in asked["messages"][-1]["content"] and self._declined(asked)  # never a probe
        if declined == "cut":
            limit = thinks
        data = super()._content({**asked, "response_format": None, "max_tokens": max(limit - thinks, 1)}, path)
        choice, usage = data["choices"][0], data["usage"]
        message = choice["message"]
        asks = re.search(r'"properties": \{"(\w+)"', json.dumps(form) + asked["messages"][-1]["content"])
        if asks and (form or "JSON schema" in asked["messages"][-1]["content"]):
            message["content"], choice["logprobs"] = json.dumps({asks[1]: message["content"]}), None
        usage["completion_tokens"] += thinks
        if thinks and limit <= thinks:
            message["content"], choice["finish_reason"] = None, "length"
            choice["logprobs"], usage["completion_tokens"] = None, limit
        if declined == "refusal":
            message |= {"content": None, "refusal": "I'm sorry, I can't help with that."}
            choice["logprobs"] = None
            return data
        return self._thoughtful(data, message, thinks)

    def _declined(self, asked):
        """Refusals and cut answers, each this fraction of all prompts and seeds."""
        drawn = int(hashlib.sha256(json.dumps([asked["messages"], asked["seed"]]).encode()).hexdigest()[:8], 16) / 2**32
        found = "refusal" if drawn < self.declines else "cut" if drawn < 2 * self.declines else ""
        self.lost[found] += 1
        return found

    def _thoughtful(self, data, message, thinks):
        kind, text = self.kind, message["content"]
        if kind.inline:
            closed = f"</think>\n\n{text}" if text is not None else ""
            message["content"], data["choices"][0]["logprobs"] = f"<think>\n{THOUGHT}\n{closed}", None
        elif kind.reasoning == "hidden":
            data["usage"]["completion_tokens_details"] = {
                "reasoning_tokens": min(thinks, data["usage"]["completion_tokens"])
            }
            message["content"] = text or ""
        elif kind.reasoning == "parts" and text is not None:
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
            message["content"] = [thinking, {"type": "text", "text": text}]
        elif kind.reasoning:
            message[kind.reasoning] = THOUGHT
        return data
