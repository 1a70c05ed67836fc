"""The recipe: a YAML file that says who speaks, about what, how much, and what is kept. Pydantic stands at the border.

An unknown field is an error that names the known ones; nothing here touches the network or costs money.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from syngain.core.errors import InputError
from syngain.generators.protocol import Mode, Sampling

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """A part of a recipe: unknown fields are errors, values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ToySpec(Part):
    """The exact toy generator, fitted on the anchors, or on the rows of a file: what it ``learned`` before."""

    kind: Literal["toy"]
    backoff: Annotated[float, Field(ge=0)] = 0.2
    max_words: Annotated[int, Field(ge=1, le=4096)] = 256
    learned: str | None = None


class EndpointSpec(Part):
    """An OpenAI-compatible server. ``base_url`` defaults to the variable OPENAI_BASE_URL."""

    kind: Literal["openai"]
    model: str
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    api: Literal["chat", "completions"] = "chat"
    timeout: Annotated[float, Field(gt=0)] = 120.0
    logprob_mode: Mode | Literal["auto"] = "auto"
    extra: dict[str, Any] = Field(default_factory=dict)


class LocalSpec(Part):
    """A causal language model in this process: a catalog name, a folder, a GGUF file or a hub name."""

    kind: Literal["transformers"]
    model: str = "smollm2"
    dtype: Literal["auto", "float32", "bf16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    chat: bool = True
    batch: Positive = 16


class LlamaCppSpec(Part):
    """A GGUF file spoken by llama.cpp in this process: a catalog name, a file, or a folder that holds one.

    ``context`` is how many tokens a prompt and its output may have together; ``threads`` defaults to all cores.
    """

    kind: Literal["llamacpp"]
    model: str = "smollm2"
    logprob_mode: Literal["processed", "raw"] = "processed"
    chat: bool = True
    batch: Annotated[int, Field(ge=1, le=256)] = 4
    context: Annotated[int, Field(ge=8)] = 2048
    threads: Positive | None = None


GeneratorSpec = ToySpec | EndpointSpec | LocalSpec | LlamaCppSpec


class SamplingSpec(Part):
    """How outputs are drawn; ``samples`` per prompt."""

    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Positive = 128
    top_logprobs: Annotated[int, Field(ge=0, le=100)] = 0
    stop: tuple[str, ...] = ()
    samples: Positive = 1
    logprobs: Literal["required", "wanted", "no"] = "wanted"

    def sampling(self) -> Sampling:
        """The parameters of one call."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            top_logprobs=self.top_logprobs,
            stop=self.stop,
            logprobs=self.logprobs != "no",
        )


Kind = Literal["few_shot", "paraphrase", "self_instruct", "persona", "attributes", "answer", "template"]


class StrategySpec(Part):
    """A way from anchors to prompts.

    ``template`` replaces the words of the kind; of the kind ``template`` it is the row itself, and no model is asked.
    """

    kind: Kind
    rows: Positive
    name: str = ""
    shots: Positive = 3
    template: str | None = None
    system: str | None = None
    personas: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    output: Literal["text", "pair", "json"] | None = None
    json_schema: dict[str, Any] | None = None
    repair: bool = True
    sampling: SamplingSpec | None = None

    @model_validator(mode="after")
    def _complete(self) -> StrategySpec:
        if self.kind == "attributes" and not self.attributes:
            raise ValueError("the kind attributes needs `attributes`, such as {topic: [food, travel]}")
        if any(not values for values in self.attributes.values()):
            raise ValueError("an attribute needs at least one value")
        if self.kind == "template" and self.template is None:
            raise ValueError("the kind template needs `template`")
        if (self.output == "json") != (self.json_schema is not None):
            raise ValueError("`output: json` requires `json_schema`, and vice versa")
        return self

    @property
    def title(self) -> str:
        """What rows say of how they were made."""
        return self.name or self.kind


class FormatStep(Part):
    """Keep what matches ``must`` and does not match ``must_not`` (regular expressions, searched)."""

    step: Literal["format"]
    must: str | None = None
    must_not: str | None = None
    field: str | None = None


class LengthStep(Part):
    """Keep what has so many words and characters."""

    step: Literal["length"]
    min_words: Annotated[int, Field(ge=0)] = 1
    max_words: Positive | None = None
    min_characters: Annotated[int, Field(ge=0)] = 1
    max_characters: Positive | None = None
    field: str | None = None


class FinishedStep(Part):
    """Drop what was cut at ``max_tokens``."""

    step: Literal["finished"]


class DedupStep(Part):
    """Drop repeats; ``near`` is the Jaccard similarity from which rows are repeats; ``anchors`` counts them in."""

    step: Literal["dedup"]
    near: Annotated[float, Field(gt=0, le=1)] | None = None
    anchors: bool = True


class LabelStep(Part):
    """Keep rows whose label is one of ``allowed`` (default: those of the anchors); ``leaks``: texts that spell it.

    ``teacher: drop`` drops rows whose label a classifier that learned the anchors doubts, more than it doubts all but
    the share ``doubt`` of the anchors it did not learn from.
    """

    step: Literal["label"]
    allowed: tuple[str, ...] = ()
    leaks: Literal["keep", "drop"] = "keep"
    teacher: Literal["keep", "drop"] = "keep"
    doubt: Annotated[float, Field(gt=0, le=0.5)] = 0.02


class RuleStep(Part):
    """Keep rows for which a sandboxed expression over their fields is true."""

    step: Literal["rule"]
    keep: str
    name: str = "rule"


class VerifyStep(Part):
    """Ask the generator about each row; keep it when the answer begins with ``accept``."""

    step: Literal["verify"]
    template: str
    accept: str = "yes"
    max_tokens: Positive = 8
    name: str = "verify"


class FunctionStep(Part):
    """A function of yours, ``module:function``: row in; True, or the reason to drop it."""

    step: Literal["function"]
    call: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]


Step = Annotated[
    FormatStep | LengthStep | FinishedStep | DedupStep | LabelStep | RuleStep | VerifyStep | FunctionStep,
    Field(discriminator="step"),
]


class EngineSpec(Part):
    """How many requests at once, how often again, when to stop."""

    concurrency: Annotated[int, Field(ge=1, le=1024)] = 32
    attempts: Annotated[int, Field(ge=1, le=50)] = 8
    backoff: Annotated[float, Field(gt=0)] = 0.5
    max_error_rate: Fraction = 0.2


class Recipe(Part):
    """A whole recipe."""

    generator: Annotated[GeneratorSpec, Field(discriminator="kind")]
    strategies: Annotated[tuple[StrategySpec, ...], Field(min_length=1)]
    sampling: SamplingSpec = SamplingSpec()
    curate: tuple[Step, ...] = (DedupStep(step="dedup"),)
    engine: EngineSpec = EngineSpec()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _distinct(self) -> Recipe:
        titles = [strategy.title for strategy in self.strategies]
        repeated = sorted({title for title in titles if titles.count(title) > 1})
        if repeated:
            raise ValueError(f"two strategies have the name {repeated[0]!r}; set a different `name` for each")
        return self

    def sampling_of(self, strategy: StrategySpec) -> SamplingSpec:
        """The sampling of a strategy: its own, else that of the recipe."""
        return strategy.sampling or self.sampling

    def planned(self) -> dict[str, Any]:
        """What decides which requests are made: two recipes that agree in this share their answers."""
        whole = self.model_dump(mode="json")
        generator = {
            key: value for key, value in whole["generator"].items() if key not in {"base_url", "key_env", "timeout"}
        }
        kept = ("strategies", "sampling", "seed")
        return {"generator": generator, **{key: whole[key] for key in kept}}

    def yaml(self) -> str:
        """The recipe with every default written out. It names the variable of the key, never the key."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def read_recipe(source: str | Path | dict[str, Any]) -> Recipe:
    """The recipe of a file, or of a mapping.

    Raises:
        InputError: it cannot be read, or a field is unknown, missing or wrong; it names the field.
    """
    name = "the recipe" if isinstance(source, dict) else str(source)
    content: object = source if isinstance(source, dict) else _yaml(Path(source))
    if not isinstance(content, dict):
        raise InputError(
            f"{name} is not a mapping",
            expected="a recipe with `generator` and `strategies`",
            todo="write both keys at the top level",
        )
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise _wrong(name, error) from error


def _yaml(path: Path) -> object:
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error})",
            expected="a recipe in YAML",
            todo="correct the path, or save the recipe as UTF-8",
        ) from error
    except yaml.YAMLError as error:
        raise InputError(
            f"{path} is not YAML ({' '.join(str(error).split())})",
            expected="a recipe in YAML",
            todo="correct this line",
        ) from error
    return content


