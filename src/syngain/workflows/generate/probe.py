"""``syngain probe``: show the capabilities of a generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from syngain.core.progress import Progress, silent
from syngain.core.threads import wait_for
from syngain.generators.protocol import Capabilities
from syngain.pipeline.recipe import EndpointSpec
from syngain.pipeline.store.connect import endpoint, only_model
from syngain.workflows.generate.probe_narrative import accounting

if TYPE_CHECKING:
    from syngain.generators.openai import OpenAIGenerator
    from syngain.generators.probe import Probe
    from syngain.workflows.generate.probe_narrative import QuantitySupport


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Capabilities of a generator, and what can be computed from them.

    Attributes:
        reasons: messages of the server, by missing capability.
        requests: how many small requests were sent. learned: how requests are worded for this server.
        reasoning: tokens of a one-word answer of a model that reasons; 0 for others.
    """

    target: str
    model: str
    models: tuple[str, ...] | None
    capabilities: Capabilities
    reasons: dict[str, str]
    accounting: tuple[QuantitySupport, ...]
    requests: int
    learned: tuple[str, ...] = ()
    reasoning: int = 0

    def as_json(self) -> dict[str, object]:
        """The result by name."""
        found = self.capabilities
        return {
            "target": self.target,
            "model": self.model,
            "models": None if self.models is None else list(self.models),
            "capabilities": {
                "chosen_token": found.chosen,
                "top_k": found.top,
                "prompt": found.prompt,
                "full_distribution": found.full,
                "mode": found.mode,
                "json_schema": found.schema,
            },
            "reasons": self.reasons,
            "accounting": [{"quantity": a.quantity, "allowed": a.allowed, "why": a.why} for a in self.accounting],
            "requests": self.requests,
            "learned": list(self.learned),
            "reasoning_tokens": self.reasoning,
        }


def probe(  # noqa: PLR0913  (the inputs and switches of the command)
    target: str,
    *,
    model: str | None = None,
    key_env: str = "OPENAI_API_KEY",
    api: Literal["chat", "completions"] = "chat",
    timeout: float = 60.0,
    engine: Literal["transformers", "llamacpp"] = "transformers",
    progress: Progress = silent,
) -> CheckResult:
    """Probe ``toy``, a local model, or the address of an OpenAI-compatible server.

    A server gets at most a dozen requests of a few tokens. Without ``model`` the only one it lists is taken. A local
    model is loaded by ``engine``.

    Raises:
        UsageError: the key is refused, there is no such model, or several and none was named.
        UnfinishedError: the server cannot be reached.
    """
    if target.startswith(("http://", "https://")):
        spec = EndpointSpec(
            kind="openai", model=model or "", base_url=target, key_env=key_env, api=api, timeout=timeout
        )
        return wait_for(_endpoint(endpoint(spec), target))
    if target == "toy":
        found = Capabilities(chosen=True, top=None, prompt=True, full=True, mode="exact", schema=False)
        reasons = {"schema": "the toy generator writes no JSON"}
        return _result(target, target, None, found, reasons, 0)
    if engine == "llamacpp":
        return wait_for(_llamacpp(target, progress))
    from syngain.generators.local import LocalGenerator

    local = LocalGenerator.load(target, progress=progress)
    return _result(target, local.name, None, local.capabilities, {"schema": "no constrained decoding in process"}, 0)


check = probe
"""The former name of :func:`probe`."""


async def _llamacpp(target: str, progress: Progress) -> CheckResult:
    from syngain.generators.llamacpp import LlamaCppGenerator, LlamaCppSettings

    generator = LlamaCppGenerator.load(target, LlamaCppSettings(batch=1), progress=progress)
    try:
        reasons = {"full": "llama.cpp sends the whole distribution only as text, too slow for every step"}
        return _result(target, generator.name, None, generator.capabilities, reasons, 0)
    finally:
        await generator.close()


async def _endpoint(generator: OpenAIGenerator, target: str) -> CheckResult:
    from syngain.generators.probe import probe as ask

    try:
        generator = await only_model(generator)
        found: Probe = await ask(generator)
    finally:
        await generator.close()
    shown = _result(target, generator.model, found.models, found.capabilities, found.reasons, found.requests)
    return replace(shown, learned=found.learned, reasoning=found.reasoning)


def _result(
    target: str,
    model: str,
    models: tuple[str, ...] | None,
    found: Capabilities,
    reasons: dict[str, str],
    requests: int,
) -> CheckResult:
    return CheckResult(
        target=target,
        model=model,
        models=models,
        capabilities=found,
        reasons=reasons,
        accounting=accounting(found, reasons),
        requests=requests,
    )
