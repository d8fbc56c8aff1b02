# SPDX-License-Identifier: Apache-2.0
"""A mail server and the HTTP ends of Slack and Teams: each message they get becomes a file.

SMTP and HTTP are real; that nobody but a file reads what Slack and Teams get is the one stand-in of the demo.
"""

import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

CHANNELS = ("slack", "teams", "email")


class Inbox:
    """A folder of messages, `<channel>-<number>`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, channel: str, content: bytes) -> None:
        with self._lock:
            number = len(self.messages(channel)) + 1
            new = self.folder / f".{channel}"
            new.write_bytes(content)
            new.rename(self.folder / f"{channel}-{number}")

    def messages(self, channel: str) -> list[str]:
        """The messages of a channel, oldest first."""
        files = self.folder.glob(f"{channel}-*")
        ordered = sorted(files, key=lambda file: int(file.name.rpartition("-")[2]))
        return [file.read_text(errors="replace") for file in ordered]


class _Mail:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._inbox.add("email", envelope.content)
        return "250 kept"


def main(folder: Path, address: str, smtp_port: int, http_port: int) -> None:
    """Receive until told to end."""
    inbox = Inbox(folder)

    class Webhooks(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            json.loads(body)
            channel = self.path.strip("/").split("/")[0]
            inbox.add(channel, body)
            # As a workflow of Teams does, and a webhook of Slack.
            self.send_response(202 if channel == "teams" else 200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Be silent: the files say it."""

    Controller(_Mail(inbox), hostname=address, port=smtp_port).start()
    threading.Thread(target=ThreadingHTTPServer((address, http_port), Webhooks).serve_forever).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
