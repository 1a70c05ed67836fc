"""The types in a report that programs read: what is wrong with those of a foreign or changed file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

Check = Callable[[object], bool]


def _is(*kinds: type) -> Check:
    return lambda value: isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


def _pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_NUMBER, value))


def _each(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _listed(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _level(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number_text, value)) and all(map(_pair, value.values()))


def _is_number_text(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_NUMBER, _TEXT, _WHOLE = _is(int, float, type(None)), _is(str), _is(int)
_ESTIMATE: Mapping[str, Check] = {
    "value": _NUMBER,
    "unit": _TEXT,
    "method": _TEXT,
    "estimand": _TEXT,
    "intervals": _level,
    "null": lambda value: value is None or _pair(value),
    "p": _NUMBER,
    "adjusted_p": _NUMBER,
    "n": _WHOLE,
    "clusters": _WHOLE,
    "direction": _TEXT,
    "marks": _listed(_TEXT),
    "references": _each(_NUMBER),
}
_FINDING: Mapping[str, Check] = {
    "id": _TEXT,
    "severity": lambda value: value in ("high", "medium", "low"),
    "message": _TEXT,
    "rows": _is(int, type(None)),
    **dict.fromkeys(("consequence", "fix", "where", "good_example", "dropping", "review"), _TEXT),
    **dict.fromkeys(("examples", "estimates", "explained_by"), _listed(_TEXT)),
}
_INPUT: Mapping[str, Check] = {"name": _TEXT, "rows": _WHOLE, "fingerprint": _TEXT}
_VERDICT: Mapping[str, Check] = dict.fromkeys(
    ("decision", "sentence", "action", "estimate", "needs", "next_command"), _TEXT
)
_TOP: Mapping[str, Check] = {
    "command": _TEXT,
    "seed": _WHOLE,
    "inputs": _is(dict),
    "estimates": _is(dict),
    "findings": _is(list),
    "verdict": _is(dict),
    "looked_for": _listed(_TEXT),
    "warnings": _listed(_TEXT),
}
_NEEDED = {"id", "severity", "message", "estimates", "decision", "sentence", *_TOP} - {"seed", "looked_for", "warnings"}


def wrong_part(report: Mapping[str, object]) -> str:
    """The first part of a report that has another type than syngain writes; empty where there is none."""
    return next(_wrong_parts(report), "")


def _wrong_parts(report: Mapping[str, object]) -> Iterator[str]:
    yield from _compared("", report, _TOP)
    inputs, estimates, findings = (report[name] for name in ("inputs", "estimates", "findings"))
    yield from _compared("verdict.", report["verdict"], _VERDICT)
    for name, parts, checks in (("inputs", inputs, _INPUT), ("estimates", estimates, _ESTIMATE)):
        for key, part in parts.items() if isinstance(parts, dict) else ():
            yield from _compared(f"{name}.{key}.", part, checks)
    for number, part in enumerate(findings if isinstance(findings, list) else ()):
        yield from _compared(f"findings.{number}.", part, _FINDING)


def _compared(place: str, part: object, checks: Mapping[str, Check]) -> Iterator[str]:
    if not isinstance(part, dict):
        yield f"`{place.rstrip('.')}` is {_kind(part)}"
        return
    for name, check in checks.items():
        if name not in part:
            if name in _NEEDED:
                yield f"`{place}{name}` is missing"
        elif not check(part[name]):
            yield f"`{place}{name}` is {_kind(part[name])}"


def _kind(value: object) -> str:
    """A value in a few words."""
    if value is None:
        return "null"
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return f"{names.get(type(value), type(value).__name__)} of another form"
