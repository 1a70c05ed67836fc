"""Connect to the generator of a recipe, and probe it before generation."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from syngain.core.errors import SyngainError, UnfinishedError, UsageError
from syngain.core.progress import Progress, silent
from syngain.data import read
from syngain.data.columns.roles import Kind
from syngain.data.text.words import joined, pieces
from syngain.generators.protocol import Capabilities, FailedError
from syngain.generators.servers.dialect import Dialect, dialect_of
from syngain.generators.servers.lessons import DialectLearner
from syngain.generators.toy import MarkovText
from syngain.generators.toy_speaker import ToyGenerator
from syngain.pipeline.recipe import EndpointSpec, LlamaCppSpec, LocalSpec, ToySpec, read_recipe
from syngain.pipeline.store.budget import DISTRUST, OVERRUN, Output, usage_of
from syngain.pipeline.store.spending import Charge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.data.dataset import Dataset
    from syngain.generators.openai import OpenAIGenerator
    from syngain.generators.probe import Account, Billed
    from syngain.generators.protocol import Call, Generator, Reply, Sampling
    from syngain.pipeline.recipe import GeneratorSpec, Recipe, SamplingSpec
    from syngain.pipeline.store.budget import Ledger
    from syngain.pipeline.store.store import Store

Api = Literal["chat", "completions"]
RECIPES = frozenset({".yaml", ".yml"})
PROBE = b"probe"  # in the ledger
HOMES = {"anthropic": "https://api.anthropic.com/v1", "gemini": "https://generativelanguage.googleapis.com/v1beta"}


def connected(spec: GeneratorSpec, anchors: Dataset | None, *, progress: Progress = silent) -> Generator:
    """The generator of a recipe.

    Raises:
        UsageError: an endpoint without an address, or a toy generator without rows. InputError: a model that cannot
            be loaded.
    """
    if isinstance(spec, ToySpec):
        return _toy(spec, anchors)
    if isinstance(spec, EndpointSpec):
        return endpoint(spec)
    if isinstance(spec, LlamaCppSpec):
        from syngain.generators.llamacpp import LlamaCppGenerator, LlamaCppSettings

        settings = LlamaCppSettings(
            mode=spec.logprob_mode,
            chat=spec.chat,
            batch=spec.batch,
            context=spec.context,
            threads=spec.threads,
        )
        return LlamaCppGenerator.load(spec.model, settings, progress=progress)
    from syngain.generators.local import LocalGenerator

    return LocalGenerator.load(
        spec.model, dtype=spec.dtype, device=spec.device, chat=spec.chat, batch=spec.batch, progress=progress
    )


def target_spec(
    target: str,
    *,
    model: str | None = None,
    key_env: str = "OPENAI_API_KEY",
    api: Literal["chat", "completions"] = "chat",
) -> GeneratorSpec:
    """The generator that the user named.

    ``toy``, an address, a recipe, a local model or a hub name. An address that lists a single model needs no ``model``;
    see :func:`only_model`.

    Raises:
        InputError: an invalid recipe. UsageError: a model is named twice.
    """
    if target.startswith(("http://", "https://")):
        return EndpointSpec(kind="openai", model=model or "", base_url=target, key_env=key_env, api=api)
    if model is not None:
        raise UsageError(
            f"--model {model} together with {target}",
            expected="--model with an http(s) address only",
            todo="leave out --model",
        )
    if target == "toy":
        return ToySpec(kind="toy")
    if Path(target).suffix in RECIPES:
        return read_recipe(target).generator
    return LocalSpec(kind="transformers", model=target)


async def only_model(generator: OpenAIGenerator) -> OpenAIGenerator:
    """A server with its model: the named one, or the only one.

    Raises:
        UsageError: it lists none or several.
    """
    if generator.model:
        return generator
    models = await generator.models()
    if models is not None and len(models) == 1:
        return replace(generator, model=models[0])
    raise UsageError(
        f"{generator.base_url} lists {'no models' if not models else ', '.join(models[:20])}",
        expected="the name of one model",
        todo="name the model with --model",
    )


def endpoint(spec: EndpointSpec, *, connections: int = 64) -> OpenAIGenerator:
    """The generator behind an address."""
    from syngain.generators.openai import OpenAIGenerator

    base_url = spec.base_url or HOMES.get(spec.kind) or os.environ.get("OPENAI_BASE_URL", "").strip()
    if not base_url:
        raise UsageError(
            "the recipe has no base_url and OPENAI_BASE_URL is not set",
            expected="the address of an OpenAI-compatible server",
            todo="add `base_url: http://HOST:PORT/v1` to `generator`",
        )
    return OpenAIGenerator(
        base_url=base_url,
        model=spec.model,
        key_env=spec.key_env,
        api=spec.api if spec.kind == "openai" else spec.kind,
        timeout=spec.timeout,
        mode="raw" if spec.logprob_mode == "auto" else spec.logprob_mode,
        extra=spec.extra_body,
        headers=spec.headers,
        connections=connections,
        learner=DialectLearner(dialect_of(spec.rename, spec.omit)),
    )


async def checked(generator: Generator, recipe: Recipe, account: Account) -> tuple[Generator, dict[str, object]]:
    """Probe a server's capabilities before generation; local generators need no probe.

    With the generator come its capabilities, for :func:`with_known_capabilities` in a later process.

    Raises:
        UsageError: the key is refused, the model unknown, or required log-probabilities are missing.
        UnfinishedError: the server cannot be reached.
    """
    from syngain.generators.openai import OpenAIGenerator

    if not isinstance(generator, OpenAIGenerator):
        return generator, {}
    from syngain.generators.probe import Wanted, probe

    schema, mode = _questions(recipe)
    asked = Wanted(
        prompt=False,
        schema=schema,
        mode=mode,
        samplings=tuple(_warped(recipe)),
        system=any(strategy.system is not None for strategy in recipe.strategies),
    )
    found = await probe(generator, asked, account=account)
    if any(s.logprobs == "required" for s in _samplings(recipe)) and not found.capabilities.chosen:
        raise UsageError(
            f"{generator.model} returns no log-probabilities ({found.reasons.get('chosen', 'none in its answer')})",
            expected="log-probabilities, which the recipe requires (`logprobs: required`)",
            todo="name a server with log-probabilities (vLLM, llama.cpp server), or set `logprobs: wanted`",
        )
    seen = generator.mode if found.capabilities.mode is None else found.capabilities.mode
    known = replace(generator, mode=seen, known=found.capabilities)
    notes = {**known.notes, "reasoning": found.reasoning}
    return with_known_capabilities(generator, notes), notes


def accounting(store: Store, ledger: Ledger) -> Account:
    """An account of requests outside the plan: reserved before they leave, settled when they come back.

    Its block raises UnfinishedError when the budget does not cover a request, or the answer reports an impossible cost.
    """

    @contextmanager
    def account(call: Call) -> Iterator[Billed]:
        held = ledger.worst(call)
        if not ledger.reserve(held):
            raise UnfinishedError(
                f"the budget does not cover a request of {held[0]:,} tokens to probe the server",
                expected="a budget for a few small requests",
                todo=f"{ledger.raise_it}, then continue with --resume",
            )
        entry, charge = store.reserved(PROBE, held), Charge(most=held)
        answer: Reply | None = None

        def settled(reply: Reply) -> Reply:
            nonlocal charge, answer
            answer = reply
            charge = ledger.charge(call, held, usage_of(reply), Output.of(reply))
            return reply

        try:
            yield settled
        except FailedError as error:
            charge = ledger.charge(call, held, error.usage, None) if error.billed else Charge()
            raise
        finally:
            store.settled(entry, charge, answer)
            ledger.settle(held, charge)
            if charge.overrun and ledger.has_ceiling:
                raise UnfinishedError(
                    f"{OVERRUN}, in its answer to the probe",
                    expected=f"at most {held[0]:,} tokens in its `usage`",
                    todo=f"{DISTRUST}, then continue with --resume",
                )

    return account


@contextmanager
def billed(ledger: Ledger) -> Iterator[None]:
    """Add to an error what was billed before it."""
    try:
        yield
    except SyngainError as error:
        if not ledger.most[0]:
            raise
        came = f"{error.came} ({ledger.sentence()})"
        raise type(error)(came, expected=error.expected, todo=error.todo) from error


def _samplings(recipe: Recipe) -> list[SamplingSpec]:
    return [recipe.sampling_of(strategy) for strategy in recipe.strategies if strategy.kind != "template"]


def _questions(recipe: Recipe) -> tuple[bool, bool]:
    """Whether to probe structured output, and the mode of log-probabilities."""
    auto = isinstance(recipe.generator, EndpointSpec) and recipe.generator.logprob_mode == "auto"
    warped = any(s.logprobs != "no" and (s.temperature != 1 or s.top_p != 1) for s in _samplings(recipe))
    return any(strategy.json_schema is not None for strategy in recipe.strategies), auto and warped


def _warped(recipe: Recipe) -> list[Sampling]:
    """Sampling parameters that a server may not take, each once: the probe asks with them."""
    found = {s.sampling(): None for s in _samplings(recipe) if s.temperature != 1 or s.top_p != 1 or s.stop}
    return list(found)


def with_known_capabilities(generator: Generator, notes: Mapping[str, Any]) -> Generator:
    """A server with the capabilities of an earlier probe."""
    from syngain.generators.openai import OpenAIGenerator

    if not isinstance(generator, OpenAIGenerator) or not notes:
        return generator
    known = Capabilities(chosen=notes["chosen"], mode=notes["mode"], schema=notes["schema"])
    if "dialect" in notes:
        generator.learner.dialect = Dialect.from_json(notes["dialect"])
    return replace(generator, mode=notes["mode"], known=known)


def remembered(generator: Generator, store: Store, key: str) -> Generator:
    """A server whose dialect is kept in the notes of a store, under ``key``, whenever it changes."""
    from syngain.generators.openai import OpenAIGenerator

    if isinstance(generator, OpenAIGenerator):

        def keep(dialect: Dialect) -> None:
            notes = json.loads(store.meta(key) or "{}")
            store.set_meta(key, json.dumps({**notes, "dialect": dialect.as_json()}))

        generator.learner.tell = keep
    return generator


def _toy(spec: ToySpec, anchors: Dataset | None) -> ToyGenerator:
    """A Markov chain of words of the real rows or of a file, by label if available."""
    anchors = anchors if spec.learned is None else read(spec.learned, like=anchors)
    if anchors is None:
        raise UsageError(
            "the toy generator without real rows", expected="the rows to fit it on", todo="add --real FILE"
        )
    if anchors.kind is Kind.TABLE:
        raise UsageError(
            "the toy generator generates text, but the real rows are a table",
            expected="texts, or pairs of prompt and response",
            todo="name the text column with --text, or use another generator",
        )
    texts = [joined(pieces(side)[: spec.max_words]) for side in anchors.sides[list(anchors.sides)[-1]]]
    labels = None if anchors.labels is None else list(anchors.labels)
    return ToyGenerator(MarkovText.fit(texts, labels, backoff=spec.backoff, max_words=spec.max_words))
