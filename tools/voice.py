"""The words of the product: retired words in what users read, and errors without their three parts. Exit code 1 if any.

    python tools/voice.py [PATH ...] [--counts]

Reads the sentences (strings with a space) and docstrings of Python files, the templates of the report, and Markdown.
Code in backticks, links, and ids of ``report.json`` are left alone. An error names what came, what was expected and
how to fix it: every ``raise`` of one of the package's errors gives ``expected=`` and ``todo=``.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
RETIRED = {
    r"told apart|told from|tell apart": "distinguishable; separates",
    r"cannot (?:be )?tell|cannot be told|can't tell|would tell": "inconclusive",
    r"stands? in|standing in|stand-in": "appears in; proxy model",
    r"beside": "next to, versus",
    r"doubt|doubtful|doubted": "uncertainty; suspect",
    r"anchors?(?!,)": "real rows",
    r"teachers?": "classifier trained on real rows",
    r"rivals?": "baseline",
    r"(?:this|other|same|another) law|laws": "distribution",
    r"shares? of|(?:the|a) shares?": "fraction, %",
    r"null or real|null range": "expected range",
    r"outside the support": "out of distribution",
    r"giv(?:e|es|ing) away": "leaks",
    r"worlds?": "simulations",
    r"mend(?:s|ed|ing)?": "fix",
    r"go(?:es)? on": "resumes, continues",
    r"optimistic": "may be overestimated",
    r"rows worth|worth of rows": "equivalent real rows",
    r"the chain": "generation pipeline",
    r"(?:generator|model|student|proxy|learner|rows?|text)s? (?:speaks?|says?|said|eats?)": "generates; shows",
    r"by the letter|to the letter|word for word": "exactly",
    r"arms?": "variant",
}
WORDS = re.compile("|".join(rf"\b(?:{pattern})\b" for pattern in RETIRED), re.IGNORECASE)
QUIET = re.compile(  # code, links, flags, markup; the last two are an attribute of SVG and units or ids of reports
    r"(?m:^ +\w+(?:, \w+)*: )|``[^`]*``|`[^`\n]*`|\[[a-z0-9_.,; ]+\d{4}\w?\]|--[\w-]+|\]\([^)]*\)|\{[^{}]*\}|<[^<>]*>"
    r"|text-anchor|[Vv]ariance shares?|share of rows"
)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
ID = re.compile(r"  # an id\b")  # the string of this line is an id: another one would be another number
ERRORS = frozenset({"SyngainError", "InputError", "UsageError", "UnfinishedError", "MissingDependencyError"})
SKIPPED = (  # history, libraries, and texts that are shown to generators
    *("docs/LOG.md", "docs/decisions", "CHANGELOG.md", "src/syngain/report/vendor"),
    "src/syngain/pipeline/prompts/prompt_texts.py",
)


@dataclass(frozen=True, slots=True, order=True)
class Offense:
    """Where a rule is broken, and how."""

    path: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}: {self.text}"


def offenses(paths: list[Path]) -> list[Offense]:
    """Every offense in the files at and below ``paths``, by file and line."""
    found: list[Offense] = []
    for path in _files(paths):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            found += _python(path, ast.parse(text))
        else:
            found += _retired(path, 1, "words", FENCE.sub(lambda match: "\n" * match[0].count("\n"), text))
    return sorted(found)


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in {".py", ".md", ".html", ".js"} and not str(file).startswith(
                tuple(str(ROOT / skipped) for skipped in SKIPPED)
            ):
                yield file


def _python(path: Path, tree: ast.Module) -> Iterator[Offense]:
    docstrings = {id(node) for node in _docstrings(tree)}
    streams = {id(part) for node in ast.walk(tree) for part in _stream_names(node)}
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree):
        if id(node) in streams or ID.search(lines[getattr(node, "lineno", 1) - 1] if lines else ""):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield from _retired(path, node.lineno, "docstring" if id(node) in docstrings else "words", node.value)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from _error(path, node.exc)
        elif isinstance(node, ast.Call):
            yield from _verdict(path, node)


def _stream_names(node: ast.AST) -> list[ast.expr]:
    """The names of random streams: a new name would be another stream."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"stream", "child"}:
        return node.args
    return []


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def _retired(path: Path, line: int, kind: str, text: str) -> Iterator[Offense]:
    quiet = QUIET.sub(lambda match: "\n" * match[0].count("\n") or "`", text)
    for match in WORDS.finditer(quiet):
        found = quiet[max(0, match.start() - 40) : match.end() + 30].replace("\n", " ")
        yield Offense(path, line + quiet.count("\n", 0, match.start()), kind, f"{match[0]!r} in: …{found}…")


def _verdict(path: Path, call: ast.Call) -> Iterator[Offense]:
    """A verdict names its action and the next command; a keyword mapping may hold them."""
    given = {keyword.arg for keyword in call.keywords}
    if getattr(call.func, "id", "") == "Verdict" and None not in given:
        missing = [part for part in ("action", "next_command") if part not in given]
        if missing:
            yield Offense(path, call.lineno, "verdict", f"Verdict without {' and '.join(missing)}")


def _error(path: Path, call: ast.Call) -> Iterator[Offense]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name not in ERRORS or any(keyword.arg is None for keyword in call.keywords):
        return
    given = {keyword.arg for keyword in call.keywords}
    missing = [part for part in ("expected", "todo") if part not in given]
    if missing:
        yield Offense(path, call.lineno, "error", f"{name} without {' and '.join(missing)}")


def main() -> int:
    """Print the offenses, or their counts by kind and folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "src", ROOT / "docs", ROOT / "README.md"])
    parser.add_argument("--counts", action="store_true", help="numbers by folder instead of places")
    options = parser.parse_args()
    found = offenses([path.resolve() for path in options.paths])
    if options.counts:
        for (folder, kind), count in sorted(Counter(map(_place, found)).items()):
            print(f"{count:5} {kind:<9} {folder}")
    else:
        for offense in found:
            print(offense)
    print(f"{len(found)} offenses against the voice guide", file=sys.stderr)
    return 1 if found else 0


def _place(offense: Offense) -> tuple[str, str]:
    path = offense.path.relative_to(ROOT) if offense.path.is_relative_to(ROOT) else offense.path
    return "/".join(path.parts[:3]), offense.kind


if __name__ == "__main__":
    sys.exit(main())
