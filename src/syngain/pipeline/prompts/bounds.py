"""A sandbox of Jinja whose work and texts are counted: no filter, loop or literal makes a text of any size.

Every loop item, operation, filter, call and output of a rendering is counted. What an operation makes is bounded before
it is made where it can be more than what goes in, and counted afterwards.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from jinja2 import TemplateError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from jinja2.runtime import Context

LONGEST = 200_000  # maximum characters of a prompt, and of every text on the way to it
WORK = 20 * LONGEST  # characters that the operations of one rendering may read and make, items of loops included
CALL = 40  # steps that a call counts as
DIGITS = 1_000  # of a whole number
PADDING = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "to_bytes", "translate"}
)


class LimitError(TemplateError):
    """A rendering is beyond a limit; the message names it."""

    def __init__(self, came: str, expected: str) -> None:
        super().__init__(came)
        self.came, self.expected = came, expected


@dataclass
class _Meter:
    work: int = 0


_METER: ContextVar[_Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[None]:
    """Count the work of one rendering."""
    token = _METER.set(_Meter())
    try:
        yield
    finally:
        _METER.reset(token)


def spend(amount: int, steps: int = 1) -> None:
    """Count work.

    Raises:
        LimitError: one text, or the work of the rendering, is beyond its limit.
    """
    if amount > LONGEST:
        raise LimitError(f"makes a text of more than {LONGEST:,} characters", f"at most {LONGEST:,}")
    meter = _METER.get()
    if meter is None:
        return
    meter.work += amount + steps
    if meter.work > WORK:
        raise LimitError(f"takes more than {WORK:,} steps (characters and items of loops)", f"at most {WORK:,}")


def size(value: object) -> int:
    """Characters of a value, with everything in it; stops counting beyond the limit."""
    total, stack = 0, [value]
    while stack and total <= LONGEST:
        item = stack.pop()
        if isinstance(item, (str, bytes)):
            total += len(item)
        elif isinstance(item, bool) or item is None or isinstance(item, (float, Undefined)):
            total += 5
        elif isinstance(item, int):
            total += item.bit_length() // 3 + 1
        elif isinstance(item, Mapping):
            total += 4 * len(item)
            stack += [part for pair in islice(item.items(), LONGEST) for part in pair]
        elif isinstance(item, Sequence):
            total += 2 * len(item)
            stack += islice(item, LONGEST)
    return total


def counted(items: Iterable[object]) -> Iterator[object]:
    """The items of a loop, each counted."""
    for item in items:
        spend(1)
        yield item


def joined(parts: Iterable[object]) -> str:
    """Texts put together, as by ``~``."""
    return concat([str(part) for part in parts if _spent(part)])


def concat(parts: Iterable[str]) -> str:
    """Texts put together, their size counted first."""
    found = list(parts)
    spend(sum(map(len, found)))
    return "".join(found)


def _spent(part: object) -> bool:
    spend(size(part))
    return True


def _replaced(text: str, old: str, new: str, *_: object) -> int:
    return len(text) + text.count(old) * max(len(new) - len(old), 0)


def _amount(name: str, arguments: Sequence[object]) -> int:
    """Characters that an operation may make, where that can be more than its input."""
    numbers = [abs(one) for one in arguments[1:] if isinstance(one, int)]
    given = sum(map(size, arguments))
    most = max([given, *numbers])
    if name == "replace" and len(arguments) > 2:
        most = _replaced(*map(str, arguments[:3]))
    elif name in {"join", "str.join"} and len(arguments) > 1:
        items, mark = arguments[:2] if name == "join" else (arguments[1], arguments[0])
        most = size(items) + (len(items) * size(mark) if isinstance(items, Sequence) else 0)
    elif name in {"batch", "slice"}:
        most = given + sum(numbers) * max(size(arguments[-1]), 1)
    elif name in {"tojson", "pprint", "indent", "round"}:
        most = given * (1 + sum(numbers))
    elif name == "wordwrap":
        most = given + given // max(min(numbers, default=79), 1) * max(map(size, arguments[1:]), default=1)
    elif name == "sum" and isinstance(arguments[0], Sequence) and not all(map(_is_number, arguments[0])):
        most = size(arguments[0]) * len(arguments[0])
    return most


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _bounded(name: str, function: Callable[..., object], given: int) -> Callable[..., object]:
    """An operation with its work counted; ``given`` arguments come from the environment."""

    @functools.wraps(function)
    def call(*arguments: object, **named: object) -> object:
        own = [list(counted(one)) if isinstance(one, Iterator) else one for one in arguments[given:]]
        spend(_amount(name, [*own, *named.values()]), CALL)
        found = function(*arguments[:given], *own, **named)
        spend(size(found))
        return found

    return call


class _Counting(NodeTransformer):
    """Loops and ``~`` go through counted operations."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  (Jinja's names)
        """Count the items of a loop."""
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """Bound the text of ``~``."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)


class Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox with columns and filters, whose work is counted."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **options: object) -> None:
        super().__init__(finalize=_output, **options)
        self.globals.clear()  # no range, no lipsum, no cycler: columns and nothing else
        for name in ("center", "format", "indent"):
            del self.filters[name]
        self.filters = {name: _bounded(name, one, _given(one)) for name, one in self.filters.items()}
        self.filters |= {"_counted": counted, "_joined": joined}
        self.concat = concat  # type: ignore[method-assign]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed = super()._parse(source, name, filename)
        _Counting().visit(parsed)
        return parsed

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Allow products of small numbers only, no formatting by %, and sums of bounded size."""
        spend(size(left) + size(right))
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if operator != "+" and (
            not numbers or (operator == "**" and (abs(left) > LONGEST or abs(right) > 10))  # type: ignore[arg-type]
        ):
            raise SecurityError(f"{operator} with {type(left).__name__} and {type(right).__name__}")
        found = super().call_binop(context, operator, left, right)
        if isinstance(found, int) and found.bit_length() > 3.4 * DIGITS:
            raise LimitError(f"makes a number of more than {DIGITS:,} digits", f"at most {DIGITS:,}")
        return found

    def call(self, context: Context, called: object, /, *arguments: object, **named: object) -> object:
        """Call a method or a macro, with its work counted."""
        owner = getattr(called, "__self__", None)
        name = str(getattr(called, "__name__", ""))
        name = "str.join" if isinstance(owner, str) and name == "join" else name
        own = [] if owner is None else [owner]
        arguments = tuple(list(counted(one)) if isinstance(one, Iterator) else one for one in arguments)
        spend(_amount(name, [*own, *arguments, *named.values()]), CALL)
        found: object = super().call(context, called, *arguments, **named)
        spend(size(found))
        return found

    def wrap_str_format(self, value: object) -> None:
        """Forbid string formatting."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Forbid Python's internal attributes and padding."""
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, (str, int)) and attr in PADDING)


@pass_context  # so that nothing is computed while a template is compiled
def _output(_: Context, value: object) -> object:
    """A value that is put out, as text of bounded size."""
    if isinstance(value, Iterator):
        value = list(counted(value))
    spend(size(value))
    return value


def _given(function: Callable[..., object]) -> int:
    """Arguments that the environment passes to a filter."""
    return int(getattr(function, "jinja_pass_arg", None) is not None)
