"""Prompt templates: Jinja in a sandbox that reaches no file, no attribute of Python and no other template.

Values are put in once and never read as templates: what stands in an anchor stays text, whatever it says.
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
LONGEST = 200_000  # characters of a prompt; more is a template gone wild

PADDING = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"}
)  # make texts of any size


class _Sandbox(ImmutableSandboxedEnvironment):
    """Columns and filters, and no way to a text that does not fit into memory."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Products of numbers only, and no large ones; no formatting by %."""
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))) or (
            operator == "**" and (abs(left) > LONGEST or abs(right) > 10)
        ):
            raise SecurityError(f"{operator} with {type(left).__name__} and {type(right).__name__}")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: object) -> None:
        """Formatting is not made safe, it is not there."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Nothing of Python's insides, and no padding."""
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, str) and attr in PADDING)


_ENVIRONMENT = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False, optimized=False)
_ENVIRONMENT.globals.clear()  # no range, no lipsum, no cycler: columns and nothing else
for _name in ("center", "format", "indent"):
    del _ENVIRONMENT.filters[_name]


def template(source: str, *, where: str) -> Callable[[Mapping[str, object]], str]:
    """A template as a function of its columns. ``where`` names it in messages.

    Raises:
        InputError: it is not a template; when it is called: a column it uses is missing, or it wants more.
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
    """An expression such as ``label in text`` as a function of the columns of a row.

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
    """The columns, with those of the anchor spelled out."""
    names = []
    for name, value in columns.items():
        inner = [f"{name}.{key}" for key in list(value)[:20]] if isinstance(value, dict) else [name]
        names += inner or [name]
    return ", ".join(names) or "nothing"
