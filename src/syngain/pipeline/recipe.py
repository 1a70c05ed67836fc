"""The recipe: a YAML file with generator, strategies, amounts and curation.

Pydantic validates it. An unknown field is an error that names the known ones. This module sends no requests.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  (pydantic reads it)
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from syngain.core.documents.yaml_documents import yaml_value
from syngain.core.errors import InputError, UsageError
from syngain.generators.protocol import Mode, Sampling
from syngain.generators.servers.dialect import dialect_of
from syngain.pipeline.recipe_errors import wrong

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
MOST_ROWS = 10_000_000  # of a recipe: each is planned as a request of about 1 kB in the store
KEY_NAMES = {"anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}


class Part(BaseModel):
    """A part of a recipe: immutable, without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, given: Any) -> Any:  # noqa: ANN401  (what a file holds)
        """True and false of YAML are no numbers."""
        for name, value in given.items() if isinstance(given, dict) else ():
            if (
                isinstance(value, bool)
                and name in cls.model_fields
                and not _takes_bool(cls.model_fields[name].annotation)
            ):
                raise ValueError(f"`{name}` is {str(value).lower()}; write a number, or a text in quotes")
        return given


def _takes_bool(kind: object) -> bool:
    """Whether a field may be true or false."""
    return kind in {bool, Any} or any(map(_takes_bool, get_args(kind)))


class ToySpec(Part):
    """The exact toy generator, fitted on the real rows or on the file ``learned``."""

    kind: Literal["toy"]
    backoff: Annotated[float, Field(ge=0)] = 0.2
    max_words: Annotated[int, Field(ge=1, le=4096)] = 256
    learned: str | None = None


class PriceSpec(Part):
    """US dollars per million tokens, and the date of the price list; reasoning counts as completion."""

    prompt: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    completion: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    date: dt.date


class EndpointSpec(Part):
    """A server: OpenAI-compatible, Anthropic's or Google's.

    ``base_url`` defaults to the variable OPENAI_BASE_URL, or to the address of Anthropic or Google. ``omit`` and
    ``rename`` change parameters of requests, ``extra_body`` (formerly ``extra``) adds fields, ``headers`` headers.
    """

    kind: Literal["openai", "anthropic", "gemini"]
    model: str
    base_url: str | None = None
    key_env: str = ""
    api: Literal["chat", "completions"] = "chat"
    timeout: Annotated[float, Field(gt=0)] = 120.0
    logprob_mode: Mode | Literal["auto"] = "auto"
    extra_body: dict[str, Any] = Field(default_factory=dict)
    prices: PriceSpec | None = None
    omit: tuple[str, ...] = ()
    rename: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    keep_reasoning: Literal["field", "think", "no"] = "field"

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:  # noqa: ANN401  (what a file holds)
        """The former name of ``extra_body``, and the key's variable of each kind."""
        if not isinstance(given, dict):
            return given
        named = {"extra_body" if name == "extra" else name: value for name, value in given.items()}
        if "extra" in given and "extra_body" in given:
            raise ValueError("`extra` is the former name of `extra_body`; write one of them")
        return {"key_env": KEY_NAMES.get(str(given.get("kind")), "OPENAI_API_KEY"), **named}

    @model_validator(mode="after")
    def _wordable(self) -> EndpointSpec:
        if self.kind != "openai" and self.api != "chat":
            raise ValueError(f"`api: {self.api}` is for `kind: openai`")
        try:
            dialect_of(self.rename, self.omit)
        except UsageError as error:
            raise ValueError(error.came) from error
        return self


