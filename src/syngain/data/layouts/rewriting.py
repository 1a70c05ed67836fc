"""Convert rows one by one, complete or with an account of what a trainer would not read as it is meant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from syngain.core.errors import InputError
from syngain.data.layouts.convert import LAYOUTS
from syngain.data.layouts.entry import Emitted, Entry, Layout, LayoutError, Row, SkippedError
from syngain.data.layouts.trainers import TRAINERS, TrainerFormat
from syngain.data.layouts.trainers.meaning import differences, meaning_of, plain_shape
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from syngain.data.layouts.trainers.forms import Known

OTHERS = "write another layout (trl: preferences, judged answers; messages: further columns)"
FIRST = 100  # rows that decide about the form of a trainer
LONG = 240  # characters of a problem


class Emits(Protocol):
    """What writes entries as rows."""

    def emit(self, entry: Entry, known: Known | None = None) -> Emitted:
        """Write an entry; see :class:`Layout` and :class:`Form`."""


@dataclass(frozen=True, slots=True)
class Converted:
    """Rows in another layout.

    Attributes:
        rows: in order. lost: what the layout cannot store or the trainer would not read, with its number of rows.
        skipped: reasons of rows that were left out, with their number.
    """

    rows: Sequence[Row]
    lost: Mapping[str, int]
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A layout whose rows are compared with what they were, after they are read again."""

    layout: Layout

    def emit(self, entry: Entry, known: Known | None = None) -> Emitted:
        """Write an entry; see :class:`Layout` and :class:`Form`."""
        emitted = self.layout.emit(entry)
        shape = None if known is None else plain_shape(entry)
        if shape is not None and known is not None and shape in known:
            return emitted
        read = self.layout.parse(dict(emitted.row))
        further = differences(meaning_of(entry)[0], meaning_of(read)[0])
        if shape is not None and known is not None and not further and not emitted.lost:
            known[shape] = None
        return Emitted(emitted.row, tuple(dict.fromkeys([*emitted.lost, *further]))) if further else emitted


class _AnotherFormError(Exception):
    """A row needs another form of the trainer; all rows are written again."""


