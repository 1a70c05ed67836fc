"""Forecast the requests and cost of a recipe from its plan, without sending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.pipeline.store.budget import prompt_bound, prompt_guess
from syngain.pipeline.strategies import requests

if TYPE_CHECKING:
    from syngain.pipeline.prompts.anchors import Anchors
    from syngain.pipeline.recipe import Recipe
    from syngain.pipeline.store.budget import Prices

USED = 0.5  # of max_tokens, before anything is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Requests, tokens and dollars of generation, without repair turns and verifiers."""

    requests: int
    prompts: int
    prompt_tokens: int
    completion_tokens: int
    most_tokens: int
    usd: float | None
    most_usd: float | None
    by_strategy: dict[str, int]
    first_prompt: str

    def as_json(self) -> dict[str, object]:
        """The forecast by name."""
        return {
            "requests": self.requests,
            "prompts": self.prompts,
            "about": {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
                "usd": self.usd,
            },
            "at_most": {"tokens": self.most_tokens, "usd": self.most_usd},
            "strategies": self.by_strategy,
            "first_prompt": self.first_prompt,
        }


def forecast(recipe: Recipe, anchors: Anchors, prices: Prices | None) -> Forecast:
    """Count planned requests and tokens.

    A prompt token is four bytes; answers take half of their limit. ``at most`` is the amount a ceiling reserves: a
    token per byte of prompt and every answer at its limit.
    """
    count, guess, said, bound, limit = 0, 0.0, 0.0, 0, 0
    by_strategy: dict[str, int] = {}
    prompts: set[int] = set()
    first = ""
    for request in requests(recipe, anchors):
        name = request.row.strategy
        by_strategy[name] = by_strategy.get(name, 0) + 1
        if request.stage == "template":
            continue
        count += 1
        first = first or "\n\n".join(text for _, text in request.messages)
        prompts.add(hash(request.messages))
        guess += prompt_guess(request.messages)
        said += USED * request.sampling.max_tokens
        bound += prompt_bound(request.messages)
        limit += request.sampling.max_tokens
    return Forecast(
        requests=count,
        prompts=len(prompts),
        prompt_tokens=round(guess),
        completion_tokens=round(said),
        most_tokens=bound + limit,
        usd=None if prices is None else prices.usd(guess, said),
        most_usd=None if prices is None else prices.usd(bound, limit),
        by_strategy=by_strategy,
        first_prompt=first,
    )
