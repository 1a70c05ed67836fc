"""``syngain probe TARGET``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import typer

from syngain.cli.common import progress_shown
from syngain.cli.settings import APIS
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.workflows.generate.probe import CheckResult

ENGINES = ("transformers", "llamacpp")


def probe(
    target: str = typer.Argument(
        ..., metavar="TARGET", help="URL such as http://host:8000/v1, a local model (smollm2, a folder) or toy."
    ),
    model: Optional[str] = typer.Option(None, help="Model at that URL (default: the only one listed)."),
    key_env: str = typer.Option("OPENAI_API_KEY", help="Environment variable with the API key."),
    api: str = typer.Option("chat", help="chat, or completions for base models."),
    timeout: float = typer.Option(60.0, min=0.1, help="Timeout in seconds."),
    engine: str = typer.Option("transformers", help="Engine for a local model: transformers or llamacpp (GGUF)."),
    json: bool = typer.Option(False, "--json", help="Print JSON."),
    quiet: bool = typer.Option(False, "-q", "--quiet", help="No progress."),
) -> None:
    """Show which log-probabilities an endpoint returns."""
    if api not in APIS:
        raise UsageError(f"--api {api}", expected=f"one of {', '.join(APIS)}", todo="use --api chat")
    if engine not in ENGINES:
        raise UsageError(
            f"--engine {engine}", expected=f"one of {', '.join(ENGINES)}", todo="use --engine transformers"
        )
    with progress_shown(quiet=quiet or json) as progress:
        from syngain.workflows.generate.probe import probe as verb

        found = verb(
            target,
            model=model,
            key_env=key_env,
            api="chat" if api == "chat" else "completions",
            timeout=timeout,
            engine="llamacpp" if engine == "llamacpp" else "transformers",
            progress=progress,
        )
    if json:
        import json as text

        print(text.dumps(found.as_json(), indent=2, ensure_ascii=False))
        return
    _show(found)


def _show(found: CheckResult) -> None:
    able = found.capabilities
    print(f"{found.model} at {found.target}: usable ({found.requests} tiny requests were sent)")
    rows = (
        ("log-probabilities of the answer", _yes(able.chosen), found.reasons.get("chosen", "")),
        ("alternatives per token", "all" if able.full else str(able.top or "no"), found.reasons.get("top", "")),
        ("log-probabilities of a given text", _yes(able.prompt), found.reasons.get("prompt", "")),
        ("mode", able.mode or "unknown", found.reasons.get("mode", "")),
        ("structured output", _yes(able.schema), found.reasons.get("schema", "")),
    )
    for name, value, why in rows:
        print(f"  {name:34} {value:9} {_plain(why)}".rstrip())
    if found.reasoning:
        print(
            f"  {'reasoning':34} {'yes':9} {found.reasoning} tokens for a one-word answer: leave room in `max_tokens`"
        )
    for sentence in found.learned:
        print(f"  {'learned':34} {'':9} {_plain(sentence)}")
    print("accounting:")
    for item in found.accounting:
        print(f"  {item.quantity:34} {item.allowed:9} {_plain(item.why)}")


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[value]


def _plain(text: str) -> str:
    """The words of a server, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)
