"""Parser of conditions over ``report.json``, for ``gate`` and ``--stop-when``.

::

    condition  := both ("or" both)*
    both       := negation ("and" negation)*
    negation   := "not" negation | comparison
    comparison := operand (("<" | "<=" | ">" | ">=" | "==" | "!=") operand)?
    operand    := number | string | "(" condition ")" | reference
    reference  := "verdict" | "findings." severity | ID ["@" part] [":" field]

A field is one of ``FIELDS``; without one it is ``value``, and ``ID.field`` is an alias of ``ID:field``. A reference
with spaces or signs in its part is quoted: ``"gain.log_loss@class=card arrival":lower90``. Conditions execute no code.
Both sides of ``and`` and ``or`` are always evaluated; a missing name is an error, never false.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from syngain.core.documents.looked_for import of_report
from syngain.core.errors import UsageError
from syngain.core.finding_words import FINDING_WORDS
from syngain.core.result import SEVERITIES, Decision
from syngain.core.tokens import Token, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIELDS = ("value", "lower90", "upper90", "lower95", "upper95", "null_low", "null_high", "n")
DECISIONS: tuple[str, ...] = get_args(Decision)
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
DEEPEST = 50  # parentheses and "not" inside each other
EXAMPLE = 'write for example "gain.macro_f1:lower90 <= 0 or findings.high > 0"'

Value = float | str | bool


@dataclass(frozen=True, slots=True)
class Check:
    """A condition looked up in a report.

    Attributes:
        expression: the condition as it was written. holds: whether it is true.
        readings: what each reference of it was, in the order of reading.
    """

    expression: str
    holds: bool
    readings: tuple[tuple[str, float | str], ...]


def check(expression: str, report: Mapping[str, Any]) -> Check:
    """Evaluate a condition on a report.

    Args:
        expression: a condition in the language of this module.
        report: the contents of ``report.json``.

    Raises:
        UsageError: it is not a condition, or the report lacks what it names.
    """
    tree = parse(expression)
    _check_report(report)
    readings: list[tuple[str, float | str]] = []
    value = tree.value(report, readings)
    return Check(expression, _condition(value, tree, expression), tuple(readings))


def _check_report(report: Mapping[str, Any]) -> None:
    parts = {"estimates": dict, "findings": list, "verdict": dict}
    lacking = [name for name, kind in parts.items() if not isinstance(report.get(name), kind)]
    if lacking:
        raise UsageError(
            f"the report has no {' and no '.join(lacking)}",
            expected="a report.json with estimates, findings and a verdict",
            todo="pass the report.json of `syngain audit`, `gain`, `select` or `compare`",
        )


def parse(expression: str) -> Node:
    """Parse a condition into a tree; the module gives the grammar.

    Raises:
        UsageError: it is not a condition.
    """
    parser = _Parser(expression, tokens(expression))
    tree = parser.condition(0)
    if parser.token.kind != "end":
        raise parser.wrong("the end, 'and' or 'or'")
    return tree


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a string."""

    content: float | str

    def value(self, _: Mapping[str, Any], __: list[tuple[str, float | str]]) -> Value:
        """The constant itself."""
        return self.content


