"""Plan requests from real rows: examples, texts and number of samples per prompt.

The plan is complete before any request, and depends on the recipe, the real rows and the seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.core.rng import Streams
from syngain.data.columns.roles import Kind
from syngain.pipeline.prompts.prompt_texts import PERSONAS, words_of
from syngain.pipeline.prompts.schema import check_schema
from syngain.pipeline.prompts.templates import template
from syngain.pipeline.store.request import Request, RowSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np

    from syngain.generators.protocol import Messages
    from syngain.pipeline.prompts.anchors import Anchor, Anchors
    from syngain.pipeline.recipe import Recipe, StrategySpec

    Render = Callable[[Mapping[str, object]], str]


@dataclass(frozen=True, slots=True)
class PreparedStrategy:
    """A strategy ready to generate prompts."""

    strategy: StrategySpec
    anchors: Anchors
    render: Render
    system: Render | None


def requests(recipe: Recipe, anchors: Anchors) -> Iterator[Request]:
    """Every request of a recipe, prompt by prompt; strategies alternate by their rows.

    Raises:
        InputError: a strategy does not fit the real rows, or a template uses an unknown column.
    """
    plans = [_prepared(strategy, anchors) for strategy in recipe.strategies]
    for plan in plans:  # render every template on the first real row before any request
        rng = Streams(recipe.seed).stream("plan", plan.strategy.title)
        next(_prompts(plan, rng))
    blocks = [_blocks(recipe, plan) for plan in plans]
    left = [plan.strategy.rows for plan in plans]
    while any(left):  # next, the strategy with the largest remaining fraction
        shares = [rest / plan.strategy.rows for rest, plan in zip(left, plans, strict=True)]
        number = shares.index(max(shares))
        block = next(blocks[number])[: left[number]]
        left[number] -= len(block)
        yield from block


def _blocks(recipe: Recipe, plan: PreparedStrategy) -> Iterator[list[Request]]:
    """The samples of each prompt, in an endless sequence of prompts."""
    spec, templated = recipe.sampling_of(plan.strategy), plan.strategy.kind == "template"
    for messages, row in _prompts(plan, Streams(recipe.seed).stream("plan", plan.strategy.title)):
        request = Request(
            messages=messages,
            sampling=spec.sampling(),
            sample=0,  # counted by the store among equal prompts
            run_seed=recipe.seed,
            purpose=row,
            stage="template" if templated else "generate",
            schema=plan.strategy.json_schema,
        )
        yield [request] * (1 if templated else spec.samples)


def _prepared(strategy: StrategySpec, anchors: Anchors) -> PreparedStrategy:
    where = f"strategy `{strategy.title}`"
    if strategy.json_schema is not None:
        check_schema(strategy.json_schema, f"{where}: json_schema")
    if strategy.kind == "answer" and anchors.kind is not Kind.PAIR and strategy.template is None:
        raise InputError(
            f"{where} needs prompts, but the real rows are not pairs of prompt and response",
            expected="real rows with a prompt, or a `template` of your own",
            todo="use few_shot or paraphrase, or write a template",
        )
    if anchors.kind is Kind.TABLE and strategy.output != "json":
        raise InputError(
            f"{where} generates text, but the real rows are a table",
            expected="`output: json` with a `json_schema` of the columns",
            todo="add both to the strategy, or name the text column with --text",
        )
    source = strategy.template if strategy.template is not None else words_of(strategy.kind, anchors.kind)
    system = None if strategy.system is None else template(strategy.system, where=f"{where}: system")
    return PreparedStrategy(strategy, anchors, template(source, where=f"{where}: template"), system)


def _prompts(plan: PreparedStrategy, rng: np.random.Generator) -> Iterator[tuple[Messages, RowSpec]]:
    """An endless sequence of prompts: real rows in random order, reshuffled each time."""
    anchors, strategy = plan.anchors, plan.strategy
    while True:
        for index in map(int, rng.permutation(len(anchors.rows))):
            chosen = _shots(plan, index, rng)
            columns = _columns(plan, chosen, rng)
            text = plan.render(columns)
            system = () if plan.system is None else (("system", plan.system(columns)),)
            messages: Messages = (*system, ("user", text))
            yield messages, _row_spec(strategy, anchors.kind, chosen)


def _shots(plan: PreparedStrategy, index: int, rng: np.random.Generator) -> Sequence[Anchor]:
    """The real row and, for strategies with examples, others of its label."""
    rows = plan.anchors.rows
    if plan.strategy.kind not in {"few_shot", "self_instruct", "attributes"}:
        return [rows[index]]
    same = [i for i in plan.anchors.by_label[rows[index].label] if i != index]
    more = min(plan.strategy.shots - 1, len(same))
    picked = [same[int(i)] for i in rng.choice(len(same), size=more, replace=False)] if more else []
    return [rows[i] for i in (index, *picked)]


def _columns(plan: PreparedStrategy, shots: Sequence[Anchor], rng: np.random.Generator) -> dict[str, object]:
    """The names that a template can use."""
    strategy = plan.strategy
    personas = strategy.personas or PERSONAS
    return {
        "anchor": dict(shots[0].columns),
        "shots": [dict(shot.columns) for shot in shots],
        "label": shots[0].label,
        "labels": list(plan.anchors.labels),
        "persona": personas[int(rng.integers(len(personas)))],
        "attributes": {name: values[int(rng.integers(len(values)))] for name, values in strategy.attributes.items()},
    }


def _row_spec(strategy: StrategySpec, kind: Kind, shots: Sequence[Anchor]) -> RowSpec:
    """The content of the row, and how it is parsed from the answer."""
    first = shots[0]
    fixed: dict[str, object] = {}
    into, output = "text", strategy.output or "text"
    if kind is Kind.PAIR:
        into = "completion" if strategy.kind == "answer" else "prompt"
        output = strategy.output or ("text" if strategy.kind in {"answer", "paraphrase"} else "pair")
        if output == "text":
            other = "prompt" if into == "completion" else "completion"
            fixed = {other: first.content[other]}
    return RowSpec(
        strategy=strategy.title,
        anchors=tuple(shot.id for shot in shots),
        label=first.label,
        output=output,
        into=into,
        fixed=fixed,
        repair=strategy.repair and output == "json",
    )
