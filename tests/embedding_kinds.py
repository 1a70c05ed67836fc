"""Servers of embeddings, from their documentation: what each takes, how it refuses, what its answers look like.

The vectors are sums of a random vector per word. ``source`` is the page or the thread that shows the behavior; that of
llama.cpp was also seen on its server (`pipeline/test_real_servers.py`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

WIDTH = 24
KEY = "sk-embeddings-1234567890"


@dataclass(frozen=True)
class Kind:
    source: str
    refuses: object = lambda texts: None  # (texts) -> (status, JSON) or None
    coded: bool = False  # base64 of float32
    ordered: bool = False  # without `index`
    zeros: int = 0  # words beyond which an embedding is all zeros
    bodies: object = lambda body: None  # (body) -> (status, JSON) or None


def _openai(texts):
    if any(not text for text in texts):
        return 400, {"error": {"message": "'$.input' is invalid. Please check the API reference.", "code": None}}
    if len(texts) > 2048 or any(len(text.split()) > 8192 for text in texts):
        said = "This model's maximum context length is 8192 tokens, however you requested 9000 tokens"
        return 400, {"error": {"message": said, "type": "invalid_request_error"}}
    return None


def _llamacpp(texts):
    if any(len(text.split()) > 512 for text in texts):
        said = "input is too large to process. increase the physical batch size"
        return 500, {"error": {"code": 500, "message": said, "type": "server_error"}}
    return None


def _tei(texts):
    if len(texts) > 32:
        return 413, {"error": f"batch size {len(texts)} > maximum allowed batch size 32", "error_type": "Validation"}
    if any(len(text.split()) > 256 for text in texts):
        return 413, {"error": "Input validation error: `inputs` must have less than 256 tokens. Given: 300"}
    return None


def _vllm(texts):
    longest = max(len(text.split()) for text in texts)
    if longest > 512:
        said = (
            f"This model's maximum context length is 512 tokens. However, you requested {longest} tokens in the input "
        )
        said += "for embedding generation. Please reduce the length of the input."
        return 400, {"object": "error", "message": said, "type": "BadRequestError", "param": None, "code": 400}
    return None


def _ollama(texts):
    if any(len(text.split()) > 512 for text in texts):
        return 400, {"error": {"message": "input length exceeds maximum context length", "type": "api_error"}}
    return None


def _no_format(body):
    if "encoding_format" in body:
        said = f"gemini does not support parameters: {{'encoding_format': '{body['encoding_format']}'}}"
        return 400, {"error": {"message": f"litellm.UnsupportedParamsError: {said}", "code": "400"}}
    return None


def _needs_format(*allowed):
    def refused(body):
        given = body.get("encoding_format")
        if given not in allowed:
            said = f"body -> encoding_format: Input should be {' or '.join(map(repr, allowed))}"
            return 422, {"error": {"message": said, "type": "invalid_request_error", "param": "encoding_format"}}
        return None

    return refused


_THREAD = "https://github.com/{}"
KINDS = {
    "openai": Kind("https://developers.openai.com/api/reference/go/resources/embeddings", _openai),
    "vllm": Kind(_THREAD.format("vllm-project/vllm/issues/19798"), _vllm),
    "llama.cpp": Kind(f"{_THREAD.format('gpustack/gpustack/issues/472')}, and seen on its server", _llamacpp),
    "tei": Kind(
        "https://huggingface.co/BAAI/bge-base-en-v1.5/discussions/8 (413), "
        + _THREAD.format("Helweg/opencode-codebase-index/issues/39 (batch)"),
        _tei,
    ),
    "ollama": Kind(_THREAD.format("n8n-io/n8n/issues/11144"), _ollama),
    "ollama, zeros": Kind("https://huggingface.co/Snowflake/snowflake-arctic-embed-l/discussions/14", zeros=512),
    "litellm, gemini": Kind(_THREAD.format("vectorize-io/hindsight/issues/925"), bodies=_no_format),
    "litellm, bge": Kind(_THREAD.format("vectorize-io/hindsight/issues/1154"), bodies=_needs_format("float", "base64")),
    "voyage": Kind(_THREAD.format("vectorize-io/hindsight/issues/925"), bodies=_needs_format(None, "base64")),
    "base64 alone": Kind("none: stricter than Voyage's", bodies=_needs_format("base64"), coded=True),
    "without index": Kind("llama.cpp, older answers", ordered=True),
    "base64": Kind("https://developers.openai.com/api/reference/go/resources/embeddings", coded=True),
}


def truth(text):
    """The vector of a text, before it is scaled."""
    out = np.zeros(WIDTH)
    for word in text.split():
        seed = np.frombuffer(hashlib.sha256(word.lower().encode()).digest(), dtype=np.uint32)
        out += np.random.default_rng(seed).standard_normal(WIDTH)
    return out


def embedded(texts, kind=None):
    """The answer to a request, its items in another order than the texts."""
    items = [{"object": "embedding", "index": i, "embedding": truth(text).tolist()} for i, text in enumerate(texts)]
    for item, text in zip(items, texts, strict=True):
        if kind and kind.zeros and len(text.split()) > kind.zeros:
            item["embedding"] = [0.0] * WIDTH
    for item in items:
        if kind and kind.coded:
            item["embedding"] = base64.b64encode(np.asarray(item["embedding"], dtype="<f4").tobytes()).decode()
        if kind and kind.ordered:
            del item["index"]
    data = items if kind and kind.ordered else items[::-1]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 7, "total_tokens": 7}}


@dataclass
class EmbeddingKindServer:
    """A server of one kind. ``faults``: answers of the first requests, each (status, body or JSON, headers)."""

    kind: Kind = field(default_factory=lambda: KINDS["openai"])
    faults: list = field(default_factory=list)
    key: str = ""
    model: str = "m"
    texts: list = field(default_factory=list)
    bodies: list = field(default_factory=list)
    headers: list = field(default_factory=list)

    def __enter__(self):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_port}/v1"

    def answer(self, path, headers, body):
        self.headers.append(headers)
        if self.faults:
            return self.faults.pop(0)
        if path != "/v1/embeddings":
            return 404, {"error": {"message": f"no route {path}"}}
        if self.key and headers.get("authorization") != f"Bearer {self.key}":
            said = f"Incorrect API key provided: {headers.get('authorization')}"
            return 401, {"error": {"message": said, "code": "invalid_api_key"}}
        asked = json.loads(body)
        self.bodies.append(asked)
        if asked["model"] != self.model:
            return 404, {
                "error": {"message": f"The model `{asked['model']}` does not exist", "code": "model_not_found"}
            }
        no = self.kind.bodies(asked) or self.kind.refuses(asked["input"])
        if no is not None:
            return no
        self.texts += asked["input"]
        return 200, embedded(asked["input"], self.kind)

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                status, content, *more = server.answer(self.path, names, body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler


def bomb():
    """A small body that unpacks to 64 MiB."""
    return 200, gzip.compress(b" " * (64 << 20)), {"content-encoding": "gzip"}
