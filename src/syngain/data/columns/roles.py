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
from syngain.data.columns.finder import Finder, names_of
from syngain.data.columns.shapes import token_fields, triplet_fields
from syngain.data.columns.targets import Target, decision, scored, target_named, target_of
from syngain.data.rows import Loaded, show, show_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.columns.options import RoleOptions

TEXT = ("text", "sentence", "content", "utterance", "review")
LABEL = ("label", "labels", "target", "class", "intent", "category", "sentiment", "kto_tag")
SOURCE = ("source", "source_id", "source_text", "anchor_id", "seed", "parent")
GENERATOR = ("generator", "model")
CHATS = pairs.CHATS
NO_LABELS = ("id", "split", "language", "lang", "date")
LABEL_WORDS = ("label", "class", "categor", "topic", "intent", "sentiment", "tag", "target")
OUTCOMES = ("income", "outcome", "diagnosis", "species", "survived", "churn", "default", "fraud", "y", "quality")
FEW_LABELS = 20  # values of a column of a table that may be its label
LOOKED_AT, LONGEST_LABEL, MOST_LABELS = 2_000, 40, 100  # what looks like labels: see `label_like`

Shape = Literal["chat", "pair", "instances", "preference", "triplet", "text", "tokens", "columns"]


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
    "triplet": Kind.PAIR,
    "tokens": Kind.TEXT,
    "text": Kind.TEXT,
    "columns": Kind.TABLE,
}
TARGET_WORDS = {
    Target.CLASS: "label",
    Target.NUMBER: "number to predict",
    Target.ORDINAL: "ordinal score",
    Target.LABELS: "label sets",
    Target.TAGS: "token tags",
    Target.TRIPLETS: "label",
}
WORDS = {Kind.TEXT: "texts", Kind.PAIR: "pairs of prompt and response", Kind.TABLE: "a table of columns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The field of each role.

    Attributes:
        shape: the layout of the content. text: its fields, in order. rejected: of a preference, the field of the
            rejected response; the last of ``text`` is the chosen one. scores: of a preference, those of both responses.
        features: feature columns of a table. ignored: columns that are not features (ids, split, provenance, ...).
        label_like: for texts without a label, unnamed fields that look like one. target: what is predicted.
        negatives: of a triplet, the fields of the negative candidates. decided: how the target was found, and how to
            override it.
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
    target: Target = Target.CLASS
    negatives: tuple[str, ...] = ()
    decided: str = ""

    @property
    def kind(self) -> Kind:
        """The kind of a row under these roles."""
        return KIND_OF[self.shape]

    def chosen(self) -> dict[str, object]:
        """The field or fields of each role, as JSON holds them."""
        named = {"label": self.label, "source": self.source, "generator": self.generator, "id": self.id}
        worse = {} if self.rejected is None else {"rejected": self.rejected, "scores": list(self.scores)}
        more = {} if self.target is Target.CLASS else {"target": str(self.target)}
        against = {"negatives": list(self.negatives)} if self.negatives else {}
        return {"text": list(self.text), **worse, **against, **named, **more}

    def sentence(self) -> str:
        """Describe the roles: ``text from `sentence`, label from `label```."""
        parts = [self._content()]
        given = {"label": self.label, "source": self.source, "generator": self.generator, "id": self.id}
        words = {"label": TARGET_WORDS[self.target]}
        parts += [f"{words.get(role, role)} from `{show(name)}`" for role, name in given.items() if name is not None]
        if self.label_like:
            parts.append("no label")
        if self.ignored:
            parts.append(f"not features: {show_names(self.ignored)}")
        return ", ".join(parts)

    @property
    def hint(self) -> str:
        """A note where no label was read although a field looks like one, or how the target was read; else empty."""
        if not self.label_like:
            return self.decided
        one = shlex.quote(show(self.label_like[0]))
        return f"labels were not checked; {show_names(self.label_like)} may contain them (--label {one})"

    def _content(self) -> str:
        plain = {"columns": ("features", self.features), "tokens": ("tokens", self.text), "text": ("text", self.text)}
        if self.shape in plain:
            what, names = plain[self.shape]
            return f"{what} from {show_names(names)}"
        if self.shape == "triplet":
            query, positive = ([name] for name in self.text)
            given = show_names(self.negatives)
            return f"query from {show_names(query)}, positive from {show_names(positive)}, negatives from {given}"
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
    finder, named = Finder(loaded), target_named(options.target)
    shape, text = _special(finder, options, like, named) or _content(finder, options.text, like)
    if like is not None and KIND_OF[shape] != like.kind:
        raise _other_kind(loaded, KIND_OF[shape], like)
    taken = set(text)
    rejected = text[-1] if shape == "preference" else None
    text = text if rejected is None else text[:-1]
    scores = () if rejected is None else preferences.scores(finder, text[-1], rejected)
    negatives = text[2:] if shape == "triplet" else ()
    text = text[:2] if negatives else text

    def found(role: str, names: Sequence[str]) -> str | None:
        free = [name for name in names if name not in taken]
        preferred = None if like is None else getattr(like, role)
        return finder.role(role, free, getattr(options, role), preferred)

    if shape == "tokens":
        tags = token_fields(finder, options.label)
        label = tags[1] if tags else found("label", ())
    else:
        label = found("label", LABEL if rejected is None and not negatives else ())
    target = _target(loaded, (shape, label), named, like)
    unlabeled = label is None and options.label is None
    return Roles(
        shape=shape,
        text=text,
        rejected=rejected,
        scores=scores,
        label=label,
        label_like=_label_like(loaded, taken, KIND_OF[shape]) if unlabeled else (),
        source=found("source", SOURCE),
        generator=found("generator", GENERATOR),
        id=finder.named(options.id, "id") if options.id else None,
        target=target,
        negatives=negatives,
        decided="" if label is None or named is not None else decision(loaded, label, target),
    )


def _target(loaded: Loaded, content: tuple[Shape, str | None], named: Target | None, like: Roles | None) -> Target:
    """The kind of target: by the shape, as named, as in the real rows, or by its values.

    Raises:
        UsageError: the named kind does not fit the rows.
    """
    shape, label = content
    own = {"tokens": Target.TAGS, "triplet": Target.TRIPLETS}.get(shape)
    if own is not None:
        return own if label is not None or own is Target.TRIPLETS else Target.CLASS
    if label is None:
        return Target.CLASS
    if named in {Target.TAGS, Target.TRIPLETS}:
        needs = "tokens and tags" if named is Target.TAGS else "query, positive and negative"
        raise UsageError(
            f"--target {named}, but {loaded.name} has no such fields",
            expected=f"fields of {needs}; the fields are {show_names(list(loaded.fields))}",
            todo="leave out --target, or name the fields with --text",
        )
    if named is None and like is not None and like.label is not None:
        return like.target
    return target_of(loaded, label) if named is None else named


def _special(
    finder: Finder, options: RoleOptions, like: Roles | None, named: Target | None
) -> tuple[Shape, tuple[str, ...]] | None:
    """The content of triplets or rows of tokens; None for all other rows.

    Raises:
        InputError: the real rows are such rows, these are not.
    """
    if options.text is not None:
        better, _, worse = options.text.rpartition("/")
        parts = better.split("+")
        if named is Target.TRIPLETS and worse and len(parts) == 2:
            return "triplet", tuple(finder.named(part.strip(), "text") for part in (*parts, *worse.split(",")))
        return None
    if named is Target.CLASS or (like is not None and like.shape not in {"tokens", "triplet"}):
        return None
    triplet = None if like is not None and like.shape == "tokens" else triplet_fields(finder)
    if triplet is not None and (like is not None or not _compared(finder, None)):
        return "triplet", triplet
    tokens = None if like is not None and like.shape == "triplet" else token_fields(finder, options.label)
    if tokens is not None and options.label != "":
        return "tokens", tokens[:1]
    if like is not None:
        raise InputError(
            f"{finder.loaded.name}: {'no tokens and tags' if like.shape == 'tokens' else 'no query with candidates'}; "
            f"the fields are {show_names(list(finder.loaded.fields))}",
            expected=f"rows as the real ones ({like.sentence()})",
            todo="rename the fields as in the real rows, or name other content on both sides with --text",
        )
    return None


def label_like(loaded: Loaded, taken: set[str]) -> tuple[str, ...]:
    """Fields that look like labels: named like one first, then by the fewest distinct values.

    Short words, or numbers in a field named like a score, filled in every row, of which a few repeat often.
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
        scores = scored(name) and all(isinstance(cell, (int, float)) for cell in cells)
        if scores or all(isinstance(cell, str) and len(cell) <= LONGEST_LABEL for cell in cells):
            different = len(set(cells))
            if 2 <= different <= min(MOST_LABELS, len(cells) // 5):
                sizes[name] = different
    return tuple(sorted(sizes, key=lambda name: (not _named_like_label(name), sizes[name])))[:3]


def _label_like(loaded: Loaded, taken: set[str], kind: Kind) -> tuple[str, ...]:
    """Unnamed fields that look like labels; of a table one with a usual name, or the last with few values."""
    if kind is Kind.TEXT:
        return label_like(loaded, taken)
    names = [name for name, field in loaded.fields.items() if field.count == len(loaded)] if kind is Kind.TABLE else []
    usual = [name for name in names if name.strip().casefold() in OUTCOMES]
    likely = usual or [name for name in list(loaded.fields)[-1:] if name in names]
    for name in likely:
        cells = [cell for (cell,) in islice(loaded.values([name]), LOOKED_AT)]
        plain = all(isinstance(cell, (str, int, bool)) and len(str(cell)) <= LONGEST_LABEL for cell in cells)
        if plain and 2 <= len(set(cells)) <= min(FEW_LABELS, len(cells) // 5):
            return (name,)
    return ()


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
        f"{loaded.name}: {holds}; the fields are {names_of(loaded)}",
        expected=f"{WORDS[like.kind]} as in the real rows ({like.sentence()})",
        todo="name the fields of each side: --text real=A,synthetic=B (a pair: prompt+response)",
    )