@dataclass(slots=True)
class Rewriting:
    """The rows of a file in another layout; iterating converts them.

    Attributes:
        rows: the original records. source: their layout. target: a layout, or a trainer, whose form the rows decide.
        lossy: whether what the target cannot express is left out and counted. name: of the file, for messages.
        lost, skipped, read, written, fields: counts of the last iteration, and the fields that were written.
    """

    rows: Sequence[Mapping[str, object]]
    source: Layout
    target: Layout | TrainerFormat
    lossy: bool = False
    name: str = "rows"
    lost: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    read: int = 0
    written: int = 0
    fields: set[str] = field(default_factory=set)
    _form: Emits | None = None
    _known: Known = field(default_factory=dict)
    _tried: list[Emits] = field(default_factory=list)

    def run(self, write: Callable[[Iterable[Row]], None]) -> None:
        """Write all rows; once more where a later row needs another form of the trainer.

        Raises:
            InputError: a row is not of the layout, or cannot be expressed.
        """
        while True:
            try:
                write(self)
            except _AnotherFormError:
                continue
            return

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        self.lost, self.skipped, self.read, self.written = Counter(), Counter(), 0, 0
        self.fields = set()
        first: InputError | None = None
        for row in self.rows:
            self.read += 1
            try:
                emitted = self._converted(row)
            except LayoutError as error:
                fault = self._fault(error)
                if not self.lossy or isinstance(error, _SourceError):
                    raise fault from error
                first = first or fault
                self.skipped[error.problem] += 1
                continue
            if emitted.lost:
                self._check(emitted)
                self.lost.update(emitted.lost)
            self.written += 1
            self.fields |= emitted.row.keys()
            yield emitted.row
        if first is not None and not self.written:
            raise first

    def _converted(self, row: Mapping[str, object]) -> Emitted:
        try:
            entry = self.source.parse(dict(row))
        except SkippedError:
            raise
        except LayoutError as error:
            raise _SourceError(error.problem, error.expected) from error
        if self._form is None:
            self._form = self._usual(entry)
            self._tried = [self._form]
        try:
            emitted = self._form.emit(entry, self._known)
        except LayoutError:
            self._another(entry)
            raise
        if emitted.lost:
            self._another(entry)
        return emitted

    def _usual(self, entry: Entry) -> Emits:
        """The form that most of the first rows choose; ``entry`` is the first of them."""
        forms = [self._choose(entry)]
        for row in islice(self.rows, 1, FIRST) if isinstance(self.target, TrainerFormat) else ():
            try:
                forms.append(self._choose(self.source.parse(dict(row))))
            except LayoutError:
                continue
        return max(forms, key=lambda form: sum(one is form for one in forms))

    def _choose(self, entry: Entry) -> Emits:
        if not isinstance(self.target, TrainerFormat):
            return Stored(self.target)
        fitting = self.target.fitting(entry)
        clean = next((form for form in fitting if _clean(form, entry)), None)
        return clean or next((form for form in fitting if _written(form, entry) is not None), fitting[0])

    def _another(self, entry: Entry) -> None:
        """Raise _AnotherFormError where a form that was not tried expresses the row."""
        if not isinstance(self.target, TrainerFormat):
            return
        for form in self.target.fitting(entry):
            if form not in self._tried and _same_stage(self.target, form, self._tried[0]) and _clean(form, entry):
                self._form = form
                self._tried.append(form)
                self._known = {}
                raise _AnotherFormError

    def _check(self, emitted: Emitted) -> None:
        if not self.lossy:
            what, expected = f"the layout has no place for {show_names(emitted.lost)}", "rows whose fields it can store"
            if isinstance(self.target, TrainerFormat):
                lost = (show_names([one]) if one.isidentifier() else show(one, LONG) for one in emitted.lost)
                what = f"{self.target.title} would lose {', '.join(lost)}"
                expected = f"rows that {self.target.title} reads as they are meant"
            raise InputError(
                f"{self.name}, row {self.read}: {what}",
                expected=expected,
                todo=f"{OTHERS}, or leave this out with --lossy",
            )

    def _fault(self, error: LayoutError) -> InputError:
        todo, who = "correct this row, or choose another layout", ""
        if isinstance(error, SkippedError) and isinstance(self.target, TrainerFormat):
            who = f"{self.target.title} does not take it: "
        if not isinstance(error, _SourceError) and not self.lossy:
            todo += "; --lossy leaves such rows out"
        problem = f"{self.name}, row {self.read}: {who}{show(error.problem, LONG)}"
        return InputError(problem, expected=error.expected, todo=todo)


class _SourceError(LayoutError):
    """A row is not of the layout that is read."""


def _clean(form: Emits, entry: Entry) -> bool:
    made = _written(form, entry)
    return made is not None and not made.lost


def _written(form: Emits, entry: Entry) -> Emitted | None:
    try:
        return form.emit(entry)
    except LayoutError:
        return None


def _same_stage(trainer: TrainerFormat, form: Emits, other: Emits) -> bool:
    return any(form in forms and other in forms for forms in trainer.forms.values())


def convert_rows(
    rows: Sequence[Mapping[str, object]],
    source: Layout,
    target: Layout | TrainerFormat,
    *,
    lossy: bool = False,
    name: str = "",
) -> Converted:
    """Convert rows, in order; see :class:`Rewriting`.

    Raises:
        InputError: a row is not of the layout, would become another row, or (unless lossy) has what the target cannot
            express.
    """
    rewriting = Rewriting(rows, source, target, lossy, name or "rows")
    out: list[Row] = []

    def collect(made: Iterable[Row]) -> None:
        out[:] = made

    rewriting.run(collect)
    return Converted(out, dict(sorted(rewriting.lost.items())), dict(rewriting.skipped))


def target_named(name: str) -> Layout | TrainerFormat:
    """A trainer, or else a layout, by name."""
    return TRAINERS[name] if name in TRAINERS else LAYOUTS[name]
