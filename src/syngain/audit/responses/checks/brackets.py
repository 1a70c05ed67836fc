"""Balance of brackets and quotes in code blocks, by language; comments and texts inside are left out."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass

MOST = 20_000  # characters of a block
CLOSERS = {")": "(", "]": "[", "}": "{"}
_ELLIPSIS = re.compile(r"\.\.\.|…|(?:^|\s)(?://|#)")  # data with gaps or comments
_REGEX_BEFORE = re.compile(r"(?:[=(,:;!&|?{}\[+\n]|\breturn|\bcase|\btypeof)\s*$|^\s*$")
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_CHARACTER = re.compile(r"'(?:\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)|[^'\\\n])'")
_RAW = re.compile(
    r'(?:u8|[uUL])?R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"|(?:b|c)?r(?P<hash>#*)".*?"(?P=hash)', re.DOTALL
)
_MARKUP = re.compile(r"</?[A-Za-z][\w.]*[^<>\n]*>|/>|</>")


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a language writes comments and texts.

    Attributes:
        line: what begins a comment. block: what encloses one. quotes: of texts on one line. across: of texts that may
            hold line ends. single: whether ``'a'`` is a character. regex: whether ``/.../`` is a regular expression.
        long: three quotes enclose a text. raw: texts such as ``R"(...)"``.
    """

    line: tuple[str, ...] = ("//",)
    block: tuple[str, str] | None = ("/*", "*/")
    quotes: str = '"'
    across: str = ""
    single: bool = True
    regex: bool = False
    long: bool = False
    raw: bool = False


_C = Syntax(raw=True)
_JS = Syntax(quotes="\"'", across="`", single=False, regex=True)
SYNTAX = {
    **dict.fromkeys(("c", "h", "cpp", "c++", "cc", "hpp", "cuda", "arduino"), _C),
    **dict.fromkeys(("javascript", "js", "mjs", "node", "typescript", "ts", "jsx", "tsx"), _JS),
    "java": Syntax(long=True),
    **dict.fromkeys(("kotlin", "kt", "scala", "swift"), Syntax(long=True)),
    **dict.fromkeys(("go", "golang"), Syntax(across="`")),
    **dict.fromkeys(("rust", "rs"), Syntax(quotes="", across='"', raw=True)),
    **dict.fromkeys(("csharp", "c#", "cs"), Syntax(quotes="", across='"', long=True)),
    "dart": Syntax(quotes="\"'", single=False, long=True),
    "php": Syntax(line=("//", "#"), quotes="", across="\"'", single=False),
    "r": Syntax(line=("#",), block=None, quotes="", across="\"'`", single=False),
    **dict.fromkeys(("sql", "mysql", "postgresql"), Syntax(line=("--",), quotes="", across="'\"`", single=False)),
    **dict.fromkeys(("css", "scss", "less"), Syntax(line=(), quotes="\"'", single=False)),
}  # fmt: skip
DATA = frozenset({"json", "toml"})
LANGUAGES = frozenset({*SYNTAX, *DATA})


def parses(code: str, language: str) -> bool:
    """Whether a block is balanced; data must parse. What cannot be judged counts as right."""
    if len(code) > MOST or not code.strip():
        return True
    if language in DATA:
        return _data_parses(code, language)
    syntax = SYNTAX[language]
    if syntax.regex and _MARKUP.search(code):  # apostrophes in the text of elements
        return True
    return _balanced(code, syntax)


def _data_parses(code: str, language: str) -> bool:
    if _ELLIPSIS.search(code) or "<" in code or "{{" in code:
        return True
    try:
        if language == "toml":
            tomllib.loads(code)
        else:
            json.loads(code)
    except (ValueError, RecursionError):
        return language == "json" and _values(code)
    return True


def _values(code: str) -> bool:
    """Whether the block holds several JSON values, one after another, or the inside of an object."""
    decoder, place, count = json.JSONDecoder(), 0, 0
    text = code.strip()
    try:
        while place < len(text):
            _, place = decoder.raw_decode(text, place)
            count += 1
            while place < len(text) and text[place] in " \t\r\n,":
                place += 1
    except (ValueError, RecursionError):
        count = 0
    if count > 1:
        return True
    try:
        json.loads("{" + text.rstrip(",") + "}")
    except (ValueError, RecursionError):
        return False
    return True


def _balanced(code: str, syntax: Syntax) -> bool:
    open_brackets: list[str] = []
    place = 0
    while place < len(code):
        character = code[place]
        after = _skipped(code, place, syntax)
        if after < 0:
            return False
        if after > place:
            place = after
            continue
        if character in "([{":
            open_brackets.append(character)
        elif character in CLOSERS and (not open_brackets or open_brackets.pop() != CLOSERS[character]):
            return False
        place += 1
    return not open_brackets


def _skipped(code: str, place: int, syntax: Syntax) -> int:
    """The place after a comment or text that begins here; the same place where none does; -1 where one never ends."""
    character = code[place]
    if character.isspace() or character in "()[]{}":
        return place
    if any(code.startswith(mark, place) for mark in syntax.line):
        end = code.find("\n", place)
        return len(code) if end < 0 else end
    if syntax.block is not None and code.startswith(syntax.block[0], place):
        end = code.find(syntax.block[1], place + 2)
        return -1 if end < 0 else end + 2
    if syntax.raw and character in "RuULbcr" and not code[place - 1 : place].isalnum():
        found = _RAW.match(code, place)
        if found:
            return found.end()
    if syntax.regex and character == "/" and _REGEX_BEFORE.search(code[max(place - 12, 0) : place]):
        found = _REGEX.match(code, place)
        return found.end() if found else place
    return _after_text(code, place, syntax)


def _after_text(code: str, place: int, syntax: Syntax) -> int:
    character = code[place]
    if syntax.long and code.startswith(character * 3, place) and character in "\"'":
        end = code.find(character * 3, place + 3)
        return -1 if end < 0 else end + 3
    if syntax.single and character == "'":  # a character; else a lifetime or the sign of a group of digits
        found = _CHARACTER.match(code, place)
        return found.end() if found else place
    if character in syntax.quotes or character in syntax.across:
        return _end_of_text(code, place, across=character in syntax.across)
    return place


def _end_of_text(code: str, place: int, *, across: bool) -> int:
    mark, at = code[place], place + 1
    while at < len(code):
        if code[at] == "\\":
            at += 2
        elif code[at] == mark:
            return at + 1
        elif code[at] == "\n" and not across:
            return -1
        else:
            at += 1
    return -1
