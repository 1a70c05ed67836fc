"""The dialect of a server: how it wants a request to be worded, in one immutable value.

It changes names, leaves out what is not taken, and moves what has no place of its own (system messages, schemas) into
the prompt. The limit of the output is renamed, and never left out: the ceiling of a budget relies on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.generators.protocol import Reply, Sampling

Structured = Literal["json_schema", "json_object", "prompt"]
STRUCTURED: tuple[Structured, ...] = ("json_schema", "json_object", "prompt")
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict", "num_predict")
_SENT = ("temperature", "top_p", "seed", "stop", "logprobs", "top_logprobs", "response_format", "system")
_SAMPLED = ("temperature", "top_p")
_WORDS = {
    "temperature": "the server's own applies",
    "top_p": "the server's own applies",
    "seed": "answers are not repeatable",
    "stop": "stop texts are applied here",
    "logprobs": "rows have no log-probabilities",
    "top_logprobs": "rows have no alternatives",
}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How requests to a server are worded.

    Attributes:
        renamed: names of parameters. omitted: parameters that are left out. values: the only value that is taken.
        most: largest values. folded: system messages are put in front of the first user message.
        structured: how an answer in JSON is asked for. said: the server's words, by parameter.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)
    folded: bool = False
    structured: Structured = "json_schema"
    said: Mapping[str, str] = field(default_factory=dict)

    def renaming(self, name: str, other: str, said: str = "") -> Dialect:
        """The dialect with another name of a parameter."""
        return replace(self, renamed={**self.renamed, name: other}, said={**self.said, name: said})

    def omitting(self, name: str, said: str = "") -> Dialect:
        """The dialect without a parameter; without log-probabilities there are no alternatives either.

        Raises:
            UsageError: the parameter limits the output.
        """
        if name in LIMITS:
            raise UsageError(
                f"`omit: [{name}]`",
                expected="a limit of the output in every request: a budget relies on it",
                todo=f"rename it: `rename: {{{name}: max_completion_tokens}}`",
            )
        names = (name, "top_logprobs") if name == "logprobs" else (name,)
        omitted = tuple(dict.fromkeys((*self.omitted, *names)))
        return replace(self, omitted=omitted, said={**self.said, name: said})

    def fixing(self, name: str, value: float, said: str = "") -> Dialect:
        """The dialect with one value of a parameter."""
        return replace(self, values={**self.values, name: value}, said={**self.said, name: said})

    def capping(self, name: str, most: int, said: str = "") -> Dialect:
        """The dialect with a largest value of a parameter."""
        return replace(self, most={**self.most, name: most}, said={**self.said, name: said})

    def folding(self, said: str = "") -> Dialect:
        """The dialect without system messages."""
        return replace(self, folded=True, said={**self.said, "system": said})

    def structuring(self, structured: Structured, said: str = "") -> Dialect:
        """The dialect with another way to ask for JSON."""
        return replace(self, structured=structured, said={**self.said, "response_format": said})

    def worded(self, body: Mapping[str, object]) -> dict[str, object]:
        """A request in this dialect."""
        out = dict(body)
        if self.structured != "json_schema" and "response_format" in out:
            _with_schema(out, self.structured)
        if self.folded and "messages" in out:
            out["messages"] = _folded(out["messages"])
        return self._parameters(out)

    def _parameters(self, given: Mapping[str, object]) -> dict[str, object]:
        kept = {name: self.values.get(name, value) for name, value in given.items() if name not in self.omitted}
        for name, most in self.most.items():
            if isinstance(kept.get(name), int):
                kept[name] = min(int(str(kept[name])), most)
        return {self.renamed.get(name, name): value for name, value in kept.items()}

    def adapted(self, reply: Reply, sampling: Sampling) -> Reply:
        """An answer in this dialect: stop texts that were left out end it here, and unknown values are noted."""
        applied = {name: self.values.get(name) for name in _SAMPLED if name in self.omitted or name in self.values}
        if applied:
            reply = replace(reply, extra={**reply.extra, "sampled": applied})
        if "stop" not in self.omitted or not sampling.stop:
            return reply
        ends = [at for at in map(reply.text.find, sampling.stop) if at >= 0]
        return replace(reply, text=reply.text[: min(ends)], finish="stop") if ends else reply

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is worded in another way than usual, and why."""
        found = [(name, f"`{name}` is sent as `{other}`") for name, other in self.renamed.items()]
        found += [(name, f"`{name}` is always {value:g}") for name, value in self.values.items()]
        for name in self.omitted:
            if name == "top_logprobs" and "logprobs" in self.omitted:
                continue
            words = _WORDS.get(name, "")
            found.append((name, f"`{name}` is left out" + (f": {words}" if words else "")))
        found += [(name, f"`{name}` is at most {most}") for name, most in self.most.items()]
        if self.folded:
            found.append(("system", "system messages are put in front of the first user message"))
        if self.structured != "json_schema":
            way = "`response_format: json_object` and " if self.structured == "json_object" else ""
            found.append(("response_format", f"JSON is asked for by {way}the schema in the prompt"))
        return tuple(f"{text} ({said})" if (said := self.said.get(name)) else text for name, text in found)

    def as_json(self) -> dict[str, object]:
        """The dialect as a store keeps it."""
        return {
            "renamed": dict(self.renamed),
            "omitted": list(self.omitted),
            "values": dict(self.values),
            "most": dict(self.most),
            "folded": self.folded,
            "structured": self.structured,
            "said": dict(self.said),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Dialect:
        """The dialect of :meth:`as_json`."""
        return cls(**{**stored, "omitted": tuple(stored["omitted"])})


def _folded(messages: object) -> list[dict[str, str]]:
    """The messages without system roles; their texts come before the first message of the user."""
    given: list[dict[str, str]] = list(messages) if isinstance(messages, list) else []
    texts = [message["content"] for message in given if message["role"] == "system"]
    rest = [dict(message) for message in given if message["role"] != "system"]
    first = next((message for message in rest if message["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": "\n\n".join(texts)}, *rest] if texts else rest
    first["content"] = "\n\n".join([*texts, first["content"]])
    return rest


def _with_schema(body: dict[str, object], structured: Structured) -> None:
    """Ask for JSON without a schema of the server: the last message holds the schema."""
    given: Any = body.pop("response_format")
    if structured == "json_object":
        body["response_format"] = {"type": "json_object"}
    messages: Any = body["messages"]
    last = messages[-1]
    body["messages"] = [*messages[:-1], {**last, "content": last["content"] + schema_words(given)}]


def schema_words(response_format: Mapping[str, Any]) -> str:
    """The text of a prompt that replaces a schema of the server."""
    schema = response_format.get("json_schema", {}).get("schema", {})
    return f"\n\nAnswer with one JSON object of this JSON schema, and nothing else:\n{json.dumps(schema)}"


def merged(body: Mapping[str, object], extra: Mapping[str, object]) -> dict[str, object]:
    """A request with more fields; parts that both have are merged, so that nothing of the request is lost."""
    out = dict(body)
    for name, value in extra.items():
        given = out.get(name)
        out[name] = merged(given, value) if isinstance(given, dict) and isinstance(value, dict) else value
    return out


def dialect_of(rename: Mapping[str, str], omit: Sequence[str]) -> Dialect:
    """The dialect that a recipe sets.

    Raises:
        UsageError: it would leave out the limit of the output, or rename it to something else; or an unknown name.
    """
    found = Dialect()
    for key, named in (("omit", omit), ("rename", rename)):
        unknown = [name for name in named if name not in {*LIMITS, *_SENT}]
        if unknown:
            raise UsageError(
                f"`{key}` names {unknown[0]}, which no request has",
                expected=f"one of {', '.join(('max_tokens', *_SENT))}",
                todo="correct the name; a field of `extra_body` is left out by removing it there",
            )
    for name in omit:
        found = found.folding() if name == "system" else _omitted(found, name)
    for name, other in rename.items():
        if (name in LIMITS) != (other in LIMITS):
            raise UsageError(
                f"`rename: {{{name}: {other}}}`",
                expected=f"a limit of the output under one of its names: {', '.join(LIMITS)}",
                todo="correct the name",
            )
        found = found.renaming(name, other)
    return found


def _omitted(dialect: Dialect, name: str) -> Dialect:
    return dialect.structuring("prompt") if name == "response_format" else dialect.omitting(name)
