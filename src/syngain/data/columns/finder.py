"""Find the field of each role by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.data.rows import Loaded

MOST_INNER, DEEPEST = 6, 4  # inner fields in an error; levels of objects
WRITTEN = {"source": "source-id"}  # flags that are not named as their role


def flag_of(role: str) -> str:
    """The flag that names the field of a role."""
    return f"--{WRITTEN.get(role, role)}"


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds fields by exact name, else ignoring case.

    Empty fields are skipped.
    """

    loaded: Loaded

    def candidates(self, names: Sequence[str]) -> list[str]:
        """The fields with these names, in the order of the names."""
        fields = [name for name, field in self.loaded.fields.items() if field.count]
        exact = [name for name in names if name in fields]
        return exact or [field for name in names for field in fields if field.strip().casefold() == name]

    def one(self, names: Sequence[str], what: tuple[str, str], preferred: str | None) -> str | None:
        """The one field with such a name; ``what`` is role and flag, for the message."""
        found = self.candidates(names)
        if preferred in found:
            return preferred
        if len(found) > 1:
            raise self._ambiguous(found, what)
        return found[0] if found else None

    def role(self, role: str, names: Sequence[str], named: str | None, preferred: str | None) -> str | None:
        """The field of a role: the named one, that of REAL, or the only candidate."""
        if named is not None:
            return self.named(named, role) if named else None
        if preferred is not None and self.candidates([preferred]) == [preferred]:
            return preferred
        return self.one(names, (role, flag_of(role)), preferred)

    def named(self, name: str, flag: str) -> str:
        """A field that the user named."""
        if name in self.loaded.fields:
            return name
        raise InputError(
            f"{self.loaded.name}: no field `{show(name)}`",
            expected=f"one of {show_names(list(self.loaded.fields))}",
            todo=f"correct {flag_of(flag)}, or name the field of each side: {flag_of(flag)} real=A,synthetic=B",
        )

    def _ambiguous(self, found: Sequence[str], what: tuple[str, str]) -> InputError:
        loaded, (role, flag) = self.loaded, what
        fields = [(name, loaded.fields[name]) for name in found]
        rows = [
            f"`{show(n)}` ({f.count} of {len(loaded)} rows, first {loaded.unit} {loaded.numbers[f.first]})"
            for n, f in fields
        ]
        mixed = any(field.count < len(loaded) for _, field in fields)
        return InputError(
            f"{loaded.name}: {len(found)} candidates for the {role}: {' and '.join(rows)}",
            expected="one field",
            todo=f"name it: {flag} {show(found[0])}"
            + ("; or keep one kind of rows: FILE::column=value (Python: where=)" if mixed else ""),
        )


def names_of(loaded: Loaded) -> str:
    """The fields of rows for an error, with texts inside of objects by their dotted names."""
    inner = [name for field, found in loaded.fields.items() for name in _inner(loaded, field, found.first)]
    beside = f" (inside of them: {show_names(inner[:MOST_INNER])})" if inner else ""
    return (show_names(list(loaded.fields)) or "none") + beside


def _inner(loaded: Loaded, field: str, first: int) -> Iterator[str]:
    waiting = [(field, loaded.rows[first].get(field) if first >= 0 else None)]
    while waiting:
        name, value = waiting.pop(0)
        if isinstance(value, Mapping) and name.count(".") < DEEPEST:
            waiting += [(f"{name}.{key}", inner) for key, inner in value.items()]
        elif isinstance(value, str) and name != field:
            yield name
