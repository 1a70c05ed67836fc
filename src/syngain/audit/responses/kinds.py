"""The kinds of bad responses. A kind is added here: a detector and its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.responses.checks.arithmetic import wrong_arithmetic
from syngain.audit.responses.checks.code_blocks import code_fails
from syngain.audit.responses.checks.credentials import secrets
from syngain.audit.responses.checks.personal_data import personal_data
from syngain.audit.responses.checks.tool_calls import call_arguments, call_json, call_missing, call_result, call_tool
from syngain.audit.responses.cuts import cut, ending
from syngain.audit.responses.echoes import echoes
from syngain.audit.responses.languages import languages, wrong_language
from syngain.audit.responses.lengths import sizes, unusual_length
from syngain.audit.responses.loops import loops
from syngain.audit.responses.placeholders import has_no_prompt, is_empty
from syngain.audit.responses.refusals import is_refusal, one_answer_to_many
from syngain.audit.responses.repeats import repeated_answers, shape
from syngain.audit.responses.role_leaks import leaks_role
from syngain.audit.responses.thoughts import thought_fails

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags


@dataclass(frozen=True, slots=True)
class ResponseKind:
    """A kind of bad response.

    Attributes:
        words: completes "12% of responses ...". many: the rows, as a noun.
        of_row: whether a row is bad, by its own text. of_rows: flags (n,) of rows that are bad next to the real rows.
        whole: the kind says what the whole response is; rows of it are not looked at for later kinds.
        note: a kind that is never more than a note (low severity). of_calls: also of responses that are tool calls.
    """

    words: str
    many: str
    of_row: Callable[[Response], bool] | None = None
    of_rows: Callable[[Responses, Responses], Flags] | None = None
    whole: bool = False
    note: bool = False
    of_calls: bool = False


KINDS: Mapping[str, ResponseKind] = {
    "call_json": ResponseKind(
        "hold tool calls that are no valid JSON", "broken tool calls", of_row=call_json, of_calls=True
    ),
    "call_tool": ResponseKind(
        "call a tool that is not offered", "calls of unknown tools", of_row=call_tool, of_calls=True
    ),
    "call_missing": ResponseKind(
        "leave out required arguments of a tool", "missing arguments", of_row=call_missing, of_calls=True
    ),
    "call_arguments": ResponseKind(
        "call a tool with unknown or wrongly typed arguments", "invalid arguments", of_row=call_arguments, of_calls=True
    ),
    "call_result": ResponseKind(
        "have tool results that do not match their calls", "unmatched results", of_row=call_result, of_calls=True
    ),
    "empty": ResponseKind("are empty or placeholders", "empty responses", of_row=is_empty, whole=True),
    "prompt": ResponseKind("answer an empty prompt", "empty prompts", of_row=has_no_prompt),
    "refusal": ResponseKind(
        "are refusals or one answer to many prompts",
        "refusals",
        of_row=is_refusal,
        of_rows=one_answer_to_many,
        whole=True,
    ),
    "role_leak": ResponseKind(
        "contain template tokens or turns of other roles", "role leaks", of_row=leaks_role, whole=True
    ),
    "loop": ResponseKind("repeat the same words in a loop", "loops", of_row=loops, whole=True),
    "echo": ResponseKind("only repeat the prompt", "echoes of the prompt", of_row=echoes, whole=True),
    "repeated": ResponseKind(
        "repeat the answer to another prompt",
        "repeated answers",
        of_rows=repeated_answers,
        whole=True,
    ),
    "language": ResponseKind("are in another language than the prompt", "wrong languages", of_rows=wrong_language),
    "thought": ResponseKind("have unclosed reasoning or no final answer", "unfinished reasoning", of_row=thought_fails),
    "cut": ResponseKind("stop before their end", "cut responses", of_rows=cut),
    "code": ResponseKind("hold code that does not parse", "broken code", of_row=code_fails),
    "arithmetic": ResponseKind("hold wrong arithmetic", "wrong arithmetic", of_row=wrong_arithmetic),
    "personal": ResponseKind(
        "or their prompts hold personal data", "personal data", of_row=personal_data, of_calls=True
    ),
    "secret": ResponseKind("or their prompts hold keys or passwords", "secrets", of_row=secrets, of_calls=True),
    "length": ResponseKind(
        "are far shorter or longer than real ones", "unusual lengths", of_rows=unusual_length, note=True
    ),
}
"""By name, in the order in which they are looked for."""


PASSES: Mapping[str, Callable[[Response], Sequence[int]]] = {
    "refusal": shape, "repeated": shape, "language": languages, "cut": ending, "length": sizes
}  # fmt: skip
"""What a kind needs of every row besides what the row shows by itself."""


@cache
def _by_text(names: tuple[str, ...]) -> Callable[[Response], Sequence[int]]:
    """One bit for each of these kinds that a row shows by itself."""
    kinds = [(1 << place, kind.of_row) for place, (name, kind) in enumerate(KINDS.items()) if name in names]

    def bits(answer: Response) -> list[int]:
        return [sum(bit for bit, shows in kinds if shows is not None and shows(answer))]

    return bits


def _is_call(answer: Response) -> list[int]:
    """Whether the response is a tool call: only its calls are looked at."""
    return [int(answer.is_call)]


def flagged(judged: Responses, real: Responses, names: Sequence[str] | None = None) -> Mapping[str, Flags]:
    """Flags per row (n,) for each of these kinds (default: all), of rows judged next to the real rows."""
    names = tuple(KINDS if names is None else names)
    by_text, passes = _by_text(names), [PASSES[name] for name in names if name in PASSES]
    for rows in (judged, real):
        rows.prepare((by_text, _is_call, *dict.fromkeys(passes)))
    bits = judged.values(by_text)[:, 0] if len(judged) else np.empty(0, dtype=np.int64)
    open_rows = np.ones(len(judged), dtype=bool)
    calls = judged.values(_is_call)[:, 0] > 0 if len(judged) else open_rows
    out: dict[str, Flags] = {}
    for place, (name, kind) in enumerate(KINDS.items()):
        if name not in names:
            continue
        flags = (bits >> place & 1).astype(bool)
        if kind.of_rows is not None:
            flags = flags | kind.of_rows(judged, real)
        out[name] = flags & open_rows & (~calls | kind.of_calls)
        if kind.whole:
            open_rows &= ~out[name]
    return out