@dataclass(frozen=True, slots=True)
class Reference:
    """A number or a word of the report."""

    name: str
    field: str | None

    def value(self, report: Mapping[str, Any], readings: list[tuple[str, float | str]]) -> Value:
        """The value in the report; noted in ``readings``.

        Raises:
            UsageError: the report has no such name, or it is not a number.
        """
        if self.name == "verdict" and self.field is None:
            found: float | str = str(report["verdict"]["decision"])
            said = "verdict"
        elif self.is_count:
            found = float(_count(self, report))
            said = self.name
        else:
            name, field = _split(self, report["estimates"])
            found = _number(name, field, report["estimates"][name])
            said = f"{name}:{field}"
        readings.append((said, found))
        return found

    @property
    def is_count(self) -> bool:
        """Whether it is the number of findings of a severity or an id."""
        return self.name.startswith("findings.")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two numbers or two words."""

    left: Node
    sign: str
    right: Node

    def value(self, report: Mapping[str, Any], readings: list[tuple[str, float | str]]) -> Value:
        """Whether the comparison is true."""
        left, right = self.left.value(report, readings), self.right.value(report, readings)
        if isinstance(left, bool) or isinstance(right, bool):
            raise UsageError("a comparison sign next to a condition", expected="two numbers or two words", todo=EXAMPLE)
        if isinstance(left, str) != isinstance(right, str):
            said = " and ".join(repr(side) for side in (left, right))
            raise UsageError(f"cannot compare {said}", expected="two numbers or two words", todo=EXAMPLE)
        if isinstance(left, str):
            self._check_words()
        return COMPARISONS[self.sign](left, right)

    def _check_words(self) -> None:
        if self.sign not in {"==", "!="}:
            raise UsageError(
                f"words compared by {self.sign!r}",
                expected="== or != between words",
                todo=f"replace {self.sign} by == or !=",
            )
        sides = (self.left, self.right)
        if any(isinstance(side, Reference) for side in sides):
            for side in sides:
                if isinstance(side, Constant) and side.content not in DECISIONS:
                    raise UsageError(
                        f"unknown verdict {side.content!r}",
                        expected=f"one of {', '.join(DECISIONS)}",
                        todo=f"write for example verdict == {DECISIONS[0]!r}",
                    )


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a condition."""

    inner: Node

    def value(self, report: Mapping[str, Any], readings: list[tuple[str, float | str]]) -> Value:
        """Whether the condition does not hold."""
        return not _condition(self.inner.value(report, readings), self.inner, "not ...")


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by ``and`` or ``or``."""

    word: str
    parts: tuple[Node, ...]

    def value(self, report: Mapping[str, Any], readings: list[tuple[str, float | str]]) -> Value:
        """Evaluate all parts, so that a wrong name is always an error."""
        held = [_condition(part.value(report, readings), part, f"... {self.word} ...") for part in self.parts]
        return all(held) if self.word == "and" else any(held)


Node = Constant | Reference | Comparison | Not | Joined


def _condition(value: Value, node: Node, where: str) -> bool:
    """The truth value; a number of findings is true above 0."""
    if isinstance(value, bool):
        return value
    if isinstance(node, Reference) and node.is_count:
        return value != 0
    raise UsageError(f"{value!r} in {where!r} is not compared", expected="a comparison", todo=EXAMPLE)


def _count(reference: Reference, report: Mapping[str, Any]) -> int:
    """The number of findings of a severity or an id.

    Raises:
        UsageError: there is no such count, or the run did not look for it.
    """
    name, sought = reference.name.removeprefix("findings."), of_report(report)
    if (name not in SEVERITIES and name not in FINDING_WORDS) or reference.field is not None:
        written = reference.name + (f":{reference.field}" if reference.field is not None else "")
        names = ", ".join(f"findings.{one}" for one in SEVERITIES)
        raise UsageError(
            f"unknown count {written}",
            expected=f"one of {names}, or findings.ID of a finding",
            todo="write for example findings.high > 0",
        )
    if not sought or (name in FINDING_WORDS and name not in sought):
        what = f"findings of the kind {name}" if name in FINDING_WORDS else "findings"
        raise UsageError(
            f"{reference.name}: this `{report['command']}` run did not look for {what}",
            expected=f"one of {', '.join(f'findings.{one}' for one in sought)}" if sought else "a run that does",
            todo="run `syngain audit REAL SYNTHETIC`, and gate on its folder",
        )
    return sum(1 for finding in report["findings"] if finding["severity" if name in SEVERITIES else "id"] == name)


def _split(reference: Reference, estimates: Mapping[str, Any]) -> tuple[str, str]:
    """Split a reference into id and field.

    ``ID.field`` is read as ``ID:field`` where no estimate has the longer name.
    """
    name, field = reference.name, reference.field
    if field is not None and field not in FIELDS:
        raise UsageError(
            f"unknown field {field!r} in {name}:{field}",
            expected=f"one of {', '.join(FIELDS)}",
            todo=f"write for example {name}:lower90",
        )
    if field is None and name not in estimates:
        head, _, tail = name.rpartition(".")
        if tail in FIELDS:
            name, field = head, tail
    if name in DECISIONS and name not in estimates:
        raise UsageError(f"{name} without quotes", expected=f"the word '{name}'", todo=f"write verdict == '{name}'")
    if name not in estimates:
        near = get_close_matches(name, estimates, n=3, cutoff=0.5) or sorted(estimates)[:3]
        known = f"an estimate of this report, such as {', '.join(near)}" if near else "a report with estimates"
        raise UsageError(f"the report has no estimate {name!r}", expected=known, todo="read the ids in report.json")
    return name, field or "value"


def _number(name: str, field: str, estimate: Mapping[str, Any]) -> float:
    found = _read(estimate, field)
    if not isinstance(found, (int, float)) or not math.isfinite(found):
        has = [one for one in FIELDS if _read(estimate, one) is not None]
        raise UsageError(
            f"{name} has no {field} in this report",
            expected=f"one of its fields that are numbers: {', '.join(has)}" if has else "an estimate with a number",
            todo="name another field, or measure again with more rows",
        )
    return float(found)


def _read(estimate: Mapping[str, Any], field: str) -> object:
    """The field in the report; None where it is absent."""
    if field.startswith("null_"):
        pair = estimate.get("null")
        return None if pair is None else pair[field == "null_high"]
    if field[:5] in {"lower", "upper"}:
        pair = (estimate.get("intervals") or {}).get(f"0.{field[5:]}")
        return None if pair is None else pair[field[:5] == "upper"]
    return estimate.get(field)


@dataclass(slots=True)
class _Parser:
    """A recursive descent parser of tokens."""

    text: str
    stream: tuple[Token, ...]
    at: int = 0

    @property
    def token(self) -> Token:
        return self.stream[self.at]

    def wrong(self, expected: str) -> UsageError:
        token = self.token
        came = "the condition ends" if token.kind == "end" else f"unexpected {token.text!r} at column {token.column}"
        return UsageError(f"{came} in {self.text!r}", expected=expected, todo=EXAMPLE)

    def condition(self, depth: int) -> Node:
        return self._joined("or", depth)

    def _joined(self, word: str, depth: int) -> Node:
        part = self._negation if word == "and" else lambda deep: self._joined("and", deep)
        parts = [part(depth)]
        while self.token.kind == "word" and self.token.text == word:
            self.at += 1
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _negation(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise UsageError(
                f"more than {DEEPEST} nested parentheses or `not`",
                expected=f"at most {DEEPEST} levels",
                todo="split it into several --fail-if conditions",
            )
        if self.token.kind == "word" and self.token.text == "not":
            self.at += 1
            return Not(self._negation(depth + 1))
        left = self._operand(depth)
        if self.token.kind != "sign" or self.token.text not in COMPARISONS:
            return left
        sign = self.token.text
        self.at += 1
        compared = Comparison(left, sign, self._operand(depth))
        if self.token.kind == "sign" and self.token.text in COMPARISONS:
            raise self.wrong("one comparison at a time, joined by 'and'")
        return compared

    def _operand(self, depth: int) -> Node:
        token = self.token
        if token.kind == "sign" and token.text == "(":
            self.at += 1
            inner = self.condition(depth + 1)
            if self.token.text != ")" or self.token.kind != "sign":
                raise self.wrong("a closing ')'")
            self.at += 1
            return inner
        if token.kind not in {"number", "string", "name"}:
            raise self.wrong("a number, a quoted word, 'verdict', findings.high or the id of an estimate")
        self.at += 1
        if token.kind == "number":
            return Constant(float(token.text))
        quoted = token.kind == "string"
        if self.token.kind != "field":
            return Constant(token.text) if quoted else Reference(token.text, None)
        self.at += 1
        return Reference(token.text, self.stream[self.at - 1].text)
