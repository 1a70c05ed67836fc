"""distilabel: inputs of ``FormatTextGenerationSFT``, ``FormatChatGenerationSFT`` and ``FormatTextGenerationDPO``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Entry, Message, Row, SkippedError, said
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation, one_text
from syngain.data.layouts.trainers.meaning import KNOWN, Meaning, meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.layouts.trainers.meaning import MeantTurn

RESERVED = frozenset(
    {"instruction", "generation", "system_prompt", "messages", "generations", "ratings", "prompt", "chosen", "rejected"}
)


def _asked(meaning: Meaning) -> tuple[Row, Sequence[MeantTurn]]:
    """The fields of system prompt and instruction, and the turns after them."""
    turns = list(conversation(meaning, "distilabel"))
    row: Row = {}
    if turns and turns[0].role == "system":
        row["system_prompt"] = turns.pop(0).text
    if not turns or turns[0].role != "user":
        raise SkippedError("there is no instruction", "an instruction and its generation")
    return {**row, "instruction": turns.pop(0).text}, turns


def _foreign(meaning: Meaning) -> list[str]:
    return [f"messages[].{name}" for turn in meaning.turns for name in turn.of if name not in KNOWN]


def write_generation(meaning: Meaning) -> Written:
    """Instruction, generation and system prompt."""
    row, rest = _asked(meaning)
    if len(rest) != 1 or rest[0].role != "assistant":
        raise SkippedError(f"a conversation of {len(meaning.turns)} turns", "one question and one answer")
    return {**row, "generation": one_text(rest)}, _foreign(meaning)


def read_generation(row: Row) -> Meaning:
    """As ``FormatTextGenerationSFT`` reads a row."""
    return _meant([*_first(row), said("assistant", str(row["generation"]))])


def write_chat(meaning: Meaning) -> Written:
    """The messages of the request, and the generation."""
    asked, answer = answered(meaning)
    row: Row = {"messages": [said(turn.role, turn.text) for turn in asked], "generation": one_text(answer)}
    return row, _foreign(meaning)


def read_chat(row: Row) -> Meaning:
    """As ``FormatChatGenerationSFT`` reads a row; it writes messages, all of whose answers are trained."""
    asked = list(row["messages"])  # type: ignore[call-overload]
    return _meant([*asked, said("assistant", str(row["generation"]))])


def write_rated(meaning: Meaning) -> Written:
    """Instruction, and two generations with their ratings."""
    if not meaning.rejected:
        raise SkippedError("the row has no rejected answer", "two answers, one of them rejected")
    row, rest = _asked(meaning)
    texts = [one_text(rest), one_text(meaning.rejected)]
    return {**row, "generations": texts, "ratings": [1, 0]}, _foreign(meaning)


def read_rated(row: Row) -> Meaning:
    """As ``FormatTextGenerationDPO`` reads a row: the best rating is chosen, the worst is rejected."""
    first = _first(row)
    good, bad = list(row["generations"])  # type: ignore[call-overload]
    entry = Entry(
        messages=(*first, said("assistant", str(good))),
        rejected=(said("assistant", str(bad)),),
        asked=len(first),
    )
    return meaning_of(entry)[0]


def _first(row: Row) -> list[Message]:
    system = [said("system", str(row["system_prompt"]))] if row.get("system_prompt") else []
    return [*system, said("user", str(row["instruction"]))]


def _meant(messages: Sequence[Message]) -> Meaning:
    return meaning_of(Entry(messages=tuple(messages)))[0]


GENERATION = Form("instruction and generation", write_generation, read_generation, RESERVED)
CHAT = Form("messages and generation", write_chat, read_chat, RESERVED)
RATED = Form("instruction, generations and ratings", write_rated, read_rated, RESERVED)
DISTILABEL = TrainerFormat("distilabel", {forms.SFT: (GENERATION, CHAT), forms.PREFERENCE: (RATED,)})