_UNIONS = {"toy", "openai", "transformers", "llamacpp"} | {
    "format", "length", "finished", "dedup", "label", "rule", "verify", "function",
}  # fmt: skip


def _wrong(name: str, error: ValidationError) -> InputError:
    """The first problem, in words; where an unknown field stands, the known ones."""
    problem = error.errors()[0]
    place = [str(part) for part in problem["loc"] if str(part) not in _UNIONS]
    where = ".".join(place) or "the whole"
    if problem["type"] == "extra_forbidden":
        known = _fields(problem["loc"][:-1])
        return InputError(
            f"{name} has the unknown field `{where}`",
            expected=f"one of {', '.join(known)}" if known else "a field of the recipe format",
            todo="correct the name or remove the field",
        )
    message = problem["msg"].removeprefix("Value error, ")
    return InputError(f"{name}, `{where}`: {message}", expected="a valid recipe", todo="correct this field")


def _fields(place: tuple[int | str, ...]) -> list[str]:
    """The fields of the part at a place of the recipe."""
    parts: dict[str, type[BaseModel]] = {
        "toy": ToySpec, "openai": EndpointSpec, "transformers": LocalSpec, "llamacpp": LlamaCppSpec,
        "sampling": SamplingSpec, "strategies": StrategySpec, "engine": EngineSpec, "format": FormatStep,
        "length": LengthStep, "finished": FinishedStep, "dedup": DedupStep, "label": LabelStep, "rule": RuleStep,
        "verify": VerifyStep, "function": FunctionStep,
    }  # fmt: skip
    words = [str(part) for part in place if not isinstance(part, int)]
    part = Recipe if not words else parts.get(words[-1])
    return [] if part is None else sorted(part.model_fields)
