"""TRL: SFT, DPO, KTO and GRPO rows, as the trainers of TRL tokenize them.

SFT is read as with ``assistant_only_loss``: turns of the assistant are in the loss, of ``prompt`` and ``completion``
those of the completion. DPO and KTO count every token of an answer, tool results in it too. Images are in the column
``images``, their places are parts without content.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Row, SkippedError
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import all_answers, messages_of_turns, placeholder, read_template, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation, unparsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.layouts.trainers.meaning import Meaning, MeantTurn

IMAGES = "images"
RESERVED = frozenset(
    {"messages", "conversations", "prompt", "completion", "chosen", "rejected", "image", "images", "tools"}
    | {"input_ids", "labels", "completion_mask", "assistant_masks", "seq_lengths", "position_ids"}
)


def images_of(turns: Sequence[MeantTurn]) -> list[str]:
    """The places of the images of turns, in order."""
    return [place for turn in turns for kind, place, _ in turn.media if kind == "image"]


def _row(meaning: Meaning, row: Row) -> Row:
    found = images_of((*meaning.turns, *meaning.rejected))
    return with_tools(row | ({IMAGES: found} if found else {}), meaning)


def _turns(turns: Sequence[MeantTurn]) -> list[Row]:
    shown = [
        turn._replace(media=tuple([one for one in turn.media if one[0] == "image"])) if turn.media else turn
        for turn in turns
    ]
    return messages_of_turns(shown, placeholder)


def _extra(row: Row) -> Row:
    return {IMAGES: row[IMAGES]} if IMAGES in row else {}


def write_messages(meaning: Meaning) -> Written:
    """A conversation, all of whose assistant turns are trained."""
    turns = conversation(meaning, "TRL")
    return _row(meaning, {"messages": _turns(turns)}), unparsed(turns)


def read_messages(row: Row) -> Meaning:
    """All turns of the assistant are in the loss."""
    read = all_answers(read_template(row["messages"], row.get("tools"), extra=_extra(row)))
    if not any(read.loss):
        raise SkippedError("no turn of the assistant", "an assistant turn, which is what is trained")
    return read


def write_prompt(meaning: Meaning) -> Written:
    """Prompt and completion; the completion begins where the loss does."""
    turns = conversation(meaning, "TRL")
    start = next((i for i, trained in enumerate(meaning.loss) if trained), meaning.answer)
    answered(meaning, start)
    return _row(meaning, {"prompt": _turns(turns[:start]), "completion": _turns(turns[start:])}), unparsed(turns)


def read_prompt(row: Row) -> Meaning:
    """The completion is in the loss; requests in it are counted so too, which they are without assistant_only_loss."""
    asked, answer = _lists(row, "prompt", "completion")
    read = read_template([*asked, *answer], row.get("tools"), asked=len(asked), extra=_extra(row))
    loss = tuple([i >= len(asked) and turn.role != "tool" for i, turn in enumerate(read.turns)])
    return replace(read, loss=loss)


def write_preference(meaning: Meaning) -> Written:
    """Prompt, chosen and rejected answer."""
    if not meaning.rejected:
        raise SkippedError("the row has no rejected answer", "two answers, one of them rejected")
    asked, answer = answered(meaning)
    row: Row = {"prompt": _turns(asked), "chosen": _turns(answer), "rejected": _turns(meaning.rejected)}
    return _row(meaning, row), unparsed((*meaning.turns, *meaning.rejected))


def read_preference(row: Row) -> Meaning:
    """Both answers are compared after one prompt."""
    asked, answer, worse = _lists(row, "prompt", "chosen", "rejected")
    extra = _extra(row)
    read = read_template([*asked, *answer], row.get("tools"), asked=len(asked), extra=extra)
    other = read_template(worse, asked=0)
    return replace(_compared(read), rejected=other.turns)


def write_judged(meaning: Meaning) -> Written:
    """Prompt, completion and whether it is a good one."""
    if meaning.liked is None:
        raise SkippedError("the row has no label that is true or false", "`label`: true or false")
    asked, answer = answered(meaning)
    row: Row = {"prompt": _turns(asked), "completion": _turns(answer), "label": meaning.liked}
    return _row(meaning, row), unparsed(meaning.turns)


def read_judged(row: Row) -> Meaning:
    """The completion is liked or not."""
    asked, answer = _lists(row, "prompt", "completion")
    extra = {**_extra(row), "label": row["label"]}
    return _compared(read_template([*asked, *answer], row.get("tools"), asked=len(asked), extra=extra))


def write_asked(meaning: Meaning) -> Written:
    """The prompt alone, for online methods (GRPO); an answer is left out."""
    turns = conversation(meaning, "TRL")
    end = next((i for i, trained in enumerate(meaning.loss) if trained), len(turns))
    if not end:
        raise SkippedError("there is no prompt before the answer", "a prompt")
    return _row(replace(meaning, turns=meaning.turns[:end], rejected=()), {"prompt": _turns(turns[:end])}), unparsed(
        turns
    )


def read_asked(row: Row) -> Meaning:
    """The prompt; nothing of it is in the loss."""
    (asked,) = _lists(row, "prompt")
    return read_template(asked, row.get("tools"), asked=len(asked), extra=_extra(row))


def _compared(read: Meaning) -> Meaning:
    """The meaning for DPO and KTO, where every turn of the answer counts."""
    return replace(read, loss=tuple([place >= read.answer for place in range(len(read.turns))]))


def _lists(row: Row, *names: str) -> list[list[Row]]:
    out = []
    for name in names:
        value = row.get(name)
        if not isinstance(value, list) or not value:
            raise SkippedError(f"`{name}` is empty", f"messages in {', '.join(names)}")
        out.append(value)
    return out


MESSAGES = Form("messages", write_messages, read_messages, RESERVED)
PROMPT = Form("prompt and completion", write_prompt, read_prompt, RESERVED)
PREFERENCE = Form("prompt, chosen and rejected", write_preference, read_preference, RESERVED)
JUDGED = Form("prompt, completion and label", write_judged, read_judged, RESERVED)
ASKED = Form("prompt", write_asked, read_asked, RESERVED)

TRL = TrainerFormat(
    "TRL",
    {
        forms.SFT: (PROMPT, MESSAGES),
        forms.PREFERENCE: (PREFERENCE,),
        forms.KTO: (JUDGED,),
        forms.PROMPTS: (ASKED,),
        forms.TEXT: (forms.text_form(),),
    },
)
COMPARED = TrainerFormat("TRL's DPO", {forms.PREFERENCE: (PREFERENCE,)})
KTO = TrainerFormat("TRL's KTO", {forms.KTO: (JUDGED,)})
GRPO = TrainerFormat("TRL's GRPO", {forms.PROMPTS: (ASKED,)})
