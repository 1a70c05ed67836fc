"""Sentence encoders: mean of a transformer's last states, at unit length.

Runs any encoder that transformers can load (a catalog model, a local folder, a hub name), on the CPU,
deterministically. torch and transformers are imported when the first row is encoded.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from syngain.core.documents.warned import literal, tally
from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.core.optional import require
from syngain.core.threads import one_thread_each, side_by_side
from syngain.data.blocks import row_values
from syngain.data.text.hashed_ngrams import batches
from syngain.data.text.texts import Texts
from syngain.models.catalog import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Floats


@dataclass(frozen=True, slots=True)
class SentenceEncoder:
    """Pretrained sentence encoder with mean pooling [reimers2019].

    Nothing is fitted to the rows.

    Attributes:
        model: a name of the catalog, a local folder or a hub name. batch: rows per pass.
        max_tokens: maximum tokens per row (fewer if the model's limit is lower); a warning counts the truncated rows.
    """

    model: str = "minilm"
    batch: int = 64
    max_tokens: int = 256

    def __post_init__(self) -> None:
        for name, value, least in (("batch", self.batch, 1), ("max_tokens", self.max_tokens, 8)):
            if value < least:
                raise UsageError(f"{name} = {value}", expected=f"at least {least}", todo=f"pass {name}={least} or more")

    def check(self) -> None:
        """Find the model without loading its weights: a missing one is an error before the rows are read.

        Raises:
            MissingDependencyError: when torch, transformers or the catalog model is not installed.
            InputError: when the folder has no configuration.
            UnfinishedError: when a hub name is neither in the local cache nor can be fetched.
        """
        place = locate(self.model)
        transformers = require("transformers", extra="encoder", purpose=f"the encoder {self.model}")
        if Path(place).exists():
            _check_folder(self.model, place)
            return
        with _hushed(transformers):
            try:
                transformers.AutoConfig.from_pretrained(place, local_files_only=True)
            except (OSError, ValueError):
                _fetched(transformers, self.model, place)

    def fit(self, texts: Sequence[str], rng: np.random.Generator) -> FittedSentences:  # noqa: ARG002  (the protocol's)
        """Load the model.

        Raises:
            MissingDependencyError: when torch, transformers or the catalog model is not installed.
            InputError: when the folder or hub name is not a sentence encoder.
            UnfinishedError: when a hub name is neither in the local cache nor can be fetched.
        """
        place = locate(self.model)
        torch, transformers = (
            require(name, extra="encoder", purpose=f"the encoder {self.model}") for name in ("torch", "transformers")
        )
        with _hushed(transformers):
            tokenizer, network = _loaded(transformers, self.model, place)
        limits = (
            self.max_tokens,
            tokenizer.model_max_length,
            getattr(network.config, "max_position_embeddings", None) or self.max_tokens,
        )
        return FittedSentences(self, tokenizer, network.to(torch.float32).eval(), int(min(limits)))


@dataclass(frozen=True, slots=True)
class FittedSentences:
    """The loaded encoder; rows are truncated to ``length`` tokens."""

    encoder: SentenceEncoder
    tokenizer: Any
    network: Any
    length: int

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Embeddings of unit length (n, d), in row order; zero for a row without a token.

        Equal rows are computed once, so their embeddings are bit-identical. Other rows do not influence an embedding,
        up to float32 rounding (padding changes the shapes of the matrix products).
        """
        return Texts.of(texts).feature(self.encoder, self._in_blocks)

    def _in_blocks(self, texts: Sequence[str]) -> Floats:
        found = row_values(lambda part: self._encoded(texts[part]), len(texts), np.float64)
        return found if len(texts) else np.zeros((0, int(self.network.config.hidden_size)))

    def _encoded(self, texts: Sequence[str]) -> Floats:
        position = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        rows = np.array([position[text] for text in texts], dtype=np.intp)
        return self._unique(list(position))[rows]

    def _unique(self, texts: list[str]) -> Floats:
        tokens = self._tokens(texts)
        lengths = np.array([len(row) for row in tokens], dtype=np.intp)
        order = np.argsort(-lengths, kind="stable")  # rows of like length share a batch; the largest batch first
        out: Floats = np.zeros((len(texts), int(self.network.config.hidden_size)))
        order = order[lengths[order] > 0]
        parts = [order[part] for part in batches(order.size, self.encoder.batch)]
        torch = require("torch", extra="encoder", purpose="a sentence encoder")
        sizes = [part.size * int(lengths[part[0]]) for part in parts]
        with one_thread_each(torch):
            means = side_by_side(torch, lambda part: self._pooled([tokens[i] for i in part]), parts, sizes)
            for part, mean in zip(parts, means, strict=True):
                out[part] = mean
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, norms, out=out, where=norms > 0)
        return out

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        clean = [text.encode("utf-8", "replace").decode() for text in texts]  # a lone surrogate has no token
        encoded = self.tokenizer(clean, truncation=True, max_length=self.length, padding=False)["input_ids"]
        full = sum(len(row) >= self.length for row in encoded)
        limit = f"the limit of {self.length} tokens of {literal(self.encoder.model)}"
        tally(f"{{:,}} of {{:,}} rows reach {limit}; later tokens are ignored", full, len(texts))
        return list(encoded)

    def _pooled(self, tokens: list[list[int]]) -> Floats:
        """Mean of the last states over the tokens of each row, without padding (rows, d)."""
        torch = require("torch", extra="encoder", purpose="a sentence encoder")
        shape = (len(tokens), max(len(row) for row in tokens))
        ids = np.full(shape, self.tokenizer.pad_token_id or 0, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for i, row in enumerate(tokens):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        with torch.inference_mode():
            states = self.network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        weights = mask[:, :, None] / mask.sum(axis=1)[:, None, None]
        mean: Floats = (states.last_hidden_state.numpy().astype(np.float64) * weights).sum(axis=1)
        return mean


def _loaded(transformers: Any, name: str, place: str) -> tuple[Any, Any]:  # noqa: ANN401  (untyped library)
    """Load tokenizer and network from disk or the local cache, else from the hub."""
    broken = (ValueError, KeyError, ImportError, RuntimeError, _safetensor_error())
    local = Path(place).exists()
    if local:
        _check_folder(name, place)
    try:
        return _from(transformers, name, place, offline=True)
    except (OSError, *broken) as error:
        if local:
            raise _no_encoder(name, _reason(error)) from error
    _fetched(transformers, name, place)
    try:
        return _from(transformers, name, place, offline=False)
    except OSError as error:
        raise _unreachable(name, error) from error
    except broken as error:
        raise _no_encoder(name, _reason(error)) from error


def _check_folder(name: str, place: str) -> None:
    if not (Path(place) / "config.json").is_file():
        raise _no_encoder(name, "config.json is missing")


def _fetched(transformers: Any, name: str, place: str) -> None:  # noqa: ANN401
    """Fetch the configuration: one request, so that a missing network is noticed once, not three times."""
    try:
        transformers.AutoConfig.from_pretrained(place)
    except OSError as error:
        raise _unreachable(name, error) from error
    except (ValueError, KeyError, ImportError, RuntimeError) as error:
        raise _no_encoder(name, _reason(error)) from error


def _unreachable(name: str, error: OSError) -> UnfinishedError:
    return UnfinishedError(
        f"the model {name} is not on this machine and could not be fetched from the hub ({_reason(error)})",
        expected="a local folder, a hub name in the local cache, or a reachable hub with this model",
        todo="correct the name or try again with a network; `--encoder minilm` needs no hub "
        "(`syngain models add minilm`)",
    )


def _safetensor_error() -> type[Exception]:
    error: type[Exception] = require("safetensors", extra="encoder", purpose="a sentence encoder").SafetensorError
    return error


def _from(transformers: Any, name: str, place: str, *, offline: bool) -> tuple[Any, Any]:  # noqa: ANN401
    tokenizer = transformers.AutoTokenizer.from_pretrained(place, local_files_only=offline)
    network, info = transformers.AutoModel.from_pretrained(place, local_files_only=offline, output_loading_info=True)
    absent = sorted(key for key in info["missing_keys"] if not key.startswith("pooler."))
    config, known = network.config, len(tokenizer)
    if absent:  # transformers initializes them at random without an error
        raise _no_encoder(name, f"it has no weights for {absent[0]} ({len(absent)} are missing)")
    if config.is_encoder_decoder or not hasattr(config, "hidden_size"):
        raise _no_encoder(name, f"it is a {config.model_type} model, not an encoder of text")
    if not config.vocab_size / 2 < known <= config.vocab_size:  # without its files transformers makes an empty one
        raise _no_encoder(name, f"its tokenizer has {known} tokens and its network {config.vocab_size}")
    return tokenizer, network


def _no_encoder(name: str, reason: str) -> InputError:
    return InputError(
        f"{name} cannot be used as a sentence encoder: {reason}",
        expected="a model with config.json, a tokenizer and all weights of an encoder",
        todo="name another folder or hub name, or minilm (`syngain models add minilm` fetches or repairs it)",
    )


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


@contextmanager
def _hushed(transformers: Any) -> Iterator[None]:  # noqa: ANN401
    """Silence the libraries' bars and retry messages; restore settings afterwards."""
    talk = transformers.utils.logging
    hub = logging.getLogger("huggingface_hub")
    verbosity, bars, level = talk.get_verbosity(), talk.is_progress_bar_enabled(), hub.level
    talk.set_verbosity_error()
    talk.disable_progress_bar()
    hub.setLevel(logging.ERROR)
    try:
        yield
    finally:
        talk.set_verbosity(verbosity)
        if bars:
            talk.enable_progress_bar()
        hub.setLevel(level)
