"""Wires: the formats of requests and answers, by the name of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from syngain.generators import wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.generators.protocol import Call, Mode, Reply

Api = Literal["chat", "completions", "anthropic", "gemini"]


class Wire(Protocol):
    """The format of one API. No network."""

    def path(self, model: str) -> str:
        """Where requests go, after the base address."""
        ...

    def headers(self, key: str) -> dict[str, str]:
        """The headers with the key; without one where it is empty."""
        ...

    def body(self, call: Call, model: str) -> dict[str, object]:
        """The JSON of a request for one output."""
        ...

    def reply(self, answer: object, mode: Mode) -> Reply:
        """The reply in an answer.

        Raises:
            RetryableError: it violates the format. DeclinedError: it has no text for a row.
        """
        ...

    def models(self, answer: object) -> list[str] | None:
        """The models in an answer of ``models``; None without a list."""
        ...


@dataclass(frozen=True)
class OpenAIWire:
    """The chat or the completions of OpenAI, and of everything that is compatible."""

    api: wire.Api

    def path(self, model: str) -> str:
        """Where requests go."""
        del model
        return "chat/completions" if self.api == "chat" else "completions"

    def headers(self, key: str) -> dict[str, str]:
        """The key as a bearer."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def body(self, call: Call, model: str) -> dict[str, object]:
        """The JSON of a request."""
        return wire.body(call, model=model, api=self.api)

    def reply(self, answer: object, mode: Mode) -> Reply:
        """The reply in an answer."""
        return wire.reply(answer, api=self.api, mode=mode)

    def models(self, answer: object) -> list[str] | None:
        """The ids of the models."""
        data = answer.get("data") if isinstance(answer, dict) else None
        return [str(item["id"]) for item in data if isinstance(item, dict) and "id" in item] if data else None


WIRES: Mapping[Api, Wire] = {"chat": OpenAIWire("chat"), "completions": OpenAIWire("completions")}
