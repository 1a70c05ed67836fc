"""Read-only layouts: distilabel, Data Designer, Bespoke Curator, Easy Dataset.

Columns follow their documentation. All other fields are kept; provenance and log-probabilities are copied to the names
that syngain reads: ``generator``, ``source``, ``tokens``, ``token_logprobs``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syngain.data.layouts.entry import Emitted, Entry, LayoutError, Message, Row, messages_of, refuse_null, rest, said

PROMPTS = ("prompt", "instruction", "question", "problem", "query", "user_query", "input")
EASY_CHUNKS, EASY_LABELS = ("chunkContent", "chunk", "chunkName", "chunkId"), ("questionLabel", "labels")
TRACE, REASONING = "__trace", "__reasoning_content"


@dataclass(frozen=True, slots=True)
class Distilabel:
    """Distilabel output with ``distilabel_metadata``.

    Fields are ``instruction``, ``generation`` (or ``conversation``) and ``model_name``.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row; the system prompt comes from the raw input in the metadata."""
        metadata = _mapping(row.get("distilabel_metadata"))
        messages: tuple[Message, ...]
        taken: tuple[str, ...]
        if isinstance(row.get("conversation"), list):
            messages, taken = messages_of(row["conversation"], "conversation"), ("conversation",)
        else:
            asked = next(
                (name for name in ("instruction", "evolved_instruction") if isinstance(row.get(name), str)), ""
            )
            answer = next((name for name in ("generation", "response", "answer") if isinstance(row.get(name), str)), "")
            if not asked or not answer:
                raise LayoutError(
                    "no `instruction` with a `generation`", "output of a TextGeneration task of distilabel"
                )
            system = row.get("system_prompt") or _system(metadata)
            first = (said("system", system),) if isinstance(system, str) and system else ()
            messages = (*first, said("user", str(row[asked])), said("assistant", str(row[answer])))
            taken = (asked, answer, "system_prompt")
        further = {**_named("generator", row.get("model_name")), **_logprobs(metadata)}
        return Entry(messages=messages, extra=_with(rest(row, *taken), further))

    def emit(self, entry: Entry) -> Emitted:  # noqa: ARG002  (one signature for all layouts)
        """Not supported."""
        raise _read_only("distilabel")


@dataclass(frozen=True, slots=True)
class DataDesigner:
    """Columns of NeMo Data Designer.

    ``NAME__trace`` contains the messages of column NAME.

    Attributes:
        prompt, response: columns to read without a trace; default: found by ``NAME__reasoning_content``.
    """

    prompt: str | None = None
    response: str | None = None

    def parse(self, row: Row) -> Entry:
        """Read a row: the trace if available, else prompt and response columns."""
        name = self.response or _side_effect(row)
        trace = row.get(f"{name}{TRACE}")
        if isinstance(trace, str):
            trace = _json(trace)
        if isinstance(trace, Sequence) and len(trace) > 1:
            messages = tuple(_flat(item) for item in messages_of(trace, f"{name}{TRACE}"))
            return Entry(messages=messages, extra=rest(row, f"{name}{TRACE}", name))
        prompt = self.prompt or _first(row, PROMPTS)
        if not isinstance(row.get(prompt), str) or not isinstance(row.get(name), str):
            raise LayoutError(
                "neither a message trace nor a prompt and a response", "--prompt COLUMN --response COLUMN"
            )
        answer = said("assistant", str(row[name]))
        reasoning = row.get(f"{name}{REASONING}")
        if isinstance(reasoning, str):
            answer["reasoning_content"] = reasoning
        extra = rest(row, prompt, name, f"{name}{REASONING}")
        return Entry(messages=(said("user", str(row[prompt])), answer), extra=extra)

    def emit(self, entry: Entry) -> Emitted:  # noqa: ARG002  (one signature for all layouts)
        """Not supported."""
        raise _read_only("data_designer")


@dataclass(frozen=True, slots=True)
class Curator:
    """Output of a Bespoke Curator block: ``response`` and the input columns.

    Attributes:
        prompt, response: columns to read.
    """

    prompt: str | None = None
    response: str | None = None

    def parse(self, row: Row) -> Entry:
        """Read a row; a ``reasoning`` column is stored with the answer."""
        prompt, name = self.prompt or _first(row, PROMPTS), self.response or "response"
        if not isinstance(row.get(prompt), str) or not isinstance(row.get(name), str):
            refuse_null(row, prompt, name)
            raise LayoutError(
                "no prompt next to `response`", "rows whose `parse` returns the prompt as well, or --prompt COLUMN"
            )
        answer = said("assistant", str(row[name]))
        thought = _first(row, ("reasoning", "thinking", "reasoning_content"))
        if isinstance(row.get(thought), str):
            answer["reasoning_content"] = row[thought]
        extra = rest(row, prompt, name, thought)
        return Entry(
            messages=(said("user", str(row[prompt])), answer), extra=_with(extra, _named("generator", row.get("model")))
        )

    def emit(self, entry: Entry) -> Emitted:  # noqa: ARG002  (one signature for all layouts)
        """Not supported."""
        raise _read_only("curator")


@dataclass(frozen=True, slots=True)
class EasyDataset:
    """``question, answer, cot`` of Easy Dataset, with source chunk, label and model.

    Its custom export names the last two ``labels`` and ``chunk`` (once ``chunkId``), its own records ``questionLabel``,
    ``chunkContent`` and ``chunkName``. Its alpaca and sharegpt exports are read as those.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row; its source is the chunk.

        ``cot`` (chain of thought) is stored with the answer.
        """
        asked, reply = row.get("question"), row.get("answer")
        if not isinstance(asked, str) or not isinstance(reply, str):
            raise LayoutError("no `question` with an `answer`", "datasets exported by Easy Dataset")
        answer = said("assistant", reply)
        if isinstance(row.get("cot"), str) and row["cot"]:
            answer["reasoning_content"] = row["cot"]
        chunk = _first(row, EASY_CHUNKS)
        further = {
            **_named("source", row.get(chunk)),
            **_named("generator", row.get("model")),
            **_named("label", row.get(_first(row, EASY_LABELS))),
        }
        return Entry(
            messages=(said("user", asked), answer), extra=_with(rest(row, "question", "answer", "cot"), further)
        )

    def emit(self, entry: Entry) -> Emitted:  # noqa: ARG002  (one signature for all layouts)
        """Not supported."""
        raise _read_only("easy_dataset")


def _read_only(name: str) -> LayoutError:
    return LayoutError(f"{name} is a read-only layout", "messages, sharegpt, alpaca or another layout to write")


def _with(extra: Row, further: Row) -> Row:
    """Fields with further ones; existing fields are kept."""
    return {**further, **extra}


def _named(name: str, value: object) -> Row:
    return {name: value} if isinstance(value, str) and value else {}


def _first(row: Row, names: Sequence[str]) -> str:
    return next((name for name in names if isinstance(row.get(name), str)), names[0])


def _side_effect(row: Row) -> str:
    """The last column with side effects, which contains the others' results."""
    for mark in (TRACE, REASONING):
        found = [name.removesuffix(mark) for name in row if name.endswith(mark)]
        if found:
            return found[-1]
    return _first(row, ("response", "answer", "output", "completion"))


