"""Code blocks that do not parse: Python by its grammar, other languages by brackets and quotes."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from typing import TYPE_CHECKING

from syngain.audit.responses.checks import brackets

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response

_PYTHON = re.compile(
    r"^[ \t]*```[ \t]*(?:python3?|py)[ \t]*\n(?P<code>.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_OTHER = re.compile(r"^\s*(?:>>>|In \[|%|!|\$ |\.\.\.$)", re.MULTILINE)  # sessions, magics and commands
_BLOCK = re.compile(
    r"^[ \t]*```[ \t]*(?P<language>[A-Za-z][\w+#]*)[ \t]*\n(?P<code>.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL
)
MOST = 20_000  # characters of a block


def code_fails(answer: Response) -> bool:
    """Whether a closed block of the response does not parse; sessions and shell commands are left out."""
    if "```" not in answer.text:
        return False
    return any(not _parses(match["code"]) for match in _PYTHON.finditer(answer.text)) or any(
        not brackets.parses(match["code"], language)
        for match in _BLOCK.finditer(answer.text)
        if (language := match["language"].lower()) in brackets.LANGUAGES
    )


def _parses(code: str) -> bool:
    if len(code) > MOST or _OTHER.search(code):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(textwrap.dedent(code))
    except (SyntaxError, ValueError):
        return False
    except (RecursionError, MemoryError):
        return True
    return True
