"""A form of rows that a trainer reads: how they are written, and how its loader reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Emitted, Entry, LayoutError, Row, SkippedError
from syngain.data.layouts.trainers.meaning import Meaning, Turn, differences, meaning_of
from syngain.data.layouts.trainers.parts import NO_JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

SFT, PREFERENCE, KTO, PROMPTS, TEXT = "sft", "preference", "kto", "prompts", "text"
Written = tuple[Row, list[str]]  # the fields of the row, and what they leave out


@dataclass(frozen=True, slots=True)
class Form:
    """One form.

    Attributes:
        name: for messages. write: the row of a meaning. read: what the trainer's loader takes from a row; it raises
            SkippedError for a row that the loader skips or refuses. reserved: names that the loader would read in
            another sense, or that stop it. others: where fields outside of the form go: next to it, in an object of
            this name, or nowhere (empty).
    """

    name: str
    write: Callable[[Meaning], Written]
    read: Callable[[Row], Meaning]
    reserved: frozenset[str] = frozenset()
    others: str | None = None

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry; what the trainer would not read as it was meant is named.

        Raises:
            LayoutError: the form cannot express it, or the trainer would skip it.
        """
        meaning, used = meaning_of(entry)
        row, lost = self.write(meaning)
        for name, value in entry.extra.items():
            if name in used:
                continue
            if name in self.reserved or name in row or self.others == "":
                lost.append(name)
            elif self.others is None:
                row[name] = value
            else:
                held = row.setdefault(self.others, {})
                if isinstance(held, dict):
                    held[name] = value
        lost += differences(meaning, self.read(row))
        return Emitted(row, tuple(dict.fromkeys(lost)))


@dataclass(frozen=True, slots=True)
class Trainer:
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


def answered(meaning: Meaning) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """The turns of the prompt and of the answer.

    Raises:
        SkippedError: one of them is empty.
    """
    asked, answer = meaning.turns[: meaning.answer], meaning.turns[meaning.answer :]
    if not asked:
        raise SkippedError("there is no prompt before the answer", "a prompt and an answer")
    if not answer or answer[-1].role != "assistant":
        raise SkippedError("the answer does not end with the assistant", "an answer of the assistant at the end")
    return asked, answer


def conversation(meaning: Meaning, trainer: str) -> Sequence[Turn]:
    """The turns of a row that has some.

    Raises:
        LayoutError: it is a text.
    """
    if not meaning.turns:
        raise LayoutError("the row is a single text", f"a conversation, or a prompt and a response, for {trainer}")
    return meaning.turns


def unparsed(turns: Sequence[Turn]) -> list[str]:
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
