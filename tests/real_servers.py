"""Real servers on this machine: llama.cpp's (in `xllamacpp`), and `transformers serve`.

Both answer with SmolLM2; each is a context manager that gives an address.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from importlib.util import find_spec

import httpx

TRANSFORMERS = os.environ.get("SYNGAIN_TRANSFORMERS_SERVE", "")  # a command, where it has an environment of its own


def why_no_transformers():
    """Why `transformers serve` cannot be started; empty where it can."""
    if TRANSFORMERS or (shutil.which("transformers") and all(map(find_spec, ("fastapi", "uvicorn", "openai")))):
        return ""
    return "transformers serve needs pip install 'transformers[serving]', or a command in SYNGAIN_TRANSFORMERS_SERVE"


@contextlib.contextmanager
def llamacpp(gguf, *, embeddings=False):
    """llama.cpp's own HTTP server with four slots."""
    import xllamacpp

    from syngain.generators import llamacpp_wire

    given = llamacpp_wire.settings(xllamacpp, str(gguf), batch=4, context=512, threads=1)
    given.api_keys = []
    if embeddings:
        given.embedding = True
        given.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(given)
    yield f"{server.listening_address}/v1"
    del server


@contextlib.contextmanager
def transformers(folder):
    """`transformers serve` as a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*(TRANSFORMERS.split() or ["transformers", "serve"]), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    try:
        yield _started(process, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


def _started(process, address, patience=180):
    """The address once it answers."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/v1/models", timeout=10).status_code == httpx.codes.OK:
                return f"{address}/v1"
        time.sleep(0.3)
    raise TimeoutError(address)
