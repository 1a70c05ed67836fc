"""The keys of a server: recognized where they may not stand, removed from everything that the server sends."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from syngain.generators.answers import parsed, parsed_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = "[key]"
SHORTEST = 6  # characters: a shorter key would be found in ordinary words
PART = 12  # characters at the beginning of a key that are removed as well: a server may cut it


Keys = tuple[str, ...]
_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|pplx|nvapi|tgp|csk|fw|r8|hf|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_-]{12,}"  # of services
    r"|github_pat_\w{20,}|AIza[\w-]{30,}|AKIA[A-Z0-9]{12,}|ya29\.[\w-]{10,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\."  # a JSON web token
    r"|(?i:bearer|basic)\s+[\w+/=.~-]{12,}"
)
_NAME = re.compile(
    r"(?:api|access|secret|private|subscription|auth)[-_]?(?:key|token)$|apikey$|secret$|password$|credentials?$"
    r"|authorization$|cookie$",
    re.IGNORECASE,
)


def key_places(value: object, name: str = "") -> Iterator[str]:
    """The places of texts that look like a key, by their name or by themselves, in a JSON value."""
    if isinstance(value, dict):
        for field, item in value.items():
            yield from key_places(item, f"{name}.{field}" if name else str(field))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from key_places(item, f"{name}[{number}]")
    elif isinstance(value, str) and (_KEY.search(value) or (value.strip() and _NAME.search(name.rpartition(".")[2]))):
        yield name


@lru_cache(maxsize=8)
def _all_forms(keys: Keys) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for key in keys for form in _forms(key)))


def _forms(key: str) -> tuple[str, ...]:
    """What a key can look like in a text: as it is, in base64, percent-encoded, and the beginning of each."""
    if len(key) < SHORTEST:
        return ()
    coded = key.encode()
    whole = (key, base64.b64encode(coded).decode().rstrip("="), base64.urlsafe_b64encode(coded).decode().rstrip("="))
    forms = dict.fromkeys((*whole, quote(key, safe="")))
    begun = (form[: max(PART, len(form) // 2)] for form in forms if len(form) > PART)
    return tuple(dict.fromkeys((*forms, *begun)))


def without(keys: Keys, value: Any) -> Any:  # noqa: ANN401  (JSON)
    """The same JSON value without the keys, in texts and in names.

    A list of tokens that spell the key becomes None: an answer with it has no log-probabilities.
    """
    forms = _all_forms(keys)
    return _cleaned(forms, value) if forms else value


def loaded(keys: Keys, content: bytes, *, steps: bool = False) -> Any:  # noqa: ANN401  (JSON)
    """The JSON of a body, without the keys; ``steps``: with log-probabilities as :func:`parsed_steps` reads them.

    Raises:
        ValueError, RecursionError: it is no JSON.
    """
    if forms := _all_forms(keys):
        plain = content.replace(b"\\/", b"/")
        if b"\\u00" in plain or any(form.encode() in plain for form in forms):  # characters may be escaped
            return _cleaned(forms, parsed(content))
    return parsed_steps(content) if steps else parsed(content)


def _cleaned(forms: tuple[str, ...], value: Any) -> Any:  # noqa: ANN401  (JSON)
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, SHOWN)
        return value
    if isinstance(value, dict):
        return {_cleaned(forms, name): _cleaned(forms, item) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    texts = [item.get("token") if isinstance(item, dict) else item for item in value]
    spelled = "".join(text for text in texts if isinstance(text, str))
    return None if any(form in spelled for form in forms) else [_cleaned(forms, item) for item in value]
