"""Secrets: keys and tokens of known shape, private keys, and random values that a name calls a secret."""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response

_SHAPES = re.compile(
    r"(?<![\w-])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{40,}|glpat-[\w-]{20,}"
    r"|sk-(?:proj-|svcacct-|ant-(?:api\d+-)?|or-v1-)?[A-Za-z0-9_-]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{20,}|AIza[\w-]{35}|ya29\.[\w-]{20,}"
    r"|[rs]k_live_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{40,}"
    r"|SG\.[\w-]{20,24}\.[\w-]{40,45}|dop_v1_[a-f0-9]{64}|shpat_[a-fA-F0-9]{32}|\d{8,10}:AA[\w-]{33}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"  # JSON web token
    r")(?![\w-])"
)
_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s+(?:[\w-]+: [^\n]*\n)*\s*(?P<body>[A-Za-z0-9+/=\s\\n]{40,})"
)
_NAMED = re.compile(
    r"(?i:(?<![A-Za-z])(?:[\w.-]{0,24}[_.-])?(?:api[_ -]?key|secret[_ -]?key|access[_ -]?key|private[_ -]?key|"
    r"client[_ -]?secret|"
    r"auth[_ -]?token|access[_ -]?token|bearer|token|secret|passw(?:or)?d|passwd|pwd|credentials?)[\"'`*]{0,3}"
    r"\s*(?:is|[:=]|=>|:=)?\s*[\"'`]?)(?<=[\s:=\"'`>])(?P<value>[A-Za-z0-9+/_=!@#$%^&*.~-]{12,200})"
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{2,12}://(?P<user>[^\s:/@]{1,40}):(?P<value>[^\s:/@]{8,80})@[\w.-]+")
_PLACEHOLDER = re.compile(
    r"example|sample|placeholder|your|xxx|\*\*\*|\.\.\.|change.?me|insert|dummy|fake|replace|redacted|test|1234567|"
    r"abcdefg|my[_-]?(?:secret|pass|key|token)|super.?secret|password|environ|getenv|process\.env|config|secret[_-]?key|"
    r"api[_-]?key",
    re.IGNORECASE,
)
_MARKS = (
    "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "xox",
    "AIza", "ya29.", "_live_", "whsec_", "hf_", "npm_", "pypi-", "SG.", "dop_v1_", "shpat_", ":AA", "eyJ",
)  # fmt: skip
_MIXED = re.compile(r"[A-Za-z]\d|\d[A-Za-z]")
_NAMES = ("key", "pass", "pwd", "secret", "token", "bearer", "credential")
RANDOM, NAMED = 3.0, 3.3  # bits per character, of a key of known shape and of a value that a name calls secret
RUNS, WORDS = 5, 0.6  # changes between cases and digits in such a value; the part of it that looks like words


def secrets(answer: Response) -> bool:
    """Whether the prompt or the response holds a key, a token or a password that looks real."""
    return answer.has_digits and any(_secret(text) for text in (answer.text, answer.prompt))


def _secret(text: str) -> bool:
    if not _MIXED.search(text):
        return False
    if any(mark in text for mark in _MARKS) and any(_is_key(match[0]) for match in _SHAPES.finditer(text)):
        return True
    if "PRIVATE KEY" in text and any(
        len(set(match["body"])) > 20 and not _PLACEHOLDER.search(match["body"][:60]) for match in _BLOCK.finditer(text)
    ):
        return True
    if "://" in text and any(_is_random(match["value"]) for match in _ADDRESS.finditer(text)):
        return True
    lower = text.lower()
    return any(name in lower for name in _NAMES) and any(_is_random(match["value"]) for match in _NAMED.finditer(text))


def _is_key(key: str) -> bool:
    """A key of known shape that is no documented example."""
    if key.startswith("eyJ"):
        return not re.search(r"1234567890|John Doe|example", _claims(key), re.IGNORECASE)
    body = re.split(r"[_-]", key, maxsplit=1)[-1] if not key.startswith(("AKIA", "ASIA")) else key[4:]
    return not _PLACEHOLDER.search(key) and entropy(body) >= RANDOM and any(map(str.isdigit, body))


def _claims(token: str) -> str:
    """The middle of a JSON web token, as text."""
    part = token.split(".")[1]
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")
    except ValueError:
        return ""


def _is_random(value: str) -> bool:
    """A value without words: letters of both cases and digits mixed, with many different characters."""
    value = value.rstrip(".,;:!")
    runs = re.findall(r"[A-Z]+|[a-z]+|\d+", value)
    words = sum(len(run) for run in re.findall(r"[A-Za-z][a-z]{4,}|[A-Z]{5,}", value))
    if len(value) < 12 or _PLACEHOLDER.search(value) or words > WORDS * len(value):
        return False
    return len(runs) >= RUNS and any(map(str.isdigit, value)) and entropy(value) >= NAMED


def entropy(text: str) -> float:
    """Bits per character of the characters of a text."""
    counts = Counter(text).values()
    return sum(count / len(text) * math.log2(len(text) / count) for count in counts) if text else 0.0
