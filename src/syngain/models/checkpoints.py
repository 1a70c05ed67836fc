"""Causal language models on disk: found, converted from GGUF, loaded silently.

Takes a catalog name, a folder, a GGUF file or a hub name, and returns a tokenizer and a network. Contains no training
code. torch and transformers are imported only when a model is loaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import re
import shutil
import tempfile
import warnings
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from syngain.core.errors import InputError, UnfinishedError
from syngain.core.folders.home import models_folder
from syngain.core.optional import require
from syngain.core.progress import Progress, silent
from syngain.models.catalog import locate, megabytes

if TYPE_CHECKING:
    from collections.abc import Iterator

Library: TypeAlias = Any
Network: TypeAlias = Library
Optimizer: TypeAlias = Library
Tensor: TypeAlias = Library
Tokenizer: TypeAlias = Library
"""Modules and objects of torch and related packages, which are optional and untyped here."""

EXTRA = "local"
NO_MEMORY = re.compile(r"out of memory|can't allocate|cannot allocate|not enough memory|bad_alloc", re.IGNORECASE)
CONVERSION = 2  # version of the content of a converted folder, so that older ones are not used
SPECIAL = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
HEAD = 1 << 20  # bytes of a GGUF file that name its conversion: the metadata and the first weights


def load(model: str, *, width: int = 4, progress: Progress = silent) -> tuple[Tokenizer, Network]:
    """Load tokenizer and network of a causal language model.

    The weights are float32 or as stored.

    Args:
        model: a name of the catalog (``smollm2``), a folder, a GGUF file, or a hub name.
        width: bytes of a weight as it will be used.
        progress: called when a GGUF file is converted, which happens once.

    Raises:
        MissingDependencyError: when transformers or the catalog model is not here.
        InputError: when it is not a causal language model, or there is not enough memory for it.
        UnfinishedError: when a hub name is neither in the local cache nor can be fetched, or memory ran out.
    """
    place = locate(model)
    transformers = require("transformers", extra=EXTRA, purpose=f"the language model {model}")
    with hushed(transformers):
        gguf = _gguf(Path(place))
        if gguf is not None:
            place = str(converted(transformers, gguf, model, progress))
        _check_memory(model, Path(place), width)
        return _loaded(transformers, model, place)


def converted(transformers: Library, gguf: Path, model: str, progress: Progress = silent) -> Path:
    """The safetensors folder of a GGUF file, made at the first call.

    It is kept with the models. It is written to a temporary folder and renamed, so it is always complete. Deleting it
    costs one more conversion.
    """
    target = models_folder() / f"{gguf.stem.lower()}-{head_digest(gguf)}-{CONVERSION}"
    if (target / "config.json").is_file():
        return target
    require("gguf", extra=EXTRA, purpose=f"reading {gguf.name}")
    progress(f"converting {gguf.name}, once", 0.0)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        _convert(transformers, gguf, model, fresh)
        try:
            fresh.rename(target)
        except OSError:
            if not (target / "config.json").is_file():  # else another process was faster, and its folder is used
                raise
    except OSError as error:
        raise UnfinishedError(
            f"{gguf.name} could not be converted into {target.parent} ({error.strerror or error})",
            expected="a writable folder with space for the weights in float32",
            todo="free disk space, or name another folder with SYNGAIN_HOME; no partial file remains",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def gguf_file(model: str) -> Path:
    """The GGUF file of a catalog name, a file or a folder with nothing else to load.

    Raises:
        MissingDependencyError: when the catalog model is not here.
        InputError: when there is no GGUF file. UsageError: when the path does not exist.
    """
    place = Path(locate(model))
    files = sorted(place.glob("*.gguf")) if place.is_dir() else [place]
    if len(files) == 1 and files[0].is_file() and _magic(files[0]) == b"GGUF":
        return files[0]
    what = f"{len(files)} GGUF files" if place.is_dir() else "no GGUF file on this machine"
    raise InputError(
        f"{model} is {what}" if not place.is_dir() else f"{model} contains {what}",
        expected="one GGUF file, or smollm2",
        todo="name the file itself; for other weights take `kind: transformers`",
    )


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def identity(network: Network) -> str:
    """Fingerprint from a few thousand weights of every tensor, in under a second."""
    digest = hashlib.sha256()
    for name, weight in sorted(network.named_parameters()):
        flat = weight.detach().reshape(-1)
        few = flat[:: max(flat.numel() // 2048, 1)].float().cpu().numpy()
        digest.update(f"{name} {tuple(weight.shape)} {weight.dtype}".encode())
        digest.update(few.tobytes())
    return digest.hexdigest()[:16]


def available_memory() -> int | None:
    """Available memory in bytes on Linux; None elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return None if found is None else int(found) * 1024


@contextmanager
def hushed(transformers: Library) -> Iterator[None]:
    """Silence the libraries' progress bars and messages; restore settings afterwards."""
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
        hub.setLevel(level)
        if bars:
            talk.enable_progress_bar()


