"""Detect the role of each field: text or pair, label, source, generator, id.

Fields are found by name, first match; named fields override this. Two candidates are an error.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Literal, Protocol

from syngain.core.errors import InputError, UsageError
from syngain.data.columns import pairs, preferences
from syngain.data.columns.finder import Finder, flag_of
from syngain.data.rows import Loaded, show, show_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = ("text", "sentence", "content", "utterance", "review")
LABEL = ("label", "labels", "target", "class", "intent", "category", "sentiment", "kto_tag")
SOURCE = ("source", "source_id", "source_text", "anchor_id", "seed", "parent")
GENERATOR = ("generator", "model")
CHATS = pairs.CHATS
NO_LABELS = ("id", "split", "language", "lang", "date")
LABEL_WORDS = ("label", "class", "categor", "topic", "intent", "sentiment", "tag", "target")
LOOKED_AT, LONGEST_LABEL, MOST_LABELS = 2_000, 40, 100  # what looks like labels: see `label_like`
SIDES = ("real", "synthetic", "test", "pool")
FLAGS = ("text", "label", "source", "generator", "id")

SAME_SIDE = {"held_out": "pool"}  # other words for a side

Shape = Literal["chat", "pair", "instances", "preference", "text", "columns"]


class Kind(StrEnum):
    """The kind of a row."""

    TEXT = "text"
    PAIR = "pair"  # an instruction and its answer
    TABLE = "table"


KIND_OF: Mapping[Shape, Kind] = {
    "chat": Kind.PAIR,
    "pair": Kind.PAIR,
    "instances": Kind.PAIR,
    "preference": Kind.PAIR,
    "text": Kind.TEXT,
    "columns": Kind.TABLE,
}
WORDS = {Kind.TEXT: "texts", Kind.PAIR: "pairs of prompt and response", Kind.TABLE: "a table of columns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOptions:
    """Fields that the user named.

    ``None`` means detect, an empty string means none. ``text`` may name several fields, ``"question+solution"``: the
    last is the response, those before it the prompt. ``"question+better/worse"`` names the chosen and the rejected one.
    """

    text: str | None = None
    label: str | None = None
    source: str | None = None
    generator: str | None = None
    id: str | None = None

    @classmethod
    def parse(cls, flag_values: Mapping[str, str | None], side: str) -> RoleOptions:
        """Parse the options of one side from flags.

        Flags are such as ``{"label": "real=Sentiment,synthetic=label"}``. A plain value applies to all sides; for
        ``source`` and ``generator`` only to the synthetic one, because real rows have neither.

        Raises:
            UsageError: for an unknown side or flag.
        """
        if side not in SIDES:
            raise UsageError(
                f"unknown side `{side}`",
                expected=f"one of {', '.join(SIDES)}",
                todo=f"write for example {SIDES[0]}=COLUMN",
            )
        unknown = sorted(set(flag_values) - set(FLAGS))
        if unknown:
            raise UsageError(
                f"unknown role `{unknown[0]}`",
                expected=f"one of {', '.join(FLAGS)}",
                todo=f"write for example {{{FLAGS[0]!r}: 'COLUMN'}}",
            )
        return cls(**{flag: for_side(flag, value, side) for flag, value in flag_values.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The field of each role.

    Attributes:
        shape: the layout of the content. text: its fields, in order. rejected: of a preference, the field of the
            rejected response; the last of ``text`` is the chosen one. scores: of a preference, those of both responses.
        features: feature columns of a table. ignored: columns that are not features (ids, split, provenance, ...).
        label_like: for texts without a label, unnamed fields that look like one.
    """

    shape: Shape
    text: tuple[str, ...] = ()
    rejected: str | None = None
    scores: tuple[str, ...] = ()
    label: str | None = None
    source: str | None = None
    generator: str | None = None
    id: str | None = None
    features: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    label_like: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """The kind of a row under these roles."""
        return KIND_OF[self.shape]

    def chosen(self) -> dict[str, object]:
        """The field or fields of each role, as JSON holds them."""
        named = {"label": self.label, "source": self.source, "generator": self.generator, "id": self.id}
        worse = {} if self.rejected is None else {"rejected": self.rejected, "scores": list(self.scores)}
        return {"text": list(self.text), **worse, **named}

    def sentence(self) -> str:
        """Describe the roles: ``text from `sentence`, label from `label```."""
        parts = [self._content()]
        given = {"label": self.label, "source": self.source, "generator": self.generator, "id": self.id}
        parts += [f"{role} from `{show(name)}`" for role, name in given.items() if name is not None]
        if self.label_like:
            parts.append("no label")
        if self.ignored:
            parts.append(f"not features: {show_names(self.ignored)}")
        return ", ".join(parts)

    @property
    def hint(self) -> str:
        """A note where no label was read although a field looks like one; else empty."""
        if not self.label_like:
            return ""
        one = shlex.quote(show(self.label_like[0]))
        return f"labels were not checked; {show_names(self.label_like)} may contain them (--label {one})"

    def _content(self) -> str:
        if self.shape == "columns":
            return f"features from {show_names(self.features)}"
        if self.shape == "text":
            return f"text from {show_names(self.text)}"
        if self.shape == "chat":
            return f"prompt and response from {show_names(self.text)}"
        if self.shape == "preference":
            return preferences.sentence(self.text, str(self.rejected), self.scores)
        if self.shape == "instances":
            return f"prompt from {show_names(self.text)}, response from {show_names(self.text[-1:])}"
        return f"prompt from {show_names(self.text[:-1])}, response from {show_names(self.text[-1:])}"


