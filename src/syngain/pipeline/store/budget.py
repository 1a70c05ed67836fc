"""Budget ceilings: each request's maximal cost is reserved before it is sent.

A token covers at least one byte, so a prompt has at most as many tokens as UTF-8 bytes, plus what a chat template adds.
After an answer the reservation is replaced by the larger of the reported usage and of what prompt and text count to at
four bytes per token. A usage below one token per eight bytes is not believed: the reservation stays.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syngain.core.documents.yaml_documents import yaml_value
from syngain.core.errors import InputError, UsageError
from syngain.generators.protocol import Usage
from syngain.generators.servers.dialect import LIMITS
from syngain.pipeline.recipe import EndpointSpec
from syngain.pipeline.store.spending import Charge, Cost, Spent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from syngain.generators.protocol import Call, Messages, Reply
    from syngain.pipeline.recipe import GeneratorSpec
    from syngain.pipeline.store.request import Request

PER_MESSAGE, PER_PROMPT = 16, 128  # tokens a chat template may add: role marks, a default system message
USUAL_BYTES, MOST_BYTES = 4.0, 8.0  # per token: of English; of a text whose usage is believed
OVERRUN = "the server reports more tokens for a request than it can cost"
DISTRUST = "check the server; --distrust-usage ignores such a report"
PER_TURN = 4  # tokens that the smallest chat template adds to a message


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens of prompt and completion."""

    prompt: float = 0.0
    completion: float = 0.0
    date: str = ""

    def usd(self, prompt: float, completion: float) -> float:
        """The price of a number of tokens."""
        return (prompt * self.prompt + completion * self.completion) / 1e6


@dataclass(frozen=True, slots=True)
class Output:
    """What came back, reasoning included, with the number of its tokens where they are listed."""

    text: str
    tokens: int = 0

    @classmethod
    def of(cls, reply: Reply) -> Output:
        """The output of a reply."""
        return cls(reply.reasoning + reply.text, 0 if reply.tokens is None else len(reply.tokens))


def usage_of(reply: Reply) -> Usage | None:
    """The usage that came with a reply."""
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return None
    return Usage(reply.prompt_tokens, reply.completion_tokens)


@dataclass
class Ledger:
    """Spent and reserved amounts, and the ceilings; ``None`` is no ceiling.

    Attributes:
        metered: usage is reported by a server, and compared with what can be counted; else it is exact.
        distrust: a usage beyond what a request can cost is ignored, in place of ending the run.
        least, most: spent in answers and lost attempts.
    """

    prices: Prices = field(default_factory=Prices)
    max_tokens: int | None = None
    max_usd: float | None = None
    metered: bool = True
    distrust: bool = False
    least: Cost = (0, 0.0)
    most: Cost = (0, 0.0)
    held_tokens: int = 0
    held_usd: float = 0.0

    def begin(self, spent: Spent) -> None:
        """Start from the amounts spent in a store, attempts without a settlement at their maximal cost."""
        self.least, self.most = spent.least, spent.most

    @property
    def has_ceiling(self) -> bool:
        """Whether tokens or dollars are limited."""
        return self.max_tokens is not None or self.max_usd is not None

    def part(self, cost: Cost) -> float:
        """What part of the ceiling a cost is; 0 without one."""
        return max(cost[0] / (self.max_tokens or math.inf), cost[1] / (self.max_usd or math.inf))

    @property
    def raise_it(self) -> str:
        """What to do about a ceiling that is reached."""
        flags = []
        if self.max_tokens is not None:
            flags.append(f"--max-tokens (above {self.most[0]:,})")
        if self.max_usd is not None:
            flags.append(f"--max-usd (above {self.most[1]:.4f})")
        return f"raise {' or '.join(flags)}" if flags else "raise the budget"

    def worst(self, request: Request | Call) -> Cost:
        """The maximal cost of a request."""
        return self._cost(prompt_bound(request.messages) + schema_bound(request.schema), request.sampling.max_tokens)

    def reserve(self, cost: Cost) -> bool:
        """Reserve the maximal cost; False when it would exceed a ceiling."""
        tokens, usd = cost
        if self.max_tokens is not None and self.most[0] + self.held_tokens + tokens > self.max_tokens:
            return False
        if self.max_usd is not None and self.most[1] + self.held_usd + usd > self.max_usd + 1e-12:
            return False
        self.held_tokens += tokens
        self.held_usd += usd
        return True

    def settle(self, held: Cost, charge: Charge) -> None:
        """Replace a reserved amount by what the attempt cost."""
        self.held_tokens -= held[0]
        self.held_usd = max(self.held_usd - held[1], 0.0)  # rounding of sums
        self.least = _sum(self.least, charge.least)
        self.most = _sum(self.most, charge.most)

    def charge(self, request: Request | Call, held: Cost, usage: Usage | None, output: Output | None) -> Charge:
        """What an attempt cost, from the reported usage and from what prompt and output count to.

        Args:
            request: what was sent.
            held: its maximal cost.
            usage: what the server reports.
            output: the text that came back; None where there is none to count.
        """
        if usage is None:
            return Charge(most=held)
        cost = self._cost(usage.prompt, usage.completion)
        if not self.metered:
            return Charge(cost, cost)
        if cost[0] > held[0] or cost[1] > held[1] * (1 + 1e-9):
            most = held if self.distrust else (max(cost[0], held[0]), max(cost[1], held[1]))
            return Charge(most=most, overrun=not self.distrust)
        if not _is_plausible(request, usage, output):
            return Charge(most=held)
        return Charge(cost, held if output is None else self._counted(request, held, usage, output))

    def _counted(self, request: Request | Call, held: Cost, usage: Usage, output: Output) -> Cost:
        """The larger of the usage and of what prompt and output count to, within the reservation."""
        size, said = _size(request), _bytes(output.text)
        prompt = max(usage.prompt, math.ceil(size / USUAL_BYTES) + PER_TURN * len(request.messages))
        completion = max(usage.completion, output.tokens, math.ceil(said / USUAL_BYTES))
        most = self._cost(prompt, completion)
        return min(most[0], held[0]), min(most[1], held[1])

    def _cost(self, prompt: int, completion: int) -> Cost:
        return prompt + completion, self.prices.usd(prompt, completion)

    def sentence(self, spent: Spent | None = None) -> str:
        """What was billed and the ceilings, in words."""
        least, most = (self.least, self.most) if spent is None else (spent.least, spent.most)
        limit = None if self.max_tokens is None else f"{self.max_tokens:,} tokens"
        parts = [_words(f"{least[0]:,}", f"{most[0]:,}" + " tokens" * (limit is None), limit)]
        if self.prices != Prices():
            limit = None if self.max_usd is None else f"{self.max_usd:g}"
            dated = f" (prices of {self.prices.date})" if self.prices.date else ""
            parts.append(f"USD: {_words(f'{least[1]:.4f}', f'{most[1]:.4f}', limit)}{dated}")
        return "; ".join(parts)