def reason(error: BaseException) -> str:
    """First line of a library's error message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


def _gguf(place: Path) -> Path | None:
    """The GGUF file of a folder with nothing else to load."""
    if place.is_file() and place.suffix.lower() == ".gguf":
        return place
    if place.is_dir() and not (place / "config.json").is_file():
        files = sorted(place.glob("*.gguf"))
        return files[0] if len(files) == 1 else None
    return None


def head_digest(path: Path) -> str:
    """Digest of the metadata, first weights and size of a GGUF file."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return hashlib.sha256(head + path.stat().st_size.to_bytes(8, "little")).hexdigest()[:12]


def _convert(transformers: Library, gguf: Path, model: str, folder: Path) -> None:
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    try:
        with redirect_stderr(io.StringIO()):  # the progress bar of the GGUF reader has no setting
            tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
            name_special_tokens(tokenizer, gguf)
            network = transformers.AutoModelForCausalLM.from_pretrained(**where)
    except (ValueError, KeyError, RuntimeError, ImportError, NotImplementedError) as error:
        raise _no_model(model, reason(error)) from error
    if hasattr(network.config, "quantization_config"):
        del network.config.quantization_config  # the weights are plain now, and saving must not look for a quantizer
    network.hf_quantizer, network.is_quantized = None, False
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def name_special_tokens(tokenizer: Tokenizer, gguf: Path) -> None:
    """Set the tokenizer's special tokens from a GGUF file.

    Some versions of transformers exchange start and end. With a wrong end token, every response ends in a token that is
    never generated: .10 nats per token of SmolLM2 on 252 responses.
    """
    fields = require("gguf", extra=EXTRA, purpose=f"reading {gguf.name}").GGUFReader(gguf).fields
    words = fields.get("tokenizer.ggml.tokens")
    for name, key in SPECIAL.items():
        number = fields.get(f"tokenizer.ggml.{key}_token_id")
        if words is not None and number is not None and (token := int(number.parts[-1][0])) < len(words.data):
            setattr(tokenizer, name, bytes(words.parts[words.data[token]]).decode("utf-8"))


def _check_memory(model: str, place: Path, width: int) -> None:
    """Refuse a model that does not fit into memory, before loading it."""
    free = available_memory()
    if free is None or not place.is_dir():
        return
    weights = sum(_weights(path) for path in place.glob("*.safetensors"))
    needed = width * weights or sum(path.stat().st_size for path in place.glob("*.bin"))
    if needed > free:
        raise InputError(
            f"{model} needs {megabytes(needed)} of memory for its weights and {megabytes(free)} are free",
            expected="a model that fits into memory",
            todo="name a smaller model, use dtype bf16, or free some memory",
        )


def _weights(path: Path) -> int:
    """Number of weights of a safetensors file.

    From its header: the length in eight bytes, then JSON.
    """
    with path.open("rb") as file:
        try:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except ValueError:
            return 0  # damaged; loading it raises the error
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def _loaded(transformers: Library, model: str, place: str) -> tuple[Tokenizer, Network]:
    """Load from disk or the local cache without network, else from the hub."""
    broken = (ValueError, KeyError, ImportError, RuntimeError, _safetensor_error())
    local = Path(place).exists()
    if local and not (Path(place) / "config.json").is_file():
        raise _no_model(model, "config.json is missing")
    try:
        return _from(transformers, model, place, offline=True)
    except (MemoryError, OSError, *broken) as error:
        if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
            raise UnfinishedError(
                f"not enough memory to load {model} ({reason(error)})",
                expected="memory for its weights",
                todo="free some memory, or name a smaller model",
            ) from error
        if local:
            raise _no_model(model, reason(error)) from error
    try:
        transformers.AutoConfig.from_pretrained(place)  # one request notices a missing network
        return _from(transformers, model, place, offline=False)
    except OSError as error:
        raise UnfinishedError(
            f"the model {model} is not on this machine and could not be fetched from the hub ({reason(error)})",
            expected="a local folder, a hub name in the local cache, or a reachable hub with this model",
            todo="correct the name or try again with a network; smollm2 needs no hub (`syngain models add smollm2`)",
        ) from error
    except broken as error:
        raise _no_model(model, reason(error)) from error


def _from(transformers: Library, model: str, place: str, *, offline: bool) -> tuple[Tokenizer, Network]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers|huggingface_hub")
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, local_files_only=offline)
        network, info = transformers.AutoModelForCausalLM.from_pretrained(
            place, local_files_only=offline, output_loading_info=True
        )
    absent = sorted(info["missing_keys"])
    if absent:  # transformers initializes them at random without an error
        raise _no_model(model, f"it has no weights for {absent[0]} ({len(absent)} are missing)")
    if len(tokenizer) > network.config.vocab_size or len(tokenizer) < 3:
        counts = f"its tokenizer has {len(tokenizer)} tokens and its network {network.config.vocab_size}"
        raise _no_model(model, counts)
    return tokenizer, network


def _safetensor_error() -> type[Exception]:
    error: type[Exception] = require("safetensors", extra=EXTRA, purpose="a language model").SafetensorError
    return error


def _no_model(model: str, why: str) -> InputError:
    return InputError(
        f"{model} cannot be used as a causal language model: {why}",
        expected="a model with config.json, a tokenizer and all weights, or one GGUF file",
        todo="name another folder or hub name, or smollm2 (`syngain models add smollm2` fetches or repairs it)",
    )
