"""Google's Gemini API: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from syngain.generators.servers.inner_form import by_role, limit_of, listed, number, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.generators.wire import Api as Form

NAMES = {
    "maxOutputTokens": "max_tokens",
    "topP": "top_p",
    "stopSequences": "stop",
    "responseLogprobs": "logprobs",
    "responseJsonSchema": "response_format",
    "responseMimeType": "response_format",
    "systemInstruction": "system",
    "Developer instruction": "system message",  # of models without one
}
FILTERS = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"})


@dataclass(frozen=True)
class GeminiWire:
    """Requests and answers of ``generateContent``."""

    form: Form = "chat"
    names: Mapping[str, str] = field(default_factory=lambda: NAMES)

    def path(self, model: str) -> str:
        """Where requests go."""
        return f"models/{quote(model.removeprefix('models/'), safe='')}:generateContent"

    def headers(self, key: str) -> dict[str, str]:
        """The key."""
        return {"x-goog-api-key": key} if key else {}

    def translated(self, body: Mapping[str, object]) -> dict[str, object]:
        """A request for one candidate."""
        system, turns = by_role(body["messages"])
        config: dict[str, object] = {"maxOutputTokens": limit_of(body)}
        named = {"temperature": "temperature", "top_p": "topP", "seed": "seed", "stop": "stopSequences"}
        config |= {other: body[name] for name, other in named.items() if name in body}
        if body.get("logprobs"):
            config |= {"responseLogprobs": True, "logprobs": body.get("top_logprobs") or 1}
        form: Any = body.get("response_format")
        if form:
            config["responseMimeType"] = "application/json"
            config |= {"responseJsonSchema": form["json_schema"]["schema"]} if form["type"] == "json_schema" else {}
        roles = {"assistant": "model"}
        out: dict[str, object] = {
            "contents": [{"role": roles.get(role, role), "parts": [{"text": text}]} for role, text in turns],
            "generationConfig": config,
        }
        return out | ({"systemInstruction": {"parts": [{"text": system}]}} if system else {})

    def restored(self, answer: object) -> object:
        """An answer with one choice; a blocked prompt is one that was filtered."""
        if not isinstance(answer, dict):
            return answer
        found = listed(answer.get("candidates"))
        feedback = answer.get("promptFeedback")
        blocked = isinstance(feedback, dict) and bool(feedback.get("blockReason"))
        choices = [_choice(one) for one in found[:1]]
        if blocked and not found:
            choices = [{"finish_reason": "content_filter"}]
        return {
            "id": answer.get("responseId"),
            "model": answer.get("modelVersion"),
            "choices": choices,
            "usage": _usage(answer.get("usageMetadata")),
        }

    def models(self, answer: object) -> list[str] | None:
        """The names of the models, without their folder."""
        data = answer.get("models") if isinstance(answer, dict) else None
        return [str(item["name"]).removeprefix("models/") for item in listed(data) if "name" in item] or None


def _usage(given: object) -> dict[str, object] | None:
    """Tokens of the prompt, and of the answer with its thoughts."""
    if not isinstance(given, dict) or "promptTokenCount" not in given:
        return None
    said = number(given.get("candidatesTokenCount")) + number(given.get("thoughtsTokenCount"))
    total = given.get("totalTokenCount")
    return {"prompt_tokens": given["promptTokenCount"], "completion_tokens": said, "total_tokens": total}


def _choice(candidate: Mapping[str, Any]) -> dict[str, object]:
    content, reason = candidate.get("content"), str(candidate.get("finishReason"))
    parts = listed(content.get("parts")) if isinstance(content, dict) else []
    texts = [text_of(part, "text") for part in parts if not part.get("thought") and "text" in part]
    thoughts = [text_of(part, "text") for part in parts if part.get("thought")]
    finish = "length" if reason == "MAX_TOKENS" else "content_filter" if reason in FILTERS else "stop"
    return {
        "message": {
            "content": "".join(texts) if texts else None,
            "reasoning_content": "\n\n".join(filter(None, thoughts)),
            "tool_calls": [part for part in parts if "functionCall" in part],
        },
        "finish_reason": finish,
        "logprobs": _logprobs(candidate.get("logprobsResult")),
    }


def _logprobs(given: object) -> dict[str, object] | None:
    """The chosen tokens and their alternatives, as a chat has them."""
    if not isinstance(given, dict) or not isinstance(given.get("chosenCandidates"), list):
        return None
    top = listed(given.get("topCandidates"))
    steps = []
    for place, chosen in enumerate(listed(given["chosenCandidates"])):
        others = listed(top[place].get("candidates")) if place < len(top) else []
        steps.append({**_token(chosen), "top_logprobs": list(map(_token, others))})
    return {"content": steps}


def _token(given: Mapping[str, Any]) -> dict[str, object]:
    return {"token": given.get("token"), "logprob": given.get("logProbability")}
