"""Run a script against a local server that takes what OpenAI's client sends for fine-tuning; print what it received.

python benchmarks/trainer_judges/openai_server.py start.py
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import sys
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECEIVED: list[str] = []


class Service(BaseHTTPRequestHandler):
    """Files and jobs of fine-tuning."""

    def do_POST(self) -> None:
        """Take a request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/files"):
            form = message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body)
            parts = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
            rows = [json.loads(line) for line in parts["file"].get_payload(decode=True).splitlines()]
            purpose = parts["purpose"].get_payload(decode=True).decode()
            RECEIVED.append(f"{len(rows)} rows with {', '.join(rows[0])} for {purpose}")
            answer = {"id": "file-1", "object": "file", "purpose": purpose}
        else:
            asked = json.loads(body)
            RECEIVED.append(f"a job for {asked['model']} with {asked['training_file']}")
            answer = {"id": "job-1", "object": "fine_tuning.job", **asked}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main() -> None:
    """Run the script."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ.update(OPENAI_BASE_URL=f"http://127.0.0.1:{server.server_port}/v1", OPENAI_API_KEY="none")
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(sys.argv[1], run_name="__main__")
        server.shutdown()
    print("; ".join(RECEIVED))


if __name__ == "__main__":
    main()
