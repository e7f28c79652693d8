"""Servers of this process that take what is sent to people: webhooks and mail, as they came."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hooks:
    """What came, and the statuses to answer with; 200 once they are used up."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving_hooks() -> Iterator[Hooks]:
    """A server that takes every POST."""
    hooks = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            hooks.came.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers = hooks.answers.pop(0) if hooks.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hooks.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield hooks
    server.shutdown()
    server.server_close()


@dataclass
class Mailbox:
    """The messages that came, and the answer to each DATA."""

    port: int = 0
    answer: str = "250 kept"
    came: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@contextmanager
def receiving_mail() -> Iterator[Mailbox]:
    """A mail server that offers no encryption and keeps everything."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                word = line[:4].upper()
                if word == "RCPT":
                    box.recipients.append(line.partition("<")[2].rstrip(">"))
                if word == "QUIT":
                    return self.say("221 bye")
                self.say("354 go on" if word == "DATA" else "250 ok")
                if word == "DATA":
                    self.take()
            return None

        def take(self) -> None:
            lines: list[str] = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                lines.append(line)
            if box.answer.startswith("2"):
                box.came.append("\n".join(lines))
            self.say(box.answer)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    box.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield box
    server.shutdown()
    server.server_close()
