"""Servers with Anthropic's and Google's formats, around the chain of `fake_server.py`; from their documentation.

https://docs.claude.com/en/api/messages, https://ai.google.dev/api/generate-content and
https://github.com/vercel/ai/issues/4235 (a blocked prompt).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from server_kinds import THOUGHT, Kind, KindServer

THINKS = len(THOUGHT.split())


def _claude_refuses(asked):
    said = ""
    if "seed" in asked or "logprobs" in asked:
        said = "seed: Extra inputs are not permitted"
    if "temperature" in asked and "top_p" in asked:
        said = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    return (400, {"type": "error", "error": {"type": "invalid_request_error", "message": said}}) if said else None


def _gemini_refuses(asked):
    if asked["generationConfig"].get("responseLogprobs"):
        said = "Unable to submit request because Logprobs is not supported for this model."
        return 400, {"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}}
    return None


KINDS = {
    "anthropic": Kind("https://docs.claude.com/en/api/messages", {"kind": "anthropic"}, _claude_refuses),
    "gemini": Kind("https://ai.google.dev/api/generate-content", {"kind": "gemini"}, _gemini_refuses, prefix="/v1beta"),
}


@dataclass
class OtherServer(KindServer):
    """``with OtherServer(kind=KINDS["gemini"])``; every tenth answer or so is declined with ``declines``."""

    async def _answer(self, writer, method, path, headers, body):
        self.paths.add(path)
        self.headers.append(headers)
        if method == "GET":
            listed = {"models": [{"name": "models/fake"}]} if self.gemini else {"data": [{"id": "fake"}]}
            return await self._send(writer, 200, listed)
        asked = json.loads(body)
        self.bodies.append(asked)
        no = self.kind.refuses(asked)
        if no is not None:
            self.refused += 1
            return await self._send(writer, *no)
        self.requests += 1
        return await self._send(writer, 200, self._told(asked))

    @property
    def gemini(self):
        return self.kind.recipe["kind"] == "gemini"

    def _told(self, asked):
        limit = asked["generationConfig"]["maxOutputTokens"] if self.gemini else asked["max_tokens"]
        inner = self._inner(asked, limit)
        data = self._content(inner, "chat/completions")
        choice, usage = data["choices"][0], data["usage"]
        cut, declined = limit <= THINKS, self.rng.random() < self.declines
        text = None if cut or declined else choice["message"]["content"]
        said = min(usage["completion_tokens"], limit - THINKS) if text is not None else 0
        spent = min(THINKS, limit)
        self.truth += usage["prompt_tokens"] + spent + said
        told = self._gemini if self.gemini else self._claude
        return told(text, cut, declined, (usage["prompt_tokens"], spent, said))

    def _inner(self, asked, limit):
        if self.gemini:
            turns = [{"role": "user", "content": part["parts"][0]["text"]} for part in asked["contents"]]
            schema = asked["generationConfig"].get("responseJsonSchema")
        else:
            turns, schema = asked["messages"], asked.get("output_config", {}).get("format", {}).get("schema")
        form = {"type": "json_schema", "json_schema": {"schema": schema}} if schema else None
        return {
            "model": "fake", "messages": turns, "seed": self.requests, "max_tokens": max(limit - THINKS, 1),
            "response_format": form,
        }  # fmt: skip

    def _claude(self, text, cut, declined, counts):
        blocks = [{"type": "thinking", "thinking": THOUGHT, "signature": "s"}]
        if text is not None:
            blocks.append({"type": "text", "text": text})
        return {
            "id": f"msg_{self.requests}", "type": "message", "role": "assistant", "model": "fake", "content": blocks,
            "stop_reason": "max_tokens" if cut else "refusal" if declined else "end_turn",
            "usage": {"input_tokens": counts[0] - 2, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 0,
                      "output_tokens": counts[1] + counts[2]},
        }  # fmt: skip

    def _gemini(self, text, cut, declined, counts):
        usage = {"promptTokenCount": counts[0], "candidatesTokenCount": counts[2], "thoughtsTokenCount": counts[1],
                 "totalTokenCount": sum(counts)}  # fmt: skip
        if declined:
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": usage}
        parts = [{"text": THOUGHT, "thought": True}, *([] if text is None else [{"text": text}])]
        reason = "MAX_TOKENS" if cut else "STOP"
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake",
                "responseId": f"r{self.requests}"}  # fmt: skip

    def _content(self, asked, path):
        from fake_server import FakeServer

        return FakeServer._content(self, asked, path)
