"""The layouts by name, and which one a file has."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.data.columns.roles import TEXT
from syngain.data.layouts.chat import Messages, OpenAI, Oumi, ShareGPT
from syngain.data.layouts.foreign import (
    EASY_CHUNKS,
    EASY_LABELS,
    REASONING,
    TRACE,
    Curator,
    DataDesigner,
    Distilabel,
    EasyDataset,
)
from syngain.data.layouts.pairs import Alpaca, Instances, Pair, Text, Trl
from syngain.data.layouts.preferences import OpenAIPreference, Preference, ShareGPTPreference, named_responses
from syngain.data.layouts.trainers import TRAINERS
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from syngain.data.layouts.entry import Layout

QA_ALIASES = ("solution", "response")
LAYOUTS: Mapping[str, Layout] = {
    "messages": Messages(),
    "openai": OpenAI(),
    "oumi": Oumi(),
    "sharegpt": ShareGPT(),
    "llama_factory": ShareGPT(),
    "trl": Trl(),
    "preference": Preference(),
    "sharegpt_preference": ShareGPTPreference(),
    "openai_preference": OpenAIPreference(),
    "prompt_completion": Pair(),
    "alpaca": Alpaca(),
    "self_instruct": Instances(),
    "qa": Pair("question", "answer", QA_ALIASES),
    "text": Text(),
    "distilabel": Distilabel(),
    "data_designer": DataDesigner(),
    "curator": Curator(),
    "easy_dataset": EasyDataset(),
}
READ_ONLY = ("distilabel", "data_designer", "curator", "easy_dataset")
WRITTEN = tuple(dict.fromkeys([*TRAINERS, *(name for name in LAYOUTS if name not in READ_ONLY)]))


def layout_named(name: str, *, prompt: str | None = None, response: str | None = None) -> Layout:
    """A layout by name, optionally with columns named by the user.

    Raises:
        UsageError: there is no such layout, or its columns cannot be named.
    """
    if name not in LAYOUTS:
        raise UsageError(
            f"unknown layout {name}", expected=f"one of {', '.join(LAYOUTS)}", todo="name one of these layouts"
        )
    if prompt is None and response is None:
        return LAYOUTS[name]
    if name == "data_designer":
        return DataDesigner(prompt, response)
    if name == "curator":
        return Curator(prompt, response)
    if name in {"prompt_completion", "qa"}:
        fixed = Pair() if name == "prompt_completion" else Pair("question", "answer")
        return Pair(prompt or fixed.prompt, response or fixed.response)
    raise UsageError(
        f"--prompt or --response for {name}",
        expected="data_designer, curator, prompt_completion or qa",
        todo="leave out --prompt and --response, or choose one of these layouts",
    )


def detect_layout(fields: Mapping[str, object], name: str = "the rows") -> str:
    """Detect the layout from the fields that have a value.

    Raises:
        InputError: none of the layouts has such fields.
    """
    for layout, fits in _FITS.items():
        if fits(fields):
            return layout
    texts = [shlex.quote(show(one)) for one, value in fields.items() if isinstance(value, str)]
    todo = "name it with --from"
    if len(texts) > 1:
        todo += f"; for a prompt and its response: --prompt {texts[0]} --response {texts[1]}"
    raise InputError(
        f"{name}: fields {show_names(list(fields))} match no known layout",
        expected=f"fields of one of {', '.join(LAYOUTS)}",
        todo=todo,
    )


def _has(*names: str):  # type: ignore[no-untyped-def]  # noqa: ANN202  (a predicate)
    return lambda fields: all(name in fields for name in names)


_FITS = {
    "distilabel": _has("distilabel_metadata"),
    "data_designer": lambda fields: any(name.endswith((TRACE, REASONING)) for name in fields),
    "preference": lambda fields: named_responses(fields) is not None and "completion" not in fields,
    "oumi": lambda fields: isinstance(fields.get("messages"), list) and isinstance(fields.get("metadata"), Mapping),
    "messages": _has("messages"),
    "sharegpt": _has("conversations"),
    "trl": lambda fields: isinstance(fields.get("prompt"), list) and isinstance(fields.get("completion"), list),
    "prompt_completion": _has("prompt", "completion"),
    "alpaca": _has("instruction", "output"),
    "self_instruct": _has("instruction", "instances"),
    "easy_dataset": lambda fields: (
        _has("question", "answer")(fields) and any(name in fields for name in ("cot", *EASY_CHUNKS, *EASY_LABELS))
    ),
    "qa": lambda fields: "question" in fields and any(name in fields for name in ("answer", *QA_ALIASES)),
    "curator": lambda fields: "response" in fields,
    "text": lambda fields: any(name in fields for name in TEXT),
}
