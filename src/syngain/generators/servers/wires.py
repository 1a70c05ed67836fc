"""Wires: the formats of requests and answers, by the name of the API.

Requests and answers have one inner form, that of OpenAI's chat: dialects are learned and answers are read in it. A wire
translates a request into the form of its servers, and an answer back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from syngain.generators.servers.anthropic import AnthropicWire
from syngain.generators.servers.gemini import GeminiWire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.generators.wire import Api as Form

Api = Literal["chat", "completions", "anthropic", "gemini"]


class Wire(Protocol):
    """The format of one API. No network."""

    @property
    def form(self) -> Form:
        """The inner form of its requests and answers."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """Parameters by the names of its servers, where they differ from those of the inner form."""
        ...

    def path(self, model: str) -> str:
        """Where requests go, after the base address."""
        ...

    def headers(self, key: str) -> dict[str, str]:
        """The headers with the key; without one where it is empty."""
        ...

    def translated(self, body: Mapping[str, object]) -> dict[str, object]:
        """A request of the inner form in the form of its servers."""
        ...

    def restored(self, answer: object) -> object:
        """An answer in the inner form; one of a wrong shape has no choices."""
        ...

    def models(self, answer: object) -> list[str] | None:
        """The models in an answer of ``models``; None without a list."""
        ...


@dataclass(frozen=True)
class OpenAIWire:
    """The chat or the completions of OpenAI, and of everything that is compatible."""

    form: Form
    names: Mapping[str, str] = field(default_factory=dict)

    def path(self, model: str) -> str:
        """Where requests go."""
        del model
        return "chat/completions" if self.form == "chat" else "completions"

    def headers(self, key: str) -> dict[str, str]:
        """The key as a bearer."""
        return {"Authorization": f"Bearer {key}"} if key else {}

    def translated(self, body: Mapping[str, object]) -> dict[str, object]:
        """The request itself."""
        return dict(body)

    def restored(self, answer: object) -> object:
        """The answer itself."""
        return answer

    def models(self, answer: object) -> list[str] | None:
        """The ids of the models."""
        data = answer.get("data") if isinstance(answer, dict) else None
        return [str(item["id"]) for item in data if isinstance(item, dict) and "id" in item] if data else None


WIRES: Mapping[Api, Wire] = {
    "chat": OpenAIWire("chat"),
    "completions": OpenAIWire("completions"),
    "anthropic": AnthropicWire(),
    "gemini": GeminiWire(),
}
