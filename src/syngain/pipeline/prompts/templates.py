"""Prompt templates: Jinja in a sandbox without files, attributes or includes.

Values are inserted once and never rendered as templates: the content of a real row stays text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.exceptions import SecurityError

from syngain.core.errors import InputError
from syngain.pipeline.prompts.bounds import LONGEST, LimitError, Sandbox, metered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Template

Value = TypeVar("Value")
_ENVIRONMENT = Sandbox(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False, optimized=False)
_UNPARSED = (TemplateError, RecursionError, MemoryError, SyntaxError, OverflowError, ValueError)


def template(source: str, *, where: str) -> Callable[[Mapping[str, object]], str]:
    """Compile a template to a function of its columns; ``where`` names it in messages.

    Raises:
        InputError: it is not a template. When called: a column is missing, or an operation is forbidden.
    """
    try:
        compiled = _ENVIRONMENT.from_string(source)
    except _UNPARSED as error:
        raise InputError(
            f"{where} is not a valid template ({_reason(error)})",
            expected="Jinja such as {{ anchor.text }}",
            todo="correct the template in the recipe",
        ) from error

    def render(columns: Mapping[str, object]) -> str:
        with metered():
            return _guarded(lambda: _rendered(compiled, columns), where, columns).strip()

    return render


def condition(source: str, *, where: str) -> Callable[[Mapping[str, object]], bool]:
    """Compile an expression such as ``label in text`` to a function of columns.

    Raises:
        InputError: as for a template.
    """
    try:
        compiled = _ENVIRONMENT.compile_expression(source, undefined_to_none=False)
    except _UNPARSED as error:
        raise InputError(
            f"{where} is not a valid expression ({_reason(error)})",
            expected="an expression such as `label in text`",
            todo="correct the expression in the recipe",
        ) from error

    def holds(columns: Mapping[str, object]) -> bool:
        with metered():
            return bool(_guarded(lambda: _defined(compiled(**columns)), where, columns))

    return holds


def _rendered(compiled: Template, columns: Mapping[str, object]) -> str:
    """The text of a template, given up as soon as it is too long."""
    parts, total = [], 0
    for part in compiled.generate(**columns):
        parts.append(part)
        total += len(part)
        if total > LONGEST:
            raise LimitError(f"renders to more than {LONGEST:,} characters", f"at most {LONGEST:,}")
    return "".join(parts)


def _reason(error: BaseException) -> str:
    return "nested too deeply" if isinstance(error, (RecursionError, MemoryError)) else str(error)


def _defined(value: object) -> object:
    if isinstance(value, StrictUndefined):
        bool(value)  # raises, with the name that is missing
    return value


def _guarded(work: Callable[[], Value], where: str, columns: Mapping[str, object]) -> Value:
    try:
        return work()
    except LimitError as error:
        raise InputError(
            f"{where} {error.came}", expected=error.expected, todo="shorten the template or its columns"
        ) from error
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
    except (*_UNPARSED, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"{where} cannot be rendered ({_reason(error)})",
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
