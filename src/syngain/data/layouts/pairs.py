"""Layouts of prompt and answer (plain, Alpaca, QA, TRL, preferences) and of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from syngain.data.columns.roles import TEXT
from syngain.data.layouts.entry import (
    INPUT,
    Emitted,
    Entry,
    LayoutError,
    Row,
    finished,
    last_answer,
    messages_of,
    plain_messages,
    refuse_null,
    rest,
    said,
    tools_of,
    unjudged,
    with_system,
)

ALPACA = ("instruction", "input", "output", "system", "history")


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt and a response as two texts, under two names.

    Attributes:
        prompt, response: the names. aliases: other names of the response that are read.
    """

    prompt: str = "prompt"
    response: str = "completion"
    aliases: tuple[str, ...] = ()

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        name = next((one for one in (self.response, *self.aliases) if isinstance(row.get(one), str)), self.response)
        asked, answer = row.get(self.prompt), row.get(name)
        if not isinstance(asked, str) or not isinstance(answer, str):
            refuse_null(row, self.prompt, name)
            raise LayoutError(f"`{self.prompt}` or `{self.response}` is not text", "a prompt and a response, both text")
        return Entry(messages=(said("user", asked), said("assistant", answer)), extra=rest(row, self.prompt, name))

    def emit(self, entry: Entry) -> Emitted:
        """Write one question and one answer; tools and a system message are lost."""
        kept, lost = unjudged(entry, f"{self.prompt} and {self.response}")
        if kept.tools is not None:
            lost.append("tools")
        plain, further = plain_messages([item for item in kept.messages if item["role"] != "system"])
        if len(plain) < len(kept.messages):
            lost.append("messages[].role=system")
        if [item["role"] for item in plain] != ["user", "assistant"]:
            raise LayoutError(f"a conversation of {len(plain)} turns", "one question and one answer")
        return finished(
            {self.prompt: plain[0]["content"], self.response: plain[1]["content"]}, kept, [*lost, *further], self._names
        )

    @property
    def _names(self) -> tuple[str, ...]:
        return self.prompt, self.response