class ReferenceColumns(Protocol):
    """Kind and columns of the real rows, which other rows must match."""

    @property
    def name(self) -> str:
        """The name for messages."""

    @property
    def roles(self) -> Roles:
        """The field of each role."""

    @property
    def numeric(self) -> tuple[str, ...]:
        """The numeric columns."""


def detect(loaded: Loaded, options: RoleOptions, like: Roles | None) -> Roles:
    """Detect the roles of the fields of ``loaded``, of the kind of ``like`` if given.

    Raises:
        InputError: when a role has two candidates, a named field is absent, or the kind differs.
    """
    finder = Finder(loaded)
    shape, text = _content(finder, options.text, like)
    if like is not None and KIND_OF[shape] != like.kind:
        raise _other_kind(loaded, KIND_OF[shape], like)
    taken = set(text)
    rejected = text[-1] if shape == "preference" else None
    text = text if rejected is None else text[:-1]
    scores = () if rejected is None else preferences.scores(finder, text[-1], rejected)

    def found(role: str, names: Sequence[str]) -> str | None:
        free = [name for name in names if name not in taken]
        preferred = None if like is None else getattr(like, role)
        return finder.role(role, free, getattr(options, role), preferred)

    label = found("label", LABEL if rejected is None else ())
    unlabeled = KIND_OF[shape] is Kind.TEXT and label is None and options.label is None
    return Roles(
        shape=shape,
        text=text,
        rejected=rejected,
        scores=scores,
        label=label,
        label_like=label_like(loaded, taken) if unlabeled else (),
        source=found("source", SOURCE),
        generator=found("generator", GENERATOR),
        id=finder.named(options.id, "id") if options.id else None,
    )