def _words(least: str, most: str, ceiling: str | None) -> str:
    return f"billed at least {least}, at most {most}, {'no ceiling' if ceiling is None else f'ceiling {ceiling}'}"


def _sum(one: Cost, other: Cost) -> Cost:
    return one[0] + other[0], one[1] + other[1]


def _is_plausible(request: Request | Call, usage: Usage, output: Output | None) -> bool:
    """Whether a usage is not below what prompt and output must cost."""
    said = 0.0 if output is None else max(_bytes(output.text) / MOST_BYTES, output.tokens - 1)
    return usage.prompt >= _size(request) / MOST_BYTES and usage.completion >= said


def _size(request: Request | Call) -> int:
    return sum(_bytes(text) for _, text in request.messages)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def prompt_bound(messages: Messages) -> int:
    """Upper bound on the tokens of a prompt."""
    return PER_PROMPT + sum(_bytes(text) + PER_MESSAGE for _, text in messages)


def schema_bound(schema: Mapping[str, object] | None) -> int:
    """Upper bound on the tokens that a schema adds to a prompt: servers bill it, or the prompt holds it."""
    return 0 if schema is None else PER_PROMPT + len(json.dumps(schema))


def prompt_guess(messages: Messages) -> float:
    """Approximate number of tokens of a prompt."""
    return sum(_bytes(text) / USUAL_BYTES + 5 for _, text in messages)


def prices_of(path: Path, model: str) -> Prices:
    """Read the prices of a model from a YAML file, per million tokens.

    The format is ``model: {prompt: usd, completion: usd}``.

    Raises:
        InputError: the file cannot be read, lacks the model, or is invalid.
    """
    import yaml

    expected = "a YAML file such as `gpt-x: {prompt: 0.15, completion: 0.60}` in USD per million tokens"
    try:
        content: object = yaml_value(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} cannot be read ({' '.join(str(error).split())})", expected=expected, todo="correct this file"
        ) from error
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


OUTPUT = (*LIMITS, "maxOutputTokens")
COPIES = ("n", "best_of", "num_return_sequences", "candidateCount", "candidate_count")
WITHIN = frozenset({"reasoning", "thinking", "thinkingConfig"})  # their limits are parts of the whole


def check_output_limit(generator: GeneratorSpec) -> None:
    """Refuse fields of requests that change the number or the length of outputs: a ceiling reserves for ``max_tokens``.

    Raises:
        UsageError: the recipe has such a field.
    """
    extra = generator.extra_body if isinstance(generator, EndpointSpec) else {}
    found = dict(_fields(extra))
    name = next((name for name in (*OUTPUT, *COPIES) if name in found), None)
    if name is not None:
        raise UsageError(
            f"`extra_body: {{{name}: {found[name]!r}}}` together with a ceiling",
            expected="an output limit that the ceiling knows: `sampling: {max_tokens: ...}`",
            todo=f"remove `{name}` from `generator.extra_body`, and set `max_tokens` in `sampling`",
        )


def _fields(extra: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """All fields, those of parts as well."""
    for name, value in extra.items():
        yield name, value
        if isinstance(value, dict) and name not in WITHIN:
            yield from _fields(value)


def check_ceilings(max_tokens: int | None, max_usd: float | None, prices: Prices | None) -> None:
    """Refuse invalid ceilings.

    Raises:
        UsageError: a ceiling below zero, or dollars without prices.
    """
    if max_tokens is not None and max_tokens <= 0:
        raise UsageError(
            f"--max-tokens {max_tokens}", expected="a number above 0", todo="pass for example --max-tokens 1000000"
        )
    if max_usd is not None and not 0 < max_usd < math.inf:
        raise UsageError(
            f"--max-usd {max_usd}", expected="a finite number above 0", todo="pass for example --max-usd 5"
        )
    if max_usd is not None and prices is None:
        raise UsageError(
            "--max-usd without prices",
            expected="a price file",
            todo="pass --prices FILE with `MODEL: {prompt: usd, completion: usd}` per million tokens",
        )
