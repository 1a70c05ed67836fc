"""Anthropic's Messages API: https://docs.claude.com/en/api/messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syngain.generators.servers.inner_form import by_role, limit_of, listed, number, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.generators.wire import Api as Form

VERSION = "2023-06-01"
FINISHED = {"max_tokens": "length", "model_context_window_exceeded": "length"}


@dataclass(frozen=True)
class AnthropicWire:
    """Requests and answers of ``messages``. There are no log-probabilities and no seed."""

    form: Form = "chat"
    names: Mapping[str, str] = field(
        default_factory=lambda: {"stop_sequences": "stop", "output_config": "response_format", "system": "system"}
    )

    def path(self, model: str) -> str:
        """Where requests go."""
        del model
        return "messages"

    def headers(self, key: str) -> dict[str, str]:
        """The version, and the key."""
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def translated(self, body: Mapping[str, object]) -> dict[str, object]:
        """A request; temperature and top-p are sent where they change something, because models take one of them."""
        system, turns = by_role(body["messages"])
        out: dict[str, object] = {"model": body["model"], "max_tokens": limit_of(body)}
        out["messages"] = [{"role": role, "content": text} for role, text in turns]
        out |= {"system": system} if system else {}
        out |= {name: body[name] for name in ("temperature", "top_p") if body.get(name, 1) != 1}
        if "stop" in body:
            out["stop_sequences"] = body["stop"]
        form: Any = body.get("response_format")
        if form and form["type"] == "json_schema":
            out["output_config"] = {"format": {"type": "json_schema", "schema": form["json_schema"]["schema"]}}
        return out

    def restored(self, answer: object) -> object:
        """An answer with one choice."""
        if not isinstance(answer, dict) or not isinstance(answer.get("content"), list):
            return answer
        billed = answer.get("usage")
        given: Mapping[str, Any] = billed if isinstance(billed, dict) else {}
        read = (given.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"))
        usage = {"prompt_tokens": sum(map(number, read)), "completion_tokens": given.get("output_tokens")}
        return {
            "id": answer.get("id"),
            "model": answer.get("model"),
            "choices": [_choice(listed(answer["content"]), str(answer.get("stop_reason")))],
            "usage": usage if "input_tokens" in given else None,
        }

    def models(self, answer: object) -> list[str] | None:
        """The ids of the models."""
        data = answer.get("data") if isinstance(answer, dict) else None
        return [str(item["id"]) for item in listed(data) if "id" in item] or None


def _choice(blocks: list[Mapping[str, Any]], stop: str) -> dict[str, object]:
    texts = [text_of(block, "text") for block in blocks if block.get("type") == "text"]
    message = {
        "content": "".join(texts) if texts else None,
        "reasoning_content": "\n\n".join(filter(None, (text_of(block, "thinking") for block in blocks))),
        "refusal": "refused" if stop == "refusal" else None,
        "tool_calls": [block for block in blocks if block.get("type") == "tool_use"],
    }
    if stop == "refusal":
        message["content"] = None  # what came before a refusal is not to be used
    return {"message": message, "finish_reason": FINISHED.get(stop, "stop"), "logprobs": None}
