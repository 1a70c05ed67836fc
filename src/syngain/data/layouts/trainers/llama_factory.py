"""LLaMA-Factory: ShareGPT and Alpaca rows, as its converters and templates read them, and ``dataset_info.json``.

Turns alternate: requests and observations, answers and calls; one system text comes first. Neighboring tool results are
one observation, joined as its OpenAI converter joins them. Text before a call stands before ``<tool_call>``. Every
answer is trained (``mask_history: false``). A row that breaks a rule is skipped. Templates of multimodal models count
``<image>``, ``<video>`` and ``<audio>`` in all turns and stop where a row has another number of media.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.chat import BETWEEN, CALL, FROM
from syngain.data.layouts.entry import Entry, Message, Row, SkippedError, said
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation, unparsed
from syngain.data.layouts.trainers.meaning import KNOWN, MARKS, Meaning, MeantTurn, meaning_of
from syngain.data.layouts.trainers.message_content import COLUMNS, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

THOUGHT = re.compile(r"<think>(.*?)</think>", re.DOTALL)
ASKS, SAYS = {"human", "observation"}, {"gpt", "function_call"}
MEDIA_MARKS = re.compile("|".join(MARKS.values()))
MEDIA = tuple(names[0] for names in COLUMNS.values())
RESERVED = frozenset(
    {"conversations", "chosen", "rejected", "kto_tag", "system", "tools", "history", *MEDIA}
    | {"_prompt", "_response", "_system", "_tools", "_images", "_videos", "_audios"}
)
ALPACA = frozenset({"instruction", "input", "output"})
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


def turn_of(turn: MeantTurn, lost: list[str]) -> Row:
    """A turn; media are marks in its text."""
    lost += [
        f"messages[].{name}" for name in turn.of if name not in KNOWN and not (turn.role == "tool" and name == "name")
    ]
    text = _marked(turn)
    if not turn.calls:
        return {"from": FROM.get(turn.role, turn.role), "value": text}
    calls = [{"name": name, "arguments": opened(given)} for name, given in turn.calls]
    value = json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False, default=str)
    return {"from": "function_call", "value": f"{text}<tool_call>{value}</tool_call>" if text else value}


def _marked(turn: MeantTurn) -> str:
    """The text with the thought before it and a mark at the place of each image, video and sound."""
    text = turn.text
    for kind, _, at in reversed(turn.media):
        text = text[:at] + MARKS.get(kind, "") + text[at:]
    return f"<think>\n{turn.thought}\n</think>\n\n{text}" if turn.thought else text


def turns_written(turns: Sequence[MeantTurn], lost: list[str]) -> list[Row]:
    """Turns, neighboring tool results as one observation in the order of their calls."""
    out: list[Row] = []
    results: list[MeantTurn] = []
    for turn in turns:
        if turn.role == "tool":
            results.append(turn)
            continue
        if results:
            out.append(_observed(results, lost))
            results = []
        out.append(turn_of(turn, lost))
    return [*out, _observed(results, lost)] if results else out


def _observed(results: Sequence[MeantTurn], lost: list[str]) -> Row:
    ordered = sorted(results, key=lambda turn: turn.answers)
    return {"from": "observation", "value": BETWEEN.join(str(turn_of(turn, lost)["value"]) for turn in ordered)}


def _columns(meaning: Meaning) -> Row:
    """The media of a row by column, and its tools as JSON text."""
    out: Row = {}
    for kind, names in COLUMNS.items():
        found = [place for turn in meaning.turns for one, place, _ in turn.media if one == kind]
        if found:
            out[names[0]] = found
    return out | ({"tools": meaning.tools} if meaning.tools else {})


def write_turns(meaning: Meaning) -> Written:
    """Conversations of all stages."""
    conversation(meaning, "LLaMA-Factory")
    lost = unparsed((*meaning.turns, *meaning.rejected))
    if meaning.rejected:
        asked, answer = answered(meaning)
        if len(answer) != 1 or len(meaning.rejected) != 1:
            raise SkippedError("an answer of several turns", "two answers of one turn each")
        row: Row = {
            "conversations": turns_written(asked, lost),
            "chosen": turn_of(answer[0], lost),
            "rejected": turn_of(meaning.rejected[0], lost),
        }
    else:
        row = {"conversations": turns_written(meaning.turns, lost)}
    if meaning.liked is not None:
        row["kto_tag"] = meaning.liked
    return row | _columns(meaning), lost


def read_turns(row: Row) -> Meaning:
    """As SharegptDatasetConverter and the processors of each stage read a row."""
    given = row["conversations"]
    turns: list[Row] = given if isinstance(given, list) else []
    system, rest = (turns[:1], turns[1:]) if turns and turns[0]["from"] == "system" else ([], turns)
    pair = [dict(one) for name in ("chosen", "rejected") if isinstance(one := row.get(name), Mapping)]
    _check(rest, ranking=len(pair) == 2)
    messages = [message for turn in [*system, *rest] for message in _message(turn)]
    texts = [str(turn["value"]) for turn in rest]
    answers = [str(one["value"]) for one in pair] if len(pair) == 2 else texts[-1:]
    _check_marks(texts[: len(texts) - (len(pair) != 2)], answers, row)
    extra: Row = {name: row[name] for name in (*MEDIA, "kto_tag") if name in row}
    if len(pair) == 2:
        chosen, worse = (_message(one) for one in pair)
        return _meant([*messages, *chosen], row, extra, asked=len(messages), rejected=tuple(worse))
    asked = len(messages) - 1 if "kto_tag" in row else None
    return _meant(messages, row, extra, asked=asked)


def _meant(
    messages: Sequence[Message], row: Row, extra: Row, asked: int | None, rejected: tuple[Message, ...] | None = None
) -> Meaning:
    entry = Entry(messages=tuple(messages), rejected=rejected, tools=row.get("tools"), extra=extra, asked=asked)
    return meaning_of(entry, rendered=True)[0]


def _check(turns: Sequence[Row], *, ranking: bool) -> None:
    """Raise SkippedError where the converter skips the row."""
    for place, turn in enumerate(turns):
        if turn["from"] not in (SAYS if place % 2 else ASKS):
            who = f"a turn from `{turn['from']}` in the place of {'an answer' if place % 2 else 'a request'}"
            raise SkippedError(who, "requests and answers in turn after one system text")
    if ranking and len(turns) % 2 == 0:
        raise SkippedError("no request before the two answers", "a conversation that ends with a request")
    if not ranking and (len(turns) % 2 or not turns):
        raise SkippedError(
            "the conversation ends with a request" if turns else "no turns", "an answer at the end of the conversation"
        )


def _check_marks(asked: Sequence[str], answers: Sequence[str], row: Row) -> None:
    """Raise SkippedError where multimodal templates stop: marks and media of another number.

    They count those of the prompt with each answer. KTO also puts the answer of another row behind the prompt.
    """
    behind = [*answers, ""] if "kto_tag" in row else answers
    for kind, mark in MARKS.items():
        held = row.get(COLUMNS[kind][0])
        media = len(held) if isinstance(held, list) else int(bool(held))
        before = sum(text.count(mark) for text in asked)
        found = next((before + text.count(mark) for text in behind if before + text.count(mark) != media), media)
        if found != media:
            raise SkippedError(
                f"its turns hold `{mark}` {found} times for {media} {kind}s, at which multimodal templates stop",
                f"turns with one `{mark}` per {kind}, none of them in an answer that is compared",
            )


def _message(turn: Row) -> list[Message]:
    """What the templates make of a turn: several results of an observation, calls after the text before them."""
    tag, text = str(turn["from"]), str(turn["value"])
    if tag == "observation":
        return [said("tool", part) for part in text.split(BETWEEN)]
    if tag != "function_call":
        return [said({"human": "user", "gpt": "assistant"}.get(tag, tag), text)]
    found = CALL.search(text)
    thought = None if found else THOUGHT.search(text)
    if found:
        before, written = text.replace(found.group(0), ""), found.group(1)
    else:
        before = thought.group(0) if thought else ""
        written = text.replace(before, "") if before else text
    try:
        calls = json.loads(written)
        listed = calls if isinstance(calls, list) else [calls]
        made = [
            {"type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}} for call in listed
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise SkippedError(
            "a call that is no JSON with `name` and `arguments`", "calls with a name and arguments"
        ) from error
    return [{"role": "assistant", "content": before, "tool_calls": made}]


def write_alpaca(meaning: Meaning) -> Written:
    """Instruction, input and output with system and history; answers of all stages."""
    conversation(meaning, "LLaMA-Factory")
    turns = list(meaning.turns)
    lost: list[str] = []
    system = turns.pop(0) if turns and turns[0].role == "system" else None
    texts = [str(turn_of(turn, lost)["value"]) for turn in turns]
    if meaning.rejected or meaning.liked is not None:
        answered(meaning)
    if len(turns) % 2 or any(turn.role != ("user", "assistant")[i % 2] or turn.calls for i, turn in enumerate(turns)):
        raise SkippedError("turns that are not questions and answers in turn", "questions and answers in turn")
    row: Row = {"instruction": texts[-2], "input": ""}
    if meaning.rejected:
        if len(meaning.rejected) != 1 or meaning.rejected[0].calls:
            raise SkippedError("an answer of several turns", "two answers of one turn each")
        row |= {"chosen": texts[-1], "rejected": turn_of(meaning.rejected[0], lost)["value"]}
    else:
        row["output"] = texts[-1]
    if meaning.liked is not None:
        row["kto_tag"] = meaning.liked
    if system is not None:
        row["system"] = system.text
    if len(texts) > 2:
        row["history"] = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return row | _columns(meaning), lost


def read_alpaca(row: Row) -> Meaning:
    """As AlpacaDatasetConverter reads a row: every answer is trained, those of the history too."""
    messages = [said("system", str(row["system"]))] if row.get("system") else []
    history = row.get("history")
    for pair in history if isinstance(history, list) else []:
        messages += [said("user", str(pair[0])), said("assistant", str(pair[1]))]
    messages.append(said("user", "\n".join(str(row[name]) for name in ("instruction", "input") if row.get(name))))
    extra: Row = {name: row[name] for name in (*MEDIA, "kto_tag") if name in row}
    asked = len(messages)
    texts = [str(message["content"]) for message in messages if message["role"] != "system"]
    _check_marks(texts, [str(row[name]) for name in ("chosen", "rejected", "output") if name in row], row)
    if "chosen" in row:
        worse = (said("assistant", str(row["rejected"])),)
        return _meant([*messages, said("assistant", str(row["chosen"]))], row, extra, asked, worse)
    return _meant([*messages, said("assistant", str(row["output"]))], row, extra, asked if "kto_tag" in row else None)


SHAREGPT = Form("conversations", write_turns, read_turns, RESERVED, marks=MEDIA_MARKS)
ALPACAS = Form("instruction, input and output", write_alpaca, read_alpaca, RESERVED | ALPACA, marks=MEDIA_MARKS)
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet", ".arrow")
LLAMA_FACTORY = TrainerFormat(
    "LLaMA-Factory",
    dict.fromkeys((forms.SFT, forms.PREFERENCE, forms.KTO), (SHAREGPT,)) | {forms.TEXT: (forms.text_form(),)},
    SUFFIXES,
)
LLAMA_FACTORY_ALPACA = replace(LLAMA_FACTORY, forms=dict.fromkeys((forms.SFT, forms.PREFERENCE, forms.KTO), (ALPACAS,)))


CHAT_TAGS = TAGS | {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
OPENAI_TAGS = CHAT_TAGS | {"observation_tag": "tool", "function_tag": "function"}
PAIRS = {
    "instruction": {"prompt": "instruction", "query": "input", "response": "output", "history": "history"},
    "prompt": {"prompt": "prompt", "response": "completion"},
    "question": {"prompt": "question", "response": "answer"},
    "text": {"prompt": "text"},
}


def described(file: str, fields: Iterable[str], sample: Mapping[str, object] | None = None) -> Row:
    """The entry of ``dataset_info.json`` for a file with these fields; ``sample`` is one of its rows."""
    held = set(fields)
    columns = {name: name for name in ("system", "tools", *MEDIA, "kto_tag", "chosen", "rejected") if name in held}
    out: Row = {"file_name": file}
    if "conversations" in held:
        turns = (sample or {}).get("conversations")
        first = turns[0] if isinstance(turns, list) and turns else {}
        tags = CHAT_TAGS if isinstance(first, Mapping) and "role" in first else TAGS
        out |= {"formatting": "sharegpt", "columns": {"messages": "conversations", **columns}, "tags": tags}
    elif "messages" in held:
        out |= {"formatting": "openai", "columns": {"messages": "messages", **columns}, "tags": OPENAI_TAGS}
    else:
        named = next((pairs for name, pairs in PAIRS.items() if name in held), PAIRS["text"])
        out |= {
            "formatting": "alpaca",
            "columns": {name: field for name, field in named.items() if field in held} | columns,
        }
    if {"chosen", "rejected"} <= held:
        out["ranking"] = True
    return out
