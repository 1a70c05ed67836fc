"""Prompt templates: Jinja in a sandbox without files, attributes or includes.

Values are inserted once and never rendered as templates: the content of a real row stays text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from syngain.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context

Value = TypeVar("Value")
LONGEST = 200_000  # maximum characters of a prompt

PADDING = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"}
)  # make texts of any size


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox with columns and filters, and limits on the size of texts."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Allow products of small numbers only, and no formatting by %."""
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))) or (
            operator == "**" and (abs(left) > LONGEST or abs(right) > 10)
        ):
            raise SecurityError(f"{operator} with {type(left).__name__} and {type(right).__name__}")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: object) -> None:
        """Forbid string formatting."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Forbid Python's internal attributes and padding."""
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, str) and attr in PADDING)


_ENVIRONMENT = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False, optimized=False)
_ENVIRONMENT.globals.clear()  # no range, no lipsum, no cycler: columns and nothing else
for _name in ("center", "format", "indent"):
    del _ENVIRONMENT.filters[_name]


def template(source: str, *, where: str) -> Callable[[Mapping[str, object]], str]:
    """Compile a template to a function of its columns; ``where`` names it in messages.

    Raises:
        InputError: it is not a template. When called: a column is missing, or an operation is forbidden.
    """
    try:
        compiled = _ENVIRONMENT.from_string(source)
    except TemplateError as error:
        raise InputError(
            f"{where} is not a valid template ({error})",
            expected="Jinja such as {{ anchor.text }}",
            todo="correct the template in the recipe",
        ) from error

    def render(columns: Mapping[str, object]) -> str:
        parts, size = [], 0
        pieces = compiled.generate(**columns)
        while (piece := _guarded(lambda: next(pieces, None), where, columns)) is not None:
            parts.append(piece)
            size += len(piece)
            if size > LONGEST:
                raise InputError(
                    f"{where} renders to more than {LONGEST:,} characters",
                    expected=f"at most {LONGEST:,}",
                    todo="shorten the template or its columns",
                )
        return "".join(parts).strip()

    return render


def condition(source: str, *, where: str) -> Callable[[Mapping[str, object]], bool]:
    """Compile an expression such as ``label in text`` to a function of columns.

    Raises:
        InputError: as for a template.
    """
    try:
        compiled = _ENVIRONMENT.compile_expression(source, undefined_to_none=False)
    except TemplateError as error:
        raise InputError(
            f"{where} is not a valid expression ({error})",
            expected="an expression such as `label in text`",
            todo="correct the expression in the recipe",
        ) from error
    return lambda columns: bool(_guarded(lambda: _defined(compiled(**columns)), where, columns))


def _defined(value: object) -> object:
    if isinstance(value, StrictUndefined):
        bool(value)  # raises, with the name that is missing
    return value


def _guarded(work: Callable[[], Value], where: str, columns: Mapping[str, object]) -> Value:
    try:
        return work()
    except UndefinedError as error:
        raise InputError(
            f"{where} uses an unknown name ({error.message})",
            expected=f"one of {_names(columns)}",
            todo="correct the name in the recipe",
        ) from error
    except SecurityError as error:
        raise InputError(
            f"{where} uses a forbidden operation ({error})",
            expected="columns and filters only",
            todo="remove it from the template",
        ) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise InputError(
            f"{where} cannot be rendered ({error})",
            expected=f"columns: {_names(columns)}",
            todo="correct the template in the recipe",
        ) from error


def _names(columns: Mapping[str, object]) -> str:
    """The names of columns, including those of the real row."""
    names = []
    for name, value in columns.items():
        inner = [f"{name}.{key}" for key in list(value)[:20]] if isinstance(value, dict) else [name]
        names += inner or [name]
    return ", ".join(names) or "nothing"
