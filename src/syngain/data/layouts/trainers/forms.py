"""A form of rows that a trainer reads: how they are written, and how its loader reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import INPUT, SYSTEM, Emitted, Entry, LayoutError, Message, Row, SkippedError
from syngain.data.layouts.trainers.meaning import JUDGED, Meaning, MeantTurn, differences, meaning_of, plain_shape
from syngain.data.layouts.trainers.message_content import NO_JSON

if TYPE_CHECKING:
    import re

SFT, PREFERENCE, KTO, PROMPTS, TEXT = "sft", "preference", "kto", "prompts", "text"
Build = Callable[[Sequence[Message]], Row]
Known = dict[tuple[object, ...], Build | None]  # how plain rows of a shape are written
Written = tuple[Row, list[str]]  # the fields of the row, and what they leave out


@dataclass(frozen=True, slots=True)
class Form:
    """One form.

    Attributes:
        name: for messages. write: the row of a meaning. read: what the trainer's loader takes from a row; it raises
            SkippedError for a row that the loader skips or refuses. reserved: names that the loader would read in
            another sense, or that stop it. others: where fields outside of the form go: next to it, in an object of
            this name, or nowhere (empty). marks: texts that the loader does not take as they are.
    """

    name: str
    write: Callable[[Meaning], Written]
    read: Callable[[Row], Meaning]
    reserved: frozenset[str] = frozenset()
    others: str | None = None
    marks: re.Pattern[str] | None = None

    def emit(self, entry: Entry, known: Known | None = None) -> Emitted:
        """Write an entry; what the trainer would not read as it was meant is named.

        ``known`` collects how plain rows are written, by shape.

        Raises:
            LayoutError: the form cannot express it, or the trainer would skip it.
        """
        shape = None if known is None else plain_shape(entry)
        if shape is not None and known is not None and not (self.marks and _marked(entry.messages, self.marks)):
            if shape not in known:
                known[shape] = recipe(self, entry)
            build = known[shape]
            if build is not None:
                row, lost = build(entry.messages), list[str]()
                if entry.extra:
                    self._place(row, entry.extra, (), lost)
                return Emitted(row, tuple(lost))
        meaning, used = meaning_of(entry)
        row, lost = self.write(meaning)
        self._place(row, entry.extra, used, lost)
        lost += differences(meaning, self.read(row))
        return Emitted(row, tuple(dict.fromkeys(lost)))

    def _place(self, row: Row, extra: Row, used: Sequence[str], lost: list[str]) -> None:
        """Put the other fields where they go; those without a place are added to ``lost``."""
        judged = "label" in row or "kto_tag" in row
        for name, value in extra.items():
            if name in used and (judged or name not in JUDGED):
                continue
            if (name == INPUT and self.others == "") or (name in SYSTEM and value in (None, "")):
                continue  # its text is in the request; there is no system text
            if name in self.reserved or name in row or self.others == "":
                lost.append(name)
            elif self.others is None:
                row[name] = value
            else:
                held = row.setdefault(self.others, {})
                if isinstance(held, dict):
                    held[name] = value


def _marked(messages: Sequence[Message], marks: re.Pattern[str]) -> bool:
    return any(marks.search(text) for item in messages if "<" in (text := str(item["content"])))  # most have none


def recipe(form: Form, entry: Entry) -> Build | None:
    """How plain rows of the shape of an entry are written; None where the form does not take them as they are.

    The row of a model with marks in place of the texts is written and read. Its marks say where texts go: loaders
    take plain texts as they are.
    """
    marks = [
        {"role": item["role"], "content": f"\ue000{place}\ue001" if item["content"] else ""}
        for place, item in enumerate(entry.messages)
    ]
    meaning, _ = meaning_of(Entry(messages=tuple(marks), asked=entry.asked))
    try:
        row, lost = form.write(meaning)
        if lost or differences(meaning, form.read(row)):
            return None
    except LayoutError:
        return None
    parts = {name: _builder(value, marks) for name, value in row.items()}
    return lambda messages: {name: part(messages) for name, part in parts.items()}


def _builder(value: object, marks: Sequence[Message]) -> Callable[[Sequence[Message]], object]:
    """What makes a value of a row from the messages."""
    if isinstance(value, list) and value and all(one in marks for one in value):
        first, last = marks.index(value[0]), marks.index(value[-1]) + 1
        if value == list(marks[first:last]):
            return lambda messages: list(messages[first:last])
    if isinstance(value, list):
        items = [_builder(one, marks) for one in value]
        return lambda messages: [make(messages) for make in items]
    if isinstance(value, dict):
        fields = {name: _builder(one, marks) for name, one in value.items()}
        return lambda messages: {name: make(messages) for name, make in fields.items()}
    place = next((i for i, mark in enumerate(marks) if mark["content"] and mark["content"] == value), None)
    if place is None:
        return lambda _: value
    return lambda messages: messages[place]["content"]


@dataclass(frozen=True, slots=True)
class TrainerFormat:
    """A trainer: the forms that it reads, by stage (several where the file decides), and its files.

    Attributes:
        title: its name in messages. suffixes: of files that its loader opens; empty for those of ``datasets``.
    """

    title: str
    forms: Mapping[str, tuple[Form, ...]]
    suffixes: tuple[str, ...] = ()

    def fitting(self, entry: Entry) -> tuple[Form, ...]:
        """The forms for rows such as this one, the best first.

        Raises:
            LayoutError: there is none.
        """
        stage = stage_of(entry)
        found = self.forms.get(stage) or self.forms.get(SFT if stage in {PREFERENCE, KTO} else "")
        if len(self.forms) == 1 and stage != TEXT:
            found = next(iter(self.forms.values()))
        if not found:
            raise LayoutError(
                f"{WORDS[stage]}, which {self.title} does not read from a file",
                f"{', '.join(WORDS[one] for one in self.forms)} for {self.title}",
            )
        return found


WORDS = {
    SFT: "conversations",
    PREFERENCE: "preferences",
    KTO: "judged answers",
    PROMPTS: "prompts without an answer",
    TEXT: "texts",
}


def stage_of(entry: Entry) -> str:
    """The stage of training that a row is for."""
    if not entry.messages:
        return TEXT
    if entry.rejected is not None:
        return PREFERENCE
    if not any(item["role"] in {"assistant", "model"} for item in entry.messages):
        return PROMPTS
    return SFT if meaning_of(entry)[0].liked is None else KTO


def answered(meaning: Meaning, start: int | None = None) -> tuple[Sequence[MeantTurn], Sequence[MeantTurn]]:
    """The turns of the prompt and of the answer, which begins at ``start`` (default: where the row has it).

    Raises:
        SkippedError: one of them is empty.
    """
    at = meaning.answer if start is None else start
    asked, answer = meaning.turns[:at], meaning.turns[at:]
    if not asked:
        raise SkippedError("there is no prompt before the answer", "a prompt and an answer")
    if not answer or answer[-1].role != "assistant":
        raise SkippedError("the answer does not end with the assistant", "an answer of the assistant at the end")
    return asked, answer


def one_text(answer: Sequence[MeantTurn]) -> str:
    """The text of an answer for a trainer that reads texts alone.

    Raises:
        SkippedError: it has several turns, or calls a tool without a word: an empty text would be trained.
    """
    if len(answer) != 1:
        raise SkippedError("an answer of several turns", "an answer of one turn")
    if answer[0].calls and not answer[0].text.strip():
        raise SkippedError("an answer that is a call and no text", "answers with text")
    return answer[0].text


def conversation(meaning: Meaning, trainer: str) -> Sequence[MeantTurn]:
    """The turns of a row that has some.

    Raises:
        LayoutError: it is a text.
    """
    if not meaning.turns:
        raise LayoutError("the row is a single text", f"a conversation, or a prompt and a response, for {trainer}")
    return meaning.turns


def unparsed(turns: Sequence[MeantTurn]) -> list[str]:
    """The name of arguments that are no JSON object, where the trainer takes objects."""
    broken = any(given.startswith(NO_JSON) for turn in turns for _, given in turn.calls)
    return ["messages[].tool_calls[].function.arguments (no JSON object)"] if broken else []


def text_form() -> Form:
    """Rows with one text."""

    def write(meaning: Meaning) -> Written:
        if meaning.text is None:
            raise LayoutError("the row is a conversation", "a text")
        return {"text": meaning.text}, []

    def read(row: Row) -> Meaning:
        return Meaning(text=str(row["text"]))

    return Form("text", write, read)
