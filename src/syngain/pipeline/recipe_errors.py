"""Errors of a recipe: the first problem, with the known fields or an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.documents.validation import MISSING, first_problem
from syngain.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel, ValidationError

EXAMPLES = {  # of fields that hold more than one value
    "generator": "generator: {kind: openai, model: NAME, base_url: http://HOST:8000/v1}",
    "generator.kind": "generator: {kind: openai, model: NAME, base_url: http://HOST:8000/v1}",
    "generator.omit": "omit: [seed, logprobs]",
    "generator.rename": "rename: {max_tokens: max_completion_tokens}",
    "generator.extra_body": "extra_body: {reasoning_effort: low}",
    "generator.headers": 'headers: {api-key: "${MY_KEY}"}',
    "generator.prices": "prices: {prompt: 0.15, completion: 0.6, date: 2026-01-31}",
    "strategies": "strategies: [{kind: few_shot, rows: 40}]",
}
_UNIONS = {"cells", "toy", "openai", "anthropic", "gemini", "transformers", "llamacpp"} | {
    "format", "length", "finished", "dedup", "label", "rule", "verify", "function",
}  # fmt: skip


def wrong(
    name: str,
    error: ValidationError,
    parts: Mapping[str, type[BaseModel]],
    examples: Mapping[str, str] = EXAMPLES,
) -> InputError:
    """The error for the first problem of a recipe.

    Args:
        name: of the file.
        error: what pydantic found.
        parts: the parts of a recipe by name, the whole under the empty one.
        examples: of fields, by their place.
    """
    problem = first_problem(error)
    place = [str(part) for part in problem.place if str(part) not in _UNIONS]
    where = ".".join(place) or "the whole"
    if problem.unknown:
        known = _fields(problem.place[:-1], parts)
        return InputError(
            f"{name} has the unknown field `{where}`",
            expected=f"one of {', '.join(known)}" if known else "a field of the recipe format",
            todo="correct the name or remove the field",
        )
    own = problem.fix or not problem.expected  # a rule of the recipe: a whole sentence
    came = f"{name}, `{where}`{': ' if own else ' '}{problem.came}"
    depths = (2,) if len(place) > 1 and problem.came != MISSING else (2, 1)
    field = next((".".join(place[:depth]) for depth in depths if ".".join(place[:depth]) in examples), "")
    todo = problem.fix or (f"for example `{examples[field]}`" if field else "correct this field")
    return InputError(came, expected=problem.expected or "a valid recipe", todo=todo)


def _fields(place: tuple[int | str, ...], parts: Mapping[str, type[BaseModel]]) -> list[str]:
    """The known fields at a place of the recipe."""
    words = [str(part) for part in place if not isinstance(part, int)]
    part = parts.get(words[-1] if words else "")
    return [] if part is None else sorted(part.model_fields)