def _flat(item: Message) -> Message:
    """Content in blocks of text as one text."""
    blocks = item["content"]
    if isinstance(blocks, list) and all(isinstance(b, Mapping) and isinstance(b.get("text"), str) for b in blocks):
        return {**item, "content": "\n".join(str(block["text"]) for block in blocks)}
    return item


def _mapping(value: object) -> Mapping[str, object]:
    read = _json(value) if isinstance(value, str) else value
    return read if isinstance(read, Mapping) else {}


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _system(metadata: Mapping[str, object]) -> str:
    for name, value in metadata.items():
        if name.startswith("raw_input") and isinstance(value, list):
            for item in value:
                if isinstance(item, Mapping) and item.get("role") == "system" and isinstance(item.get("content"), str):
                    return str(item["content"])
    return ""


def _logprobs(metadata: Mapping[str, object]) -> Row:
    """Tokens and log-probabilities from ``logprobs...``.

    It contains the candidates of each token; the first is the sampled one.
    """
    for name, value in metadata.items():
        if not name.startswith("logprobs") or not isinstance(value, list) or not value:
            continue
        per_token = value[0] if _is_nested(value) else value
        said_first = [item[0] if isinstance(item, list) and item else item for item in per_token]
        if said_first and all(isinstance(one, Mapping) and "logprob" in one for one in said_first):
            return {
                "tokens": [one.get("token") for one in said_first],
                "token_logprobs": [one["logprob"] for one in said_first],
            }
    return {}


def _is_nested(value: list[object]) -> bool:
    """Whether the value is a list of lists of lists: candidates per token."""
    first = value[0]
    return len(value) == 1 and isinstance(first, list) and bool(first) and isinstance(first[0], list)
