"""Servers of embeddings, from their documentation: what each takes, how it refuses, what its answers look like.

The vectors are sums of a random vector per word. ``source`` names the server that is imitated; its pages
were not opened when this was written. Only the behavior of llama.cpp was seen (`pipeline/test_real_servers.py`).
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


KINDS = {
    "openai": Kind("OpenAI, API reference, embeddings", _openai),
    "vllm": Kind("vLLM, pooling models", _openai),
    "llama.cpp": Kind("llama.cpp, its server in embedding mode", _llamacpp),
    "tei": Kind("Text Embeddings Inference", _tei),
    "ollama": Kind("Ollama, OpenAI compatibility"),
    "without index": Kind("llama.cpp, older answers", ordered=True),
    "base64": Kind("OpenAI, API reference, embeddings", coded=True),
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
        no = self.kind.refuses(asked["input"])
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