def label_like(loaded: Loaded, taken: set[str]) -> tuple[str, ...]:
    """Fields that look like labels: named like one first, then by the fewest distinct values.

    Short words, filled in every row, of which a few repeat often.
    """
    known = {*TEXT, *SOURCE, *GENERATOR, *NO_LABELS}
    names = [
        name
        for name, field in loaded.fields.items()
        if field.count == len(loaded) and name not in taken and name.strip().casefold() not in known
    ]
    if not names:
        return ()
    columns = zip(*islice(loaded.values(names), LOOKED_AT), strict=True)
    sizes = {}
    for name, cells in zip(names, columns, strict=True):
        if all(isinstance(cell, str) and len(cell) <= LONGEST_LABEL for cell in cells):
            different = len(set(cells))
            if 2 <= different <= min(MOST_LABELS, len(cells) // 5):
                sizes[name] = different
    return tuple(sorted(sizes, key=lambda name: (not _named_like_label(name), sizes[name])))[:3]


def _named_like_label(name: str) -> bool:
    return any(word in name.casefold() for word in LABEL_WORDS)


def _content(finder: Finder, named: str | None, like: Roles | None) -> tuple[Shape, tuple[str, ...]]:
    if named is not None:
        return _named_content(finder, named)
    near = like.text if like else ()
    compared = _compared(finder, like)
    if compared:
        return "preference", compared
    if like is None or like.kind is Kind.PAIR:
        found = pairs.pair(finder, near)
        if found and (like is None or KIND_OF[found[0]] is Kind.PAIR):
            return found
    if like is None or like.kind is Kind.TEXT:
        text = finder.one(TEXT, ("text", "--text"), near[0] if near else None)
        text = text or pairs.alone(finder)
        if text:
            return "text", (text,)
    if like is None or like.kind is Kind.TABLE:
        return "columns", ()
    present = tuple(name for name in near if finder.candidates([name]) == [name])
    if near and near[0] in present and near[-1] in present:
        return like.shape, present
    other, _ = _content(finder, None, None)
    raise _other_kind(finder.loaded, KIND_OF[other], like)


def _compared(finder: Finder, like: Roles | None) -> tuple[str, ...]:
    """The fields of preference rows, where the real rows have or may have a rejected response; else empty."""
    if like is not None and like.rejected is None:
        return ()
    found = preferences.detect(finder, None if like is None else (*like.text, str(like.rejected)))
    if like is not None and not found:
        raise preferences.not_compared(finder.loaded, like.sentence())
    return found or ()


def text_fields(loaded: Loaded) -> tuple[str, ...]:
    """The fields that would be the text of these rows; empty for a table."""
    return _content(Finder(loaded), None, None)[1]


def _named_content(finder: Finder, named: str) -> tuple[Shape, tuple[str, ...]]:
    if not named:
        return "columns", ()
    fields = finder.loaded.fields
    parts = tuple(part.strip() for part in named.split("+"))
    if named in fields or (len(parts) == 1 and "/" not in named):
        name = finder.named(named, "text")
        return ("chat" if _holds_lists(finder.loaded, name) else "text"), (name,)
    better, _, worse = parts[-1].rpartition("/")
    if parts[-1] not in fields and better in fields and worse in fields:
        return "preference", (*(finder.named(part, "text") for part in parts[:-1]), better, worse)
    for part in parts:
        finder.named(part, "text")
    return ("instances" if parts[-1] == "instances" else "pair"), parts


def _holds_lists(loaded: Loaded, name: str) -> bool:
    first = loaded.fields[name].first
    return first >= 0 and isinstance(loaded.rows[first].get(name), list)


def _other_kind(loaded: Loaded, kind: Kind, like: Roles) -> InputError:
    holds = "no text field" if kind is Kind.TABLE else f"contains {WORDS[kind]}"
    return InputError(
        f"{loaded.name}: {holds}; the fields are {show_names(list(loaded.fields))}",
        expected=f"{WORDS[like.kind]} as in the real rows ({like.sentence()})",
        todo="name the fields of each side: --text real=A,synthetic=B (a pair: prompt+response)",
    )


def for_side(flag: str, value: str | None, side: str) -> str | None:
    """The part of a flag that holds for a side: ``real=A,synthetic=B``, or one value for all.

    Raises:
        UsageError: an unknown side, or one that is named twice.
    """
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    pairs = [part.split("=", 1) for part in parts if "=" in part]
    named = [(SAME_SIDE.get(name, name), own) for name, own in pairs if SAME_SIDE.get(name, name) in SIDES]
    if not named:
        return None if flag in {"source", "generator"} and side != "synthetic" else _or_none(value.strip())
    if len(named) != len(parts) or len({name for name, _ in named}) != len(named):
        raise UsageError(
            f"{flag_of(flag)} {value}",
            expected=f"a field, or SIDE=FIELD[,SIDE=FIELD] with each of {', '.join(SIDES)} (or held_out) at most once",
            todo=f"write for example {flag_of(flag)} real=A,synthetic=B",
        )
    found = dict(named).get(side)
    return None if found is None else _or_none(found)


def _or_none(value: str) -> str:
    """Map the command-line word ``none`` to "no such field"."""
    return "" if value == "none" else value
