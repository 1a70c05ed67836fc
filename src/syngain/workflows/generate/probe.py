"""``syngain probe``: what a generator can say, and which accounting that allows, with the reason where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from syngain.core.progress import Progress, silent
from syngain.generators.protocol import Capabilities
from syngain.generators.waiting import wait_for
from syngain.pipeline.recipe import EndpointSpec
from syngain.pipeline.store.connect import endpoint, only_model

if TYPE_CHECKING:
    from syngain.generators.openai import OpenAIGenerator
    from syngain.generators.probe import Probe

Allowed = Literal["estimate", "interval", "upper", "lower", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantitySupport:
    """A quantity, how far it can be known, and why not further."""

    quantity: str
    allowed: Allowed
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a generator can say and what can be computed from it.

    Attributes:
        reasons: the server's own words, by missing capability.
        requests: how many tiny requests were sent to find out.
    """

    target: str
    model: str
    models: tuple[str, ...] | None
    capabilities: Capabilities
    reasons: dict[str, str]
    accounting: tuple[QuantitySupport, ...]
    requests: int

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
    """Find out what a generator can say: ``toy``, a local model, or the address of an OpenAI-compatible server.

    A server is asked a dozen answers of a few tokens at most. Without ``model`` the only one it lists is taken. A local
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
    return _result(target, generator.model, found.models, found.capabilities, found.reasons, found.requests)


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


def accounting(found: Capabilities, reasons: dict[str, str]) -> tuple[QuantitySupport, ...]:
    """Which quantities of THEORY section 3 can be computed, and why not more."""
    gain = _gain(found, reasons)
    prompt = _prompt(found, reasons)
    total = QuantitySupport(
        quantity="entropy of outputs",
        allowed="no" if "no" in {gain.allowed, prompt.allowed} else "interval",
        why="the sum of information gain and prompt information"
        + ("; one of them is missing" if "no" in {gain.allowed, prompt.allowed} else ", an interval like the latter"),
    )
    return (
        gain,
        prompt,
        total,
        QuantitySupport(
            quantity="semantic split",
            allowed="lower",
            why="from texts, at least 8 samples per prompt"
            + (", clusters weighted by probability" if found.chosen else "; clusters weighted by counts only"),
        ),
        QuantitySupport(
            quantity="novelty under a proxy",
            allowed="estimate",
            why="from texts alone: a model trained on the anchors scores them",
        ),
        QuantitySupport(
            quantity="divergence of curation",
            allowed="estimate",
            why="from the share that each filter accepts",
        ),
    )


def _gain(found: Capabilities, reasons: dict[str, str]) -> QuantitySupport:
    name = "information gain"
    if not found.chosen:
        return QuantitySupport(
            quantity=name,
            allowed="no",
            why=f"no log-probabilities of the answer ({reasons.get('chosen', 'none are sent')})",
        )
    if found.full:
        return QuantitySupport(quantity=name, allowed="estimate", why="the whole distribution is known: Rao-Blackwell")
    more = (
        f"; a Rao-Blackwell interval from the top {found.top}"
        if found.top
        else f"; no Rao-Blackwell, only chosen tokens ({reasons.get('top', 'no alternatives are sent')})"
    )
    if found.mode == "processed":
        return QuantitySupport(
            quantity=name, allowed="estimate", why=f"plain, at every temperature: the mode is processed{more}"
        )
    doubt = "the mode is raw" if found.mode == "raw" else f"the mode is unknown ({reasons.get('mode', 'not tried')})"
    return QuantitySupport(
        quantity=name,
        allowed="estimate",
        why=f"plain, at temperature 1 and top-p 1 only; else an upper bound (cross-entropy), because {doubt}{more}",
    )


def _prompt(found: Capabilities, reasons: dict[str, str]) -> QuantitySupport:
    name = "prompt information"
    if not found.prompt:
        return QuantitySupport(
            quantity=name,
            allowed="no",
            why=f"outputs cannot be scored under other prompts ({reasons.get('prompt', 'not tried')})",
        )
    if found.mode == "exact":
        return QuantitySupport(quantity=name, allowed="interval", why="cross-scoring with exact log-probabilities")
    return QuantitySupport(
        quantity=name,
        allowed="lower",
        why="cross-scoring with raw log-probabilities: only the lower end of the bracket"
        + ("" if found.mode == "processed" else ", both ends at temperature 1 and top-p 1"),
    )
