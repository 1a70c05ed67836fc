"""A server that lies, breaks the protocol or floods its reader, and knows what it billed. For tests and benchmarks.

Every fault of `fake_server.py` is here as well. A fault is drawn for every attempt, apart from the content.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from dataclasses import dataclass, field

from fake_server import FAULTS, FakeServer

BIG = 24 << 20


def _choice(data):
    return data["choices"][0]


def _message(**fields):
    def changed(data):
        _choice(data)["message"] = {"role": "assistant", **fields}
        _choice(data)["logprobs"] = None
        return data

    return changed


def _finished(reason):
    def changed(data):
        _choice(data)["finish_reason"] = reason
        _choice(data)["message"]["content"] = ""
        _choice(data)["logprobs"] = None
        return data

    return changed


def _usage(change):
    return lambda data: data | {"usage": change(data["usage"])}


def _tokens(prompt, completion):
    return _usage(lambda _: {"prompt_tokens": prompt, "completion_tokens": completion})


def _first_log(value):
    def changed(data):
        logs = _choice(data).get("logprobs")
        if logs and logs["content"]:
            logs["content"][0] |= {"logprob": value}
        return data

    return changed


def _logs(value):
    def changed(data):
        _choice(data)["logprobs"] = value
        return data

    return changed


def _named(**fields):
    return lambda data: data | fields


LIES = {  # what a body becomes; the tokens are billed
    "filtered": _finished("content_filter"), "refusal_field": _message(content=None, refusal="I cannot do that."),
    "null_content": _message(content=None), "content_parts": _message(content=[{"type": "text", "text": "x"}]),
    "tool_call": _message(content=None, tool_calls=[{"id": "1", "type": "function", "function": {"name": "f"}}]),
    "no_usage": lambda data: {name: value for name, value in data.items() if name != "usage"},
    "usage_zero": _tokens(0, 0), "usage_negative": _tokens(-5, -5), "usage_huge": _tokens(4_000_000_000, 9),
    "usage_1e30": _tokens(1e30, 1e30), "usage_text": _tokens("7", 1.5), "usage_list": _named(usage=[1]),
    "usage_third": _usage(lambda told: {name: value // 3 for name, value in told.items()}),
    "log_nan": _first_log(float("nan")), "log_none": _first_log(None), "log_positive": _first_log(3.0),
    "log_text": _first_log("x"), "log_1e300": _first_log(-1e300), "log_big": _first_log(-(10**400)),
    "logs_dict": _logs({"content": {"a": 1}}), "logs_text": _logs({"content": "abc"}), "logs_number": _logs(7),
    "top_list": _logs({"content": [{"token": "a", "logprob": -1.0, "top_logprobs": [[1, 2]]}]}),
    "id_object": _named(id={"a": 1}), "id_surrogate": _named(id="r\ud800", model="m\ud800"),
    "choices_null": _named(choices=None), "choices_text": _named(choices=["x"]),
}  # fmt: skip
BODIES = {  # status, body, headers, whether the tokens are billed
    "deep": (200, b"[" * 100_000, {}, True), "deep_500": (500, b"[" * 100_000, {}, True),
    "number": (200, b'{"choices":' + b"9" * 5_000 + b"}", {}, True), "array": (200, b"[1, 2]", {}, True),
    "null": (200, b"null", {}, True), "empty_body": (200, b"", {}, True),
    "html": (200, b"<html>login</html>", {"Content-Type": "text/html"}, True),
    "events": (200, b"data: {}\n\ndata: [DONE]\n\n", {"Content-Type": "text/event-stream"}, True),
    "html_502": (502, b"<html><script>alert(1)</script>\x1b[31m</html>", {"Content-Type": "text/html"}, True),
    "408": (408, b"{}", {}, True), "409": (409, b"{}", {}, True), "504": (504, b"{}", {}, True),
    "503": (503, b"{}", {}, False), "529": (529, b"{}", {}, False), "425": (425, b"{}", {}, False),
    "400": (400, b'{"error": {"message": "no"}}', {}, False),
    "after_nan": (429, b"", {"Retry-After": "nan"}, False), "after_negative": (429, b"", {"Retry-After": "-5"}, False),
    "not_gzip": (200, b"notgzip", {"Content-Encoding": "gzip"}, True),
    "brotli": (200, b"\x0b\x02\x80abc\x03", {"Content-Encoding": "br"}, True),
    "headers": (200, b"{}", {"X-Long": "x" * 1_000_000}, True),
    "redirect": (307, b"", {"Location": "http://127.0.0.1:9/v1"}, False),
}  # fmt: skip
STREAMS = ("big", "gzip_bomb", "endless", "garbage", "no_content", "reset", "broken_utf8")
KEYS = ("key_in_text", "key_in_id", "key_in_500", "key_in_400", "key_at_the_cut")
KINDS = (*FAULTS, *LIES, *BODIES, *STREAMS, *KEYS)
FREE = frozenset({"429_after", "429", "reset", "key_in_400"} | {name for name, one in BODIES.items() if not one[3]})


@dataclass
class LyingServer(FakeServer):
    """``truth``: tokens that were billed, those of the attempts that broke as well."""

    truth: int = 0
    calls: int = 0
    spare: int = 1  # requests without faults at first: a probe
    truths: list = field(default_factory=list)

    async def _answer(self, writer, method, path, headers, body):
        self.authorization = headers.get("authorization", "")
        if method == "POST":
            told = json.loads(self._good(json.loads(body), path))["usage"]
            self.owed = told["prompt_tokens"] + told["completion_tokens"]
        return await super()._answer(writer, method, path, headers, body)

    def _fault(self):
        self.calls += 1
        fault = "" if self.calls <= self.spare else super()._fault()
        if fault not in FREE:
            self.truth += self.owed
        return fault

    async def _broken(self, writer, fault, asked, path):
        authorization = self.authorization
        if fault in BODIES:
            status, body, headers, _ = BODIES[fault]
            return await self._send(writer, status, body, headers)
        if fault in STREAMS:
            return await self._stream(writer, fault, asked, path)
        if fault in KEYS:
            return await self._leak(writer, fault, asked, path, authorization)
        if fault not in LIES:
            return await super()._broken(writer, fault, asked, path)
        data = LIES[fault](json.loads(self._good(asked, path)))
        return await self._send(writer, 200, json.dumps(data).encode())

    async def _leak(self, writer, fault, asked, path, authorization):
        said = f"you sent {authorization}"
        if fault == "key_in_500":
            return await self._send(writer, 500, {"error": {"message": said}})
        if fault == "key_in_400":
            return await self._send(writer, 400, {"error": {"message": f"\x1b[31m{said}"}})
        if fault == "key_at_the_cut":
            return await self._send(writer, 500, {"error": {"message": "p" * 164 + " " + authorization}})
        data = json.loads(self._good(asked, path))
        if fault == "key_in_text":
            data = _message(content=said)(data)
        else:
            data |= {"id": authorization + data["id"], "system_fingerprint": authorization, "model": authorization}
        return await self._send(writer, 200, data)

    async def _stream(self, writer, fault, asked, path):
        if fault == "garbage":
            writer.write(b"garbage\r\n\r\n")
        elif fault == "no_content":
            writer.write(b"HTTP/1.1 204 X\r\n\r\n")
            await writer.drain()
            return True
        elif fault == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        elif fault == "broken_utf8":
            body = self._good(asked, path).replace(b'"content": "', b'"content": "\xff\xfe\xc3', 1)
            return await self._send(writer, 200, body)
        elif fault == "big":
            return await self._send(writer, 200, json.dumps({"pad": "x" * BIG}).encode())
        elif fault == "gzip_bomb":
            if "bomb" not in self._canned:
                self._canned["bomb"] = gzip.compress(b'{"a":"' + b"0" * (3 * BIG) + b'"}', 9, mtime=0)
            return await self._send(writer, 200, self._canned["bomb"], {"Content-Encoding": "gzip"})
        else:  # endless
            writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(400):
                writer.write(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
        await writer.drain()
        return False
