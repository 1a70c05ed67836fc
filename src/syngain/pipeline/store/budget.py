"""Budget ceilings: each request's maximal cost is reserved before it is sent.

A token covers at least one byte, so a prompt has at most as many tokens as UTF-8 bytes, plus what a chat template adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.generators.protocol import Messages, Reply
    from syngain.pipeline.store.request import Request
    from syngain.pipeline.store.store import Spent

PER_MESSAGE, PER_PROMPT = 16, 128  # tokens a chat template may add: role marks, a default system message
USUAL_BYTES = 4.0  # per token of English, for forecasts only
Cost = tuple[int, float]  # tokens, usd


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens of prompt and completion."""

    prompt: float = 0.0
    completion: float = 0.0

    def usd(self, prompt: float, completion: float) -> float:
        """The price of a number of tokens."""
        return (prompt * self.prompt + completion * self.completion) / 1e6


@dataclass
class Ledger:
    """Spent and reserved amounts, and the ceilings; ``None`` is no ceiling."""

    prices: Prices = field(default_factory=Prices)
    max_tokens: int | None = None
    max_usd: float | None = None
    tokens: int = 0
    usd: float = 0.0
    held_tokens: int = 0
    held_usd: float = 0.0

    def begin(self, spent: Spent) -> None:
        """Start from the amounts spent in a store, lost attempts included."""
        self.tokens = spent.tokens + spent.lost_tokens
        self.usd = spent.usd + spent.lost_usd

    def worst(self, request: Request) -> Cost:
        """The maximal cost of a request."""
        prompt, completion = prompt_bound(request.messages), request.sampling.max_tokens
        return prompt + completion, self.prices.usd(prompt, completion)

    def reserve(self, cost: Cost) -> bool:
        """Reserve the maximal cost; False when it would exceed a ceiling."""
        tokens, usd = cost
        if self.max_tokens is not None and self.tokens + self.held_tokens + tokens > self.max_tokens:
            return False
        if self.max_usd is not None and self.usd + self.held_usd + usd > self.max_usd + 1e-12:
            return False
        self.held_tokens += tokens
        self.held_usd += usd
        return True

    def settle(self, held: Cost, actual: Cost) -> None:
        """Replace a reserved amount by the actual cost."""
        self.held_tokens -= held[0]
        self.held_usd = max(self.held_usd - held[1], 0.0)  # rounding of sums
        self.tokens += actual[0]
        self.usd += actual[1]

    def actual(self, held: Cost, reply: Reply) -> Cost:
        """The cost of a reply: as billed, else the maximal cost."""
        if reply.prompt_tokens is None or reply.completion_tokens is None:
            return held
        usd = self.prices.usd(reply.prompt_tokens, reply.completion_tokens)
        return reply.prompt_tokens + reply.completion_tokens, usd


def prompt_bound(messages: Messages) -> int:
    """Upper bound on the tokens of a prompt."""
    return PER_PROMPT + sum(len(text.encode("utf-8", "replace")) + PER_MESSAGE for _, text in messages)


def prompt_guess(messages: Messages) -> float:
    """Approximate number of tokens of a prompt."""
    return sum(len(text.encode("utf-8", "replace")) / USUAL_BYTES + 5 for _, text in messages)


def prices_of(path: Path, model: str) -> Prices:
    """Read the prices of a model from a YAML file, per million tokens.

    The format is ``model: {prompt: usd, completion: usd}``.

    Raises:
        InputError: the file cannot be read, lacks the model, or is invalid.
    """
    import yaml

    expected = "a YAML file such as `gpt-x: {prompt: 0.15, completion: 0.60}` in USD per million tokens"
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected=expected, todo="correct this file") from error
    if not isinstance(content, dict) or model not in content:
        names = ", ".join(map(str, content)) if isinstance(content, dict) else "nothing usable"
        raise InputError(
            f"{path} has no price for {model!r} (it has {names})", expected=expected, todo=f"add {model!r} to this file"
        )
    return _prices(path, model, content[model], expected)


def _prices(path: Path, model: str, entry: object, expected: str) -> Prices:
    values: Mapping[str, object] = entry if isinstance(entry, dict) else {}
    if set(values) != {"prompt", "completion"}:
        raise InputError(
            f"{path} has {entry!r} for {model!r}", expected=expected, todo=f"correct the prices of {model!r}"
        )
    numbers = [value for value in values.values() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) != 2 or not all(math.isfinite(value) and value >= 0 for value in numbers):
        raise InputError(
            f"{path} has {entry!r} for {model!r}", expected=expected, todo=f"correct the prices of {model!r}"
        )
    return Prices(prompt=float(str(values["prompt"])), completion=float(str(values["completion"])))


def check_ceilings(max_tokens: int | None, max_usd: float | None, prices: Prices | None) -> None:
    """Refuse invalid ceilings.

    Raises:
        UsageError: a ceiling below zero, or dollars without prices.
    """
    if max_tokens is not None and max_tokens <= 0:
        raise UsageError(
            f"--max-tokens {max_tokens}", expected="a number above 0", todo="pass for example --max-tokens 1000000"
        )
    if max_usd is not None and not max_usd > 0:
        raise UsageError(f"--max-usd {max_usd}", expected="a number above 0", todo="pass for example --max-usd 5")
    if max_usd is not None and prices is None:
        raise UsageError(
            "--max-usd without prices",
            expected="a price file",
            todo="pass --prices FILE with `MODEL: {prompt: usd, completion: usd}` per million tokens",
        )