class LocalSpec(Part):
    """A causal language model in this process.

    A catalog name, a folder, a GGUF file or a hub name.
    """

    kind: Literal["transformers"]
    model: str = "smollm2"
    dtype: Literal["auto", "float32", "bf16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    chat: bool = True
    batch: Positive = 16


class LlamaCppSpec(Part):
    """A GGUF file run by llama.cpp in this process.

    A catalog name, a file, or a folder with one. ``context`` is the maximum of tokens of prompt and output together;
    ``threads`` defaults to all cores.
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
    """Sampling parameters; ``samples`` per prompt."""

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
    """A method to generate prompts from real rows.

    ``template`` replaces the built-in text of the kind. For the kind ``template`` it is the row itself, without a
    model.
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
        """The strategy's name in rows."""
        return self.name or self.kind


class FormatStep(Part):
    """Keep rows that match ``must`` and not ``must_not``.

    Both are regular expressions (searched).
    """

    step: Literal["format"]
    must: str | None = None
    must_not: str | None = None
    field: str | None = None


class LengthStep(Part):
    """Keep rows within limits of words and characters."""

    step: Literal["length"]
    min_words: Annotated[int, Field(ge=0)] = 1
    max_words: Positive | None = None
    min_characters: Annotated[int, Field(ge=0)] = 1
    max_characters: Positive | None = None
    field: str | None = None


class FinishedStep(Part):
    """Drop rows that were cut at ``max_tokens``."""

    step: Literal["finished"]


class DedupStep(Part):
    """Drop duplicates above the Jaccard threshold ``near``.

    ``anchors`` includes the real rows.
    """

    step: Literal["dedup"]
    near: Annotated[float, Field(gt=0, le=1)] | None = None
    anchors: bool = True


class LabelStep(Part):
    """Keep rows whose label is in ``allowed`` (default: labels of the real rows).

    ``leaks``: drop texts that contain their label. ``teacher: drop`` drops rows whose label is improbable to a
    classifier trained on real rows: below the quantile ``doubt`` of held-out real labels.
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
    """Ask the generator about each row; keep answers beginning with ``accept``."""

    step: Literal["verify"]
    template: str
    accept: str = "yes"
    max_tokens: Positive = 8
    name: str = "verify"


class FunctionStep(Part):
    """A Python function ``module:function`` of a row: True, or the reason to drop it."""

    step: Literal["function"]
    call: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]


Step = Annotated[
    FormatStep | LengthStep | FinishedStep | DedupStep | LabelStep | RuleStep | VerifyStep | FunctionStep,
    Field(discriminator="step"),
]


class EngineSpec(Part):
    """Concurrency, retries, and when to stop."""

    concurrency: Annotated[int, Field(ge=1, le=1024)] = 32
    attempts: Annotated[int, Field(ge=1, le=50)] = 8
    backoff: Annotated[float, Field(gt=0)] = 0.5
    max_error_rate: Fraction = 0.2


class Recipe(Part):
    """A complete recipe."""

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
        rows = sum(strategy.rows for strategy in self.strategies)
        if rows > MOST_ROWS:
            raise ValueError(f"{rows:,} rows are more than one run plans ({MOST_ROWS:,}); use several runs and seeds")
        return self

    def sampling_of(self, strategy: StrategySpec) -> SamplingSpec:
        """The sampling of a strategy: its own, else that of the recipe."""
        return strategy.sampling or self.sampling

    def planned(self) -> dict[str, Any]:
        """The settings that determine the requests; equal ones give the same answers."""
        whole = self.model_dump(mode="json")
        later = {"omit", "rename"}  # left out where empty: stores of earlier versions are resumed
        generator = {
            "extra" if key == "extra_body" else key: value
            for key, value in whole["generator"].items()
            if key not in {"base_url", "key_env", "timeout", "prices", "headers", "keep_reasoning"}
            and (value or key not in later)
        }
        kept = ("strategies", "sampling", "seed")
        return {"generator": generator, **{key: whole[key] for key in kept}}

    def yaml(self) -> str:
        """The recipe with all defaults, and the name of the key's variable, not the key."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def read_recipe(source: str | Path | dict[str, Any]) -> Recipe:
    """Read the recipe of a file or of a mapping.

    Raises:
        InputError: it cannot be read, or a field is unknown, missing or wrong; the error names the field.
    """
    if not isinstance(source, (str, Path, dict)):
        raise InputError(
            f"a recipe of type {type(source).__name__}",
            expected="a YAML file, or the mapping in it",
            todo="pass the path of a recipe",
        )
    name = "the recipe" if isinstance(source, dict) else str(source)
    content: object = source if isinstance(source, dict) else recipe_content(Path(source))
    if not isinstance(content, dict):
        raise InputError(
            f"{name} is not a mapping",
            expected="a recipe with `generator` and `strategies`",
            todo="write both keys at the top level",
        )
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise wrong(name, error, {"": Recipe, **_PARTS}) from error


def recipe_content(path: Path) -> object:
    """The content of a YAML file."""
    try:
        content: object = yaml_value(path.read_text(encoding="utf-8"))
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


_PARTS: dict[str, type[BaseModel]] = {
    "toy": ToySpec, "openai": EndpointSpec, "anthropic": EndpointSpec, "gemini": EndpointSpec,
    "transformers": LocalSpec, "llamacpp": LlamaCppSpec, "prices": PriceSpec,
    "sampling": SamplingSpec, "strategies": StrategySpec, "engine": EngineSpec, "format": FormatStep,
    "length": LengthStep, "finished": FinishedStep, "dedup": DedupStep, "label": LabelStep, "rule": RuleStep,
    "verify": VerifyStep, "function": FunctionStep,
}  # fmt: skip
