"""Find the field of each role by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.rows import Loaded

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
