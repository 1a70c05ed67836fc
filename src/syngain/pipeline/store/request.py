"""Requests of a run: prompt, purpose, and stored form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from syngain.generators.protocol import Call, Sampling, request_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.generators.protocol import Messages

Stage = Literal["generate", "repair", "verify", "template"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpec:
    """The row that a request is for.

    Attributes:
        strategy: its title. ``anchors``: ids of the real rows in the prompt, the main one first.
        label: of the row. output: form of the answer. into: field of a text. fixed: known fields.
        repair: whether an invalid answer gets one repair turn.
    """

    strategy: str
    anchors: tuple[str, ...]
    label: str | None
    output: Literal["text", "pair", "json"]
    into: str
    fixed: Mapping[str, object]
    repair: bool = False

    def as_json(self) -> dict[str, object]:
        """The row as stored."""
        return {
            "strategy": self.strategy,
            "anchors": list(self.anchors),
            "label": self.label,
            "output": self.output,
            "into": self.into,
            "fixed": dict(self.fixed),
            "repair": self.repair,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> RowSpec:
        """The row of :meth:`as_json`."""
        return cls(**{**stored, "anchors": tuple(stored["anchors"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgmentSpec:
    """The judgment of a row by the verifier of a curation step."""

    step: int

    def as_json(self) -> dict[str, object]:
        """The judgment as stored."""
        return {"step": self.step}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> JudgmentSpec:
        """The judgment of :meth:`as_json`."""
        return cls(**stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One requested output.

    Attributes:
        purpose: use of the answer. sample: index among equal prompts; with model, prompt and parameters it makes
            the key. schema: of answers in JSON. parent: key of the request whose answer this one repairs.
    """

    messages: Messages
    sampling: Sampling
    sample: int
    run_seed: int
    purpose: RowSpec | JudgmentSpec
    stage: Stage = "generate"
    schema: Mapping[str, object] | None = None
    parent: bytes | None = None

    @property
    def row(self) -> RowSpec:
        """The row of the request.

        Raises:
            TypeError: the request is for a judgment.
        """
        if isinstance(self.purpose, JudgmentSpec):
            raise TypeError("a request for a judgment has no row")
        return self.purpose

    def key(self, identity: Mapping[str, object]) -> bytes:
        """SHA-256 of the canonical JSON of model, prompt, parameters and sample index."""
        parameters = {**self.sampling.as_json(), "seed": self.run_seed, "schema": self.schema}
        return bytes.fromhex(request_key(identity, self.messages, parameters, self.sample))

    def as_json(self) -> dict[str, object]:
        """The stored form, without stage and parent."""
        return {
            "messages": [list(message) for message in self.messages],
            "sampling": self.sampling.as_json(),
            "sample": self.sample,
            "seed": self.run_seed,
            "slot": self.purpose.as_json(),
            "schema": self.schema,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], *, stage: Stage, parent: bytes | None) -> Request:
        """The request of :meth:`as_json`."""
        sampling, purpose = stored["sampling"], stored["slot"]
        return cls(
            messages=tuple((role, text) for role, text in stored["messages"]),
            sampling=Sampling(**{**sampling, "stop": tuple(sampling["stop"])}),
            sample=stored["sample"],
            run_seed=stored["seed"],
            purpose=JudgmentSpec.from_json(purpose) if stage == "verify" else RowSpec.from_json(purpose),
            stage=stage,
            schema=stored["schema"],
            parent=parent,
        )

    def call(self, key: bytes) -> Call:
        """The call of a generator; its seed comes from the key."""
        return Call(
            key=key.hex(),
            messages=self.messages,
            sampling=self.sampling,
            seed=int.from_bytes(key[:4], "little") >> 1,
            schema=self.schema,
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """A request of the store without an answer."""

    position: int
    key: bytes
    request: Request
