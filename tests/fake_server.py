"""An OpenAI-compatible server with a known law, and every fault a real one has shown. For tests and benchmarks.

A first-order chain over a few words: what it says is a function of prompt, seed and temperature alone, and its
log-probabilities are exact. Faults are drawn apart from the content, so that answers never depend on them.

    python tests/fake_server.py --port 8123 [--faults 0.3] [--top 20]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "pe", "ra") for b in ("ba", "do", "fe", "gi", "hu")]
FAULTS = (
    "429_after", "429", "500", "hang", "drop", "truncated", "schema", "empty", "replay", "drip", "lengths",
)  # fmt: skip


@dataclass
class FakeServer:
    """``with FakeServer() as server: server.url``. ``faults``: probability by name.

    ``says``: none, chosen, top, prompt or echo (with log-probabilities of given texts); ``mode``: raw or processed.
    ``together``: answers after the fourth wait until so many requests have been in flight at once, on any machine.
    """

    faults: dict[str, float] = field(default_factory=dict)
    says: str = "top"
    mode: str = "raw"
    key: str | None = None
    words: int = 8
    delay: float = 0.0
    together: int = 0
    hang: float = 3.0
    schema: bool = True
    models: tuple[str, ...] = ("fake",)
    port: int = 0
    seed: int = 0
    canned: int = 0
    say: object = None  # (body) -> text, instead of the chain
    served: Counter = field(default_factory=Counter)
    requests: int = 0
    injected: Counter = field(default_factory=Counter)
    bodies: list = field(default_factory=list)
    keep_bodies: bool = False
    headers: list = field(default_factory=list)
    flying: int = 0
    most_flying: int = 0

    def __post_init__(self):
        rng = np.random.default_rng(7)
        self.logits = (
            rng.normal(size=(len(WORDS) + 1, len(WORDS) + 1)) * 1.5
        )  # row: last word (0: start); column 0: end
        self.logits[0, 0] = -20.0
        self.rng = np.random.default_rng(self.seed)
        self.delivered = deque(maxlen=400)
        self._canned = {}

    def __enter__(self):
        ready = threading.Event()

        def work():
            self.loop = asyncio.new_event_loop()
            self.loop.run_until_complete(self._listen())
            ready.set()
            self.loop.run_forever()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        async def stop():
            self.server.close()
            for writer in list(self.writers):
                writer.close()
            await asyncio.sleep(0.02)
            self.loop.stop()

        asyncio.run_coroutine_threadsafe(stop(), self.loop)
        self.thread.join(5)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    async def _listen(self):
        self.writers = set()
        self.server = await asyncio.start_server(self._client, "127.0.0.1", self.port, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _client(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                headers = {k.strip().lower(): v.strip() for k, v in (x.split(":", 1) for x in lines[1:] if ":" in x)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = lines[0].split(" ")
                self.flying += 1
                self.most_flying = max(self.most_flying, self.flying)
                try:
                    if not await self._answer(writer, method, path, headers, body):
                        break
                finally:
                    self.flying -= 1
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _answer(self, writer, method, path, headers, body):
        self.headers.append(headers) if self.keep_bodies else None
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            return await self._send(writer, 401, {"error": {"message": f"bad key {headers.get('authorization')}"}})
        if path.endswith("/models"):
            return await self._send(writer, 200, {"data": [{"id": name} for name in self.models]})
        asked = json.loads(body)
        self.requests += 1
        number = self.requests
        if self.keep_bodies:
            self.bodies.append(asked)
        if asked.get("model") not in self.models:
            return await self._send(writer, 404, {"error": {"message": f"no model {asked.get('model')}"}})
        refused = self._refusal(asked, path)
        if refused:
            return await self._send(writer, 400, {"error": {"message": refused}})
        while number > 4 and self.most_flying < self.together:  # noqa: ASYNC110  (a count that others move)
            await asyncio.sleep(0.001)
        if self.delay:
            await asyncio.sleep(self.delay)
        fault = self._fault()
        if fault:
            self.injected[fault] += 1
            return await self._broken(writer, fault, asked, path)
        data = self._good(asked, path)
        sent = await self._send(writer, 200, data)
        if "replay" in self.faults:
            self.delivered.append((time.monotonic(), data))
        self.served[hashlib.sha256(body).hexdigest()] += 1
        return sent

    def _refusal(self, asked, path):
        wants = asked.get("logprobs")
        if self.says == "none" and wants not in (None, False):
            return "this model does not support logprobs"
        if self.says == "chosen" and asked.get("top_logprobs"):
            return "top_logprobs is not supported"
        if not self.schema and asked.get("response_format"):
            return "response_format is not supported"
        if asked.get("prompt_logprobs") is not None and self.says != "prompt":
            return "prompt_logprobs is not supported"
        return "echo is not supported" if asked.get("echo") and self.says not in ("prompt", "echo") else ""

    def _fault(self):
        draw = self.rng.random()
        for name, share in self.faults.items():
            draw -= share
            if draw < 0:
                return name
        return ""

    async def _broken(self, writer, fault, asked, path):  # noqa: PLR0911  (a fault, a way out)
        if fault == "429_after":
            return await self._send(writer, 429, {"error": {"message": "slow down"}}, {"Retry-After": "0.05"})
        if fault == "429":
            return await self._send(writer, 429, {"error": {"message": "slow down"}})
        if fault == "500":
            return await self._send(writer, 500, {"error": {"message": "oops"}})
        if fault == "hang":
            await asyncio.sleep(self.hang)
            return False
        if fault == "schema":
            return await self._send(writer, 200, {"object": "list", "data": []})
        data = json.loads(self._good(asked, path))
        if fault == "empty":
            return await self._send(writer, 200, data | {"choices": []})
        if fault == "replay":
            old = [text for at, text in self.delivered if at < time.monotonic() - 0.1]
            return await self._send(writer, 200, old[-1]) if old else await self._send(writer, 500, {})
        if fault == "lengths":
            logs = data["choices"][0].get("logprobs")
            if logs:
                bad = {"token": "?!", "logprob": -1.0}  # never as many tokens as there were
                logs["content"] = [*logs["content"][:-3], bad] if len(logs["content"]) > 3 else [bad] * 9
            return await self._send(writer, 200, data)
        text = json.dumps(data).encode()
        if fault == "truncated":
            return await self._send(writer, 200, text[: len(text) // 2])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text))
        if fault == "drop":
            writer.write(text[: len(text) // 2])
            await writer.drain()
            return False
        for i in range(0, len(text), 1):  # drip
            writer.write(text[i : i + 1])
            await writer.drain()
            await asyncio.sleep(self.hang / 20)
        return True

    async def _send(self, writer, status, data, extra=None):
        text = data if isinstance(data, bytes) else json.dumps(data).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in (extra or {}).items())
        writer.write(head.encode() + b"\r\n" + text)
        await writer.drain()
        return True

    # What it says.

    def _good(self, asked, path):
        if self.canned:
            name = asked.get("seed", 0) % self.canned
            if name not in self._canned:
                self._canned[name] = json.dumps(self._content({**asked, "seed": name}, path))
            identity = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]
            return self._canned[name].replace("@ID@", identity).encode()
        data = self._content(asked, path)
        data["id"] = "chatcmpl-" + hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]
        return json.dumps(data).encode()

    def _content(self, asked, path):
        chat = path.endswith("chat/completions")
        messages = asked["messages"] if chat else [{"role": "user", "content": asked["prompt"]}]
        prompt = "\n".join(message["content"] for message in messages)
        choice = {"index": 0, "finish_reason": "stop"}
        steps, finish = _rich(asked) if self.canned else self._chain(asked, prompt)
        text = "".join(token for token, _, _ in steps)
        if self.say is not None:
            text = self.say(asked)
            steps, finish = [(text, -0.5, [])], "stop"
        if asked.get("response_format") and self.say is None:
            name = next(iter(asked["response_format"]["json_schema"]["schema"]["properties"]))
            text = json.dumps({name: text})
            steps = [(text, -0.5, [])]
        if asked.get("echo"):
            text, steps = prompt, [(letter, -1.25 if i else None, []) for i, letter in enumerate(prompt)]
        choice["finish_reason"] = finish
        wants = self.says != "none" and asked.get("logprobs") not in (None, False)
        if chat:
            choice["message"] = {"role": "assistant", "content": text}
            choice["logprobs"] = {"content": [_step(*s) for s in steps]} if wants else None
        else:
            choice["text"] = text
            choice["logprobs"] = _legacy(steps) if wants else None
        data = {
            "id": "@ID@",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [choice],
            "usage": {"prompt_tokens": len(prompt) // 4 + 5, "completion_tokens": len(steps)},
        }
        if asked.get("prompt_logprobs") is not None:
            tokens = ["<s>", *(messages[-1]["content"] if chat else prompt)]  # a letter is a token
            listed = [None, *({"5": {"logprob": -1.5, "rank": 1, "decoded_token": t}} for t in tokens[1:])]
            data["prompt_logprobs"] = listed
        return data

    def _chain(self, asked, prompt):
        """(token, log-probability, alternatives) of every step; the end token is not listed, as servers do."""
        temperature = max(float(asked.get("temperature", 1.0)), 1e-3)
        tag = hashlib.sha256(f"{prompt}|{asked.get('seed')}".encode()).digest()
        rng = np.random.default_rng(np.frombuffer(tag, dtype=np.uint32))
        steps, last = [], 0
        for _ in range(min(self.words, asked.get("max_tokens", 16))):
            raw = self.logits[last] - np.logaddexp.reduce(self.logits[last])
            law = self.logits[last] / temperature
            law = law - np.logaddexp.reduce(law)
            symbol = int(rng.choice(law.size, p=np.exp(law)))
            shown = law if self.mode == "processed" else raw
            if symbol == 0:
                return steps, "stop"
            count = int(asked.get("top_logprobs") or (asked.get("logprobs") or 0 if "prompt" in asked else 0))
            best = np.argsort(-shown)[:count] if self.says != "chosen" else []
            mark = "" if not steps else " "
            alternatives = [(mark + (WORDS[k - 1] if k else "</s>"), float(shown[k])) for k in map(int, best)]
            steps.append((mark + WORDS[symbol - 1], float(shown[symbol]), alternatives))
            last = symbol
        return steps, "length"


def _rich(asked):
    """Steps as a large model gives them: 50,000 different tokens, no two numbers alike."""
    rng = np.random.default_rng(asked["seed"])
    steps = []
    for i in range(asked["max_tokens"]):
        size = max(asked.get("top_logprobs") or 0, 1)
        logs = np.sort(-rng.gamma(2.0, 3.0, size=size))[::-1]
        names = [f"{' ' if i else ''}{_word(int(k))}" for k in rng.choice(50_000, size=size, replace=False)]
        alternatives = list(zip(names, map(float, logs), strict=True))
        steps.append((*alternatives[0], alternatives))
    return steps, "stop"


def _word(k):
    letters = "abdefgiklmnoprstuvz"
    return "".join(letters[(k // 19**i) % 19] for i in range(2 + k % 4)) + letters[k % 19]


def _step(token, logprob, alternatives):
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode()),
        "top_logprobs": [{"token": t, "logprob": p, "bytes": None} for t, p in alternatives],
    }


def _legacy(steps):
    return {
        "tokens": [token for token, _, _ in steps],
        "token_logprobs": [logprob for _, logprob, _ in steps],
        "top_logprobs": [dict(alternatives) for _, _, alternatives in steps],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--faults", type=float, default=0.0, help="Total share, spread evenly over all faults.")
    parser.add_argument("--words", type=int, default=8)
    parser.add_argument("--says", default="top")
    parser.add_argument("--mode", default="raw")
    parser.add_argument("--canned", type=int, default=0)
    arguments = parser.parse_args()
    faults = {name: arguments.faults / len(FAULTS) for name in FAULTS} if arguments.faults else {}
    with FakeServer(
        faults=faults, port=arguments.port, words=arguments.words, says=arguments.says, mode=arguments.mode,
        canned=arguments.canned,
    ) as server:  # fmt: skip
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
