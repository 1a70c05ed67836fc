"""Curation: each row is kept or dropped with a reason, in the order of keys.

Steps on single rows run in one pass over the store. Near duplicates and verifiers need the whole dataset or the
generator, and run between passes. Rows are ordered by key, so the outcome does not depend on timing.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.text.near_duplicates import MinHash, clusters
from syngain.data.text.normal_forms import normal_text
from syngain.data.text.words import length, words
from syngain.generators.protocol import Sampling
from syngain.pipeline.prompts.content import Candidate, candidates
from syngain.pipeline.prompts.templates import condition, template
from syngain.pipeline.recipe import (
    DedupStep,
    FinishedStep,
    FormatStep,
    FunctionStep,
    LabelStep,
    LengthStep,
    RuleStep,
    VerifyStep,
)
from syngain.pipeline.store.request import JudgmentSpec, Request
from syngain.pipeline.teacher import Teacher

if TYPE_CHECKING:
    from syngain.pipeline.prompts.anchors import Anchors
    from syngain.pipeline.recipe import Recipe, Step
    from syngain.pipeline.store.store import Store

Judge = Callable[[Candidate], str]
"""The reason to drop a row; empty to keep it."""
Ask = Callable[[Sequence[Request]], Awaitable[Sequence[str | None]]]
"""Sends requests to the generator, through the store; None without an answer."""
BATCH = 512


@dataclass(frozen=True, slots=True)
class Stage:
    """A step with its place in the recipe.

    ``judge`` is None for steps on several rows.
    """

    number: int
    name: str
    step: Step
    judge: Judge | None


def stages(recipe: Recipe, anchors: Anchors) -> list[Stage]:
    """Prepare the steps of a recipe; errors are found before any request.

    Raises:
        InputError: a bad pattern, template, expression or function.
    """
    return [
        Stage(number, getattr(step, "name", step.step), step, _judge(step, number, anchors, recipe.seed))
        for number, step in enumerate(recipe.curate, 1)
    ]


def set_steps(recipe: Recipe) -> set[int]:
    """Numbers of the steps on the whole dataset, and of missing answers."""
    return {-1} | {number for number, step in enumerate(recipe.curate, 1) if isinstance(step, DedupStep)}


async def curate(store: Store, recipe: Recipe, anchors: Anchors, ask: Ask) -> None:
    """Decide about every row and write the decisions.

    Step -1: there is an answer. Step 0: it parses into a row.
    """
    store.forget_decisions()
    any_step = FinishedStep(step="finished")
    answered = Stage(-1, "answer", any_step, lambda row: row.reason if row.reply is None else "")
    _pass(store, [answered, Stage(0, "parse", any_step, lambda row: row.reason)])
    for single, group in groupby(stages(recipe, anchors), key=lambda stage: stage.judge is not None):
        if single:
            _pass(store, list(group))
            continue
        for stage in group:
            if isinstance(stage.step, VerifyStep):
                await _verify(store, stage, stage.step, ask)
            elif isinstance(stage.step, DedupStep):
                _near(store, stage, stage.step, anchors)


def alive(store: Store) -> Iterator[Candidate]:
    """The rows that no step has dropped, ordered by key."""
    return (row for row in candidates(store) if store.dropped(row.key) is None)


def text_of(content: Mapping[str, object], field: str | None = None) -> str:
    """The text of a row: one field, or all content except the label."""
    if field is not None:
        return str(content.get(field, ""))
    return "\n".join(str(value) for name, value in content.items() if name != "label")


def _pass(store: Store, group: Sequence[Stage]) -> None:
    """Run several steps in one pass; a step sees only rows that earlier steps kept."""
    decisions: list[tuple[bytes, int, str, str | None]] = []
    for row in alive(store):
        for stage in group:
            reason = stage.judge(row) if stage.judge is not None else ""
            decisions.append((row.key, stage.number, stage.name, reason or None))
            if reason:
                break
        if len(decisions) > BATCH:
            store.decide(decisions)
            decisions.clear()
    store.decide(decisions)


def _judge(step: Step, number: int, anchors: Anchors, seed: int) -> Judge | None:
    """The judge of a step on single rows."""
    where = f"curate step {number} (`{step.step}`)"
    judge: Judge | None = None
    match step:
        case FormatStep():
            judge = _format(step, where)
        case LengthStep():
            judge = partial(_length, step)
        case FinishedStep():
            judge = _finished
        case LabelStep():
            judge = _label(step, anchors, seed)
        case RuleStep():
            judge = _rule(step, where)
        case FunctionStep():
            judge = _function(step, where)
        case DedupStep():
            judge = _exact(step, anchors) if step.near is None else None
        case VerifyStep():
            template(step.template, where=where)  # a bad one is found here
    return judge


def _rule(step: RuleStep, where: str) -> Judge:
    rule = condition(step.keep, where=where)
    return lambda row: "" if rule(_fields(row)) else f"not {step.keep}"


def _format(step: FormatStep, where: str) -> Judge:
    try:
        must, must_not = (None if p is None else re.compile(p) for p in (step.must, step.must_not))
    except re.error as error:
        raise InputError(
            f"{where} has an invalid regular expression ({error})",
            expected="a regular expression of Python's `re`",
            todo="correct `must` or `must_not` in the recipe",
        ) from error

    def judge(row: Candidate) -> str:
        text = text_of(row.content, step.field)
        if must is not None and not must.search(text):
            return f"does not match {step.must}"
        return f"matches {step.must_not}" if must_not is not None and must_not.search(text) else ""

    return judge


def _finished(row: Candidate) -> str:
    return "cut at max_tokens" if row.reply is not None and row.reply.finish == "length" else ""


def _length(step: LengthStep, row: Candidate) -> str:
    text = text_of(row.content, step.field)
    for unit, count, low, high in (
        ("words", length(text), step.min_words, step.max_words),
        ("characters", len(text), step.min_characters, step.max_characters),
    ):
        if count < low or (high is not None and count > high):
            return f"{count} {unit}"
    return ""


def _label(step: LabelStep, anchors: Anchors, seed: int) -> Judge:
    allowed = set(step.allowed or anchors.labels)
    teacher = _teacher(step, anchors, seed) if step.teacher == "drop" else None

    def judge(row: Candidate) -> str:
        label = row.content.get("label")
        if allowed and str(label) not in allowed:
            return f"the label {label!r} is not a label of the real rows"
        spelled = words(str(label)) if label is not None else []
        said = words(text_of(row.content))
        leaks = step.leaks == "drop" and bool(spelled) and f" {' '.join(spelled)} " in f" {' '.join(said)} "
        if leaks:
            return "the text contains its label"
        doubted = teacher is not None and teacher.doubts(text_of(row.content), str(label))
        return "the classifier trained on real rows rejects the label" if doubted else ""

    return judge


def _teacher(step: LabelStep, anchors: Anchors, seed: int) -> Teacher:
    """The classifier trained on labeled real rows; it is fitted at the first row."""
    rows = [(text_of(anchor.content), anchor.label) for anchor in anchors.rows if anchor.label is not None]
    return Teacher([text for text, _ in rows], [label for _, label in rows], step.doubt, seed)


def _function(step: FunctionStep, where: str) -> Judge:
    module, name = step.call.split(":")
    try:
        function: Callable[[dict[str, object]], object] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"{where}: {step.call} cannot be imported ({error})",
            expected="MODULE:FUNCTION on the import path",
            todo="correct `call` in the recipe, or add the module's folder to PYTHONPATH",
        ) from error

    def judge(row: Candidate) -> str:
        verdict = function(dict(row.content))
        if isinstance(verdict, str):
            return verdict
        return "" if verdict else f"{name} rejected the row"

    return judge


def _exact(step: DedupStep, anchors: Anchors) -> Judge:
    """Keep the first row of each text.

    Every curation starts with an empty memory.
    """
    seen: set[bytes] = {text_digest(anchor.content) for anchor in anchors.rows} if step.anchors else set()
    real = frozenset(seen)

    def judge(row: Candidate) -> str:
        digest = text_digest(row.content)
        if digest in seen:
            return "repeats a real row" if digest in real else "repeats an earlier row"
        seen.add(digest)
        return ""

    return judge


def text_digest(content: Mapping[str, object]) -> bytes:
    """A digest of sixteen bytes, equal for texts that differ in case and spaces only."""
    return hashlib.sha256(normal_text(text_of(content)).encode("utf-8", "surrogatepass")).digest()[:16]


def _near(store: Store, stage: Stage, step: DedupStep, anchors: Anchors) -> None:
    """Keep the first row of each near-duplicate cluster without a real row."""
    real = [text_of(anchor.content) for anchor in anchors.rows] if step.anchors else []
    rows = [(row.key, text_of(row.content)) for row in alive(store)]
    found = clusters([*real, *(text for _, text in rows)], MinHash(threshold=step.near or 1.0))
    seen = set(found[: len(real)].tolist())
    decisions: list[tuple[bytes, int, str, str | None]] = []
    for (key, _), cluster in zip(rows, found[len(real) :].tolist(), strict=True):
        decisions.append((key, stage.number, stage.name, "near-duplicate of another row" if cluster in seen else None))
        seen.add(cluster)
    store.decide(decisions)


async def _verify(store: Store, stage: Stage, step: VerifyStep, ask: Ask) -> None:
    """The generator judges each row at temperature 0.

    A row without a judgment is dropped with this reason.
    """
    render = template(step.template, where=f"curate step {stage.number} (`verify`)")
    sampling = Sampling(temperature=0.0, max_tokens=step.max_tokens, logprobs=False)
    rows: list[tuple[bytes, Request]] = []
    for row in alive(store):
        question = render(_fields(row))
        request = Request(
            messages=(("user", question),),
            sampling=sampling,
            sample=0,
            run_seed=0,
            purpose=JudgmentSpec(step=stage.number),
            stage="verify",
        )
        rows.append((row.key, request))
    answers = await ask([request for _, request in rows])
    store.decide(
        (key, stage.number, stage.name, _verdict(step, answer)) for (key, _), answer in zip(rows, answers, strict=True)
    )


def _verdict(step: VerifyStep, answer: str | None) -> str | None:
    if answer is None:
        return "no judgment"
    accepted = answer.strip().casefold().startswith(step.accept.casefold())
    return None if accepted else f"judged: {answer.strip()[:60]}"


def _fields(row: Candidate) -> dict[str, object]:
    """Names for expressions and verifier templates: fields and provenance of the row."""
    label, strategy = row.content.get("label"), row.request.row.strategy
    return {**row.content, "label": label, "strategy": strategy, "row": dict(row.content)}
