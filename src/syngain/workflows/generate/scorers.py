"""Scorers of outputs under other prompts, by the names of generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from syngain.core.progress import Progress, silent
from syngain.core.threads import wait_for
from syngain.generators.pace import Patience
from syngain.information.cross_scoring import ByGenerator
from syngain.pipeline.recipe import LocalSpec
from syngain.pipeline.store.connect import connected, only_model, target_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from syngain.data.dataset import Dataset
    from syngain.generators.openai import OpenAIGenerator
    from syngain.information.outputs import Outputs

SHORT = Patience(attempts=3)
ASK, SAY = (("user", "Say yes."),), "yes"  # one request tests whether a server scores at all


def scorer_of(
    target: str,
    anchors: Dataset | None = None,
    *,
    model: str | None = None,
    key_env: str = "OPENAI_API_KEY",
    api: Literal["chat", "completions"] = "chat",
    progress: Progress = silent,
) -> Callable[[Outputs], ByGenerator]:
    """Makes the scorer of some outputs, at the temperature they were sampled at.

    Args:
        target: ``toy``, the address of an OpenAI-compatible server, a recipe (its generator), a local model or a hub
            name.
        anchors: real rows the toy was fitted on.
        model: of a server that lists several.
        key_env: the variable that holds its key.
        api: chat, or completions for base models.
        progress: called while a model is loaded.

    Raises:
        UsageError: the toy without real rows, a server without a model or one that does not score. InputError: no
            model.
        UnfinishedError: the server cannot be reached.
    """
    spec = target_spec(target, model=model, key_env=key_env, api=api)
    if isinstance(spec, LocalSpec):
        from syngain.models.catalog import locate

        locate(spec.model)
    progress(f"loading {target}", 0.05)
    generator = connected(spec, anchors, progress=progress)
    from syngain.generators.openai import OpenAIGenerator

    if not isinstance(generator, OpenAIGenerator):
        return lambda said: ByGenerator(generator, said.temperature or 1.0)
    served = wait_for(_able(generator))
    return lambda said: ByGenerator(served, said.temperature or 1.0, served=True)


async def _able(generator: OpenAIGenerator) -> OpenAIGenerator:
    """A server with its model, once it has scored a word.

    Raises:
        UsageError: it does not score, or offers several models. UnfinishedError: it does not answer.
    """
    try:
        generator = await only_model(generator)
        await ByGenerator(generator, served=True, patience=SHORT).scored(ASK, [SAY])
    finally:
        await generator.close()
    return generator