@dataclass(frozen=True, slots=True)
class Alpaca:
    """Alpaca: ``instruction, input, output``, also with ``system`` and ``history``.

    The fields follow LLaMA-Factory. The prompt is the instruction with the input on its own line; ``syngain_input``
    keeps the input. A null, absent or empty input is none.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        asked, given, answer = row.get("instruction"), row.get("input"), row.get("output")
        if not isinstance(asked, str) or not isinstance(answer, str) or not isinstance(given, (str, type(None))):
            refuse_null(row, "instruction", "output")
            raise LayoutError("`instruction`, `input` or `output` is not text", "an instruction and its output")
        system = row.get("system")
        if not isinstance(system, (str, type(None))):
            raise LayoutError("`system` is not text", "the text of the system message")
        turns = [said("system", system)] if system else []
        for pair in row.get("history") or []:  # type: ignore[attr-defined]
            if not isinstance(pair, Sequence) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                raise LayoutError("`history` is not a list of pairs", "pairs of question and answer")
            turns += [said("user", pair[0]), said("assistant", pair[1])]
        turns += [said("user", f"{asked}\n{given}" if given else asked), said("assistant", answer)]
        extra = rest(row, *ALPACA)
        return Entry(messages=tuple(turns), extra=extra | ({INPUT: given} if given else {}))

    def emit(self, entry: Entry) -> Emitted:
        """Write alternating questions and answers; tools and message fields are lost."""
        kept, lost = unjudged(entry, "alpaca")
        if kept.tools is not None:
            lost.append("tools")
        plain, further = plain_messages(kept.messages)
        system = plain.pop(0)["content"] if plain and plain[0]["role"] == "system" else ""
        roles = [item["role"] for item in plain]
        if not plain or len(plain) % 2 or roles != ["user", "assistant"] * (len(plain) // 2):
            raise LayoutError(f"turns of {', '.join(map(str, roles))}", "questions and answers in turn")
        texts = [str(item["content"]) for item in plain]
        asked, given = _split(texts[-2], kept.extra.get(INPUT))
        extra = rest(kept.extra, INPUT) if given else kept.extra
        content: Row = {"instruction": asked, "input": given, "output": texts[-1]}
        if system:
            content["system"] = system
        elif kept.messages[0]["role"] == "system":
            lost.append("messages[].role=system")  # an empty one reads as none
        if len(texts) > 2:
            content["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
        return finished(content, replace(kept, extra=extra), [*lost, *further], ALPACA)


@dataclass(frozen=True, slots=True)
class Instances:
    """Self-Instruct: ``instruction, instances``.

    One instance (``input``, ``output``) per row.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row; several instances are an error."""
        instances = row.get("instances")
        one = instances[0] if isinstance(instances, list) and len(instances) == 1 else None
        if not isinstance(one, Mapping) or not one.keys() <= {"input", "output"}:
            raise LayoutError("`instances` is not one instance", 'a list such as [{"input": "", "output": ""}]')
        entry = Alpaca().parse({"instruction": row.get("instruction"), **one})
        turns, taken = with_system(entry.messages, row)
        return replace(entry, messages=turns, extra=rest(row, "instruction", "instances", *taken) | entry.extra)

    def emit(self, entry: Entry) -> Emitted:
        """Write one question and one answer, and a system message at the beginning; tools are lost."""
        begin = [item for item in entry.messages[:1] if item["role"] == "system" and isinstance(item["content"], str)]
        system, further = plain_messages(begin)
        held: Row = {"system": system[0]["content"]} if system and system[0]["content"] else {}
        others = entry.messages[len(held) :]  # an empty one reads as none
        pair = Pair("instruction", "output").emit(replace(entry, messages=others, extra={}))
        asked, given = _split(str(pair.row["instruction"]), entry.extra.get(INPUT))
        extra = rest(entry.extra, INPUT) if given else entry.extra
        content: Row = {"instruction": asked, "instances": [{"input": given, "output": pair.row["output"]}]}
        lost = (*(further if held else ()), *pair.lost)
        return finished(content | held, replace(entry, extra=extra), lost, ("instruction", "instances", *held))


@dataclass(frozen=True, slots=True)
class Trl:
    """TRL's conversational ``prompt`` and ``completion``, both lists of messages."""

    def parse(self, row: Row) -> Entry:
        """Read a row; the prompt may be empty."""
        asked = messages_of(row.get("prompt"), "prompt")
        messages = (*asked, *messages_of(row.get("completion"), "completion"))
        if not messages:
            raise LayoutError("`completion` is empty", "at least one message")
        return Entry(
            messages=messages,
            tools=tools_of(row.get("tools")),
            extra=rest(row, "prompt", "completion", "tools"),
            asked=len(asked),
        )

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry that ends with the assistant; a rejected answer is lost."""
        kept, lost = unjudged(entry, "trl")
        asked, answer = last_answer(kept.messages, kept.asked)
        content: Row = {"prompt": asked, "completion": answer}
        if kept.tools is not None:
            content["tools"] = kept.tools
        return finished(content, kept, lost, ("prompt", "completion", "tools"))


@dataclass(frozen=True, slots=True)
class Text:
    """``{"text": ...}``, no conversation; other names of the text are accepted."""

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        name = next((one for one in TEXT if isinstance(row.get(one), str)), "text")
        text = row.get(name)
        if not isinstance(text, str):
            raise LayoutError(f"no text in {', '.join(TEXT)}", "a text")
        return Entry(text=text, extra=rest(row, name))

    def emit(self, entry: Entry) -> Emitted:
        """Write a text."""
        if entry.text is None:
            raise LayoutError("the row is a conversation", "a text; a conversation needs the template of a model first")
        return finished({"text": entry.text}, entry, [], ("text",))


def _split(text: str, given: object) -> tuple[str, str]:
    if isinstance(given, str) and given and text.endswith("\n" + given):
        return text[: -len(given) - 1], given
    return text, ""
