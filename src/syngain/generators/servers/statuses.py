"""What a status of HTTP says about a failed request: try again, not this one, or none at all."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from syngain.core.errors import SyngainError, UnfinishedError, UsageError
from syngain.generators.protocol import CALLED, CUT, EMPTY, FILTERED, REFUSAL, DeclinedError, RetryableError
from syngain.generators.servers.lessons import BadRequestError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
UNCERTAIN = RETRYABLE - {425, 429, 503, 529}  # the others say that no work was done
UNTAKEN = frozenset({400, 413, 422, 501})  # this request is refused for what it contains
_TITLE = re.compile(r"<title[^>]*>([^<]{1,100})", re.IGNORECASE)
SHOWN = 200  # characters of a server's message in an error


@dataclass(frozen=True)
class Asked:
    """What errors name: the model, the variable with the key, whether it is set; ``clean`` removes keys from words."""

    model: str
    key_env: str
    has_key: bool
    clean: Callable[[str], str]


def failure(response: httpx.Response, body: bytes, asked: Asked) -> Exception:
    """Map a status to a failure: retry, refuse this call, or refuse all calls."""
    code, words = response.status_code, shown(body, asked.clean)
    problem = Problem.of(body, asked.clean)
    refused = code == 403 and problem.refuses_parameter  # the key is fine
    if (code in {401, 402, 403} and not refused) or b"insufficient_quota" in body[:2000]:
        return _no_access(code, words, asked)
    unlisted = response.request.method == "GET" and code in {404, 405}
    if refused or unlisted or code in UNTAKEN or (code == 500 and problem.refuses_system):
        declined = CUT if problem.is_cut else FILTERED if b'"content_filter"' in body else ""
        return DeclinedError(declined, billed=True) if declined else BadRequestError(f"HTTP {code}: {words}", problem)
    if code in RETRYABLE:
        throttled = code in {429, 503, 529}
        return RetryableError(
            f"HTTP {code}: {words}", after=_after(response), throttled=throttled, billed=code in UNCERTAIN
        )
    if code < 400:
        return RetryableError(f"HTTP {code} where an answer was expected", billed=code < 300)
    return _wrong_address(code, words, asked.model)


def _no_access(code: int, words: str, asked: Asked) -> SyngainError:
    if code in {401, 403}:
        came = f"the server refused the key in {asked.key_env}" if asked.has_key else f"{asked.key_env} is not set"
        return UsageError(
            f"{came} (HTTP {code}: {words})",
            expected="a valid key in that environment variable",
            todo=f"export {asked.key_env}=... and run again",
        )
    return UnfinishedError(  # 402: payment required
        f"the account has no credit left (HTTP {code}: {words})",
        expected="an account with credit",
        todo="add credit, then continue with --resume",
    )


def _wrong_address(code: int, words: str, model: str) -> SyngainError:
    return UsageError(
        f"the server answered HTTP {code} for the model {model!r}: {words}",
        expected="an OpenAI-compatible address (it usually ends in /v1) and a model of this server",
        todo="correct base_url or model; `syngain probe URL` lists the models",
    )


MODEL = "look at what is asked (`--preview 1` prints a row with its prompt), or name another model"
EFFORT = "raise `max_tokens`, or lower the effort: `generator: {extra_body: {reasoning_effort: low}}`"
UP = "start the server, check the address (usually ends in /v1)"
REMEDIES = {  # by how a reason begins
    REFUSAL: MODEL,
    FILTERED: MODEL,
    CUT: EFFORT,
    EMPTY: "look at the server's log, it answers without a text; or name another model",
    CALLED: "turn off the tools of the model at the server, or name another model",
    "HTTP 5": "look at the server's log, or wait",
    "HTTP 429": "look at the server's log, or wait",
    "no connection": UP,
    "no answer within": UP,
    "the connection broke": UP,
}


def remedy(reason: str) -> str:
    """What to do about a server without a usable answer."""
    usual = "check that the address is that of an API (usually ends in /v1; curl shows what it answers)"
    return next((todo for words, todo in REMEDIES.items() if reason.startswith(words)), usual)


def batch_answer(line: Mapping[str, object], clean: Callable[[str], str]) -> object:
    """The answer in a line of the output of a batch.

    Raises:
        FailedError: there is none; a request that expired or was refused is not billed.
    """
    response = line.get("response")
    if not isinstance(response, dict):
        raise RetryableError(f"the batch: {shown(json.dumps(line.get('error')).encode(), clean)}")
    code = response.get("status_code")
    if code == httpx.codes.OK:
        return response.get("body")
    body = json.dumps(response.get("body")).encode()
    if b'"content_filter"' in body:
        raise DeclinedError(FILTERED, billed=True)
    if code in UNTAKEN:
        raise BadRequestError(f"HTTP {code}: {shown(body, clean)}", Problem.of(body, clean))
    billed = not (isinstance(code, int) and 400 <= code < 500 and code not in UNCERTAIN)
    raise RetryableError(f"HTTP {code}: {shown(body, clean)}", billed=billed and code not in {503, 529})


def shown(body: bytes, clean: Callable[[str], str]) -> str:
    """The server's message, in one short line without the key."""
    try:
        content = json.loads(body)
        error = content.get("error", content) if isinstance(content, dict) else content
        said = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, RecursionError):
        said = body.decode("utf-8", "replace")
        if said.lstrip()[:1] == "<":
            title = _TITLE.search(said)
            said = f"a web page{f' ({title[1].strip()})' if title else ''}"
    return " ".join("".join(one if one.isprintable() else " " for one in clean(said)).split())[:SHOWN]


def _after(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header; a date is ignored in favor of the backoff."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
